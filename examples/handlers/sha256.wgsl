// sha256: SHA-256 of many messages at once, each lane working on a message of its own.
//
// Kind: tiled. Any number of tiles is right; good is one for each lanes() messages.
//
// arg 0  data: a buffer with the messages, which may start and end anywhere. Its length is a multiple of 4 bytes.
// arg 1  pieces: four words for each message:
//          0  where its bytes start in data
//          1  how many there are
//          2  how many blocks of 64 bytes of the same message were hashed before: 0 but for those that come in pieces
//          3  1 if the message ends with these bytes, 0 if more will come; then their number is a multiple of 64
// arg 2  digests: 32 bytes for each message, the digest as everybody prints it. While a message is unfinished they are
//          what its next piece goes on from. They need no preparation.
// arg 3  how many messages there are
// arg 4  at which block of each piece to start
// arg 5  how many blocks of each piece to hash, 1 to 2,048
//
// result 0  how many of the pieces have blocks left after that
//
// fail(1): a piece that isn't the last of its message has no multiple of 64 bytes.
// fail(2): data is no multiple of 4 bytes long. fail(3): arg 5 is not from 1 to 2,048.
//
// A message in memory of at most 2,048 blocks less 9 bytes (some 128 KiB) takes one job. A longer one takes several,
// each AFTER_OK the one before, with arg 4 = 0, 2048, 4096, ... until result 0 is 0. A message that is not in memory as
// a whole comes in pieces, and word 2 of its entry counts on. Either way what one job leaves in digests is where the
// next goes on.
//
// A piece of no bytes that isn't the last, with some blocks before, is for a message that there is nothing of just now.
//
// Fuel: a lane takes one unit for each block, four for each message, and three. A job with a message for each lane
// needs at most 2,055.
//
// Source: FIPS 180-4, Secure Hash Standard, sections 4.1.2, 4.2.2, 5 and 6.2. The rounds are written out: a loop over
// them would cost as much fuel as the rounds, and its variables would be an array with computed indices.

const BLOCK: u32 = 64u;
const MOST_BLOCKS: u32 = 2048u;
const NOT_WHOLE_BLOCKS: u32 = 1u;
const UNEVEN_DATA: u32 = 2u;
const BAD_COUNT: u32 = 3u;

// The eight working variables a to h.
struct Hash {
    abcd: vec4<u32>,
    efgh: vec4<u32>,
}

fn start_of_message() -> Hash {
    return Hash(
        vec4<u32>(0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au),
        vec4<u32>(0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u),
    );
}

fn rotr(v: u32, by: u32) -> u32 {
    return (v >> by) | (v << (32u - by));
}

// One round; kw is the round's constant plus its word of the schedule.
fn one_round(s: Hash, kw: u32) -> Hash {
    let a = s.abcd.x;
    let e = s.efgh.x;
    let choice = s.efgh.z ^ (e & (s.efgh.y ^ s.efgh.z));
    let majority = (a & s.abcd.y) ^ (s.abcd.z & (a ^ s.abcd.y));
    let t1 = s.efgh.w + (rotr(e, 6u) ^ rotr(e, 11u) ^ rotr(e, 25u)) + choice + kw;
    let t2 = (rotr(a, 2u) ^ rotr(a, 13u) ^ rotr(a, 22u)) + majority;
    return Hash(vec4<u32>(t1 + t2, s.abcd.xyz), vec4<u32>(s.abcd.w + t1, s.efgh.xyz));
}

fn four_rounds(s: Hash, kw: vec4<u32>) -> Hash {
    return one_round(one_round(one_round(one_round(s, kw.x), kw.y), kw.z), kw.w);
}

