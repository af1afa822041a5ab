//! Each standard handler against a CPU reference: sizes around every boundary that the handlers have (vector, granule,
//! tile), any offset and any number of tiles, and what they say about arguments that make no sense.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rota::completion_status::{FAULTED, OK};
use rota::fault::{
    FOREIGN_BUFFER, FUEL_EXHAUSTED, INVALID_BUFFER, INVALID_DATA, INVALID_TILES, OUT_OF_BOUNDS,
    READ_ONLY,
};
use rota::{
    op, recommended_tiles, Completion, Job, Runtime, RuntimeOptions, Tenant, TenantOptions, Wait,
};

#[path = "reference/dfa.rs"]
mod reference;
#[path = "reference/rng.rs"]
mod rng;
use reference::{counts_of, dfa, matches};
use rng::Rng;

/// The most elements that a tile may have.
fn largest(opcode: u32) -> u32 {
    if opcode == op::SCAN_DFA {
        16_384
    } else {
        32_768
    }
}

const TILED: [u32; 8] = [
    op::FILL,
    op::COPY,
    op::SAXPY_F32,
    op::SUM_U32,
    op::SUM_F32,
    op::MIN_MAX_U32,
    op::HISTOGRAM_U8,
    op::SCAN_DFA,
];

/// One less than, exactly, and one more than vectors of words and bytes, granules, lanes times vectors, and chunks.
const SIZES: [u32; 38] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257,
    1_000, 4_095, 4_096, 4_097, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 65_535, 65_536,
    65_537, 150_001,
];

// ---------------------------------------------------------------- the kit

impl Rng {
    fn words(&mut self, n: u32) -> Vec<u32> {
        (0..n).map(|_| self.next()).collect()
    }

    /// Bits of floats between -32,768 and 32,768.
    fn floats(&mut self, n: u32) -> Vec<u32> {
        (0..n)
            .map(|_| (self.next() as i32 as f32 / 65_536.0).to_bits())
            .collect()
    }

    fn letters(&mut self, n: u32, alphabet: u32) -> Vec<u8> {
        (0..n).map(|_| b'a' + self.below(alphabet) as u8).collect()
    }
}

/// The runtime that the tests running at the moment share; the last of them closes it.
static SHARED: Mutex<(usize, Option<Runtime>)> = Mutex::new((0, None));

fn shared() -> MutexGuard<'static, (usize, Option<Runtime>)> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Kit {
    tenant: Tenant,
    rng: Rng,
}

impl Kit {
    fn new(label: &str, seed: u64) -> Self {
        let mut shared = shared();
        let runtime = shared.1.get_or_insert_with(|| {
            let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
            Runtime::open(&RuntimeOptions {
                cache_dir: Some(cache),
                ..Default::default()
            })
            .unwrap_or_else(|e| panic!("no runtime: {e}"))
        });
        let tenant = runtime
            .create_tenant(&TenantOptions {
                label: label.into(),
                ..TenantOptions::default()
            })
            .unwrap();
        shared.0 += 1;
        Self {
            tenant,
            rng: Rng(seed),
        }
    }

    fn run(&self, opcode: u32, tiles: u32, args: &[u32]) -> Completion {
        self.run_with_fuel(opcode, tiles, args, 0)
    }

    fn run_with_fuel(&self, opcode: u32, tiles: u32, args: &[u32], fuel: u32) -> Completion {
        let mut job = Job {
            opcode,
            flags: 0,
            tiles,
            fuel,
            args: [0; 10],
            user_data: 7,
        };
        job.args[..args.len()].copy_from_slice(args);
        let mut ticket = [0];
        let (accepted, result) = self.tenant.submit(&[job], Some(&mut ticket));
        result.unwrap();
        assert_eq!(accepted, 1);
        self.tenant
            .wait(ticket[0], Wait::Adaptive, 60_000_000_000)
            .unwrap()
    }

    /// Runs a job that must end OK, and gives its results.
    fn ok(&self, opcode: u32, tiles: u32, args: &[u32]) -> [u32; 2] {
        let c = self.run(opcode, tiles, args);
        assert_eq!(
            (c.status, c.fault),
            (OK, 0),
            "opcode {opcode:#x}, {tiles} tiles, arguments {args:?}"
        );
        c.results
    }

    fn bytes(&self, bytes: &[u8]) -> Buf {
        let handle = self
            .tenant
            .buffer_create(bytes.len().max(1) as u64, false)
            .unwrap();
        self.tenant.buffer_write(handle, 0, bytes).unwrap();
        Buf {
            tenant: self.tenant.clone(),
            handle,
            len: bytes.len(),
        }
    }

