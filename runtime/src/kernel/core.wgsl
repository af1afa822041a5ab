// The scheduler core: what every worker does for as long as its lease lasts.
//
// A worker is one subgroup, and one workgroup. It goes round: look for a tenant with something to claim, claim up to
// one scalar job per lane or some tiles of a tiled job, run them, write the completions. Every word that decides
// where the worker goes is read by one lane and broadcast, because lanes that each read a shared word can see
// different values; the worker leaves its loop as a whole, and only between claims.
//
// Software drivers don't branch around code that no lane takes: they run it with all lanes masked, and every memory
// access in it costs. What they do branch on is the end of a loop. So the loops are nested by how often they are
// needed: innermost looking, around it looking and running light jobs, around that everything else.
//
// Some drivers also cap the iterations of all loops of a lease together. They count each pass through a loop's end, also
// where no lane enters the loop. ROTA_PASSES and ROTA_LIGHT_PASSES say how many loops the handlers have, in all and on
// the short path; each round is charged for those that it passes.
//
// Five functions come from the composer: rota_run_light(entry), rota_run_scalar(entry) and rota_run_tiled(entry) call
// the handlers, and give false if the kernel has none of that number and kind; rota_has_one_loop(entry) tells whether a
// scalar handler has just one loop; rota_scratch_use(entry) tells what a tiled one does with scratch.

const KIND_NONE: u32 = 0u;
const KIND_LIGHT: u32 = 1u;
const KIND_SCALAR: u32 = 2u;
const KIND_OPEN: u32 = 3u;
const KIND_TILE: u32 = 4u;
const KIND_CONTROL: u32 = 5u;

const NO_SLOT: u32 = 0xffffffffu;

// A worker's clock counts in units that take about as long as an iteration of a small loop: a look takes so many, and a
// round of light jobs so many more.
const LOOK_TIME: u32 = 16u;
const LIGHT_TIME: u32 = 32u;
// What takes longer is not a small job, and lets small ones of other tenants go first for so many times as long, while
// there are any: while the last one is less than a moment ago.
const LONG_TIME: u32 = 512u;
const REST: u32 = 4u;
const MOMENT: u32 = 800u;
// The clock as it stands in a tenant's rest.
const REST_SHIFT: u32 = 4u;
const REST_MASK: u32 = 0xfffffu;
const REST_BITS: u32 = 20u;

// What this worker has done in this lease; the same in all lanes.
var<private> w_fuel: u32;
var<private> w_jobs: u32;
var<private> w_tiles: u32;
var<private> w_lost: u32;
// When a small job last ran, by this worker's clock, and whose it was.
var<private> w_small_at: u32;
var<private> w_small_tenant: u32;
// Whether any tenant was put to rest in this lease.
var<private> w_rests: bool;
// Whose words are in scratch.
var<private> w_scratch_owner: u32;
// A completion was written of which the host wants to hear at once. In lane 0 only.
var<private> w_notify: bool;

// Makes this worker's writes visible to the others and to the host, and theirs to it. In uniform flow only.
fn fence() {
    storageBarrier();
}

fn first_lane(ballot: vec4<u32>) -> u32 {
    if (ROTA_LANES <= 32u || ballot.x != 0u) {
        return firstTrailingBit(ballot.x);
    }
    return 32u + firstTrailingBit(ballot.y);
}

fn any_lane(ballot: vec4<u32>) -> bool {
    if (ROTA_LANES <= 32u) {
        return ballot.x != 0u;
    }
    return (ballot.x | ballot.y) != 0u;
}

// How many lanes from lane 0 on are set without a gap.
fn run_length(ballot: vec4<u32>) -> u32 {
    if (ROTA_LANES <= 32u || ~ballot.x != 0u) {
        return min(firstTrailingBit(~ballot.x), ROTA_LANES);
    }
    return min(32u + firstTrailingBit(~ballot.y), ROTA_LANES);
}

// Whether small jobs of others go before this tenant's now.
fn is_resting(tenant: u32, lease: u32, clock: u32) -> bool {
    let rest = atomicLoad(&rota_state.tenants[tenant].rest);
    let same_lease = (rest >> REST_BITS) == (lease & 0xfffu);
    return same_lease & ((rest & REST_MASK) > (clock >> REST_SHIFT)) & (tenant != w_small_tenant);
}

// When a tenant that took `time` until `clock` is to go on.
fn rest_until(lease: u32, clock: u32, time: u32) -> u32 {
    let until = (clock + REST * min(time, 0x1000000u)) >> REST_SHIFT;
    return ((lease & 0xfffu) << REST_BITS) | min(until, REST_MASK);
}

fn position_after(position: u32, n: u32) -> u32 {
    return (position + n) & ROTA_POSITION_MASK;
}

// ---------------------------------------------------------------- handlers

// What rota_scratch_use gives for handlers that may read scratch before they write it; 0 is for those without scratch.
const SCRATCH_READ: u32 = 2u;

// The code behind the number that a slot has for its handler.
struct Entry {
    entry: u32,
    version: u32,
    fault: u32,
}

