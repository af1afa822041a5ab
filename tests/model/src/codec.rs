//! Packs a state into 256 bits and back. Each part lists its fields once, for both directions.

/// A packed state: small, and quick to compare and to hash.
pub type Key = [u64; 4];

pub trait Coder {
    /// Writes the low `bits` of `value`, or replaces it by what was written.
    fn bits(&mut self, value: &mut u8, bits: u32);
}

#[derive(Default)]
pub struct Writer {
    key: Key,
    at: u32,
}

impl Writer {
    pub fn key(self) -> Key {
        self.key
    }
}

impl Coder for Writer {
    fn bits(&mut self, value: &mut u8, bits: u32) {
        debug_assert!(u32::from(*value) < 1 << bits);
        // A field never crosses two words.
        if self.at % 64 + bits > 64 {
            self.at += 64 - self.at % 64;
        }
        self.key[(self.at / 64) as usize] |= u64::from(*value) << (self.at % 64);
        self.at += bits;
    }
}

pub struct Reader {
    key: Key,
    at: u32,
}

impl Reader {
    pub fn new(key: Key) -> Reader {
        Reader { key, at: 0 }
    }
}

impl Coder for Reader {
    fn bits(&mut self, value: &mut u8, bits: u32) {
        if self.at % 64 + bits > 64 {
            self.at += 64 - self.at % 64;
        }
        let word = self.key[(self.at / 64) as usize] >> (self.at % 64);
        *value = (word & ((1 << bits) - 1)) as u8;
        self.at += bits;
    }
}
