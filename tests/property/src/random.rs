//! Numbers from a seed, the same on every machine: splitmix64.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, which isn't 0.
    pub fn below(&mut self, n: u32) -> u32 {
        (((self.next() >> 32) * u64::from(n)) >> 32) as u32
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, of_a_hundred: u32) -> bool {
        self.below(100) < of_a_hundred
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u32) as usize]
    }

    /// A word as programs meet them: small, near a border, or any.
    pub fn word(&mut self) -> u32 {
        match self.below(10) {
            0..=4 => self.below(9),
            5 => self.below(300),
            6 => 0u32.wrapping_sub(1 + self.below(9)),
            7 => 0x8000_0000u32.wrapping_add(self.below(5)).wrapping_sub(2),
            8 => 1 << self.below(32),
            _ => self.next() as u32,
        }
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}
