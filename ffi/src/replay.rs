//! Replay: the jobs of a log are run again, and what comes of them is compared.
#![cfg(not(loom))]

use crate::args::{self, fixed_text, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::jobs::{rota_completion, rota_job, rota_ticket};
use crate::log::heed_environment;
use crate::recording::{completion_of, job_of};
use crate::registry::Registry;
use crate::runtime::rota_runtime_options;
use rota::replay::{self, Divergence, History, Outcome, ReplayOptions, ReplayReport};
use std::ffi::{c_char, c_void};
use std::ptr::{null, null_mut};

/// ---- Replay options ----------------------------------------------------------------------------
///
/// As run of rota_replay_options: the last one.
pub const ROTA_LAST_RUN: u64 = u64::MAX;

/// As flag of rota_replay_options: jobs that overlapped when they were recorded may overlap again. Without
/// it they run one after the other.
pub const ROTA_REPLAY_AS_SUBMITTED: u32 = 1;

/// Hears how far a replay has come: `done` of `all` steps, now and then and at the end. It is called by
/// the thread that has called rota_replay_run, and must not throw or jump out.
pub type rota_progress_fn = Option<unsafe extern "C" fn(user: *mut c_void, done: u64, all: u64)>;

/// What is to be run again, and how. ROTA_REPLAY_OPTIONS_INIT is the last run, on the best device.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_replay_options {
    /// sizeof(rota_replay_options), which ROTA_REPLAY_OPTIONS_INIT sets.
    pub struct_size: usize,
    /// The log.
    pub path: *const c_char,
    /// Bytes of path.
    pub path_len: usize,
    /// Which run, from 0 on, of those that the log has the beginning or a checkpoint of. ROTA_LAST_RUN:
    /// the last.
    pub run: u64,
    /// The runtime to run it on. What the log says of rings and memory goes before what stands here, and
    /// nothing is recorded. NULL: defaults everywhere.
    pub runtime: *const rota_runtime_options,
    /// A folder with the data that the log doesn't have, in files of any name. NULL: none.
    pub data_dir: *const c_char,
    /// Bytes of data_dir.
    pub data_dir_len: usize,
    /// Opcodes of handlers that may come out differently each time.
    pub not_deterministic: *const u32,
    /// Elements of not_deterministic.
    pub not_deterministic_count: usize,
    /// How many jobs rota_replay_get_before has at most.
    pub context: u32,
    /// ROTA_REPLAY_AS_SUBMITTED or 0.
    pub flags: u32,
    /// Hears of progress. NULL: nobody does.
    pub progress: rota_progress_fn,
    /// What progress gets first.
    pub user: *mut c_void,
}

// SAFETY: integers and pointers only, and NULL is a value of the function's; the pair of u32 fills 8
// bytes.
unsafe impl Sized8 for rota_replay_options {
    const NAME: &'static str = "rota_replay_options";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        path: null(),
        path_len: 0,
        run: ROTA_LAST_RUN,
        runtime: null(),
        data_dir: null(),
        data_dir_len: 0,
        not_deterministic: null(),
        not_deterministic_count: 0,
        context: 0,
        flags: 0,
        progress: None,
        user: null_mut(),
    };
}

impl rota_replay_options {
    /// # Safety
    /// The pointers are null or valid.
    unsafe fn to_engine(self) -> Result<ReplayOptions, Failure> {
        let flags = args::flags("flags", self.flags, ROTA_REPLAY_AS_SUBMITTED)?;
        let opcodes = (self.not_deterministic, self.not_deterministic_count);
        // SAFETY: the caller's promise, as below.
        let opcodes = unsafe { args::slice("not_deterministic", opcodes.0, opcodes.1) }?;
        // SAFETY: as above.
        let data = unsafe { args::text("data_dir", self.data_dir, self.data_dir_len) }?;
        Ok(ReplayOptions {
            // SAFETY: as above.
            log: unsafe { args::some_text("path", self.path, self.path_len) }?.into(),
            run: (self.run != ROTA_LAST_RUN).then_some(self.run),
            // SAFETY: as above.
            runtime: unsafe { args::options(self.runtime)?.to_engine() }?,
            data: data.map(Into::into),
            as_submitted: flags & ROTA_REPLAY_AS_SUBMITTED != 0,
            not_deterministic: opcodes.into(),
            context: self.context as usize,
        })
    }
}

