// crc32c: CRC-32C (Castagnoli), as iSCSI, ext4, Btrfs and SSE 4.2 have it, of many ranges of a buffer.
//
// Kind: tiled. A range is cut into parts of 64 KiB, each the work of one tile; the lanes share a part out. The job
// needs ranges * parts tiles, where parts is what the longest range takes; it does no harm if others take fewer.
//
// arg 0  data: a buffer; ranges may start and end anywhere
// arg 1  ranges: two words for each: first byte, number of bytes
// arg 2  crcs: one word for each range, which is 0 before. The parts of a range find their way into it in any order.
// arg 3  how many ranges there are
// arg 4  parts of each range, at least 1
//
// fail(1): a range is longer than its parts. fail(2): no tile for each part of each range. Where the ranges' lengths
// differ much, a job for the long ones and one for the short ones leave fewer tiles without work.
//
// Fuel: a lane takes one unit for each word of its share of a part, and at most 420 besides. All lanes together have
// at most 16,385 words.
//
// How it works: without the ones it starts with, a CRC is linear. What a part adds to it is the part's CRC, started
// with zero, and moved on by the bytes that follow: multiplied by x^8 for each, modulo the polynomial. So lanes and
// tiles take their shares in any order, and the sum over all, which is an exclusive or, is the CRC. It is linear in
// each bit of a word, too: the 32 constants below are what each bit becomes after 32 more, which takes the place of a
// table in memory.
//
// Source: RFC 3720, section 12.1 and appendix B.4; the moving on is that of zlib's crc32_combine (Mark Adler).

const PART_BYTES: u32 = 65536u;
const POLYNOMIAL: u32 = 0x82f63b78u;
const RANGE_TOO_LONG: u32 = 1u;
const TOO_FEW_TILES: u32 = 2u;

// Four bits of v, the lowest of them v's bit 28 - up, as masks of all ones or zeros.
fn chosen(v: u32, up: u32) -> vec4<u32> {
    let tops = vec4<u32>(v) << vec4<u32>(up + 3u, up + 2u, up + 1u, up);
    return bitcast<vec4<u32>>(bitcast<vec4<i32>>(tops) >> vec4<u32>(31u));
}

// The state after 32 bits more, which the caller has put to the state by an exclusive or.
fn after_word(crc: u32) -> u32 {
    var sum = vec4<u32>(0u);
    sum ^= vec4<u32>(0xdd45aab8u, 0xbf672381u, 0x7b2231f3u, 0xf64463e6u) & chosen(crc, 28u);
    sum ^= vec4<u32>(0xe964b13du, 0xd725148bu, 0xaba65fe7u, 0x52a0c93fu) & chosen(crc, 24u);
    sum ^= vec4<u32>(0xa541927eu, 0x4f6f520du, 0x9edea41au, 0x38513ec5u) & chosen(crc, 20u);
    sum ^= vec4<u32>(0x70a27d8au, 0xe144fb14u, 0xc76580d9u, 0x8b277743u) & chosen(crc, 16u);
    sum ^= vec4<u32>(0x13a29877u, 0x274530eeu, 0x4e8a61dcu, 0x9d14c3b8u) & chosen(crc, 12u);
    sum ^= vec4<u32>(0x3fc5f181u, 0x7f8be302u, 0xff17c604u, 0xfbc3faf9u) & chosen(crc, 8u);
    sum ^= vec4<u32>(0xf26b8303u, 0xe13b70f7u, 0xc79a971fu, 0x8ad958cfu) & chosen(crc, 4u);
    sum ^= vec4<u32>(0x105ec76fu, 0x20bd8edeu, 0x417b1dbcu, 0x82f63b78u) & chosen(crc, 0u);
    return sum.x ^ sum.y ^ sum.z ^ sum.w;
}

// One bit more.
fn after_bit(crc: u32) -> u32 {
    return (crc >> 1u) ^ (POLYNOMIAL & (0u - (crc & 1u)));
}

struct Products {
    sums: vec2<u32>,
    powers: vec2<u32>,
}