// A standard handler's number is its opcode. Others are looked up: the slot may be older than the table that this lease
// is bound to, and its handler unloaded since.
fn find_entry(number: u32, tenant: u32) -> Entry {
    var it = Entry(number, 0u, 0u);
    if (number >= ROTA_FIRST_LOADED) {
        it = Entry(0u, 0u, ROTA_FAULT_HANDLER_UNLOADED);
        let index = (number & 0xffffu) - ROTA_FIRST_LOADED;
        if (index < arrayLength(&rota_handlers)) {
            if ((rota_handlers[index].owner == tenant) & (rota_handlers[index].generation == number >> 16u)) {
                if (rota_handlers[index].entry != 0u) {
                    it = Entry(rota_handlers[index].entry, rota_handlers[index].version, 0u);
                }
            }
        }
    }
    return it;
}

// Whether the driver has cut loops short. Some have a limit for all loops of a lease together, and when it is used up each
// loop silently ends with its first pass. Leases end before; this is for the case that they don't. The bound is not a
// constant, so that this stays a loop.
fn loops_are_cut() -> bool {
    var n = 0u;
    for (var i = 0u; i < rota_push.canary; i += 1u) {
        n += 1u;
    }
    return n != rota_push.canary;
}

// What can only be told when a lane has come to the end of its handler. By the whole worker.
fn rota_check_end() {
    if ((rota_fuel < 0) & (rota_fault == 0u)) {
        rota_fault = ROTA_FAULT_FUEL_EXHAUSTED;
    }
    if (loops_are_cut()) {
        rota_fault = ROTA_FAULT_LOOP_CUT;
    }
}

fn is_revoked(tenant: u32) -> bool {
    return subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].state)) == ROTA_TENANT_REVOKED;
}

// ---------------------------------------------------------------- looking

// What a lane finds at one tenant.
struct Sight {
    kind: u32,
    cursor: u32,
}

// Whether a tiled job of this tenant has unclaimed tiles, else whether the job at the cursor can be claimed, and how.
fn look_at(tenant: u32, scalars: bool) -> Sight {
    let base = atomicLoad(&rota_tenants[tenant].base);
    let mask = atomicLoad(&rota_tenants[tenant].mask);
    let open = atomicLoad(&rota_state.tenants[tenant].open);
    let cursor = atomicLoad(&rota_state.tenants[tenant].cursor);
    if (open != 0u && atomicLoad(&rota_tiles[base + ((open - 1u) & mask)].remaining) != 0u) {
        return Sight(KIND_TILE, cursor);
    }
    let slot = base + (cursor & mask);
    if (atomicLoad(&rota_slots[slot].stamp) != position_after(cursor, 1u) || (cursor & ROTA_CURSOR_CLOSED) != 0u) {
        return Sight(KIND_NONE, cursor);
    }
    let flags = rota_slots[slot].words[ROTA_JOB_FLAGS];
    if (flags == ROTA_FLAG_LIGHT) {
        return Sight(select(KIND_NONE, KIND_LIGHT, scalars), cursor);
    }
    // A job that has to wait for the earlier ones is not claimed before they are done.
    if ((flags & (ROTA_FLAG_BARRIER | ROTA_FLAG_AFTER_OK)) != 0u) {
        if (atomicLoad(&rota_state.tenants[tenant].done) != cursor) {
            return Sight(KIND_NONE, cursor);
        }
    }
    if ((flags & ROTA_FLAG_CONTROL) != 0u && tenant == 0u) {
        return Sight(select(KIND_NONE, KIND_CONTROL, scalars), cursor);
    }
    if ((flags & ROTA_FLAG_TILED) != 0u) {
        return Sight(select(KIND_NONE, KIND_OPEN, open == 0u), cursor);
    }
    return Sight(select(KIND_NONE, KIND_SCALAR, scalars), cursor);
}

// ---------------------------------------------------------------- completing

// Writes the completion of the job in `slot`, on the lanes where `mine` is set; called by the whole worker. The stamp
// is the last component of the record, because software drivers store a vector one component at a time, in order.
// Where a device was seen to store it in pieces out of order, a fence stands between payload and stamp.
fn complete(mine: bool, slot: u32, stamp: u32, status: u32, fault: u32, results: vec2<u32>) {
    let word = status | (fault << 8u);
    if (ROTA_TORN_RECORDS) {
        if (mine) {
            rota_records[slot].x = word;
            rota_records[slot].y = results.x;
            rota_records[slot].z = results.y;
        }
        fence();
        if (mine) {
            rota_records[slot].w = stamp;
        }
    } else if (mine) {
        rota_records[slot] = vec4<u32>(word, results, stamp);
    }
}

// The records that only some jobs ask for. They go before the first one, each with its own stamp.
fn complete_extra(slot: u32, stamp: u32, fuel: u32, version: u32, begin: u32, end: u32) {
    rota_extra[2u * slot] = vec4<u32>(fuel, version, begin, stamp);
    rota_extra[2u * slot + 1u] = vec4<u32>(end, 0u, 0u, stamp);
}