/// ---- Outcome of a replay -----------------------------------------------------------------------
///
/// Every job that could be compared came out the same.
pub const ROTA_REPLAY_SAME: u32 = 1;
/// One came out differently, and nothing excuses it.
pub const ROTA_REPLAY_DIFFERENT: u32 = 2;
/// What could be compared is the same, but something could not, for want of data or records.
pub const ROTA_REPLAY_NOT_COMPARABLE: u32 = 3;

/// ---- What differs ------------------------------------------------------------------------------
///
/// The status.
pub const ROTA_DIFFERS_STATUS: u32 = 1;
/// The fault.
pub const ROTA_DIFFERS_FAULT: u32 = 2;
/// The results.
pub const ROTA_DIFFERS_RESULTS: u32 = 4;
/// The digest of what it wrote.
pub const ROTA_DIFFERS_DIGEST: u32 = 8;

/// A job of a log.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rota_replay_job {
    /// The number of its record: rota_recording_seek finds it.
    pub seq: u64,
    /// Whose it was, as rota_tenant_id said then.
    pub tenant: u64,
    /// Its ticket then.
    pub ticket: rota_ticket,
    /// The job.
    pub job: rota_job,
}

/// How many jobs with an opcode came out differently.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct rota_replay_count {
    /// Which opcode.
    pub opcode: u32,
    /// 0.
    pub reserved: u32,
    /// How many, without those that something excuses.
    pub jobs: u64,
}

/// What a replay has found. Texts are zero-terminated UTF-8, cut to fit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_replay_report {
    /// sizeof(rota_replay_report), which ROTA_REPLAY_REPORT_INIT sets.
    pub struct_size: usize,
    /// One of ROTA_REPLAY_*.
    pub outcome: u32,
    /// What differs in the first job that came out differently: ROTA_DIFFERS_* together. 0: there is none.
    pub differs: u32,
    /// The device that it was recorded on.
    pub recorded_on: [c_char; 256],
    /// The device that it ran again on.
    pub device: [c_char; 256],
    /// Jobs in the log.
    pub jobs: u64,
    /// Jobs that ran again and were compared.
    pub compared: u64,
    /// Of these, how many came out the same.
    pub same: u64,
    /// How many differently, with nothing that excuses it.
    pub different: u64,
    /// How many differently that ran beside another job which may have been why: both name a buffer that
    /// one of them may write.
    pub concurrent: u64,
    /// How many differently that name a buffer which another such job may have written.
    pub followed: u64,
    /// How many differently of handlers in not_deterministic.
    pub not_deterministic: u64,
    /// How many in nothing but a digest with ROTA_DIGEST_ORDER_DEPENDENT.
    pub order_dependent: u64,
    /// Jobs that ran beside such another one, whatever came of them.
    pub overlapping: u64,
    /// Jobs that began in another order among themselves than then. That is no difference.
    pub rescheduled: u64,
    /// Jobs that had not run to their end in the log, or whose completion was never taken.
    pub not_ended: u64,
    /// Jobs not compared because they name a buffer which one of those may have written.
    pub behind_unended: u64,
    /// Jobs not compared because they depend on data that isn't there, or because this device can't run
    /// them.
    pub without_data: u64,
    /// Data that was looked for and isn't there, or that was never captured.
    pub missing_data: u64,
    /// Records that are missing in the log.
    pub missing_records: u64,
    /// Completions of jobs that the log doesn't have.
    pub strays: u64,
    /// The first job that came out differently.
    pub first: rota_replay_job,
    /// What came of it then. user_data is 0 in both.
    pub recorded: rota_completion,
    /// What came of it now.
    pub replayed: rota_completion,
}

