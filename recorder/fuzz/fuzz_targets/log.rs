//! Bytes as bodies of records, as logs, and as logs whose checksums are right: see recorder/src/fuzzing.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rota_recorder::fuzzing::one(input));
