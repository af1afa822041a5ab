// The standard handlers: opcodes below 0x1000, for every tenant. standard.rs has their table and generates the
// constants MAX_CHUNK_... and GRANULE_... used here.
//
// A tiled handler splits its elements evenly: every tile gets the same chunk, rounded up to the granule, and the last
// ones what is left, which may be nothing. Lanes take neighbouring vectors of four words, so that one access of all
// lanes is one contiguous piece of memory, and one loop iteration does several vectors: iterations are what fuel and
// drivers' loop limits count. Each tile checks the job's whole ranges before it touches anything, so that either all
// tiles of a job see a bad argument or none does. A count of 0 does nothing and looks at no buffer.

// The part of a tiled job that one tile works on.
struct Part {
    // False: the job has too few tiles, and has been faulted.
    good: bool,
    first: u32,
    length: u32,
}

// `granule` is a power of two and `largest` a multiple of it.
fn part_of(count: u32, granule: u32, largest: u32) -> Part {
    let even = count / tiles() + select(0u, 1u, count % tiles() != 0u);
    if (even > largest) {
        rota_fail(ROTA_FAULT_INVALID_TILES);
        return Part(false, 0u, 0u);
    }
    let chunk = max((even + granule - 1u) & ~(granule - 1u), granule);
    // Compared as tile numbers: tile * chunk may not fit 32 bits where a job has many more tiles than it needs.
    if (tile() >= count / chunk + select(0u, 1u, count % chunk != 0u)) {
        return Part(true, count, 0u);
    }
    let first = tile() * chunk;
    return Part(true, first, min(chunk, count - first));
}

// How the words from `first` on fall into vectors: single words up to the first vector boundary, then whole vectors,
// then single words again.
struct Words {
    // Words before the vectors, and words before and behind them: at most 6.
    head: u32,
    singles: u32,
    // The vectors, as vector numbers.
    start: u32,
    end: u32,
}

fn words_of(first: u32, length: u32) -> Words {
    let head = min((0u - first) & 3u, length);
    let start = (first + head) >> 2u;
    return Words(head, head + ((length - head) & 3u), start, start + ((length - head) >> 2u));
}

// The k-th single word, counted from the first word.
fn single_at(words: Words, k: u32) -> u32 {
    return select(k, k + ((words.end - words.start) << 2u), k >= words.head);
}

fn load_4_words(b: Buffer, i: u32) -> vec4<u32> {
    return vec4<u32>(load_u32(b, i), load_u32(b, i + 1u), load_u32(b, i + 2u), load_u32(b, i + 3u));
}

// ---------------------------------------------------------------- scalar

// Gives its first two arguments back.
fn h_nop() {
    result(0u, arg(0u));
    result(1u, arg(1u));
}

// arg 0: iterations; arg 1: start. Steps the linear congruential generator of Numerical Recipes (Press et al., ranqd1).
fn h_spin() {
    let count = arg(0u);
    var x = arg(1u);
    for (var i = 0u; i < count; i += 1u) {
        x = x * 1664525u + 1013904223u;
    }
    result(0u, x);
}

// ---------------------------------------------------------------- fill

// dst, dst_word, count, value: stores value into count words.
fn h_fill() {
    let count = arg(2u);
    let part = part_of(count, GRANULE_FILL, MAX_CHUNK_FILL);
    if (!part.good || count == 0u) {
        return;
    }
    let dst = buffer_mut(arg(0u));
    if (!check_range(dst, arg(1u), count, 4u)) {
        return;
    }
    let value = arg(3u);
    let first = arg(1u) + part.first;
    let words = words_of(first, part.length);
    let step = lanes();
    for (var k = lane(); k < words.singles; k += step) {
        store_u32(dst, first + single_at(words, k), value);
    }
    for (var i = words.start + lane(); i < words.end; i += 2u * step) {
        store_vec4_u32(dst, i, vec4<u32>(value));
        if (i + step < words.end) {
            store_vec4_u32(dst, i + step, vec4<u32>(value));
        }
    }
}

// ---------------------------------------------------------------- copy

