// scan: how often each of many patterns occurs in a text, in one pass, by a table that the caller has built from them.
//
// Kind: tiled. A tile takes at most 16,384 bytes: a job needs count / 16384 tiles, rounded up, and may have more.
//
// arg 0  text: a buffer whose length is a multiple of 16 bytes
// arg 1  text_byte: where in it the text starts; anywhere
// arg 2  count: how many bytes the text has
// arg 3  table, below
// arg 4  counts: counts[counts_word + p] is raised by the number of times that pattern p ends in the text
// arg 5  counts_word
// arg 6  positions, or 0: a buffer whose word 0 is raised by the number of matches. Each of the first positions_cap of
//        them that find their place there leaves two words from word 1 on: the offset behind its last byte, relative to
//        text_byte, and its pattern; in no order
// arg 7  positions_cap
//
// results: the 64-bit number of matches, low word first. Matches that begin before text_byte are none.
//
// fail(1): the table makes no sense. fail(2): too few tiles. fail(3): the text's buffer is no multiple of 16 bytes
// long.
//
// The table, in words: magic, states, classes, patterns, longest pattern in bytes, and the word offsets of the
// transitions, of the outputs' index and of the outputs; then the class of each byte, four to a word.
// transitions[state * classes + class] is the next state, with HIT if that state has outputs: the pattern numbers
// outputs[index[state] .. index[state + 1]]. State 0 is the root. examples/c/dfa.c builds one.
//
// Each lane scans a part of its own. It starts as many bytes early as a pattern can reach back, from the root, and
// counts only what ends in its part.
//
// Fuel: a lane takes 11 units for 16 bytes, also for those that it starts early, one for each match, and at most 40
// besides. With 8 lanes and 2,700 units a tile of 16,384 bytes may have a match every 1.7 bytes; where texts have more,
// use more tiles.
//
// Source: Aho and Corasick, "Efficient string matching", 1975. It is the standard handler scan_dfa as a tenant's own.

const LARGEST_TILE: u32 = 16384u;
const GRANULE: u32 = 256u;
const BAD_TABLE: u32 = 1u;
const TOO_FEW_TILES: u32 = 2u;
const UNEVEN_TEXT: u32 = 3u;

const MAGIC: u32 = 0x52444641u;
const HEADER: u32 = 72u;
const CLASSES: u32 = 8u;
const HIT: u32 = 0x80000000u;

struct Dfa {
    table: Buffer,
    states: u32,
    classes: u32,
    patterns: u32,
    longest: u32,
    transitions: u32,
    index: u32,
    outputs: u32,
    // How many words follow from `outputs` on.
    outputs_room: u32,
}

// Whether header, ranges and classes make sense. The states that the transitions name, and the outputs, are checked
// where they are used.
fn dfa_is_good(dfa: Dfa) -> bool {
    let words = size(dfa.table) >> 2u;
    // A pattern of n bytes has n states besides the root.
    if (dfa.states == 0u || dfa.classes == 0u || dfa.classes > 256u || dfa.longest >= dfa.states) {
        return false;
    }
    if (dfa.transitions > words || dfa.states > (words - dfa.transitions) / dfa.classes) {
        return false;
    }
    if (dfa.index > words || dfa.states >= words - dfa.index || dfa.outputs > words) {
        return false;
    }
    var highest = 0u;
    for (var i = lane(); i < 64u; i += lanes()) {
        let v = load_u32(dfa.table, CLASSES + i);
        highest = max(highest, max(max(v & 0xffu, (v >> 8u) & 0xffu), max((v >> 16u) & 0xffu, v >> 24u)));
    }
    return highest < dfa.classes;
}

fn dfa_load(table: Buffer) -> Dfa {
    let words = size(table) >> 2u;
    let outputs = load_u32(table, 7u);
    return Dfa(
        table,
        load_u32(table, 1u),
        load_u32(table, 2u),
        load_u32(table, 3u),
        load_u32(table, 4u),
        load_u32(table, 5u),
        load_u32(table, 6u),
        outputs,
        words - min(outputs, words),
    );
}

