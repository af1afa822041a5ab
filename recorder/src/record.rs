//! What a log can tell: the records, and how they stand in cells. docs/recorder-format.md has every field.
//!
//! A job and a completion are one cell each and have fixed places for their fields. The others are a body of any
//! length: four bytes that say how long, then the fields one after the other; what a later version adds stands behind
//! them and is passed over by readers that don't know it.

use crate::cell::{Head, Payload, MAX_PARTS, PAYLOAD_BYTES};
use crate::error::Error;
use crate::objects::Hash;
use crate::wire::{Malformed, Put, Take};

/// Bytes of the longest body.
pub const MAX_BODY: usize = MAX_PARTS * PAYLOAD_BYTES - 4;
/// Bytes of evidence that a record keeps itself.
pub const INLINE_EVIDENCE: usize = 16384;

/// Numbers of the kinds of records.
pub mod kind {
    pub const VOID: u16 = 0;
    pub const RUN_START: u16 = 1;
    pub const RUN_END: u16 = 2;
    pub const TENANT: u16 = 3;
    pub const MODULE: u16 = 4;
    pub const BUFFER: u16 = 5;
    pub const JOB: u16 = 6;
    pub const COMPLETION: u16 = 7;
    pub const EVIDENCE: u16 = 8;
    pub const GAP: u16 = 9;
    pub const CHECKPOINT: u16 = 10;
    pub const NOTE: u16 = 11;
}

/// An enum with stable numbers, which keeps those that it doesn't know.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// Of a later version.
            Other(u8),
        }

        impl $name {
            pub fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)+
                    Self::Other(number) => number,
                }
            }
            pub fn from_number(number: u8) -> Self {
                match number {
                    $($number => Self::$variant,)+
                    other => Self::Other(other),
                }
            }
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(_) => "unknown",
                }
            }
        }
    };
}

numbered! {
    /// Why a cell holds no record.
    VoidWhy {
        /// Its reservation was dropped.
        Dropped = 1 "dropped",
        /// Reserved, and not committed when the process ended.
        Uncommitted = 2 "uncommitted",
        /// It didn't reach the disk whole before a crash.
        Lost = 3 "lost",
    }
}

numbered! {
    TenantEvent {
        Created = 1 "created",
        /// Options, quota, weight or another setting.
        Changed = 2 "changed",
        Draining = 3 "draining",
        Revoked = 4 "revoked",
        Destroyed = 5 "destroyed",
    }
}

numbered! {
    ModuleEvent {
        Loaded = 1 "loaded",
        Replaced = 2 "replaced",
        Unloaded = 3 "unloaded",
        /// A tenant may call the runtime's module; `handlers` has the opcodes and numbers that it got.
        Granted = 4 "granted",
    }
}

numbered! {
    BufferEvent {
        Created = 1 "created",
        Written = 2 "written",
        Filled = 3 "filled",
        /// `other_tenant` may use it, as `other_handle`.
        Granted = 4 "granted",
        TakenBack = 5 "taken back",
        Destroyed = 6 "destroyed",
        /// The host may write it by a mapping, unseen.
        Mapped = 7 "mapped",
        Unmapped = 8 "unmapped",
        Imported = 9 "imported",
    }
}

numbered! {
    EvidenceClass {
        DeviceLoss = 1 "device loss",
        Transient = 2 "transient",
        ProgramBug = 3 "program bug",
        Unclassified = 4 "unclassified",
    }
}

numbered! {
    GapWhy {
        /// The stage was full, and the log was not to wait.
        Full = 1 "full",
        /// Untold refusals of a run that a crash ended.
        Crash = 2 "crash",
    }
}

/// Names and values, for people and for replay. The order is kept.
pub type Options = Vec<(String, String)>;

/// A cell without a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Void {
    pub why: VoidWhy,
}

/// A runtime was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunStart {
    pub library_version: String,
    pub device: String,
    pub driver: String,
    /// `resident` or `batch`.
    pub mode: String,
    /// What is recorded of buffers.
    pub capture: String,
    pub pid: u32,
    /// Lanes of a worker.
    pub lanes: u32,
    pub options: Options,
}

