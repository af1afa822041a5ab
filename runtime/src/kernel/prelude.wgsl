// The prelude: all that a handler sees of the kernel.
//
// A handler learns who it is (tile, tiles, lane, lanes), reads its arguments, resolves buffers by handle once, and
// then loads and stores through accessors that compare against the buffer's range. Out of bounds loads give 0 and
// stores are dropped; either way the job ends as a fault. What is spelled `rota_...` is the core's, not a handler's.

// The job that this lane works on. Set by the core before a handler runs.
var<private> rota_slot: u32;
var<private> rota_tenant: u32;
var<private> rota_lane: u32;
var<private> rota_tile: u32;
var<private> rota_tiled: bool;
var<private> rota_fault: u32;
var<private> rota_result: vec2<u32>;
// Loop iterations that this lane may still run. Every loop of every handler takes one from it (fuel.rs adds that).
var<private> rota_fuel: u32;

var<workgroup> rota_scratch: array<atomic<u32>, ROTA_SCRATCH_WORDS>;

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
        rota_result[i & 1u] = min(rota_result[i & 1u], v);
    }
}

// ---------------------------------------------------------------- buffers

// A resolved buffer: where it lies and how long it is. Made by buffer() and buffer_mut() only.
//
// The accessors have one way out each: drivers put them in line, and for some of them every early return makes the
// code behind it another branch.
struct Buffer {
    // In words from the start of the segment; a multiple of 4.
    base: u32,
    bytes: u32,
    segment: u32,
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
                    it = Buffer(rota_buffers[index].base << 2u, rota_buffers[index].bytes, place & ROTA_PLACE_SEGMENT);
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

// Four bytes from byte i on, which may be any; bytes beyond the buffer's end read as 0 without a fault, so that a
// loop over whole words can run over the last, partial one.
fn load_bytes(b: Buffer, i: u32) -> u32 {
    if (i >= b.bytes) {
        return 0u;
    }
    let at = i >> 2u;
    let shift = (i & 3u) << 3u;
    var v = rota_load(b.segment, b.base + at, true) >> shift;
    if (shift != 0u && (at + 1u) << 2u < b.bytes) {
        v |= rota_load(b.segment, b.base + at + 1u, true) << (32u - shift);
    }
    let left = b.bytes - i;
    if (left < 4u) {
        v &= (1u << (left << 3u)) - 1u;
    }
    return v;
}

// The i-th group of four words; all four must lie in the buffer.
fn load_vec4_u32(b: Buffer, i: u32) -> vec4<u32> {
    return rota_load_vec4(b.segment, (b.base >> 2u) + i, i < (b.bytes >> 4u));
}

fn load_vec4_f32(b: Buffer, i: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(load_vec4_u32(b, i));
}

fn store_u32(b: Buffer, i: u32, v: u32) {
    rota_store(b.segment, b.base + i, i < (b.bytes >> 2u), v);
}

fn store_i32(b: Buffer, i: u32, v: i32) {
    store_u32(b, i, bitcast<u32>(v));
}

fn store_f32(b: Buffer, i: u32, v: f32) {
    store_u32(b, i, bitcast<u32>(v));
}

fn store_vec4_u32(b: Buffer, i: u32, v: vec4<u32>) {
    rota_store_vec4(b.segment, (b.base >> 2u) + i, i < (b.bytes >> 4u), v);
}

fn store_vec4_f32(b: Buffer, i: u32, v: vec4<f32>) {
    store_vec4_u32(b, i, bitcast<vec4<u32>>(v));
}

// Adds v to the i-th word and gives what was there before.
fn atomic_add_u32(b: Buffer, i: u32, v: u32) -> u32 {
    return rota_atomic_add(b.segment, b.base + i, i < (b.bytes >> 2u), v);
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
