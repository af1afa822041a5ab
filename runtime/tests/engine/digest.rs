//! The digest of what a job stores: that it is what the host makes of the same stores, and depends on nothing else.

use rota::completion_status::REVOKED;
use rota::digest::{kind, ORDER_DEPENDENT};
use rota::{HandlerOptions, ModuleOptions, Quota, WriteDigest};

use crate::kit::*;

#[path = "../reference/dfa.rs"]
mod dfa;

const FIRST: u32 = 0x1000;

fn digesting(mode: Mode) -> Runtime {
    open(RuntimeOptions {
        write_digests: true,
        ..options(mode)
    })
}

/// A buffer with these words.
fn buffer(tenant: &Tenant, words: &[u32]) -> u32 {
    let handle = tenant.buffer_create(4 * words.len() as u64, false).unwrap();
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    tenant.buffer_write(handle, 0, &bytes).unwrap();
    handle
}

fn module(source: &str, handlers: &[(&str, bool)]) -> ModuleOptions {
    ModuleOptions {
        label: "test".into(),
        source: source.into(),
        handlers: handlers
            .iter()
            .zip(FIRST..)
            .map(|(&(function, tiled), opcode)| HandlerOptions {
                opcode,
                function: function.into(),
                tiled,
                fuel: 0,
            })
            .collect(),
    }
}

/// The digest of a job that has to end OK.
fn digest_of(tenant: &Tenant, job: Job) -> u64 {
    let done = run_one(tenant, job);
    assert_eq!(done.status, OK, "{job:?}: {done:?}");
    done.digest
}

/// The digest of words stored from a byte on into the buffer of that argument.
fn of_words(argument: u32, byte: u32, words: &[u32]) -> u64 {
    let mut digest = WriteDigest::default();
    digest.count_words(argument, byte, words);
    digest.value()
}

// ---------------------------------------------------------------- standard handlers

#[test]
fn fill_copy_and_saxpy_have_the_digest_of_the_words_that_they_store() {
    for mode in MODES {
        let runtime = digesting(mode);
        let tenant = tenant(&runtime);
        let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
        const WORDS: u32 = 70_000;
        let floats: Vec<u32> = (0..WORDS)
            .map(|_| (rng.below(2000) as f32 - 1000.0).to_bits())
            .collect();
        let x = buffer(&tenant, &floats);
        for round in 0..30 {
            let count = match round {
                0 => 1,
                1 => WORDS - 40,
                _ => rng.below(if round < 15 { 300 } else { WORDS - 40 }),
            };
            let (from_word, to_word) = (rng.below(20), rng.below(20));
            let tiles = count.div_ceil(32_768).max(1) + rng.below(64);
            let old: Vec<u32> = (0..WORDS).map(|i| ((i % 512) as f32).to_bits()).collect();
            let y = buffer(&tenant, &old);
            let alpha = 0.5f32;
            let moved = &floats[from_word as usize..][..count as usize];
            let added: Vec<u32> = moved
                .iter()
                .zip(&old[to_word as usize..])
                .map(|(x, y)| (alpha * f32::from_bits(*x) + f32::from_bits(*y)).to_bits())
                .collect();
            let value = rng.next();
            let saxpy = [x, from_word, y, to_word, count, alpha.to_bits()];
            let jobs = [
                (job(op::SAXPY_F32, tiles, &saxpy), 2, added),
                (job(op::COPY, tiles, &saxpy[..5]), 2, moved.to_vec()),
                (
                    job(op::FILL, tiles, &[y, to_word, count, value]),
                    0,
                    vec![value; count as usize],
                ),
            ];
            for (job, argument, stored) in jobs {
                assert_eq!(
                    digest_of(&tenant, job),
                    of_words(argument, 4 * to_word, &stored),
                    "{mode:?}: {job:?}"
                );
                assert_eq!(
                    words(&tenant, y, (to_word + count) as usize)[to_word as usize..],
                    stored
                );
            }
            tenant.buffer_destroy(y).unwrap();
        }
    }
}

