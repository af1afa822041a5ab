//! What can go wrong, and the stable number of each.

use std::path::PathBuf;

use ash::vk;

use crate::tenant::Resource;

/// The stable numbers of what a call can answer; the same in C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    Ok = 0,
    WouldBlock = 1,
    Timeout = 2,
    InvalidArgument = 3,
    NullPointer = 4,
    InvalidStructSize = 5,
    InvalidHandle = 6,
    InvalidTicket = 7,
    InvalidOpcode = 8,
    InvalidTiles = 9,
    OutOfRange = 10,
    OutOfMemory = 11,
    OutOfDeviceMemory = 12,
    OutOfRingMemory = 13,
    QuotaExceeded = 14,
    NoDriver = 15,
    NoDevice = 16,
    DeviceUnsupported = 17,
    DeviceLost = 18,
    DriverError = 19,
    Stopped = 20,
    Unsupported = 21,
    IoError = 22,
    Panic = 23,
    WrongState = 24,
    InvalidModule = 25,
    OpcodeTaken = 26,
    KernelFull = 27,
    LogInUse = 28,
    NotALog = 29,
    LogDamaged = 30,
    LogTooNew = 31,
    DataMissing = 32,
    NotReplayable = 33,
}

/// Every status with its name and a line for people.
const STATUSES: [(Status, &str, &str); 34] = [
    (Status::Ok, "OK", "success"),
    (
        Status::WouldBlock,
        "WOULD_BLOCK",
        "the ring is full: take completions, then submit the rest",
    ),
    (
        Status::Timeout,
        "TIMEOUT",
        "nothing happened within the time given",
    ),
    (
        Status::InvalidArgument,
        "INVALID_ARGUMENT",
        "an argument has a value that isn't allowed",
    ),
    (
        Status::NullPointer,
        "NULL_POINTER",
        "a pointer that has to point somewhere is NULL",
    ),
    (
        Status::InvalidStructSize,
        "INVALID_STRUCT_SIZE",
        "struct_size is 0, or fields this library doesn't know are set",
    ),
    (
        Status::InvalidHandle,
        "INVALID_HANDLE",
        "the handle is closed, stale, or of another kind or owner",
    ),
    (
        Status::InvalidTicket,
        "INVALID_TICKET",
        "the ticket was never given by this tenant, or its completion was taken",
    ),
    (
        Status::InvalidOpcode,
        "INVALID_OPCODE",
        "no handler of this tenant has that opcode",
    ),
    (
        Status::InvalidTiles,
        "INVALID_TILES",
        "tiles must be 1 to 16777216, and 1 for a scalar handler",
    ),
    (
        Status::OutOfRange,
        "OUT_OF_RANGE",
        "the range reaches beyond the buffer's end",
    ),
    (
        Status::OutOfMemory,
        "OUT_OF_MEMORY",
        "the host has no memory left",
    ),
    (
        Status::OutOfDeviceMemory,
        "OUT_OF_DEVICE_MEMORY",
        "the device has no memory left",
    ),
    (
        Status::OutOfRingMemory,
        "OUT_OF_RING_MEMORY",
        "the ring memory has no room for another tenant",
    ),
    (
        Status::QuotaExceeded,
        "QUOTA_EXCEEDED",
        "a quota of the tenant or the runtime doesn't allow it",
    ),
    (
        Status::NoDriver,
        "NO_DRIVER",
        "no Vulkan loader or driver is installed",
    ),
    (Status::NoDevice, "NO_DEVICE", "no Vulkan device matches"),
    (
        Status::DeviceUnsupported,
        "DEVICE_UNSUPPORTED",
        "the device lacks something that Rota needs",
    ),
    (
        Status::DeviceLost,
        "DEVICE_LOST",
        "the device was lost; open a new runtime",
    ),
    (Status::DriverError, "DRIVER_ERROR", "a Vulkan call failed"),
    (Status::Stopped, "STOPPED", "the runtime was stopped"),
    (
        Status::Unsupported,
        "UNSUPPORTED",
        "the device or this build can't do it",
    ),
    (Status::IoError, "IO_ERROR", "a file or system call failed"),
    (
        Status::Panic,
        "PANIC",
        "a bug in Rota was caught; destroy the runtime",
    ),
    (
        Status::WrongState,
        "WRONG_STATE",
        "the object is not in a state that allows it",
    ),
    (
        Status::InvalidModule,
        "INVALID_MODULE",
        "the module's source was rejected; the message says where and why",
    ),
    (
        Status::OpcodeTaken,
        "OPCODE_TAKEN",
        "the tenant has a handler of that opcode already",
    ),
    (
        Status::KernelFull,
        "KERNEL_FULL",
        "the kernel has no room for more handlers",
    ),
    (
        Status::LogInUse,
        "LOG_IN_USE",
        "another runtime or program records into this log",
    ),
    (
        Status::NotALog,
        "NOT_A_LOG",
        "a folder, or another program's file, and no log of Rota's",
    ),
    (
        Status::LogDamaged,
        "LOG_DAMAGED",
        "the log or its data is empty, cut off or damaged",
    ),
    (
        Status::LogTooNew,
        "LOG_TOO_NEW",
        "a later version wrote the log, with what this one doesn't know",
    ),
    (
        Status::DataMissing,
        "DATA_MISSING",
        "the log names data that isn't kept beside it",
    ),
    (
        Status::NotReplayable,
        "NOT_REPLAYABLE",
        "the log has neither the beginning of a run nor a checkpoint",
    ),
];