// src, src_word, dst, dst_word, count: copies count words. Where the two ranges overlap, what the overlap holds
// afterwards is unspecified: tiles and lanes copy in no order.
fn h_copy() {
    let count = arg(4u);
    let part = part_of(count, GRANULE_COPY, MAX_CHUNK_COPY);
    if (!part.good || count == 0u) {
        return;
    }
    let src = buffer(arg(0u));
    let dst = buffer_mut(arg(2u));
    if (!check_range(src, arg(1u), count, 4u) || !check_range(dst, arg(3u), count, 4u)) {
        return;
    }
    let source = arg(1u) + part.first;
    let first = arg(3u) + part.first;
    let words = words_of(first, part.length);
    let step = lanes();
    for (var k = lane(); k < words.singles; k += step) {
        let i = single_at(words, k);
        store_u32(dst, first + i, load_u32(src, source + i));
    }
    // The distance from a word of dst to its word of src, wrapping.
    let away = source - first;
    var i = words.start + lane();
    if ((away & 3u) == 0u) {
        let vectors_away = ((source + words.head) >> 2u) - words.start;
        for (; i < words.end; i += 2u * step) {
            store_vec4_u32(dst, i, load_vec4_u32(src, i + vectors_away));
            if (i + step < words.end) {
                store_vec4_u32(dst, i + step, load_vec4_u32(src, i + step + vectors_away));
            }
        }
    }
    // Where src and dst lie differently within their vectors.
    for (; i < words.end; i += step) {
        store_vec4_u32(dst, i, load_4_words(src, (i << 2u) + away));
    }
}

// ---------------------------------------------------------------- saxpy_f32

fn saxpy_vector(x: Buffer, i: u32, y: Buffer, j: u32, alpha: f32) {
    store_vec4_f32(y, j, alpha * load_vec4_f32(x, i) + load_vec4_f32(y, j));
}

// x, x_word, y, y_word, count, alpha: y[i] = alpha * x[i] + y[i]. x and y may be the same range; where they overlap
// otherwise, the overlap's content is unspecified.
fn h_saxpy_f32() {
    let count = arg(4u);
    let part = part_of(count, GRANULE_SAXPY_F32, MAX_CHUNK_SAXPY_F32);
    if (!part.good || count == 0u) {
        return;
    }
    let x = buffer(arg(0u));
    let y = buffer_mut(arg(2u));
    if (!check_range(x, arg(1u), count, 4u) || !check_range(y, arg(3u), count, 4u)) {
        return;
    }
    let alpha = bitcast<f32>(arg(5u));
    let source = arg(1u) + part.first;
    let first = arg(3u) + part.first;
    let words = words_of(first, part.length);
    let step = lanes();
    for (var k = lane(); k < words.singles; k += step) {
        let i = single_at(words, k);
        store_f32(y, first + i, alpha * load_f32(x, source + i) + load_f32(y, first + i));
    }
    // The distance from a word of y to its word of x, wrapping.
    let away = source - first;
    var i = words.start + lane();
    if ((away & 3u) == 0u) {
        let vectors_away = ((source + words.head) >> 2u) - words.start;
        for (; i < words.end; i += 2u * step) {
            saxpy_vector(x, i + vectors_away, y, i, alpha);
            if (i + step < words.end) {
                saxpy_vector(x, i + step + vectors_away, y, i + step, alpha);
            }
        }
    }
    // Where x and y lie differently within their vectors.
    for (; i < words.end; i += step) {
        let v = bitcast<vec4<f32>>(load_4_words(x, (i << 2u) + away));
        store_vec4_f32(y, i, alpha * v + load_vec4_f32(y, i));
    }
}

// ---------------------------------------------------------------- sum_u32

// src, src_word, count: results = the 64-bit sum, low word first.
fn h_sum_u32() {
    let count = arg(2u);
    let part = part_of(count, GRANULE_SUM_U32, MAX_CHUNK_SUM_U32);
    if (!part.good || count == 0u) {
        return;
    }
    let src = buffer(arg(0u));
    if (!check_range(src, arg(1u), count, 4u)) {
        return;
    }
    let first = arg(1u) + part.first;
    let words = words_of(first, part.length);
    // The sums of the low and of the high halves of the words; fewer than 65,536 of them, so that neither overflows.
    var low = vec4<u32>(0u);
    var high = vec4<u32>(0u);
    let step = lanes();
    for (var k = lane(); k < words.singles; k += step) {
        let v = load_u32(src, first + single_at(words, k));
        low.x += v & 0xffffu;
        high.x += v >> 16u;
    }
    for (var i = words.start + lane(); i < words.end; i += 2u * step) {
        let a = load_vec4_u32(src, i);
        low += a & vec4<u32>(0xffffu);
        high += a >> vec4<u32>(16u);
        if (i + step < words.end) {
            let b = load_vec4_u32(src, i + step);
            low += b & vec4<u32>(0xffffu);
            high += b >> vec4<u32>(16u);
        }
    }
    let l = low.x + low.y + low.z + low.w;
    let h = high.x + high.y + high.z + high.w;
    let sum = l + (h << 16u);
    result_add_64(sum, (h >> 16u) + select(0u, 1u, sum < l));
}

