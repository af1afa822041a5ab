//! The object store beside a log: what is too large for records, each object once, under the BLAKE3 hash of its bytes.
//!
//! `LOG.objects/ab/cdef…`. An object is written to a temporary file, made durable and moved to its name, so that a name
//! never stands for half an object, whenever the power goes. The folders' entries are made durable by the log's syncing
//! thread, before the cells that name the object; so a durable record's objects are durable.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{remove_if_there, Disk, How, RealDisk};
use crate::error::Error;

/// Bytes that the objects of a log may have where its options say nothing: 1 GiB.
pub const DEFAULT_OBJECT_BYTES: u64 = 1 << 30;

const TEMPORARY: &str = "new-";

/// A BLAKE3 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Of its 64 digits.
    fn from_hex(digits: &str) -> Option<Self> {
        let hash = blake3::Hash::from_hex(digits).ok()?;
        Some(Self(*hash.as_bytes()))
    }

    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The objects of one log, for reading and for adding more.
pub struct Objects {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    limit: u64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Bytes of all objects.
    used: u64,
    count: u64,
    /// Those that this run has put or checked.
    known: HashSet<Hash>,
    /// Folders with names that aren't durable yet.
    unsynced: HashSet<PathBuf>,
    temporaries: u64,
}

impl Objects {
    /// The folder of a log's objects.
    pub fn folder_of(log: &Path) -> PathBuf {
        let mut name = log.as_os_str().to_owned();
        name.push(".objects");
        name.into()
    }

    /// The objects of a log, to read them. It needs not exist.
    pub fn of_log(log: &Path) -> Self {
        Self::on(Arc::new(RealDisk), log, 0)
    }

    pub(crate) fn on(disk: Arc<dyn Disk>, log: &Path, limit: u64) -> Self {
        Self {
            disk,
            folder: Self::folder_of(log),
            limit,
            inner: Mutex::default(),
        }
    }

    /// The same for the log's writer: counts what is there and removes what a crash left half done.
    pub(crate) fn open(disk: Arc<dyn Disk>, log: &Path, limit: u64) -> Result<Self, Error> {
        let objects = Self::on(disk, log, limit);
        let (mut used, mut count) = (0, 0);
        let disk = &*objects.disk;
        let failed = |path: &Path, e| Error::io(path, "counting the objects", 0, e);
        let shelves = match disk.list(&objects.folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(|e| failed(&objects.folder, e))?,
        };
        for (shelf, _) in shelves {
            let path = objects.folder.join(&shelf);
            if shelf.starts_with(TEMPORARY) {
                remove_if_there(disk, &path).map_err(|e| failed(&path, e))?;
            } else if shelf.len() == 2 && shelf.bytes().all(|b| b.is_ascii_hexdigit()) {
                for (name, bytes) in disk.list(&path).map_err(|e| failed(&path, e))? {
                    used += bytes;
                    count += (name.len() == 62) as u64;
                }
            }
        }
        *objects.lock() = Inner {
            used,
            count,
            ..Inner::default()
        };
        Ok(objects)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Where an object is, or would be.
    pub fn path_of(&self, hash: &Hash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(&name[2..])
    }

    /// Bytes and number of all objects, as of the opening and what was put since.
    pub fn used(&self) -> (u64, u64) {
        let inner = self.lock();
        (inner.used, inner.count)
    }

    /// Keeps bytes under their hash. Those that are there already are not written again.
    ///
    /// When it returns the object is durable, and its name will be before any record that is committed from now on. It
    /// takes about as long as an fdatasync, and one caller waits for the other: no call for the way of a job.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash, Error> {
        let hash = Hash::of(bytes);
        self.put_as(hash, bytes)?;
        Ok(hash)
    }

