//! Recordings: the logs of flight recorders, read record by record.
#![cfg(not(loom))]

use crate::args::{self, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::jobs::{rota_completion, rota_job};
use crate::registry::Registry;
use rota_recorder::{Class, Handler, Hash, Item, Missing, Mode, Objects, Reader, Record, Why};
use std::ffi::{c_char, c_void};
use std::path::Path;
use std::ptr::null;
use std::sync::{Mutex, TryLockError};

/// The log of a flight recorder, open for reading.
pub struct rota_recording {
    _id: [u8; 0],
}

/// ---- Flags of a recording ----------------------------------------------------------------------
///
/// What is missing or damaged is told as ROTA_RECORD_MISSING, and what is behind it is read. Without it
/// that is LOG_DAMAGED, and the end.
pub const ROTA_RECORDING_SALVAGE: u32 = 1;

/// ---- Kinds of records --------------------------------------------------------------------------
/// Under each stands what of a rota_record it sets besides seq, cells, mono_ns and wall_ns.
///
/// No record: the end.
pub const ROTA_RECORD_END: u32 = 0;
/// A runtime was opened. fields: library_version, device, driver, mode, capture, pid, lanes, and its
/// options.
pub const ROTA_RECORD_RUN_START: u32 = 1;
/// A runtime was closed, in order. text: why; fields: jobs, completions.
pub const ROTA_RECORD_RUN_END: u32 = 2;
/// event: ROTA_EVENT_TENANT_*; tenant, epoch; text: its label; fields: its options.
pub const ROTA_RECORD_TENANT: u32 = 3;
/// event: ROTA_EVENT_MODULE_*; tenant, 0 for the runtime's; module, version, epoch; text: its label;
/// hash: of its source; fields: its handlers.
pub const ROTA_RECORD_MODULE: u32 = 4;
/// event: ROTA_EVENT_BUFFER_*; tenant, buffer, tail, epoch; offset, length, value, read_only,
/// other_tenant, other_buffer as the event says; hash: of what was written, if it was captured.
pub const ROTA_RECORD_BUFFER: u32 = 5;
/// A job was submitted. tenant, ticket, epoch, job.
pub const ROTA_RECORD_JOB: u32 = 6;
/// A completion was taken. tenant, ticket, completion.
pub const ROTA_RECORD_COMPLETION: u32 = 7;
/// What is known of a failure: what rota_recorder_note was told, or of a lost device. event: ROTA_EVIDENCE_*; tenant, ticket, code; hash and length: of
/// all of it; data: its first bytes.
pub const ROTA_RECORD_EVIDENCE: u32 = 8;
/// Records are missing that nobody kept. event: ROTA_EVENT_GAP_*; lost: how many; fields: first_ns and
/// last_ns, which are mono_ns of the first and the last of them.
pub const ROTA_RECORD_GAP: u32 = 9;
/// A moment without an open job, from which the log can be run again. epoch; length: of what buffers held;
/// hash: of the state, as docs/recorder-format.md has it; fields: before, which is the number of the first
/// record that it doesn't stand for, tenants and buffers, which are how many there were.
pub const ROTA_RECORD_CHECKPOINT: u32 = 10;
/// A line for people. tenant, text.
pub const ROTA_RECORD_NOTE: u32 = 11;
/// A cell without a record. event: ROTA_EVENT_VOID_*.
pub const ROTA_RECORD_VOID: u32 = 0x10000;
/// Cells that give no record, from seq on. event: ROTA_EVENT_MISSING_*. Only with
/// ROTA_RECORDING_SALVAGE, but for ROTA_EVENT_MISSING_OVERWRITTEN and _INCOMPLETE.
pub const ROTA_RECORD_MISSING: u32 = 0x10001;
/// A record of a kind that a later version has. event: the number of the kind; data: all bytes of it.
pub const ROTA_RECORD_UNKNOWN: u32 = 0x10002;

/// ---- Events ------------------------------------------------------------------------------------
/// What a rota_record says in event; numbers that aren't here are of a later version.
///
/// With fields slots, opcodes and so on.
pub const ROTA_EVENT_TENANT_CREATED: u32 = 1;
/// Its settings changed. This version doesn't record that.
pub const ROTA_EVENT_TENANT_CHANGED: u32 = 2;
/// rota_tenant_drain.
pub const ROTA_EVENT_TENANT_DRAINING: u32 = 3;
/// rota_tenant_revoke.
pub const ROTA_EVENT_TENANT_REVOKED: u32 = 4;
/// rota_tenant_destroy.
pub const ROTA_EVENT_TENANT_DESTROYED: u32 = 5;
/// rota_module_load.
pub const ROTA_EVENT_MODULE_LOADED: u32 = 1;
/// rota_module_replace.
pub const ROTA_EVENT_MODULE_REPLACED: u32 = 2;
/// rota_module_unload.
pub const ROTA_EVENT_MODULE_UNLOADED: u32 = 3;
/// rota_runtime_module_grant, to the tenant.
pub const ROTA_EVENT_MODULE_GRANTED: u32 = 4;
/// rota_buffer_create: length and read_only.
pub const ROTA_EVENT_BUFFER_CREATED: u32 = 1;
/// rota_buffer_write: offset, length, and the hash of what is captured.
pub const ROTA_EVENT_BUFFER_WRITTEN: u32 = 2;
/// rota_buffer_fill: offset, length and value.
pub const ROTA_EVENT_BUFFER_FILLED: u32 = 3;
/// rota_buffer_grant: other_tenant has it as other_buffer, read_only or not.
pub const ROTA_EVENT_BUFFER_GRANTED: u32 = 4;
/// rota_buffer_take_back, from other_tenant.
pub const ROTA_EVENT_BUFFER_TAKEN_BACK: u32 = 5;
/// rota_buffer_destroy.
pub const ROTA_EVENT_BUFFER_DESTROYED: u32 = 6;
/// rota_buffer_map: what the host writes there is not recorded.
pub const ROTA_EVENT_BUFFER_MAPPED: u32 = 7;
/// rota_buffer_unmap.
pub const ROTA_EVENT_BUFFER_UNMAPPED: u32 = 8;
/// rota_buffer_import: length and read_only; what the memory holds is not recorded.
pub const ROTA_EVENT_BUFFER_IMPORTED: u32 = 9;
/// The disk could not follow: see ROTA_RECORDER_ALLOW_GAPS.
pub const ROTA_EVENT_GAP_FULL: u32 = 1;
/// The same, in a run that did not close the log.
pub const ROTA_EVENT_GAP_CRASH: u32 = 2;
/// It was reserved for a job that was refused.
pub const ROTA_EVENT_VOID_DROPPED: u32 = 1;
/// It was reserved, and not recorded when the process ended.
pub const ROTA_EVENT_VOID_UNCOMMITTED: u32 = 2;
/// It did not reach the disk whole before a crash.
pub const ROTA_EVENT_VOID_LOST: u32 = 3;
/// Nothing was ever written there.
pub const ROTA_EVENT_MISSING_HOLE: u32 = 1;
/// Half written.
pub const ROTA_EVENT_MISSING_TORN: u32 = 2;
/// Damaged: it was on the disk, and has changed since.
pub const ROTA_EVENT_MISSING_CORRUPT: u32 = 3;
/// An older cell is in its place.
pub const ROTA_EVENT_MISSING_STALE: u32 = 4;
/// A newer cell is in its place: the log is being written, and faster than it is read.
pub const ROTA_EVENT_MISSING_OVERWRITTEN: u32 = 5;
/// The cells are good, but others of the same record are not there.
pub const ROTA_EVENT_MISSING_INCOMPLETE: u32 = 6;

/// What a log says of itself, and what was read of it so far. Cells are as in rota_recorder_state.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_recording_info {
    /// sizeof(rota_recording_info), which ROTA_RECORDING_INFO_INIT sets.
    pub struct_size: usize,
    /// Bytes of the log, as its header says.
    pub capacity_bytes: u64,
    /// Cells of the log.
    pub capacity_cells: u64,
    /// The bytes that are there, if it was cut off; 0 if it is whole.
    pub cut_to: u64,
    /// How often it was opened for recording.
    pub run: u64,
    /// When it was made, in nanoseconds since 1970.
    pub created_ns: u64,
    /// The lowest number that can be there.
    pub oldest_seq: u64,
    /// The number behind the highest that was there when the recording was opened.
    pub next_seq: u64,
    /// All below were durable when the header was written.
    pub durable_seq: u64,
    /// Records that were refused for want of room, and that no ROTA_RECORD_GAP tells of.
    pub untold: u64,
    /// Which log it is, of those that were in this file one after the other.
    pub generation: u32,
    /// The process that records into it or did so last.
    pub pid: u32,
    /// 1 if it was closed; 0 if it is being recorded into, or a crash has ended the run.
    pub clean: u32,
    /// 1 if there are records in memory that the disk has not got yet, else 0.
    pub staged: u32,
    /// Records read so far.
    pub records: u64,
    /// Good cells read so far.
    pub good: u64,
    /// Of these, cells without a record.
    pub void_cells: u64,
    /// Cells read so far that are ROTA_EVENT_MISSING_INCOMPLETE.
    pub incomplete: u64,
    /// ROTA_EVENT_MISSING_HOLE.
    pub holes: u64,
    /// ROTA_EVENT_MISSING_TORN.
    pub torn: u64,
    /// ROTA_EVENT_MISSING_CORRUPT.
    pub corrupt: u64,
    /// ROTA_EVENT_MISSING_STALE.
    pub stale: u64,
    /// ROTA_EVENT_MISSING_OVERWRITTEN.
    pub overwritten: u64,
}