impl Status {
    /// The status of that number.
    pub fn from_code(code: i32) -> Option<Self> {
        STATUSES.get(usize::try_from(code).ok()?).map(|s| s.0)
    }

    /// All of them, in order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        STATUSES.iter().map(|s| s.0)
    }

    /// As in the C header, without the prefix.
    pub fn name(self) -> &'static str {
        STATUSES[self as usize].1
    }

    /// One line: what it means and what to do.
    pub fn text(self) -> &'static str {
        STATUSES[self as usize].2
    }
}

/// An error. The kinds that the hot path can give carry no text, so that they cost nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the ring is full: take completions, then submit the rest")]
    WouldBlock,
    #[error("nothing happened within the time given")]
    Timeout,
    #[error("{0}")]
    InvalidArgument(&'static str),
    #[error("{what} is {value}, but must be {allowed}")]
    InvalidValue {
        what: &'static str,
        value: u64,
        allowed: &'static str,
    },
    #[error("the tenant or runtime is closed")]
    Closed,
    #[error("buffer {0:#010x} is not a live buffer of this tenant")]
    InvalidBuffer(u32),
    #[error("ticket {0:#018x} was never given by this tenant, or its completion was taken")]
    InvalidTicket(u64),
    #[error("opcode {0:#x} has no handler; standard handlers are below 0x1000, and others are loaded with a module")]
    InvalidOpcode(u32),
    #[error("{tiles} tiles for opcode {opcode:#x}, but {allowed}")]
    InvalidTiles {
        opcode: u32,
        tiles: u32,
        allowed: &'static str,
    },
    #[error("a budget of {fuel} loop iterations a lane is more than the {most} that this device can run in one go")]
    InvalidFuel { fuel: u32, most: u32 },
    #[error("job flags {0:#x} are not all known")]
    InvalidFlags(u32),
    #[error("bytes {offset} to {offset}+{len} reach beyond the buffer's {size}")]
    OutOfRange { offset: u64, len: u64, size: u64 },
    #[error("the host has no memory left for {0}")]
    OutOfMemory(&'static str),
    #[error("the device has no memory for {bytes} more bytes in one piece: {why}")]
    OutOfDeviceMemory { bytes: u64, why: &'static str },
    #[error("no ring of {slots} slots is free: {tenants} tenants are registered and the ring memory would fit {fit} more slots in one piece; use fewer slots, destroy tenants, or open the runtime with other limits")]
    OutOfRingMemory { slots: u32, tenants: u32, fit: u32 },
    #[error("no Vulkan driver: {looked_for}. Install the Vulkan loader and a driver: on Debian and Ubuntu `apt install libvulkan1 mesa-vulkan-drivers` (runs on any machine, also without a GPU), or your GPU vendor's driver; `rota doctor` shows what is found")]
    NoDriver { looked_for: String },
    #[error("no Vulkan device matches '{wanted}'; there are: {found}")]
    NoDevice { wanted: String, found: String },
    #[error("device '{device}' can't run Rota: {why}")]
    DeviceUnsupported { device: String, why: String },
    #[error(
        "the device was lost; jobs that were open have the status DEVICE_LOST; open a new runtime"
    )]
    DeviceLost,
    #[error("a bug in Rota was caught: {0}")]
    Panicked(String),
    #[error("{call} failed: {result}")]
    Driver {
        call: &'static str,
        result: vk::Result,
    },
    #[error("the driver didn't come to the end of a trial run of the kernel within five minutes")]
    DriverHangs,
    #[error("the kernel could not be composed: {0}")]
    Compose(#[from] crate::kernel::ComposeError),
    #[error("the runtime was stopped")]
    Stopped,
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("this library was built without metrics")]
    NoMetrics,
    #[error("live polling was asked for, but {0}; open with mode AUTO or BATCH")]
    NotResident(String),
    #[error("{0}")]
    NotReplayable(&'static str),
    #[error("the flight recorder: {0}")]
    Recorder(#[from] rota_recorder::Error),
    #[error("{what} '{path}': {source}", path = path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the metrics socket '{path}' has a path of {length} bytes, and a socket's may have {most}: take a shorter one", path = path.display())]
    SocketPathTooLong {
        path: PathBuf,
        length: usize,
        most: usize,
    },
    #[error("the metrics socket '{path}' is in use{by}: take another path, or in ROTA_METRICS_SOCKET one with %p, which stands for the process id", path = path.display(),
        by = if *process == 0 { String::new() } else { format!(" by process {process}") })]
    SocketInUse {
        path: PathBuf,
        /// 0 where that can't be told.
        process: u32,
    },
    #[error("the metrics socket '{path}' can't be made, since something else has that name: take another path, or remove it", path = path.display())]
    NotASocket { path: PathBuf },
    #[error("{what}: {source}")]
    System {
        what: &'static str,
        source: std::io::Error,
    },
    #[error("the exporter {exporter} of spans can't begin: {reason}")]
    Export {
        exporter: &'static str,
        reason: String,
    },
    #[error("the exporter {exporter} of spans can't be had: {reason}")]
    InvalidExporter {
        exporter: &'static str,
        reason: String,
    },
    #[error("{0}")]
    WrongState(&'static str),
    #[error("{text}")]
    InvalidModule { text: String },
    #[error("module {0:#010x} is not a loaded module of this tenant or runtime")]
    UnknownModule(u32),
    #[error(
        "opcode {opcode:#x} is outside of the tenant's window, which is {first:#x} to {last:#x}"
    )]
    OutsideWindow { opcode: u32, first: u32, last: u32 },
    #[error("opcode {0:#x} has a handler already; unload its module first, or replace it")]
    OpcodeTaken(u32),
    #[error("the kernel has no room for this module: {0}; unload others first")]
    KernelFull(String),
    #[error("no tenant is free: {tenants} of {most} are registered; destroy tenants, or open the runtime for more")]
    OutOfTenants { tenants: u32, most: u32 },
    #[error("the quota of {owner} allows {cap} {resource}; in use: {used}, asked for: {requested} more{help}",
        owner = if *of_runtime { "the runtime" } else { "the tenant" },
        help = if *retryable { "; some come back as jobs and copies end" } else { "" })]
    QuotaExceeded {
        resource: Resource,
        requested: u64,
        used: u64,
        cap: u64,
        /// Whose quota it is: that of all tenants together, or the tenant's own.
        of_runtime: bool,
        /// Whether waiting helps.
        retryable: bool,
    },
    #[error("a quota of {cap} {resource} is less than the {used} in use; nothing was changed")]
    QuotaBelowUse {
        resource: Resource,
        cap: u64,
        used: u64,
    },
    #[error("tenant {0:#018x} isn't registered with this runtime")]
    UnknownTenant(u64),
}

