//! The table of the standard handlers, which `standard.wgsl` holds: opcodes, kinds and sizes of work.

use std::fmt::Write;

use super::{Handler, HandlerModule, Scratch};
use crate::ring::layout::MAX_TILES;

/// Opcodes of the standard handlers. `standard.wgsl` tells each one's arguments and results.
pub mod op {
    /// Scalar; gives its first two arguments back.
    pub const NOP: u32 = 0x001;
    /// Scalar: iterations, start. Runs that many loop iterations of a generator of pseudo-random numbers.
    pub const SPIN: u32 = 0x002;
    /// Tiled: dst, dst_word, count, value.
    pub const FILL: u32 = 0x010;
    /// Tiled: src, src_word, dst, dst_word, count.
    pub const COPY: u32 = 0x011;
    /// Tiled: x, x_word, y, y_word, count, alpha. `y[i] = alpha * x[i] + y[i]`.
    pub const SAXPY_F32: u32 = 0x012;
    /// Tiled: src, src_word, count. Results: the 64-bit sum.
    pub const SUM_U32: u32 = 0x013;
    /// Tiled: src, src_word, count, dst, dst_word. One sum per tile in dst.
    pub const SUM_F32: u32 = 0x014;
    /// Tiled: src, src_word, count. Results: smallest, largest.
    pub const MIN_MAX_U32: u32 = 0x015;
    /// Tiled: src, src_byte, count, dst, dst_word. Adds 256 counts to dst.
    pub const HISTOGRAM_U8: u32 = 0x016;
    /// Tiled: text, text_byte, count, dfa, counts, counts_word, positions, positions_cap. Results: 64-bit number of matches.
    pub const SCAN_DFA: u32 = 0x017;
}

/// How a tiled handler splits its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// The most elements that one tile may have. With four lanes, the fewest that any device has, and whatever the
    /// alignment, a tile of that many takes about 2,048 loop iterations per lane (one scan_dfa match is one more):
    /// drivers that cap loops must never get near their limit.
    pub largest: u32,
    /// Chunks are a multiple of this; a power of two that divides `largest`.
    pub granule: u32,
    /// A chunk that keeps the cost of a tile small beside its work and still gives many workers something to do.
    pub good: u32,
}

/// One standard handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standard {
    pub opcode: u32,
    /// Name in messages and constants. A scalar handler's function has this name behind `h_`; the tiled ones are one
    /// function, which tells them apart by the opcode.
    pub name: &'static str,
    /// None for a scalar handler.
    pub tiling: Option<Tiling>,
    /// Budget of a lane in loop iterations for a job that asks for none.
    pub fuel: u32,
    /// Whether it has its place on the kernel's shortest path.
    pub light: bool,
}

/// What the standard handler with that opcode is called.
pub fn standard_handler_name(opcode: u32) -> Option<&'static str> {
    let found = STANDARD.iter().find(|s| s.opcode == opcode);
    found.map(|s| s.name)
}

const fn scalar(opcode: u32, name: &'static str, fuel: u32) -> Standard {
    Standard {
        opcode,
        name,
        tiling: None,
        fuel,
        light: false,
    }
}

const fn tiled(
    opcode: u32,
    name: &'static str,
    largest: u32,
    granule: u32,
    good: u32,
    fuel: u32,
) -> Standard {
    Standard {
        opcode,
        name,
        tiling: Some(Tiling {
            largest,
            granule,
            good,
        }),
        fuel,
        light: false,
    }
}