    fn words(&self, words: &[u32]) -> Buf {
        self.bytes(
            &words
                .iter()
                .flat_map(|w| w.to_le_bytes())
                .collect::<Vec<_>>(),
        )
    }

    /// A number of tiles that is enough for n elements: as few as can be, the recommended ones, or many.
    fn tiles(&mut self, opcode: u32, n: u32, how: u32) -> u32 {
        let fewest = n.div_ceil(largest(opcode)).max(1);
        match how {
            0 => fewest,
            1 => recommended_tiles(opcode, u64::from(n)),
            _ => fewest + self.rng.below(300),
        }
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        let mut shared = shared();
        shared.0 -= 1;
        if shared.0 == 0 {
            shared.1 = None;
        }
    }
}

struct Buf {
    tenant: Tenant,
    handle: u32,
    len: usize,
}

impl Buf {
    fn read(&self) -> Vec<u32> {
        let mut bytes = vec![0; self.len];
        self.tenant.buffer_read(self.handle, 0, &mut bytes).unwrap();
        bytes
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        // It fails only where the test has failed already.
        let _ = self.tenant.buffer_destroy(self.handle);
    }
}

/// Runs `case(kit, n, tiles)` over all sizes, with three numbers of tiles each.
fn sweep(opcode: u32, label: &str, seed: u64, mut case: impl FnMut(&mut Kit, u32, u32)) {
    let mut kit = Kit::new(label, seed);
    for how in 0..3 {
        for n in SIZES {
            let tiles = kit.tiles(opcode, n, how);
            case(&mut kit, n, tiles);
        }
    }
}

// ---------------------------------------------------------------- scalar

#[test]
fn nop_and_spin_give_their_results_many_at_a_time() {
    let kit = Kit::new("scalar", 1);
    let jobs: Vec<_> = (0..200u32)
        .map(|i| {
            let opcode = if i % 3 == 0 { op::SPIN } else { op::NOP };
            let mut job = Job {
                opcode,
                flags: 0,
                tiles: 1,
                fuel: 0,
                args: [0; 10],
                user_data: u64::from(i),
            };
            job.args[0] = i * 5;
            job.args[1] = !i;
            job
        })
        .collect();
    let mut tickets = vec![0; jobs.len()];
    let (accepted, result) = kit.tenant.submit(&jobs, Some(&mut tickets));
    result.unwrap();
    assert_eq!(accepted, jobs.len());
    for (job, ticket) in jobs.iter().zip(tickets) {
        let c = kit
            .tenant
            .wait(ticket, Wait::Adaptive, 60_000_000_000)
            .unwrap();
        assert_eq!((c.status, c.fault, c.user_data), (OK, 0, job.user_data));
        if job.opcode == op::NOP {
            assert_eq!(c.results, [job.args[0], job.args[1]]);
        } else {
            let x = (0..job.args[0]).fold(job.args[1], |x, _| {
                x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
            });
            assert_eq!(c.results[0], x);
        }
    }
}

#[test]
fn spin_beyond_its_fuel_faults() {
    let kit = Kit::new("fuel", 2);
    assert_eq!(
        kit.run_with_fuel(op::SPIN, 1, &[1_000, 1], 1_100).status,
        OK
    );
    let c = kit.run_with_fuel(op::SPIN, 1, &[1_000, 1], 900);
    assert_eq!((c.status, c.fault), (FAULTED, FUEL_EXHAUSTED));
    let c = kit.run(op::SPIN, 1, &[u32::MAX, 1]);
    assert_eq!((c.status, c.fault), (FAULTED, FUEL_EXHAUSTED));
    assert_eq!(
        kit.run(op::SPIN, 1, &[1_000, 1]).status,
        OK,
        "the next job has a budget of its own"
    );
}

// ---------------------------------------------------------------- words

#[test]
fn fill_stores_into_its_range_only() {
    sweep(op::FILL, "fill", 3, |kit, n, tiles| {
        let offset = kit.rng.below(9);
        let behind = kit.rng.below(5);
        let mut expected = kit.rng.words(offset + n + behind);
        let dst = kit.words(&expected);
        let value = kit.rng.next();
        kit.ok(op::FILL, tiles, &[dst.handle, offset, n, value]);
        expected[offset as usize..][..n as usize].fill(value);
        assert!(
            expected == dst.read(),
            "{n} words from {offset} in {tiles} tiles"
        );
    });
}