/// A runtime was closed, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunEnd {
    pub reason: String,
    pub jobs: u64,
    pub completions: u64,
}

/// A tenant came, changed or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub tenant: u64,
    pub event: TenantEvent,
    pub label: String,
    pub options: Options,
    /// The device's epoch when it happened.
    pub end_epoch: u64,
}

/// One handler of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handler {
    pub opcode: u32,
    pub number: u32,
    pub tiled: bool,
    pub fuel: u32,
    pub name: String,
}

/// Handlers were loaded, replaced, granted or unloaded.
///
/// One with more handlers than fit a record is several records, each with the handlers from `first_handler` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    pub tenant: u64,
    pub module: u32,
    pub version: u32,
    pub event: ModuleEvent,
    pub label: String,
    /// Of the source, which is in the object store.
    pub source: Option<Hash>,
    pub first_handler: u32,
    pub all_handlers: u32,
    pub handlers: Vec<Handler>,
    /// The device's epoch when it happened.
    pub end_epoch: u64,
}

/// Something happened to a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    pub tenant: u64,
    pub handle: u32,
    pub event: BufferEvent,
    pub read_only: bool,
    pub other_tenant: u64,
    pub other_handle: u32,
    pub offset: u64,
    pub length: u64,
    /// What it was filled with.
    pub value: u32,
    /// Of what was written, which may be in the object store.
    pub data: Option<Hash>,
    /// How many jobs its tenant had published.
    pub tail: u64,
    /// The device's epoch as the host knew it.
    pub end_epoch: u64,
}

impl Buffer {
    /// An event of a buffer, with all else zero.
    pub fn new(tenant: u64, handle: u32, event: BufferEvent) -> Self {
        Self {
            tenant,
            handle,
            event,
            read_only: false,
            other_tenant: 0,
            other_handle: 0,
            offset: 0,
            length: 0,
            value: 0,
            data: None,
            tail: 0,
            end_epoch: 0,
        }
    }
}

/// A job that is published, or about to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Job {
    pub tenant: u64,
    pub ticket: u64,
    pub opcode: u32,
    pub flags: u32,
    pub tiles: u32,
    pub fuel: u32,
    pub args: [u32; 10],
    pub user_data: u64,
    /// The device's epoch as the host knew it.
    pub epoch_seen: u64,
}

/// A completion that was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    pub tenant: u64,
    pub ticket: u64,
    pub status: u32,
    pub fault: u32,
    pub results: [u32; 2],
    pub fuel: u32,
    pub module_version: u32,
    pub digest: u64,
    pub flags: u32,
    pub begin_epoch: u64,
    pub end_epoch: u64,
}

/// What is known about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub tenant: u64,
    /// Of the job that it is about; 0 for none.
    pub ticket: u64,
    pub class: EvidenceClass,
    /// What the driver said, a `VkResult`.
    pub backend_code: i32,
    /// Of all of it.
    pub digest: Hash,
    /// How long all of it is.
    pub length: u64,
    /// Its first bytes, at most `INLINE_EVIDENCE`.
    pub bytes: Vec<u8>,
}

impl Evidence {
    /// Hashes the evidence and keeps its first bytes.
    pub fn new(
        tenant: u64,
        ticket: u64,
        class: EvidenceClass,
        backend_code: i32,
        all: &[u8],
    ) -> Self {
        Self {
            tenant,
            ticket,
            class,
            backend_code,
            digest: Hash::of(all),
            length: all.len() as u64,
            bytes: all[..all.len().min(INLINE_EVIDENCE)].into(),
        }
    }
}

/// Records are missing that nobody kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub why: GapWhy,
    pub lost: u64,
    /// Monotonic time of the first and the last of them.
    pub first_ns: u64,
    pub last_ns: u64,
}

/// A moment at which no job was open: what there was then, so that a log can be run again from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// It stands for all records of its run below this number.
    pub before: u64,
    /// The device's epoch.
    pub end_epoch: u64,
    pub tenants: u32,
    pub buffers: u32,
    /// Of the data that buffers held.
    pub bytes: u64,
    /// The records that lead to this state (`Record::pack`), which are in the object store.
    pub state: Hash,
}

