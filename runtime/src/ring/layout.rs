//! The layout of shared memory: the one source for the host and the kernel.
//!
//! Each type here is `#[repr(C)]` on the host, and the same macro writes it out as WGSL, so that the two can't drift
//! apart; a test parses that WGSL and compares every offset. `docs/protocol.md` tells what each word means, who
//! writes it and when.

use std::fmt::Write;

use super::digest;
use super::sync::AtomicU32;

/// Positions have 31 bits in shared memory: the cursor's top bit says that the tenant is closed.
pub const POSITION_MASK: u32 = 0x7fff_ffff;
/// Half of the range of positions: a difference below it means "at or after".
pub const POSITION_HALF: u32 = 0x4000_0000;
/// The bit of a cursor that makes every later claim fail.
pub const CURSOR_CLOSED: u32 = 0x8000_0000;

/// Words of a job's arguments.
pub const ARGS: usize = 10;
/// The most tiles that a job can have.
pub const MAX_TILES: u32 = 1 << 24;
/// Entries of the buffer table: a handle's index has 16 bits.
pub const BUFFERS: usize = 1 << 16;
/// The most slots of one ring.
pub const MAX_SLOTS: u32 = 1 << 20;
/// Words of scratch memory that a worker has.
pub const SCRATCH_WORDS: u32 = 2048;
/// The most workers of one lease.
pub const MAX_WORKERS: usize = 256;

/// Loop iterations that a light job may run.
pub const LIGHT_FUEL: u32 = 64;
/// After so many units of fuel a running handler looks whether it is to end.
pub const FUEL_PER_LOOK: u32 = 256;

/// Loaded handlers are numbered from here on; below are the opcodes of the standard handlers.
pub const FIRST_LOADED: u32 = 0x1000;
/// Numbers that loaded handlers can have: in a slot a number has 16 bits.
pub const LOADED_HANDLERS: u32 = 0x1_0000 - FIRST_LOADED;

/// Flags in a slot. The low ones are the caller's; the host adds the others, which say how the kernel has to claim it.
pub mod flag {
    /// Start after all earlier jobs of the tenant have completed.
    pub const BARRIER: u32 = 1;
    /// As `BARRIER`, and only if the job just before ended OK; else the job completes as SKIPPED.
    pub const AFTER_OK: u32 = 2;
    /// Fuel and epochs are wanted in the completion.
    pub const TIMING: u32 = 4;
    /// The job's class is no better than this one, whatever its tenant's: see `CLASS_SHIFT`.
    pub const NORMAL: u32 = 8;
    /// The same.
    pub const BACKGROUND: u32 = 16;
    /// What a caller may set.
    pub const CALLERS: u32 = BARRIER | AFTER_OK | TIMING | NORMAL | BACKGROUND;
    /// Where the two bits of the job's class stand.
    pub const CLASS_SHIFT: u32 = 3;
    /// Claimed by tiles and not by one lane.
    pub const TILED: u32 = 1 << 16;
    /// A scalar job without any other flag, of a handler that may run on the short path.
    pub const LIGHT: u32 = 1 << 18;
    /// A control job of tenant 0.
    pub const CONTROL: u32 = 1 << 17;
}

/// Opcodes of control jobs, which only tenant 0 can submit.
pub mod control_op {
    /// Closes a tenant: args\[0\] tenant, args\[1\] its head. Result 0 is the number of slots still to revoke.
    pub const REVOKE: u32 = 0xf01;
    /// The most slots that one revoke job goes through, in units of lanes.
    pub const REVOKE_ROUNDS: u32 = 512;
}

/// What a completion says.
pub mod completion_status {
    pub const OK: u32 = 1;
    pub const FAULTED: u32 = 2;
    pub const SKIPPED: u32 = 3;
    pub const CANCELLED: u32 = 4;
    pub const REVOKED: u32 = 5;
    pub const DEVICE_LOST: u32 = 6;
}

