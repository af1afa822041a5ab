//! The flight recorder of a runtime.
#![cfg(not(loom))]

use crate::args::{self, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::runtime::{rota_runtime, with_runtime};
use crate::tenant::{rota_tenant, with_tenant};
use rota_recorder::EvidenceClass;
use std::ffi::{c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::ptr::null;
use std::time::Duration;

/// ---- What is captured --------------------------------------------------------------------------
/// Of the data that the host writes into buffers.
///
/// Nothing.
pub const ROTA_CAPTURE_JOBS: u32 = 0;
/// The BLAKE3 hash.
pub const ROTA_CAPTURE_DIGESTS: u32 = 1;
/// The data too, so that the log can be run again by itself. Each time that half of the log was written
/// submits wait until the jobs that are open have ended, and what buffers hold is kept.
pub const ROTA_CAPTURE_FULL: u32 = 2;

/// ---- Flags of a recorder -----------------------------------------------------------------------
///
/// Submits don't wait when the disk can't follow; what is missing is counted in the log. Without it
/// they wait.
pub const ROTA_RECORDER_ALLOW_GAPS: u32 = 1;
/// After an error of the disk no job is accepted any more. Without it jobs go on unrecorded.
pub const ROTA_RECORDER_STOP_ON_ERROR: u32 = 2;
/// Gives up what a log holds that is there.
pub const ROTA_RECORDER_START_OVER: u32 = 4;

/// How the jobs of a runtime are recorded. ROTA_RECORDER_OPTIONS_INIT has defaults for all but the path.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_recorder_options {
    /// sizeof(rota_recorder_options), which ROTA_RECORDER_OPTIONS_INIT sets.
    pub struct_size: usize,
    /// The log: a file that is made, or a log that is there and goes on. What is too large for it lies in
    /// the folder of that name with ".objects" behind it.
    pub path: *const c_char,
    /// Bytes of path.
    pub path_len: usize,
    /// Bytes of a new log, 64 KiB to 1 TiB: when it is full the oldest records are overwritten. One that is
    /// there keeps its own. With ROTA_CAPTURE_FULL at least 4 MiB. 0: 256 MiB, about a million jobs.
    pub capacity_bytes: u64,
    /// One of ROTA_CAPTURE_*.
    pub capture: u32,
    /// ROTA_RECORDER_* together.
    pub flags: u32,
    /// The most bytes of modules and captured data. 0: 1 GiB.
    pub object_bytes: u64,
    /// How long after a record it is made durable, in nanoseconds. 0: 100 ms.
    pub sync_interval_ns: u64,
    /// After how many records it is made durable at the latest. 0: only time counts.
    pub sync_records: u64,
    /// A folder in memory where records wait for the disk. NULL: /dev/shm.
    pub stage_dir: *const c_char,
    /// Bytes of stage_dir.
    pub stage_dir_len: usize,
}

// SAFETY: integers and pointers only; the pair of u32 fills 8 bytes.
unsafe impl Sized8 for rota_recorder_options {
    const NAME: &'static str = "rota_recorder_options";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        path: null(),
        path_len: 0,
        capacity_bytes: 0,
        capture: ROTA_CAPTURE_JOBS,
        flags: 0,
        object_bytes: 0,
        sync_interval_ns: 0,
        sync_records: 0,
        stage_dir: null(),
        stage_dir_len: 0,
    };
}

impl rota_recorder_options {
    /// The engine's form of a caller's options; None for NULL.
    ///
    /// # Safety
    /// As for `args::options`, and so are the texts in them.
    pub(crate) unsafe fn to_engine(
        options: *const Self,
    ) -> Result<Option<rota::RecorderOptions>, Failure> {
        if options.is_null() {
            return Ok(None);
        }
        // SAFETY: passed on, as below.
        let options = unsafe { args::options(options) }?;
        let known =
            ROTA_RECORDER_ALLOW_GAPS | ROTA_RECORDER_STOP_ON_ERROR | ROTA_RECORDER_START_OVER;
        let flags = args::flags("recorder.flags", options.flags, known)?;
        // SAFETY: as above.
        let path = unsafe { args::some_text("recorder.path", options.path, options.path_len) }?;
        let (stage, stage_len) = (options.stage_dir, options.stage_dir_len);
        // SAFETY: as above.
        let stage_dir = unsafe { args::text("recorder.stage_dir", stage, stage_len) }?;
        // With the engine's experiments there is one more.
        #[allow(clippy::needless_update)]
        let options = rota::RecorderOptions {
            path: path.into(),
            capacity_bytes: options.capacity_bytes,
            capture: match options.capture {
                ROTA_CAPTURE_JOBS => rota::Capture::Jobs,
                ROTA_CAPTURE_DIGESTS => rota::Capture::Digests,
                ROTA_CAPTURE_FULL => rota::Capture::Full,
                value => return Err(args::unknown("recorder.capture", value, "ROTA_CAPTURE_*")),
            },
            object_bytes: options.object_bytes,
            allow_gaps: flags & ROTA_RECORDER_ALLOW_GAPS != 0,
            stop_on_error: flags & ROTA_RECORDER_STOP_ON_ERROR != 0,
            sync_interval: Duration::from_nanos(options.sync_interval_ns),
            sync_records: options.sync_records,
            stage_dir: stage_dir.map(Into::into),
            start_over: flags & ROTA_RECORDER_START_OVER != 0,
            ..rota::RecorderOptions::default()
        };
        Ok(Some(options))
    }
}