fn dfa_classes_of(table: Buffer, word: u32) -> vec4<u32> {
    let a = load_u32(table, CLASSES + ((word >> 2u) & 63u));
    let b = load_u32(table, CLASSES + ((word >> 10u) & 63u));
    let c = load_u32(table, CLASSES + ((word >> 18u) & 63u));
    let d = load_u32(table, CLASSES + (word >> 26u));
    let shifts = (vec4<u32>(word << 3u, word >> 5u, word >> 13u, word >> 21u)) & vec4<u32>(24u);
    return (vec4<u32>(a, b, c, d) >> shifts) & vec4<u32>(0xffu);
}

// The state in a transition. One that the table doesn't have becomes its last, so that the walk stays within the table
// until the end of the block, where it is noticed.
fn dfa_state(dfa: Dfa, transition: u32) -> u32 {
    return min(transition & ~HIT, dfa.states - 1u);
}

// Four bytes on from `state`, of which bits 0 to 3 of `live` tell whether they are there: the transition of each, or
// just the state before it where the byte is not there.
fn dfa_step_4(dfa: Dfa, state: u32, word: u32, live: u32) -> vec4<u32> {
    let classes = dfa_classes_of(dfa.table, word) + vec4<u32>(dfa.transitions);
    let a = select(state, load_u32(dfa.table, state * dfa.classes + classes.x), (live & 1u) != 0u);
    let sa = dfa_state(dfa, a);
    let b = select(sa, load_u32(dfa.table, sa * dfa.classes + classes.y), (live & 2u) != 0u);
    let sb = dfa_state(dfa, b);
    let c = select(sb, load_u32(dfa.table, sb * dfa.classes + classes.z), (live & 4u) != 0u);
    let sc = dfa_state(dfa, c);
    let d = select(sc, load_u32(dfa.table, sc * dfa.classes + classes.w), (live & 8u) != 0u);
    return vec4<u32>(a, b, c, d);
}

// The highest state in four transitions, as the table has it.
fn dfa_highest(steps: vec4<u32>) -> u32 {
    let states = steps & vec4<u32>(~HIT);
    return max(max(states.x, states.y), max(states.z, states.w));
}

fn dfa_hits(steps: vec4<u32>) -> u32 {
    let bits = steps >> vec4<u32>(31u);
    return bits.x | (bits.y << 1u) | (bits.z << 2u) | (bits.w << 3u);
}

// The lowest bits of a block of 16 bytes at `block`: one for each byte before `end`.
fn bytes_before(block: u32, end: u32) -> u32 {
    return (1u << min(end - min(end, block), 16u)) - 1u;
}