#[test]
fn copy_copies_whatever_the_alignment() {
    sweep(op::COPY, "copy", 4, |kit, n, tiles| {
        let (a, b) = (kit.rng.below(9), kit.rng.below(9));
        let from = kit.rng.words(a + n + 1);
        let mut expected = kit.rng.words(b + n + 3);
        let (src, dst) = (kit.words(&from), kit.words(&expected));
        kit.ok(op::COPY, tiles, &[src.handle, a, dst.handle, b, n]);
        expected[b as usize..][..n as usize].copy_from_slice(&from[a as usize..][..n as usize]);
        assert!(
            expected == dst.read(),
            "{n} words from {a} to {b} in {tiles} tiles"
        );
    });
}

#[test]
fn copy_within_a_buffer_works_where_the_ranges_are_apart() {
    let mut kit = Kit::new("copy within", 5);
    let mut expected = kit.rng.words(10_000);
    let both = kit.words(&expected);
    kit.ok(op::COPY, 3, &[both.handle, 5_003, both.handle, 2, 4_997]);
    expected.copy_within(5_003.., 2);
    assert!(expected == both.read());
}

/// Whether y is alpha * x + y0, rounded once or twice: a driver may fuse the two operations.
fn is_saxpy(y: u32, alpha: f32, x: u32, y0: u32) -> bool {
    let (y, x, y0) = (f32::from_bits(y), f32::from_bits(x), f32::from_bits(y0));
    y == alpha * x + y0 || y == alpha.mul_add(x, y0)
}

#[test]
fn saxpy_is_right_to_the_bit() {
    sweep(op::SAXPY_F32, "saxpy", 6, |kit, n, tiles| {
        let (a, b) = (kit.rng.below(9), kit.rng.below(9));
        let (x0, y0) = (kit.rng.floats(a + n), kit.rng.floats(b + n + 2));
        let (x, y) = (kit.words(&x0), kit.words(&y0));
        let alpha = [0.0, 1.0, -1.0, 0.1, 123.456][kit.rng.below(5) as usize];
        kit.ok(
            op::SAXPY_F32,
            tiles,
            &[x.handle, a, y.handle, b, n, f32::to_bits(alpha)],
        );
        for (i, (&got, &before)) in y.read().iter().zip(&y0).enumerate() {
            let right = match i.checked_sub(b as usize) {
                Some(k) if k < n as usize => is_saxpy(got, alpha, x0[k + a as usize], before),
                _ => got == before,
            };
            assert!(
                right,
                "element {i} of {n}, x from {a}, y from {b}, {tiles} tiles"
            );
        }
    });
}

#[test]
fn saxpy_takes_one_buffer_as_x_and_y() {
    let mut kit = Kit::new("saxpy alias", 7);
    for offset in 0..5 {
        let before = kit.rng.floats(5_000);
        let y = kit.words(&before);
        kit.ok(
            op::SAXPY_F32,
            4,
            &[y.handle, offset, y.handle, offset, 4_990, 2.5f32.to_bits()],
        );
        for (i, (&got, &y0)) in y.read().iter().zip(&before).enumerate() {
            let inside = (offset..offset + 4_990).contains(&(i as u32));
            assert!(
                if inside {
                    is_saxpy(got, 2.5, y0, y0)
                } else {
                    got == y0
                },
                "element {i}, offset {offset}"
            );
        }
    }
}

#[test]
fn sum_u32_is_a_64_bit_sum() {
    sweep(op::SUM_U32, "sum_u32", 8, |kit, n, tiles| {
        let offset = kit.rng.below(9);
        let words = if n % 5 == 0 {
            vec![u32::MAX; (offset + n) as usize]
        } else {
            kit.rng.words(offset + n)
        };
        let src = kit.words(&words);
        let [low, high] = kit.ok(op::SUM_U32, tiles, &[src.handle, offset, n]);
        let expected: u64 = words[offset as usize..].iter().map(|&w| u64::from(w)).sum();
        assert_eq!(
            u64::from(high) << 32 | u64::from(low),
            expected,
            "{n} words from {offset} in {tiles} tiles"
        );
    });
}