// SAFETY: integers only; each pair of u32 fills 8 bytes.
unsafe impl Sized8 for rota_recording_info {
    const NAME: &'static str = "rota_recording_info";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        capacity_bytes: 0,
        capacity_cells: 0,
        cut_to: 0,
        run: 0,
        created_ns: 0,
        oldest_seq: 0,
        next_seq: 0,
        durable_seq: 0,
        untold: 0,
        generation: 0,
        pid: 0,
        clean: 0,
        staged: 0,
        records: 0,
        good: 0,
        void_cells: 0,
        incomplete: 0,
        holes: 0,
        torn: 0,
        corrupt: 0,
        stale: 0,
        overwritten: 0,
    };
}

impl From<&Reader> for rota_recording_info {
    fn from(reader: &Reader) -> Self {
        let (info, counts) = (reader.info(), reader.counts());
        Self {
            struct_size: size_of::<Self>(),
            capacity_bytes: info.capacity_bytes,
            capacity_cells: info.capacity_cells,
            cut_to: info.cut_to.unwrap_or(0),
            run: info.run,
            created_ns: info.created_ns,
            oldest_seq: info.oldest,
            next_seq: info.next,
            durable_seq: info.durable,
            untold: info.untold,
            generation: info.generation,
            pid: info.pid,
            clean: info.clean as u32,
            staged: info.staged as u32,
            records: counts.records,
            good: counts.good,
            void_cells: counts.void,
            incomplete: counts.incomplete,
            holes: counts.holes,
            torn: counts.torn,
            corrupt: counts.corrupt,
            stale: counts.stale,
            overwritten: counts.overwritten,
        }
    }
}