// Raises the tenant's done count, after a completion is written. It equals the cursor when all that was claimed has
// completed; both have 31 bits. By lane 0.
//
// The device can't interrupt the host, but the end of a lease does: where the host waits for this count, it is reached once.
fn raise_done(tenant: u32, n: u32) {
    let old = atomicAdd(&rota_state.tenants[tenant].done, n);
    if (old + n > ROTA_POSITION_MASK) {
        atomicAnd(&rota_state.tenants[tenant].done, ROTA_POSITION_MASK);
    }
    let at = atomicLoad(&rota_tenants[tenant].notify_at);
    if (at <= ROTA_POSITION_MASK && ((at - old - 1u) & ROTA_POSITION_MASK) < n) {
        w_notify = true;
    }
}

fn status_of(fault: u32) -> u32 {
    return select(ROTA_STATUS_OK, ROTA_STATUS_FAULTED, fault != 0u);
}

// Whether the job at the cursor, in `slot`, is AFTER_OK and the one just before it did not end OK. Called by the whole
// worker, and asked of the lane with `mine` set, before the claim: all earlier jobs are done then, and the record can't
// be overwritten, because the job that would do so is behind this one in the ring.
fn skips(base: u32, mask: u32, cursor: u32, slot: u32, mine: bool) -> bool {
    let asked = mine && (rota_slots[slot].words[ROTA_JOB_FLAGS] & ROTA_FLAG_AFTER_OK) != 0u;
    if (!any_lane(subgroupBallot(asked))) {
        return false;
    }
    fence();
    let before = (cursor - 1u) & ROTA_POSITION_MASK;
    let record = rota_records[base + (before & mask)];
    return asked && !(record.w == cursor && (record.x & 0xffu) == ROTA_STATUS_OK);
}

// ---------------------------------------------------------------- light jobs

// Claims and runs up to one light job per lane from the cursor on: scalar jobs without flags, of handlers so small that
// nothing in them needs care. This is the path that most jobs take.
fn run_light(tenant: u32, cursor: u32, lane: u32) {
    let base = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].base));
    let mask = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].mask));
    let stamp = position_after(cursor, lane + 1u);
    let slot = base + ((cursor + lane) & mask);
    let mine = lane <= mask && atomicLoad(&rota_slots[slot].stamp) == stamp
        && rota_slots[slot].words[ROTA_JOB_FLAGS] == ROTA_FLAG_LIGHT;
    let n = run_length(subgroupBallot(mine));
    var claimed = false;
    if (lane == 0u && n != 0u) {
        claimed = atomicCompareExchangeWeak(&rota_state.tenants[tenant].cursor, cursor, position_after(cursor, n)).exchanged;
    }
    if (!any_lane(subgroupBallot(claimed))) {
        w_lost += 1u;
        return;
    }
    fence();

    var status = 0u;
    rota_start(ROTA_LIGHT_FUEL);
    rota_slot = slot;
    rota_stamp = stamp;
    rota_tenant = tenant;
    rota_tile = 0u;
    rota_tiled = false;
    if (lane < n) {
        if (atomicLoad(&rota_slots[slot].cancel) == stamp) {
            status = ROTA_STATUS_CANCELLED;
        } else if (!rota_run_light(rota_slots[slot].words[ROTA_JOB_HANDLER])) {
            rota_fault = ROTA_FAULT_UNKNOWN_OPCODE;
        }
    }
    if (status == 0u) {
        status = status_of(rota_fault);
    }
    w_fuel += subgroupAdd(rota_spent(ROTA_LIGHT_FUEL)) + ROTA_LIGHT_PASSES;
    w_jobs += n;
    fence();
    complete(lane < n, slot, stamp, status, rota_fault, rota_result);
    fence();
    if (lane == 0u) {
        raise_done(tenant, n);
    }
}

// ---------------------------------------------------------------- scalar jobs

// How many ends of loops a worker passes for so much fuel: each look is two more.
fn passes_of(fuel: u32) -> u32 {
    return fuel + 2u * (fuel / ROTA_FUEL_PER_LOOK);
}

// How many iterations the worker has gone through for what its lanes spent. Lanes of different loops take turns, so the
// sum is always enough; lanes of one and the same loop go through it together.
fn passed_loops(spent: u32, entry: u32, mine: bool) -> u32 {
    let first = subgroupBroadcastFirst(entry);
    let others = any_lane(subgroupBallot(mine && entry != first));
    let most = subgroupMax(spent);
    return passes_of(select(subgroupAdd(spent), most, !others && rota_has_one_loop(first)));
}

