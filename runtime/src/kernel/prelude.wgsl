// The prelude: all that a handler sees of the kernel. docs/handlers.md is its manual.
//
// A handler learns who it is (tile, tiles, lane, lanes), reads its arguments, resolves buffers by handle once, and
// then loads and stores through accessors that compare against the buffer's range. Out of bounds loads give 0 and
// stores are dropped; either way the job ends as a fault. What is spelled `rota_...` is the core's, not a handler's.
//
// What stands behind `//digests:` counts only in kernels with write digests, and what stands before `// without digests` only in
// the others (digest.rs): a kernel without them has nothing of it.

// The job that this lane works on. Set by the core before a handler runs.
var<private> rota_slot: u32;
var<private> rota_stamp: u32;
var<private> rota_tenant: u32;
var<private> rota_lane: u32;
var<private> rota_tile: u32;
var<private> rota_tiled: bool;
var<private> rota_fault: u32;
var<private> rota_result: vec2<u32>;
// Which results of a scalar job result_min has set: the first value is the lowest so far, whatever is there.
var<private> rota_lowered: u32;
// Loop iterations that this lane may still run. Every loop of every handler takes from it (fuel.rs adds that).
var<private> rota_fuel: i32;
// Below this the lane leaves its loops, to look whether it may go on; ROTA_FUEL_ENDED if it may not.
var<private> rota_mark: i32;
// The job was ended from outside.
var<private> rota_ended: bool;

var<workgroup> rota_scratch: array<atomic<u32>, ROTA_SCRATCH_WORDS>;

const ROTA_FUEL_ENDED: i32 = 0x7fffffff;

// What a lane starts with.
fn rota_start(budget: u32) {
    rota_fuel = i32(budget);
    rota_mark = max(rota_fuel - i32(ROTA_FUEL_PER_LOOK), 0);
    rota_ended = false;
    rota_fault = 0u;
    rota_result = vec2<u32>(0u);
    rota_lowered = 0u;
    //digests: rota_digest = vec2<u32>(0u);
    //digests: rota_order_dependent = false;
}

// Of a budget, what was spent. The last iteration of a lane that ran dry was taken but not run.
fn rota_spent(budget: u32) -> u32 {
    return select(budget, u32(i32(budget) - rota_fuel), ROTA_METERS);
}

// Whether a lane that fell below its mark at the head of a loop, whose iterations take `cost`, may go on in it: it has
// fuel left, and nobody wants its job to end.
fn rota_go_on(cost: i32) -> bool {
    let cancelled = atomicLoad(&rota_slots[rota_slot].cancel) == rota_stamp;
    let revoked = atomicLoad(&rota_tenants[rota_tenant].state) == ROTA_TENANT_REVOKED;
    let ended = cancelled | revoked;
    let goes_on = (rota_fuel >= 0) & !ended & (rota_mark != ROTA_FUEL_ENDED);
    rota_ended = rota_ended | ended;
    rota_fault = select(rota_fault, ROTA_FAULT_FUEL_EXHAUSTED, (rota_fuel < 0) & (rota_fault == 0u));
    rota_fuel += select(0, cost, goes_on);
    rota_mark = select(ROTA_FUEL_ENDED, max(rota_fuel - i32(ROTA_FUEL_PER_LOOK), 0), goes_on);
    return goes_on;
}

// ---------------------------------------------------------------- who and what

// The tile this worker runs, from 0 to tiles() - 1. 0 for a scalar job.
fn tile() -> u32 {
    return rota_tile;
}

// How many tiles the job has.
fn tiles() -> u32 {
    return rota_slots[rota_slot].words[ROTA_JOB_TILES];
}

// This lane's number within the tile: 0 to lanes() - 1. 0 for a scalar job, which one lane runs alone.
fn lane() -> u32 {
    return select(0u, rota_lane, rota_tiled);
}

// How many lanes work on one tile. 1 for a scalar job.
fn lanes() -> u32 {
    return select(1u, ROTA_LANES, rota_tiled);
}

// The i-th argument of the job, 0 to 9; 0 beyond.
fn arg(i: u32) -> u32 {
    var v = 0u;
    if (i < ROTA_ARGS) {
        v = rota_slots[rota_slot].words[ROTA_JOB_ARGS + i];
    }
    return v;
}

// ---------------------------------------------------------------- the answer

// Ends the job as FAULTED with `code`. A lane tells what went wrong first, because later faults are mostly its
// consequences: a buffer that isn't good has no length. Of several lanes the highest code is told, whatever their order.
fn fail(code: u32) {
    rota_fail(ROTA_FAULT_HANDLER + min(code, 0xffffu));
}