/// One record of a log: its kind says which fields it sets. All others are 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_record {
    /// sizeof(rota_record), which ROTA_RECORD_INIT sets.
    pub struct_size: usize,
    /// One of ROTA_RECORD_*.
    pub kind: u32,
    /// What happened: see the kind.
    pub event: u32,
    /// The number of its first cell.
    pub seq: u64,
    /// How many cells it has.
    pub cells: u64,
    /// When it was recorded: CLOCK_MONOTONIC, comparable within a boot of the machine.
    pub mono_ns: u64,
    /// The same in nanoseconds since 1970, as the clock was then.
    pub wall_ns: u64,
    /// Whose: as rota_tenant_id. 0: the runtime's.
    pub tenant: u64,
    /// Which job it is about; 0 for none.
    pub ticket: u64,
    /// Jobs that had ended by this epoch have ended before this began: see end_epoch of their completions.
    pub epoch: u64,
    /// How many jobs the tenant had submitted when this happened.
    pub tail: u64,
    /// The job, as it was submitted.
    pub job: rota_job,
    /// The completion, as it was taken, with all epochs. user_data is 0: the job has it.
    pub completion: rota_completion,
    /// Which buffer.
    pub buffer: u32,
    /// The buffer that another tenant got.
    pub other_buffer: u32,
    /// The tenant that got it, or that it was taken back from.
    pub other_tenant: u64,
    /// In bytes.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
    /// The byte that it was filled with.
    pub value: u32,
    /// 1 if jobs may not write the buffer, else 0.
    pub read_only: u32,
    /// Which module.
    pub module: u32,
    /// Which version of it.
    pub version: u32,
    /// How many records are missing.
    pub lost: u64,
    /// The code that rota_recorder_note got, or a VkResult.
    pub code: i32,
    /// 1 if hash is one, else 0.
    pub has_hash: u32,
    /// The BLAKE3 hash of what rota_recording_get_object gives, if it was kept.
    pub hash: [u8; 32],
    /// Zero-terminated UTF-8; never NULL.
    pub text: *const c_char,
    /// Bytes of text without the zero.
    pub text_len: usize,
    /// Bytes of any kind; NULL if there are none.
    pub data: *const c_void,
    /// Bytes of data.
    pub data_len: usize,
    /// How many there are for rota_recording_get_field.
    pub field_count: usize,
}

// SAFETY: integers and pointers only; `rota_job` and `rota_completion` have no padding and a size that
// is a multiple of 8, as has the hash, and each pair of 4-byte fields fills 8 bytes.
unsafe impl Sized8 for rota_record {
    const NAME: &'static str = "rota_record";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        kind: ROTA_RECORD_END,
        event: 0,
        seq: 0,
        cells: 0,
        mono_ns: 0,
        wall_ns: 0,
        tenant: 0,
        ticket: 0,
        epoch: 0,
        tail: 0,
        job: rota_job {
            opcode: 0,
            flags: 0,
            tiles: 0,
            fuel: 0,
            args: [0; 10],
            user_data: 0,
        },
        completion: rota_completion {
            ticket: 0,
            user_data: 0,
            status: 0,
            fault: 0,
            results: [0; 2],
            fuel: 0,
            module_version: 0,
            begin_epoch: 0,
            end_epoch: 0,
            digest: 0,
        },
        buffer: 0,
        other_buffer: 0,
        other_tenant: 0,
        offset: 0,
        length: 0,
        value: 0,
        read_only: 0,
        module: 0,
        version: 0,
        lost: 0,
        code: 0,
        has_hash: 0,
        hash: [0; 32],
        text: c"".as_ptr(),
        text_len: 0,
        data: null(),
        data_len: 0,
        field_count: 0,
    };
}