/// Why a job faulted.
pub mod fault {
    pub const NONE: u32 = 0;
    pub const UNKNOWN_OPCODE: u32 = 1;
    pub const HANDLER_UNLOADED: u32 = 2;
    pub const INVALID_TILES: u32 = 3;
    pub const INVALID_BUFFER: u32 = 4;
    pub const FOREIGN_BUFFER: u32 = 5;
    pub const READ_ONLY: u32 = 6;
    pub const OUT_OF_BOUNDS: u32 = 7;
    pub const MISALIGNED: u32 = 8;
    pub const FUEL_EXHAUSTED: u32 = 9;
    pub const LOOP_CUT: u32 = 10;
    pub const INVALID_DATA: u32 = 11;
    /// The handler's own codes start here.
    pub const HANDLER: u32 = 0x10000;
}

/// Bits of a buffer entry's `state`.
pub mod buffer_state {
    pub const GENERATION: u32 = 0xffff;
    pub const LIVE: u32 = 1 << 16;
    pub const DYING: u32 = 1 << 17;
}

/// Bits of a buffer entry's `place`.
pub mod buffer_place {
    pub const SEGMENT: u32 = 0xff;
    pub const WRITABLE: u32 = 1 << 8;
}

/// What a tenant's `state` says.
pub mod tenant_state {
    pub const ACTIVE: u32 = 0;
    /// Its jobs are to end.
    pub const REVOKED: u32 = 2;
}

/// Bits of a tile record's `marks`.
pub mod mark {
    /// Result 0 is kept inverted (`result_min`); result 1 by the next bit.
    pub const INVERT_0: u32 = 1;
    pub const CANCELLED: u32 = 4;
    pub const REVOKED: u32 = 8;
    /// A tile did what may come out differently in another order; only with write digests.
    pub const ORDER_DEPENDENT: u32 = 16;
}

/// An entry of an active list: a tenant's index, and what limits it.
pub mod listed {
    pub const TENANT: u32 = 0xffff;
    /// It has a rate of fuel: see `TenantEntry::fuel_until`.
    pub const FUEL: u32 = 1 << 16;
    /// It has a share of the device: see `TenantEntry::time_until`.
    pub const TIME: u32 = 1 << 17;
    /// It is in an exclusion group.
    pub const GROUP: u32 = 1 << 18;
}

/// Latency classes, the first one first; each has an active list.
pub const CLASSES: usize = 3;

/// Parts of a group's `holder`: how many jobs of it are claimed, whether another tenant waits for it, and from this bit on
/// the holder's index + 1.
pub const HOLDER_SHIFT: u32 = 12;
pub const HOLDER_JOBS: u32 = 0x7ff;
pub const HOLDER_WANTED: u32 = 0x800;
/// Fuel is charged in units of which a tenant may use as many in a round as it weighs: so many to one loop iteration of
/// all lanes.
pub const CREDIT_PER_FUEL: u32 = 128;
/// No turn is further ahead than this; what seems to be is long past.
pub const FURTHEST_TURN: u32 = 1 << 28;

/// Bits of a push constant's `flags`.
pub mod lease_flag {
    /// Workers beyond the first take scalar jobs too.
    pub const ALL_TAKE_SCALARS: u32 = 1;
}

/// Why a worker left its lease.
pub mod leave {
    pub const ENDED: u32 = 1;
    pub const STOPPED: u32 = 2;
    pub const FUEL: u32 = 3;
    pub const IDLE: u32 = 4;
    pub const NOTIFY: u32 = 5;
}

/// `notify_at` of a tenant for whose completions nobody waits: no count, since counts have 31 bits.
pub const NOTIFY_NEVER: u32 = 0xffff_ffff;

/// A type of which a shared struct may be made.
trait Word {
    const WGSL: &'static str;
}
impl Word for u32 {
    const WGSL: &'static str = "u32";
}
impl Word for AtomicU32 {
    const WGSL: &'static str = "atomic<u32>";
}
impl Word for [u32; 14] {
    const WGSL: &'static str = "array<u32, 14>";
}
impl Word for [AtomicU32; 14] {
    const WGSL: &'static str = "array<u32, 14>";
}
impl Word for [AtomicU32; 2] {
    const WGSL: &'static str = "array<atomic<u32>, 2>";
}
impl Word for [u32; 4] {
    const WGSL: &'static str = "vec4<u32>";
}
impl Word for [u32; 10] {
    const WGSL: &'static str = "array<u32, 10>";
}
impl Word for [AtomicU32; 10] {
    const WGSL: &'static str = "array<u32, 10>";
}
impl Word for [AtomicU32; 3] {
    const WGSL: &'static str = "array<atomic<u32>, 3>";
}
impl Word for [AtomicU32; 4] {
    const WGSL: &'static str = "vec4<u32>";
}

