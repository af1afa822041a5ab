//! The flight recorder of a runtime: what is told to the log, and in what order.
//!
//! A job is recorded before its slot is stamped, so that one that hangs the device is in the log; what the host does to
//! buffers, modules and tenants, when it is done and before the call returns. A completion is recorded when it is taken. What
//! ended before another thing began can be told from the epochs: a completion has its job's begin and end, what is done to
//! tenants, modules and buffers the device's epoch when it was done, and for what changes or ends a buffer when that began, and a
//! job the highest end that the host had seen.
//!
//! An error of the log doesn't stop jobs, unless the options say so; the log's state has it.
//!
//! Where the data is captured too, `checkpoint.rs` sees to it that the log can be run again although its oldest records are
//! overwritten.

mod checkpoint;
mod state;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use rota_recorder::disk::{Disk, RealDisk};
use rota_recorder::{
    AfterError, Buffer, Cells, Evidence, EvidenceClass, Handler, Hash, Log, LogOptions, LogState,
    Mode, Module, ModuleEvent, Reader, Refused, RunEnd, RunStart, StagePlace, TenantEvent,
    WhenFull,
};

use crate::error::Error;
use crate::metrics::RecorderMetrics;
use crate::modules::HandlerOptions;
use crate::ring::gate::Pass;
use crate::ring::submission::{Completion, Job};
pub(crate) use checkpoint::{start as start_checkpoints, Checkpoints};

/// What is kept of the data that the host writes into buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Capture {
    /// Nothing.
    #[default]
    Jobs = 0,
    /// The BLAKE3 hash.
    Digests = 1,
    /// The data too, so that the log can be run again by itself. Whenever half of the log was written since the last time,
    /// submits wait until the jobs that are open have ended, and what buffers hold is kept.
    Full = 2,
}

impl Capture {
    pub fn name(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Digests => "digests",
            Self::Full => "full",
        }
    }
}

/// How jobs are recorded. Zero means the default.
#[derive(Clone, Debug, Default)]
pub struct RecorderOptions {
    /// The log. What is too large for it lies in `PATH.objects`.
    pub path: PathBuf,
    /// Bytes of the log, 64 KiB to 1 TiB; when it is full the oldest records are overwritten. 0 means 256 MiB, which is about a
    /// million jobs. A log that exists keeps its own. With `Capture::Full` at least 4 MiB, and for a run that can always be
    /// done again four times as many records (of 128 bytes) as all rings have slots.
    pub capacity_bytes: u64,
    pub capture: Capture,
    /// The most bytes of modules and captured data; 0 means 1 GiB.
    pub object_bytes: u64,
    /// Submits don't wait for the disk when it can't follow; what is missing is counted in the log. Else they wait.
    pub allow_gaps: bool,
    /// After an error of the disk no job is accepted any more. Else jobs go on unrecorded.
    pub stop_on_error: bool,
    /// How long after a record it is made durable; 0 means 100 ms.
    pub sync_interval: Duration,
    /// After how many records it is made durable at the latest; 0 means that only time counts.
    pub sync_records: u64,
    /// Where records wait for the disk: a folder in memory. By default /dev/shm.
    pub stage_dir: Option<PathBuf>,
    /// Gives up what a log holds that is there.
    pub start_over: bool,
    /// For proofs: another disk than the system's.
    #[cfg(feature = "experiments")]
    pub disk: OtherDisk,
}

/// A disk that fails or waits as a test says.
#[cfg(feature = "experiments")]
#[derive(Clone, Default)]
pub struct OtherDisk(pub Option<Arc<dyn Disk>>);

#[cfg(feature = "experiments")]
impl std::fmt::Debug for OtherDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OtherDisk").field(&self.0.is_some()).finish()
    }
}

impl RecorderOptions {
    fn disk(&self) -> Arc<dyn Disk> {
        #[cfg(feature = "experiments")]
        if let Some(disk) = &self.disk.0 {
            return disk.clone();
        }
        Arc::new(RealDisk)
    }

