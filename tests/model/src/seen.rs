//! The set of states seen so far: an open-addressing table of indices into one array of keys, which
//! needs half the memory of a `HashMap` and keeps the order in which the states were found.

use crate::codec::Key;

const EMPTY: u32 = u32::MAX;

pub struct Seen {
    table: Vec<u32>,
    keys: Vec<Key>,
}

impl Seen {
    pub fn new() -> Seen {
        Seen {
            table: vec![EMPTY; 1 << 12],
            keys: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn key(&self, index: usize) -> Key {
        self.keys[index]
    }

    /// The state's index, and whether it is new.
    pub fn insert(&mut self, key: Key) -> (u32, bool) {
        let mask = self.table.len() - 1;
        let mut at = hash(&key) & mask;
        while self.table[at] != EMPTY {
            if self.keys[self.table[at] as usize] == key {
                return (self.table[at], false);
            }
            at = (at + 1) & mask;
        }
        let index = self.keys.len() as u32;
        self.table[at] = index;
        self.keys.push(key);
        if self.keys.len() * 2 > self.table.len() {
            self.grow();
        }
        (index, true)
    }

    fn grow(&mut self) {
        let mut table = vec![EMPTY; self.table.len() * 2];
        let mask = table.len() - 1;
        for (index, key) in self.keys.iter().enumerate() {
            let mut at = hash(key) & mask;
            while table[at] != EMPTY {
                at = (at + 1) & mask;
            }
            table[at] = index as u32;
        }
        self.table = table;
    }
}

/// Multiply and fold: the keys are not hostile, and the standard hasher takes most of the run.
fn hash(key: &Key) -> usize {
    let mut mixed = 0u64;
    for word in key {
        let wide = u128::from(mixed ^ word) * 0x9e37_79b9_7f4a_7c15;
        mixed = (wide as u64) ^ ((wide >> 64) as u64);
    }
    (mixed ^ (mixed >> 29)) as usize
}