fn scan() {
    let text = buffer(arg(0u));
    let text_byte = arg(1u);
    let count = arg(2u);
    let table = buffer(arg(3u));
    let counts = buffer_mut(arg(4u));
    let counts_word = arg(5u);
    let cap = arg(7u);
    var positions: Buffer;
    if (arg(6u) != 0u) {
        positions = buffer_mut(arg(6u));
        // No buffer holds as many as the clamp lets through, and twice that plus one still fits 32 bits.
        check_range(positions, 0u, min(cap, 0x7ffffffeu) * 2u + 1u, 4u);
    }
    if (!check_range(text, text_byte, count, 1u)) {
        return;
    }
    if ((size(text) & 15u) != 0u) {
        fail(UNEVEN_TEXT);
        return;
    }
    if ((size(table) < HEADER * 4u) | (load_u32(table, 0u) != MAGIC)) {
        fail(BAD_TABLE);
        return;
    }
    let dfa = dfa_load(table);
    if (!check_range(counts, counts_word, dfa.patterns, 4u)) {
        return;
    }
    if (!dfa_is_good(dfa)) {
        fail(BAD_TABLE);
        return;
    }

    // Every tile gets the same chunk, and the last ones what is left, which may be nothing.
    let even = count / tiles() + select(0u, 1u, count % tiles() != 0u);
    if (even > LARGEST_TILE) {
        fail(TOO_FEW_TILES);
        return;
    }
    let chunk = max((even + GRANULE - 1u) & ~(GRANULE - 1u), GRANULE);
    // Compared as tile numbers: tile * chunk may not fit 32 bits where a job has many more tiles than it needs.
    let filled = count / chunk + select(0u, 1u, count % chunk != 0u);
    let first = select(tile() * chunk, count, tile() >= filled);
    let length = min(chunk, count - first);

    // The tile's bytes lie in blocks of 16; lanes share out whole blocks.
    let begin = text_byte + first;
    let end = begin + length;
    let block = begin >> 4u;
    let blocks = select(0u, ((end - 1u) >> 4u) + 1u - block, length != 0u);
    let share = (blocks + lanes() - 1u) / lanes();
    let mine = block + min(lane() * share, blocks);
    let mine_end = block + min((lane() + 1u) * share, blocks);
    let source = max(begin, mine << 4u);
    let to = min(end, mine_end << 4u);
    let early = source - min(max(dfa.longest, 1u) - 1u, source - text_byte);

    var found = 0u;
    var state = 0u;
    let last = select(0u, mine_end, mine < mine_end);
    for (var i = early >> 4u; i < last; i += 1u) {
        let at = i << 4u;
        var bytes = load_vec4_u32(text, i);
        var live = bytes_before(at, to);
        // Words up to the last byte that is live.
        let words = (firstLeadingBit(live) >> 2u) + 1u;
        live &= ~bytes_before(at, early);
        // The transitions of the last four words, the latest in d.
        var a = vec4<u32>(0u);
        var b = a;
        var c = a;
        var d = a;
        var hits = 0u;
        var highest = 0u;
        for (var k = 0u; k < words; k += 1u) {
            a = b;
            b = c;
            c = d;
            d = dfa_step_4(dfa, state, bytes.x, live >> (k << 2u));
            bytes = bytes.yzww;
            state = dfa_state(dfa, d.w);
            highest = max(highest, dfa_highest(d));
            hits |= dfa_hits(d) << (k << 2u);
        }
        if (highest >= dfa.states) {
            fail(BAD_TABLE);
            break;
        }
        hits &= live & ~bytes_before(at, source);

        // One match an iteration: first the outputs of the state after one byte, then those of the next hit.
        var output = 0u;
        var output_end = 0u;
        var hit = 0u;
        loop {
            if (output == output_end) {
                if (hits == 0u) {
                    break;
                }
                hit = firstTrailingBit(hits);
                hits &= hits - 1u;
                let n = hit + ((4u - words) << 2u);
                let four = select(select(a, b, (n & 4u) != 0u), select(c, d, (n & 4u) != 0u), (n & 8u) != 0u);
                let two = select(four.xy, four.zw, (n & 2u) != 0u);
                let s = select(two.x, two.y, (n & 1u) != 0u) & ~HIT;
                output = load_u32(table, dfa.index + s);
                output_end = load_u32(table, dfa.index + s + 1u);
                if (output >= output_end || output_end > dfa.outputs_room) {
                    fail(BAD_TABLE);
                    break;
                }
            }
            let pattern = load_u32(table, dfa.outputs + output);
            output += 1u;
            if (pattern >= dfa.patterns) {
                fail(BAD_TABLE);
                break;
            }
            found += 1u;
            atomic_add_u32(counts, counts_word + pattern, 1u);
            if (size(positions) != 0u) {
                let place = atomic_add_u32(positions, 0u, 1u);
                if (place < cap) {
                    store_u32(positions, place * 2u + 1u, at + hit + 1u - text_byte);
                    store_u32(positions, place * 2u + 2u, pattern);
                }
            }
        }
    }
    result_add_64(found, 0u);
}