// The four words of the schedule that follow these 16. The last two need the first two.
fn four_more(a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>) -> vec4<u32> {
    let v = vec4<u32>(a.yzw, b.x);
    let small = ((v >> vec4<u32>(7u)) | (v << vec4<u32>(25u))) ^ ((v >> vec4<u32>(18u)) | (v << vec4<u32>(14u)))
        ^ (v >> vec4<u32>(3u));
    let known = a + small + vec4<u32>(c.yzw, d.x);
    let low = known.xy + schedule_late(d.zw);
    return vec4<u32>(low, known.zw + schedule_late(low));
}

fn schedule_late(v: vec2<u32>) -> vec2<u32> {
    return ((v >> vec2<u32>(17u)) | (v << vec2<u32>(15u))) ^ ((v >> vec2<u32>(19u)) | (v << vec2<u32>(13u)))
        ^ (v >> vec2<u32>(10u));
}

// The hash after one block more.
fn after_block(before: Hash, w0: vec4<u32>, w1: vec4<u32>, w2: vec4<u32>, w3: vec4<u32>) -> Hash {
    var s = before;
    var a = w0;
    var b = w1;
    var c = w2;
    var d = w3;
    s = four_rounds(s, a + vec4<u32>(0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u));
    a = four_more(a, b, c, d);
    s = four_rounds(s, b + vec4<u32>(0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u));
    b = four_more(b, c, d, a);
    s = four_rounds(s, c + vec4<u32>(0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u));
    c = four_more(c, d, a, b);
    s = four_rounds(s, d + vec4<u32>(0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u));
    d = four_more(d, a, b, c);
    s = four_rounds(s, a + vec4<u32>(0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu));
    a = four_more(a, b, c, d);
    s = four_rounds(s, b + vec4<u32>(0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau));
    b = four_more(b, c, d, a);
    s = four_rounds(s, c + vec4<u32>(0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u));
    c = four_more(c, d, a, b);
    s = four_rounds(s, d + vec4<u32>(0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u));
    d = four_more(d, a, b, c);
    s = four_rounds(s, a + vec4<u32>(0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u));
    a = four_more(a, b, c, d);
    s = four_rounds(s, b + vec4<u32>(0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u));
    b = four_more(b, c, d, a);
    s = four_rounds(s, c + vec4<u32>(0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u));
    c = four_more(c, d, a, b);
    s = four_rounds(s, d + vec4<u32>(0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u));
    d = four_more(d, a, b, c);
    s = four_rounds(s, a + vec4<u32>(0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u));
    s = four_rounds(s, b + vec4<u32>(0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u));
    s = four_rounds(s, c + vec4<u32>(0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u));
    s = four_rounds(s, d + vec4<u32>(0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u));
    return Hash(before.abcd + s.abcd, before.efgh + s.efgh);
}

// SHA-256 takes the first byte of a word as its highest.
fn swap_bytes(v: vec4<u32>) -> vec4<u32> {
    let pairs = ((v & vec4<u32>(0x00ff00ffu)) << vec4<u32>(8u)) | ((v >> vec4<u32>(8u)) & vec4<u32>(0x00ff00ffu));
    return (pairs << vec4<u32>(16u)) | (pairs >> vec4<u32>(16u));
}

// Four words of a block as SHA-256 has them: from byte `at` of the piece on, whose length is `length`. `low` are the
// words of data in which they start, `next` is the one behind; `shift` tells how far into `low`. Behind the last byte
// of the piece goes a one bit, and then zeros.
fn padded(low: vec4<u32>, next: u32, shift: u32, at: u32, length: u32) -> vec4<u32> {
    let high = vec4<u32>(low.yzw, next) << vec4<u32>((32u - shift) & 31u);
    let bytes = swap_bytes(select(low, (low >> vec4<u32>(shift)) | high, shift != 0u));
    let starts = vec4<u32>(at, at + 4u, at + 8u, at + 12u);
    let left = vec4<u32>(length) - min(vec4<u32>(length), starts);
    let bits = min(left, vec4<u32>(3u)) << vec4<u32>(3u);
    let ends_here = (left < vec4<u32>(4u)) & (starts <= vec4<u32>(length));
    let partial = (bytes & ~(vec4<u32>(0xffffffffu) >> bits))
        | select(vec4<u32>(0u), vec4<u32>(0x80000000u) >> bits, ends_here);
    return select(partial, bytes, left >= vec4<u32>(4u));
}