fn rota_fail(fault: u32) {
    if (rota_fault == 0u) {
        rota_fault = fault;
    }
}

// Sets result i (0 or 1). In a tiled job the last store wins; use the forms below to combine over tiles.
fn result(i: u32, v: u32) {
    if (rota_tiled) {
        atomicStore(&rota_tiles[rota_slot].result[i & 1u], v);
    } else {
        rota_result[i & 1u] = v;
    }
}

// Adds v to result i, over all lanes and tiles, wrapping.
fn result_add(i: u32, v: u32) {
    if (rota_tiled) {
        atomicAdd(&rota_tiles[rota_slot].result[i & 1u], v);
    } else {
        rota_result[i & 1u] += v;
    }
}

// Adds the 64-bit number (low, high) to the results, taken as one 64-bit number.
fn result_add_64(low: u32, high: u32) {
    if (rota_tiled) {
        let old = atomicAdd(&rota_tiles[rota_slot].result[0], low);
        let carry = select(0u, 1u, old + low < old);
        if (high + carry != 0u) {
            atomicAdd(&rota_tiles[rota_slot].result[1], high + carry);
        }
    } else {
        let sum = rota_result.x + low;
        rota_result.y += high + select(0u, 1u, sum < low);
        rota_result.x = sum;
    }
}

// Raises result i to v if v is higher, over all lanes and tiles.
fn result_max(i: u32, v: u32) {
    if (rota_tiled) {
        atomicMax(&rota_tiles[rota_slot].result[i & 1u], v);
    } else {
        rota_result[i & 1u] = max(rota_result[i & 1u], v);
    }
}

// Lowers result i to v if v is lower; a result that was never set counts as the highest number. A job uses either
// this or the other forms on one result, not both: the result is kept inverted and turned when the job completes.
fn result_min(i: u32, v: u32) {
    if (rota_tiled) {
        atomicOr(&rota_tiles[rota_slot].marks, ROTA_MARK_INVERT_0 << (i & 1u));
        atomicMax(&rota_tiles[rota_slot].result[i & 1u], ~v);
    } else {
        let bit = 1u << (i & 1u);
        rota_result[i & 1u] = select(v, min(rota_result[i & 1u], v), (rota_lowered & bit) != 0u);
        rota_lowered |= bit;
    }
}

// ---------------------------------------------------------------- buffers

// A resolved buffer: where it lies and how long it is. Made by buffer() and buffer_mut() only: a handler can't name its
// fields or construct one (verify.rs), but for the zero value, which has no length.
//
// The accessors have one way out each: drivers put them in line, and for some of them every early return makes the
// code behind it another branch.
struct Buffer {
    // In words from the start of the segment; a multiple of 4.
    base: u32,
    bytes: u32,
    // Of these so many from the start on may be written: all, or none if it was resolved for reading.
    writable: u32,
    segment: u32,
    //digests: // Tells it from the job's other buffers: by the argument that names it.
    //digests: salt: u32,
}

fn rota_resolve(handle: u32, rights: u32) -> Buffer {
    let index = handle & 0xffffu;
    var it: Buffer;
    var fault = ROTA_FAULT_INVALID_BUFFER;
    if (handle != 0u && index < ROTA_BUFFERS) {
        let state = rota_buffers[index].state;
        if ((state & (ROTA_BUFFER_GENERATION | ROTA_BUFFER_LIVE)) == ((handle >> 16u) | ROTA_BUFFER_LIVE)) {
            // A destroyed buffer serves the jobs that were submitted before, and no others.
            var dead = false;
            if ((state & ROTA_BUFFER_DYING) != 0u) {
                let position = atomicLoad(&rota_slots[rota_slot].stamp) - 1u;
                dead = ((position - rota_buffers[index].until_position) & ROTA_POSITION_MASK) < ROTA_POSITION_HALF;
            }
            let place = rota_buffers[index].place;
            if (rota_buffers[index].owner != rota_tenant) {
                fault = ROTA_FAULT_FOREIGN_BUFFER;
            } else if (!dead) {
                fault = ROTA_FAULT_READ_ONLY;
                if ((place & rights) == rights) {
                    fault = 0u;
                    let bytes = rota_buffers[index].bytes;
                    let writable = select(0u, bytes, (rights & ROTA_PLACE_WRITABLE) != 0u);
                    it = Buffer(rota_buffers[index].base << 2u, bytes, writable, place & ROTA_PLACE_SEGMENT); // without digests
                    //digests: var salt = 0u;
                    //digests: if ((rights & ROTA_PLACE_WRITABLE) != 0u) {
                    //digests:     salt = rota_argument(handle) * ROTA_DIGEST_ARGUMENT;
                    //digests: }
                    //digests: it = Buffer(rota_buffers[index].base << 2u, bytes, writable, place & ROTA_PLACE_SEGMENT, salt);
                }
            }
        }
    }
    if (fault != 0u) {
        rota_fail(fault);
    }
    return it;
}