macro_rules! shared {
    ($($(#[$doc:meta])* struct $name:ident as $wgsl:literal { $($(#[$fdoc:meta])* $field:ident: $ty:ty = $wty:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            pub struct $name { $($(#[$fdoc])* pub $field: $ty),+ }
        )+

        /// The same structs in WGSL, each with what `more` gives for its name behind its own fields.
        fn structs(more: impl Fn(&str) -> &'static str) -> String {
            let mut out = String::new();
            $(
                writeln!(out, "struct {} {{", $wgsl).unwrap();
                $( writeln!(out, "    {}: {},", stringify!($field), <$wty as Word>::WGSL).unwrap(); )+
                out.push_str(more($wgsl));
                writeln!(out, "}}").unwrap();
            )+
            out
        }

        #[cfg(all(test, not(loom)))]
        fn offsets() -> Vec<(&'static str, usize, Vec<(&'static str, usize)>)> {
            vec![$(
                ($wgsl, std::mem::size_of::<$name>(),
                 vec![$((stringify!($field), std::mem::offset_of!($name, $field))),+])
            ),+]
        }
    };
}

// The type before `=` is the host's, the one behind it decides what the kernel sees: the host stores payload words
// by relaxed atomics (which cost nothing) so that a racing reader is defined; the kernel reads them plainly after
// the stamp.
shared! {
    /// A slot of a submission ring. Host-written.
    struct Slot as "RotaSlot" {
        /// The handler's number, flags, tiles, fuel, then ten arguments.
        words: [AtomicU32; 14] = [u32; 14],
        /// Holds the slot's stamp if this job is cancelled.
        cancel: AtomicU32 = AtomicU32,
        /// Position + 1 of the job in this slot.
        stamp: AtomicU32 = AtomicU32,
    }

    /// The host's words for the whole kernel.
    struct Control as "RotaControl" {
        /// The highest lease that has to end.
        stop_lease: AtomicU32 = AtomicU32,
        /// How many entries of each class's active list count.
        counts: [AtomicU32; 3] = [AtomicU32; 3],
        /// How many entries each list has room for; never changes.
        room: AtomicU32 = u32,
        spare_0: AtomicU32 = u32,
        /// Spare words, so that the lists start on a cache line of their own.
        spare: [AtomicU32; 10] = [u32; 10],
    }

    /// A tenant's entry in the tenant table. Host-written.
    struct TenantEntry as "RotaTenant" {
        /// First slot of the ring << 5 | the logarithm of how many it has.
        ring: AtomicU32 = AtomicU32,
        /// Counts the tenants that had this entry.
        generation: AtomicU32 = AtomicU32,
        /// The count of completed jobs at which the lease is to end, so that the host hears of it; `NOTIFY_NEVER`.
        notify_at: AtomicU32 = AtomicU32,
        /// Whether its jobs may go on: `tenant_state`.
        state: AtomicU32 = AtomicU32,
        /// How much credit it gets for a round.
        weight: AtomicU32 = AtomicU32,
        /// Its exclusion group; counts with `listed::GROUP`.
        group: AtomicU32 = AtomicU32,
        /// How far its `fuel` may go before it waits, modular; counts with `listed::FUEL`.
        fuel_until: AtomicU32 = AtomicU32,
        /// The same of its `time`; counts with `listed::TIME`.
        time_until: AtomicU32 = AtomicU32,
    }

    /// A loaded handler, by number. Written before the table is bound, and never changed.
    struct HandlerEntry as "RotaHandler" {
        /// Which code of the kernel it is; 0 for none.
        entry: AtomicU32 = u32,
        /// The tenant that may call it.
        owner: AtomicU32 = u32,
        /// Counts the handlers that had this number; a slot names it beside the number.
        generation: AtomicU32 = u32,
        /// Its module's version.
        version: AtomicU32 = u32,
    }

    /// A buffer's entry in the buffer table. Host-written; `state` last.
    struct BufferEntry as "RotaBuffer" {
        /// Where it starts in its segment, in units of 16 bytes.
        base: AtomicU32 = u32,
        /// Its length.
        bytes: AtomicU32 = u32,
        /// Segment and rights.
        place: AtomicU32 = u32,
        /// The tenant it belongs to.
        owner: AtomicU32 = u32,
        /// The first position of its owner that may not use it any more; counts once it is dying.
        until_position: AtomicU32 = u32,
        spare_0: AtomicU32 = u32,
        spare_1: AtomicU32 = u32,
        /// Generation, and whether it is live or dying.
        state: AtomicU32 = u32,
    }

    /// A tenant's words in the device's own memory.
    struct TenantState as "RotaTenantState" {
        /// The next position to claim, and the closed bit.
        cursor: AtomicU32 = AtomicU32,
        /// Position + 1 of the tiled job with unclaimed tiles; 0 if there is none.
        open: AtomicU32 = AtomicU32,
        /// How many jobs have completed, modular.
        done: AtomicU32 = AtomicU32,
        /// The round in which it has its next turn.
        turn: AtomicU32 = AtomicU32,
        /// What it has left for that round; signed.
        credit: AtomicU32 = AtomicU32,
        /// Loop iterations of its jobs, modular; the light ones have none.
        fuel: AtomicU32 = AtomicU32,
        /// What its jobs took of a worker's time, by the worker's clock, modular; only with `listed::TIME`.
        time: AtomicU32 = AtomicU32,
        /// Of the exclusion group that has this tenant's index as its number: who holds it, and how many open jobs it has.
        holder: AtomicU32 = AtomicU32,
    }

    /// The device's own words of one slot, for tiled jobs.
    struct TileState as "RotaTileState" {
        /// Tiles that nobody has claimed.
        remaining: AtomicU32 = AtomicU32,
        /// Tiles that nobody has finished.
        unfinished: AtomicU32 = AtomicU32,
        /// The highest fault of its tiles so far.
        fault: AtomicU32 = AtomicU32,
        marks: AtomicU32 = AtomicU32,
        result: [AtomicU32; 2] = [AtomicU32; 2],
        fuel: AtomicU32 = AtomicU32,
        begin: AtomicU32 = AtomicU32,
        /// The code and the version that the job was opened with: its tiles may run in several leases.
        entry: AtomicU32 = AtomicU32,
        version: AtomicU32 = AtomicU32,
    }

    /// What a worker tells about its part of a lease when it leaves. Device-written.
    struct WorkerReport as "RotaWorkerReport" {
        lease: AtomicU32 = u32,
        reason: AtomicU32 = u32,
        rounds: AtomicU32 = u32,
        /// Rounds in which it found something to do.
        busy: AtomicU32 = u32,
        /// Loop iterations of handlers, summed over lanes.
        fuel: AtomicU32 = u32,
        jobs: AtomicU32 = u32,
        tiles: AtomicU32 = u32,
        /// Claims that another worker won.
        lost: AtomicU32 = u32,
    }
}