// Claims and runs up to one job per lane from the cursor on; with `single`, just the one at the cursor.
fn run_scalars(tenant: u32, cursor: u32, lane: u32, single: bool) {
    let base = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].base));
    let mask = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].mask));
    let position = position_after(cursor, lane);
    let stamp = position_after(position, 1u);
    let slot = base + (position & mask);

    // The published run at the front, cut before the first job that is tiled, or has to wait, or whose budget would
    // make the round too long for the driver.
    var mine = lane <= mask && (!single || lane == 0u) && atomicLoad(&rota_slots[slot].stamp) == stamp;
    var budget = 0u;
    if (mine) {
        let flags = rota_slots[slot].words[ROTA_JOB_FLAGS];
        let waits = (flags & (ROTA_FLAG_BARRIER | ROTA_FLAG_AFTER_OK)) != 0u;
        let other = (flags & (ROTA_FLAG_TILED | ROTA_FLAG_CONTROL)) != 0u;
        mine = lane == 0u || !(waits || other);
        budget = min(rota_slots[slot].words[ROTA_JOB_FUEL], rota_push.round_fuel);
    }
    // Before the claim: once this job is claimed, the record of the one before it may be overwritten.
    let skip = skips(base, mask, cursor, slot, mine && lane == 0u);
    if (any_lane(subgroupBallot(budget > rota_push.round_fuel / ROTA_LANES))) {
        let sum = subgroupInclusiveAdd(budget);
        mine = mine && (lane == 0u || sum <= rota_push.round_fuel);
    }
    let n = run_length(subgroupBallot(mine));
    var claimed = false;
    if (lane == 0u) {
        claimed = atomicCompareExchangeWeak(&rota_state.tenants[tenant].cursor, cursor, position_after(cursor, n)).exchanged;
    }
    if (!any_lane(subgroupBallot(claimed))) {
        w_lost += 1u;
        return;
    }
    fence();

    mine = lane < n;
    var status = 0u;
    var timed = false;
    var begin = 0u;
    var it = Entry(0u, 0u, 0u);
    let revoked = is_revoked(tenant);
    rota_start(budget);
    rota_slot = slot;
    rota_stamp = stamp;
    rota_tenant = tenant;
    rota_tile = 0u;
    rota_tiled = false;
    if (mine) {
        let flags = rota_slots[slot].words[ROTA_JOB_FLAGS];
        timed = (flags & ROTA_FLAG_TIMING) != 0u;
        if (timed) {
            begin = atomicAdd(&rota_state.epoch, 1u);
        }
        if (atomicLoad(&rota_slots[slot].cancel) == stamp) {
            status = ROTA_STATUS_CANCELLED;
        } else if (skip && lane == 0u) {
            status = ROTA_STATUS_SKIPPED;
        } else if (revoked) {
            status = ROTA_STATUS_REVOKED;
        } else {
            it = find_entry(rota_slots[slot].words[ROTA_JOB_HANDLER], tenant);
            rota_fault = it.fault;
            if (((flags & ROTA_FLAG_TILED) != 0u) & (it.fault == 0u)) {
                // A tiled job comes this way only to be answered at once: see open_tiled.
                rota_fault = ROTA_FAULT_INVALID_TILES;
            }
        }
    }
    // One place for all calls: drivers put the handlers in line.
    if (mine & (status == 0u) & (rota_fault == 0u)) {
        if (!rota_run_scalar(it.entry)) {
            rota_fault = ROTA_FAULT_UNKNOWN_OPCODE;
        }
    }
    let spent = select(0u, rota_spent(budget), mine);
    rota_check_end();
    if (status == 0u) {
        let ended = select(ROTA_STATUS_CANCELLED, ROTA_STATUS_REVOKED, is_revoked(tenant));
        status = select(status_of(rota_fault), ended, rota_ended);
    }
    if (timed) {
        complete_extra(slot, stamp, min(spent, budget), it.version, begin, atomicAdd(&rota_state.epoch, 1u));
    }
    w_fuel += passed_loops(spent, it.entry, mine);
    w_jobs += n;
    fence();
    complete(mine, slot, stamp, status, select(0u, rota_fault, status == ROTA_STATUS_FAULTED), rota_result);
    fence();
    if (lane == 0u) {
        raise_done(tenant, n);
    }
}

// ---------------------------------------------------------------- tiled jobs