const NO_JOB: rota_replay_job = rota_replay_job {
    seq: 0,
    tenant: 0,
    ticket: 0,
    job: rota_job {
        opcode: 0,
        flags: 0,
        tiles: 0,
        fuel: 0,
        args: [0; 10],
        user_data: 0,
    },
};

const NO_COMPLETION: rota_completion = rota_completion {
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
};

// SAFETY: integers only; the structs in it have no padding and a size that is a multiple of 8, and the
// pair of u32 fills 8 bytes.
unsafe impl Sized8 for rota_replay_report {
    const NAME: &'static str = "rota_replay_report";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        outcome: 0,
        differs: 0,
        recorded_on: [0; 256],
        device: [0; 256],
        jobs: 0,
        compared: 0,
        same: 0,
        different: 0,
        concurrent: 0,
        followed: 0,
        not_deterministic: 0,
        order_dependent: 0,
        overlapping: 0,
        rescheduled: 0,
        not_ended: 0,
        behind_unended: 0,
        without_data: 0,
        missing_data: 0,
        missing_records: 0,
        strays: 0,
        first: NO_JOB,
        recorded: NO_COMPLETION,
        replayed: NO_COMPLETION,
    };
}

fn differs(divergence: &Divergence) -> u32 {
    let bit = |what| match what {
        "status" => ROTA_DIFFERS_STATUS,
        "fault" => ROTA_DIFFERS_FAULT,
        "results" => ROTA_DIFFERS_RESULTS,
        _ => ROTA_DIFFERS_DIGEST,
    };
    divergence.what().into_iter().map(bit).sum()
}

fn job_at(history: &History, at: usize) -> rota_replay_job {
    let job = &history.jobs[at];
    rota_replay_job {
        seq: job.seq,
        tenant: job.job.tenant,
        ticket: job.job.ticket,
        job: job_of(&job.job),
    }
}

/// Report as C has it.
fn report_of(history: &History, report: &ReplayReport) -> rota_replay_report {
    let mut out = rota_replay_report {
        outcome: match report.outcome() {
            Outcome::Same => ROTA_REPLAY_SAME,
            Outcome::Different => ROTA_REPLAY_DIFFERENT,
            Outcome::NotComparable => ROTA_REPLAY_NOT_COMPARABLE,
        },
        recorded_on: fixed_text(&history.start.device),
        device: fixed_text(&report.device),
        jobs: report.jobs,
        compared: report.compared,
        same: report.same,
        different: report.differences(),
        concurrent: report.concurrent,
        followed: report.followed,
        not_deterministic: report.not_deterministic,
        order_dependent: report.order_dependent,
        overlapping: report.overlapping,
        rescheduled: report.rescheduled,
        not_ended: report.not_ended,
        behind_unended: report.behind_unended,
        without_data: report.without_data,
        missing_data: report.missing_data,
        missing_records: report.missing_records,
        strays: history.strays,
        ..rota_replay_report::DEFAULT
    };
    if let Some(first) = &report.first {
        out.differs = differs(first);
        out.first = job_at(history, first.job);
        out.recorded = completion_of(&first.recorded);
        out.replayed = completion_of(&first.replayed);
    }
    out
}

/// What came of running a log again.
pub struct rota_replay {
    _id: [u8; 0],
}

struct Replay {
    report: rota_replay_report,
    before: Vec<rota_replay_job>,
    counts: Vec<rota_replay_count>,
}

impl Replay {
    fn new(history: &History, report: &ReplayReport) -> Self {
        let before = report.before.iter().map(|&at| job_at(history, at));
        let counts = report.by_opcode.iter();
        Self {
            report: report_of(history, report),
            before: before.collect(),
            counts: counts
                .map(|(&opcode, &jobs)| rota_replay_count {
                    opcode,
                    reserved: 0,
                    jobs,
                })
                .collect(),
        }
    }
}

/// As many as there is room for; says how many there are.
fn copy<T: Copy>(all: &[T], to: &mut [T]) -> usize {
    to.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
    all.len()
}

static REPLAYS: Registry<Replay> = Registry::new(b'P');