#[test]
fn handlers_that_store_nothing_have_the_digest_0() {
    for mode in MODES {
        let runtime = digesting(mode);
        let tenant = tenant(&runtime);
        let src = buffer(&tenant, &[3; 5000]);
        for it in [
            nop(1, 2),
            with(nop(1, 2), TIMING),
            spin(100),
            sum(src, 5000, 3),
            job(op::MIN_MAX_U32, 3, &[src, 0, 5000]),
            fill(src, 0, 1, 4),
        ] {
            assert_eq!(digest_of(&tenant, it), 0, "{mode:?}: {it:?}");
        }
        // Nor is it what the same lane had for the job before.
        assert_ne!(digest_of(&tenant, fill(src, 1, 1, 1)), 0);
        let jobs = [
            fill(src, 8, 1, 1),
            nop(1, 2),
            spin(9),
            with(spin(9), TIMING),
        ];
        for (it, done) in jobs.iter().zip(run(&tenant, &jobs)).skip(1) {
            assert_eq!(done.digest, 0, "{mode:?}: {it:?}");
        }
    }
}

#[test]
fn sums_histograms_and_scans_have_the_digest_of_what_they_store() {
    let runtime = digesting(Mode::Auto);
    let tenant = tenant(&runtime);
    let mut rng = Rng(77);

    // Of floats, a sum per tile, which lies where the job left it.
    let src = buffer(
        &tenant,
        &(0..9000).map(|i| (i as f32).to_bits()).collect::<Vec<_>>(),
    );
    let dst = buffer(&tenant, &[0; 40]);
    let done = digest_of(&tenant, job(op::SUM_F32, 20, &[src, 1, 8000, dst, 3]));
    assert_eq!(done, of_words(3, 12, &words(&tenant, dst, 23)[3..]));

    // An addition per value and tile; a tile's part is the same for each but the last.
    let text: Vec<u8> = (0..4000).map(|_| b'a' + rng.below(4) as u8).collect();
    let src = tenant.buffer_create(4000, false).unwrap();
    tenant.buffer_write(src, 0, &text).unwrap();
    let counts = buffer(&tenant, &[0; 300]);
    let mut expected = WriteDigest::default();
    for part in text[5..].chunks(1024) {
        for value in 0..256 {
            match part.iter().filter(|b| **b as u32 == value).count() as u32 {
                0 => {}
                n => expected.count(3, kind::ATOMIC_ADD, 4 * (7 + value), n),
            }
        }
    }
    let done = digest_of(
        &tenant,
        job(op::HISTOGRAM_U8, 4, &[src, 5, 3995, counts, 7]),
    );
    assert_eq!(done, expected.value());

    // An addition of 1 for each match. Without a list of them, order is nothing to it; with one it is.
    let patterns = [b"ab".to_vec(), b"bca".to_vec(), b"d".to_vec()];
    let table = buffer(&tenant, &dfa::dfa(&patterns));
    let mut expected = WriteDigest::default();
    let found = dfa::counts_of(&dfa::matches(&text, &patterns), patterns.len());
    for (word, &n) in (2..).zip(&found) {
        (0..n).for_each(|_| expected.count(4, kind::ATOMIC_ADD, 4 * word, 1));
    }
    let scan = |positions, cap| {
        let args = [src, 0, 4000, table, counts, 2, positions, cap];
        run_one(&tenant, job(op::SCAN_DFA, 3, &args))
    };
    let done = scan(0, 0);
    assert_eq!((done.status, done.digest), (OK, expected.value()));
    assert!(!done.is_order_dependent());
    let list = buffer(&tenant, &[0; 8001]);
    let done = scan(list, 4000);
    assert!(done.status == OK && done.is_order_dependent());
    // What ends where in the list is told by the list.
    let list = words(&tenant, list, 8001);
    for place in 0..list[0] {
        expected.count(6, kind::ATOMIC_ADD, 0, 1);
        let at = 2 * place as usize + 1;
        expected.count_words(6, 4 * at as u32, &list[at..at + 2]);
    }
    assert_eq!(done.digest & !ORDER_DEPENDENT, expected.value());
}

// ---------------------------------------------------------------- loaded handlers