    /// The same for a caller that has the bytes' hash.
    pub fn put_as(&self, hash: Hash, bytes: &[u8]) -> Result<(), Error> {
        let mut inner = self.lock();
        if inner.known.contains(&hash) {
            return Ok(());
        }
        let path = self.path_of(&hash);
        // Of an earlier run, or damaged: then it is written again in its place.
        let there = match self.read(&path) {
            Ok(found) => Some(found),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io(&path, "reading an object", 0, e)),
        };
        let old_bytes = there.as_ref().map_or(0, |found| found.len() as u64);
        if there.as_deref() != Some(bytes) {
            let used = inner.used - old_bytes;
            if self.limit < used || self.limit - used < bytes.len() as u64 {
                return Err(Error::ObjectsFull {
                    path: self.folder.clone(),
                    used,
                    limit: self.limit,
                    wanted: bytes.len() as u64,
                });
            }
            inner.temporaries += 1;
            let temporary = self
                .folder
                .join(format!("{TEMPORARY}{}", inner.temporaries));
            let written = self.write(&temporary, &path, bytes);
            if written.is_err() {
                // What is left of it is of no use, and goes when the log is opened again if it can't go now.
                let _ = self.disk.remove(&temporary);
            }
            written.map_err(|e| Error::io(&path, "writing an object", bytes.len() as u64, e))?;
            inner.used = used + bytes.len() as u64;
            inner.count += there.is_none() as u64;
        }
        // Also where it was there: the run that wrote it may have ended before its name was durable.
        let shelf = path.parent().expect("it lies in a folder");
        inner.unsynced.insert(shelf.into());
        inner.known.insert(hash);
        Ok(())
    }

    fn write(&self, temporary: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let shelf = path.parent().expect("it lies in a folder");
        self.disk.make_folder(&self.folder)?;
        self.disk.make_folder(shelf)?;
        remove_if_there(&*self.disk, temporary)?;
        let file = self.disk.open(temporary, How::CreateNew)?;
        file.write_full(bytes, 0)?;
        file.sync()?;
        self.disk.rename(temporary, path, true)
    }

    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        let file = self.disk.open(path, How::Read)?;
        let mut bytes = Vec::new();
        let length = usize::try_from(file.len()?).unwrap_or(usize::MAX);
        bytes
            .try_reserve_exact(length)
            .map_err(|_| std::io::ErrorKind::OutOfMemory)?;
        bytes.resize(length, 0);
        let there = file.read_full(&mut bytes, 0)?;
        bytes.truncate(there);
        Ok(bytes)
    }

    /// The bytes of a hash, checked.
    pub fn get(&self, hash: &Hash) -> Result<Vec<u8>, Error> {
        let path = self.path_of(hash);
        match self.read(&path) {
            Ok(bytes) if Hash::of(&bytes) == *hash => Ok(bytes),
            Ok(_) => Err(Error::ObjectDamaged { path, hash: *hash }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::ObjectMissing { path, hash: *hash })
            }
            Err(e) => Err(Error::io(&path, "reading an object", 0, e)),
        }
    }

    /// All objects that are there.
    pub fn list(&self) -> Result<Vec<Hash>, Error> {
        let mut hashes = Vec::new();
        let failed = |path: &Path, e| Error::io(path, "listing the objects", 0, e);
        let shelves = match self.disk.list(&self.folder) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(|e| failed(&self.folder, e))?,
        };
        for (shelf, _) in shelves.iter().filter(|(shelf, _)| shelf.len() == 2) {
            let path = self.folder.join(shelf);
            for (name, _) in self.disk.list(&path).map_err(|e| failed(&path, e))? {
                hashes.extend(Hash::from_hex(&format!("{shelf}{name}")));
            }
        }
        Ok(hashes)
    }

    /// Removes an object, if it is there. Nobody may put it meanwhile who counts on it.
    pub fn remove(&self, hash: &Hash) -> Result<(), Error> {
        let mut inner = self.lock();
        let path = self.path_of(hash);
        let failed = |e| Error::io(&path, "removing an object", 0, e);
        let bytes = match self.disk.open(&path, How::Read) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file.and_then(|file| file.len()).map_err(failed)?,
        };
        remove_if_there(&*self.disk, &path).map_err(failed)?;
        inner.known.remove(hash);
        inner.used = inner.used.saturating_sub(bytes);
        inner.count = inner.count.saturating_sub(1);
        Ok(())
    }

    /// Makes all names durable that were given until now.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        let shelves = std::mem::take(&mut self.lock().unsynced);
        if shelves.is_empty() {
            return Ok(());
        }
        for shelf in &shelves {
            self.disk.sync_folder(shelf)?;
        }
        self.disk.sync_folder(&self.folder)?;
        self.disk
            .sync_folder(self.folder.parent().expect("it lies beside the log"))
    }
}
