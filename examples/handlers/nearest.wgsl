// nearest: for each of a batch of queries, the rows of a matrix with the greatest dot products. With rows and queries
// of length one that is the search for the nearest by cosine.
//
// nearest_part, kind: tiled. The rows are cut into parts; each tile finds the best rows of one part for one query, and
// the job needs queries * parts tiles. With parts = 1 that is the answer; else nearest_merge goes on, AFTER_OK.
//
// arg 0  matrix: rows of f32, each of arg 6 numbers, one behind the other
// arg 1  queries: the same
// arg 2  scores: f32, arg 7 for each query and part, the best first: those of query 0 part 0, of query 0 part 1, ...
// arg 3  best: u32, the numbers of the rows with these scores
// arg 4  how many rows the matrix has
// arg 5  how many queries there are
// arg 6  how many numbers a row has: a multiple of 4, at most 16,384 (rows of other lengths are filled up with zeros)
// arg 7  how many rows are wanted for each query: 1 to 16
// arg 8  parts, 1 to 65,536
//
// nearest_merge, kind: tiled. A tile for each query.
//
// arg 0  scores, as nearest_part left them
// arg 1  best, likewise
// arg 2  scores: f32, arg 7 for each query, the best first; not the buffer of arg 0
// arg 3  best: u32, the rows with these scores
// arg 5  how many queries there are
// arg 7  how many rows are wanted for each query
// arg 8  parts
//
// Where a part, or the matrix, has fewer rows than are wanted, the rest of the answer is row 0xffffffff with the lowest
// f32. Of rows with equal scores the one with the lower number is the better one, so that the answer does not depend on
// parts and lanes. A row whose score is not a number is never found.
//
// fail(1): arg 6, 7 or 8 is out of its range. fail(2): fewer tiles than it needs. fail(3): the device has more than 64
// lanes.
//
// The score of a row is the sum of four sums, each over every fourth product, in f32: it is off by at most
// (n / 4 + 3) * 2^-24 times the sum of the products' magnitudes, n being arg 6, and is the same for every job.
//
// Fuel: each lane takes rows of its part four at a time, and for these n / 4 + 4 units; then 20 for each lane and once
// more. nearest_merge takes arg 7 * arg 8 / lanes() units, and the same then. For 8 lanes and 2,700 units: 2,048 rows a
// part for n = 128, 256 for n = 1,024.
//
// Source: plain. The sorted lists are kept as in a systolic priority queue (Leiserson, 1979): each place compares by
// itself.

const MOST_WANTED: u32 = 16u;
const MOST_NUMBERS: u32 = 16384u;
const MOST_PARTS: u32 = 65536u;
const BAD_SHAPE: u32 = 1u;
const TOO_FEW_TILES: u32 = 2u;
const TOO_MANY_LANES: u32 = 3u;
const NO_ROW: u32 = 0xffffffffu;
const LOWEST: f32 = -3.40282347e38;

// The sixteen best so far, the best first.
struct Best {
    score_0: vec4<f32>,
    score_1: vec4<f32>,
    score_2: vec4<f32>,
    score_3: vec4<f32>,
    row_0: vec4<u32>,
    row_1: vec4<u32>,
    row_2: vec4<u32>,
    row_3: vec4<u32>,
}

fn none_yet() -> Best {
    let lowest = vec4<f32>(LOWEST);
    let none = vec4<u32>(NO_ROW);
    return Best(lowest, lowest, lowest, lowest, none, none, none, none);
}

fn is_better(score: f32, row: u32, scores: vec4<f32>, rows: vec4<u32>) -> vec4<bool> {
    let v = vec4<f32>(score);
    return (v > scores) | ((v == scores) & (vec4<u32>(row) < rows));
}