/// How a flight recorder is doing. Cells are what a log is made of, 128 bytes each: a job and a
/// completion take one, other records one or more. They are numbered from 1 on, and the numbers go on
/// from run to run. A number that ends a range is the first beyond it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_recorder_state {
    /// sizeof(rota_recorder_state), which ROTA_RECORDER_STATE_INIT sets.
    pub struct_size: usize,
    /// Bytes of the log.
    pub capacity_bytes: u64,
    /// Cells of the log.
    pub capacity_cells: u64,
    /// The lowest number that is in the log.
    pub oldest_seq: u64,
    /// All below are recorded, or about to be.
    pub next_seq: u64,
    /// All below are in the file.
    pub written_seq: u64,
    /// All below are durable: a power cut can take no more than the cells from here to next_seq.
    pub durable_seq: u64,
    /// How often the log was opened for recording.
    pub run: u64,
    /// Which log it is, of those that were in this file one after the other.
    pub generation: u32,
    /// 1 if the log was there, and not with the capacity that the options ask for; else 0.
    pub kept_capacity: u32,
    /// 1 if the log was there before, else 0.
    pub existed: u32,
    /// 1 if the run before did not close it, else 0.
    pub crashed: u32,
    /// Cells of that run that were not in the file yet, and are now.
    pub recovered: u64,
    /// Cells of that run that were lost.
    pub voided: u64,
    /// How often somebody had to wait for the disk.
    pub stalls: u64,
    /// How long together, in nanoseconds.
    pub stall_ns: u64,
    /// Records that found no room, with ROTA_RECORDER_ALLOW_GAPS.
    pub refused: u64,
    /// Records that tell of these.
    pub gaps: u64,
    /// Cells lost after an error of the disk.
    pub lost: u64,
    /// Bytes of cells that went to the file in this run.
    pub bytes: u64,
    /// How often the file was made durable in this run.
    pub syncs: u64,
    /// Modules and captured data that are kept.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// How many could not be kept.
    pub lost_objects: u64,
    /// Checkpoints that were taken: from the last ones on a log can be run again whose beginning is
    /// overwritten.
    pub checkpoints: u64,
    /// Checkpoints that could not be taken.
    pub failed_checkpoints: u64,
    /// 1 if an error of the disk has ended the recording, else 0.
    pub failed: u32,
    /// The errno of that error; 0 if it had none.
    pub os_error: i32,
    /// The first cell that may not be in the file because of it.
    pub failed_seq: u64,
}

// SAFETY: integers only; each pair of 4-byte fields fills 8 bytes.
unsafe impl Sized8 for rota_recorder_state {
    const NAME: &'static str = "rota_recorder_state";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        capacity_bytes: 0,
        capacity_cells: 0,
        oldest_seq: 0,
        next_seq: 0,
        written_seq: 0,
        durable_seq: 0,
        run: 0,
        generation: 0,
        kept_capacity: 0,
        existed: 0,
        crashed: 0,
        recovered: 0,
        voided: 0,
        stalls: 0,
        stall_ns: 0,
        refused: 0,
        gaps: 0,
        lost: 0,
        bytes: 0,
        syncs: 0,
        objects: 0,
        object_bytes: 0,
        lost_objects: 0,
        checkpoints: 0,
        failed_checkpoints: 0,
        failed: 0,
        os_error: 0,
        failed_seq: 0,
    };
}