// Adds the powers of x that one bit of the other factor, 0 or 1, stands for, and goes on to the next power.
fn next_power(p: Products, bit: u32) -> Products {
    let low = p.powers & vec2<u32>(1u);
    return Products(
        p.sums ^ (p.powers & vec2<u32>(0u - bit)),
        (p.powers >> vec2<u32>(1u)) ^ (vec2<u32>(POLYNOMIAL) & (vec2<u32>(0u) - low)),
    );
}

// The products of a with each of b, modulo the polynomial; the highest bit stands for x^0.
fn multiply(a: u32, b: vec2<u32>) -> vec2<u32> {
    var p = Products(vec2<u32>(0u), b);
    for (var bits = a; bits != 0u; bits <<= 4u) {
        p = next_power(p, bits >> 31u);
        p = next_power(p, (bits >> 30u) & 1u);
        p = next_power(p, (bits >> 29u) & 1u);
        p = next_power(p, (bits >> 28u) & 1u);
    }
    return p.sums;
}

// The state after so many zero bytes more.
fn after_zeros(crc: u32, bytes: u32) -> u32 {
    var moved = crc;
    var by = 0x00800000u; // x^8, and then the square of what it was
    for (var n = bytes; n != 0u; n >>= 1u) {
        let products = multiply(by, vec2<u32>(moved, by));
        moved = select(moved, products.x, (n & 1u) != 0u);
        by = products.y;
    }
    return moved;
}

fn crc32c() {
    let data = buffer(arg(0u));
    let ranges = buffer(arg(1u));
    let crcs = buffer_mut(arg(2u));
    let count = arg(3u);
    let parts = max(arg(4u), 1u);
    let good = check_range(ranges, 0u, count, 8u) & check_range(crcs, 0u, count, 4u);
    if (tiles() / parts < count) {
        fail(TOO_FEW_TILES);
    }
    let number = tile() / parts;
    let part = tile() % parts;
    if (!good | (number >= count)) {
        return;
    }
    let first = load_u32(ranges, number * 2u);
    let length = load_u32(ranges, number * 2u + 1u);
    if ((length != 0u) & ((max(length, 1u) - 1u) / PART_BYTES >= parts)) {
        fail(RANGE_TOO_LONG);
    }
    // A part without bytes has nothing to add. The CRC of no bytes at all is 0.
    if (!check_range(data, first, length, 1u) | (part > (max(length, 1u) - 1u) / PART_BYTES) | (length == 0u)) {
        return;
    }
    let begin = first + part * PART_BYTES;
    let end = begin + min(PART_BYTES, length - part * PART_BYTES);

    // Lanes share out the words of data that the part lies in.
    let word = begin >> 2u;
    let all = ((end - 1u) >> 2u) + 1u - word;
    let share = (all + lanes() - 1u) / lanes();
    let mine = word + min(lane() * share, all);
    let mine_end = word + min((lane() + 1u) * share, all);
    let to = min(end, mine_end << 2u);

    // In the first word, bytes before the part count as zeros, which a state of zero takes no notice of. The state
    // that the range's first byte meets is all ones; these become it after no, one, two and three zero bytes.
    var crc = 0u;
    if ((lane() == 0u) & (part == 0u)) {
        let before = begin & 3u;
        let low = select(0xffffffffu, 0xa942e6bcu, (before & 1u) != 0u);
        crc = select(low, select(0x2804363bu, 0x96db52a8u, (before & 1u) != 0u), (before & 2u) != 0u);
    }
    var keep = select(0xffffffffu, 0xffffffffu << ((begin & 3u) << 3u), lane() == 0u);
    for (var w = mine; w < (to >> 2u); w += 1u) {
        crc = after_word(crc ^ (load_u32(data, w) & keep));
        keep = 0xffffffffu;
    }
    // The bytes of the last word that are there, if not all are.
    if (mine < mine_end) {
        let bits = (to & 3u) << 3u;
        let bytes = load_bytes(data, to & ~3u) & keep;
        var rest = bytes & ((1u << bits) - 1u);
        crc ^= rest;
        for (var k = 0u; k < bits; k += 1u) {
            crc = after_bit(crc);
        }
    }
    crc = after_zeros(crc, first + length - max(to, begin));
    // The ones that end it.
    if ((lane() == 0u) & (part == 0u)) {
        crc ^= 0xffffffffu;
    }
    atomic_xor_u32(crcs, number, select(0u, crc, mine < mine_end));
}