// Makes the tiled job at the cursor the tenant's open one. Gives true if the job won't run: then nothing is opened, and
// it is to be answered as a scalar job is.
fn open_tiled(tenant: u32, cursor: u32, lane: u32) -> bool {
    let base = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].base));
    let mask = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].mask));
    let slot = base + (cursor & mask);
    let stamp = position_after(cursor, 1u);

    let skip = skips(base, mask, cursor, slot, lane == 0u);
    var at_once = false;
    if (lane == 0u) {
        let tiles = rota_slots[slot].words[ROTA_JOB_TILES];
        let it = find_entry(rota_slots[slot].words[ROTA_JOB_HANDLER], tenant);
        at_once = skip || it.fault != 0u || tiles == 0u || tiles > ROTA_MAX_TILES || atomicLoad(&rota_slots[slot].cancel) == stamp;
    }
    if (any_lane(subgroupBallot(at_once))) {
        return true;
    }

    // The open word first: once the cursor has moved, this job must be the open one; a failed claim leaves no trace.
    var opened = false;
    if (lane == 0u) {
        if (atomicCompareExchangeWeak(&rota_state.tenants[tenant].open, 0u, cursor + 1u).exchanged) {
            opened = atomicCompareExchangeWeak(&rota_state.tenants[tenant].cursor, cursor, stamp).exchanged;
            if (!opened) {
                atomicStore(&rota_state.tenants[tenant].open, 0u);
            }
        }
    }
    if (!any_lane(subgroupBallot(opened))) {
        w_lost += 1u;
        return false;
    }
    fence();
    if (lane == 0u) {
        atomicStore(&rota_tiles[slot].fault, 0u);
        atomicStore(&rota_tiles[slot].marks, 0u);
        atomicStore(&rota_tiles[slot].result[0], 0u);
        atomicStore(&rota_tiles[slot].result[1], 0u);
        atomicStore(&rota_tiles[slot].fuel, 0u);
        if ((rota_slots[slot].words[ROTA_JOB_FLAGS] & ROTA_FLAG_TIMING) != 0u) {
            atomicStore(&rota_tiles[slot].begin, atomicAdd(&rota_state.epoch, 1u));
        }
        let it = find_entry(rota_slots[slot].words[ROTA_JOB_HANDLER], tenant);
        atomicStore(&rota_tiles[slot].entry, it.entry);
        atomicStore(&rota_tiles[slot].version, it.version);
        atomicStore(&rota_tiles[slot].unfinished, rota_slots[slot].words[ROTA_JOB_TILES]);
    }
    fence();
    if (lane == 0u) {
        atomicStore(&rota_tiles[slot].remaining, rota_slots[slot].words[ROTA_JOB_TILES]);
    }
    return false;
}

// Tiles that this worker is done with, of the job in a slot.
struct Finished {
    tiles: u32,
    slot: u32,
    stamp: u32,
    flags: u32,
}

// Claims a tile of the tenant's open job and runs it.
fn run_tile(tenant: u32, lane: u32) -> Finished {
    let base = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].base));
    let mask = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].mask));
    var slot = 0u;
    var before = 0u;
    if (lane == 0u) {
        let open = atomicLoad(&rota_state.tenants[tenant].open);
        if (open != 0u) {
            slot = base + ((open - 1u) & mask);
            let remaining = atomicLoad(&rota_tiles[slot].remaining);
            if (remaining != 0u) {
                if (atomicCompareExchangeWeak(&rota_tiles[slot].remaining, remaining, remaining - 1u).exchanged) {
                    before = remaining;
                    // Whoever takes the last tile lets the next job open, and nobody else does.
                    if (remaining == 1u) {
                        atomicStore(&rota_state.tenants[tenant].open, 0u);
                    }
                }
            }
        }
    }
    before = subgroupBroadcastFirst(before);
    if (before == 0u) {
        w_lost += 1u;
        return Finished(0u, 0u, 0u, 0u);
    }
    slot = subgroupBroadcastFirst(slot);
    fence();

    // From here on everything comes from the slot: if this worker stalled before its claim, and the slot was used
    // again meanwhile, then what it claimed is a tile of the new job.
    var stamp = 0u;
    var flags = 0u;
    var count = 0u;
    var budget = 0u;
    var entry = 0u;
    var mark = 0u;
    var rest = 0u;
    if (lane == 0u) {
        stamp = atomicLoad(&rota_slots[slot].stamp);
        entry = atomicLoad(&rota_tiles[slot].entry);
        flags = rota_slots[slot].words[ROTA_JOB_FLAGS];
        count = rota_slots[slot].words[ROTA_JOB_TILES];
        budget = min(rota_slots[slot].words[ROTA_JOB_FUEL], rota_push.round_fuel / ROTA_LANES);
        let closed = (atomicLoad(&rota_state.tenants[tenant].cursor) & ROTA_CURSOR_CLOSED) != 0u;
        if (closed || atomicLoad(&rota_tenants[tenant].state) == ROTA_TENANT_REVOKED) {
            mark = ROTA_MARK_REVOKED;
        } else if (atomicLoad(&rota_slots[slot].cancel) == stamp) {
            mark = ROTA_MARK_CANCELLED;
        }
        if (mark != 0u) {
            atomicOr(&rota_tiles[slot].marks, mark);
            // Nothing more of it will run: the unclaimed tiles go at once, and this tile keeps the job alive until then.
            rest = atomicExchange(&rota_tiles[slot].remaining, 0u);
            if (rest != 0u) {
                atomicStore(&rota_state.tenants[tenant].open, 0u);
            }
        }
    }
    rest = subgroupBroadcastFirst(rest);
    stamp = subgroupBroadcastFirst(stamp);
    entry = subgroupBroadcastFirst(entry);
    flags = subgroupBroadcastFirst(flags);
    count = subgroupBroadcastFirst(count);
    budget = subgroupBroadcastFirst(budget);
    mark = subgroupBroadcastFirst(mark);

    let scratch = select(rota_scratch_use(entry), 0u, mark != 0u);
    if (ROTA_CLEARS) {
        // What another tenant's tiles, or whoever had this memory before the lease, left there is nobody's business.
        let first_word = select(ROTA_SCRATCH_WORDS, lane, (scratch == SCRATCH_READ) & (w_scratch_owner != tenant + 1u));
        for (var i = first_word; i < ROTA_SCRATCH_WORDS; i += ROTA_LANES) {
            atomicStore(&rota_scratch[i], 0u);
        }
        w_fuel += select(0u, ROTA_SCRATCH_WORDS / ROTA_LANES, first_word == lane);
        workgroupBarrier();
    }
    w_scratch_owner = select(w_scratch_owner, tenant + 1u, scratch != 0u);

    rota_start(budget);
    rota_slot = slot;
    rota_stamp = stamp;
    rota_tenant = tenant;
    rota_tile = count - before;
    rota_tiled = true;
    if (mark == 0u) {
        if (!rota_run_tiled(entry)) {
            rota_fault = ROTA_FAULT_UNKNOWN_OPCODE;
        }
    }
    let spent = subgroupAdd(rota_spent(budget));
    let used = subgroupAdd(min(rota_spent(budget), budget));
    let ended = any_lane(subgroupBallot(rota_ended));
    rota_check_end();
    let fault = subgroupMax(rota_fault);
    w_fuel += passes_of(spent);
    w_tiles += 1u;
    if (lane == 0u) {
        atomicAdd(&rota_tiles[slot].fuel, used);
        if (fault != 0u) {
            atomicMax(&rota_tiles[slot].fault, fault);
        }
        if (ended) {
            let revoked = atomicLoad(&rota_tenants[tenant].state) == ROTA_TENANT_REVOKED;
            atomicOr(&rota_tiles[slot].marks, select(ROTA_MARK_CANCELLED, ROTA_MARK_REVOKED, revoked));
        }
    }
    return Finished(1u + rest, slot, stamp, flags);
}

