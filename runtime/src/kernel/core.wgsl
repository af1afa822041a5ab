// The scheduler core: what every worker does for as long as its lease lasts.
//
// A worker is one subgroup, and one workgroup. It goes round: look for a tenant with something to claim, claim up to
// one scalar job per lane or some tiles of a tiled job, run them, write the completions. Every word that decides
// where the worker goes is read by one lane and broadcast, because lanes that each read a shared word can see
// different values; the worker leaves its loop as a whole, and only between claims.
//
// Software drivers don't branch around code that no lane takes: they run it with all lanes masked, and every memory
// access in it costs. What they do branch on is the end of a loop. So the loops are nested by how often they are
// needed: innermost looking, and running the light jobs that were seen; around these two, both by turns; around that
// everything else.
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
// A kind beside an entry of an active list, which has 19 bits.
const KIND_SHIFT: u32 = 24u;

const NO_SLOT: u32 = 0xffffffffu;

// A worker's clock counts in units that take about as long as an iteration of a small loop: a look takes so many, and a
// round of light jobs so many more.
const LOOK_TIME: u32 = 16u;
const LIGHT_TIME: u32 = 32u;
// What takes longer is not a small job. After it a worker waits a moment for the tenant of the last small one, if it is
// that tenant's turn before anybody else's; it does so for so many times as long as the long one took.
const LONG_TIME: u32 = 512u;
const REST: u32 = 4u;
const MOMENT: u32 = 800u;
// What a tenant is charged for a whole claim besides the fuel of its jobs: of light jobs, and besides of others.
const LIGHT_CHARGE: u32 = 64u;
const CLAIM_CHARGE: u32 = 240u;
// So many rounds a tenant keeps that it has not used: it goes before those that used theirs.
const SAVED: u32 = 32u;
// Where there are more tenants than a look sees, some that are so many rounds ahead for each further look have a turn too.
const SLACK: u32 = 32u;
// A look that finds no turn of now gives these and more: how many rounds ahead the next one is.
const KEY_AHEAD: u32 = 8u;
const KEY_NONE: u32 = 0xffffffffu;
// Rounds without work that a tenant counts for which has to wait for what isn't the worker's to give.
const REFUSED_ROUNDS: u32 = 8u;
// Who is refused is asked again 1, 2, 4 and so on rounds later, at most 2 to the power of this.
const MOST_DEFERRED: u32 = 8u;
// So many times the number of lanes are the tenants whose turns a lease brings up to now.
const REFRESHED: u32 = 16u;

// What this worker has done in this lease; the same in all lanes.
var<private> w_fuel: u32;
var<private> w_jobs: u32;
var<private> w_tiles: u32;
var<private> w_lost: u32;
// When a small job last ran, by this worker's clock, and when its tenant has its next turn.
var<private> w_small_at: u32;
var<private> w_small_turn: u32;
// When a long one last ended, and until when small ones are waited for then.
var<private> w_long_at: u32;
var<private> w_long_rest: u32;
// How often tenants were refused since one was admitted.
var<private> w_refusals: u32;
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

// ---------------------------------------------------------------- turns

// Deficit round robin (Shreedhar and Varghese, 1995), kept in two words of each tenant. In a round each tenant may use as
// much fuel as its weight gives it. Who has used more waits for so many rounds as it takes to pay that back; nobody looks
// at those rounds one by one: where all that have work wait, the next round is the first in which one of them has a turn.
// So a tenant that was away has its turn at once, behind nobody's backlog. Rounds are short, so that turns tell finely who has
// used less: a job or a few of a usual tenant.

// Whether a turn is still to come. What is further ahead than any turn can be lies far back.
fn is_ahead(turn: u32, round: u32) -> bool {
    return turn - round - 1u < ROTA_FURTHEST_TURN;
}

// Whether a turn lies further back than anybody's turns are kept.
fn lies_back(turn: u32, round: u32) -> bool {
    return !is_ahead(turn, round - SAVED - 1u);
}

