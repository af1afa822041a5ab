//! Spans to export.

#![allow(
    dead_code,
    reason = "each test is a program of its own that uses some of it"
)]

pub mod receiver;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rota::spans::{Moment, Origin, Span};

pub const SECOND: u64 = 1_000_000_000;
/// Some day in 2026.
pub const DAY: u64 = 1_790_000_000 * SECOND;

/// What could break a text in JSON, or a line.
pub const UGLY: &str = "a\"b\\c/d\u{0}\u{1f}\u{7f}\u{85}\u{2028}\u{2029}\u{d7ff}\u{e000}\u{fffd}\u{1f980}\n\r\t</script>{[,%p";

pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

pub fn origin() -> Origin {
    Origin {
        version: "1.2.3",
        device: "a \"device\"".into(),
        driver: "llvmpipe 25".into(),
        mode: "RESIDENT",
    }
}

/// A job of which all is known.
pub fn whole() -> Span {
    Span {
        trace_id: *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff",
        span_id: *b"\x80\x01\x02\x03\x04\x05\x06\x07",
        parent_id: Some(*b"\x00\x00\x00\x00\x00\x00\x00\x01"),
        tenant: "scanner".into(),
        tenant_id: 3,
        module: "standard".into(),
        handler: "scan_dfa".into(),
        ticket: 42,
        user_data: u64::MAX,
        status: rota::completion_status::OK,
        fault: 0,
        tiles: 64,
        fuel: 123_456,
        submitted: DAY,
        claimed: Some(Moment {
            earliest: DAY + 1_000,
            latest: DAY + 2_001,
        }),
        finished: Some(Moment {
            earliest: DAY + 5_000,
            latest: DAY + 6_020,
        }),
        taken: DAY + 9_300,
        begin_epoch: 1 << 40,
        end_epoch: (1 << 40) + 7,
    }
}

/// Numbers that look like chance, the same ones each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Small, large, and in between.
    pub fn number(&mut self) -> u64 {
        let shift = self.roll() % 65;
        self.roll().checked_shr(shift as u32).unwrap_or(0)
    }

    fn is(&mut self, one_in: u64) -> bool {
        self.roll().is_multiple_of(one_in)
    }

    pub fn text(&mut self) -> Arc<str> {
        let length = self.roll() % 12;
        (0..length)
            .map(|_| match self.roll() % 4 {
                0 => char::from(self.roll() as u8),
                1 => UGLY
                    .chars()
                    .nth(self.roll() as usize % UGLY.chars().count())
                    .expect("one of them"),
                2 => char::from_u32(self.roll() as u32 % 0x11_0000).unwrap_or('\u{fffd}'),
                _ => 'x',
            })
            .collect::<String>()
            .into()
    }

    fn moment(&mut self) -> Option<Moment> {
        let is_known = !self.is(4);
        let (a, b) = (self.number(), self.number());
        is_known.then_some(Moment {
            earliest: a.min(b),
            latest: a.max(b),
        })
    }

    /// Any span that the types allow, also ones that make no sense.
    pub fn span(&mut self) -> Span {
        let mut ids = [0; 32];
        ids.fill_with(|| self.roll() as u8);
        Span {
            trace_id: ids[..16].try_into().expect("16"),
            span_id: ids[16..24].try_into().expect("8"),
            parent_id: (!self.is(3)).then(|| ids[24..].try_into().expect("8")),
            tenant: self.text(),
            tenant_id: self.number() % 100,
            module: self.text(),
            handler: self.text(),
            ticket: self.number(),
            user_data: self.number(),
            status: self.number() as u32 % 8,
            fault: match self.is(2) {
                true => 0,
                false => self.number() as u32,
            },
            tiles: self.number() as u32,
            fuel: self.number() as u32,
            submitted: self.number(),
            claimed: self.moment(),
            finished: self.moment(),
            taken: self.number(),
            begin_epoch: self.number(),
            end_epoch: self.number(),
        }
    }
}
