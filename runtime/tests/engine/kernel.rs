//! The composed kernel as SPIR-V, for every shape that a device may ask for.

use std::io::Write;
use std::process::{Command, Stdio};

use rota::kernel::{compose, standard};
use rota::ring::layout::{binding, KernelShape, Without};

fn shapes() -> impl Iterator<Item = KernelShape> {
    let lanes = [4, 8, 32, 64];
    let segments = [1, 2, 4, 8];
    let ways = [
        (false, false, false),
        (true, false, false),
        (false, true, false),
        (false, false, true),
    ];
    lanes.into_iter().flat_map(move |lanes| {
        segments.into_iter().flat_map(move |segments| {
            ways.map(|(torn_records, digests, lockstep)| KernelShape {
                lanes,
                segments,
                lockstep,
                torn_records,
                digests,
                without: Without::default(),
            })
        })
    })
}

fn composed(shape: KernelShape) -> Vec<u32> {
    compose(shape, &[standard::module()])
        .unwrap_or_else(|e| panic!("{shape:?}: {e}"))
        .spirv
}

#[test]
fn every_shape_is_valid_spirv() {
    for shape in shapes() {
        let bytes: Vec<u8> = composed(shape)
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        let validator = Command::new("spirv-val")
            .args(["--target-env", "vulkan1.2", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut validator = validator.unwrap_or_else(|e| {
            panic!(
                "spirv-val could not be run ({e}); on Debian and Ubuntu: apt install spirv-tools"
            )
        });
        validator.stdin.take().unwrap().write_all(&bytes).unwrap();
        let said = validator.wait_with_output().unwrap();
        assert!(
            said.status.success() && said.stdout.is_empty() && said.stderr.is_empty(),
            "{shape:?}: {}{}",
            String::from_utf8_lossy(&said.stdout),
            String::from_utf8_lossy(&said.stderr)
        );
    }
}

/// A segment is bound twice, plain and for atomics. Without the decoration what one view writes the other need not see.
#[test]
fn both_views_of_each_segment_are_aliased_and_nothing_else_is() {
    for shape in shapes() {
        let words = composed(shape);
        let bindings = decorations(&words, 33);
        let aliased: Vec<u32> = decorations(&words, 20).iter().map(|d| d.0).collect();
        let mut views = 0;
        for (variable, number) in bindings {
            let is_view = number >= binding::SEGMENT;
            views += is_view as u32;
            assert_eq!(
                aliased.contains(&variable),
                is_view,
                "{shape:?}: binding {number}"
            );
        }
        assert_eq!(views, 2 * shape.segments, "{shape:?}");
        assert_eq!(aliased.len() as u32, views, "{shape:?}");
    }
}

/// Target and first operand, if any, of every OpDecorate of that decoration.
fn decorations(words: &[u32], decoration: u32) -> Vec<(u32, u32)> {
    const OP_DECORATE: u32 = 71;
    let mut found = Vec::new();
    let mut at = 5;
    while at < words.len() {
        let (length, opcode) = ((words[at] >> 16) as usize, words[at] & 0xffff);
        if opcode == OP_DECORATE && words[at + 2] == decoration {
            found.push((words[at + 1], if length > 3 { words[at + 3] } else { 0 }));
        }
        at += length;
    }
    found
}