// The list with one row more, if it is among the best. Places before it stay, its own takes it, and the others take
// what the place before them had.
fn offer(b: Best, score: f32, row: u32) -> Best {
    let g0 = is_better(score, row, b.score_0, b.row_0);
    let g1 = is_better(score, row, b.score_1, b.row_1);
    let g2 = is_better(score, row, b.score_2, b.row_2);
    let g3 = is_better(score, row, b.score_3, b.row_3);
    let s = vec4<f32>(score);
    let r = vec4<u32>(row);
    let p0 = vec4<bool>(false, g0.xyz);
    let p1 = vec4<bool>(g0.w, g1.xyz);
    let p2 = vec4<bool>(g1.w, g2.xyz);
    let p3 = vec4<bool>(g2.w, g3.xyz);
    return Best(
        select(b.score_0, select(s, vec4<f32>(score, b.score_0.xyz), p0), g0),
        select(b.score_1, select(s, vec4<f32>(b.score_0.w, b.score_1.xyz), p1), g1),
        select(b.score_2, select(s, vec4<f32>(b.score_1.w, b.score_2.xyz), p2), g2),
        select(b.score_3, select(s, vec4<f32>(b.score_2.w, b.score_3.xyz), p3), g3),
        select(b.row_0, select(r, vec4<u32>(row, b.row_0.xyz), p0), g0),
        select(b.row_1, select(r, vec4<u32>(b.row_0.w, b.row_1.xyz), p1), g1),
        select(b.row_2, select(r, vec4<u32>(b.row_1.w, b.row_2.xyz), p2), g2),
        select(b.row_3, select(r, vec4<u32>(b.row_2.w, b.row_3.xyz), p3), g3),
    );
}

// A lane's list has sixteen pairs of words in scratch.
fn put_four(place: u32, scores: vec4<f32>, rows: vec4<u32>) {
    scratch_store(place, bitcast<u32>(scores.x));
    scratch_store(place + 1u, rows.x);
    scratch_store(place + 2u, bitcast<u32>(scores.y));
    scratch_store(place + 3u, rows.y);
    scratch_store(place + 4u, bitcast<u32>(scores.z));
    scratch_store(place + 5u, rows.z);
    scratch_store(place + 6u, bitcast<u32>(scores.w));
    scratch_store(place + 7u, rows.w);
}

fn put_list(b: Best) {
    let place = lane() * MOST_WANTED * 2u;
    put_four(place, b.score_0, b.row_0);
    put_four(place + 8u, b.score_1, b.row_1);
    put_four(place + 16u, b.score_2, b.row_2);
    put_four(place + 24u, b.score_3, b.row_3);
}

// The best of all lanes' lists, in lane 0, which stores them at element `at` of both buffers.
fn answer(mine: Best, wanted: u32, scores: Buffer, best: Buffer, at: u32) {
    put_list(mine);
    barrier();
    var all = mine;
    for (var i = 1u; i < select(0u, lanes(), lane() == 0u); i += 1u) {
        let place = i * MOST_WANTED * 2u;
        for (var k = 0u; k < wanted; k += 1u) {
            let score = bitcast<f32>(scratch_load(place + 2u * k));
            all = offer(all, score, scratch_load(place + 2u * k + 1u));
        }
    }
    if (lane() == 0u) {
        put_list(all);
    }
    for (var k = 0u; k < select(0u, wanted, lane() == 0u); k += 1u) {
        store_u32(scores, at + k, scratch_load(2u * k));
        store_u32(best, at + k, scratch_load(2u * k + 1u));
    }
}

fn shape_is_good(wanted: u32, parts: u32) -> bool {
    let shaped = (wanted != 0u) & (wanted <= MOST_WANTED) & (parts != 0u) & (parts <= MOST_PARTS);
    if (!shaped) {
        fail(BAD_SHAPE);
    }
    if (lanes() > 64u) {
        fail(TOO_MANY_LANES);
    }
    return shaped & (lanes() <= 64u);
}

// As check_range, also where a shape that was found bad has made the width 0.
fn is_there(b: Buffer, count: u32, width: u32) -> bool {
    return check_range(b, 0u, count, max(width, 1u));
}

fn sum_of(v: vec4<f32>) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