// Who goes first is the lowest of these: of those whose turn it is, the best class, and in it those who had none in this
// round yet; else the nearest turn. Who is no further ahead than `slack` has a turn too.
fn key_of(turn: u32, round: u32, slack: u32, rank: u32) -> u32 {
    let now = 2u * rank + select(1u, 0u, turn != round && !is_ahead(turn, round));
    return select(now, KEY_AHEAD + turn - round, is_ahead(turn, round + slack));
}

// Charges a tenant that was served, whose turn was seen to be `turn`. By lane 0; gives its next turn. Workers that serve the
// same tenant at once lose nothing of each other's charges: fuel is only taken, and for each round's fuel that is given the
// turn moves one round on.
fn charge(tenant: u32, cost: u32, turn: u32, round: u32) -> u32 {
    let weight = max(atomicLoad(&rota_tenants[tenant].weight), 1u);
    var next = turn;
    if (lies_back(turn, round)) {
        next = round - SAVED;
        _ = atomicCompareExchangeWeak(&rota_state.tenants[tenant].turn, turn, next);
    }
    let price = min(cost, 0x20000000u / ROTA_CREDIT_PER_FUEL) * ROTA_CREDIT_PER_FUEL;
    let left = bitcast<i32>(atomicSub(&rota_state.tenants[tenant].credit, price) - price);
    let owed = u32(max(1 - left, 0));
    let rounds = min((owed + weight - 1u) / weight, ROTA_FURTHEST_TURN / 2u);
    if (rounds != 0u) {
        atomicAdd(&rota_state.tenants[tenant].credit, rounds * weight);
        next = atomicAdd(&rota_state.tenants[tenant].turn, rounds) + rounds;
    }
    return next;
}

// What `n` light jobs that were claimed together cost besides their fuel: n * n parts of a whole claim. Who sends jobs one by
// one, and so waits for each, pays less for them than who floods.
fn light_charge(n: u32) -> u32 {
    return max(LIGHT_CHARGE * n * n / (ROTA_LANES * ROTA_LANES), 1u);
}

// Brings turns that lie back up to now, some tenants in each lease: rounds are compared modulo 2^32.
fn refresh_turns(lease: u32, round: u32, lane: u32) {
    for (var i = 0u; i < REFRESHED; i += 1u) {
        let tenant = ((lease * REFRESHED + i) * ROTA_LANES + lane) % arrayLength(&rota_tenants);
        let turn = atomicLoad(&rota_state.tenants[tenant].turn);
        if (lies_back(turn, round)) {
            _ = atomicCompareExchangeWeak(&rota_state.tenants[tenant].turn, turn, round - SAVED);
        }
    }
}

// Whether a tenant may have the turn that was seen, as far as its limits go; takes its exclusion group for what is claimed
// now. By lane 0. Who may not has its turn some rounds later, the more of them the more often this worker has refused.
fn admit(listed: u32, kind: u32, turn: u32, round: u32) -> bool {
    let tenant = listed & ROTA_LISTED_TENANT;
    let fuel_left = i32(atomicLoad(&rota_tenants[tenant].fuel_until) - atomicLoad(&rota_state.tenants[tenant].fuel));
    let time_left = i32(atomicLoad(&rota_tenants[tenant].time_until) - atomicLoad(&rota_state.tenants[tenant].time));
    // What is left of a tenant that goes is only answered.
    let stays = atomicLoad(&rota_tenants[tenant].state) != ROTA_TENANT_REVOKED;
    let no_fuel = (listed & ROTA_LISTED_FUEL) != 0u && fuel_left <= 0;
    let no_time = (listed & ROTA_LISTED_TIME) != 0u && time_left <= 0;
    var refused = stays && (no_fuel || no_time);
    // A tile belongs to a job that has the group already.
    if (!refused && (listed & ROTA_LISTED_GROUP) != 0u && kind != KIND_TILE) {
        let group = min(atomicLoad(&rota_tenants[tenant].group), arrayLength(&rota_tenants) - 1u);
        let holder = atomicLoad(&rota_state.tenants[group].holder);
        let jobs = holder & ROTA_HOLDER_JOBS;
        let mine = (tenant + 1u) << ROTA_HOLDER_SHIFT;
        // Who has it may take more, unless somebody waits for it.
        let joins = holder - jobs == mine;
        refused = true;
        if (jobs == 0u || joins) {
            let then = select(mine, holder, joins && jobs != 0u) + 1u;
            refused = !atomicCompareExchangeWeak(&rota_state.tenants[group].holder, holder, then).exchanged;
        } else if (holder >> ROTA_HOLDER_SHIFT != tenant + 1u) {
            // Only while there is somebody to wait for: a free group is nobody's.
            _ = atomicCompareExchangeWeak(&rota_state.tenants[group].holder, holder, holder | ROTA_HOLDER_WANTED);
        }
    }
    if (refused) {
        // If another worker has charged the tenant meanwhile, that stays.
        _ = atomicCompareExchangeWeak(&rota_state.tenants[tenant].turn, turn, round + (1u << min(w_refusals, MOST_DEFERRED)));
    }
    return !refused;
}