/// One 16-byte record of a completion. Device-written; the stamp is the last component.
#[repr(C, align(16))]
pub struct Record {
    pub words: [AtomicU32; 4],
}

/// The end of each `TileState` where there are write digests; else there is none of it.
#[repr(C)]
pub struct TileDigest {
    /// Both sums over the stores of its tiles so far.
    pub digest: [AtomicU32; 2],
}

/// Bytes of a slot's `TileState`.
pub const fn tile_bytes(digests: bool) -> usize {
    size_of::<TileState>() + if digests { size_of::<TileDigest>() } else { 0 }
}

/// The device's own words for the whole kernel, before the tenants' states.
#[repr(C)]
pub struct DeviceWords {
    /// The highest lease that a worker has ended.
    pub ended: AtomicU32,
    /// The device-wide epoch.
    pub epoch: AtomicU32,
    /// The round of the tenants' turns.
    pub round: AtomicU32,
    pub spare: [AtomicU32; 13],
}

/// What each lease is told.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Push {
    /// This lease's number.
    pub lease: u32,
    /// Loop iterations that a worker may use before it ends the lease.
    pub fuel: u32,
    /// Loop iterations, summed over lanes, that the jobs of one round may have as budget.
    pub round_fuel: u32,
    /// Rounds without work after which the first worker leaves.
    pub idle_rounds: u32,
    /// The same for the other workers.
    pub extra_idle_rounds: u32,
    pub flags: u32,
    /// Loop iterations or rounds after which a completion that the host waits for may end the lease.
    pub notify_fuel: u32,
    pub notify_rounds: u32,
    /// 2: the kernel counts up to it, to see whether the driver cuts loops short.
    pub canary: u32,
}