/// A name and what it is set to, both zero-terminated UTF-8.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_field {
    /// The name.
    pub name: *const c_char,
    /// Bytes of name without the zero.
    pub name_len: usize,
    /// The value.
    pub value: *const c_char,
    /// Bytes of value without the zero.
    pub value_len: usize,
}

pub(crate) fn job_of(job: &rota_recorder::Job) -> rota_job {
    rota_job {
        opcode: job.opcode,
        flags: job.flags,
        tiles: job.tiles,
        fuel: job.fuel,
        args: job.args,
        user_data: job.user_data,
    }
}

pub(crate) fn completion_of(done: &rota_recorder::Completion) -> rota_completion {
    rota_completion {
        ticket: done.ticket,
        user_data: 0,
        status: done.status,
        fault: done.fault,
        results: done.results,
        fuel: done.fuel,
        module_version: done.module_version,
        begin_epoch: done.begin_epoch,
        end_epoch: done.end_epoch,
        digest: done.digest,
    }
}

/// A text as C reads it.
struct Text(Box<[u8]>);

impl Text {
    fn new(text: impl Into<String>) -> Self {
        let mut bytes = text.into().into_bytes();
        bytes.push(0);
        Self(bytes.into())
    }

    fn pointer(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }

    fn len(&self) -> usize {
        self.0.len() - 1
    }
}

/// What the pointers of the last record lead to.
#[derive(Default)]
struct Held {
    text: Option<Text>,
    data: Vec<u8>,
    fields: Vec<(Text, Text)>,
}

impl Held {
    fn field(&mut self, name: &str, value: impl ToString) {
        let value = Text::new(value.to_string());
        self.fields.push((Text::new(name), value));
    }

    fn options(&mut self, options: Vec<(String, String)>) {
        for (name, value) in options {
            self.field(&name, value);
        }
    }

    fn handler(&mut self, handler: &Handler) {
        let kind = match handler.tiled {
            true => "tiled",
            false => "scalar",
        };
        let value = format!("{:#x} {kind} fuel {}", handler.opcode, handler.fuel);
        self.field(&handler.name, value);
    }
}

struct Recording {
    reader: Reader,
    objects: Objects,
    held: Held,
    object: Vec<u8>,
}

impl Recording {
    fn open(path: &Path, mode: Mode) -> Result<Self, Failure> {
        Ok(Self {
            reader: Reader::open(path, mode)?,
            objects: Objects::of_log(path),
            held: Held::default(),
            object: Vec::new(),
        })
    }

    fn next(&mut self) -> Result<rota_record, Failure> {
        let item = self.reader.read()?;
        self.held = Held::default();
        let mut out = rota_record::DEFAULT;
        match item {
            None => {}
            Some(Item::Missing(missing)) => tell_missing(&mut out, missing),
            Some(Item::Record(entry)) => {
                out.seq = entry.seq;
                out.cells = entry.cells;
                out.mono_ns = entry.mono_ns;
                out.wall_ns = entry.wall_ns;
                tell(&mut out, &mut self.held, entry.record);
            }
        }
        let held = &self.held;
        if let Some(text) = &held.text {
            (out.text, out.text_len) = (text.pointer(), text.len());
        }
        if !held.data.is_empty() {
            (out.data, out.data_len) = (held.data.as_ptr().cast(), held.data.len());
        }
        out.field_count = held.fields.len();
        Ok(out)
    }
}

fn tell_missing(out: &mut rota_record, missing: Missing) {
    out.kind = ROTA_RECORD_MISSING;
    out.seq = missing.first;
    out.cells = missing.last + 1 - missing.first;
    out.event = match missing.why {
        Why::Bad(Class::Hole) => ROTA_EVENT_MISSING_HOLE,
        Why::Bad(Class::Torn) => ROTA_EVENT_MISSING_TORN,
        Why::Bad(Class::Corrupt) => ROTA_EVENT_MISSING_CORRUPT,
        Why::Bad(Class::Stale) => ROTA_EVENT_MISSING_STALE,
        Why::Bad(Class::Overwritten) => ROTA_EVENT_MISSING_OVERWRITTEN,
        Why::Incomplete => ROTA_EVENT_MISSING_INCOMPLETE,
    };
}