// Gives the exclusion group back that `admit` took. By lane 0. A count of 0 is a free group, whoever had it.
fn leave_group(tenant: u32) {
    let group = min(atomicLoad(&rota_tenants[tenant].group), arrayLength(&rota_tenants) - 1u);
    if (group != 0u) {
        atomicSub(&rota_state.tenants[group].holder, 1u);
    }
}

// ---------------------------------------------------------------- looking

// What a lane finds at one tenant.
struct Sight {
    kind: u32,
    cursor: u32,
    // First slot of the ring << 5 | the logarithm of how many it has.
    ring: u32,
    rank: u32,
}

// Whether a tiled job of this tenant has unclaimed tiles, else whether the job at the cursor can be claimed, and how; and
// the job's class, which is no better than the tenant's.
fn look_at(tenant: u32, scalars: bool, rank: u32) -> Sight {
    let ring = atomicLoad(&rota_tenants[tenant].ring);
    let base = ring >> 5u;
    let mask = (1u << (ring & 31u)) - 1u;
    let open = atomicLoad(&rota_state.tenants[tenant].open);
    let cursor = atomicLoad(&rota_state.tenants[tenant].cursor);
    var it = Sight(KIND_NONE, cursor, ring, rank);
    let has_tile = open != 0u && atomicLoad(&rota_tiles[base + ((open - 1u) & mask)].remaining) != 0u;
    let slot = base + (select(cursor, open - 1u, has_tile) & mask);
    // The stamp first: without it the other words may be those of the job that was there before.
    let published = atomicLoad(&rota_slots[slot].stamp) == position_after(cursor, 1u) && (cursor & ROTA_CURSOR_CLOSED) == 0u;
    let flags = rota_slots[slot].words[ROTA_JOB_FLAGS];
    it.rank = max(rank, (flags >> ROTA_FLAG_CLASS_SHIFT) & 3u);
    if (has_tile) {
        it.kind = KIND_TILE;
        return it;
    }
    if (!published) {
        return it;
    }
    if (flags == ROTA_FLAG_LIGHT) {
        it.kind = select(KIND_NONE, KIND_LIGHT, scalars);
        return it;
    }
    // A job that has to wait for the earlier ones is not claimed before they are done.
    if ((flags & (ROTA_FLAG_BARRIER | ROTA_FLAG_AFTER_OK)) != 0u) {
        if (atomicLoad(&rota_state.tenants[tenant].done) != cursor) {
            return it;
        }
    }
    if ((flags & ROTA_FLAG_TILED) != 0u) {
        it.kind = select(KIND_NONE, KIND_OPEN, open == 0u);
    } else {
        it.kind = select(KIND_NONE, select(KIND_SCALAR, KIND_CONTROL, (flags & ROTA_FLAG_CONTROL) != 0u && tenant == 0u), scalars);
    }
    return it;
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

// The records that only some jobs ask for. They go before the first one, each with its own stamp. The digest is the one that the
// lane has at this moment.
fn complete_extra(slot: u32, stamp: u32, fuel: u32, version: u32, begin: u32, end: u32) {
    rota_extra[2u * slot] = vec4<u32>(fuel, version, begin, stamp);
    rota_extra[2u * slot + 1u] = vec4<u32>(end, 0u, 0u, stamp); // without digests
    //digests: rota_extra[2u * slot + 1u] = vec4<u32>(end, rota_told(rota_digest, rota_order_dependent), stamp);
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

// The epochs in which the lanes' jobs begin, of those that want one; 0 for the others. After all that a job waited for, and before
// its claim: who closes the tenant does so after every claim that comes to something, and finds the epoch past these.
fn begin_epochs(wanted: bool, lane: u32) -> u32 {
    var epoch = 0u;
    if (any_lane(subgroupBallot(wanted))) {
        let one = select(0u, 1u, wanted);
        let before = subgroupExclusiveAdd(one);
        let all = subgroupAdd(one);
        fence();
        if (lane == 0u) {
            epoch = atomicAdd(&rota_state.epoch, all);
        }
        fence();
        epoch = select(0u, subgroupBroadcastFirst(epoch) + before, wanted);
    }
    return epoch;
}

// ---------------------------------------------------------------- light jobs

// Claims and runs up to one light job per lane from the cursor on: scalar jobs without flags, of handlers so small that
// nothing in them needs care. This is the path that most jobs take.
fn run_light(tenant: u32, cursor: u32, base: u32, mask: u32, lane: u32, turn: u32, round: u32) {
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
    let spent = subgroupAdd(rota_spent(ROTA_LIGHT_FUEL));
    w_fuel += spent + ROTA_LIGHT_PASSES;
    w_jobs += n;
    fence();
    complete(lane < n, slot, stamp, status, rota_fault, rota_result);
    fence();
    var next = 0u;
    if (lane == 0u) {
        raise_done(tenant, n);
        next = charge(tenant, light_charge(n) + spent, turn, round);
    }
    w_small_turn = subgroupBroadcastFirst(next);
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

// Claims and runs up to one job per lane from the cursor on; with `single`, just the one at the cursor. Gives the fuel that
// they spent.
fn run_scalars(tenant: u32, cursor: u32, base: u32, mask: u32, lane: u32, single: bool) -> u32 {
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
    mine = lane < n;
    let begin = begin_epochs(mine && (rota_slots[slot].words[ROTA_JOB_FLAGS] & ROTA_FLAG_TIMING) != 0u, lane);
    var claimed = false;
    if (lane == 0u) {
        claimed = atomicCompareExchangeWeak(&rota_state.tenants[tenant].cursor, cursor, position_after(cursor, n)).exchanged;
    }
    if (!any_lane(subgroupBallot(claimed))) {
        w_lost += 1u;
        return 0u;
    }
    fence();

    var status = 0u;
    var timed = false;
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
    let used = subgroupAdd(min(spent, budget));
    fence();
    complete(mine, slot, stamp, status, select(0u, rota_fault, status == ROTA_STATUS_FAULTED), rota_result);
    fence();
    if (lane == 0u) {
        raise_done(tenant, n);
    }
    return used;
}

// ---------------------------------------------------------------- tiled jobs

const OPENED: u32 = 0u;
const NOT_OPENED: u32 = 1u;
const AT_ONCE: u32 = 2u;

// Makes the tiled job at the cursor the tenant's open one. AT_ONCE: the job won't run; nothing is opened, and it is to be
// answered as a scalar job is.
fn open_tiled(tenant: u32, cursor: u32, base: u32, mask: u32, lane: u32) -> u32 {
    let slot = base + (cursor & mask);
    let stamp = position_after(cursor, 1u);

    let skip = skips(base, mask, cursor, slot, lane == 0u);
    var at_once = false;
    var timed = false;
    if (lane == 0u) {
        timed = (rota_slots[slot].words[ROTA_JOB_FLAGS] & ROTA_FLAG_TIMING) != 0u;
        let tiles = rota_slots[slot].words[ROTA_JOB_TILES];
        let it = find_entry(rota_slots[slot].words[ROTA_JOB_HANDLER], tenant);
        at_once = skip || it.fault != 0u || tiles == 0u || tiles > ROTA_MAX_TILES || atomicLoad(&rota_slots[slot].cancel) == stamp;
    }
    if (any_lane(subgroupBallot(at_once))) {
        return AT_ONCE;
    }

    let begin = begin_epochs(timed, lane);
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
        return NOT_OPENED;
    }
    fence();
    if (lane == 0u) {
        atomicStore(&rota_tiles[slot].fault, 0u);
        atomicStore(&rota_tiles[slot].marks, 0u);
        atomicStore(&rota_tiles[slot].result[0], 0u);
        atomicStore(&rota_tiles[slot].result[1], 0u);
        atomicStore(&rota_tiles[slot].fuel, 0u);
        //digests: atomicStore(&rota_tiles[slot].digest[0], 0u);
        //digests: atomicStore(&rota_tiles[slot].digest[1], 0u);
        atomicStore(&rota_tiles[slot].begin, begin);
        let it = find_entry(rota_slots[slot].words[ROTA_JOB_HANDLER], tenant);
        atomicStore(&rota_tiles[slot].entry, it.entry);
        atomicStore(&rota_tiles[slot].version, it.version);
        atomicStore(&rota_tiles[slot].unfinished, rota_slots[slot].words[ROTA_JOB_TILES]);
    }
    fence();
    if (lane == 0u) {
        atomicStore(&rota_tiles[slot].remaining, rota_slots[slot].words[ROTA_JOB_TILES]);
    }
    return OPENED;
}

// Tiles that this worker is done with, of the job in a slot.
struct Finished {
    tiles: u32,
    slot: u32,
    stamp: u32,
    flags: u32,
    // Loop iterations.
    fuel: u32,
}

// Claims a tile of the tenant's open job and runs it.
fn run_tile(tenant: u32, base: u32, mask: u32, lane: u32) -> Finished {
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
        return Finished(0u, 0u, 0u, 0u, 0u);
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
    //digests: let digest = subgroupAdd(rota_digest);
    //digests: let order_dependent = any_lane(subgroupBallot(rota_order_dependent));
    w_fuel += passes_of(spent);
    w_tiles += 1u;
    if (lane == 0u) {
        atomicAdd(&rota_tiles[slot].fuel, used);
        //digests: atomicAdd(&rota_tiles[slot].digest[0], digest.x);
        //digests: atomicAdd(&rota_tiles[slot].digest[1], digest.y);
        //digests: if (order_dependent) {
        //digests:     atomicOr(&rota_tiles[slot].marks, ROTA_MARK_ORDER_DEPENDENT);
        //digests: }
        if (fault != 0u) {
            atomicMax(&rota_tiles[slot].fault, fault);
        }
        if (ended) {
            let revoked = atomicLoad(&rota_tenants[tenant].state) == ROTA_TENANT_REVOKED;
            atomicOr(&rota_tiles[slot].marks, select(ROTA_MARK_CANCELLED, ROTA_MARK_REVOKED, revoked));
        }
    }
    return Finished(1u + rest, slot, stamp, flags, used);
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
            //digests: rota_digest = vec2<u32>(atomicLoad(&rota_tiles[slot].digest[0]), atomicLoad(&rota_tiles[slot].digest[1]));
            //digests: rota_order_dependent = (marks & ROTA_MARK_ORDER_DEPENDENT) != 0u;
            complete_extra(slot, finished.stamp, atomicLoad(&rota_tiles[slot].fuel), atomicLoad(&rota_tiles[slot].version),
                atomicLoad(&rota_tiles[slot].begin), atomicAdd(&rota_state.epoch, 1u));
        }
    }
    w_jobs += 1u;
    fence();
    complete(lane == 0u, slot, finished.stamp, status, select(0u, fault, status == ROTA_STATUS_FAULTED), results);
    fence();
    if (lane == 0u) {
        leave_group(tenant);
        raise_done(tenant, 1u);
    }
}