// Resolves a buffer for reading. A handle that isn't good faults the job and gives a buffer of no length.
fn buffer(handle: u32) -> Buffer {
    return rota_resolve(handle, 0u);
}

// Resolves a buffer for reading and writing.
fn buffer_mut(handle: u32) -> Buffer {
    return rota_resolve(handle, ROTA_PLACE_WRITABLE);
}

// The buffer's length in bytes.
fn size(b: Buffer) -> u32 {
    return b.bytes;
}

// Faults the job unless count elements of `width` bytes, from element `first` on, lie in the buffer.
fn check_range(b: Buffer, first: u32, count: u32, width: u32) -> bool {
    let have = b.bytes / width;
    if (first > have || count > have - first) {
        rota_fail(ROTA_FAULT_OUT_OF_BOUNDS);
        return false;
    }
    return true;
}

fn load_u32(b: Buffer, i: u32) -> u32 {
    return rota_load(b.segment, b.base + i, i < (b.bytes >> 2u));
}

fn load_i32(b: Buffer, i: u32) -> i32 {
    return bitcast<i32>(load_u32(b, i));
}

fn load_f32(b: Buffer, i: u32) -> f32 {
    return bitcast<f32>(load_u32(b, i));
}

// The i-th byte.
fn load_u8(b: Buffer, i: u32) -> u32 {
    return (rota_load(b.segment, b.base + (i >> 2u), i < b.bytes) >> ((i & 3u) << 3u)) & 0xffu;
}

// The i-th 16-bit number.
fn load_u16(b: Buffer, i: u32) -> u32 {
    return (rota_load(b.segment, b.base + (i >> 1u), i < (b.bytes >> 1u)) >> ((i & 1u) << 4u)) & 0xffffu;
}

// Four bytes from byte i on, which may be any; bytes beyond the buffer's end read as 0 without a fault, so that a
// loop over whole words can run over the last, partial one.
fn load_bytes(b: Buffer, i: u32) -> u32 {
    // Both words are read where they lie in the buffer, else the first one again: segments have whole vectors.
    let here = i < b.bytes;
    let first = select(0u, i >> 2u, here);
    let more = here & ((first << 2u) + 4u < b.bytes);
    let shift = (i & 3u) << 3u;
    var v = 0u;
    if (b.bytes != 0u) {
        let low = rota_load(b.segment, b.base + first, true) >> shift;
        let high = rota_load(b.segment, b.base + select(first, first + 1u, more), true);
        v = low | select(0u, high << ((32u - shift) & 31u), more & (shift != 0u));
    }
    let left = b.bytes - i;
    let mask = select(0xffffffffu, (1u << ((left & 3u) << 3u)) - 1u, left < 4u);
    return select(0u, v & mask, here);
}

// The i-th group of four words; all four must lie in the buffer.
fn load_vec4_u32(b: Buffer, i: u32) -> vec4<u32> {
    return rota_load_vec4(b.segment, (b.base >> 2u) + i, i < (b.bytes >> 4u));
}

fn load_vec4_i32(b: Buffer, i: u32) -> vec4<i32> {
    return bitcast<vec4<i32>>(load_vec4_u32(b, i));
}

fn load_vec4_f32(b: Buffer, i: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(load_vec4_u32(b, i));
}