fn tell(out: &mut rota_record, held: &mut Held, record: Record) {
    let mut hash = None;
    match record {
        Record::Void(void) => {
            out.kind = ROTA_RECORD_VOID;
            out.event = void.why.number().into();
        }
        Record::RunStart(run) => {
            out.kind = ROTA_RECORD_RUN_START;
            held.field("library_version", &run.library_version);
            held.field("device", &run.device);
            held.field("driver", &run.driver);
            held.field("mode", &run.mode);
            held.field("capture", &run.capture);
            held.field("pid", run.pid);
            held.field("lanes", run.lanes);
            held.options(run.options);
        }
        Record::RunEnd(run) => {
            out.kind = ROTA_RECORD_RUN_END;
            held.text = Some(Text::new(run.reason));
            held.field("jobs", run.jobs);
            held.field("completions", run.completions);
        }
        Record::Tenant(tenant) => {
            out.kind = ROTA_RECORD_TENANT;
            out.event = tenant.event.number().into();
            (out.tenant, out.epoch) = (tenant.tenant, tenant.end_epoch);
            held.text = Some(Text::new(tenant.label));
            held.options(tenant.options);
        }
        Record::Module(module) => {
            out.kind = ROTA_RECORD_MODULE;
            out.event = module.event.number().into();
            (out.tenant, out.epoch) = (module.tenant, module.end_epoch);
            (out.module, out.version) = (module.module, module.version);
            hash = module.source;
            module.handlers.iter().for_each(|h| held.handler(h));
            held.text = Some(Text::new(module.label));
        }
        Record::Buffer(buffer) => {
            out.kind = ROTA_RECORD_BUFFER;
            out.event = buffer.event.number().into();
            (out.tenant, out.buffer) = (buffer.tenant, buffer.handle);
            (out.other_tenant, out.other_buffer) = (buffer.other_tenant, buffer.other_handle);
            (out.offset, out.length) = (buffer.offset, buffer.length);
            (out.value, out.read_only) = (buffer.value, buffer.read_only as u32);
            (out.tail, out.epoch) = (buffer.tail, buffer.end_epoch);
            hash = buffer.data;
        }
        Record::Job(job) => {
            out.kind = ROTA_RECORD_JOB;
            (out.tenant, out.ticket) = (job.tenant, job.ticket);
            out.epoch = job.epoch_seen;
            out.job = job_of(&job);
        }
        Record::Completion(done) => {
            out.kind = ROTA_RECORD_COMPLETION;
            (out.tenant, out.ticket) = (done.tenant, done.ticket);
            out.completion = completion_of(&done);
        }
        Record::Evidence(evidence) => {
            out.kind = ROTA_RECORD_EVIDENCE;
            out.event = evidence.class.number().into();
            (out.tenant, out.ticket) = (evidence.tenant, evidence.ticket);
            (out.code, out.length) = (evidence.backend_code, evidence.length);
            hash = Some(evidence.digest);
            held.data = evidence.bytes;
        }
        Record::Gap(gap) => {
            out.kind = ROTA_RECORD_GAP;
            out.event = gap.why.number().into();
            out.lost = gap.lost;
            held.field("first_ns", gap.first_ns);
            held.field("last_ns", gap.last_ns);
        }
        Record::Checkpoint(point) => {
            out.kind = ROTA_RECORD_CHECKPOINT;
            (out.epoch, out.length) = (point.end_epoch, point.bytes);
            hash = Some(point.state);
            held.field("before", point.before);
            held.field("tenants", point.tenants);
            held.field("buffers", point.buffers);
        }
        Record::Note(note) => {
            out.kind = ROTA_RECORD_NOTE;
            out.tenant = note.tenant;
            held.text = Some(Text::new(note.text));
        }
        Record::Unknown { kind, bytes } => {
            out.kind = ROTA_RECORD_UNKNOWN;
            out.event = kind.into();
            held.data = bytes;
        }
    }
    if let Some(Hash(bytes)) = hash {
        (out.has_hash, out.hash) = (1, bytes);
    }
}

static RECORDINGS: Registry<Mutex<Recording>> = Registry::new(b'L');

/// One thread at a time is the caller's duty; the lock only makes a breach a status.
fn with_recording<R>(
    recording: *mut rota_recording,
    call: impl FnOnce(&mut Recording) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let id = args::handle("recording", recording)?;
    RECORDINGS
        .with(id, |recording| match recording.try_lock() {
            Ok(mut recording) => call(&mut recording),
            Err(TryLockError::WouldBlock) => Err(Failure::WrongState(
                "the recording is in use by another thread",
            )),
            Err(TryLockError::Poisoned(_)) => Err(Failure::Poisoned),
        })
        .unwrap_or(Err(Failure::InvalidHandle("recording")))
}