/// Every way to store, by the number in argument 2, from place `i` = argument 3 on, with a value in argument 4.
const WAYS: &str = "
    fn store(b: Buffer, way: u32, i: u32, v: u32) {
        let four = vec4<u32>(v, v + 1u, v ^ 0x12345678u, 3u * v);
        switch way {
            case 0u: { store_u8(b, i, v); }
            case 1u: { store_u16(b, i, v); }
            case 2u: { store_u32(b, i, v); }
            case 3u: { store_i32(b, i, bitcast<i32>(v)); }
            case 4u: { store_f32(b, i, f32(v)); }
            case 5u: { store_vec4_u32(b, i, four); }
            case 6u: { store_vec4_i32(b, i, bitcast<vec4<i32>>(four)); }
            case 7u: { store_vec4_f32(b, i, vec4<f32>(four)); }
            case 8u: { store_vec4_u8(b, i, four); }
            case 9u: { store_vec4_u16(b, i, four); }
            case 10u: { _ = atomic_add_u32(b, i, v); }
            case 11u: { _ = atomic_sub_u32(b, i, v); }
            case 12u: { _ = atomic_add_i32(b, i, bitcast<i32>(v)); }
            case 13u: { _ = atomic_min_u32(b, i, v); }
            case 14u: { _ = atomic_max_u32(b, i, v); }
            case 15u: { _ = atomic_and_u32(b, i, v); }
            case 16u: { _ = atomic_or_u32(b, i, v); }
            case 17u: { _ = atomic_xor_u32(b, i, v); }
            case 18u: { _ = atomic_min_i32(b, i, bitcast<i32>(v)); }
            case 19u: { _ = atomic_max_i32(b, i, bitcast<i32>(v)); }
            case 20u: { _ = atomic_exchange_u32(b, i, v); }
            default: { _ = atomic_compare_exchange_u32(b, i, v + 1u, v); }
        }
    }
    fn alone() {
        store(buffer_mut(arg(1u)), arg(2u), arg(3u), arg(4u));
    }
    fn together() {
        let b = buffer_mut(arg(1u));
        // As many elements as argument 5 says, by whatever lane.
        let each = (arg(5u) + tiles() - 1u) / tiles();
        let end = min((tile() + 1u) * each, arg(5u));
        for (var k = tile() * each + lane(); k < end; k += lanes()) {
            store(b, arg(2u), arg(3u) + k, arg(4u) + k);
        }
    }
    // Through the other argument, and to a buffer of which only the number is in memory.
    fn other() {
        store(buffer_mut(arg(0u)), arg(2u), arg(3u), arg(4u));
    }
    fn hidden() {
        store(buffer_mut(load_u32(buffer(arg(0u)), 0u)), arg(2u), arg(3u), arg(4u));
    }";
const HANDLERS: [(&str, bool); 4] = [
    ("alone", false),
    ("together", true),
    ("other", false),
    ("hidden", false),
];
const WAYS_COUNT: u32 = 22;
const EXCHANGES: u32 = 20;

/// Counts what `store` of the module does.
fn count(digest: &mut WriteDigest, argument: u32, way: u32, i: u32, v: u32) {
    let four = [v, v.wrapping_add(1), v ^ 0x1234_5678, v.wrapping_mul(3)];
    let mut one = |kind, v| digest.count(argument, kind, 4 * i, v);
    match way {
        0 => digest.count(argument, kind::STORE_8, i, v & 0xff),
        1 => digest.count(argument, kind::STORE_16, 2 * i, v & 0xffff),
        2 | 3 => one(kind::STORE_32, v),
        4 => one(kind::STORE_32, (v as f32).to_bits()),
        5 | 6 => digest.count_words(argument, 16 * i, &four),
        7 => digest.count_words(argument, 16 * i, &four.map(|v| (v as f32).to_bits())),
        8 => one(kind::STORE_32, u32::from_le_bytes(four.map(|v| v as u8))),
        9 => {
            let pairs = [0, 2].map(|k| four[k] & 0xffff | four[k + 1] << 16);
            digest.count_words(argument, 8 * i, &pairs);
        }
        10 | 12 => one(kind::ATOMIC_ADD, v),
        11 => one(kind::ATOMIC_ADD, v.wrapping_neg()),
        13 => one(kind::ATOMIC_MIN, v),
        14 => one(kind::ATOMIC_MAX, v),
        15 => one(kind::ATOMIC_AND, v),
        16 => one(kind::ATOMIC_OR, v),
        17 => one(kind::ATOMIC_XOR, v),
        18 => one(kind::ATOMIC_MIN_I32, v),
        19 => one(kind::ATOMIC_MAX_I32, v),
        20 => one(kind::ATOMIC_EXCHANGE, v),
        _ => {
            one(kind::ATOMIC_COMPARE, v.wrapping_add(1));
            one(kind::ATOMIC_EXCHANGE, v);
        }
    }
}

fn of(argument: u32, way: u32, i: u32, v: u32) -> u64 {
    let mut digest = WriteDigest::default();
    count(&mut digest, argument, way, i, v);
    digest.value()
}

