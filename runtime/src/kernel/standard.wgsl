// The standard handlers: opcodes below 0x1000, for every tenant. standard.rs has their table and generates the
// constants OP_... and the function tiling_of() used here.
//
// Drivers put every function in line wherever it is called, and software drivers take long to compile a memory access.
// So all tiled handlers are one function, which resolves and checks buffers at one place for all of them, and those
// that walk over memory alike share a loop.
//
// A tiled handler splits its elements evenly: every tile gets the same chunk, rounded up to the granule, and the last
// ones what is left, which may be nothing. Lanes take neighbouring vectors of four words, so that one access of all
// lanes is one contiguous piece of memory. Each tile checks the job's whole ranges before it touches anything, so that
// either all tiles of a job see a bad argument or none does. A count of 0 does nothing and looks at no buffer.
//
// Bounds of loops that always come to the same few iterations are taken from data, never constants: a driver would
// unroll such a loop, which is what it is there to avoid.

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

// ---------------------------------------------------------------- parts

// The part of a tiled job that one tile works on.
struct Part {
    first: u32,
    length: u32,
}

// `granule` is a power of two and `largest` a multiple of it. Faults the job if it has too few tiles.
fn part_of(count: u32, all: u32, largest: u32, granule: u32) -> Part {
    let even = count / all + select(0u, 1u, count % all != 0u);
    if (even > largest) {
        rota_fail(ROTA_FAULT_INVALID_TILES);
        return Part(0u, 0u);
    }
    let chunk = max((even + granule - 1u) & ~(granule - 1u), granule);
    // Compared as tile numbers: tile * chunk may not fit 32 bits where a job has many more tiles than it needs.
    if (tile() >= count / chunk + select(0u, 1u, count % chunk != 0u)) {
        return Part(count, 0u);
    }
    let first = tile() * chunk;
    return Part(first, min(chunk, count - first));
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

// Vectors of which it is known that they lie in the buffer, or at least in its segment where they are only read. On software drivers a check for each access, or a branch around
// one, takes a fifth of the time of a loop that does little else.
fn vector_of(b: Buffer, i: u32) -> vec4<u32> {
    return rota_load_vec4(b.segment, (b.base >> 2u) + i, true);
}

fn set_vector(b: Buffer, i: u32, v: vec4<u32>) {
    //digests: rota_count_vec4(b, i << 4u, true, v);
    rota_store_vec4(b, (b.base >> 2u) + i, true, v);
}

// The lowest bits of a block of 16 bytes at `block`: one for each byte before `end`.
fn bytes_before(block: u32, end: u32) -> u32 {
    return (1u << min(end - min(end, block), 16u)) - 1u;
}

// ---------------------------------------------------------------- fill, copy, saxpy_f32

// fill: dst, dst_word, count, value: stores value into count words.
//
// copy: src, src_word, dst, dst_word, count: copies count words. Where the two ranges overlap, what the overlap holds
// afterwards is unspecified: tiles and lanes copy in no order.
//
// saxpy_f32: x, x_word, y, y_word, count, alpha: y[i] = alpha * x[i] + y[i]. x and y may be the same range; where they
// overlap otherwise, the overlap's content is unspecified.
fn move_words(opcode: u32, x: Buffer, source: u32, y: Buffer, first: u32, length: u32, extra: u32) {
    let loads = opcode != OP_FILL;
    let adds = opcode == OP_SAXPY_F32;
    let alpha = bitcast<f32>(extra);
    let words = words_of(first, length);
    let step = lanes();
    for (var k = lane(); k < words.singles; k += step) {
        let i = single_at(words, k);
        var v = extra;
        if (loads) {
            v = load_u32(x, source + i);
        }
        if (adds) {
            v = bitcast<u32>(alpha * bitcast<f32>(v) + load_f32(y, first + i));
        }
        store_u32(y, first + i, v);
    }
    // The distance from a word of y to its word of x, wrapping.
    let away = source - first;
    var i = words.start + lane();
    if ((away & 3u) == 0u) {
        let vectors_away = ((source + words.head) >> 2u) - words.start;
        for (; adds & (i < words.end); i += step) {
            let v = alpha * bitcast<vec4<f32>>(vector_of(x, i + vectors_away)) + bitcast<vec4<f32>>(vector_of(y, i));
            set_vector(y, i, bitcast<vec4<u32>>(v));
        }
        for (; i < words.end; i += step) {
            var v = vec4<u32>(extra);
            if (loads) {
                v = vector_of(x, i + vectors_away);
            }
            set_vector(y, i, v);
        }
    }
    // Where x and y lie differently within their vectors.
    for (; i < words.end; i += step) {
        let w = (i << 2u) + away;
        var v = vec4<u32>(load_u32(x, w), load_u32(x, w + 1u), load_u32(x, w + 2u), load_u32(x, w + 3u));
        if (adds) {
            v = bitcast<vec4<u32>>(alpha * bitcast<vec4<f32>>(v) + load_vec4_f32(y, i));
        }
        store_vec4_u32(y, i, v);
    }
}

// ---------------------------------------------------------------- sum_u32, sum_f32, min_max_u32

// What a lane knows of its words so far. sum_u32: the sums of their low and of their high halves; fewer than 65,536 of
// them, so that neither overflows. sum_f32: the sums, in low. min_max_u32: smallest and largest.
struct Fold {
    low: vec4<u32>,
    high: vec4<u32>,
}

fn fold(opcode: u32, f: Fold, v: vec4<u32>) -> Fold {
    if (opcode == OP_SUM_U32) {
        return Fold(f.low + (v & vec4<u32>(0xffffu)), f.high + (v >> vec4<u32>(16u)));
    }
    if (opcode == OP_SUM_F32) {
        return Fold(bitcast<vec4<u32>>(bitcast<vec4<f32>>(f.low) + bitcast<vec4<f32>>(v)), f.high);
    }
    return Fold(min(f.low, v), max(f.high, v));
}

// src, src_word, count.
//
// sum_u32: results = the 64-bit sum, low word first.
//
// sum_f32 has dst, dst_word too: dst[dst_word + tile] = the sum of the tile's elements, in every tile, also in those
// that get none. A job of one tile has the sum's bits in result 0 as well, and may leave dst 0.
//
// min_max_u32: result 0 = the smallest, result 1 = the largest word; 0xffffffff and 0 where count is 0.
fn reduce_words(opcode: u32, src: Buffer, first: u32, length: u32, dst: Buffer, dst_word: u32) {
    let words = words_of(first, length);
    let step = lanes();
    let extremes = opcode == OP_MIN_MAX_U32;
    var f = Fold(vec4<u32>(select(0u, 0xffffffffu, extremes)), vec4<u32>(0u));
    for (var k = lane(); k < words.singles; k += step) {
        let v = load_u32(src, first + single_at(words, k));
        let others = select(0u, v, extremes);
        f = fold(opcode, f, vec4<u32>(v, others, others, others));
    }
    for (var i = words.start + lane(); i < words.end; i += step) {
        f = fold(opcode, f, vector_of(src, i));
    }
    if (opcode == OP_SUM_U32) {
        let l = f.low.x + f.low.y + f.low.z + f.low.w;
        let h = f.high.x + f.high.y + f.high.z + f.high.w;
        let sum = l + (h << 16u);
        result_add_64(sum, (h >> 16u) + select(0u, 1u, sum < l));
    } else if (extremes) {
        result_min(0u, min(min(f.low.x, f.low.y), min(f.low.z, f.low.w)));
        result_max(1u, max(max(f.high.x, f.high.y), max(f.high.z, f.high.w)));
    } else {
        let sums = bitcast<vec4<f32>>(f.low);
        scratch_store(lane(), bitcast<u32>((sums.x + sums.y) + (sums.z + sums.w)));
        workgroupBarrier();
        if (lane() == 0u) {
            // In the lanes' order, so that the same job on the same device gives the same bits.
            var sum = 0.0;
            for (var k = 0u; k < step; k += 1u) {
                sum += bitcast<f32>(scratch_load(k));
            }
            if (dst.bytes != 0u) {
                store_f32(dst, dst_word + tile(), sum);
            }
            if (tiles() == 1u) {
                result(0u, bitcast<u32>(sum));
            }
        }
    }
}

// ---------------------------------------------------------------- histogram_u8

// src, src_byte, count, dst, dst_word: adds the number of bytes of each value to the 256 words from dst_word on. The
// tile counts in scratch first, so that dst sees at most one addition per value and tile.
fn histogram(src: Buffer, first: u32, length: u32, dst: Buffer, dst_word: u32) {
    let step = lanes();
    for (var i = lane(); i < 256u; i += step) {
        scratch_store(i, 0u);
    }
    workgroupBarrier();
    let end = first + length;
    for (var i = (first >> 2u) + lane(); i << 2u < end; i += step) {
        // Segments have whole vectors, so that the word is there even if the buffer ends within it.
        let v = rota_load(src.segment, src.base + i, true);
        let live = bytes_before(i << 2u, end) & ~bytes_before(i << 2u, first);
        scratch_add(v & 0xffu, live & 1u);
        scratch_add((v >> 8u) & 0xffu, (live >> 1u) & 1u);
        scratch_add((v >> 16u) & 0xffu, (live >> 2u) & 1u);
        scratch_add(v >> 24u, (live >> 3u) & 1u);
    }
    workgroupBarrier();
    for (var i = lane(); i < 256u; i += step) {
        let n = scratch_load(i);
        if (n != 0u) {
            atomic_add_u32(dst, dst_word + i, n);
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

// text, text_byte, count, dfa, counts, counts_word, positions, positions_cap: adds to counts[counts_word + p] how often
// pattern p ends in the count bytes from text_byte on; matches that begin before text_byte are none. positions, if not
// 0: word 0 is raised by the number of matches, and each of the first positions_cap ones that find their place there
// leaves two words from word 1 on: the offset behind its last byte, relative to text_byte, and its pattern; in no
// order. Results: the 64-bit number of matches.
//
// Each lane scans a part of its own. It starts as many bytes early as a pattern can reach back, from the root, and
// counts only what ends in its part.
fn scan(
    text: Buffer, text_byte: u32, part: Part, table: Buffer, counts: Buffer, counts_word: u32, positions: Buffer, cap: u32,
) {
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

    var found = 0u;
    var state = 0u;
    let last = select(0u, mine_end, mine < mine_end);
    for (var i = early >> 4u; i < last; i += 1u) {
        let at = i << 4u;
        // Segments have whole vectors, so that the block is there even if the buffer ends within it.
        var bytes = vector_of(text, i);
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
            rota_fail(ROTA_FAULT_INVALID_DATA);
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
                let s = select(two.x, two.y, (n & 1u) != 0u) & ~DFA_HIT;
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
            if (positions.bytes != 0u) {
                // Which of the matches gets which place is a matter of order.
                //digests: rota_order_dependent = true;
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

// ---------------------------------------------------------------- the tiled handlers

fn h_tiled() {
    let opcode = rota_slots[rota_slot].words[ROTA_JOB_HANDLER];
    let all = tiles();
    // src, src_word, dst, dst_word, count; the others have src and its first element, if any, and then count.
    let pair = opcode == OP_COPY || opcode == OP_SAXPY_F32;
    let count = arg(select(2u, 4u, pair));
    let tiling = tiling_of(opcode);
    let part = part_of(count, all, tiling.x, tiling.y);
    if (count == 0u && opcode != OP_SUM_F32 && opcode != OP_MIN_MAX_U32) {
        return;
    }

    // Up to four buffers, of the arguments 0, 2 or 3, 4, and 6.
    var a: Buffer;
    var b: Buffer;
    var c: Buffer;
    var d: Buffer;
    var handles = 1u;
    if (pair || opcode == OP_SUM_F32 || opcode == OP_HISTOGRAM_U8) {
        handles = 2u;
    } else if (opcode == OP_SCAN_DFA) {
        handles = 4u;
    }
    for (var k = select(0u, 1u, count == 0u); k < handles; k += 1u) {
        let handle = arg(select(select(2u * k, 3u, k == 1u), 2u * k, pair));
        // The positions of scan_dfa, and the sums of sum_f32 where there is but one, may be left out.
        let optional = k == 3u || (k == 1u && opcode == OP_SUM_F32 && all == 1u);
        if (handle != 0u || !optional) {
            let written = select(k != 0u, k > 1u, opcode == OP_SCAN_DFA) || opcode == OP_FILL;
            let it = rota_resolve(handle, select(0u, ROTA_PLACE_WRITABLE, written));
            if (k == 0u) {
                a = it;
            } else if (k == 1u) {
                b = it;
            } else if (k == 2u) {
                c = it;
            } else {
                d = it;
            }
        }
    }

    let source = arg(1u);
    // Where the second range starts: that of counts in scan_dfa.
    let second = arg(select(select(4u, 5u, opcode == OP_SCAN_DFA), 3u, pair));
    // The value of fill, the alpha of saxpy_f32, the room for positions of scan_dfa.
    let extra = arg(select(select(3u, 5u, pair), 7u, opcode == OP_SCAN_DFA));
    if (d.bytes != 0u) {
        // No buffer holds as many as the clamp lets through, and twice that plus one still fits 32 bits.
        check_range(d, 0u, min(extra, 0x7ffffffeu) * 2u + 1u, 4u);
    }
    if (count != 0u) {
        check_range(a, source, count, select(4u, 1u, opcode >= OP_HISTOGRAM_U8));
    }
    if (handles == 2u && b.bytes != 0u) {
        check_range(b, second, select(select(all, 256u, opcode == OP_HISTOGRAM_U8), count, pair), 4u);
    }
    // Some handlers' lanes meet, so all of them go on or none: another thread may be destroying a buffer just now.
    if (!subgroupAll(rota_fault == 0u)) {
        return;
    }

    if (opcode <= OP_SAXPY_F32) {
        var to = second;
        if (opcode == OP_FILL) {
            b = a;
            to = source;
        }
        move_words(opcode, a, source + part.first, b, to + part.first, part.length, extra);
    } else if (opcode <= OP_MIN_MAX_U32) {
        reduce_words(opcode, a, source + part.first, part.length, b, second);
    } else if (opcode == OP_HISTOGRAM_U8) {
        histogram(a, source + part.first, part.length, b, second);
    } else {
        scan(a, source, part, b, c, second, d, extra);
    }
}