// ---------------------------------------------------------------- sum_f32

// src, src_word, count, dst, dst_word: dst[dst_word + tile] = the sum of the tile's elements, in every tile, also in
// those that get none. A job of one tile has the sum's bits in result 0 as well, and may leave dst 0.
fn h_sum_f32() {
    let count = arg(2u);
    let part = part_of(count, GRANULE_SUM_F32, MAX_CHUNK_SUM_F32);
    var good = part.good;
    var src: Buffer;
    if (count != 0u) {
        src = buffer(arg(0u));
        good = check_range(src, arg(1u), count, 4u) && good;
    }
    var dst: Buffer;
    let stored = arg(3u) != 0u || tiles() > 1u;
    if (stored) {
        dst = buffer_mut(arg(3u));
        good = check_range(dst, arg(4u), tiles(), 4u) && good;
    }
    // The lanes meet below, so all of them go on or none: another thread may be destroying a buffer just now.
    if (!subgroupAll(good)) {
        return;
    }
    let first = arg(1u) + part.first;
    let words = words_of(first, part.length);
    var sums = vec4<f32>(0.0);
    let step = lanes();
    for (var k = lane(); k < words.singles; k += step) {
        sums.x += load_f32(src, first + single_at(words, k));
    }
    for (var i = words.start + lane(); i < words.end; i += 2u * step) {
        sums += load_vec4_f32(src, i);
        if (i + step < words.end) {
            sums += load_vec4_f32(src, i + step);
        }
    }
    scratch_store(lane(), bitcast<u32>((sums.x + sums.y) + (sums.z + sums.w)));
    workgroupBarrier();
    if (lane() == 0u) {
        // In the lanes' order, so that the same job on the same device gives the same bits.
        var sum = 0.0;
        for (var k = 0u; k < step; k += 1u) {
            sum += bitcast<f32>(scratch_load(k));
        }
        if (stored) {
            store_f32(dst, arg(4u) + tile(), sum);
        }
        if (tiles() == 1u) {
            result(0u, bitcast<u32>(sum));
        }
    }
}

// ---------------------------------------------------------------- min_max_u32

// src, src_word, count: result 0 = the smallest, result 1 = the largest word; 0xffffffff and 0 where count is 0.
fn h_min_max_u32() {
    let count = arg(2u);
    let part = part_of(count, GRANULE_MIN_MAX_U32, MAX_CHUNK_MIN_MAX_U32);
    var low = vec4<u32>(0xffffffffu);
    var high = vec4<u32>(0u);
    if (part.good && count != 0u) {
        let src = buffer(arg(0u));
        if (!check_range(src, arg(1u), count, 4u)) {
            return;
        }
        let first = arg(1u) + part.first;
        let words = words_of(first, part.length);
        let step = lanes();
        for (var k = lane(); k < words.singles; k += step) {
            let v = load_u32(src, first + single_at(words, k));
            low.x = min(low.x, v);
            high.x = max(high.x, v);
        }
        for (var i = words.start + lane(); i < words.end; i += 2u * step) {
            let a = load_vec4_u32(src, i);
            low = min(low, a);
            high = max(high, a);
            if (i + step < words.end) {
                let b = load_vec4_u32(src, i + step);
                low = min(low, b);
                high = max(high, b);
            }
        }
    }
    result_min(0u, min(min(low.x, low.y), min(low.z, low.w)));
    result_max(1u, max(max(high.x, high.y), max(high.z, high.w)));
}

// ---------------------------------------------------------------- histogram_u8

