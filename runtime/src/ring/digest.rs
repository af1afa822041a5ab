//! The write digest: 64 bits for all that a job stored, independent of order, so that two runs can be compared without their
//! data. `kernel/digest.wgsl` counts in the kernel; this has its numbers, and the same for the host.
//!
//! Each store is hashed to two words, and the digest is their two sums over all stores of the job, modulo 2^32. A sum doesn't
//! depend on order, nor on which lane, tile or lease made which store; two equal stores count twice, where an exclusive or
//! would cancel them. What is hashed is what the job asked for: the argument that names the buffer, the kind of store, the
//! byte in the buffer, and the value. Nothing of it depends on what was in memory, and an atomic counts by its operand. So it
//! is a digest of the stores and not of the memory.
//!
//! The hash, for a store of value v at byte b, where s says which argument and which kind of store it is:
//!
//! ```text
//! y    = mix(v ^ (b * PLACE + s))                 one-to-one: shift and multiply (Wellons, "Prospecting for hash functions")
//! low  = y * LOW,        and its high half over its low one
//! high = (y + b) * HIGH, the same
//! ```
//!
//! Low gives y back, and with it high gives b. So two stores of one kind by one argument have the same two words only if
//! they are the same store; a changed value or argument alone changes each of the two. The sums don't see the same
//! thing twice: stores whose y are equal, or add up to the same, lie at different bytes, which the second sum multiplies by another
//! number before it mixes. That sums of different stores agree is a matter of chance, about 2^-63. Nobody is kept from
//! making it happen on purpose.

/// Kinds of stores. A vector of words is four stores, a vector of bytes one and of 16-bit numbers two, of words.
pub mod kind {
    pub const STORE_8: u32 = 1;
    pub const STORE_16: u32 = 2;
    pub const STORE_32: u32 = 3;
    /// A difference counts as the sum with the operand negated.
    pub const ATOMIC_ADD: u32 = 4;
    pub const ATOMIC_MIN: u32 = 5;
    pub const ATOMIC_MAX: u32 = 6;
    pub const ATOMIC_AND: u32 = 7;
    pub const ATOMIC_OR: u32 = 8;
    pub const ATOMIC_XOR: u32 = 9;
    pub const ATOMIC_MIN_I32: u32 = 10;
    pub const ATOMIC_MAX_I32: u32 = 11;
    /// A compare-and-swap counts as one of these and as an ATOMIC_COMPARE with what it expects.
    pub const ATOMIC_EXCHANGE: u32 = 12;
    pub const ATOMIC_COMPARE: u32 = 13;
}

/// The bit of a digest that says that the job did what may come out differently in another order: an exchange, a
/// compare-and-swap, or a place in a list of matches.
pub const ORDER_DEPENDENT: u64 = 1 << 63;

/// The hash's factors: odd, so that multiplying loses nothing.
pub mod factor {
    pub const PLACE: u32 = 0x9e37_79b1;
    pub const ARGUMENT: u32 = 0xc2b2_ae35;
    pub const KIND: u32 = 0x27d4_eb2f;
    pub const MIX: u32 = 0x7feb_352d;
    pub const LOW: u32 = 0x846c_a68b;
    pub const HIGH: u32 = 0x85eb_ca77;
}
use factor::{ARGUMENT, HIGH, KIND, LOW, MIX, PLACE};

/// What the kernel knows of it: names behind `ROTA_`, and values.
pub(crate) fn constants() -> impl Iterator<Item = (&'static str, u32)> {
    [
        ("STORE_8", kind::STORE_8),
        ("STORE_16", kind::STORE_16),
        ("STORE_32", kind::STORE_32),
        ("ATOMIC_ADD", kind::ATOMIC_ADD),
        ("ATOMIC_MIN", kind::ATOMIC_MIN),
        ("ATOMIC_MAX", kind::ATOMIC_MAX),
        ("ATOMIC_AND", kind::ATOMIC_AND),
        ("ATOMIC_OR", kind::ATOMIC_OR),
        ("ATOMIC_XOR", kind::ATOMIC_XOR),
        ("ATOMIC_MIN_I32", kind::ATOMIC_MIN_I32),
        ("ATOMIC_MAX_I32", kind::ATOMIC_MAX_I32),
        ("ATOMIC_EXCHANGE", kind::ATOMIC_EXCHANGE),
        ("ATOMIC_COMPARE", kind::ATOMIC_COMPARE),
        ("DIGEST_ORDER_DEPENDENT", (ORDER_DEPENDENT >> 32) as u32),
        ("DIGEST_PLACE", PLACE),
        ("DIGEST_ARGUMENT", ARGUMENT),
        ("DIGEST_KIND", KIND),
        ("DIGEST_MIX", MIX),
        ("DIGEST_LOW", LOW),
        ("DIGEST_HIGH", HIGH),
    ]
    .into_iter()
}

/// The digest of stores that somebody knows: what a completion is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteDigest {
    sums: [u32; 2],
    order_dependent: bool,
}

impl WriteDigest {
    /// Counts a store of that `kind` at a byte of the buffer that argument `argument` of the job names, from 0 on; the first one
    /// that does.
    pub fn count(&mut self, argument: u32, kind: u32, byte: u32, value: u32) {
        let place = byte
            .wrapping_mul(PLACE)
            .wrapping_add((argument + 1).wrapping_mul(ARGUMENT))
            .wrapping_add(kind.wrapping_mul(KIND));
        let mut y = value ^ place;
        y ^= y >> 15;
        y = y.wrapping_mul(MIX);
        y ^= y >> 15;
        let words = [y.wrapping_mul(LOW), y.wrapping_add(byte).wrapping_mul(HIGH)];
        for (sum, word) in self.sums.iter_mut().zip(words) {
            *sum = sum.wrapping_add(word ^ word >> 16);
        }
        self.order_dependent |= kind == kind::ATOMIC_EXCHANGE;
    }

    /// Counts words from a byte of that buffer on.
    pub fn count_words(&mut self, argument: u32, byte: u32, words: &[u32]) {
        for (byte, &word) in (byte..).step_by(4).zip(words) {
            self.count(argument, kind::STORE_32, byte, word);
        }
    }

    /// Notes that what is counted may depend on order.
    pub fn mark_order_dependent(&mut self) {
        self.order_dependent = true;
    }

    /// As a completion has it.
    pub fn value(&self) -> u64 {
        let sums = self.sums[0] as u64 | (self.sums[1] as u64) << 32;
        match self.order_dependent {
            true => sums | ORDER_DEPENDENT,
            false => sums & !ORDER_DEPENDENT,
        }
    }
}