impl From<rota::RecorderState> for rota_recorder_state {
    fn from(state: rota::RecorderState) -> Self {
        let log = state.log;
        let failure = log.failure.as_ref();
        Self {
            struct_size: size_of::<Self>(),
            capacity_bytes: log.capacity_bytes,
            capacity_cells: log.capacity_cells,
            oldest_seq: log.oldest_seq,
            next_seq: log.next_seq,
            written_seq: log.written_seq,
            durable_seq: log.durable_seq,
            run: log.run,
            generation: log.generation,
            kept_capacity: log.kept_capacity as u32,
            existed: log.opened.existed as u32,
            crashed: log.opened.crashed as u32,
            recovered: log.opened.from_stage,
            voided: log.opened.voided,
            stalls: log.stalls,
            stall_ns: log.stall_ns,
            refused: log.refused,
            gaps: log.gaps,
            lost: log.lost,
            bytes: log.bytes,
            syncs: log.syncs,
            objects: log.objects,
            object_bytes: log.object_bytes,
            lost_objects: state.lost_objects,
            checkpoints: state.checkpoints,
            failed_checkpoints: state.failed_checkpoints,
            failed: failure.is_some() as u32,
            os_error: failure.and_then(|f| f.os_code).unwrap_or(0),
            failed_seq: failure.map_or(0, |f| f.seq),
        }
    }
}

/// ---- Classes of evidence -----------------------------------------------------------------------
///
/// The device was lost.
pub const ROTA_EVIDENCE_DEVICE_LOSS: u32 = 1;
/// It may not happen again.
pub const ROTA_EVIDENCE_TRANSIENT: u32 = 2;
/// A bug in the program.
pub const ROTA_EVIDENCE_PROGRAM_BUG: u32 = 3;
/// Nobody knows yet.
pub const ROTA_EVIDENCE_UNCLASSIFIED: u32 = 4;

/// ---- Flight recorder ---------------------------------------------------------------------------
///
/// Tells how the flight recorder of a runtime is doing. The numbers are read one by one while work goes
/// on.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, WRONG_STATE (the runtime has no recorder).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recorder_get_state(
    runtime: *mut rota_runtime,
    state: *mut rota_recorder_state,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            // SAFETY: the conventions: NULL or valid.
            let wanted = unsafe { Wanted::new(state) }?;
            wanted.fill(&entry.runtime.recorder_state()?.into());
            Ok(())
        })
    })
}

/// The path of the log, zero-terminated: what fits into `cap` bytes goes to `text`, and how many bytes
/// all of it and the zero have goes to `needed`. NULL and 0 just ask how many. It is the path that was
/// given, also where it is not absolute.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT, WRONG_STATE (the runtime has no recorder).
/// `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recorder_get_path(
    runtime: *mut rota_runtime,
    text: *mut c_char,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for the pointer below.
        let needed = unsafe { args::count("needed", needed) }?;
        with_runtime(runtime, |entry| {
            // SAFETY: as above.
            let text = unsafe { args::slice_mut("text", text.cast::<u8>(), cap) }?;
            let path = entry.runtime.recorder_state()?.log.path;
            let path = path.as_os_str().as_bytes();
            let fits = path.len().min(cap.saturating_sub(1));
            if let [to @ .., zero] = &mut text[..cap.min(fits + 1)] {
                to.copy_from_slice(&path[..fits]);
                *zero = 0;
            }
            *needed = path.len() + 1;
            Ok(())
        })
    })
}

/// Returns when all that was recorded before the call is durable: it survives a power cut from then on.
/// *durable, if durable isn't NULL, is the first number that may not.
///
/// Ownership: nothing changes hands.
/// Threading: any thread; rota_runtime_destroy waits for it.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT, WRONG_STATE (the runtime has no recorder),
/// TIMEOUT, IO_ERROR (of the disk, now or earlier: the recording has ended).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recorder_sync(
    runtime: *mut rota_runtime,
    timeout_ns: u64,
    durable: *mut u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            let out = match durable.is_null() {
                true => None,
                // SAFETY: the conventions: valid, since it is not NULL.
                false => Some(unsafe { args::out("durable", durable) }?),
            };
            let first = entry.runtime.recorder_sync(Duration::from_nanos(timeout_ns))?;
            if let Some(out) = out {
                out.write(first);
            }
            Ok(())
        })
    })
}