/// A line for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    pub tenant: u64,
    pub text: String,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Void(Void),
    RunStart(Box<RunStart>),
    RunEnd(RunEnd),
    Tenant(Tenant),
    Module(Box<Module>),
    Buffer(Box<Buffer>),
    Job(Job),
    Completion(Completion),
    Evidence(Box<Evidence>),
    Gap(Gap),
    Checkpoint(Checkpoint),
    Note(Note),
    /// Of a later version: all bytes of its cells.
    Unknown {
        kind: u16,
        bytes: Vec<u8>,
    },
}

macro_rules! into_record {
    ($($name:ident $(($boxed:ident))?),+) => {
        $(impl From<$name> for Record {
            fn from(it: $name) -> Self {
                Self::$name($($boxed::new)?(it))
            }
        })+
    };
}
into_record!(
    Void,
    RunStart(Box),
    RunEnd,
    Tenant,
    Module(Box),
    Buffer(Box),
    Job,
    Completion,
    Evidence(Box),
    Gap,
    Checkpoint,
    Note
);

fn pair(low: u32, high: u32) -> u64 {
    (low as u64 | (high as u64) << 32).to_le()
}

fn unpair(word: u64) -> (u32, u32) {
    let word = u64::from_le(word);
    (word as u32, (word >> 32) as u32)
}

impl Job {
    #[inline]
    pub(crate) fn payload(&self) -> Payload {
        let a = &self.args;
        [
            self.tenant.to_le(),
            self.ticket.to_le(),
            pair(self.opcode, self.flags),
            pair(self.tiles, self.fuel),
            pair(a[0], a[1]),
            pair(a[2], a[3]),
            pair(a[4], a[5]),
            pair(a[6], a[7]),
            pair(a[8], a[9]),
            self.user_data.to_le(),
            self.epoch_seen.to_le(),
        ]
    }

    fn from_payload(words: &Payload) -> Self {
        let (opcode, flags) = unpair(words[2]);
        let (tiles, fuel) = unpair(words[3]);
        let mut args = [0; 10];
        for (two, &word) in args.chunks_exact_mut(2).zip(&words[4..9]) {
            (two[0], two[1]) = unpair(word);
        }
        Self {
            tenant: u64::from_le(words[0]),
            ticket: u64::from_le(words[1]),
            opcode,
            flags,
            tiles,
            fuel,
            args,
            user_data: u64::from_le(words[9]),
            epoch_seen: u64::from_le(words[10]),
        }
    }
}

impl Completion {
    #[inline]
    pub(crate) fn payload(&self) -> Payload {
        [
            self.tenant.to_le(),
            self.ticket.to_le(),
            pair(self.status, self.fault),
            pair(self.results[0], self.results[1]),
            pair(self.fuel, self.module_version),
            self.digest.to_le(),
            pair(self.flags, 0),
            self.begin_epoch.to_le(),
            self.end_epoch.to_le(),
            0,
            0,
        ]
    }

    fn from_payload(words: &Payload) -> Self {
        let (status, fault) = unpair(words[2]);
        let results = unpair(words[3]);
        let (fuel, module_version) = unpair(words[4]);
        Self {
            tenant: u64::from_le(words[0]),
            ticket: u64::from_le(words[1]),
            status,
            fault,
            results: results.into(),
            fuel,
            module_version,
            digest: u64::from_le(words[5]),
            flags: unpair(words[6]).0,
            begin_epoch: u64::from_le(words[7]),
            end_epoch: u64::from_le(words[8]),
        }
    }
}

impl Void {
    pub(crate) fn payload(&self) -> Payload {
        let mut words = [0; 11];
        words[0] = pair(1, self.why.number() as u32);
        words
    }
}

impl Handler {
    fn put(&self, out: &mut Put) {
        out.u32(self.opcode);
        out.u32(self.number);
        out.u8(self.tiled as u8);
        out.u32(self.fuel);
        out.text(&self.name);
    }

    fn take(from: &mut Take) -> Result<Self, Malformed> {
        Ok(Self {
            opcode: from.u32()?,
            number: from.u32()?,
            tiled: from.flag()?,
            fuel: from.u32()?,
            name: from.text()?,
        })
    }

