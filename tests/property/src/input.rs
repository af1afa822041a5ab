//! What a program is run on.

use crate::ast::Program;
use crate::interpret::{Handle, Memory, Run};
use crate::random::Random;

/// What an argument that should be a handle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    First,
    Second,
    Null,
    Garbage,
    Foreign,
}

#[derive(Clone, Debug)]
pub struct Input {
    pub tiles: u32,
    pub fuel: u32,
    /// Arguments 1 and 2.
    pub given: [Given; 2],
    /// Arguments 3 to 9.
    pub args: [u32; 7],
    pub buffers: [Memory; 2],
}

/// Lengths of buffers; not all are whole words or groups.
const LENGTHS: [u32; 10] = [16, 34, 67, 128, 256, 301, 515, 1024, 1024, 2048];

/// The n-th input of a program. `most_fuel`: what the device allows a lane of this kind of handler.
pub fn input(program: &Program, n: u32, most_fuel: u32) -> Input {
    let mut r = Random::new(program.seed ^ u64::from(n + 1) << 40);
    let tiled = program.tiled.is_some();
    let given = if r.percent(90) {
        [Given::First, Given::Second]
    } else {
        let mut any = || match r.below(10) {
            0..=3 => Given::First,
            4..=6 => Given::Second,
            7 => Given::Null,
            8 => Given::Garbage,
            _ => Given::Foreign,
        };
        let pair = [any(), any()];
        // In a tiled program the second is what nobody writes to.
        if tiled && pair[0] == pair[1] {
            [pair[0], Given::Null]
        } else {
            pair
        }
    };
    let fuel = match r.below(10) {
        0 => r.below(10),
        1 => r.below(60),
        2 => r.below(400),
        _ => 2_000,
    };
    let mut memory = |read_only: bool| {
        let length = LENGTHS[r.below(LENGTHS.len() as u32) as usize];
        let mut bytes = vec![0; length as usize];
        match r.below(4) {
            0 => {}
            1 => bytes.iter_mut().for_each(|b| *b = r.below(4) as u8),
            _ => bytes.iter_mut().for_each(|b| *b = r.next() as u8),
        }
        Memory { bytes, read_only }
    };
    let buffers = [memory(false), memory(n % 10 == 9)];
    Input {
        tiles: if tiled { 1 + r.below(4) } else { 1 },
        fuel: fuel.clamp(1, most_fuel),
        given,
        args: [0; 7].map(|_: u32| r.word()),
        buffers,
    }
}

impl Input {
    /// The same for the interpreter.
    pub fn run(&self, lanes: u32) -> Run {
        let mut handles = [Handle::Invalid; 10];
        let mut args = [0; 10];
        args[3..].copy_from_slice(&self.args);
        for (handle, given) in handles[1..].iter_mut().zip(self.given) {
            *handle = match given {
                Given::First => Handle::Good(0),
                Given::Second => Handle::Good(1),
                Given::Null | Given::Garbage => Handle::Invalid,
                Given::Foreign => Handle::Foreign,
            };
        }
        Run {
            tiles: self.tiles,
            lanes,
            fuel: self.fuel,
            args,
            handles,
            buffers: self.buffers.to_vec(),
        }
    }
}