/// All standard handlers, by opcode.
pub const STANDARD: &[Standard] = &[
    Standard {
        light: true,
        ..scalar(op::NOP, "nop", 16)
    },
    scalar(op::SPIN, "spin", 8_000),
    tiled(op::FILL, "fill", 32_768, 64, 32_768, 3_000),
    tiled(op::COPY, "copy", 32_768, 64, 32_768, 3_000),
    tiled(op::SAXPY_F32, "saxpy_f32", 32_768, 64, 32_768, 3_000),
    tiled(op::SUM_U32, "sum_u32", 32_768, 64, 32_768, 3_000),
    tiled(op::SUM_F32, "sum_f32", 32_768, 64, 32_768, 3_000),
    tiled(op::MIN_MAX_U32, "min_max_u32", 32_768, 64, 32_768, 3_000),
    tiled(op::HISTOGRAM_U8, "histogram_u8", 32_768, 256, 32_768, 3_000),
    tiled(op::SCAN_DFA, "scan_dfa", 16_384, 256, 16_384, 6_000),
];

/// The entry of a standard handler.
pub fn find(opcode: u32) -> Option<&'static Standard> {
    STANDARD.iter().find(|s| s.opcode == opcode)
}

/// A good number of tiles for that many elements: 1 for a scalar handler, at most 2^24; 0 for an unknown opcode.
pub fn recommended_tiles(opcode: u32, elements: u64) -> u32 {
    match find(opcode) {
        None => 0,
        Some(Standard { tiling: None, .. }) => 1,
        Some(Standard {
            tiling: Some(tiling),
            ..
        }) => elements
            .div_ceil(u64::from(tiling.good))
            .clamp(1, u64::from(MAX_TILES)) as u32,
    }
}

/// The table as WGSL: constants `OP_<NAME>`, and `tiling_of(opcode)`, which gives largest and granule of a tiled
/// handler.
pub fn wgsl_table() -> String {
    let mut out = String::new();
    let mut cases = String::new();
    for s in STANDARD {
        if let Some(t) = s.tiling {
            let name = s.name.to_uppercase();
            writeln!(out, "const OP_{name}: u32 = {}u;", s.opcode).unwrap();
            writeln!(
                cases,
                "    case OP_{name}: {{ return vec2<u32>({}u, {}u); }}",
                t.largest, t.granule
            )
            .unwrap();
        }
    }
    write!(
        out,
        "fn tiling_of(opcode: u32) -> vec2<u32> {{\n    switch opcode {{\n{cases}    default: {{ return vec2<u32>(1u); }}\n    }}\n}}\n"
    )
    .unwrap();
    out
}

/// The standard handlers as a module to compose.
pub fn module() -> HandlerModule {
    HandlerModule {
        name: "standard".into(),
        source: wgsl_table() + include_str!("standard.wgsl"),
        handlers: STANDARD
            .iter()
            .map(|s| Handler {
                entry: s.opcode,
                function: match s.tiling {
                    Some(_) => "h_tiled".into(),
                    None => format!("h_{}", s.name),
                },
                tiled: s.tiling.is_some(),
                light: s.light,
            })
            .collect(),
        scratch: Scratch::Overwritten,
        short_tiles: true,
        nodes: 0,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        assert!(STANDARD.windows(2).all(|w| w[0].opcode < w[1].opcode));
        for s in STANDARD {
            assert!(s.opcode < 0x1000 && s.fuel > 0, "{}", s.name);
            if let Some(t) = s.tiling {
                assert!(t.granule.is_power_of_two(), "{}", s.name);
                assert!(t.good <= t.largest, "{}", s.name);
                assert_eq!(
                    (t.largest % t.granule, t.good % t.granule),
                    (0, 0),
                    "{}",
                    s.name
                );
            }
        }
    }

    /// What the table says is what the kernel does: each constant is used beyond the table, and each function is there.
    #[test]
    fn the_handlers_use_the_table() {
        let module = module();
        for constant in wgsl_table().lines().filter(|l| l.starts_with("const ")) {
            let name = constant.split([' ', ':']).nth(1).unwrap();
            assert!(module.source.matches(name).count() > 2, "{name}");
        }
        for handler in &module.handlers {
            assert!(
                module
                    .source
                    .contains(&format!("fn {}() {{", handler.function)),
                "{}",
                handler.function
            );
        }
    }
}