/// How many 16-byte records a slot has in the completion ring: one that is always written, two on request.
pub const EXTRA_RECORDS: u32 = 2;

/// Numbers of the bindings; segments follow from `SEGMENT` on, two bindings each.
pub mod binding {
    pub const CONTROL: u32 = 0;
    pub const TENANTS: u32 = 1;
    pub const BUFFERS: u32 = 2;
    pub const SLOTS: u32 = 3;
    pub const RECORDS: u32 = 4;
    pub const EXTRA: u32 = 5;
    pub const STATE: u32 = 6;
    pub const TILES: u32 = 7;
    pub const REPORTS: u32 = 8;
    pub const HANDLERS: u32 = 9;
    pub const SEGMENT: u32 = 10;
}

/// What a composed kernel is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KernelShape {
    /// Lanes of a worker: the subgroup size.
    pub lanes: u32,
    /// Segments that it can reach.
    pub segments: u32,
    /// Whether all lanes take each step together, as where a subgroup is a vector of a processor.
    pub lockstep: bool,
    /// Whether the device has been seen to store 16 bytes in pieces out of order.
    pub torn_records: bool,
    /// Whether it makes a digest of each job's stores.
    pub digests: bool,
    pub without: Without,
}

/// What a kernel can be composed without, to measure what it costs and to prove what it is good for. All false but in
/// experiments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Without {
    /// Accessors don't compare against the buffer's range.
    pub checks: bool,
    /// Loops aren't metered: a lease is charged for every lane's whole budget.
    pub fuel: bool,
    /// Scratch is not cleared between tenants.
    pub clearing: bool,
}