/// ---- Recordings --------------------------------------------------------------------------------
///
/// Opens the log of a flight recorder for reading, at its oldest record. It changes nothing and needs no
/// runtime. The log may be recorded into at the same time, by this program or another one: then what is
/// recorded after this call is not read. flags: ROTA_RECORDING_SALVAGE or 0.
///
/// Ownership: *recording is the caller's, to be freed by rota_recording_destroy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_ARGUMENT; IO_ERROR (there is no such file, or it can't be read),
/// NOT_A_LOG, LOG_DAMAGED (it is empty, its header is damaged, or, unless it salvages, it is cut off),
/// LOG_TOO_NEW, OUT_OF_MEMORY.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recording_open(
    path: *const c_char,
    path_len: usize,
    flags: u32,
    recording: *mut *mut rota_recording,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let out = unsafe { args::out("recording", recording) }?;
        // SAFETY: as above.
        let path = unsafe { args::some_text("path", path, path_len) }?;
        let mode = match args::flags("flags", flags, ROTA_RECORDING_SALVAGE)? {
            ROTA_RECORDING_SALVAGE => Mode::Salvage,
            _ => Mode::Strict,
        };
        let opened = Recording::open(path.as_ref(), mode)?;
        let id = RECORDINGS.insert(Mutex::new(opened));
        let id = id.map_err(|_| Failure::OutOfMemory("recording"))?;
        out.write(id as *mut rota_recording);
        Ok(())
    })
}

/// Frees a recording. NULL does nothing.
///
/// Ownership: takes the recording, and all that its records and rota_recording_get_object point to.
/// Threading: any thread; waits for a call that another thread is in.
/// Errors: INVALID_HANDLE (also for a second destroy).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recording_destroy(
    recording: *mut rota_recording,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        if recording.is_null() {
            return Ok(());
        }
        let closing = RECORDINGS.close(recording as u64);
        let closing = closing.map_err(|_| Failure::InvalidHandle("recording"))?;
        drop(closing.finish());
        Ok(())
    })
}

/// Tells what the log says of itself, and what was read of it so far.
///
/// Ownership: a copy.
/// Threading: one thread at a time for one recording.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, WRONG_STATE (another thread is at it).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recording_get_info(
    recording: *mut rota_recording,
    info: *mut rota_recording_info,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_recording(recording, |recording| {
            // SAFETY: the conventions: NULL or valid.
            let wanted = unsafe { Wanted::new(info) }?;
            wanted.fill(&(&recording.reader).into());
            Ok(())
        })
    })
}

/// Reads the next record, in the order of their numbers. At the end its kind is ROTA_RECORD_END, also if
/// it is called again. After LOG_DAMAGED comes the end; rota_recording_seek goes on behind the damage.
///
/// Ownership: what the record points to belongs to the recording, and is valid until the next call of
/// this or rota_recording_destroy.
/// Threading: one thread at a time for one recording.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE; LOG_DAMAGED (unless it salvages),
/// IO_ERROR, WRONG_STATE (another thread is at it).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recording_next(
    recording: *mut rota_recording,
    record: *mut rota_record,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_recording(recording, |recording| {
            // SAFETY: the conventions: NULL or valid.
            let wanted = unsafe { Wanted::new(record) }?;
            wanted.fill(&recording.next()?);
            Ok(())
        })
    })
}

/// Gives name and value i of the last record that rota_recording_next gave.
///
/// Ownership: the texts belong to the recording, and are valid until the next rota_recording_next or
/// rota_recording_destroy.
/// Threading: one thread at a time for one recording.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE, WRONG_STATE (another thread is at it).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recording_get_field(
    recording: *mut rota_recording,
    i: usize,
    field: *mut rota_field,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_recording(recording, |recording| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("field", field) }?;
            let fields = &recording.held.fields;
            let (name, value) = fields.get(i).ok_or(Failure::OutOfRange {
                name: "i",
                index: i,
                len: fields.len(),
            })?;
            out.write(rota_field {
                name: name.pointer(),
                name_len: name.len(),
                value: value.pointer(),
                value_len: value.len(),
            });
            Ok(())
        })
    })
}

/// Gives what is kept beside the log under a hash of 32 bytes, checked: what was written into a buffer
/// with ROTA_CAPTURE_FULL, and the sources of modules.
///
/// Ownership: the data belongs to the recording, and is valid until the next call of this or
/// rota_recording_destroy.
/// Threading: one thread at a time for one recording.
/// Errors: NULL_POINTER, INVALID_HANDLE; DATA_MISSING, LOG_DAMAGED (it is not what its hash says),
/// IO_ERROR, WRONG_STATE (another thread is at it).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recording_get_object(
    recording: *mut rota_recording,
    hash: *const u8,
    data: *mut *const c_void,
    len: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_recording(recording, |recording| {
            let mut wanted = Hash([0; 32]);
            // SAFETY: the conventions: NULL or valid, as for the pointers below.
            wanted.0.copy_from_slice(unsafe { args::slice("hash", hash, 32) }?);
            // SAFETY: as above.
            let (data, len) = unsafe { (args::out("data", data)?, args::out("len", len)?) };
            recording.object = recording.objects.get(&wanted)?;
            data.write(recording.object.as_ptr().cast());
            len.write(recording.object.len());
            Ok(())
        })
    })
}