#[test]
fn every_way_to_store_counts() {
    for mode in MODES {
        let runtime = digesting(mode);
        let tenant = tenant(&runtime);
        tenant.module_load(&module(WAYS, &HANDLERS)).unwrap();
        let b = buffer(&tenant, &[0x1111_1111; 512]);
        let mut rng = Rng(5);
        let mut jobs = Vec::new();
        let mut expected = Vec::new();
        for way in 0..WAYS_COUNT {
            for _ in 0..4 {
                // What a float holds exactly.
                let (i, v) = (rng.below(100), rng.next() & 0xffff);
                jobs.push(job(FIRST, 1, &[0, b, way, i, v]));
                expected.push(of(1, way, i, v));
            }
        }
        // One after the other, and then all at once, which lanes of one worker share.
        let alone: Vec<u64> = jobs.iter().map(|&j| digest_of(&tenant, j)).collect();
        assert_eq!(alone, expected, "{mode:?}");
        for _ in 0..5 {
            let done: Vec<u64> = run(&tenant, &jobs).iter().map(|c| c.digest).collect();
            assert_eq!(done, expected, "{mode:?}");
        }
        for way in 0..WAYS_COUNT {
            let mut digest = WriteDigest::default();
            (0..93).for_each(|k| count(&mut digest, 1, way, 3 + k, 1000 + k));
            for tiles in [1, 2, 3, 7, 64] {
                let it = job(FIRST + 1, tiles, &[0, b, way, 3, 1000, 93]);
                let done = run_one(&tenant, it);
                assert_eq!(
                    (done.status, done.digest),
                    (OK, digest.value()),
                    "{mode:?}: {it:?}"
                );
                assert_eq!(done.is_order_dependent(), way >= EXCHANGES, "{it:?}");
            }
        }
    }
}

/// Wide and narrow, tiled as one likes, in turn and in a crowd.
#[test]
fn the_order_of_stores_is_nothing_to_a_digest() {
    for (mode, workers) in [(Mode::Resident, 1), (Mode::Resident, 4), (Mode::Batch, 4)] {
        let runtime = open(RuntimeOptions {
            write_digests: true,
            workers,
            ..options(mode)
        });
        // Few slots, so that each serves many jobs.
        let tenant = tenant_with(&runtime, 8);
        let value = 0x3f80_0001;
        let count = 20_011;
        let to = buffer(&tenant, &vec![0; count as usize + 8]);
        let expected = of_words(0, 12, &vec![value; count as usize]);
        let mut jobs = Vec::new();
        for tiles in 1..=64 {
            jobs.push(job(op::FILL, tiles, &[to, 3, count, value]));
            if tiles % 8 == 0 {
                // In between, so that lanes and workers change over.
                jobs.extend([spin(50), nop(1, 1)]);
            }
        }
        for jobs in [&jobs[..], &jobs[..]].concat().chunks(8) {
            for (it, done) in jobs.iter().zip(run(&tenant, jobs)) {
                let expected = if it.opcode == op::FILL { expected } else { 0 };
                assert_eq!(
                    (done.status, done.digest),
                    (OK, expected),
                    "{mode:?}: {it:?}"
                );
            }
        }
    }
}

#[test]
fn what_is_not_stored_does_not_count() {
    let runtime = digesting(Mode::Auto);
    let tenant = tenant(&runtime);
    tenant.module_load(&module(WAYS, &HANDLERS)).unwrap();
    let b = buffer(&tenant, &[0; 16]);
    let fixed = tenant.buffer_create(64, true).unwrap();
    for way in 0..WAYS_COUNT {
        for it in [
            job(FIRST, 1, &[0, b, way, 64, 5]),
            job(FIRST, 1, &[0, b, way, 0x4000_0000, 5]),
            job(FIRST, 1, &[0, b, way, 0xffff_ffff, 5]),
            job(FIRST, 1, &[0, fixed, way, 0, 5]),
            job(FIRST, 1, &[0, 0, way, 0, 5]),
        ] {
            let done = run_one(&tenant, it);
            assert_eq!((done.status, done.digest), (FAULTED, 0), "{it:?}");
        }
    }
    // A job that faults has the digest of what it stored before and after.
    let mut expected = WriteDigest::default();
    (10..16).for_each(|i| count(&mut expected, 1, 2, i, i));
    let done = run_one(&tenant, job(FIRST + 1, 3, &[0, b, 2, 10, 10, 200]));
    assert_eq!((done.status, done.digest), (FAULTED, expected.value()));
    // One that is not run at all has none.
    let store = job(FIRST, 1, &[0, b, 2, 0, 5]);
    let jobs = [faulty_scalar(), with(store, AFTER_OK)];
    let done = run(&tenant, &jobs);
    assert_eq!((done[1].status, done[1].digest), (SKIPPED, 0));
}

