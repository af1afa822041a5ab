//! Which tenants run side by side.

use std::collections::HashMap;

use crate::error::Error;

/// Who was picked when.
#[derive(Default)]
pub(crate) struct Picks {
    calls: u64,
    /// The last call that picked a tenant, by its id. Who isn't in here was never picked.
    last: HashMap<u64, u64>,
}

impl Picks {
    /// See `Runtime::pick`. `known` tells whether a tenant is registered.
    pub fn pick(
        &mut self,
        ids: &[u64],
        conflicts: &[u8],
        out: &mut [u32],
        known: impl Fn(u64) -> bool,
    ) -> Result<usize, Error> {
        let n = ids.len();
        if n.checked_mul(n) != Some(conflicts.len()) {
            return Err(Error::InvalidValue {
                what: "the size of the matrix of conflicts",
                value: conflicts.len() as u64,
                allowed: "the square of the number of tenants",
            });
        }
        if out.len() < n {
            return Err(Error::InvalidValue {
                what: "the room for those picked",
                value: out.len() as u64,
                allowed: "at least the number of tenants",
            });
        }
        if let Some(&unknown) = ids.iter().find(|&&id| !known(id)) {
            return Err(Error::UnknownTenant(unknown));
        }
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::InvalidArgument(
                "a tenant is named twice: name each that may be picked once",
            ));
        }
        // Who is gone is never asked for again.
        self.last.retain(|&id, _| known(id));
        self.calls += 1;
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&i| (self.last.get(&ids[i]).copied(), ids[i]));
        let marked = |a: usize, b: usize| conflicts[a * n + b] != 0 || conflicts[b * n + a] != 0;
        let mut picked: Vec<usize> = Vec::new();
        for i in order {
            if picked.iter().all(|&p| !marked(i, p)) {
                picked.push(i);
                self.last.insert(ids[i], self.calls);
            }
        }
        picked.sort_unstable();
        for (place, &i) in out.iter_mut().zip(&picked) {
            *place = i as u32;
        }
        Ok(picked.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator (xorshift64*, Vigna 2014), so that a failure can be repeated.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % n
        }
    }

    fn pick(picks: &mut Picks, ids: &[u64], conflicts: &[u8]) -> Vec<usize> {
        let mut out = vec![u32::MAX; ids.len()];
        let count = picks.pick(ids, conflicts, &mut out, |_| true).unwrap();
        assert!(out[count..].iter().all(|&i| i == u32::MAX));
        out[..count].iter().map(|&i| i as usize).collect()
    }

    /// Whether a set, as bits, has no conflict in it.
    fn is_free(set: u32, n: usize, conflicts: &[u8]) -> bool {
        let inside = |i: usize| set >> i & 1 != 0;
        (0..n * n).all(|at| {
            let (a, b) = (at / n, at % n);
            a == b || conflicts[at] == 0 || !inside(a) || !inside(b)
        })
    }

    /// Of all sets without a conflict, tried one by one, none holds more than what was picked and one besides; and each
    /// tenant is picked within as many calls as there are.
    #[test]
    fn what_is_picked_is_maximal_and_everybody_is_picked() {
        let mut random = Random(77);
        for round in 0..400 {
            let n = 1 + random.below(9) as usize;
            let ids: Vec<u64> = (0..n as u64)
                .map(|i| (random.below(50) << 16) | i)
                .collect();
            let often = random.below(5);
            let mut picks = Picks::default();
            let mut seen = 0u32;
            for call in 0..n {
                let conflicts: Vec<u8> = (0..n * n)
                    .map(|_| (random.below(5) < often) as u8 * 7)
                    .collect();
                let picked = pick(&mut picks, &ids, &conflicts);
                assert!(picked.is_sorted());
                let set = picked.iter().fold(0, |set, &i| set | 1u32 << i);
                assert!(is_free(set, n, &conflicts), "round {round}, call {call}");
                let larger = (0..1u32 << n).find(|&other| {
                    other & set == set && other != set && is_free(other, n, &conflicts)
                });
                assert_eq!(larger, None, "round {round}, call {call}: {picked:?}");
                seen |= set;
            }
            assert_eq!(seen, (1 << n) - 1, "round {round}: somebody was left out");
        }
    }

    #[test]
    fn a_mark_in_one_direction_is_enough_and_ones_own_does_not_count() {
        let mut picks = Picks::default();
        let marks = [1, 0, 0, 1, 1, 0, 0, 0, 1];
        assert_eq!(pick(&mut picks, &[5, 6, 7], &marks), [0, 2]);
        assert_eq!(pick(&mut picks, &[5, 6, 7], &marks), [1, 2]);
        assert_eq!(pick(&mut picks, &[], &[]), [0usize; 0]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_changes_nothing() {
        let mut picks = Picks::default();
        let known = |id: u64| id < 10;
        let mut out = [0; 2];
        let wrong: [(&[u64], &[u8], usize); 4] = [
            (&[1, 2], &[0; 3], 2),
            (&[1, 2], &[0; 4], 1),
            (&[1, 12], &[0; 4], 2),
            (&[2, 2], &[0; 4], 2),
        ];
        for (ids, conflicts, room) in wrong {
            let refused = picks.pick(ids, conflicts, &mut out[..room], known);
            assert!(refused.is_err(), "{ids:?}");
        }
        assert_eq!(picks.calls, 0);
        assert_eq!(out, [0; 2]);
    }
}