#[test]
fn sum_f32_leaves_one_sum_per_tile() {
    sweep(op::SUM_F32, "sum_f32", 9, |kit, n, tiles| {
        let offset = kit.rng.below(9);
        let words = kit.rng.floats(offset + n);
        let (src, dst) = (kit.words(&words), kit.words(&vec![7; tiles as usize + 4]));
        let results = kit.ok(op::SUM_F32, tiles, &[src.handle, offset, n, dst.handle, 3]);
        let sums = dst.read();
        assert_eq!(
            (&sums[..3], sums[tiles as usize + 3]),
            (&[7; 3][..], 7),
            "neighbours of the sums"
        );

        let chunk = (n.div_ceil(tiles).next_multiple_of(64).max(64)) as usize;
        let mut chunks = words[offset as usize..].chunks(chunk);
        for (tile, &sum) in sums[3..][..tiles as usize].iter().enumerate() {
            let chunk = chunks.next().unwrap_or_default();
            let exact: f64 = chunk.iter().map(|&w| f64::from(f32::from_bits(w))).sum();
            let size: f64 = chunk
                .iter()
                .map(|&w| f64::from(f32::from_bits(w).abs()))
                .sum();
            // With four lanes of four sums each, no number goes through more additions than this, each of which is
            // off by half a unit in the last place (Higham, Accuracy and Stability, section 4.2).
            let bound = (chunk.len() as f64 / 16.0 + 80.0) * f64::from(f32::EPSILON) / 2.0 * size;
            let error = (f64::from(f32::from_bits(sum)) - exact).abs();
            assert!(
                error <= bound,
                "tile {tile} of {tiles}, {n} words from {offset}: off by {error}, bound {bound}"
            );
        }
        assert_eq!(chunks.next(), None);
        if tiles == 1 {
            assert_eq!(results[0], sums[3]);
            assert_eq!(
                kit.ok(op::SUM_F32, 1, &[src.handle, offset, n, 0, 0])[0],
                sums[3],
                "without dst"
            );
        }
    });
}

#[test]
fn min_max_finds_both() {
    sweep(op::MIN_MAX_U32, "min_max", 10, |kit, n, tiles| {
        let offset = kit.rng.below(9);
        let floor = kit.rng.next();
        let words: Vec<_> = (0..offset + n)
            .map(|i| {
                if i < offset {
                    0
                } else {
                    kit.rng.next() | floor
                }
            })
            .collect();
        let src = kit.words(&words);
        let range = &words[offset as usize..];
        let expected = [
            range.iter().min().copied().unwrap_or(u32::MAX),
            range.iter().max().copied().unwrap_or(0),
        ];
        let got = kit.ok(op::MIN_MAX_U32, tiles, &[src.handle, offset, n]);
        assert_eq!(got, expected, "{n} words from {offset} in {tiles} tiles");
    });
}

// ---------------------------------------------------------------- bytes

#[test]
fn histogram_adds_to_what_is_there() {
    sweep(op::HISTOGRAM_U8, "histogram", 11, |kit, n, tiles| {
        let offset = kit.rng.below(40);
        let spread = 1 + kit.rng.below(256);
        let bytes: Vec<_> = (0..offset + n)
            .map(|_| kit.rng.below(spread) as u8)
            .collect();
        let src = kit.bytes(&bytes);
        let mut expected = vec![5; 256 + 6];
        let dst = kit.words(&expected);
        kit.ok(
            op::HISTOGRAM_U8,
            tiles,
            &[src.handle, offset, n, dst.handle, 3],
        );
        bytes[offset as usize..]
            .iter()
            .for_each(|&b| expected[3 + b as usize] += 1);
        assert_eq!(
            expected,
            dst.read(),
            "{n} bytes from {offset} in {tiles} tiles"
        );
    });
}