impl Error {
    /// The stable number.
    pub fn status(&self) -> Status {
        match self {
            Self::WouldBlock => Status::WouldBlock,
            Self::Timeout => Status::Timeout,
            Self::InvalidArgument(_)
            | Self::InvalidValue { .. }
            | Self::InvalidFlags(_)
            | Self::InvalidExporter { .. }
            | Self::InvalidFuel { .. }
            | Self::SocketPathTooLong { .. } => Status::InvalidArgument,
            Self::Closed
            | Self::InvalidBuffer(_)
            | Self::UnknownModule(_)
            | Self::UnknownTenant(_) => Status::InvalidHandle,
            Self::InvalidTicket(_) => Status::InvalidTicket,
            Self::InvalidOpcode(_) | Self::OutsideWindow { .. } => Status::InvalidOpcode,
            Self::InvalidTiles { .. } => Status::InvalidTiles,
            Self::OutOfRange { .. } => Status::OutOfRange,
            Self::OutOfMemory(_) => Status::OutOfMemory,
            Self::OutOfDeviceMemory { .. } => Status::OutOfDeviceMemory,
            Self::OutOfRingMemory { .. } | Self::OutOfTenants { .. } => Status::OutOfRingMemory,
            Self::QuotaExceeded { .. } | Self::QuotaBelowUse { .. } => Status::QuotaExceeded,
            Self::NoDriver { .. } => Status::NoDriver,
            Self::NoDevice { .. } => Status::NoDevice,
            Self::DeviceUnsupported { .. } => Status::DeviceUnsupported,
            Self::DeviceLost => Status::DeviceLost,
            Self::Driver {
                result: vk::Result::ERROR_DEVICE_LOST,
                ..
            } => Status::DeviceLost,
            Self::Driver {
                result: vk::Result::ERROR_OUT_OF_DEVICE_MEMORY,
                ..
            } => Status::OutOfDeviceMemory,
            Self::Driver {
                result: vk::Result::ERROR_OUT_OF_HOST_MEMORY,
                ..
            } => Status::OutOfMemory,
            Self::Driver { .. } | Self::DriverHangs | Self::Compose(_) => Status::DriverError,
            Self::Panicked(_) => Status::Panic,
            Self::Stopped => Status::Stopped,
            Self::Unsupported(_) | Self::NotResident(_) | Self::NoMetrics => Status::Unsupported,
            Self::Io { .. }
            | Self::System { .. }
            | Self::Export { .. }
            | Self::SocketInUse { .. }
            | Self::NotASocket { .. } => Status::IoError,
            Self::Recorder(e) => recorder_status(e),
            Self::NotReplayable(_) => Status::NotReplayable,
            Self::WrongState(_) => Status::WrongState,
            Self::InvalidModule { .. } => Status::InvalidModule,
            Self::OpcodeTaken(_) => Status::OpcodeTaken,
            Self::KernelFull(_) => Status::KernelFull,
        }
    }

