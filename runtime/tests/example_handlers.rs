//! The handlers of examples/handlers, each loaded as a tenant's module and compared with a plain reference on the CPU:
//! published vectors, sizes around every boundary, and what they say about arguments that make no sense.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rota::completion_status::{FAULTED, OK};
use rota::fault::{FUEL_EXHAUSTED, OUT_OF_BOUNDS, READ_ONLY};
use rota::job_flags::AFTER_OK;
use rota::{
    op, Completion, HandlerOptions, Job, ModuleOptions, Runtime, RuntimeOptions, Tenant,
    TenantOptions, Wait,
};

#[path = "reference/dfa.rs"]
mod reference;
#[path = "reference/rng.rs"]
mod rng;
use reference::{counts_of, dfa, matches};
use rng::Rng;

// ---------------------------------------------------------------- the kit

const SHA256: u32 = 0x1000;
const CRC32C: u32 = 0x1001;
const NEAREST_PART: u32 = 0x1002;
const NEAREST_MERGE: u32 = 0x1003;
const SCAN: u32 = 0x1004;
const FFT: u32 = 0x1005;

struct Example {
    name: &'static str,
    source: &'static str,
    handlers: &'static [(u32, &'static str)],
}

macro_rules! example {
    ($name:literal, $handlers:expr) => {
        Example {
            name: $name,
            source: include_str!(concat!("../../examples/handlers/", $name, ".wgsl")),
            handlers: $handlers,
        }
    };
}

static SHA256_MODULE: Example = example!("sha256", &[(SHA256, "sha256")]);
static CRC32C_MODULE: Example = example!("crc32c", &[(CRC32C, "crc32c")]);
static NEAREST_MODULE: Example = example!(
    "nearest",
    &[
        (NEAREST_PART, "nearest_part"),
        (NEAREST_MERGE, "nearest_merge")
    ]
);
static SCAN_MODULE: Example = example!("scan", &[(SCAN, "scan")]);
static FFT_MODULE: Example = example!("fft", &[(FFT, "fft")]);

/// What handlers say with `fail(code)`.
const fn failed(code: u32) -> u32 {
    0x10000 + code
}

impl Rng {
    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }

    /// Between -1 and 1.
    fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n)
            .map(|_| self.next() as i32 as f32 / 2_147_483_648.0)
            .collect()
    }
}

/// The runtime and the tenant that the tests running at the moment share; the last of them closes them. Loading a module
/// compiles a kernel, so each is loaded once.
struct Shared {
    users: usize,
    opened: Option<(Runtime, Tenant)>,
    loaded: Vec<&'static str>,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    users: 0,
    opened: None,
    loaded: Vec::new(),
});

fn shared() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Kit {
    tenant: Tenant,
    lanes: u32,
    rng: Rng,
}

impl Kit {
    fn new(example: &'static Example, seed: u64) -> Self {
        let mut shared = shared();
        let Shared { opened, loaded, .. } = &mut *shared;
        let (runtime, tenant) = opened.get_or_insert_with(|| {
            let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
            let runtime = Runtime::open(&RuntimeOptions {
                cache_dir: Some(cache),
                ..Default::default()
            })
            .unwrap_or_else(|e| panic!("no runtime: {e}"));
            let tenant = runtime
                .create_tenant(&TenantOptions {
                    label: "examples".into(),
                    ..Default::default()
                })
                .unwrap();
            (runtime, tenant)
        });
        let info = runtime.info();
        if !loaded.contains(&example.name) {
            // What the drivers with a limit for loops allow: 21,845 iterations of a worker, with a margin.
            let fuel = info.most_tile_fuel.min(21_600 / info.device.subgroup_size);
            let options = ModuleOptions {
                label: format!("{}.wgsl", example.name),
                source: example.source.into(),
                handlers: example
                    .handlers
                    .iter()
                    .map(|&(opcode, function)| HandlerOptions {
                        opcode,
                        function: function.into(),
                        tiled: true,
                        fuel,
                    })
                    .collect(),
            };
            match tenant.module_load(&options) {
                Ok((_, report)) => println!("{}: {report:?}", example.name),
                Err(e) => panic!("{}: {e}", example.name),
            }
            loaded.push(example.name);
        }
        let kit = Self {
            tenant: tenant.clone(),
            lanes: info.device.subgroup_size,
            rng: Rng(seed),
        };
        shared.users += 1;
        kit
    }

    fn run(&self, jobs: &[Job]) -> Vec<Completion> {
        let mut tickets = vec![0; jobs.len()];
        let (accepted, result) = self.tenant.submit(jobs, Some(&mut tickets));
        result.unwrap();
        assert_eq!(accepted, jobs.len());
        tickets
            .into_iter()
            .map(|t| {
                self.tenant
                    .wait(t, Wait::Adaptive, 120_000_000_000)
                    .unwrap()
            })
            .collect()
    }

    /// Runs a job that must end OK, and gives its results.
    fn ok(&self, opcode: u32, tiles: u32, args: &[u32]) -> [u32; 2] {
        let c = self.run(&[job(opcode, tiles, args)])[0];
        assert_eq!(
            (c.status, c.fault),
            (OK, 0),
            "opcode {opcode:#x}, {tiles} tiles, arguments {args:?}"
        );
        c.results
    }

    fn faults(&self, opcode: u32, tiles: u32, args: &[u32], fault: u32) {
        let c = self.run(&[job(opcode, tiles, args)])[0];
        assert_eq!(
            (c.status, c.fault),
            (FAULTED, fault),
            "opcode {opcode:#x}, {tiles} tiles, arguments {args:?}"
        );
    }

    fn buffer(&self, bytes: &[u8], read_only: bool) -> Buf {
        let handle = self
            .tenant
            .buffer_create(bytes.len().max(1) as u64, read_only)
            .unwrap();
        self.tenant.buffer_write(handle, 0, bytes).unwrap();
        Buf {
            tenant: self.tenant.clone(),
            handle,
            len: bytes.len(),
        }
    }

    fn bytes(&self, bytes: &[u8]) -> Buf {
        self.buffer(bytes, false)
    }