#[test]
fn a_change_of_value_place_width_or_buffer_changes_the_digest() {
    let runtime = digesting(Mode::Auto);
    let tenant = tenant(&runtime);
    tenant.module_load(&module(WAYS, &HANDLERS)).unwrap();
    let [b, c] = [0, 1].map(|_| buffer(&tenant, &[0; 64]));
    let one = |opcode, args: &[u32]| digest_of(&tenant, job(opcode, 1, args));
    let mut all = vec![
        one(FIRST, &[c, b, 2, 4, 5]),
        // The other buffer, by the argument that names it.
        one(FIRST + 2, &[c, b, 2, 4, 5]),
        // 16 and 8 bits at the same byte.
        one(FIRST, &[c, b, 1, 8, 5]),
        one(FIRST, &[c, b, 0, 16, 5]),
        // The same value by an atomic.
        one(FIRST, &[c, b, 10, 4, 5]),
        one(FIRST, &[c, b, 13, 4, 5]),
    ];
    all.extend((0..32).map(|bit| one(FIRST, &[c, b, 2, 4, 5 ^ 1 << bit])));
    all.extend(
        (0..64)
            .filter(|&i| i != 4)
            .map(|i| one(FIRST, &[c, b, 2, i, 5])),
    );
    // Stores of the value 0 count as well.
    all.push(one(FIRST, &[c, b, 2, 4, 0]));
    all.push(one(FIRST, &[c, b, 2, 5, 0]));
    let many = all.len();
    // Each of the two sums by itself.
    for half in [|d: &u64| *d as u32, |d: &u64| (*d >> 32) as u32] {
        let mut halves: Vec<u32> = all.iter().map(half).collect();
        halves.sort();
        halves.dedup();
        assert_eq!(halves.len(), many);
    }
    // Twice the same is not nothing.
    let twice = of_words(0, 0, &[7, 7]);
    assert_ne!(twice, 0);
    // Two values that change places.
    let [x, y] = [buffer(&tenant, &[1, 2]), buffer(&tenant, &[2, 1])];
    let [x, y] = [x, y].map(|from| digest_of(&tenant, job(op::COPY, 1, &[from, 0, b, 0, 2])));
    assert_ne!(x, y);
    assert_ne!(x as u32, y as u32);
    assert_ne!(x >> 32, y >> 32);
}

/// So that a log can be replayed, where the same buffers have other handles.
#[test]
fn a_digest_does_not_know_handles() {
    let runtime = digesting(Mode::Auto);
    let (tenant, other) = (tenant(&runtime), tenant(&runtime));
    for tenant in [&tenant, &other] {
        tenant.module_load(&module(WAYS, &HANDLERS)).unwrap();
    }
    let mut digests = Vec::new();
    let mut handles = Vec::new();
    for round in 0..6 {
        let owner = if round % 2 == 0 { &tenant } else { &other };
        // Others before it, so that it lies elsewhere.
        let before = buffer(owner, &vec![0; 16 << round]);
        let b = buffer(owner, &[0; 64]);
        handles.push(b);
        digests.push([
            digest_of(owner, fill(b, 50, 9, 2)),
            digest_of(owner, job(FIRST, 1, &[before, b, 2, 4, 5])),
            // The first of two arguments that name it.
            digest_of(owner, job(FIRST + 2, 1, &[b, b, 2, 4, 5])),
        ]);
        owner.buffer_destroy(before).unwrap();
    }
    handles.sort();
    handles.dedup();
    assert_eq!(handles.len(), 6);
    digests.dedup();
    let expected = [of_words(0, 0, &[9; 50]), of(1, 2, 4, 5), of(0, 2, 4, 5)];
    assert_eq!(digests, [expected]);
    // A handle that none of the arguments is counts as argument 10.
    let b = buffer(&tenant, &[0; 64]);
    let table = buffer(&tenant, &[b]);
    let hidden = digest_of(&tenant, job(FIRST + 3, 1, &[table, 1, 2, 4, 5]));
    assert_eq!(hidden, of(10, 2, 4, 5));
}

