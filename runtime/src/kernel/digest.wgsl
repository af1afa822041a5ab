// The write digest: what a kernel has beside all else where a digest of each job's stores is wanted. digest.rs says what is
// counted and why so, and has the same hash for the host.

// The sums of this lane over its stores in this job.
var<private> rota_digest: vec2<u32>;
// Whether it did what may come out differently in another order.
var<private> rota_order_dependent: bool;

// Which of the job's arguments has this handle, from 1 on; the first one, if several have it. One more than the last, if none
// has it. No loop: it would take a handler's fuel.
fn rota_argument(handle: u32) -> u32 {
    var it = ROTA_ARGS + 1u;
    it = select(it, 10u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 9u] == handle);
    it = select(it, 9u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 8u] == handle);
    it = select(it, 8u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 7u] == handle);
    it = select(it, 7u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 6u] == handle);
    it = select(it, 6u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 5u] == handle);
    it = select(it, 5u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 4u] == handle);
    it = select(it, 4u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 3u] == handle);
    it = select(it, 3u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 2u] == handle);
    it = select(it, 2u, rota_slots[rota_slot].words[ROTA_JOB_ARGS + 1u] == handle);
    it = select(it, 1u, rota_slots[rota_slot].words[ROTA_JOB_ARGS] == handle);
    return it;
}

// Counts a store of that kind at a byte of the buffer, if it is made.
fn rota_count(b: Buffer, kind: u32, at: u32, good: bool, v: u32) {
    var y = v ^ (at * ROTA_DIGEST_PLACE + b.salt + kind * ROTA_DIGEST_KIND);
    y ^= y >> 15u;
    y *= ROTA_DIGEST_MIX;
    y ^= y >> 15u;
    var low = y * ROTA_DIGEST_LOW;
    var high = (y + at) * ROTA_DIGEST_HIGH;
    low ^= low >> 16u;
    high ^= high >> 16u;
    rota_digest += select(vec2<u32>(0u), vec2<u32>(low, high), good);
    rota_order_dependent = rota_order_dependent | (good & (kind == ROTA_ATOMIC_EXCHANGE));
}

// The same of four words that lie side by side: as four stores.
fn rota_count_vec4(b: Buffer, first: u32, good: bool, v: vec4<u32>) {
    let at = vec4<u32>(first) + vec4<u32>(0u, 4u, 8u, 12u);
    let place = first * ROTA_DIGEST_PLACE + b.salt + ROTA_STORE_32 * ROTA_DIGEST_KIND;
    // One multiplication for all four.
    var y = v ^ (vec4<u32>(place) + vec4<u32>(0u, 4u * ROTA_DIGEST_PLACE, 8u * ROTA_DIGEST_PLACE, 12u * ROTA_DIGEST_PLACE));
    y ^= y >> vec4<u32>(15u);
    y *= ROTA_DIGEST_MIX;
    y ^= y >> vec4<u32>(15u);
    var low = y * ROTA_DIGEST_LOW;
    var high = (y + at) * ROTA_DIGEST_HIGH;
    low ^= low >> vec4<u32>(16u);
    high ^= high >> vec4<u32>(16u);
    let sums = vec2<u32>((low.x + low.y) + (low.z + low.w), (high.x + high.y) + (high.z + high.w));
    rota_digest += select(vec2<u32>(0u), sums, good);
}

// The digest as a completion has it, of these sums.
fn rota_told(sums: vec2<u32>, order_dependent: bool) -> vec2<u32> {
    return vec2<u32>(sums.x, (sums.y & ~ROTA_DIGEST_ORDER_DEPENDENT) | select(0u, ROTA_DIGEST_ORDER_DEPENDENT, order_dependent));
}