/// Constants, structs, bindings and segment accessors in WGSL.
pub fn wgsl(shape: KernelShape) -> String {
    let mut out = String::new();
    let mut constant =
        |name: &str, value: u32| writeln!(out, "const ROTA_{name}: u32 = {value}u;").unwrap();
    constant("LANES", shape.lanes);
    constant("ARGS", ARGS as u32);
    constant("MAX_WORKERS", MAX_WORKERS as u32);
    constant("BUFFERS", BUFFERS as u32);
    constant("MAX_TILES", MAX_TILES);
    constant("SCRATCH_WORDS", SCRATCH_WORDS);
    constant("POSITION_MASK", POSITION_MASK);
    constant("POSITION_HALF", POSITION_HALF);
    constant("CURSOR_CLOSED", CURSOR_CLOSED);
    constant("JOB_HANDLER", 0);
    constant("JOB_FLAGS", 1);
    constant("JOB_TILES", 2);
    constant("JOB_FUEL", 3);
    constant("JOB_ARGS", 4);
    constant("FLAG_BARRIER", flag::BARRIER);
    constant("FLAG_AFTER_OK", flag::AFTER_OK);
    constant("FLAG_TIMING", flag::TIMING);
    constant("FLAG_TILED", flag::TILED);
    constant("FLAG_CONTROL", flag::CONTROL);
    constant("FLAG_LIGHT", flag::LIGHT);
    constant("FLAG_CLASS_SHIFT", flag::CLASS_SHIFT);
    constant("LISTED_TENANT", listed::TENANT);
    constant("LISTED_FUEL", listed::FUEL);
    constant("LISTED_TIME", listed::TIME);
    constant("LISTED_GROUP", listed::GROUP);
    constant("HOLDER_SHIFT", HOLDER_SHIFT);
    constant("HOLDER_JOBS", HOLDER_JOBS);
    constant("HOLDER_WANTED", HOLDER_WANTED);
    constant("FURTHEST_TURN", FURTHEST_TURN);
    constant("CREDIT_PER_FUEL", CREDIT_PER_FUEL / shape.lanes);
    constant("LIGHT_FUEL", LIGHT_FUEL);
    constant("FUEL_PER_LOOK", FUEL_PER_LOOK);
    constant("FIRST_LOADED", FIRST_LOADED);
    constant("TENANT_REVOKED", tenant_state::REVOKED);
    constant("CONTROL_REVOKE", control_op::REVOKE);
    constant("REVOKE_ROUNDS", control_op::REVOKE_ROUNDS);
    constant("STATUS_OK", completion_status::OK);
    constant("STATUS_FAULTED", completion_status::FAULTED);
    constant("STATUS_SKIPPED", completion_status::SKIPPED);
    constant("STATUS_CANCELLED", completion_status::CANCELLED);
    constant("STATUS_REVOKED", completion_status::REVOKED);
    constant("FAULT_UNKNOWN_OPCODE", fault::UNKNOWN_OPCODE);
    constant("FAULT_HANDLER_UNLOADED", fault::HANDLER_UNLOADED);
    constant("FAULT_LOOP_CUT", fault::LOOP_CUT);
    constant("FAULT_INVALID_TILES", fault::INVALID_TILES);
    constant("FAULT_INVALID_BUFFER", fault::INVALID_BUFFER);
    constant("FAULT_FOREIGN_BUFFER", fault::FOREIGN_BUFFER);
    constant("FAULT_READ_ONLY", fault::READ_ONLY);
    constant("FAULT_OUT_OF_BOUNDS", fault::OUT_OF_BOUNDS);
    constant("FAULT_FUEL_EXHAUSTED", fault::FUEL_EXHAUSTED);
    constant("FAULT_INVALID_DATA", fault::INVALID_DATA);
    constant("FAULT_HANDLER", fault::HANDLER);
    constant("BUFFER_GENERATION", buffer_state::GENERATION);
    constant("BUFFER_LIVE", buffer_state::LIVE);
    constant("BUFFER_DYING", buffer_state::DYING);
    constant("PLACE_SEGMENT", buffer_place::SEGMENT);
    constant("PLACE_WRITABLE", buffer_place::WRITABLE);
    constant("MARK_INVERT_0", mark::INVERT_0);
    constant("MARK_CANCELLED", mark::CANCELLED);
    constant("MARK_REVOKED", mark::REVOKED);
    if shape.digests {
        constant("MARK_ORDER_DEPENDENT", mark::ORDER_DEPENDENT);
        digest::constants().for_each(|(name, value)| constant(name, value));
    }
    constant("LEASE_ALL_TAKE_SCALARS", lease_flag::ALL_TAKE_SCALARS);
    constant("LEAVE_ENDED", leave::ENDED);
    constant("LEAVE_STOPPED", leave::STOPPED);
    constant("LEAVE_FUEL", leave::FUEL);
    constant("LEAVE_IDLE", leave::IDLE);
    constant("LEAVE_NOTIFY", leave::NOTIFY);
    for (name, value) in [
        ("TORN_RECORDS", shape.torn_records),
        ("CLEARS", !shape.without.clearing),
        ("METERS", !shape.without.fuel),
    ] {
        writeln!(out, "const ROTA_{name}: bool = {value};").unwrap();
    }
    out.push_str(&structs(|name| match (name, shape.digests) {
        ("RotaTileState", true) => "    digest: array<atomic<u32>, 2>,\n",
        _ => "",
    }));
    out.push_str(
        "struct RotaActive { words: RotaControl, list: array<u32> }\n\
         struct RotaState { ended: atomic<u32>, epoch: atomic<u32>, round: atomic<u32>, spare: array<u32, 13>, tenants: array<RotaTenantState> }\n\
         struct RotaPush { lease: u32, fuel: u32, round_fuel: u32, idle_rounds: u32, extra_idle_rounds: u32, flags: u32,\n\
           notify_fuel: u32, notify_rounds: u32, canary: u32 }\n\
         var<immediate> rota_push: RotaPush;\n",
    );
    let mut bind = |n: u32, name: &str, ty: &str| {
        writeln!(
            out,
            "@group(0) @binding({n}) @coherent @volatile var<storage, read_write> {name}: {ty};"
        )
        .unwrap()
    };
    bind(binding::CONTROL, "rota_control", "RotaActive");
    bind(binding::TENANTS, "rota_tenants", "array<RotaTenant>");
    bind(binding::BUFFERS, "rota_buffers", "array<RotaBuffer>");
    bind(binding::SLOTS, "rota_slots", "array<RotaSlot>");
    bind(binding::RECORDS, "rota_records", "array<vec4<u32>>");
    bind(binding::EXTRA, "rota_extra", "array<vec4<u32>>");
    bind(binding::STATE, "rota_state", "RotaState");
    bind(binding::TILES, "rota_tiles", "array<RotaTileState>");
    bind(binding::REPORTS, "rota_reports", "array<RotaWorkerReport>");
    bind(binding::HANDLERS, "rota_handlers", "array<RotaHandler>");
    for s in 0..shape.segments {
        let n = binding::SEGMENT + 2 * s;
        writeln!(out, "@group(0) @binding({n}) @coherent var<storage, read_write> rota_seg{s}: array<vec4<u32>>;").unwrap();
        writeln!(
            out,
            "@group(0) @binding({}) @coherent var<storage, read_write> rota_sega{s}: array<atomic<u32>>;",
            n + 1
        )
        .unwrap();
    }
    let mut accessor =
        |head: &str, gives: Option<&str>, fault: &str, body: &dyn Fn(u32) -> String| {
            out.push_str(&accessor(shape, head, gives, fault, body));
        };
    let (word, vector) = (Some("u32"), Some("vec4<u32>"));
    let outside = "ROTA_FAULT_OUT_OF_BOUNDS";
    // Nothing may be written through a buffer that was resolved for reading, whatever its rights.
    let not_written =
        "select(ROTA_FAULT_OUT_OF_BOUNDS, ROTA_FAULT_READ_ONLY, b.writable < b.bytes)";
    accessor(
        "rota_load(segment: u32, at: u32, good: bool)",
        word,
        outside,
        &|s| format!("it = rota_seg{s}[at >> 2u][at & 3u];"),
    );
    accessor(
        "rota_load_vec4(segment: u32, at: u32, good: bool)",
        vector,
        outside,
        &|s| format!("it = rota_seg{s}[at];"),
    );
    accessor(
        "rota_store(b: Buffer, at: u32, good: bool, v: u32)",
        None,
        not_written,
        &|s| format!("rota_seg{s}[at >> 2u][at & 3u] = v;"),
    );
    accessor(
        "rota_store_vec4(b: Buffer, at: u32, good: bool, v: vec4<u32>)",
        None,
        not_written,
        &|s| format!("rota_seg{s}[at] = v;"),
    );
    for (name, call) in [
        ("add", "atomicAdd"),
        ("min", "atomicMin"),
        ("max", "atomicMax"),
        ("and", "atomicAnd"),
        ("or", "atomicOr"),
        ("xor", "atomicXor"),
        ("exchange", "atomicExchange"),
    ] {
        accessor(
            &format!("rota_atomic_{name}(b: Buffer, at: u32, good: bool, v: u32)"),
            word,
            not_written,
            &|s| format!("it = {call}(&rota_sega{s}[at], v);"),
        );
    }
    accessor(
        "rota_atomic_compare_exchange(b: Buffer, at: u32, good: bool, expected: u32, v: u32)",
        word,
        not_written,
        &|s| format!("it = atomicCompareExchangeWeak(&rota_sega{s}[at], expected, v).old_value;"),
    );
    out
}