// Counts tiles as finished; whoever finishes a job's last one writes its completion.
fn finish_tiles(tenant: u32, finished: Finished, lane: u32) {
    let slot = finished.slot;
    fence();
    var last = false;
    if (lane == 0u) {
        last = atomicSub(&rota_tiles[slot].unfinished, finished.tiles) == finished.tiles;
    }
    if (!any_lane(subgroupBallot(last))) {
        return;
    }
    fence();
    var status = 0u;
    var fault = 0u;
    var results = vec2<u32>(0u);
    if (lane == 0u) {
        let marks = atomicLoad(&rota_tiles[slot].marks);
        fault = atomicLoad(&rota_tiles[slot].fault);
        status = status_of(fault);
        if ((marks & ROTA_MARK_CANCELLED) != 0u) {
            status = ROTA_STATUS_CANCELLED;
        }
        if ((marks & ROTA_MARK_REVOKED) != 0u) {
            status = ROTA_STATUS_REVOKED;
        }
        results = vec2<u32>(
            atomicLoad(&rota_tiles[slot].result[0]) ^ (0u - (marks & 1u)),
            atomicLoad(&rota_tiles[slot].result[1]) ^ (0u - ((marks >> 1u) & 1u)),
        );
        if ((finished.flags & ROTA_FLAG_TIMING) != 0u) {
            complete_extra(slot, finished.stamp, atomicLoad(&rota_tiles[slot].fuel), atomicLoad(&rota_tiles[slot].version),
                atomicLoad(&rota_tiles[slot].begin), atomicAdd(&rota_state.epoch, 1u));
        }
    }
    w_jobs += 1u;
    fence();
    complete(lane == 0u, slot, finished.stamp, status, select(0u, fault, status == ROTA_STATUS_FAULTED), results);
    fence();
    if (lane == 0u) {
        raise_done(tenant, 1u);
    }
}

// ---------------------------------------------------------------- control jobs

// Claims the control job at tenant 0's cursor; gives its slot, or none.
fn claim_control(cursor: u32, lane: u32) -> u32 {
    var claimed = false;
    if (lane == 0u) {
        claimed = atomicCompareExchangeWeak(&rota_state.tenants[0].cursor, cursor, position_after(cursor, 1u)).exchanged;
    }
    if (!any_lane(subgroupBallot(claimed))) {
        w_lost += 1u;
        return NO_SLOT;
    }
    fence();
    let base = subgroupBroadcastFirst(atomicLoad(&rota_tenants[0].base));
    let mask = subgroupBroadcastFirst(atomicLoad(&rota_tenants[0].mask));
    return base + (cursor & mask);
}

// The tenant that a control job is about, or none if the job makes no sense.
fn revoked_tenant(slot: u32) -> u32 {
    let opcode = subgroupBroadcastFirst(rota_slots[slot].words[ROTA_JOB_HANDLER]);
    let tenant = subgroupBroadcastFirst(rota_slots[slot].words[ROTA_JOB_ARGS]);
    return select(NO_SLOT, tenant, opcode == ROTA_CONTROL_REVOKE && tenant < arrayLength(&rota_tenants));
}