// ---------------------------------------------------------------- control jobs

// Claims the control job at tenant 0's cursor; gives its slot, or none.
fn claim_control(cursor: u32, base: u32, mask: u32, lane: u32) -> u32 {
    var claimed = false;
    if (lane == 0u) {
        claimed = atomicCompareExchangeWeak(&rota_state.tenants[0].cursor, cursor, position_after(cursor, 1u)).exchanged;
    }
    if (!any_lane(subgroupBallot(claimed))) {
        w_lost += 1u;
        return NO_SLOT;
    }
    fence();
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
    var finished = Finished(0u, 0u, 0u, 0u, 0u);
    if (lane == 0u) {
        atomicOr(&rota_state.tenants[tenant].cursor, ROTA_CURSOR_CLOSED);
        let ring = atomicLoad(&rota_tenants[tenant].ring);
        let base = ring >> 5u;
        let mask = (1u << (ring & 31u)) - 1u;
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
        0u,
    );
}

// Completes the published slots of a closed tenant from its cursor up to the head that the job names as REVOKED, a bounded
// number of them, and then the control job in `slot`, whose result is how many are left.
fn finish_control(cursor: u32, slot: u32, tenant: u32, lane: u32) {
    var left = 0u;
    // None of these jobs has stored anything; the lane may have, in the one before.
    //digests: rota_digest = vec2<u32>(0u);
    //digests: rota_order_dependent = false;
    if (tenant != NO_SLOT) {
        let ring = subgroupBroadcastFirst(atomicLoad(&rota_tenants[tenant].ring));
        let base = ring >> 5u;
        let mask = (1u << (ring & 31u)) - 1u;
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
    // Jobs of that tenant have begun before this epoch, or never will.
    if (lane == 0u) {
        complete_extra(slot, position_after(cursor, 1u), 0u, 0u, 0u, atomicLoad(&rota_state.epoch));
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
    let room = min(rota_control.words.room, arrayLength(&rota_control.list) / 3u);
    var rounds = 0u;
    var busy = 0u;
    var idle = 0u;
    // Where in each class's list to look next: behind the tenant served last, so that all get their turn.
    var next = vec3<u32>(0u);
    // How much of each list was looked at since, and the nearest of the turns that were seen there, if any.
    var passed = vec3<u32>(0u);
    var nearest = 0u;
    var has_nearest = false;
    var reason = 0u;

    refresh_turns(lease, subgroupBroadcastFirst(atomicLoad(&rota_state.round)), lane);
    w_fuel += REFRESHED + 1u;
    loop {
        var listed = 0u;
        var kind = KIND_NONE;
        var cursor = 0u;
        var base = 0u;
        var mask = 0u;
        var turn = 0u;
        var round = 0u;
        var idle_before = 0u;
        loop {
            // What this lane sees.
            var sight = Sight(KIND_NONE, 0u, 0u, 0u);
            var seen = 0u;
            var seen_turn = 0u;
            var key = KEY_NONE;
            // Where in which list to go on behind that.
            var behind = 0u;
            // The lowest key of all lanes, and below which the tenant has a turn.
            var best = KEY_NONE;
            var until = 0u;
            // For how many more claims this look is good, and of which class.
            var more = 0u;
            var best_class = 0u;
            loop {
                // One lane reads what decides whether the worker goes on, and how many tenants there are to look at.
                var counts = vec3<u32>(0u);
                if (lane == 0u) {
                    counts = vec3<u32>(
                        atomicLoad(&rota_control.words.counts[0]),
                        atomicLoad(&rota_control.words.counts[1]),
                        atomicLoad(&rota_control.words.counts[2]),
                    );
                    round = atomicLoad(&rota_state.round);
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
                counts = min(subgroupBroadcastFirst(counts), vec3<u32>(room));
                round = subgroupBroadcastFirst(round);
                rounds += 1u;

                // The lanes share the lists, so that each class is in sight; the better one has the rest.
                let least = min(counts.yz, vec2<u32>(ROTA_LANES / 4u));
                let first = min(counts.x, ROTA_LANES - least.x - least.y);
                let second = min(counts.y, ROTA_LANES - first - least.y);
                let shares = vec3<u32>(first, second, min(counts.z, ROTA_LANES - first - second));
                let rank = select(0u, 1u, lane >= first) + select(0u, 1u, lane >= first + second);
                let nth = lane - select(0u, first, rank != 0u) - select(0u, second, rank == 2u);
                let count = select(select(counts.x, counts.y, rank == 1u), counts.z, rank == 2u);
                // So many looks more it takes to see all tenants.
                let further = (max(counts.x + counts.y + counts.z, 1u) - 1u) / ROTA_LANES;
                let slack = SLACK * further;
                next = select(next, vec3<u32>(0u), next >= counts);
                var i = select(select(next.x, next.y, rank == 1u), next.z, rank == 2u) + nth;
                i = select(i, i - count, i >= count);
                behind = select(i + 1u, 0u, i + 1u >= count) | (rank << KIND_SHIFT);

                // A ballot shows who has something and goes first.
                sight = Sight(KIND_NONE, 0u, 0u, 0u);
                key = KEY_NONE;
                if ((nth < count) & (i < count)) {
                    seen = rota_control.list[rank * room + i];
                    let tenant = seen & ROTA_LISTED_TENANT;
                    if (tenant < arrayLength(&rota_tenants)) {
                        sight = look_at(tenant, takes_scalars, rank);
                        seen_turn = atomicLoad(&rota_state.tenants[tenant].turn);
                        key = select(key_of(seen_turn, round, slack, sight.rank), KEY_NONE, sight.kind == KIND_NONE);
                    }
                }
                best = subgroupMin(key);
                passed += shares;
                let looked_at_all = all(passed >= counts);
                var serves = best < KEY_AHEAD;
                let then = round + best - KEY_AHEAD;
                if (!serves && best != KEY_NONE) {
                    nearest = select(nearest, then, !has_nearest || i32(then - nearest) < 0);
                    has_nearest = true;
                }
                if (looked_at_all && has_nearest) {
                    // Nobody who has work has a turn now.
                    let clock = w_fuel + LOOK_TIME * rounds + LIGHT_TIME * busy;
                    let recent = (clock - w_small_at < MOMENT) & (clock - w_long_at < w_long_rest);
                    if (!serves && !(recent & (i32(w_small_turn - nearest) < 0))) {
                        serves = best != KEY_NONE && then == nearest;
                        if (lane == 0u && is_ahead(nearest, round)) {
                            _ = atomicCompareExchangeWeak(&rota_state.round, round, nearest);
                        }
                        round = select(round, nearest, is_ahead(nearest, round));
                    }
                }
                if (serves) {
                    until = select(KEY_AHEAD, best + slack + 1u, best >= KEY_AHEAD);
                    more = further;
                    best_class = select(select(2u, 1u, counts.y != 0u), 0u, counts.x != 0u);
                    passed = vec3<u32>(0u);
                    has_nearest = false;
                    break;
                }
                next += shares;
                next = select(next, next - counts, next >= counts);
                passed = select(passed, vec3<u32>(0u), looked_at_all);
                has_nearest = has_nearest && !looked_at_all;
                idle += 1u;
            }
            if (reason != 0u) {
                break;
            }
            idle_before = idle;
            idle = 0u;
            // Where there are more tenants than a look sees, it is good for as many light claims as it takes looks to see all
            // of them: looking costs, and whoever isn't in sight waits for several looks anyway. Only for the best class that has
            // tenants, so that who comes back to a better one waits no longer; and before a longer job it looks again who goes first.
            loop {
                let winner = first_lane(subgroupBallot(key == best));
                // A shuffle costs: what fits into one word goes together.
                let word = subgroupShuffle(seen | (sight.kind << KIND_SHIFT), winner);
                listed = word & ((1u << KIND_SHIFT) - 1u);
                kind = word >> KIND_SHIFT;
                cursor = subgroupShuffle(sight.cursor, winner);
                let ring = subgroupShuffle(sight.ring, winner);
                base = ring >> 5u;
                mask = (1u << (ring & 31u)) - 1u;
                turn = subgroupShuffle(seen_turn, winner);
                let place = subgroupShuffle(behind, winner);
                next = select(next, vec3<u32>(place & ((1u << KIND_SHIFT) - 1u)), vec3<u32>(place >> KIND_SHIFT) == vec3<u32>(0u, 1u, 2u));
                // Lanes see limits together with the tenant; who has some goes the long way.
                kind = select(kind, KIND_SCALAR, (kind == KIND_LIGHT) & (listed > ROTA_LISTED_TENANT));
                busy += 1u;
                if (kind != KIND_LIGHT) {
                    break;
                }
                run_light(listed, cursor, base, mask, lane, turn, round);
                w_small_at = w_fuel + LOOK_TIME * rounds + LIGHT_TIME * busy;
                key = select(key, KEY_NONE, (lane == winner) | (sight.rank > best_class));
                best = subgroupMin(key);
                let longer = (sight.kind != KIND_LIGHT) | (seen > ROTA_LISTED_TENANT);
                let ends = any_lane(subgroupBallot((key == best) & longer));
                if (ends | (more == 0u) | (best >= until)) {
                    break;
                }
                more -= 1u;
                // Counted as if there had been a look of its own.
                rounds += 1u;
            }
            if (kind != KIND_LIGHT) {
                break;
            }
        }
        if (reason != 0u) {
            break;
        }
        // The core's own loops in here are those that count canaries, clear scratch and revoke slots; and this one.
        w_fuel += ROTA_PASSES + 2u * (rota_push.canary + 1u) + 3u;
        let fuel_before = w_fuel;
        let lost_before = w_lost;
        let jobs_before = w_jobs;
        let tenant = listed & ROTA_LISTED_TENANT;
        let limits = listed - tenant;
        if (limits != 0u) {
            var admitted = true;
            if (lane == 0u) {
                admitted = admit(listed, kind, turn, round);
            }
            if (any_lane(subgroupBallot(!admitted))) {
                kind = KIND_NONE;
                // Two ends of loops that busy stands for were passed all the same.
                busy -= 1u;
                w_fuel += 2u;
                idle = idle_before + REFUSED_ROUNDS;
                w_refusals += 1u;
            } else {
                w_refusals = 0u;
            }
        }
        // All kinds share what they can: on software drivers each line here costs, taken or not.
        var control = NO_SLOT;
        var closing = NO_SLOT;
        var finished = Finished(0u, 0u, 0u, 0u, 0u);
        var finisher = tenant;
        var opened = OPENED;
        var used = 0u;
        if (kind == KIND_OPEN) {
            opened = open_tiled(tenant, cursor, base, mask, lane);
        } else if (kind == KIND_TILE) {
            finished = run_tile(tenant, base, mask, lane);
            used = finished.fuel;
        } else if (kind == KIND_CONTROL) {
            control = claim_control(cursor, base, mask, lane);
            if (control != NO_SLOT) {
                closing = revoked_tenant(control);
                if (closing != NO_SLOT) {
                    finished = revoke_tiles(closing, lane);
                    finisher = closing;
                }
            }
        }
        if (kind == KIND_SCALAR || opened == AT_ONCE) {
            used = run_scalars(tenant, cursor, base, mask, lane, opened == AT_ONCE);
        }
        if (finished.tiles != 0u) {
            finish_tiles(finisher, finished, lane);
        }
        if (control != NO_SLOT) {
            finish_control(cursor, control, closing, lane);
        }
        let time = w_fuel - fuel_before;
        let clock = w_fuel + LOOK_TIME * rounds + LIGHT_TIME * busy;
        var then = round;
        if (lane == 0u && kind != KIND_NONE && tenant != 0u) {
            // A claim that another worker won was no turn.
            if (w_lost == lost_before) {
                let n = select(ROTA_LANES, w_jobs - jobs_before, kind == KIND_SCALAR);
                then = charge(tenant, CLAIM_CHARGE * n / ROTA_LANES + light_charge(n) + used, turn, round);
            }
            atomicAdd(&rota_state.tenants[tenant].fuel, used);
            if (limits != 0u) {
                atomicAdd(&rota_state.tenants[tenant].time, time + LOOK_TIME + LIGHT_TIME);
                // A job that is open keeps its group.
                if ((limits & ROTA_LISTED_GROUP) != 0u && (kind == KIND_SCALAR || opened != OPENED)) {
                    leave_group(tenant);
                }
            }
        }
        then = subgroupBroadcastFirst(then);
        if (time >= LONG_TIME) {
            w_long_at = clock;
            w_long_rest = REST * min(time, 0x10000000u);
        } else if (kind == KIND_SCALAR) {
            w_small_at = clock;
            w_small_turn = then;
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