/// A function that runs `body` for one of the segments, which may set the value that it `gives`, if the access is `good`;
/// if not, the job is to end with `fault`. It chooses between constant names, because drivers differ in what they make of
/// a computed one.
///
/// Of each two ways the first is one block and the second longer, and there is one way out. SwiftShader looks for paths
/// through each loop by a breadth-first search that marks blocks when it leaves them: where two ways of the same length
/// meet, everything behind is searched twice, and dozens of accesses in one loop take for ever to compile. `&&` would be
/// two such ways.
fn accessor(
    shape: KernelShape,
    head: &str,
    gives: Option<&str>,
    fault: &str,
    body: &dyn Fn(u32) -> String,
) -> String {
    let segment = if head.contains("b: Buffer") {
        "b.segment"
    } else {
        "segment"
    };
    let good = if shape.without.checks { "true" } else { "good" };
    let mut ways = String::new();
    for s in 0..shape.segments {
        let chosen = match s + 1 == shape.segments {
            true => good.to_string(),
            false => format!("{good} & ({segment} == {s}u)"),
        };
        write!(ways, "if ({chosen}) {{ {} }} else ", body(s)).unwrap();
    }
    write!(ways, "{{ rota_fail({fault}); }}").unwrap();
    match gives {
        Some(kind) => format!("fn {head} -> {kind} {{ var it: {kind}; {ways} return it; }}\n"),
        None => format!("fn {head} {{ {ways} }}\n"),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Without the prelude, of which it needs a function and a type.
    fn alone(shape: KernelShape) -> String {
        wgsl(shape)
            + "fn rota_fail(fault: u32) {}\
               struct Buffer { base: u32, bytes: u32, writable: u32, segment: u32 }"
    }

    /// The kernel's structs have the host's offsets and sizes.
    #[test]
    fn wgsl_and_host_agree_on_every_offset() {
        let shape = |digests| KernelShape {
            lanes: 8,
            segments: 2,
            lockstep: false,
            torn_records: false,
            digests,
            without: Without::default(),
        };
        let parsed = |digests| naga::front::wgsl::parse_str(&alone(shape(digests))).unwrap();
        let module = parsed(false);
        let find_in = |module: &naga::Module, name: &str| {
            module
                .types
                .iter()
                .find(|(_, t)| t.name.as_deref() == Some(name))
                .map(|(_, t)| t.inner.clone())
        };
        let find = |name: &str| find_in(&module, name);
        for (name, size, fields) in offsets() {
            let Some(naga::TypeInner::Struct { members, span }) = find(name) else {
                panic!("{name} is not a struct in the kernel")
            };
            assert_eq!(span as usize, size, "size of {name}");
            assert_eq!(members.len(), fields.len(), "fields of {name}");
            for (member, (field, offset)) in members.iter().zip(fields) {
                assert_eq!(member.name.as_deref(), Some(field));
                assert_eq!(member.offset as usize, offset, "offset of {name}.{field}");
            }
        }
        // With write digests one of them has more words at its end.
        let Some(naga::TypeInner::Struct { members, span }) =
            find_in(&parsed(true), "RotaTileState")
        else {
            panic!()
        };
        let digest = members.last().unwrap();
        assert_eq!(digest.name.as_deref(), Some("digest"));
        assert_eq!(digest.offset as usize, tile_bytes(false));
        assert_eq!(span as usize, tile_bytes(true));
        let Some(naga::TypeInner::Struct { members, .. }) = find("RotaState") else {
            panic!()
        };
        assert_eq!(
            members.last().unwrap().offset as usize,
            std::mem::size_of::<DeviceWords>()
        );
        let Some(naga::TypeInner::Struct { members, .. }) = find("RotaActive") else {
            panic!()
        };
        assert_eq!(
            members.last().unwrap().offset as usize,
            std::mem::size_of::<Control>()
        );
        let Some(naga::TypeInner::Struct { span, .. }) = find("RotaPush") else {
            panic!()
        };
        assert_eq!(span as usize, std::mem::size_of::<Push>());
        assert_eq!(std::mem::size_of::<Slot>(), 64);
        assert_eq!(std::mem::size_of::<Record>(), 16);
    }
}