// Closes a tenant and takes the unclaimed tiles of its open job. Publishers have left the tenant before.
fn revoke_tiles(tenant: u32, lane: u32) -> Finished {
    var finished = Finished(0u, 0u, 0u, 0u);
    if (lane == 0u) {
        atomicOr(&rota_state.tenants[tenant].cursor, ROTA_CURSOR_CLOSED);
        let base = atomicLoad(&rota_tenants[tenant].base);
        let mask = atomicLoad(&rota_tenants[tenant].mask);
        let open = atomicLoad(&rota_state.tenants[tenant].open);
        if (open != 0u) {
            finished.slot = base + ((open - 1u) & mask);
            finished.tiles = atomicExchange(&rota_tiles[finished.slot].remaining, 0u);
            if (finished.tiles != 0u) {
                atomicOr(&rota_tiles[finished.slot].marks, ROTA_MARK_REVOKED);
                atomicStore(&rota_state.tenants[tenant].open, 0u);
                finished.stamp = atomicLoad(&rota_slots[finished.slot].stamp);
                finished.flags = rota_slots[finished.slot].words[ROTA_JOB_FLAGS];
            }
        }
    }
    return Finished(
        subgroupBroadcastFirst(finished.tiles),
        subgroupBroadcastFirst(finished.slot),
        subgroupBroadcastFirst(finished.stamp),
        subgroupBroadcastFirst(finished.flags),
    );
}

// Completes the published slots of a closed tenant from its cursor up to the head that the job names as REVOKED, a bounded
// number of them, and then the control job in `slot`, whose result is how many are left.
fn finish_control(cursor: u32, slot: u32, tenant: u32, lane: u32) {
    var left = 0u;
    if (tenant != NO_SLOT) {
        let base = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].base));
        let mask = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].mask));
        let position = subgroupBroadcastFirst(atomicLoad(&rota_state.tenants[tenant].cursor)) & ROTA_POSITION_MASK;
        let head = subgroupBroadcastFirst(rota_slots[slot].words[ROTA_JOB_ARGS + 1u]);
        let published = (head - position) & ROTA_POSITION_MASK;
        let now = min(published, ROTA_REVOKE_ROUNDS * ROTA_LANES);
        for (var first = 0u; first < now; first += ROTA_LANES) {
            let p = position_after(position, first + lane);
            let at = base + (p & mask);
            let mine = first + lane < now;
            let stamp = position_after(p, 1u);
            if (mine && (rota_slots[at].words[ROTA_JOB_FLAGS] & ROTA_FLAG_TIMING) != 0u) {
                complete_extra(at, stamp, 0u, 0u, 0u, 0u);
            }
            fence();
            complete(mine, at, stamp, ROTA_STATUS_REVOKED, 0u, vec2<u32>(0u));
            w_fuel += 1u;
        }
        w_jobs += now;
        fence();
        if (lane == 0u) {
            atomicStore(&rota_state.tenants[tenant].cursor, position_after(position, now) | ROTA_CURSOR_CLOSED);
            raise_done(tenant, now);
        }
        left = published - now;
    }
    let fault = select(0u, ROTA_FAULT_UNKNOWN_OPCODE, tenant == NO_SLOT);
    w_jobs += 1u;
    if (lane == 0u) {
        complete_extra(slot, position_after(cursor, 1u), 0u, 0u, 0u, 0u);
    }
    fence();
    complete(lane == 0u, slot, position_after(cursor, 1u), status_of(fault), fault, vec2<u32>(left, 0u));
    fence();
    if (lane == 0u) {
        raise_done(0u, 1u);
    }
}

// ---------------------------------------------------------------- the loop