    /// Bytes that it takes in a body.
    fn bytes(&self) -> usize {
        17 + self.name.len()
    }
}

impl Module {
    /// As many records as its handlers need.
    pub(crate) fn split(&self) -> Vec<Module> {
        let shell = Module {
            handlers: Vec::new(),
            all_handlers: self.handlers.len() as u32,
            ..self.clone()
        };
        let room = MAX_BODY.saturating_sub(shell.body().len());
        let mut out = vec![shell.clone()];
        let mut used = 0;
        for (i, handler) in self.handlers.iter().enumerate() {
            used += handler.bytes();
            let last = out.last_mut().expect("there is one from the start");
            if used <= room || last.handlers.is_empty() {
                last.handlers.push(handler.clone());
                continue;
            }
            used = handler.bytes();
            out.push(Module {
                first_handler: i as u32,
                handlers: vec![handler.clone()],
                ..shell.clone()
            });
        }
        out
    }

    fn body(&self) -> Vec<u8> {
        let mut out = Put::default();
        out.u64(self.tenant);
        out.u32(self.module);
        out.u32(self.version);
        out.u8(self.event.number());
        out.text(&self.label);
        out.some_hash(self.source.as_ref().map(|hash| &hash.0));
        out.u32(self.first_handler);
        out.u32(self.all_handlers);
        out.u32(self.handlers.len() as u32);
        for handler in &self.handlers {
            handler.put(&mut out);
        }
        out.u64(self.end_epoch);
        out.0
    }
}

/// A record as it stands in cells.
pub(crate) struct Encoded {
    pub kind: u16,
    pub parts: Vec<Payload>,
}