fn nearest_part() {
    let matrix = buffer(arg(0u));
    let queries = buffer(arg(1u));
    let scores = buffer_mut(arg(2u));
    let best = buffer_mut(arg(3u));
    let rows = arg(4u);
    let count = arg(5u);
    let groups = arg(6u) >> 2u;
    let wanted = arg(7u);
    let parts = arg(8u);

    var good = shape_is_good(wanted, parts);
    if ((groups == 0u) | ((arg(6u) & 3u) != 0u) | (arg(6u) > MOST_NUMBERS)) {
        fail(BAD_SHAPE);
        good = false;
    }
    if (tiles() / max(parts, 1u) < count) {
        fail(TOO_FEW_TILES);
        good = false;
    }
    good = good & is_there(matrix, rows, groups * 16u) & is_there(queries, count, groups * 16u);
    good = good & is_there(scores, count, parts * wanted * 4u) & is_there(best, count, parts * wanted * 4u);

    // Tiles of one part follow one another: its rows stay in caches while query after query looks at them.
    let query = tile() % max(count, 1u);
    let part = tile() / max(count, 1u);
    good = good & (part < parts) & (count != 0u);
    let share = rows / max(parts, 1u) + select(0u, 1u, rows % max(parts, 1u) != 0u);
    let begin = min(part * share, rows);
    let end = select(begin, begin + min(share, rows - begin), good);

    var mine = none_yet();
    for (var row = begin + 4u * lane(); row < end; row += 4u * lanes()) {
        // Beyond the end the last row is taken once more, and not offered.
        let last = end - 1u;
        let a = row * groups;
        let b = min(row + 1u, last) * groups;
        let c = min(row + 2u, last) * groups;
        let d = min(row + 3u, last) * groups;
        var sum_a = vec4<f32>(0.0);
        var sum_b = sum_a;
        var sum_c = sum_a;
        var sum_d = sum_a;
        for (var i = 0u; i < groups; i += 1u) {
            let q = load_vec4_f32(queries, query * groups + i);
            sum_a += load_vec4_f32(matrix, a + i) * q;
            sum_b += load_vec4_f32(matrix, b + i) * q;
            sum_c += load_vec4_f32(matrix, c + i) * q;
            sum_d += load_vec4_f32(matrix, d + i) * q;
        }
        mine = offer(mine, sum_of(sum_a), row);
        mine = offer(mine, select(LOWEST, sum_of(sum_b), row + 1u <= last), select(NO_ROW, row + 1u, row + 1u <= last));
        mine = offer(mine, select(LOWEST, sum_of(sum_c), row + 2u <= last), select(NO_ROW, row + 2u, row + 2u <= last));
        mine = offer(mine, select(LOWEST, sum_of(sum_d), row + 3u <= last), select(NO_ROW, row + 3u, row + 3u <= last));
    }
    answer(mine, select(0u, wanted, good), scores, best, (query * parts + part) * wanted);
}

fn nearest_merge() {
    let part_scores = buffer(arg(0u));
    let part_best = buffer(arg(1u));
    let scores = buffer_mut(arg(2u));
    let best = buffer_mut(arg(3u));
    let count = arg(5u);
    let wanted = arg(7u);
    let parts = arg(8u);

    var good = shape_is_good(wanted, parts);
    if (tiles() < count) {
        fail(TOO_FEW_TILES);
        good = false;
    }
    good = good & is_there(part_scores, count, parts * wanted * 4u) & is_there(part_best, count, parts * wanted * 4u);
    good = good & is_there(scores, count, wanted * 4u) & is_there(best, count, wanted * 4u);
    good = good & (tile() < count);

    let candidates = select(0u, parts * wanted, good);
    var mine = none_yet();
    for (var k = lane(); k < candidates; k += lanes()) {
        let i = tile() * candidates + k;
        mine = offer(mine, load_f32(part_scores, i), load_u32(part_best, i));
    }
    answer(mine, select(0u, wanted, good), scores, best, tile() * wanted);
}