@compute @workgroup_size(ROTA_LANES)
fn main(@builtin(subgroup_invocation_id) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
    let worker = group.x;
    let lease = rota_push.lease;
    let takes_scalars = worker == 0u || (rota_push.flags & ROTA_LEASE_ALL_TAKE_SCALARS) != 0u;
    let idle_limit = select(rota_push.extra_idle_rounds, rota_push.idle_rounds, worker == 0u);
    rota_lane = lane;
    var rounds = 0u;
    var busy = 0u;
    var idle = 0u;
    // Where in the active list to look next: behind the tenant served last, so that all get their turn.
    var next = 0u;
    var reason = 0u;

    loop {
        var tenant = 0u;
        var kind = KIND_NONE;
        var cursor = 0u;
        loop {
            loop {
                // One lane reads what decides whether the worker goes on, and how many tenants there are to look at.
                var active_count = 0u;
                if (lane == 0u) {
                    active_count = atomicLoad(&rota_control.words.active_count);
                    let ended = atomicLoad(&rota_state.ended);
                    let stop = atomicLoad(&rota_control.words.stop_lease);
                    if (i32(ended - lease) >= 0) {
                        reason = ROTA_LEAVE_ENDED;
                    } else if (i32(stop - lease) >= 0) {
                        reason = ROTA_LEAVE_STOPPED;
                    } else if (w_fuel + rounds + 2u * busy >= rota_push.fuel) {
                        reason = ROTA_LEAVE_FUEL;
                    } else if (w_notify && (w_fuel >= rota_push.notify_fuel || rounds >= rota_push.notify_rounds)) {
                        reason = ROTA_LEAVE_NOTIFY;
                    } else if (idle >= idle_limit) {
                        reason = ROTA_LEAVE_IDLE;
                    }
                }
                reason = subgroupBroadcastFirst(reason);
                if (reason != 0u) {
                    break;
                }
                active_count = min(subgroupBroadcastFirst(active_count), arrayLength(&rota_control.list));
                rounds += 1u;

                // Lane k looks at the k-th tenant from `next` on; a ballot shows who has something.
                let clock = w_fuel + LOOK_TIME * rounds + LIGHT_TIME * busy;
                let small_first = w_rests & (clock - w_small_at < MOMENT);
                var sight = Sight(KIND_NONE, 0u);
                var i = next + lane;
                i = select(i, i - active_count, i >= active_count);
                if (lane < active_count && i < active_count) {
                    tenant = rota_control.list[i];
                    if (tenant < arrayLength(&rota_tenants)) {
                        sight = look_at(tenant, takes_scalars);
                        if (small_first) {
                            sight.kind = select(sight.kind, KIND_NONE, is_resting(tenant, lease, clock));
                        }
                    }
                }
                let found = subgroupBallot(sight.kind != KIND_NONE);
                if (any_lane(found)) {
                    let winner = first_lane(found);
                    tenant = subgroupShuffle(tenant, winner);
                    kind = subgroupShuffle(sight.kind, winner);
                    cursor = subgroupShuffle(sight.cursor, winner);
                    next += winner + 1u;
                    next = select(next, next - active_count, next >= active_count);
                    next = select(next, 0u, next >= active_count);
                    break;
                }
                next += ROTA_LANES;
                next = select(next, 0u, next >= active_count);
                idle += 1u;
            }
            if (reason != 0u) {
                break;
            }
            idle = 0u;
            busy += 1u;
            if (kind != KIND_LIGHT) {
                break;
            }
            run_light(tenant, cursor, lane);
            w_small_at = w_fuel + LOOK_TIME * rounds + LIGHT_TIME * busy;
            w_small_tenant = tenant;
        }
        if (reason != 0u) {
            break;
        }
        // The core's own loops in here are those that count canaries, clear scratch and revoke slots.
        w_fuel += ROTA_PASSES + 2u * (rota_push.canary + 1u) + 2u;
        let fuel_before = w_fuel;
        // All kinds share what they can: on software drivers each line here costs, taken or not.
        var control = NO_SLOT;
        var closing = NO_SLOT;
        var finished = Finished(0u, 0u, 0u, 0u);
        var finisher = tenant;
        var at_once = false;
        if (kind == KIND_OPEN) {
            at_once = open_tiled(tenant, cursor, lane);
        } else if (kind == KIND_TILE) {
            finished = run_tile(tenant, lane);
        } else if (kind == KIND_CONTROL) {
            control = claim_control(cursor, lane);
            if (control != NO_SLOT) {
                closing = revoked_tenant(control);
                if (closing != NO_SLOT) {
                    finished = revoke_tiles(closing, lane);
                    finisher = closing;
                }
            }
        }
        if (kind == KIND_SCALAR || at_once) {
            run_scalars(tenant, cursor, lane, at_once);
        }
        if (finished.tiles != 0u) {
            finish_tiles(finisher, finished, lane);
        }
        if (control != NO_SLOT) {
            finish_control(cursor, control, closing, lane);
        }
        let time = w_fuel - fuel_before;
        let clock = w_fuel + LOOK_TIME * rounds + LIGHT_TIME * busy;
        if (time >= LONG_TIME) {
            w_rests = true;
            if (lane == 0u) {
                atomicStore(&rota_state.tenants[tenant].rest, rest_until(lease, clock, time));
            }
        } else if (kind == KIND_SCALAR) {
            w_small_at = clock;
            w_small_tenant = tenant;
        }
    }

    // The first worker ends its lease also when it is idle: numbers are compared modulo 2^32, so this word has to follow.
    if (lane == 0u && (worker == 0u || w_notify || reason == ROTA_LEAVE_STOPPED || reason == ROTA_LEAVE_FUEL)) {
        atomicStore(&rota_state.ended, lease);
    }
    // Two sets of reports in turn: the next lease may have ended before the host reads this one's.
    let report = worker + (lease & 1u) * ROTA_MAX_WORKERS;
    if (lane == 0u && report < arrayLength(&rota_reports)) {
        rota_reports[report].lease = lease;
        rota_reports[report].reason = reason;
        rota_reports[report].rounds = rounds;
        rota_reports[report].busy = busy;
        rota_reports[report].fuel = w_fuel;
        rota_reports[report].jobs = w_jobs;
        rota_reports[report].tiles = w_tiles;
        rota_reports[report].lost = w_lost;
    }
}