fn pairs(words: &[u32]) -> Vec<(u32, u32)> {
    let mut pairs: Vec<_> = words.chunks_exact(2).map(|w| (w[0], w[1])).collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn scan_dfa_counts_what_ends_in_the_range() {
    sweep(op::SCAN_DFA, "scan", 12, |kit, n, tiles| {
        let offset = kit.rng.below(40);
        let longest = [2, 5, 40][kit.rng.below(3) as usize];
        let mut patterns: Vec<Vec<u8>> = vec![];
        for _ in 0..=kit.rng.below(7) {
            let length = 1 + kit.rng.below(longest);
            let pattern = kit.rng.letters(length, 3);
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        // Not so many matches that a tile runs out of fuel, of which each takes one.
        let alphabet = 6 + kit.rng.below(10);
        let mut all = kit.rng.letters(offset + n, alphabet);
        // Whole patterns, also long ones, all over the text and so across the borders of lanes and tiles.
        for _ in 0..all.len() / 200 {
            let pattern = &patterns[kit.rng.below(patterns.len() as u32) as usize];
            if pattern.len() < all.len() {
                let at = kit.rng.below((all.len() - pattern.len()) as u32) as usize;
                all[at..][..pattern.len()].copy_from_slice(pattern);
            }
        }
        let (text, table) = (kit.bytes(&all), kit.words(&dfa(&patterns)));
        let expected = matches(&all[offset as usize..], &patterns);
        let about = format!("{n} bytes from {offset} in {tiles} tiles, patterns {patterns:?}");

        // Without positions, on top of counts that are there already.
        let counts = kit.words(&vec![9; patterns.len() + 3]);
        let args = [text.handle, offset, n, table.handle, counts.handle, 2, 0, 0];
        assert_eq!(
            kit.ok(op::SCAN_DFA, tiles, &args),
            [expected.len() as u32, 0],
            "{about}"
        );
        let added: Vec<_> = counts.read()[2..].iter().map(|c| c - 9).collect();
        assert_eq!(
            added[..patterns.len()],
            counts_of(&expected, patterns.len()),
            "{about}"
        );
        assert_eq!(
            (counts.read()[..2].to_vec(), added[patterns.len()]),
            (vec![9, 9], 0),
            "neighbours of the counts"
        );

        // With room for all positions, and for half of them.
        for cap in [expected.len(), expected.len() / 2] {
            let positions = kit.words(&vec![0; 1 + 2 * cap + 2]);
            let args = [
                text.handle,
                offset,
                n,
                table.handle,
                counts.handle,
                2,
                positions.handle,
                cap as u32,
            ];
            kit.ok(op::SCAN_DFA, tiles, &args);
            let words = positions.read();
            assert_eq!(words[0] as usize, expected.len(), "{about}");
            assert_eq!(
                words[1 + 2 * cap..],
                [0, 0],
                "behind the room for positions"
            );
            let mut found = pairs(&words[1..1 + 2 * cap]);
            if cap == expected.len() {
                let mut expected = expected.clone();
                expected.sort_unstable();
                assert_eq!(found, expected, "{about}");
            } else {
                found.dedup();
                assert_eq!(found.len(), cap, "a position told twice, {about}");
                assert!(found.iter().all(|m| expected.contains(m)), "{about}");
            }
        }
    });
}

#[test]
fn scan_dfa_takes_any_byte_and_a_match_at_every_byte() {
    let mut kit = Kit::new("scan bytes", 13);
    let all: Vec<_> = (0..20_001).map(|_| kit.rng.next() as u8).collect();
    let patterns: Vec<_> = (0..40)
        .map(|i| all[i * 400..][..3 + i % 4].to_vec())
        .collect();
    let (text, table) = (kit.bytes(&all), kit.words(&dfa(&patterns)));
    let counts = kit.words(&vec![0; patterns.len()]);
    kit.ok(
        op::SCAN_DFA,
        5,
        &[text.handle, 0, 20_001, table.handle, counts.handle, 0, 0, 0],
    );
    assert_eq!(
        counts.read(),
        counts_of(&matches(&all, &patterns), patterns.len())
    );

    let (n, patterns) = (20_000u32, [b"a".to_vec(), b"aa".to_vec()]);
    let (text, table) = (
        kit.bytes(&vec![b'a'; n as usize]),
        kit.words(&dfa(&patterns)),
    );
    let counts = kit.words(&[0, 0]);
    let results = kit.ok(
        op::SCAN_DFA,
        4,
        &[text.handle, 0, n, table.handle, counts.handle, 0, 0, 0],
    );
    assert_eq!((results, counts.read()), ([2 * n - 1, 0], vec![n, n - 1]));
}

#[test]
fn scan_dfa_of_no_patterns_finds_nothing() {
    let kit = Kit::new("scan none", 14);
    let (text, table, counts) = (kit.bytes(b"abc"), kit.words(&dfa(&[])), kit.words(&[4]));
    assert_eq!(
        kit.ok(
            op::SCAN_DFA,
            1,
            &[text.handle, 0, 3, table.handle, counts.handle, 0, 0, 0]
        ),
        [0, 0]
    );
    assert_eq!(counts.read(), [4]);
}

#[test]
fn a_wrong_dfa_table_is_invalid_data() {
    let kit = Kit::new("wrong table", 15);
    let patterns = [b"ab".to_vec(), b"abcab".to_vec(), b"ca".to_vec()];
    let good = dfa(&patterns);
    let (states, classes) = (good[1], good[2]);
    let (index, outputs) = (good[6] as usize, good[7] as usize);
    let (text, counts) = (kit.bytes(&b"abcab".repeat(200)), kit.words(&[0; 3]));
    let scan = |table: &[u32]| {
        let table = kit.words(table);
        let c = kit.run(
            op::SCAN_DFA,
            2,
            &[text.handle, 0, 1_000, table.handle, counts.handle, 0, 0, 0],
        );
        (c.status, c.fault)
    };
    assert_eq!(scan(&good), (OK, 0));
    let wrong: [(&str, usize, u32); 17] = [
        ("magic", 0, 0),
        ("no states", 1, 0),
        ("more states than the table holds", 1, 1_000),
        (
            "so many states that their transitions overflow",
            1,
            0xffff_ffff / classes + 1,
        ),
        ("no classes", 2, 0),
        ("more classes than bytes", 2, 257),
        ("a class that isn't there", 8, classes << 8),
        ("a pattern longer than the states allow", 4, states),
        ("transitions outside", 5, good.len() as u32),
        ("transitions far outside", 5, u32::MAX),
        ("index outside", 6, good.len() as u32 - states),
        ("outputs outside", 7, good.len() as u32 + 1),
        ("a transition to no state", 72 + 1, states),
        ("a transition to no state, with outputs", 72 + 1, u32::MAX),
        ("a hit without outputs", 72 + 1, 1 << 31),
        ("outputs beyond the list", index + states as usize, u32::MAX),
        ("an output that is no pattern", outputs, 3),
    ];
    for (what, at, value) in wrong {
        let mut table = good.clone();
        table[at] = value;
        // The index is looked at only for a state that the text reaches: make it wrong for every state.
        if at == index + states as usize {
            table[index..]
                .iter_mut()
                .skip(1)
                .take(states as usize)
                .for_each(|w| *w = value);
        }
        assert_eq!(scan(&table), (FAULTED, INVALID_DATA), "{what}");
    }
    for length in [0, 1, 71] {
        assert_eq!(
            scan(&good[..length]),
            (FAULTED, INVALID_DATA),
            "{length} words"
        );
    }
    assert_eq!(scan(&good), (OK, 0), "the next job");
}

#[test]
fn a_damaged_dfa_table_ends_and_stays_in_its_counts() {
    let mut kit = Kit::new("damaged table", 16);
    let patterns = [
        b"ab".to_vec(),
        b"abc".to_vec(),
        b"ca".to_vec(),
        b"b".to_vec(),
    ];
    let good = dfa(&patterns);
    let letters = kit.rng.letters(3_000, 4);
    let text = kit.bytes(&letters);
    let (mut faults, mut rounds) = (0, 0);
    for _ in 0..300 {
        let mut table = good.clone();
        for _ in 0..=kit.rng.below(4) {
            let at = kit.rng.below(table.len() as u32) as usize;
            // Not the number of patterns: it tells how many counts the caller means.
            if at != 3 {
                table[at] = match kit.rng.below(3) {
                    0 => kit.rng.next(),
                    1 => table[at] ^ 1 << kit.rng.below(32),
                    _ => kit.rng.below(table.len() as u32),
                };
            }
        }
        let (table, counts) = (kit.words(&table), kit.words(&[0; 8]));
        let c = kit.run(
            op::SCAN_DFA,
            2,
            &[text.handle, 0, 3_000, table.handle, counts.handle, 2, 0, 0],
        );
        let known = c.status == OK
            || (c.status == FAULTED && [FUEL_EXHAUSTED, INVALID_DATA].contains(&c.fault));
        assert!(known, "status {}, fault {}", c.status, c.fault);
        let counts = counts.read();
        assert_eq!(
            (&counts[..2], &counts[6..]),
            (&[0; 2][..], &[0; 2][..]),
            "neighbours of the counts"
        );
        rounds += 1;
        faults += u32::from(c.status == FAULTED);
    }
    assert!(
        faults > rounds / 4,
        "{faults} of {rounds} damaged tables noticed: the damage is too small to test"
    );
}

// ---------------------------------------------------------------- arguments that make no sense

/// Arguments of a tiled handler for `count` elements from `offset` on: it reads `src` and writes `dst`. The others,
/// `table` and what is written in small, are good. Also the place of the handles of source and destination.
struct Call {
    args: Vec<u32>,
    reads: Option<usize>,
    writes: Option<usize>,
}

fn call(opcode: u32, src: u32, dst: u32, table: u32, offset: u32, count: u32) -> Call {
    let (args, reads, writes) = match opcode {
        op::FILL => (vec![dst, offset, count, 1], None, Some(0)),
        op::COPY => (vec![src, offset, dst, 0, count], Some(0), Some(2)),
        op::SAXPY_F32 => (vec![src, offset, dst, 0, count, 0], Some(0), Some(2)),
        op::SUM_U32 | op::MIN_MAX_U32 => (vec![src, offset, count], Some(0), None),
        op::SUM_F32 | op::HISTOGRAM_U8 => (vec![src, offset, count, dst, 0], Some(0), Some(3)),
        op::SCAN_DFA => (
            vec![src, offset, count, table, dst, 0, 0, 0],
            Some(0),
            Some(4),
        ),
        _ => unreachable!(),
    };
    Call {
        args,
        reads,
        writes,
    }
}

#[test]
fn too_few_tiles_are_invalid_tiles() {
    let kit = Kit::new("tiles", 17);
    let (src, dst) = (kit.words(&vec![0; 40_000]), kit.words(&vec![3; 40_000]));
    let table = kit.words(&dfa(&[b"xyz".to_vec()]));
    for opcode in TILED {
        for n in [largest(opcode) + 1, 40_000] {
            let args = call(opcode, src.handle, dst.handle, table.handle, 0, n).args;
            let c = kit.run(opcode, 1, &args);
            assert_eq!(
                (c.status, c.fault),
                (FAULTED, INVALID_TILES),
                "opcode {opcode:#x}, {n} elements"
            );
            assert_eq!(
                dst.read()[0],
                3,
                "opcode {opcode:#x} wrote before it looked"
            );
        }
    }
    for opcode in TILED {
        let args = call(
            opcode,
            src.handle,
            dst.handle,
            table.handle,
            0,
            largest(opcode) + 1,
        )
        .args;
        kit.ok(opcode, 2, &args);
    }
}

#[test]
fn ranges_that_do_not_fit_are_out_of_bounds_and_write_nothing() {
    let kit = Kit::new("bounds", 18);
    let (src, dst) = (kit.words(&vec![1; 1_001]), kit.words(&vec![3; 1_001]));
    let table = kit.words(&dfa(&[b"xyz".to_vec()]));
    for opcode in TILED {
        let room = if [op::HISTOGRAM_U8, op::SCAN_DFA].contains(&opcode) {
            4_004
        } else {
            1_001
        };
        // The last one is four bytes, if somebody multiplies in 32 bits.
        let ranges = [
            (0, room + 1),
            (1, room),
            (room, 1),
            (room + 1, 1),
            (u32::MAX, 1),
            (u32::MAX - 1, 3),
            (1, 0x4000_0001),
        ];
        for (offset, count) in ranges {
            let args = call(opcode, src.handle, dst.handle, table.handle, offset, count).args;
            let c = kit.run(opcode, count.div_ceil(largest(opcode)).max(3), &args);
            assert_eq!(
                (c.status, c.fault),
                (FAULTED, OUT_OF_BOUNDS),
                "opcode {opcode:#x}, {count} from {offset}"
            );
        }
        assert!(
            dst.read().iter().all(|&w| w == 3),
            "opcode {opcode:#x} wrote"
        );
    }
    // Ranges of what is written in small.
    let h = |b: &Buf| b.handle;
    let small: [(&str, u32, Vec<u32>); 6] = [
        (
            "copy's destination",
            op::COPY,
            vec![h(&src), 0, h(&dst), 1, 1_001],
        ),
        (
            "saxpy's y",
            op::SAXPY_F32,
            vec![h(&src), 0, h(&dst), 1_000, 2, 0],
        ),
        ("sums", op::SUM_F32, vec![h(&src), 0, 10, h(&dst), 999]),
        (
            "256 counts",
            op::HISTOGRAM_U8,
            vec![h(&src), 0, 10, h(&dst), 746],
        ),
        (
            "counts of patterns",
            op::SCAN_DFA,
            vec![h(&src), 0, 10, h(&table), h(&dst), 1_001, 0, 0],
        ),
        (
            "positions",
            op::SCAN_DFA,
            vec![h(&src), 0, 10, h(&table), h(&dst), 0, h(&dst), 501],
        ),
    ];
    for (what, opcode, args) in small {
        let c = kit.run(opcode, 3, &args);
        assert_eq!((c.status, c.fault), (FAULTED, OUT_OF_BOUNDS), "{what}");
    }
    for cap in [0x7fff_ffff, 0x8000_0000, u32::MAX] {
        let c = kit.run(
            op::SCAN_DFA,
            1,
            &[
                src.handle,
                0,
                10,
                table.handle,
                dst.handle,
                0,
                dst.handle,
                cap,
            ],
        );
        assert_eq!(
            (c.status, c.fault),
            (FAULTED, OUT_OF_BOUNDS),
            "room for {cap} positions"
        );
    }
    assert!(dst.read().iter().all(|&w| w == 3));
}

#[test]
fn handles_that_are_not_good_are_told_by_name() {
    let (kit, other) = (Kit::new("handles", 19), Kit::new("other", 20));
    let (src, dst) = (kit.words(&[1; 300]), kit.words(&[3; 300]));
    let table = kit.words(&dfa(&[b"xyz".to_vec()]));
    let foreign = other.words(&[5; 300]);
    let destroyed = kit.words(&[0; 300]).handle;
    let read_only = kit.tenant.buffer_create(1_200, true).unwrap();
    for opcode in TILED {
        let good = call(opcode, src.handle, dst.handle, table.handle, 0, 100);
        for place in good.reads.into_iter().chain(good.writes) {
            for (handle, fault) in [
                (0, INVALID_BUFFER),
                (0xffff, INVALID_BUFFER),
                (u32::MAX, INVALID_BUFFER),
                (destroyed, INVALID_BUFFER),
                (foreign.handle, FOREIGN_BUFFER),
            ] {
                let mut args = good.args.clone();
                args[place] = handle;
                let c = kit.run(opcode, 2, &args);
                assert_eq!(
                    (c.status, c.fault),
                    (FAULTED, fault),
                    "opcode {opcode:#x}, argument {place}: {handle:#x}"
                );
            }
        }
        if let Some(place) = good.reads {
            let mut args = good.args.clone();
            args[place] = read_only;
            kit.ok(opcode, 2, &args);
        }
        if let Some(place) = good.writes {
            let mut args = good.args.clone();
            args[place] = read_only;
            let c = kit.run(opcode, 2, &args);
            assert_eq!(
                (c.status, c.fault),
                (FAULTED, READ_ONLY),
                "opcode {opcode:#x}, argument {place}"
            );
        }
    }
    assert_eq!(foreign.read(), [5; 300]);
}

#[test]
fn a_count_of_nothing_needs_no_buffer() {
    let kit = Kit::new("nothing", 21);
    for opcode in TILED {
        // sum_f32 has a sum to store for each tile, but one tile alone can leave it to the results.
        let tiles = if opcode == op::SUM_F32 { 1 } else { 5 };
        let results = kit.ok(opcode, tiles, &call(opcode, 0, 0, 0, u32::MAX, 0).args);
        let expected = if opcode == op::MIN_MAX_U32 {
            [u32::MAX, 0]
        } else {
            [0, 0]
        };
        assert_eq!(results, expected, "opcode {opcode:#x}");
    }
}

#[test]
fn many_more_tiles_than_elements_are_fine() {
    let kit = Kit::new("tiles over", 22);
    let (src, dst) = (kit.words(&[2; 300]), kit.words(&[0; 300]));
    let table = kit.words(&dfa(&[b"xyz".to_vec()]));
    for opcode in TILED.into_iter().filter(|&opcode| opcode != op::SUM_F32) {
        kit.ok(
            opcode,
            3_000,
            &call(opcode, src.handle, dst.handle, table.handle, 0, 5).args,
        );
    }
    assert_eq!(kit.ok(op::SUM_U32, 70_000, &[src.handle, 0, 100]), [200, 0]);
}

#[test]
fn recommended_tiles_are_enough_and_in_range() {
    for opcode in TILED {
        assert_eq!(recommended_tiles(opcode, 0), 1);
        for n in [1, 2, 1_000, 32_768, 32_769, 1 << 24, u64::from(u32::MAX)] {
            let tiles = recommended_tiles(opcode, n);
            assert!(
                tiles >= 1 && n.div_ceil(u64::from(tiles)) <= u64::from(largest(opcode)),
                "opcode {opcode:#x}, {n}"
            );
        }
        assert_eq!(recommended_tiles(opcode, u64::MAX), 1 << 24);
    }
    for opcode in [op::NOP, op::SPIN] {
        assert_eq!(recommended_tiles(opcode, 1_000_000), 1);
    }
    for opcode in [0, 0x00f, 0x1000, u32::MAX] {
        assert_eq!(recommended_tiles(opcode, 1_000), 0);
    }
}