fn with_replay<R>(
    replay: *mut rota_replay,
    call: impl FnOnce(&Replay) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let id = args::handle("replay", replay)?;
    REPLAYS
        .with(id, call)
        .unwrap_or(Err(Failure::InvalidHandle("replay")))
}

/// ---- Replay ------------------------------------------------------------------------------------
///
/// Runs the jobs of a log again, in the order in which they began, in a runtime of its own, and compares what comes of them: status, fault, results, and the digest of what they wrote.
/// It takes as long as the jobs do. That something came out differently is no failure: rota_replay_get_report
/// tells it.
///
/// Ownership: *replay is the caller's, to be freed by rota_replay_destroy; the options and what they
/// point to are only read.
/// Threading: any thread; progress is called by it.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE, INVALID_ARGUMENT (also a run that the log doesn't have);
/// of the log IO_ERROR, NOT_A_LOG, LOG_DAMAGED, LOG_TOO_NEW, NOT_REPLAYABLE; of the runtime as
/// rota_runtime_open; DEVICE_LOST, and TIMEOUT for a job that takes longer than a minute now.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_replay_run(
    options: *const rota_replay_options,
    replay: *mut *mut rota_replay,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        heed_environment();
        // SAFETY: the conventions: NULL or valid, as for all pointers below.
        let out = unsafe { args::out("replay", replay) }?;
        args::handle("options", options)?;
        // SAFETY: as above.
        let options = unsafe { args::options(options) }?;
        // SAFETY: as above.
        let wanted = unsafe { options.to_engine() }?;
        let history = replay::read(&wanted)?;
        let all = history.steps.len() as u64;
        let report = replay::replay(&wanted, &history, &mut |done| {
            if let Some(progress) = options.progress {
                // SAFETY: the caller's function, with the arguments that the header promises it.
                unsafe { progress(options.user, done as u64, all) };
            }
        })?;
        let id = REPLAYS.insert(Replay::new(&history, &report));
        let id = id.map_err(|_| Failure::OutOfMemory("replay"))?;
        out.write(id as *mut rota_replay);
        Ok(())
    })
}

/// Tells what a replay has found.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_replay_get_report(
    replay: *mut rota_replay,
    report: *mut rota_replay_report,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_replay(replay, |replay| {
            // SAFETY: the conventions: NULL or valid.
            let wanted = unsafe { Wanted::new(report) }?;
            wanted.fill(&replay.report);
            Ok(())
        })
    })
}

/// The jobs before the first one that came out differently, of those that may have to do with it: the
/// same tenant's, and those that name one of its buffers, in the order in which they ran. The first
/// `cap` go to `jobs`, and how many there are, at most context of the options, to `needed`. NULL and 0
/// just ask how many there are.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT. `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_replay_get_before(
    replay: *mut rota_replay,
    jobs: *mut rota_replay_job,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let needed = unsafe { args::count("needed", needed) }?;
        with_replay(replay, |replay| {
            // SAFETY: as above.
            *needed = copy(&replay.before, unsafe { args::slice_mut("jobs", jobs, cap) }?);
            Ok(())
        })
    })
}

/// How many jobs came out differently, by opcode, in rising order: the first `cap` go to `counts`, and
/// how many opcodes there are to `needed`. NULL and 0 just ask how many there are.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT. `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_replay_get_counts(
    replay: *mut rota_replay,
    counts: *mut rota_replay_count,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let needed = unsafe { args::count("needed", needed) }?;
        with_replay(replay, |replay| {
            // SAFETY: as above.
            *needed = copy(&replay.counts, unsafe { args::slice_mut("counts", counts, cap) }?);
            Ok(())
        })
    })
}

/// Frees what a replay has found. NULL does nothing.
///
/// Ownership: takes the replay.
/// Threading: any thread.
/// Errors: INVALID_HANDLE (also for a second destroy).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_replay_destroy(
    replay: *mut rota_replay,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        if replay.is_null() {
            return Ok(());
        }
        let closing = REPLAYS.close(replay as u64);
        let closing = closing.map_err(|_| Failure::InvalidHandle("replay"))?;
        drop(closing.finish());
        Ok(())
    })
}