    /// The `VkResult` behind it, or 0.
    pub fn vk_result(&self) -> i32 {
        match self {
            Self::Driver { result, .. } => result.as_raw(),
            Self::DeviceLost => vk::Result::ERROR_DEVICE_LOST.as_raw(),
            _ => 0,
        }
    }

    /// Whether the same call can succeed later without anything being changed by the caller.
    pub fn retryable(&self) -> bool {
        match self {
            Self::WouldBlock | Self::Timeout => true,
            Self::QuotaExceeded { retryable, .. } => *retryable,
            Self::Recorder(e) => {
                use rota_recorder::Error as E;
                matches!(e, E::StageFull | E::Timeout)
            }
            _ => false,
        }
    }
}

/// Names the call that gave a Vulkan error.
pub(crate) trait VkContext<T> {
    fn vk(self, call: &'static str) -> Result<T, Error>;
}

impl<T> VkContext<T> for Result<T, vk::Result> {
    fn vk(self, call: &'static str) -> Result<T, Error> {
        self.map_err(|result| Error::Driver { call, result })
    }
}

macro_rules! named_codes {
    ($(#[$doc:meta])* $name_fn:ident, $text_fn:ident, $unknown:expr, [$(($code:expr, $name:literal, $text:literal)),+ $(,)?]) => {
        /// The name, as in the C header without the prefix.
        pub fn $name_fn(code: u32) -> &'static str {
            match code { $(c if c == $code => $name,)+ _ => $unknown(code).0 }
        }

        $(#[$doc])*
        pub fn $text_fn(code: u32) -> &'static str {
            match code { $(c if c == $code => $text,)+ _ => $unknown(code).1 }
        }
    };
}

use crate::ring::layout::{completion_status as s, fault as f};

/// Name and text of a fault that is not in the table.
fn other_fault(code: u32) -> (&'static str, &'static str) {
    if code >= f::HANDLER {
        ("HANDLER", "the handler's own code")
    } else {
        ("UNKNOWN", "no such fault")
    }
}

named_codes! {
    /// What a completion's status means.
    completion_status_name, completion_status_text, |_| ("UNKNOWN", "no such status"), [
        (s::OK, "OK", "the job ran"),
        (s::FAULTED, "FAULTED", "the job ended early; its fault says why"),
        (s::SKIPPED, "SKIPPED", "an AFTER_OK job, and the one before it did not end OK"),
        (s::CANCELLED, "CANCELLED", "cancelled before all of it had run"),
        (s::REVOKED, "REVOKED", "its tenant was revoked before all of it had run"),
        (s::DEVICE_LOST, "DEVICE_LOST", "the device was lost; the job may or may not have run"),
    ]
}

named_codes! {
    /// What a fault means; codes from 0x10000 on are the handler's own.
    fault_name, fault_text, other_fault, [
        (f::NONE, "NONE", "no fault"),
        (f::UNKNOWN_OPCODE, "UNKNOWN_OPCODE", "the kernel has no handler of that opcode and kind"),
        (f::HANDLER_UNLOADED, "HANDLER_UNLOADED", "the handler was unloaded after the job was submitted"),
        (f::INVALID_TILES, "INVALID_TILES", "too few tiles for that many elements: see rota_tiles"),
        (f::INVALID_BUFFER, "INVALID_BUFFER", "no such buffer, or it was destroyed"),
        (f::FOREIGN_BUFFER, "FOREIGN_BUFFER", "the buffer belongs to another tenant"),
        (f::READ_ONLY, "READ_ONLY", "the buffer may not be written by jobs"),
        (f::OUT_OF_BOUNDS, "OUT_OF_BOUNDS", "an access beyond the buffer's end; nothing was read or written there"),
        (f::MISALIGNED, "MISALIGNED", "an offset is not a multiple of what the handler needs"),
        (f::FUEL_EXHAUSTED, "FUEL_EXHAUSTED", "the job ran out of loop iterations"),
        (f::LOOP_CUT, "LOOP_CUT", "the driver cut a loop short"),
        (f::INVALID_DATA, "INVALID_DATA", "a table that the handler reads is not what it should be"),
    ]
}

fn recorder_status(error: &rota_recorder::Error) -> Status {
    use rota_recorder::Error as E;
    match error {
        E::CapacityOutOfRange { .. }
        | E::StageOutOfRange { .. }
        | E::RecordTooLarge { .. }
        | E::TooManyCells { .. } => Status::InvalidArgument,
        E::InUse { .. } => Status::LogInUse,
        E::NotALog { .. } | E::IsAFolder { .. } | E::NotAFile { .. } => Status::NotALog,
        E::Empty { .. }
        | E::Truncated { .. }
        | E::HeaderDamaged { .. }
        | E::BadCell { .. }
        | E::ObjectDamaged { .. } => Status::LogDamaged,
        E::NewerVersion { .. } | E::UnknownFeature { .. } => Status::LogTooNew,
        E::ObjectMissing { .. } => Status::DataMissing,
        E::Closed => Status::WrongState,
        E::Timeout => Status::Timeout,
        _ => Status::IoError,
    }
}