/// Adds the caller's own evidence of a failure to the log: `evidence` is one of ROTA_EVIDENCE_*, `code`
/// what a driver or another library said, and `bytes` anything else, of which the log keeps the first
/// 16 KiB, the hash and the length. tenant NULL: it is about the runtime. ticket 0: it is about no one
/// job.
///
/// Ownership: copies the bytes.
/// Threading: any thread; runtime and tenant are destroyed only after this has returned.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (evidence, bytes, or a tenant of another
/// runtime), WRONG_STATE (the runtime has no recorder), IO_ERROR (it was not recorded).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_recorder_note(
    runtime: *mut rota_runtime,
    tenant: *mut rota_tenant,
    ticket: u64,
    evidence: u32,
    code: i32,
    bytes: *const c_void,
    n: usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            let class = match evidence {
                ROTA_EVIDENCE_DEVICE_LOSS => EvidenceClass::DeviceLoss,
                ROTA_EVIDENCE_TRANSIENT => EvidenceClass::Transient,
                ROTA_EVIDENCE_PROGRAM_BUG => EvidenceClass::ProgramBug,
                ROTA_EVIDENCE_UNCLASSIFIED => EvidenceClass::Unclassified,
                value => return Err(args::unknown("evidence", value, "ROTA_EVIDENCE_*")),
            };
            // SAFETY: the conventions: NULL or valid.
            let bytes = unsafe { args::slice("bytes", bytes.cast::<u8>(), n) }?;
            let note = |tenant: Option<&rota::Tenant>| {
                Ok(entry.runtime.recorder_note(tenant, ticket, class, code, bytes)?)
            };
            match tenant.is_null() {
                true => note(None),
                false => with_tenant(tenant, |tenant| note(Some(tenant))),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::*;

    fn text(text: &str) -> (*const c_char, usize) {
        (text.as_ptr().cast(), text.len())
    }

    #[test]
    fn each_option_is_the_engines() {
        let mut options = rota_recorder_options::DEFAULT;
        (options.path, options.path_len) = text("a/log");
        let made = |options: &_| unsafe { rota_recorder_options::to_engine(options) };
        let plain = made(&options).unwrap().unwrap();
        let wanted = rota::RecorderOptions {
            path: "a/log".into(),
            ..rota::RecorderOptions::default()
        };
        assert_eq!(format!("{plain:?}"), format!("{wanted:?}"));

        (options.stage_dir, options.stage_dir_len) = text("/a/stage");
        (options.capacity_bytes, options.object_bytes) = (1, 2);
        (options.sync_interval_ns, options.sync_records) = (3, 4);
        options.capture = ROTA_CAPTURE_FULL;
        for flag in [1, 2, 4] {
            options.flags = flag;
            #[allow(clippy::needless_update)]
            let wanted = rota::RecorderOptions {
                path: "a/log".into(),
                capacity_bytes: 1,
                capture: rota::Capture::Full,
                object_bytes: 2,
                allow_gaps: flag == ROTA_RECORDER_ALLOW_GAPS,
                stop_on_error: flag == ROTA_RECORDER_STOP_ON_ERROR,
                sync_interval: Duration::from_nanos(3),
                sync_records: 4,
                stage_dir: Some("/a/stage".into()),
                start_over: flag == ROTA_RECORDER_START_OVER,
                ..rota::RecorderOptions::default()
            };
            let full = made(&options).unwrap().unwrap();
            assert_eq!(format!("{full:?}"), format!("{wanted:?}"));
        }
        for capture in [rota::Capture::Jobs, rota::Capture::Digests] {
            options.capture = capture as u32;
            assert_eq!(made(&options).unwrap().unwrap().capture, capture);
        }
        let none = unsafe { rota_recorder_options::to_engine(null()) };
        assert!(none.unwrap().is_none());
    }

    #[test]
    fn options_that_mean_nothing_are_refused() {
        let refused = |change: fn(&mut rota_recorder_options)| {
            let mut options = rota_recorder_options::DEFAULT;
            (options.path, options.path_len) = text("log");
            change(&mut options);
            let made = unsafe { rota_recorder_options::to_engine(&options) };
            assert_eq!(made.unwrap_err().status(), ROTA_STATUS_INVALID_ARGUMENT);
        };
        refused(|o| o.flags = 8);
        refused(|o| o.capture = 3);
        refused(|o| o.path_len = 0);
        refused(|o| (o.path, o.path_len) = text("a\0b"));
        refused(|o| (o.stage_dir, o.stage_dir_len) = text("a\0b"));
    }

    #[test]
    fn the_numbers_are_the_logs() {
        for (ours, logs) in [
            (ROTA_EVIDENCE_DEVICE_LOSS, EvidenceClass::DeviceLoss),
            (ROTA_EVIDENCE_TRANSIENT, EvidenceClass::Transient),
            (ROTA_EVIDENCE_PROGRAM_BUG, EvidenceClass::ProgramBug),
            (ROTA_EVIDENCE_UNCLASSIFIED, EvidenceClass::Unclassified),
        ] {
            assert_eq!(ours, logs.number() as u32);
        }
    }
}