    /// What `$ROTA_RECORD` asks for, a path, and `$ROTA_CAPTURE`: jobs, digests or full; jobs where it isn't set.
    pub fn from_environment() -> Result<Option<Self>, Error> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let Some(path) = set("ROTA_RECORD") else {
            return Ok(None);
        };
        let capture = match set("ROTA_CAPTURE") {
            None => Capture::Jobs,
            Some(name) => [Capture::Jobs, Capture::Digests, Capture::Full]
                .into_iter()
                .find(|capture| name == capture.name())
                .ok_or(Error::InvalidArgument(
                    "ROTA_CAPTURE has to be jobs, digests or full",
                ))?,
        };
        Ok(Some(Self {
            path: path.into(),
            capture,
            ..Self::default()
        }))
    }
}

/// How a runtime's recorder is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecorderState {
    pub log: LogState,
    /// Objects that could not be kept.
    pub lost_objects: u64,
    /// Checkpoints that were taken, and those that failed.
    pub checkpoints: u64,
    pub failed_checkpoints: u64,
}

/// Characters of a label that are recorded.
const MOST_LABEL: usize = 256;

pub(crate) struct Recorder {
    log: Log,
    capture: Capture,
    /// The highest end epoch of the completions that were taken.
    epoch_seen: AtomicU64,
    jobs: AtomicU64,
    completions: AtomicU64,
    lost_objects: AtomicU64,
    /// Where this run begins in the log.
    first_seq: u64,
    /// Where the data is captured.
    checkpoints: Option<Checkpoints>,
}

/// What a runtime is, for the log.
pub(crate) struct About {
    pub device: String,
    pub driver: String,
    pub mode: &'static str,
    pub lanes: u32,
    pub options: Vec<(String, String)>,
}

/// A submit's place in the log.
pub(crate) struct JobCells<'a>(Option<Cells<'a>>);

impl Recorder {
    pub fn open(options: &RecorderOptions, about: About) -> Result<Self, Error> {
        let full = options.capture == Capture::Full;
        if full && options.capacity_bytes != 0 {
            checkpoint::check_capacity(options.capacity_bytes)?;
        }
        // Before it is started over.
        if let (true, Ok(there)) = (full, Reader::open(&options.path, Mode::Salvage)) {
            checkpoint::check_capacity(there.info().capacity_bytes)?;
        }
        let disk = options.disk();
        let wanted = LogOptions {
            path: options.path.clone(),
            capacity_bytes: options.capacity_bytes,
            stage_cells: 0,
            stage_place: match &options.stage_dir {
                Some(folder) => StagePlace::Folder(folder.clone()),
                None => StagePlace::Auto,
            },
            when_full: match options.allow_gaps {
                true => WhenFull::Gap,
                false => WhenFull::Wait,
            },
            after_error: match options.stop_on_error {
                true => AfterError::Refuse,
                false => AfterError::Lose,
            },
            sync_interval: options.sync_interval,
            sync_cells: options.sync_records,
            start_over: options.start_over,
            object_bytes: options.object_bytes,
        };
        let log = Log::open_on(disk, &wanted)?;
        let start = RunStart {
            library_version: crate::VERSION.into(),
            device: about.device,
            driver: about.driver,
            mode: about.mode.into(),
            capture: options.capture.name().into(),
            pid: std::process::id(),
            lanes: about.lanes,
            options: about.options,
        };
        let checkpoints = match full {
            true => Some(Checkpoints::new(&log, start.clone(), !options.allow_gaps)?),
            false => None,
        };
        let first_seq = log.next_seq();
        log.append(&start.into())?;
        Ok(Self {
            log,
            first_seq,
            checkpoints,
            capture: options.capture,
            epoch_seen: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            completions: AtomicU64::new(0),
            lost_objects: AtomicU64::new(0),
        })
    }

    pub fn state(&self) -> RecorderState {
        RecorderState {
            log: self.log.state(),
            lost_objects: self.lost_objects.load(Ordering::Relaxed),
            checkpoints: self.checkpoints.as_ref().map_or(0, Checkpoints::taken),
            failed_checkpoints: self.checkpoints.as_ref().map_or(0, Checkpoints::failed),
        }
    }