impl Record {
    pub fn kind(&self) -> u16 {
        match self {
            Self::Void(_) => kind::VOID,
            Self::RunStart(_) => kind::RUN_START,
            Self::RunEnd(_) => kind::RUN_END,
            Self::Tenant(_) => kind::TENANT,
            Self::Module(_) => kind::MODULE,
            Self::Buffer(_) => kind::BUFFER,
            Self::Job(_) => kind::JOB,
            Self::Completion(_) => kind::COMPLETION,
            Self::Evidence(_) => kind::EVIDENCE,
            Self::Gap(_) => kind::GAP,
            Self::Checkpoint(_) => kind::CHECKPOINT,
            Self::Note(_) => kind::NOTE,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// What the record's kind is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Void(_) => "void",
            Self::RunStart(_) => "run start",
            Self::RunEnd(_) => "run end",
            Self::Tenant(_) => "tenant",
            Self::Module(_) => "module",
            Self::Buffer(_) => "buffer",
            Self::Job(_) => "job",
            Self::Completion(_) => "completion",
            Self::Evidence(_) => "evidence",
            Self::Gap(_) => "gap",
            Self::Checkpoint(_) => "checkpoint",
            Self::Note(_) => "note",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The payloads of its cells.
    pub(crate) fn encode(&self) -> Result<Encoded, Error> {
        let kind = self.kind();
        let one = |payload| {
            Ok(Encoded {
                kind,
                parts: vec![payload],
            })
        };
        let mut out = Put::default();
        match self {
            Self::Job(job) => return one(job.payload()),
            Self::Completion(completion) => return one(completion.payload()),
            Self::Void(void) => return one(void.payload()),
            Self::Unknown { bytes, .. } => return cells(kind, bytes),
            Self::RunStart(it) => {
                for text in [
                    &it.library_version,
                    &it.device,
                    &it.driver,
                    &it.mode,
                    &it.capture,
                ] {
                    out.text(text);
                }
                out.u32(it.pid);
                out.u32(it.lanes);
                out.pairs(&it.options);
            }
            Self::RunEnd(it) => {
                out.text(&it.reason);
                out.u64(it.jobs);
                out.u64(it.completions);
            }
            Self::Tenant(it) => {
                out.u64(it.tenant);
                out.u8(it.event.number());
                out.text(&it.label);
                out.pairs(&it.options);
                out.u64(it.end_epoch);
            }
            Self::Module(it) => out.0 = it.body(),
            Self::Buffer(it) => {
                out.u64(it.tenant);
                out.u32(it.handle);
                out.u8(it.event.number());
                out.u8(it.read_only as u8);
                out.u64(it.other_tenant);
                out.u32(it.other_handle);
                out.u64(it.offset);
                out.u64(it.length);
                out.u32(it.value);
                out.u64(it.tail);
                out.u64(it.end_epoch);
                out.some_hash(it.data.as_ref().map(|hash| &hash.0));
            }
            Self::Evidence(it) => {
                out.u64(it.tenant);
                out.u64(it.ticket);
                out.u8(it.class.number());
                out.u32(it.backend_code as u32);
                out.hash(&it.digest.0);
                out.u64(it.length);
                out.bytes(&it.bytes);
            }
            Self::Gap(it) => {
                out.u8(it.why.number());
                out.u64(it.lost);
                out.u64(it.first_ns);
                out.u64(it.last_ns);
            }
            Self::Checkpoint(it) => {
                out.u64(it.before);
                out.u64(it.end_epoch);
                out.u32(it.tenants);
                out.u32(it.buffers);
                out.u64(it.bytes);
                out.hash(&it.state.0);
            }
            Self::Note(it) => {
                out.u64(it.tenant);
                out.text(&it.text);
            }
        }
        let mut body = Put::default();
        body.bytes(&out.0);
        cells(kind, &body.0)
    }

    /// The records that it becomes in a log: a module with more handlers than one record holds becomes several.
    pub(crate) fn pieces(&self) -> Vec<Record> {
        match self {
            Self::Module(module) => module.split().into_iter().map(Record::from).collect(),
            other => vec![other.clone()],
        }
    }

    /// Records as one piece of bytes: for each its kind and how many payloads it has, and the payloads.
    pub fn pack(records: &[Record]) -> Result<Vec<u8>, Error> {
        let mut out = Put::default();
        for record in records.iter().flat_map(Record::pieces) {
            let encoded = record.encode()?;
            out.u32(encoded.kind.into());
            out.u32(encoded.parts.len() as u32);
            for word in encoded.parts.iter().flatten() {
                out.0.extend_from_slice(&word.to_ne_bytes());
            }
        }
        Ok(out.0)
    }

    /// The records of such a piece; `None` if it isn't one.
    pub fn unpack(bytes: &[u8]) -> Option<Vec<Record>> {
        let mut from = Take(bytes);
        let mut records = Vec::new();
        while !from.0.is_empty() {
            let kind = u16::try_from(from.u32().ok()?).ok()?;
            let count = from.u32().ok()? as usize;
            let (head, rest) = from.0.split_at_checked(count.checked_mul(PAYLOAD_BYTES)?)?;
            from.0 = rest;
            let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
            let payload = |bytes: &[u8]| -> Payload {
                std::array::from_fn(|n| word(&bytes[8 * n..8 * n + 8]))
            };
            let parts: Vec<Payload> = head.chunks(PAYLOAD_BYTES).map(payload).collect();
            records.push(Self::decode(kind, &parts).ok()?);
        }
        Some(records)
    }

    /// The object that it names.
    pub fn object(&self) -> Option<Hash> {
        match self {
            Self::Module(it) => it.source,
            Self::Buffer(it) => it.data,
            Self::Checkpoint(it) => Some(it.state),
            _ => None,
        }
    }

    /// A job or a completion, if the cell has one.
    #[inline]
    pub(crate) fn of_one_cell(head: &Head, payload: &Payload) -> Option<Self> {
        match (head.kind, head.parts) {
            (kind::JOB, 1) => Some(Job::from_payload(payload).into()),
            (kind::COMPLETION, 1) => Some(Completion::from_payload(payload).into()),
            _ => None,
        }
    }

    /// The record that the payloads of a kind's cells make.
    pub(crate) fn decode(kind: u16, parts: &[Payload]) -> Result<Self, Malformed> {
        match (kind, parts) {
            (kind::JOB, [words]) => return Ok(Job::from_payload(words).into()),
            (kind::COMPLETION, [words]) => return Ok(Completion::from_payload(words).into()),
            (kind::JOB | kind::COMPLETION, _) | (_, []) => return Err(Malformed),
            _ => {}
        }
        let bytes: Vec<u8> = parts
            .iter()
            .flatten()
            .flat_map(|word| word.to_ne_bytes())
            .collect();
        if kind > kind::NOTE {
            return Ok(Self::Unknown { kind, bytes });
        }
        let mut from = Take(Take(&bytes).bytes()?);
        let from = &mut from;
        Ok(match kind {
            kind::VOID => Void {
                why: VoidWhy::from_number(from.u8()?),
            }
            .into(),
            kind::RUN_START => RunStart {
                library_version: from.text()?,
                device: from.text()?,
                driver: from.text()?,
                mode: from.text()?,
                capture: from.text()?,
                pid: from.u32()?,
                lanes: from.u32()?,
                options: from.pairs()?,
            }
            .into(),
            kind::RUN_END => RunEnd {
                reason: from.text()?,
                jobs: from.u64()?,
                completions: from.u64()?,
            }
            .into(),
            kind::TENANT => Tenant {
                tenant: from.u64()?,
                event: TenantEvent::from_number(from.u8()?),
                label: from.text()?,
                options: from.pairs()?,
                end_epoch: from.u64()?,
            }
            .into(),
            kind::MODULE => Module {
                tenant: from.u64()?,
                module: from.u32()?,
                version: from.u32()?,
                event: ModuleEvent::from_number(from.u8()?),
                label: from.text()?,
                source: from.some_hash()?.map(Hash),
                first_handler: from.u32()?,
                all_handlers: from.u32()?,
                handlers: {
                    let n = from.u32()?;
                    (0..n)
                        .map(|_| Handler::take(from))
                        .collect::<Result<_, _>>()?
                },
                end_epoch: from.u64()?,
            }
            .into(),
            kind::BUFFER => Buffer {
                tenant: from.u64()?,
                handle: from.u32()?,
                event: BufferEvent::from_number(from.u8()?),
                read_only: from.flag()?,
                other_tenant: from.u64()?,
                other_handle: from.u32()?,
                offset: from.u64()?,
                length: from.u64()?,
                value: from.u32()?,
                tail: from.u64()?,
                end_epoch: from.u64()?,
                data: from.some_hash()?.map(Hash),
            }
            .into(),
            kind::EVIDENCE => Evidence {
                tenant: from.u64()?,
                ticket: from.u64()?,
                class: EvidenceClass::from_number(from.u8()?),
                backend_code: from.u32()? as i32,
                digest: Hash(from.hash()?),
                length: from.u64()?,
                bytes: from.bytes()?.into(),
            }
            .into(),
            kind::GAP => Gap {
                why: GapWhy::from_number(from.u8()?),
                lost: from.u64()?,
                first_ns: from.u64()?,
                last_ns: from.u64()?,
            }
            .into(),
            kind::CHECKPOINT => Checkpoint {
                before: from.u64()?,
                end_epoch: from.u64()?,
                tenants: from.u32()?,
                buffers: from.u32()?,
                bytes: from.u64()?,
                state: Hash(from.hash()?),
            }
            .into(),
            _ => Note {
                tenant: from.u64()?,
                text: from.text()?,
            }
            .into(),
        })
    }
}

/// Bytes cut into payloads; the last one ends in zeros.
fn cells(kind: u16, bytes: &[u8]) -> Result<Encoded, Error> {
    if bytes.len() > MAX_PARTS * PAYLOAD_BYTES {
        return Err(Error::RecordTooLarge {
            bytes: bytes.len(),
            limit: MAX_PARTS * PAYLOAD_BYTES,
        });
    }
    let cell = |chunk: &[u8]| {
        let mut words = [0; 11];
        for (word, bytes) in words.iter_mut().zip(chunk.chunks(8)) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_ne_bytes(eight);
        }
        words
    };
    let parts = match bytes.is_empty() {
        true => vec![[0; 11]],
        false => bytes.chunks(PAYLOAD_BYTES).map(cell).collect(),
    };
    Ok(Encoded { kind, parts })
}