    fn words(&self, words: &[u32]) -> Buf {
        let bytes: Vec<_> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.bytes(&bytes)
    }

    fn floats(&self, floats: &[f32]) -> Buf {
        let words: Vec<_> = floats.iter().map(|f| f.to_bits()).collect();
        self.words(&words)
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        let mut shared = shared();
        shared.users -= 1;
        if shared.users == 0 {
            shared.opened = None;
            shared.loaded.clear();
        }
    }
}

fn job(opcode: u32, tiles: u32, args: &[u32]) -> Job {
    let mut job = Job {
        opcode,
        tiles,
        ..Job::default()
    };
    job.args[..args.len()].copy_from_slice(args);
    job
}

struct Buf {
    tenant: Tenant,
    handle: u32,
    len: usize,
}

impl Buf {
    fn read_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.tenant.buffer_read(self.handle, 0, &mut bytes).unwrap();
        bytes
    }

    fn read(&self) -> Vec<u32> {
        self.read_bytes()
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }

    fn read_floats(&self) -> Vec<f32> {
        self.read().into_iter().map(f32::from_bits).collect()
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        // It fails only where the test has failed already.
        let _ = self.tenant.buffer_destroy(self.handle);
    }
}

/// Puts texts behind one another, each at its own distance from a word boundary. Gives them all, filled up to words, and
/// where each starts.
fn packed(texts: &[Vec<u8>]) -> (Vec<u8>, Vec<u32>) {
    let (mut all, mut starts) = (vec![], vec![]);
    for (i, text) in texts.iter().enumerate() {
        all.resize(all.len().next_multiple_of(4) + i % 4, 0xee);
        starts.push(all.len() as u32);
        all.extend(text);
    }
    all.resize(all.len().next_multiple_of(4).max(4), 0xee);
    (all, starts)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

// ---------------------------------------------------------------- sha256

/// The state after one more block, as FIPS 180-4 tells it in section 6.2.2.
fn sha256_block(state: [u32; 8], block: &[u8]) -> [u32; 8] {
    // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
    let primes = (2u32..).filter(|n| (2..*n).all(|d| n % d != 0));
    let constants = primes.take(64).map(|p| {
        let cubed = u128::from(p) << 96;
        let (mut low, mut high) = (0u128, 1u128 << 36);
        while high - low > 1 {
            let middle = (low + high) / 2;
            match middle * middle * middle <= cubed {
                true => low = middle,
                false => high = middle,
            }
        }
        low as u32
    });
    let mut w: Vec<u32> = block
        .chunks(4)
        .map(|b| u32::from_be_bytes(b.try_into().unwrap()))
        .collect();
    for t in 16..64 {
        let (a, b) = (w[t - 15], w[t - 2]);
        let a = a.rotate_right(7) ^ a.rotate_right(18) ^ a >> 3;
        let b = b.rotate_right(17) ^ b.rotate_right(19) ^ b >> 10;
        w.push(
            a.wrapping_add(b)
                .wrapping_add(w[t - 7])
                .wrapping_add(w[t - 16]),
        );
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    for (k, w) in constants.zip(w) {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let t1 = h
            .wrapping_add(s1)
            .wrapping_add((e & f) ^ (!e & g))
            .wrapping_add(k)
            .wrapping_add(w);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    let after = [a, b, c, d, e, f, g, h];
    std::array::from_fn(|i| state[i].wrapping_add(after[i]))
}

const SHA256_START: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// The digest of a message of which `before` blocks have led to `state`, and these bytes are the rest.
fn sha256_rest(mut state: [u32; 8], before: u64, rest: &[u8]) -> String {
    let mut padded = rest.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend(((before * 64 + rest.len() as u64) * 8).to_be_bytes());
    for block in padded.chunks(64) {
        state = sha256_block(state, block);
    }
    state.iter().map(|w| format!("{w:08x}")).collect()
}

fn sha256(message: &[u8]) -> String {
    sha256_rest(SHA256_START, 0, message)
}

impl Kit {
    /// The digests of whole messages, in one job.
    fn sha256(&self, messages: &[Vec<u8>], tiles: u32) -> Vec<String> {
        let (data, starts) = packed(messages);
        let pieces: Vec<_> = messages
            .iter()
            .zip(starts)
            .flat_map(|(m, start)| [start, m.len() as u32, 0, 1])
            .collect();
        let (data, pieces) = (self.buffer(&data, true), self.words(&pieces));
        let digests = self.bytes(&vec![0xaa; 32 * messages.len()]);
        let args = [
            data.handle,
            pieces.handle,
            digests.handle,
            messages.len() as u32,
            0,
            2_048,
        ];
        assert_eq!(self.ok(SHA256, tiles, &args)[0], 0, "nothing is left");
        digests.read_bytes().chunks(32).map(hex).collect()
    }

    fn sha256_tiles(&self, messages: usize) -> u32 {
        (messages as u32).div_ceil(self.lanes).max(1)
    }
}

/// FIPS 180-4's own examples, and the first of NIST's validation system for byte-oriented messages (SHA256ShortMsg).
#[test]
fn sha256_gives_the_published_digests() {
    let kit = Kit::new(&SHA256_MODULE, 1);
    let known: [(&[u8], &str); 8] = [
        (
            b"",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
        (
            &[0xd3],
            "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1",
        ),
        (
            &[0x11, 0xaf],
            "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98",
        ),
        (
            &[0xb4, 0x19, 0x0e],
            "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2",
        ),
        (
            &[0x74, 0xba, 0x25, 0x21],
            "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e",
        ),
    ];
    let messages: Vec<_> = known.iter().map(|(m, _)| m.to_vec()).collect();
    let digests = kit.sha256(&messages, kit.sha256_tiles(messages.len()));
    for ((message, known), digest) in known.iter().zip(digests) {
        assert_eq!(&sha256(message), known, "the reference");
        assert_eq!(&digest, known, "{}", hex(message));
    }
}

#[test]
fn sha256_takes_every_length_and_place() {
    let mut kit = Kit::new(&SHA256_MODULE, 2);
    let mut lengths: Vec<_> = (0..=200).collect();
    for blocks in [4, 16, 100] {
        for bytes in [55, 56, 57, 63, 64, 65] {
            lengths.push(64 * blocks + bytes);
        }
    }
    // Every distance from a word boundary.
    for turn in 0..4 {
        let mut messages: Vec<_> = lengths.iter().map(|&n| kit.rng.bytes(n)).collect();
        messages.rotate_left(turn);
        let digests = kit.sha256(&messages, kit.sha256_tiles(messages.len()));
        for (message, digest) in messages.iter().zip(digests) {
            assert_eq!(digest, sha256(message), "{} bytes", message.len());
        }
    }
}

#[test]
fn sha256_takes_any_number_of_messages_and_tiles() {
    let mut kit = Kit::new(&SHA256_MODULE, 3);
    let lanes = kit.lanes as usize;
    for count in [
        0,
        1,
        2,
        lanes - 1,
        lanes,
        lanes + 1,
        3 * lanes,
        3 * lanes + 1,
    ] {
        let messages: Vec<_> = (0..count)
            .map(|_| {
                let n = kit.rng.below(300) as usize;
                kit.rng.bytes(n)
            })
            .collect();
        let expected: Vec<_> = messages.iter().map(|m| sha256(m)).collect();
        for tiles in [1, kit.sha256_tiles(count), 7] {
            assert_eq!(
                kit.sha256(&messages, tiles),
                expected,
                "{count} messages in {tiles} tiles"
            );
        }
    }
}

const MILLION: &str = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

/// The third example of FIPS 180-4: more blocks than one job hashes.
#[test]
fn sha256_of_a_million_bytes_takes_several_jobs() {
    let kit = Kit::new(&SHA256_MODULE, 4);
    let data = kit.bytes(&vec![b'a'; 1_000_000]);
    // Two messages, of which one is done before the other.
    let pieces = kit.words(&[0, 1_000_000, 0, 1, 8, 300_000, 0, 1]);
    let digests = kit.bytes(&[0x55; 64]);
    let blocks = (1_000_000 + 8) / 64 + 1;
    let jobs: Vec<_> = (0..blocks)
        .step_by(2_048)
        .map(|first| Job {
            // What is before the first one is another test's, and may have faulted.
            flags: if first == 0 { 0 } else { AFTER_OK },
            ..job(
                SHA256,
                1,
                &[data.handle, pieces.handle, digests.handle, 2, first, 2_048],
            )
        })
        .collect();
    let done = kit.run(&jobs);
    for (i, c) in done.iter().enumerate() {
        let left = [2, 2, 1, 1, 1, 1, 1, 0];
        assert_eq!((c.status, c.results[0]), (OK, left[i]), "job {i}");
    }
    assert_eq!(done.len(), 8);
    let digests: Vec<_> = digests.read_bytes().chunks(32).map(hex).collect();
    assert_eq!(digests, [MILLION.into(), sha256(&[b'a'; 300_000])]);
}

/// Pieces as they come from a file that doesn't fit: here three buffers' worth and a rest.
#[test]
fn sha256_goes_on_with_the_next_piece() {
    let kit = Kit::new(&SHA256_MODULE, 5);
    let piece_bytes = 4_800 * 64;
    let data = kit.bytes(&vec![b'a'; piece_bytes]);
    let digests = kit.bytes(&[0x55; 32]);
    let (mut before, mut left) = (0, 1_000_000);
    while left > 0 {
        let length = left.min(piece_bytes);
        left -= length;
        let piece = kit.words(&[0, length as u32, before, (left == 0) as u32]);
        let mut first = 0;
        loop {
            let args = [data.handle, piece.handle, digests.handle, 1, first, 1_000];
            if kit.ok(SHA256, 1, &args)[0] == 0 {
                break;
            }
            first += 1_000;
        }
        before += (length / 64) as u32;
    }
    assert_eq!(hex(&digests.read_bytes()), MILLION);

    // A message that ends where a piece did, and one of no bytes of which that is not known at first.
    for n in [0, 6_400] {
        let digests = kit.bytes(&[0x55; 32]);
        for (length, before, last) in [(n, 0, 0), (0, n / 64, 1)] {
            let piece = kit.words(&[0, length, before, last]);
            let args = [data.handle, piece.handle, digests.handle, 1, 0, 2_048];
            assert_eq!(kit.ok(SHA256, 1, &args)[0], 0);
        }
        assert_eq!(hex(&digests.read_bytes()), sha256(&vec![b'a'; n as usize]));
    }
}

/// The length has 64 bits: messages of up to 256 GiB, from a state that might be theirs.
#[test]
fn sha256_counts_beyond_32_bits() {
    let mut kit = Kit::new(&SHA256_MODULE, 6);
    for before in [(1 << 23) - 1, 1 << 23, 0x0380_0001, u32::MAX] {
        let state: [u32; 8] = std::array::from_fn(|_| kit.rng.next());
        let rest = kit.rng.bytes(100);
        let data = kit.bytes(&rest);
        let piece = kit.words(&[0, 100, before, 1]);
        let digest = kit.words(&state.map(u32::swap_bytes));
        kit.ok(
            SHA256,
            1,
            &[data.handle, piece.handle, digest.handle, 1, 0, 2_048],
        );
        assert_eq!(
            hex(&digest.read_bytes()),
            sha256_rest(state, before.into(), &rest),
            "{before} blocks before"
        );
    }
}

#[test]
fn sha256_says_what_is_wrong() {
    let kit = Kit::new(&SHA256_MODULE, 7);
    let (data, uneven) = (kit.bytes(&[0; 400]), kit.bytes(&[0; 401]));
    let digests = kit.bytes(&[0; 64]);
    let locked = kit.buffer(&[0; 64], true);
    let piece = |words: [u32; 4]| kit.words(&words);
    let whole = piece([0, 400, 0, 1]);
    let call = |data: &Buf, piece: &Buf, digests: &Buf, count, most| {
        [data.handle, piece.handle, digests.handle, count, 0, most]
    };
    kit.ok(SHA256, 1, &call(&data, &whole, &digests, 1, 10));
    for (what, args, fault) in [
        (
            "half a block, and more to come",
            call(&data, &piece([0, 96, 0, 0]), &digests, 1, 10),
            failed(1),
        ),
        (
            "data that isn't words",
            call(&uneven, &whole, &digests, 1, 10),
            failed(2),
        ),
        ("no blocks", call(&data, &whole, &digests, 1, 0), failed(3)),
        (
            "too many blocks",
            call(&data, &whole, &digests, 1, 2_049),
            failed(3),
        ),
        (
            "beyond data",
            call(&data, &piece([1, 400, 0, 1]), &digests, 1, 10),
            OUT_OF_BOUNDS,
        ),
        (
            "beyond pieces",
            call(&data, &whole, &digests, 2, 10),
            OUT_OF_BOUNDS,
        ),
        (
            "digests that may not be written",
            call(&data, &whole, &locked, 1, 10),
            READ_ONLY,
        ),
    ] {
        println!("{what}");
        kit.faults(SHA256, 1, &args, fault);
    }
}

// ---------------------------------------------------------------- crc32c

/// Bit by bit (RFC 3720, section 12.1).
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &b| {
        (0..8).fold(crc ^ u32::from(b), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    })
}

impl Kit {
    fn crc32c(&self, texts: &[Vec<u8>], parts: u32, more_tiles: u32) -> Vec<u32> {
        let (mut data, starts) = packed(texts);
        // Words are not what data has to consist of.
        let end = texts
            .iter()
            .zip(&starts)
            .map(|(t, s)| t.len() + *s as usize);
        data.truncate(end.max().unwrap_or(0));
        let ranges: Vec<_> = texts
            .iter()
            .zip(starts)
            .flat_map(|(t, start)| [start, t.len() as u32])
            .collect();
        let (data, ranges) = (self.buffer(&data, true), self.words(&ranges));
        let crcs = self.words(&vec![0; texts.len()]);
        let count = texts.len() as u32;
        self.ok(
            CRC32C,
            (count * parts).max(1) + more_tiles,
            &[data.handle, ranges.handle, crcs.handle, count, parts],
        );
        crcs.read()
    }
}

/// The check value of the catalogue of CRCs, and RFC 3720, appendix B.4.
#[test]
fn crc32c_gives_the_published_values() {
    let kit = Kit::new(&CRC32C_MODULE, 10);
    let mut read_command = vec![0; 48];
    for (at, byte) in [
        (0, 0x01),
        (1, 0xc0),
        (16, 0x14),
        (22, 0x04),
        (27, 0x14),
        (31, 0x18),
        (32, 0x28),
        (40, 0x02),
    ] {
        read_command[at] = byte;
    }
    let known = [
        (b"123456789".to_vec(), 0xe306_9283),
        (vec![0; 32], 0x8a91_36aa),
        (vec![0xff; 32], 0x62a8_ab43),
        ((0..32).collect(), 0x46dd_794e),
        ((0..32).rev().collect(), 0x113f_db5c),
        (read_command, 0xd996_3a56),
        (vec![], 0),
    ];
    let texts: Vec<_> = known.iter().map(|(t, _)| t.clone()).collect();
    for ((text, known), crc) in known.iter().zip(kit.crc32c(&texts, 1, 0)) {
        assert_eq!(crc32c(text), *known, "the reference");
        assert_eq!(crc, *known, "{}", hex(text));
    }
}

#[test]
fn crc32c_takes_every_length_and_place() {
    let mut kit = Kit::new(&CRC32C_MODULE, 11);
    for turn in 0..4 {
        let mut texts: Vec<_> = (0..=150).map(|n| kit.rng.bytes(n)).collect();
        texts.rotate_left(turn);
        let expected: Vec<_> = texts.iter().map(|t| crc32c(t)).collect();
        assert!(
            kit.crc32c(&texts, 1, turn as u32) == expected,
            "turn {turn}"
        );
    }
}

#[test]
fn crc32c_joins_the_parts_of_long_ranges() {
    let mut kit = Kit::new(&CRC32C_MODULE, 12);
    for n in [65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 300_001] {
        let texts: Vec<_> = (0..4)
            .map(|_| {
                let shorter = kit.rng.below(n as u32) as usize;
                [kit.rng.bytes(n), kit.rng.bytes(shorter)]
            })
            .collect::<Vec<_>>()
            .concat();
        let parts = (n as u32).div_ceil(65_536);
        let expected: Vec<_> = texts.iter().map(|t| crc32c(t)).collect();
        for more in [0, 3] {
            let crcs = kit.crc32c(&texts, parts + more, more);
            assert_eq!(crcs, expected, "{n} bytes in {parts} parts and {more}");
        }
    }
}

#[test]
fn crc32c_says_what_is_wrong() {
    let kit = Kit::new(&CRC32C_MODULE, 13);
    let data = kit.bytes(&vec![1; 70_000]);
    let crcs = kit.words(&[0]);
    let range = |first: u32, length: u32| kit.words(&[first, length]);
    for (first, length, count, parts, tiles, fault) in [
        (0, 65_537, 1, 1, 1, failed(1)),
        (0, 65_536, 1, 2, 1, failed(2)),
        (0, 70_001, 1, 2, 2, OUT_OF_BOUNDS),
        (u32::MAX, 2, 1, 1, 1, OUT_OF_BOUNDS),
        (0, 1, 2, 1, 2, OUT_OF_BOUNDS),
    ] {
        let ranges = range(first, length);
        let args = [data.handle, ranges.handle, crcs.handle, count, parts];
        kit.faults(CRC32C, tiles, &args, fault);
    }
}

// ---------------------------------------------------------------- nearest

const NO_ROW: u32 = u32::MAX;

/// One search: a matrix and queries of random numbers, of which the answer is checked against sums in f64.
struct Search {
    rows: usize,
    queries: usize,
    numbers: usize,
    wanted: usize,
    parts: usize,
}

impl Search {
    fn run(&self, kit: &Kit, matrix: &[f32], queries: &[f32]) -> (Vec<f32>, Vec<u32>) {
        let (m, q) = (kit.floats(matrix), kit.floats(queries));
        let all = self.queries * self.parts * self.wanted;
        let (scores, best) = (kit.words(&vec![7; all]), kit.words(&vec![7; all]));
        let args = [
            m.handle,
            q.handle,
            scores.handle,
            best.handle,
            self.rows as u32,
            self.queries as u32,
            self.numbers as u32,
            self.wanted as u32,
            self.parts as u32,
        ];
        let tiles = (self.queries * self.parts).max(1) as u32;
        if self.parts == 1 {
            kit.ok(NEAREST_PART, tiles, &args);
            return (scores.read_floats(), best.read());
        }
        let end = self.queries * self.wanted;
        let (end_scores, end_best) = (kit.words(&vec![7; end]), kit.words(&vec![7; end]));
        let mut merge_args = args;
        merge_args[..4].copy_from_slice(&[
            scores.handle,
            best.handle,
            end_scores.handle,
            end_best.handle,
        ]);
        let merge = job(NEAREST_MERGE, self.queries.max(1) as u32, &merge_args);
        let done = kit.run(&[
            job(NEAREST_PART, tiles, &args),
            Job {
                flags: AFTER_OK,
                ..merge
            },
        ]);
        for c in done {
            assert_eq!((c.status, c.fault), (OK, 0));
        }
        (end_scores.read_floats(), end_best.read())
    }

    /// The scores may be off by what the handler's head says, and rows whose exact scores differ by less than two such
    /// errors may change places.
    fn check(&self, matrix: &[f32], queries: &[f32], scores: &[f32], best: &[u32]) {
        for q in 0..self.queries {
            let query = &queries[q * self.numbers..][..self.numbers];
            let exact: Vec<(f64, f64)> = (0..self.rows)
                .map(|r| {
                    let row = &matrix[r * self.numbers..][..self.numbers];
                    let products = row
                        .iter()
                        .zip(query)
                        .map(|(a, b)| f64::from(*a) * f64::from(*b));
                    let off = products.clone().map(f64::abs).sum::<f64>()
                        * (self.numbers as f64 / 4.0 + 3.0)
                        / f64::from(1 << 24);
                    (products.sum(), off)
                })
                .collect();
            let mut sorted: Vec<_> = exact.iter().map(|e| e.0).collect();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let mut seen = vec![false; self.rows];
            for k in 0..self.wanted {
                let (score, row) = (scores[q * self.wanted + k], best[q * self.wanted + k]);
                let about = format!("query {q}, place {k}: row {row}, {score}");
                if k >= self.rows {
                    assert_eq!((score, row), (f32::MIN, NO_ROW), "{about}");
                    continue;
                }
                let (value, off) = exact[row as usize];
                assert!((f64::from(score) - value).abs() <= off, "{about}: {value}");
                assert!(
                    (value - sorted[k]).abs() <= 2.0 * off,
                    "{about}: its place has {}",
                    sorted[k]
                );
                assert!(!seen[row as usize], "{about}: twice");
                seen[row as usize] = true;
                if k > 0 {
                    assert!(scores[q * self.wanted + k - 1] >= score, "{about}: order");
                }
            }
        }
    }
}

#[test]
fn nearest_finds_the_best_rows() {
    let mut kit = Kit::new(&NEAREST_MODULE, 20);
    // What one tile of all lanes takes at a time.
    let tile = 4 * kit.lanes as usize;
    for (rows, queries, numbers, wanted, parts) in [
        (0, 1, 4, 1, 1),
        (1, 1, 4, 1, 1),
        (1, 2, 8, 16, 1),
        (3, 0, 4, 3, 1),
        (15, 3, 12, 16, 1),
        (16, 3, 12, 16, 4),
        (tile - 1, 2, 32, 5, 1),
        (tile, 2, 32, 5, 1),
        (tile + 1, 2, 32, 5, 1),
        (tile + 1, 2, 32, 5, 2),
        (5, 1, 16, 3, 9),
        (1_000, 7, 100, 10, 3),
        (8_192, 3, 128, 16, 4 * 8 / kit.lanes.min(8) as usize),
        (500, 2, 1_024, 1, 7),
    ] {
        let search = Search {
            rows,
            queries,
            numbers,
            wanted,
            parts,
        };
        let (matrix, asked) = (
            kit.rng.floats(rows * numbers),
            kit.rng.floats(queries * numbers),
        );
        let (scores, best) = search.run(&kit, &matrix, &asked);
        println!(
            "{rows} rows, {queries} queries, {numbers} numbers, {wanted} wanted, {parts} parts"
        );
        search.check(&matrix, &asked, &scores, &best);
    }
}

/// Numbers so small and round that f32 adds them up exactly: the order is known to the last place.
#[test]
fn nearest_gives_equal_rows_by_their_numbers() {
    let mut kit = Kit::new(&NEAREST_MODULE, 21);
    let (rows, numbers, wanted) = (700, 8, 16);
    let mut small =
        |n: usize| -> Vec<f32> { (0..n).map(|_| kit.rng.below(3) as f32 - 1.0).collect() };
    let (matrix, asked) = (small(rows * numbers), small(3 * numbers));
    for parts in [1, 2, 5] {
        let search = Search {
            rows,
            queries: 3,
            numbers,
            wanted,
            parts,
        };
        let (scores, best) = search.run(&kit, &matrix, &asked);
        for q in 0..3 {
            let mut expected: Vec<(i32, u32)> = (0..rows)
                .map(|r| {
                    let sum: f32 = (0..numbers)
                        .map(|i| matrix[r * numbers + i] * asked[q * numbers + i])
                        .sum();
                    (-sum as i32, r as u32)
                })
                .collect();
            expected.sort_unstable();
            let found: Vec<_> = (0..wanted)
                .map(|k| (-scores[q * wanted + k] as i32, best[q * wanted + k]))
                .collect();
            assert_eq!(found, expected[..wanted], "query {q}, {parts} parts");
        }
    }
}

#[test]
fn nearest_never_finds_what_is_no_number() {
    let kit = Kit::new(&NEAREST_MODULE, 22);
    let matrix = [[f32::NAN; 4], [-1.0; 4], [f32::NAN; 4], [2.0; 4]].concat();
    let search = Search {
        rows: 4,
        queries: 1,
        numbers: 4,
        wanted: 3,
        parts: 1,
    };
    let (scores, best) = search.run(&kit, &matrix, &[1.0; 4]);
    assert_eq!(best, [3, 1, NO_ROW]);
    assert_eq!(scores, [8.0, -4.0, f32::MIN]);
}

#[test]
fn nearest_says_what_is_wrong() {
    let kit = Kit::new(&NEAREST_MODULE, 23);
    let (floats, words) = (kit.floats(&[1.0; 64]), kit.words(&[0; 64]));
    let other = kit.words(&[0; 64]);
    // rows, queries, numbers, wanted, parts, tiles
    for (rows, queries, numbers, wanted, parts, tiles, fault) in [
        (16, 1, 6, 1, 1, 1, failed(1)),
        (16, 1, 0, 1, 1, 1, failed(1)),
        (16, 1, 4, 0, 1, 1, failed(1)),
        (16, 1, 4, 17, 1, 1, failed(1)),
        (16, 1, 4, 1, 0, 1, failed(1)),
        (16, 1, 1 << 30, 1, 1, 1, failed(1)),
        (16, 2, 4, 1, 2, 3, failed(2)),
        (17, 1, 4, 1, 1, 1, OUT_OF_BOUNDS),
        (16, 17, 4, 1, 1, 17, OUT_OF_BOUNDS),
        (16, 5, 4, 13, 1, 5, OUT_OF_BOUNDS),
    ] {
        let args = [
            floats.handle,
            floats.handle,
            words.handle,
            other.handle,
            rows,
            queries,
            numbers,
            wanted,
            parts,
        ];
        kit.faults(NEAREST_PART, tiles, &args, fault);
    }
    for (queries, wanted, parts, tiles, fault) in [
        (1, 0, 1, 1, failed(1)),
        (2, 1, 2, 1, failed(2)),
        (5, 1, 13, 5, OUT_OF_BOUNDS),
    ] {
        let args = [
            words.handle,
            words.handle,
            other.handle,
            other.handle,
            0,
            queries,
            0,
            wanted,
            parts,
        ];
        kit.faults(NEAREST_MERGE, tiles, &args, fault);
    }
}

// ---------------------------------------------------------------- scan

/// A text as the handler takes it: with room up to a multiple of 16.
fn filled_up(text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    text.resize(text.len().next_multiple_of(16).max(16), b'a');
    text
}

#[test]
fn scan_finds_what_the_reference_and_the_standard_handler_find() {
    let mut kit = Kit::new(&SCAN_MODULE, 30);
    let patterns = ["a", "ab", "bab", "abcab", "ccc", "dddddddd"].map(|p| p.as_bytes().to_vec());
    let table = kit.words(&dfa(&patterns));
    for n in [
        0u32, 1, 2, 15, 16, 17, 31, 33, 255, 256, 257, 4_095, 4_097, 16_383, 16_384, 16_385, 50_001,
    ] {
        for more in [0, 1, 5, 200] {
            let offset = kit.rng.below(40);
            let all: Vec<_> = (0..offset + n + 3)
                .map(|_| b'a' + kit.rng.below(6) as u8)
                .collect();
            let text = kit.buffer(&filled_up(&all), true);
            let found = matches(&all[offset as usize..][..n as usize], &patterns);
            let cap = found.len() as u32 + 2;
            let tiles = n.div_ceil(16_384).max(1) + more;

            let mut answers = vec![];
            for opcode in [SCAN, op::SCAN_DFA] {
                let counts = kit.words(&[5; 7]);
                let positions = kit.words(&vec![0; 2 * cap as usize + 1]);
                let args = [
                    text.handle,
                    offset,
                    n,
                    table.handle,
                    counts.handle,
                    1,
                    positions.handle,
                    cap,
                ];
                let results = kit.ok(opcode, tiles, &args);
                let positions = positions.read();
                let mut places: Vec<_> = positions[1..]
                    .chunks(2)
                    .take(positions[0] as usize)
                    .map(|p| (p[0], p[1]))
                    .collect();
                places.sort_unstable();
                answers.push((results, counts.read(), places));
            }
            let mut counts = counts_of(&found, patterns.len());
            counts.iter_mut().for_each(|c| *c += 5);
            counts.insert(0, 5);
            let expected = ([found.len() as u32, 0], counts, found);
            let about = format!("{n} bytes from {offset} in {tiles} tiles");
            assert!(answers[0] == expected, "{about}");
            assert!(answers[1] == expected, "{about}, the standard handler");
        }
    }
}

#[test]
fn scan_takes_any_byte_and_a_match_at_every_byte() {
    let mut kit = Kit::new(&SCAN_MODULE, 31);
    let all = kit.rng.bytes(20_001);
    let patterns: Vec<_> = (0..40)
        .map(|i| all[i * 400..][..3 + i % 4].to_vec())
        .collect();
    let (text, table) = (kit.bytes(&filled_up(&all)), kit.words(&dfa(&patterns)));
    let counts = kit.words(&vec![0; patterns.len()]);
    let args = [text.handle, 0, 20_001, table.handle, counts.handle];
    kit.ok(SCAN, 5, &args);
    assert_eq!(
        counts.read(),
        counts_of(&matches(&all, &patterns), patterns.len())
    );

    let (n, patterns) = (20_000u32, [b"a".to_vec(), b"aa".to_vec()]);
    let (text, table) = (
        kit.bytes(&vec![b'a'; n as usize]),
        kit.words(&dfa(&patterns)),
    );
    let counts = kit.words(&[0, 0]);
    let args = [text.handle, 0, n, table.handle, counts.handle];
    let results = kit.ok(SCAN, 4, &args);
    assert_eq!((results, counts.read()), ([2 * n - 1, 0], vec![n, n - 1]));
}

/// A job over a table with any one word of it damaged ends, and writes nowhere but where it may.
#[test]
fn scan_with_a_damaged_table_ends_and_stays_in_its_counts() {
    let mut kit = Kit::new(&SCAN_MODULE, 32);
    let patterns = ["ab", "abc", "ca"].map(|p| p.as_bytes().to_vec());
    let good = dfa(&patterns);
    let all: Vec<_> = (0..512).map(|_| b'a' + kit.rng.below(4) as u8).collect();
    let text = kit.bytes(&all);
    let mut faulted = 0;
    for word in 0..good.len() {
        for damage in [1, 0x100, 0x7fff_0000, u32::MAX] {
            let mut table = good.clone();
            table[word] ^= damage;
            let table = kit.words(&table);
            let counts = kit.words(&[9; 5]);
            let args = [text.handle, 0, 512, table.handle, counts.handle, 1];
            let c = kit.run(&[job(SCAN, 1, &args)])[0];
            if c.status != OK {
                assert!(
                    [failed(1), OUT_OF_BOUNDS].contains(&c.fault),
                    "word {word}: fault {:#x}",
                    c.fault
                );
                faulted += 1;
            }
            let counts = counts.read();
            assert_eq!((counts[0], counts[4]), (9, 9), "word {word}");
        }
    }
    assert!(
        faulted > good.len(),
        "{faulted} of {} faulted",
        good.len() * 4
    );
}

#[test]
fn scan_says_what_is_wrong() {
    let kit = Kit::new(&SCAN_MODULE, 33);
    let (text, uneven) = (kit.bytes(&vec![b'a'; 32_768]), kit.bytes(&[b'a'; 100]));
    let table = kit.words(&dfa(&[b"ab".to_vec()]));
    let (counts, small) = (kit.words(&[0]), kit.words(&[0; 3]));
    let locked = kit.buffer(&[0; 4], true);
    let call = |text: &Buf, n, table: &Buf, counts: &Buf, word, positions, cap| {
        [
            text.handle,
            0,
            n,
            table.handle,
            counts.handle,
            word,
            positions,
            cap,
        ]
    };
    for (args, fault) in [
        (call(&text, 64, &text, &counts, 0, 0, 0), failed(1)),
        (call(&text, 64, &small, &counts, 0, 0, 0), failed(1)),
        (call(&text, 16_385, &table, &counts, 0, 0, 0), failed(2)),
        (call(&uneven, 64, &table, &counts, 0, 0, 0), failed(3)),
        (call(&text, 32_769, &table, &counts, 0, 0, 0), OUT_OF_BOUNDS),
        (call(&text, 64, &table, &counts, 1, 0, 0), OUT_OF_BOUNDS),
        (
            call(&text, 64, &table, &counts, 0, small.handle, 2),
            OUT_OF_BOUNDS,
        ),
        (call(&text, 64, &table, &locked, 0, 0, 0), READ_ONLY),
    ] {
        kit.faults(SCAN, 1, &args, fault);
    }
}

// ---------------------------------------------------------------- fft

type Complex = (f64, f64);

fn times((a, b): Complex, (c, d): Complex) -> Complex {
    (a * c - b * d, a * d + b * c)
}

fn turned(by: f64) -> Complex {
    let angle = by * std::f64::consts::TAU;
    (angle.cos(), angle.sin())
}

/// By the definition, in f64. The exponent is taken modulo n, so that no angle is a large one.
fn dft(numbers: &[Complex], backward: bool) -> Vec<Complex> {
    let n = numbers.len();
    let sign = if backward { 1.0 } else { -1.0 };
    let roots: Vec<_> = (0..n).map(|k| turned(sign * k as f64 / n as f64)).collect();
    let scale = if backward { 1.0 / n as f64 } else { 1.0 };
    (0..n)
        .map(|k| {
            let sum = numbers.iter().enumerate().fold((0.0, 0.0), |sum, (j, &x)| {
                let t = times(x, roots[j * k % n]);
                (sum.0 + t.0, sum.1 + t.1)
            });
            (sum.0 * scale, sum.1 * scale)
        })
        .collect()
}

fn complex(floats: &[f32]) -> Vec<Complex> {
    floats
        .chunks(2)
        .map(|c| (f64::from(c[0]), f64::from(c[1])))
        .collect()
}

/// The root of the sum of squares of what differs, relative to that of what is expected.
fn relative_error(found: &[Complex], expected: &[Complex]) -> f64 {
    let squares = |numbers: &mut dyn Iterator<Item = Complex>| -> f64 {
        numbers.map(|(a, b)| a * a + b * b).sum()
    };
    let differences = found
        .iter()
        .zip(expected)
        .map(|(f, e)| (f.0 - e.0, f.1 - e.1));
    (squares(&mut differences.into_iter()) / squares(&mut expected.iter().copied())).sqrt()
}

fn twiddles() -> Vec<f32> {
    (0..512)
        .flat_map(|k| {
            let (re, im) = turned(-f64::from(k) / 1_024.0);
            [re as f32, im as f32]
        })
        .collect()
}

#[test]
fn fft_is_as_exact_as_it_says() {
    let mut kit = Kit::new(&FFT_MODULE, 40);
    let twiddles = kit.floats(&twiddles());
    for log in 1..=10u32 {
        let n = 1usize << log;
        for (count, backward) in [(1, false), (2, true), (9, false)] {
            let from = kit.rng.floats(2 * n * count);
            let src = kit.floats(&from);
            let dst = kit.floats(&vec![7.0; 2 * n * count + 2]);
            let args = [
                src.handle,
                dst.handle,
                twiddles.handle,
                log,
                count as u32,
                backward as u32,
            ];
            // One tile more than there are transforms does no harm.
            kit.ok(FFT, count as u32 + backward as u32, &args);
            let found = dst.read_floats();
            assert_eq!(found[2 * n * count..], [7.0, 7.0], "behind the end");
            for t in 0..count {
                let part = 2 * n * t..2 * n * (t + 1);
                let expected = dft(&complex(&from[part.clone()]), backward);
                let error = relative_error(&complex(&found[part]), &expected);
                let bound = f64::from(log) / f64::from(1 << 23);
                println!("{n} numbers, {count} transforms: {error:.2e}, at most {bound:.2e}");
                assert!(error <= bound, "{n} numbers: {error:e}");
            }
        }
    }
}

#[test]
fn fft_in_place_and_back_gives_what_there_was() {
    let mut kit = Kit::new(&FFT_MODULE, 41);
    let twiddles = kit.floats(&twiddles());
    let (log, count) = (10, 20);
    let from = kit.rng.floats((2 << log) * count);
    let both = kit.floats(&from);
    for backward in 0..2 {
        let args = [
            both.handle,
            both.handle,
            twiddles.handle,
            log,
            count as u32,
            backward,
        ];
        kit.ok(FFT, count as u32, &args);
    }
    let error = relative_error(&complex(&both.read_floats()), &complex(&from));
    assert!(error <= 2.0 * 10.0 / f64::from(1 << 23), "{error:e}");
}

#[test]
fn fft_says_what_is_wrong() {
    let kit = Kit::new(&FFT_MODULE, 42);
    let twiddles = kit.floats(&twiddles());
    let numbers = kit.floats(&[1.0; 64]);
    for (twiddles, log, count, backward, tiles, fault) in [
        (&twiddles, 0, 1, 0, 1, failed(1)),
        (&twiddles, 11, 1, 0, 1, failed(1)),
        (&twiddles, 3, 1, 2, 1, failed(1)),
        (&twiddles, 3, 2, 0, 1, failed(2)),
        (&twiddles, 6, 1, 0, 1, OUT_OF_BOUNDS),
        (&twiddles, 5, 2, 0, 2, OUT_OF_BOUNDS),
        (&numbers, 5, 1, 0, 1, OUT_OF_BOUNDS),
    ] {
        let args = [
            numbers.handle,
            numbers.handle,
            twiddles.handle,
            log,
            count,
            backward,
        ];
        kit.faults(FFT, tiles, &args, fault);
    }
    kit.ok(
        FFT,
        1,
        &[numbers.handle, numbers.handle, twiddles.handle, 5, 0, 0],
    );
}

// ---------------------------------------------------------------- fuel

impl Kit {
    /// The largest job that a head allows ends OK with the fuel that the head tells, and not with half of it; and it is
    /// within what the drivers with a limit for loops give to a worker of 8 lanes.
    fn needs_fuel(&self, fuel: u32, job: Job) {
        let with = |fuel| self.run(&[Job { fuel, ..job }])[0];
        let (enough, half) = (with(fuel), with(fuel / 2));
        assert_eq!((enough.status, enough.fault), (OK, 0), "with {fuel}");
        assert_eq!((half.status, half.fault), (FAULTED, FUEL_EXHAUSTED));
        assert!(
            fuel * self.lanes <= 21_600,
            "{fuel} for each of {} lanes",
            self.lanes
        );
    }
}

#[test]
fn sha256_needs_the_fuel_that_it_says() {
    let kit = Kit::new(&SHA256_MODULE, 50);
    let length = 2_048 * 64 - 9;
    let data = kit.bytes(&[0x61; 2_048 * 64]);
    let pieces = kit.words(&[0, length, 0, 1].repeat(kit.lanes as usize));
    let digests = kit.bytes(&vec![0; 32 * kit.lanes as usize]);
    let args = [
        data.handle,
        pieces.handle,
        digests.handle,
        kit.lanes,
        0,
        2_048,
    ];
    kit.needs_fuel(2_048 + 4 + 3, job(SHA256, 1, &args));
}

#[test]
fn crc32c_needs_the_fuel_that_it_says() {
    let kit = Kit::new(&CRC32C_MODULE, 51);
    let data = kit.bytes(&vec![0x61; (4 << 20) + 4]);
    let ranges = kit.words(&[3, (4 << 20) - 1]);
    let crcs = kit.words(&[0]);
    let args = [data.handle, ranges.handle, crcs.handle, 1, 64];
    kit.needs_fuel(16_384u32.div_ceil(kit.lanes) + 420, job(CRC32C, 64, &args));
}

#[test]
fn nearest_needs_the_fuel_that_it_says() {
    let kit = Kit::new(&NEAREST_MODULE, 52);
    for (rows_of_8_lanes, numbers) in [(2_048, 128), (256, 1_024)] {
        let rows = rows_of_8_lanes * kit.lanes / 8;
        let matrix = kit.bytes(&vec![0; (rows * numbers * 4) as usize]);
        let (scores, best) = (kit.words(&[0; 16]), kit.words(&[0; 16]));
        let args = [
            matrix.handle,
            matrix.handle,
            scores.handle,
            best.handle,
            rows,
            1,
            numbers,
            16,
            1,
        ];
        let fuel = rows / (4 * kit.lanes) * (numbers / 4 + 4) + 20 * kit.lanes + 20;
        kit.needs_fuel(fuel, job(NEAREST_PART, 1, &args));
    }
    let parts = 1_024 * kit.lanes;
    let (scores, best) = (
        kit.words(&vec![0; parts as usize]),
        kit.words(&vec![0; parts as usize]),
    );
    let (end_scores, end_best) = (kit.words(&[0]), kit.words(&[0]));
    let args = [
        scores.handle,
        best.handle,
        end_scores.handle,
        end_best.handle,
        0,
        1,
        0,
        1,
        parts,
    ];
    let fuel = parts / kit.lanes + 20 * kit.lanes + 20;
    kit.needs_fuel(fuel, job(NEAREST_MERGE, 1, &args));
}

#[test]
fn scan_needs_the_fuel_that_it_says() {
    let kit = Kit::new(&SCAN_MODULE, 53);
    // A match at every fourth byte.
    let text = kit.bytes(&b"abcd".repeat(4_100));
    let table = kit.words(&dfa(&[b"abcd".to_vec()]));
    let counts = kit.words(&[0]);
    let args = [text.handle, 7, 16_384, table.handle, counts.handle];
    let blocks = 16_384 / 16 / kit.lanes;
    let fuel = 11 * (blocks + 2) + blocks * 4 + 64 / kit.lanes + 20;
    kit.needs_fuel(fuel, job(SCAN, 1, &args));
}

#[test]
fn fft_needs_the_fuel_that_it_says() {
    let kit = Kit::new(&FFT_MODULE, 54);
    let twiddles = kit.floats(&twiddles());
    let numbers = kit.floats(&[1.0; 2_048]);
    let args = [numbers.handle, numbers.handle, twiddles.handle, 10, 1];
    kit.needs_fuel(12 * (512u32.div_ceil(kit.lanes) + 1), job(FFT, 1, &args));
}