/// Goes on at the record with this number, or at the oldest one if it is older. Between the cells of a
/// record it is ROTA_RECORD_MISSING, ROTA_EVENT_MISSING_INCOMPLETE.
///
/// Ownership: nothing changes hands.
/// Threading: one thread at a time for one recording.
/// Errors: NULL_POINTER, INVALID_HANDLE, WRONG_STATE (another thread is at it).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recording_seek(
    recording: *mut rota_recording,
    seq: u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_recording(recording, |recording| {
            recording.reader.seek(seq);
            Ok(())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rota_recorder::*;

    fn told(record: impl Into<Record>) -> (rota_record, Held) {
        let (mut out, mut held) = (rota_record::DEFAULT, Held::default());
        tell(&mut out, &mut held, record.into());
        (out, held)
    }

    fn texts(held: &Held) -> Vec<(String, String)> {
        let text = |t: &Text| String::from_utf8(t.0[..t.len()].to_vec()).unwrap();
        let pairs = held.fields.iter();
        pairs.map(|(n, v)| (text(n), text(v))).collect()
    }

    #[test]
    fn the_numbers_are_the_logs() {
        use record::kind;
        for (ours, logs) in [
            (ROTA_RECORD_RUN_START, kind::RUN_START),
            (ROTA_RECORD_RUN_END, kind::RUN_END),
            (ROTA_RECORD_TENANT, kind::TENANT),
            (ROTA_RECORD_MODULE, kind::MODULE),
            (ROTA_RECORD_BUFFER, kind::BUFFER),
            (ROTA_RECORD_JOB, kind::JOB),
            (ROTA_RECORD_COMPLETION, kind::COMPLETION),
            (ROTA_RECORD_EVIDENCE, kind::EVIDENCE),
            (ROTA_RECORD_GAP, kind::GAP),
            (ROTA_RECORD_CHECKPOINT, kind::CHECKPOINT),
            (ROTA_RECORD_NOTE, kind::NOTE),
        ] {
            assert_eq!(ours, logs as u32);
        }
        for (ours, logs) in [
            (ROTA_EVENT_TENANT_CREATED, TenantEvent::Created),
            (ROTA_EVENT_TENANT_CHANGED, TenantEvent::Changed),
            (ROTA_EVENT_TENANT_DRAINING, TenantEvent::Draining),
            (ROTA_EVENT_TENANT_REVOKED, TenantEvent::Revoked),
            (ROTA_EVENT_TENANT_DESTROYED, TenantEvent::Destroyed),
        ] {
            assert_eq!(ours, logs.number() as u32);
        }
        for (ours, logs) in [
            (ROTA_EVENT_MODULE_LOADED, ModuleEvent::Loaded),
            (ROTA_EVENT_MODULE_REPLACED, ModuleEvent::Replaced),
            (ROTA_EVENT_MODULE_UNLOADED, ModuleEvent::Unloaded),
            (ROTA_EVENT_MODULE_GRANTED, ModuleEvent::Granted),
        ] {
            assert_eq!(ours, logs.number() as u32);
        }
        for (ours, logs) in [
            (ROTA_EVENT_BUFFER_CREATED, BufferEvent::Created),
            (ROTA_EVENT_BUFFER_WRITTEN, BufferEvent::Written),
            (ROTA_EVENT_BUFFER_FILLED, BufferEvent::Filled),
            (ROTA_EVENT_BUFFER_GRANTED, BufferEvent::Granted),
            (ROTA_EVENT_BUFFER_TAKEN_BACK, BufferEvent::TakenBack),
            (ROTA_EVENT_BUFFER_DESTROYED, BufferEvent::Destroyed),
            (ROTA_EVENT_BUFFER_MAPPED, BufferEvent::Mapped),
            (ROTA_EVENT_BUFFER_UNMAPPED, BufferEvent::Unmapped),
            (ROTA_EVENT_BUFFER_IMPORTED, BufferEvent::Imported),
        ] {
            assert_eq!(ours, logs.number() as u32);
        }
        assert_eq!(ROTA_EVENT_GAP_FULL, GapWhy::Full.number() as u32);
        assert_eq!(ROTA_EVENT_GAP_CRASH, GapWhy::Crash.number() as u32);
        for (ours, logs) in [
            (ROTA_EVENT_VOID_DROPPED, VoidWhy::Dropped),
            (ROTA_EVENT_VOID_UNCOMMITTED, VoidWhy::Uncommitted),
            (ROTA_EVENT_VOID_LOST, VoidWhy::Lost),
        ] {
            assert_eq!(ours, logs.number() as u32);
        }
    }

    #[test]
    fn each_kind_of_record_sets_its_fields() {
        let hash = Hash([7; 32]);
        let (out, held) = told(RunStart {
            device: "a device".into(),
            pid: 5,
            options: vec![("slots".into(), "64".into())],
            ..RunStart::default()
        });
        assert_eq!(out.kind, ROTA_RECORD_RUN_START);
        let fields = texts(&held);
        assert_eq!(fields.len(), 8);
        for (name, value) in [("device", "a device"), ("pid", "5"), ("slots", "64")] {
            assert!(fields.contains(&(name.into(), value.into())), "{fields:?}");
        }
        let (out, held) = told(Module {
            tenant: 1,
            module: 2,
            version: 3,
            event: ModuleEvent::Replaced,
            label: "m".into(),
            source: Some(hash),
            first_handler: 0,
            all_handlers: 1,
            handlers: vec![Handler {
                opcode: 0x1000,
                tiled: true,
                fuel: 9,
                name: "f".into(),
                ..Handler::default()
            }],
            end_epoch: 4,
        });
        assert_eq!(
            (out.kind, out.event),
            (ROTA_RECORD_MODULE, ROTA_EVENT_MODULE_REPLACED)
        );
        assert_eq!((out.tenant, out.module, out.version), (1, 2, 3));
        assert_eq!(out.epoch, 4);
        assert_eq!((out.has_hash, out.hash), (1, [7; 32]));
        let handler = ("f".to_string(), "0x1000 tiled fuel 9".to_string());
        assert_eq!(texts(&held), [handler]);
        let (out, _) = told(Buffer {
            read_only: true,
            other_tenant: 3,
            other_handle: 4,
            offset: 5,
            length: 6,
            value: 7,
            tail: 8,
            end_epoch: 9,
            ..Buffer::new(1, 2, BufferEvent::Granted)
        });
        assert_eq!(
            (out.kind, out.event),
            (ROTA_RECORD_BUFFER, ROTA_EVENT_BUFFER_GRANTED)
        );
        assert_eq!((out.tenant, out.buffer, out.read_only), (1, 2, 1));
        assert_eq!((out.other_tenant, out.other_buffer), (3, 4));
        assert_eq!((out.offset, out.length, out.value), (5, 6, 7));
        assert_eq!((out.tail, out.epoch, out.has_hash), (8, 9, 0));
        let (out, held) = told(Gap {
            why: GapWhy::Crash,
            lost: 5,
            first_ns: 6,
            last_ns: 7,
        });
        assert_eq!(
            (out.kind, out.event, out.lost),
            (ROTA_RECORD_GAP, ROTA_EVENT_GAP_CRASH, 5)
        );
        assert_eq!(texts(&held).len(), 2);
        let (out, held) = told(Checkpoint {
            before: 1,
            end_epoch: 2,
            tenants: 3,
            buffers: 4,
            bytes: 5,
            state: hash,
        });
        assert_eq!(
            (out.kind, out.epoch, out.length, out.has_hash),
            (ROTA_RECORD_CHECKPOINT, 2, 5, 1)
        );
        let fields = [("before", "1"), ("tenants", "3"), ("buffers", "4")];
        assert_eq!(
            texts(&held),
            fields.map(|(n, v)| (n.to_string(), v.to_string()))
        );
        let (out, held) = told(Note {
            tenant: 1,
            text: "a line".into(),
        });
        assert_eq!((out.kind, out.tenant), (ROTA_RECORD_NOTE, 1));
        assert_eq!(&*held.text.unwrap().0, b"a line\0");
        let (out, _) = told(Void { why: VoidWhy::Lost });
        assert_eq!(
            (out.kind, out.event),
            (ROTA_RECORD_VOID, ROTA_EVENT_VOID_LOST)
        );
        let (out, held) = told(Record::Unknown {
            kind: 99,
            bytes: vec![1, 2],
        });
        assert_eq!((out.kind, out.event), (ROTA_RECORD_UNKNOWN, 99));
        assert_eq!(held.data, [1, 2]);
    }

    #[test]
    fn what_is_missing_is_a_record_of_its_own() {
        for (why, event) in [
            (Why::Bad(Class::Hole), ROTA_EVENT_MISSING_HOLE),
            (Why::Bad(Class::Torn), ROTA_EVENT_MISSING_TORN),
            (Why::Bad(Class::Corrupt), ROTA_EVENT_MISSING_CORRUPT),
            (Why::Bad(Class::Stale), ROTA_EVENT_MISSING_STALE),
            (Why::Bad(Class::Overwritten), ROTA_EVENT_MISSING_OVERWRITTEN),
            (Why::Incomplete, ROTA_EVENT_MISSING_INCOMPLETE),
        ] {
            let mut out = rota_record::DEFAULT;
            let missing = Missing {
                first: 5,
                last: 7,
                why,
            };
            tell_missing(&mut out, missing);
            assert_eq!((out.kind, out.event), (ROTA_RECORD_MISSING, event));
            assert_eq!((out.seq, out.cells), (5, 3));
        }
    }
}