// src, src_byte, count, dst, dst_word: adds the number of bytes of each value to the 256 words from dst_word on. The
// tile counts in scratch first, so that dst sees at most one addition per value and tile.
fn h_histogram_u8() {
    let count = arg(2u);
    let part = part_of(count, GRANULE_HISTOGRAM_U8, MAX_CHUNK_HISTOGRAM_U8);
    var good = part.good && count != 0u;
    var src: Buffer;
    var dst: Buffer;
    if (good) {
        src = buffer(arg(0u));
        dst = buffer_mut(arg(3u));
        good = check_range(src, arg(1u), count, 1u) && check_range(dst, arg(4u), 256u, 4u);
    }
    if (!subgroupAll(good)) {
        return;
    }
    let step = lanes();
    for (var i = lane(); i < 256u; i += step) {
        scratch_store(i, 0u);
    }
    workgroupBarrier();
    let first = arg(1u) + part.first;
    let head = min((0u - first) & 3u, part.length);
    let start = (first + head) >> 2u;
    let end = start + ((part.length - head) >> 2u);
    let singles = head + ((part.length - head) & 3u);
    for (var k = lane(); k < singles; k += step) {
        scratch_add(load_u8(src, first + select(k, k + ((end - start) << 2u), k >= head)), 1u);
    }
    for (var i = start + lane(); i < end; i += step) {
        let v = load_u32(src, i);
        scratch_add(v & 0xffu, 1u);
        scratch_add((v >> 8u) & 0xffu, 1u);
        scratch_add((v >> 16u) & 0xffu, 1u);
        scratch_add(v >> 24u, 1u);
    }
    workgroupBarrier();
    for (var i = lane(); i < 256u; i += step) {
        let n = scratch_load(i);
        if (n != 0u) {
            atomic_add_u32(dst, arg(4u) + i, n);
        }
    }
}

// ---------------------------------------------------------------- scan_dfa

// The table, in words: magic, states, classes, patterns, longest pattern in bytes, and the word offsets of the
// transitions, of the outputs' index and of the outputs; then the class of each byte, four to a word.
// transitions[state * classes + class] is the next state, with DFA_HIT if that state has outputs: the pattern numbers
// outputs[index[state] .. index[state + 1]]. State 0 is the root.
const DFA_MAGIC: u32 = 0x52444641u;
const DFA_HEADER: u32 = 72u;
const DFA_CLASSES: u32 = 8u;
const DFA_HIT: u32 = 0x80000000u;

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
        let v = load_u32(dfa.table, DFA_CLASSES + i);
        highest = max(highest, max(max(v & 0xffu, (v >> 8u) & 0xffu), max((v >> 16u) & 0xffu, v >> 24u)));
    }
    return highest < dfa.classes;
}

fn dfa_load(table: Buffer) -> Dfa {
    return Dfa(
        table,
        load_u32(table, 1u),
        load_u32(table, 2u),
        load_u32(table, 3u),
        load_u32(table, 4u),
        load_u32(table, 5u),
        load_u32(table, 6u),
        load_u32(table, 7u),
        (size(table) >> 2u) - min(load_u32(table, 7u), size(table) >> 2u),
    );
}

fn dfa_classes_of(table: Buffer, word: u32) -> vec4<u32> {
    let a = load_u32(table, DFA_CLASSES + ((word >> 2u) & 63u));
    let b = load_u32(table, DFA_CLASSES + ((word >> 10u) & 63u));
    let c = load_u32(table, DFA_CLASSES + ((word >> 18u) & 63u));
    let d = load_u32(table, DFA_CLASSES + (word >> 26u));
    let shifts = (vec4<u32>(word << 3u, word >> 5u, word >> 13u, word >> 21u)) & vec4<u32>(24u);
    return (vec4<u32>(a, b, c, d) >> shifts) & vec4<u32>(0xffu);
}