fn sha256() {
    let data = buffer(arg(0u));
    let pieces = buffer(arg(1u));
    let digests = buffer_mut(arg(2u));
    let count = arg(3u);
    let first_block = arg(4u);
    let most = arg(5u);

    let good = check_range(pieces, 0u, count, 16u) & check_range(digests, 0u, count, 32u);
    let even = (size(data) & 3u) == 0u;
    let some = (most != 0u) & (most <= MOST_BLOCKS);
    if (!even) {
        fail(UNEVEN_DATA);
    }
    if (!some) {
        fail(BAD_COUNT);
    }
    let last_word = max(size(data) >> 2u, 1u) - 1u;

    var unfinished = 0u;
    let messages = select(0u, count, good & even & some);
    for (var m = tile() * lanes() + lane(); m < messages; m += tiles() * lanes()) {
        let piece = load_vec4_u32(pieces, m);
        let offset = piece.x;
        let length = piece.y;
        let is_last = piece.w != 0u;
        let inside = check_range(data, offset, length, 1u);
        if (!is_last & ((length & (BLOCK - 1u)) != 0u)) {
            fail(NOT_WHOLE_BLOCKS);
        }
        // The end of a message takes nine bytes more: the one bit, and the length.
        let whole = length / BLOCK;
        let blocks = select(whole, select(whole + 1u, whole + 2u, (length & (BLOCK - 1u)) > BLOCK - 9u), is_last);
        let begin = min(first_block, blocks);
        let end = begin + select(0u, min(most, blocks - begin), inside);
        unfinished += select(0u, 1u, end < blocks);

        var hash = start_of_message();
        if ((piece.z != 0u) | (begin != 0u)) {
            hash = Hash(swap_bytes(load_vec4_u32(digests, m * 2u)), swap_bytes(load_vec4_u32(digests, m * 2u + 1u)));
        }
        // The message's length in bits, 64 of them, high word first. Blocks have 512.
        let low = ((piece.z << 6u) + length) << 3u;
        let high = (piece.z >> 23u) + select(0u, 1u, low < (piece.z << 9u)) + (length >> 29u);
        let shift = (offset & 3u) << 3u;

        for (var block = begin; block < end; block += 1u) {
            let at = block * BLOCK;
            // Words behind the piece are not used; no index may leave the buffer all the same.
            let w = (offset + min(at, length)) >> 2u;
            let a = words(data, w, last_word);
            let b = words(data, w + 4u, last_word);
            let c = words(data, w + 8u, last_word);
            let d = words(data, w + 12u, last_word);
            let behind = load_u32(data, min(w + 16u, last_word));
            var tail = padded(d, behind, shift, at + 48u, length);
            if (is_last & (block == blocks - 1u)) {
                tail = vec4<u32>(tail.xy, high, low);
            }
            hash = after_block(
                hash,
                padded(a, b.x, shift, at, length),
                padded(b, c.x, shift, at + 16u, length),
                padded(c, d.x, shift, at + 32u, length),
                tail,
            );
        }
        if ((begin < end) | ((piece.z | first_block) == 0u)) {
            store_vec4_u32(digests, m * 2u, swap_bytes(hash.abcd));
            store_vec4_u32(digests, m * 2u + 1u, swap_bytes(hash.efgh));
        }
    }
    result_add(0u, unfinished);
}

fn words(data: Buffer, at: u32, last: u32) -> vec4<u32> {
    return vec4<u32>(
        load_u32(data, min(at, last)),
        load_u32(data, min(at + 1u, last)),
        load_u32(data, min(at + 2u, last)),
        load_u32(data, min(at + 3u, last)),
    );
}