#[test]
fn loading_and_replacing_modules_keeps_digests_on() {
    for mode in MODES {
        let runtime = digesting(mode);
        let tenant = tenant(&runtime);
        let b = buffer(&tenant, &[0; 64]);
        let stores = |v: u32| {
            let source = format!("fn it() {{ store_u32(buffer_mut(arg(0u)), 3u, {v}u); }}");
            module(&source, &[("it", false)])
        };
        let it = job(FIRST, 1, &[b]);
        let (module, _) = tenant.module_load(&stores(7)).unwrap();
        assert_eq!(digest_of(&tenant, it), of_words(0, 12, &[7]), "{mode:?}");
        tenant.module_replace(module, &stores(8)).unwrap();
        assert_eq!(digest_of(&tenant, it), of_words(0, 12, &[8]), "{mode:?}");
        tenant.module_unload(module, u64::MAX).unwrap();
        let filled = digest_of(&tenant, fill(b, 9, 4, 2));
        assert_eq!(filled, of_words(0, 0, &[4; 9]), "{mode:?}");
    }
}

#[test]
fn stores_to_a_second_segment_count() {
    let runtime = digesting(Mode::Auto);
    let tenant = tenant(&runtime);
    let mut handles = Vec::new();
    while runtime.info().segments < 2 {
        let bytes = runtime.info().segment_bytes / 2 + 16;
        handles.push(tenant.buffer_create(bytes, false).unwrap());
    }
    for handle in handles {
        assert_eq!(
            digest_of(&tenant, job(op::FILL, 3, &[handle, 5, 1000, 6])),
            of_words(0, 20, &[6; 1000])
        );
    }
}

#[test]
fn without_the_option_there_is_no_digest_and_without_timing_there_are_no_times() {
    for mode in MODES {
        for write_digests in [false, true] {
            let runtime = open(RuntimeOptions {
                write_digests,
                ..options(mode)
            });
            let tenant = tenant(&runtime);
            let b = buffer(&tenant, &[0; 64]);
            let it = fill(b, 64, 3, 2);
            let expected = if write_digests {
                of_words(0, 0, &[3; 64])
            } else {
                0
            };
            for flags in [0, BARRIER, TIMING] {
                let done = run_one(&tenant, with(it, flags));
                assert_eq!((done.status, done.digest), (OK, expected), "{mode:?}");
                let timed = flags == TIMING;
                assert_eq!(done.fuel != 0, timed, "{mode:?}");
                assert_eq!(done.end_epoch > done.begin_epoch, timed, "{mode:?}");
            }
        }
    }
}

/// What has begun has stored, and what hasn't has not.
#[test]
fn a_tiled_job_that_is_cancelled_has_the_digest_of_the_tiles_that_ran() {
    let runtime = digesting(Mode::Auto);
    let tenant = tenant(&runtime);
    let b = buffer(&tenant, &[0; 64]);
    let ticket = submit(&tenant, &[long(b)])[0];
    tenant.cancel(ticket).unwrap();
    let done = wait(&tenant, ticket);
    assert_eq!(done.status, CANCELLED);
    // All that this job stores is in its first tile.
    let whole = of_words(0, 0, &[1; 64]);
    let stored = words(&tenant, b, 64) == [1; 64];
    assert_eq!(done.digest, if stored { whole } else { 0 });
}

/// What a worker's lanes stored last is not in the records of jobs that it only answers.
#[test]
fn jobs_that_are_revoked_have_the_digest_0() {
    let runtime = digesting(Mode::Auto);
    let writer = tenant(&runtime);
    writer.module_load(&module(WAYS, &HANDLERS)).unwrap();
    let b = buffer(&writer, &[0; 64]);
    let quota = Quota {
        fuel_per_second: 1,
        ..Quota::default()
    };
    let guest: Guest = runtime
        .create_tenant(&TenantOptions {
            quota,
            ..TenantOptions::default()
        })
        .unwrap()
        .into();
    // The first one is more than a year's, so the others are only published.
    let tickets = submit(&guest, &[with(spin(8000), BARRIER); 9]);
    wait(&guest, tickets[0]);
    let stores: Vec<Job> = (0..64).map(|i| job(FIRST, 1, &[0, b, 2, i, 5])).collect();
    assert!(run(&writer, &stores).iter().all(|done| done.digest != 0));
    guest.revoke(u64::MAX).unwrap();
    for done in take(&guest, 8) {
        assert_eq!((done.status, done.digest), (REVOKED, 0));
    }
}