// The state in a transition. One that the table doesn't have becomes its last, so that the walk stays within the table
// until the end of the block, where it is noticed.
fn dfa_state(dfa: Dfa, transition: u32) -> u32 {
    return min(transition & ~DFA_HIT, dfa.states - 1u);
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
    let states = steps & vec4<u32>(~DFA_HIT);
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

// text, text_byte, count, dfa, counts, counts_word, positions, positions_cap: adds to counts[counts_word + p] how often
// pattern p ends in the count bytes from text_byte on; matches that begin before text_byte are none. positions, if not
// 0: word 0 is raised by the number of matches, and each of the first positions_cap ones that find their place there
// leaves two words from word 1 on: the offset behind its last byte, relative to text_byte, and its pattern; in no
// order. Results: the 64-bit number of matches.
//
// Each lane scans a part of its own. It starts as many bytes early as a pattern can reach back, from the root, and
// counts only what ends in its part.
fn h_scan_dfa() {
    let count = arg(2u);
    let part = part_of(count, GRANULE_SCAN_DFA, MAX_CHUNK_SCAN_DFA);
    if (!part.good || count == 0u) {
        return;
    }
    let text_byte = arg(1u);
    let text = buffer(arg(0u));
    let table = buffer(arg(3u));
    let counts = buffer_mut(arg(4u));
    let counts_word = arg(5u);
    var positions: Buffer;
    let cap = select(0u, arg(7u), arg(6u) != 0u);
    if (arg(6u) != 0u) {
        positions = buffer_mut(arg(6u));
        // No buffer holds as many as the clamp lets through, and twice that plus one still fits 32 bits.
        if (!check_range(positions, 0u, min(cap, 0x7ffffffeu) * 2u + 1u, 4u)) {
            return;
        }
    }
    if (!check_range(text, text_byte, count, 1u)) {
        return;
    }
    if (size(table) < DFA_HEADER * 4u || load_u32(table, 0u) != DFA_MAGIC) {
        rota_fail(ROTA_FAULT_INVALID_DATA);
        return;
    }
    let dfa = dfa_load(table);
    if (!check_range(counts, counts_word, dfa.patterns, 4u)) {
        return;
    }
    if (!dfa_is_good(dfa)) {
        rota_fail(ROTA_FAULT_INVALID_DATA);
        return;
    }

    // The tile's bytes lie in blocks of 16; lanes share out whole blocks.
    let begin = text_byte + part.first;
    let end = begin + part.length;
    let block = begin >> 4u;
    let blocks = select(0u, ((end - 1u) >> 4u) + 1u - block, part.length != 0u);
    let share = (blocks + lanes() - 1u) / lanes();
    let mine = block + min(lane() * share, blocks);
    let mine_end = block + min((lane() + 1u) * share, blocks);
    let source = max(begin, mine << 4u);
    let to = min(end, mine_end << 4u);
    let early = source - min(max(dfa.longest, 1u) - 1u, source - text_byte);

    // The block at the buffer's end, which may be a partial one that no vector load reaches.
    let whole = size(text) >> 4u;
    let rest = vec4<u32>(
        load_bytes(text, whole << 4u),
        load_bytes(text, (whole << 4u) + 4u),
        load_bytes(text, (whole << 4u) + 8u),
        load_bytes(text, (whole << 4u) + 12u),
    );

    var found = 0u;
    var state = 0u;
    let last = select(0u, mine_end, mine < mine_end);
    for (var i = early >> 4u; i < last; i += 1u) {
        let at = i << 4u;
        var bytes = rest;
        if (i < whole) {
            bytes = load_vec4_u32(text, i);
        }
        let stop = bytes_before(at, to);
        let live = stop & ~bytes_before(at, early);
        let a = dfa_step_4(dfa, state, bytes.x, live);
        let b = dfa_step_4(dfa, dfa_state(dfa, a.w), bytes.y, live >> 4u);
        let c = dfa_step_4(dfa, dfa_state(dfa, b.w), bytes.z, live >> 8u);
        let d = dfa_step_4(dfa, dfa_state(dfa, c.w), bytes.w, live >> 12u);
        state = dfa_state(dfa, d.w);
        if (max(max(dfa_highest(a), dfa_highest(b)), max(dfa_highest(c), dfa_highest(d))) >= dfa.states) {
            rota_fail(ROTA_FAULT_INVALID_DATA);
            break;
        }
        var hits = (dfa_hits(a) | (dfa_hits(b) << 4u) | (dfa_hits(c) << 8u) | (dfa_hits(d) << 12u)) & live;
        hits &= ~bytes_before(at, source);

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
                let four = select(select(a, b, (hit & 4u) != 0u), select(c, d, (hit & 4u) != 0u), (hit & 8u) != 0u);
                let two = select(four.xy, four.zw, (hit & 2u) != 0u);
                let s = select(two.x, two.y, (hit & 1u) != 0u) & ~DFA_HIT;
                output = load_u32(table, dfa.index + s);
                output_end = load_u32(table, dfa.index + s + 1u);
                if (output >= output_end || output_end > dfa.outputs_room) {
                    rota_fail(ROTA_FAULT_INVALID_DATA);
                    break;
                }
            }
            let pattern = load_u32(table, dfa.outputs + output);
            output += 1u;
            if (pattern >= dfa.patterns) {
                rota_fail(ROTA_FAULT_INVALID_DATA);
                break;
            }
            found += 1u;
            atomic_add_u32(counts, counts_word + pattern, 1u);
            if (arg(6u) != 0u) {
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
