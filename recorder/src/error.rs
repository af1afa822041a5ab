//! What can go wrong with a log, and what can be done about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::cell::Class;
use crate::objects::Hash;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{}: {bytes} bytes are outside the limits of a log: give 65536 (64 KiB) to 1099511627776 (1 TiB), or 0 \
         for 256 MiB",
        path.display()
    )]
    CapacityOutOfRange { path: PathBuf, bytes: u64 },
    #[error("{}: a stage of {cells} cells is outside the limits: give 256 to 1048576, or 0 for 65536", path.display())]
    StageOutOfRange { path: PathBuf, cells: u64 },
    #[error("{}: no such log: check the path", path.display())]
    Missing { path: PathBuf },
    #[error("{}: the file is empty: remove it, and a new log is made", path.display())]
    Empty { path: PathBuf },
    #[error(
        "{}: the file has {found} bytes of the {wanted} that its header says: it was cut or copied in part; read \
         what is left by salvage, or move it away",
        path.display()
    )]
    Truncated {
        path: PathBuf,
        found: u64,
        wanted: u64,
    },
    #[error("{}: not a log of Rota's, but another program's file: give another path", path.display())]
    NotALog { path: PathBuf },
    #[error(
        "{}: both header pages are damaged ({why}): move the file away; without a header its cells can't be told \
         from stale ones",
        path.display()
    )]
    HeaderDamaged { path: PathBuf, why: &'static str },
    #[error("{}: a folder: give the path of a file in it", path.display())]
    IsAFolder { path: PathBuf },
    #[error("{}: neither a file nor a folder: give the path of a regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("{}: another writer has this log: close it there, or give another path", path.display())]
    InUse { path: PathBuf },
    #[error(
        "{}: the log has format version {found}, and this library knows versions up to {known}: use a newer \
         library",
        path.display()
    )]
    NewerVersion {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    #[error("{}: the log uses {features}, which this library doesn't know: use a newer library", path.display())]
    UnknownFeature {
        path: PathBuf,
        /// Names, or bits that have none.
        features: String,
    },
    #[error("{}: no space ({doing}, {bytes} bytes): free some, or give a smaller capacity", path.display())]
    NoSpace {
        path: PathBuf,
        doing: &'static str,
        bytes: u64,
    },
    #[error("{}: on a file system that is read-only: give another path", path.display())]
    ReadOnly { path: PathBuf },
    #[error(
        "{}: this user may not do that ({doing}): change the file's permissions or owner, or give another path",
        path.display()
    )]
    NotPermitted { path: PathBuf, doing: &'static str },
    #[error("{}: {doing} failed: {source}", path.display())]
    Io {
        path: PathBuf,
        doing: &'static str,
        source: io::Error,
    },
    #[error("the log can't be written since an earlier error: {0}; close it, see to the disk, and open it again")]
    Failed(Failure),
    #[error("the log is closed")]
    Closed,
    #[error(
        "not durable within the time given: wait longer, or look at the state for an error or for reservations \
         that nobody commits"
    )]
    Timeout,
    #[error(
        "the cell {seq} is reserved and was never committed or dropped: the log was closed without what is behind \
         it, which the next open brings in from the stage"
    )]
    Uncommitted { seq: u64 },
    #[error(
        "a record of {bytes} bytes is too large: it may have {limit}; put what is large into the object store, \
         and its hash into the record"
    )]
    RecordTooLarge { bytes: usize, limit: usize },
    #[error("at most {limit} cells can be reserved at once, not {cells}: reserve in turns")]
    TooManyCells { cells: u64, limit: u64 },
    #[error("the stage is full, and the log is not to wait: the record is counted as refused")]
    StageFull,
    #[error("the cell {seq}, at byte {offset}, is {}: read by salvage to go on behind it", class.name())]
    BadCell { seq: u64, offset: u64, class: Class },
    #[error(
        "{}: the object {hash} is missing: it was removed, or the log was copied without its objects",
        path.display()
    )]
    ObjectMissing { path: PathBuf, hash: Hash },
    #[error("{}: the object {hash} has another content than its name says: it is damaged; remove it", path.display())]
    ObjectDamaged { path: PathBuf, hash: Hash },
    #[error(
        "{}: the objects have {used} of {limit} bytes, and {wanted} more don't fit: raise the limit, or begin \
         another log",
        path.display()
    )]
    ObjectsFull {
        path: PathBuf,
        used: u64,
        limit: u64,
        wanted: u64,
    },
}

/// The first error of a log's writer, which ends the writing: after a failed sync nobody knows what of the pages is
/// on the disk, and a second one that succeeds says nothing about the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {doing} failed at cell {seq}: {text}", path.display())]
pub struct Failure {
    pub path: PathBuf,
    pub doing: &'static str,
    /// The first cell that may not be in the file.
    pub seq: u64,
    pub kind: io::ErrorKind,
    pub os_code: Option<i32>,
    pub text: String,
}

impl Failure {
    pub(crate) fn new(path: &Path, doing: &'static str, seq: u64, error: &io::Error) -> Self {
        Self {
            path: path.into(),
            doing,
            seq,
            kind: error.kind(),
            os_code: error.raw_os_error(),
            text: error.to_string(),
        }
    }
}

impl Error {
    /// What an error of the system means.
    pub(crate) fn io(path: &Path, doing: &'static str, bytes: u64, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::IsADirectory => Self::IsAFolder { path },
            io::ErrorKind::Unsupported => Self::NotAFile { path },
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace { path, doing, bytes },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::PermissionDenied => Self::NotPermitted { path, doing },
            _ => Self::Io {
                path,
                doing,
                source,
            },
        }
    }
}