// The i-th group of four bytes.
fn load_vec4_u8(b: Buffer, i: u32) -> vec4<u32> {
    return (vec4<u32>(load_u32(b, i)) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(0xffu);
}

// The i-th group of four 16-bit numbers.
fn load_vec4_u16(b: Buffer, i: u32) -> vec4<u32> {
    let good = i < (b.bytes >> 3u);
    let low = rota_load(b.segment, b.base + 2u * i, good);
    let high = rota_load(b.segment, b.base + 2u * i + 1u, good);
    return vec4<u32>(low & 0xffffu, low >> 16u, high & 0xffffu, high >> 16u);
}

fn store_u32(b: Buffer, i: u32, v: u32) {
    //digests: rota_count(b, ROTA_STORE_32, i << 2u, i < (b.writable >> 2u), v);
    rota_store(b, b.base + i, i < (b.writable >> 2u), v);
}

fn store_i32(b: Buffer, i: u32, v: i32) {
    store_u32(b, i, bitcast<u32>(v));
}

fn store_f32(b: Buffer, i: u32, v: f32) {
    store_u32(b, i, bitcast<u32>(v));
}

// Bits of a word that others may write other bits of: one atomic that turns those which differ, so that no neighbour's
// update is lost. Of two lanes that write the same bits at once, each bit may come from either.
fn rota_store_bits(b: Buffer, at: u32, good: bool, v: u32, mask: u32) {
    // Where the store isn't good, the buffer's first word will do: what to tell of it is said below.
    let old = rota_load(b.segment, select(b.base, at, good), b.bytes != 0u);
    rota_atomic_xor(b, at, good, (old ^ v) & mask);
}

// The low 8 bits of v become the i-th byte.
fn store_u8(b: Buffer, i: u32, v: u32) {
    let shift = (i & 3u) << 3u;
    //digests: rota_count(b, ROTA_STORE_8, i, i < b.writable, v & 0xffu);
    rota_store_bits(b, b.base + (i >> 2u), i < b.writable, v << shift, 0xffu << shift);
}

// The low 16 bits of v become the i-th 16-bit number.
fn store_u16(b: Buffer, i: u32, v: u32) {
    let shift = (i & 1u) << 4u;
    //digests: rota_count(b, ROTA_STORE_16, i << 1u, i < (b.writable >> 1u), v & 0xffffu);
    rota_store_bits(b, b.base + (i >> 1u), i < (b.writable >> 1u), v << shift, 0xffffu << shift);
}

fn store_vec4_u32(b: Buffer, i: u32, v: vec4<u32>) {
    //digests: rota_count_vec4(b, i << 4u, i < (b.writable >> 4u), v);
    rota_store_vec4(b, (b.base >> 2u) + i, i < (b.writable >> 4u), v);
}

fn store_vec4_i32(b: Buffer, i: u32, v: vec4<i32>) {
    store_vec4_u32(b, i, bitcast<vec4<u32>>(v));
}

fn store_vec4_f32(b: Buffer, i: u32, v: vec4<f32>) {
    store_vec4_u32(b, i, bitcast<vec4<u32>>(v));
}

// The low 8 bits of each component become the i-th group of four bytes, which is a word.
fn store_vec4_u8(b: Buffer, i: u32, v: vec4<u32>) {
    let bytes = (v & vec4<u32>(0xffu)) << vec4<u32>(0u, 8u, 16u, 24u);
    store_u32(b, i, (bytes.x | bytes.y) | (bytes.z | bytes.w));
}

// The low 16 bits of each component become the i-th group of four 16-bit numbers, which is two words.
fn store_vec4_u16(b: Buffer, i: u32, v: vec4<u32>) {
    let good = i < (b.writable >> 3u);
    //digests: rota_count(b, ROTA_STORE_32, i << 3u, good, (v.x & 0xffffu) | (v.y << 16u));
    //digests: rota_count(b, ROTA_STORE_32, (i << 3u) + 4u, good, (v.z & 0xffffu) | (v.w << 16u));
    rota_store(b, b.base + 2u * i, good, (v.x & 0xffffu) | (v.y << 16u));
    rota_store(b, b.base + 2u * i + 1u, good, (v.z & 0xffffu) | (v.w << 16u));
}

// Atomics on the i-th word. Each gives what was there before.

fn atomic_add_u32(b: Buffer, i: u32, v: u32) -> u32 {
    //digests: rota_count(b, ROTA_ATOMIC_ADD, i << 2u, i < (b.writable >> 2u), v);
    return rota_atomic_add(b, b.base + i, i < (b.writable >> 2u), v);
}

fn atomic_sub_u32(b: Buffer, i: u32, v: u32) -> u32 {
    return atomic_add_u32(b, i, 0u - v);
}

fn atomic_min_u32(b: Buffer, i: u32, v: u32) -> u32 {
    //digests: rota_count(b, ROTA_ATOMIC_MIN, i << 2u, i < (b.writable >> 2u), v);
    return rota_atomic_min(b, b.base + i, i < (b.writable >> 2u), v);
}

fn atomic_max_u32(b: Buffer, i: u32, v: u32) -> u32 {
    //digests: rota_count(b, ROTA_ATOMIC_MAX, i << 2u, i < (b.writable >> 2u), v);
    return rota_atomic_max(b, b.base + i, i < (b.writable >> 2u), v);
}

fn atomic_and_u32(b: Buffer, i: u32, v: u32) -> u32 {
    //digests: rota_count(b, ROTA_ATOMIC_AND, i << 2u, i < (b.writable >> 2u), v);
    return rota_atomic_and(b, b.base + i, i < (b.writable >> 2u), v);
}

fn atomic_or_u32(b: Buffer, i: u32, v: u32) -> u32 {
    //digests: rota_count(b, ROTA_ATOMIC_OR, i << 2u, i < (b.writable >> 2u), v);
    return rota_atomic_or(b, b.base + i, i < (b.writable >> 2u), v);
}

fn atomic_xor_u32(b: Buffer, i: u32, v: u32) -> u32 {
    //digests: rota_count(b, ROTA_ATOMIC_XOR, i << 2u, i < (b.writable >> 2u), v);
    return rota_atomic_xor(b, b.base + i, i < (b.writable >> 2u), v);
}

fn atomic_exchange_u32(b: Buffer, i: u32, v: u32) -> u32 {
    //digests: rota_count(b, ROTA_ATOMIC_EXCHANGE, i << 2u, i < (b.writable >> 2u), v);
    return rota_atomic_exchange(b, b.base + i, i < (b.writable >> 2u), v);
}

// Stores v if the word is `expected`, which it is if that comes back.
fn atomic_compare_exchange_u32(b: Buffer, i: u32, expected: u32, v: u32) -> u32 {
    //digests: rota_count(b, ROTA_ATOMIC_COMPARE, i << 2u, i < (b.writable >> 2u), expected);
    //digests: rota_count(b, ROTA_ATOMIC_EXCHANGE, i << 2u, i < (b.writable >> 2u), v);
    return rota_atomic_compare_exchange(b, b.base + i, i < (b.writable >> 2u), expected, v);
}

fn atomic_add_i32(b: Buffer, i: u32, v: i32) -> i32 {
    return bitcast<i32>(atomic_add_u32(b, i, bitcast<u32>(v)));
}

// Of a word with a sign. A loop, which takes fuel: once, and once more for each time that another lane was quicker.
fn rota_atomic_extreme(b: Buffer, i: u32, v: i32, highest: bool) -> i32 {
    //digests: let good = i < (b.writable >> 2u);
    //digests: rota_count(b, select(ROTA_ATOMIC_MIN_I32, ROTA_ATOMIC_MAX_I32, highest), i << 2u, good, bitcast<u32>(v));
    //digests: var old = bitcast<i32>(rota_atomic_or(b, b.base + i, good, 0u));
    var old = bitcast<i32>(atomic_or_u32(b, i, 0u)); // without digests
    loop {
        let better = select((v < old), (v > old), highest);
        if (!better) {
            break;
        }
        //digests: let now = bitcast<i32>(rota_atomic_compare_exchange(b, b.base + i, good, bitcast<u32>(old), bitcast<u32>(v)));
        let now = bitcast<i32>(atomic_compare_exchange_u32(b, i, bitcast<u32>(old), bitcast<u32>(v))); // without digests
        if (now == old) {
            break;
        }
        old = now;
    }
    return old;
}

fn atomic_min_i32(b: Buffer, i: u32, v: i32) -> i32 {
    return rota_atomic_extreme(b, i, v, false);
}

fn atomic_max_i32(b: Buffer, i: u32, v: i32) -> i32 {
    return rota_atomic_extreme(b, i, v, true);
}

// ---------------------------------------------------------------- scratch: words that the lanes of one tile share

fn scratch_load(i: u32) -> u32 {
    var v = 0u;
    if (i < ROTA_SCRATCH_WORDS) {
        v = atomicLoad(&rota_scratch[i]);
    } else {
        rota_fail(ROTA_FAULT_OUT_OF_BOUNDS);
    }
    return v;
}

fn scratch_store(i: u32, v: u32) {
    if (i < ROTA_SCRATCH_WORDS) {
        atomicStore(&rota_scratch[i], v);
    } else {
        rota_fail(ROTA_FAULT_OUT_OF_BOUNDS);
    }
}

fn scratch_add(i: u32, v: u32) -> u32 {
    var old = 0u;
    if (i < ROTA_SCRATCH_WORDS) {
        old = atomicAdd(&rota_scratch[i], v);
    } else {
        rota_fail(ROTA_FAULT_OUT_OF_BOUNDS);
    }
    return old;
}

// ---------------------------------------------------------------- the lanes of a tile

// All lanes of the tile meet here, and each sees what the others wrote before.
fn barrier() {
    workgroupBarrier();
    storageBarrier();
}
