// fft: discrete Fourier transforms of 2 to 1,024 complex numbers, many at once, each tile working on one in scratch.
//
// Kind: tiled; at least as many tiles as transforms.
//
// arg 0  src: transforms one behind the other, each number two f32, the real part first
// arg 1  dst: the same; may be src
// arg 2  twiddles: 512 complex numbers, the k-th one e^(-2 pi i k / 1024) (the functions sin and cos of a device may be
//        off by 2^-11, so that they come from the host)
// arg 3  log2 of the numbers of a transform, 1 to 10
// arg 4  how many transforms there are
// arg 5  0: forward, dst[k] = sum of src[j] e^(-2 pi i jk / n). 1: backward, the same with the other sign, divided by n
//
// fail(1): arg 3 or 5 is out of its range. fail(2): fewer tiles than transforms.
//
// Error: the root of the sum of the squares of all differences to the exact result, divided by that of the exact
// result, is below 2^-23 for each of the log2(n) stages; what is usual is a tenth of that.
//
// Fuel: for n numbers a lane takes n / (2 * lanes()) + 1 units for each of the log2(n) stages, and for loading and
// storing as many each: 780 for 1,024 numbers and 8 lanes.
//
// Source: Cooley and Tukey, 1965: radix 2, decimation in time.

const MOST_LOG: u32 = 10u;
const BAD_SHAPE: u32 = 1u;
const TOO_FEW_TILES: u32 = 2u;

fn put_number(i: u32, v: vec2<f32>) {
    scratch_store(2u * i, bitcast<u32>(v.x));
    scratch_store(2u * i + 1u, bitcast<u32>(v.y));
}

fn number_at(i: u32) -> vec2<f32> {
    return vec2<f32>(bitcast<f32>(scratch_load(2u * i)), bitcast<f32>(scratch_load(2u * i + 1u)));
}

struct Plan {
    log: u32,
    // Butterflies of a stage; 0 for a tile that has nothing to do.
    pairs: u32,
    // 1, or -1 for the way back.
    sign: f32,
    twiddles: Buffer,
}

// One stage: transforms of 2^s numbers become transforms of twice as many. Each pair of numbers is read and written by
// one lane only; the next stage pairs them differently, so the lanes meet. A stage that the transform is too short for
// does nothing: the lanes must meet as often in any case.
fn stage(plan: Plan, s: u32) {
    let pairs = select(0u, plan.pairs, s < plan.log);
    let half = 1u << s;
    for (var j = lane(); j < pairs; j += lanes()) {
        let k = j & (half - 1u);
        let low = ((j >> s) << (s + 1u)) + k;
        let at = k << (MOST_LOG - 1u - s);
        let w = vec2<f32>(load_f32(plan.twiddles, 2u * at), plan.sign * load_f32(plan.twiddles, 2u * at + 1u));
        let a = number_at(low);
        let b = number_at(low + half);
        let t = vec2<f32>(w.x * b.x - w.y * b.y, w.x * b.y + w.y * b.x);
        put_number(low, a + t);
        put_number(low + half, a - t);
    }
    barrier();
}

fn fft() {
    let src = buffer(arg(0u));
    let dst = buffer_mut(arg(1u));
    let log = arg(3u);
    let count = arg(4u);
    let backward = arg(5u);

    var good = (log != 0u) & (log <= MOST_LOG) & (backward <= 1u);
    if (!good) {
        fail(BAD_SHAPE);
    }
    if (tiles() < count) {
        fail(TOO_FEW_TILES);
        good = false;
    }
    let n = 1u << min(log, MOST_LOG);
    let twiddles = buffer(arg(2u));
    good = good & check_range(src, 0u, count, 8u * n) & check_range(dst, 0u, count, 8u * n);
    good = good & check_range(twiddles, 0u, 512u, 8u);
    let pairs = select(0u, n >> 1u, good & (tile() < count));
    let plan = Plan(log, pairs, select(1.0, -1.0, backward == 1u), twiddles);

    // To its place with the bits of its number in reverse order, from where the stages bring everything into order.
    let first = tile() * pairs;
    for (var j = lane(); j < pairs; j += lanes()) {
        let two = load_vec4_f32(src, first + j);
        let place = reverseBits(2u * j) >> ((32u - log) & 31u);
        put_number(place, two.xy);
        put_number(place + (n >> 1u), two.zw);
    }
    barrier();
    stage(plan, 0u);
    stage(plan, 1u);
    stage(plan, 2u);
    stage(plan, 3u);
    stage(plan, 4u);
    stage(plan, 5u);
    stage(plan, 6u);
    stage(plan, 7u);
    stage(plan, 8u);
    stage(plan, 9u);
    let scale = select(1.0, 1.0 / f32(n), backward == 1u);
    for (var j = lane(); j < pairs; j += lanes()) {
        store_vec4_f32(dst, first + j, vec4<f32>(number_at(2u * j), number_at(2u * j + 1u)) * scale);
    }
}