    /// What metrics tell of it.
    pub fn metrics(&self) -> RecorderMetrics {
        let log = self.log.counts();
        let checkpoints = self.checkpoints.as_ref();
        RecorderMetrics {
            records: log.next_seq.saturating_sub(self.first_seq),
            bytes: log.bytes,
            stalls: log.stalls,
            stall_ns: log.stall_ns,
            refused: log.refused,
            gaps: log.gaps,
            lag: log.next_seq.saturating_sub(log.durable_seq),
            checkpoints: checkpoints.map_or(0, Checkpoints::taken),
            failed_checkpoints: checkpoints.map_or(0, Checkpoints::failed),
        }
    }

    pub fn sync(&self, timeout: Duration) -> Result<u64, Error> {
        Ok(self.log.sync(timeout)?)
    }

    pub fn checkpoints(&self) -> Option<&Checkpoints> {
        self.checkpoints.as_ref()
    }

    // ------------------------------------------------------------ jobs

    /// To be held while jobs are submitted. Waits while a checkpoint is taken.
    #[inline]
    pub fn enter(&self) -> Option<Pass<'_>> {
        let checkpoints = self.checkpoints.as_ref()?;
        Some(checkpoints.enter(&self.log))
    }

    /// Cells for `n` jobs: before their positions are taken, since it may refuse. Where gaps are allowed, and there is no room,
    /// the jobs go on without.
    #[inline]
    pub fn reserve(&self, n: usize) -> Result<JobCells<'_>, Error> {
        match self.log.reserve(n) {
            Ok(cells) => {
                self.jobs.fetch_add(n as u64, Ordering::Relaxed);
                self.reached(cells.seq());
                Ok(JobCells(Some(cells)))
            }
            Err(Refused::Full) => Ok(JobCells(None)),
            Err(refused) => Err(self.log.explain(refused, n).into()),
        }
    }

    /// How many jobs can be recorded at once.
    pub fn most(&self) -> usize {
        let most = self.log.max_reserve();
        let checkpoints = self.checkpoints.as_ref();
        checkpoints.map_or(most, |checkpoints| checkpoints.most().min(most))
    }

    /// The log has come so far.
    #[inline]
    fn reached(&self, seq: Option<u64>) {
        if let (Some(checkpoints), Some(seq)) = (&self.checkpoints, seq) {
            checkpoints.reached(seq);
        }
    }

    /// Takes note of completions that were taken. They can't be refused: what the log doesn't take is counted there.
    #[inline]
    pub fn completed(&self, tenant: u64, completions: &[Completion]) {
        let latest = completions.iter().map(|c| c.end_epoch).max().unwrap_or(0);
        for some in completions.chunks(self.log.max_reserve()) {
            let Ok(mut cells) = self.log.reserve(some.len()) else {
                continue;
            };
            self.reached(cells.seq());
            for completion in some {
                cells.completion(&rota_recorder::Completion {
                    tenant,
                    ticket: completion.ticket,
                    status: completion.status,
                    fault: completion.fault,
                    results: completion.results,
                    fuel: completion.fuel,
                    module_version: completion.module_version,
                    digest: completion.digest,
                    flags: 0,
                    begin_epoch: completion.begin_epoch,
                    end_epoch: completion.end_epoch,
                });
            }
        }
        self.completions
            .fetch_add(completions.len() as u64, Ordering::Relaxed);
        // After the records: who sees this epoch in a record finds their completions before it.
        self.epoch_seen.fetch_max(latest, Ordering::AcqRel);
    }

    // ------------------------------------------------------------ what happens seldom

    /// What the log doesn't take is counted there.
    fn tell(&self, record: rota_recorder::Record) {
        let append = || {
            self.log.append(&record).unwrap_or_else(|e| {
                log::warn!("the recorder has lost a record of a {}: {e}", record.name());
                None
            })
        };
        let seq = match &self.checkpoints {
            Some(checkpoints) => checkpoints.tell(&record, append),
            None => append(),
        };
        self.reached(seq);
    }

    /// A label as it is recorded: nobody reads more of it.
    fn label(label: &str) -> String {
        label.chars().take(MOST_LABEL).collect()
    }

    pub fn tenant(
        &self,
        tenant: u64,
        event: TenantEvent,
        label: &str,
        options: Vec<(String, String)>,
        end_epoch: u64,
    ) {
        self.tell(
            rota_recorder::Tenant {
                tenant,
                event,
                label: Self::label(label),
                options,
                end_epoch,
            }
            .into(),
        );
    }

    /// Something that happened to a buffer.
    pub fn buffer(&self, buffer: Buffer) {
        self.tell(buffer.into());
    }

    /// What is kept of data: its hash, if it is wanted, and the data, if it is.
    pub fn data(&self, bytes: &[u8]) -> Option<Hash> {
        match self.capture {
            Capture::Jobs => None,
            Capture::Digests => Some(Hash::of(bytes)),
            Capture::Full => Some(self.keep(bytes)),
        }
    }

    /// Puts bytes into the object store. Without room for them their hash still says what is missing.
    fn keep(&self, bytes: &[u8]) -> Hash {
        let hash = Hash::of(bytes);
        let kept = match &self.checkpoints {
            Some(checkpoints) => checkpoints.keep(&self.log, hash, bytes),
            None => self.log.objects().put_as(hash, bytes),
        };
        if let Err(e) = kept {
            if self.lost_objects.fetch_add(1, Ordering::Relaxed) == 0 {
                log::warn!("the recorder can't keep data: {e}");
            }
        }
        hash
    }

    /// An event of a module of a tenant; of the runtime, if `tenant` is 0.
    pub fn module(
        &self,
        tenant: u64,
        (module, version, event): (u32, u32, ModuleEvent),
        about: Option<(&str, &str, &[HandlerOptions])>,
        end_epoch: u64,
    ) {
        let (label, source, handlers) = match about {
            Some((label, source, handlers)) => {
                (label, Some(self.keep(source.as_bytes())), handlers)
            }
            None => ("", None, &[][..]),
        };
        let handlers = handlers
            .iter()
            .map(|h| Handler {
                opcode: h.opcode,
                number: 0,
                tiled: h.tiled,
                fuel: h.fuel,
                name: h.function.clone(),
            })
            .collect();
        self.tell(
            Module {
                tenant,
                module,
                version,
                event,
                label: Self::label(label),
                source,
                first_handler: 0,
                all_handlers: 0,
                handlers,
                end_epoch,
            }
            .into(),
        );
    }

    /// The kernel can't go on.
    pub fn failure(&self, error: &Error) {
        let (class, code) = match error {
            Error::Driver { result, .. } if *result == vk::Result::ERROR_DEVICE_LOST => {
                (EvidenceClass::DeviceLoss, result.as_raw())
            }
            Error::Driver { result, .. } => (EvidenceClass::Unclassified, result.as_raw()),
            _ => (EvidenceClass::Unclassified, 0),
        };
        let text = error.to_string();
        self.tell(Evidence::new(0, 0, class, code, text.as_bytes()).into());
    }

    pub fn evidence(
        &self,
        tenant: u64,
        ticket: u64,
        class: EvidenceClass,
        code: i32,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let evidence = Evidence::new(tenant, ticket, class, code, bytes);
        self.log.append(&evidence.into())?;
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.tell(
            RunEnd {
                reason: "closed".into(),
                jobs: self.jobs.load(Ordering::Relaxed),
                completions: self.completions.load(Ordering::Relaxed),
            }
            .into(),
        );
        if let Err(e) = self.log.close() {
            log::warn!("the recorder's log was not closed in order: {e}");
        }
    }
}

impl JobCells<'_> {
    /// Records the next job: before its slot is stamped.
    #[inline]
    pub fn job(&mut self, recorder: &Recorder, tenant: u64, ticket: u64, job: &Job) {
        let Some(cells) = &mut self.0 else { return };
        cells.job(&rota_recorder::Job {
            tenant,
            ticket,
            opcode: job.opcode,
            flags: job.flags,
            tiles: job.tiles,
            fuel: job.fuel,
            args: job.args,
            user_data: job.user_data,
            epoch_seen: recorder.epoch_seen.load(Ordering::Relaxed),
        });
    }
}
