//! A disk in memory that can lose power, be copied with the process killed, and fail.
//!
//! What was written is in the file at once and on the disk after a sync. Until then the disk may have each sector of
//! 512 bytes as it was, or as it was after any of the writes since; and one sector in part. That is what a disk
//! promises: nothing about the order, and nothing but that sectors which nobody writes stay as they are.

use std::alloc::Layout;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, DiskFile, How, Map};

pub const SECTOR: usize = 512;
/// What is here is memory, and gone with the power.
const MEMORY: &str = "/dev/shm";

/// What an operation that fails does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// EIO, and nothing happens. A sync that fails drops what was not durable: the system believes it clean.
    Io,
    /// ENOSPC, and nothing happens.
    NoSpace,
    /// A write does half of it and says so; other operations fail as `Io`.
    Short,
}

#[derive(Clone, Default)]
struct Inode {
    /// What the process sees.
    current: Vec<u8>,
    /// What is on the disk for sure.
    durable: Vec<u8>,
    /// What each sector was after each write since it was durable.
    versions: BTreeMap<usize, Vec<[u8; SECTOR]>>,
    /// Where the last write went.
    last: Option<(usize, usize)>,
    locked: bool,
    map: Option<Arc<Heap>>,
}

#[derive(Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
    /// The state of the disk after each write, if somebody looks at it.
    watched: Option<Vec<Moment>>,
    /// Operations that could fail, so far; which of them do, and how.
    operations: u64,
    faulty: Option<(u64, u64, Fault)>,
}

/// The disk at a moment.
#[derive(Clone)]
pub struct Moment {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    folders: BTreeSet<PathBuf>,
}

#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

/// Memory that stands for a mapped file.
struct Heap(*mut u8, Layout);

// SAFETY: it is an address, and freed once.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

impl Heap {
    fn new(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes, 4096).unwrap();
        // SAFETY: the layout isn't empty.
        Self(unsafe { std::alloc::alloc_zeroed(layout) }, layout)
    }

    fn copy(&self) -> Vec<u8> {
        // SAFETY: the tests that copy do so while no other thread uses the memory.
        unsafe { std::slice::from_raw_parts(self.0, self.1.size()).to_vec() }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { std::alloc::dealloc(self.0, self.1) }
    }
}

fn sector_of(bytes: &[u8], sector: usize) -> [u8; SECTOR] {
    let mut out = [0; SECTOR];
    let from = (sector * SECTOR).min(bytes.len());
    let to = (from + SECTOR).min(bytes.len());
    out[..to - from].copy_from_slice(&bytes[from..to]);
    out
}

fn put_sector(bytes: &mut [u8], sector: usize, content: &[u8]) {
    let from = sector * SECTOR;
    let to = (from + content.len()).min(bytes.len());
    bytes[from..to].copy_from_slice(&content[..to - from]);
}

impl SimDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// From now on remembers the disk after each write.
    pub fn watch(&self) {
        self.state().watched = Some(Vec::new());
    }

    pub fn moments(&self) -> Vec<Moment> {
        std::mem::take(self.state().watched.as_mut().unwrap())
    }

    pub fn now(&self) -> Moment {
        self.state().moment()
    }

    /// Lets `count` operations from the `first` one on (counted from 0, from now) fail.
    pub fn fail(&self, first: u64, count: u64, fault: Fault) {
        let mut state = self.state();
        state.operations = 0;
        state.faulty = Some((first, first.saturating_add(count), fault));
    }

    /// No more faults; gives whether there was one.
    pub fn heal(&self) -> bool {
        let mut state = self.state();
        let Some((first, _, _)) = state.faulty.take() else {
            return false;
        };
        state.operations > first
    }

    /// Changes one bit of a file, on the disk and for the process.
    pub fn flip(&self, path: &Path, bit: usize) {
        let mut state = self.state();
        let inode = state.names[path];
        let inode = &mut state.inodes[inode];
        inode.current[bit / 8] ^= 1 << (bit % 8);
        inode.durable = inode.current.clone();
    }

    pub fn bytes(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        state.inodes[state.names[path]].seen()
    }
}

impl Inode {
    fn seen(&self) -> Vec<u8> {
        self.map
            .as_ref()
            .map_or_else(|| self.current.clone(), |heap| heap.copy())
    }
}

impl State {
    fn moment(&self) -> Moment {
        Moment {
            inodes: self.inodes.clone(),
            names: self.names.clone(),
            durable_names: self.durable_names.clone(),
            folders: self.folders.clone(),
        }
    }

    fn seen_by_watcher(&mut self) {
        let moment = self.watched.is_some().then(|| self.moment());
        if let (Some(watched), Some(moment)) = (&mut self.watched, moment) {
            watched.push(moment);
        }
    }

    /// The fault of this operation.
    fn fault(&mut self) -> Option<Fault> {
        let n = self.operations;
        self.operations += 1;
        let (first, end, fault) = self.faulty?;
        (first..end).contains(&n).then_some(fault)
    }

    fn may_fail(&mut self) -> io::Result<()> {
        match self.fault() {
            None => Ok(()),
            Some(Fault::NoSpace) => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            Some(_) => Err(io::Error::from_raw_os_error(libc::EIO)),
        }
    }
}

impl Moment {
    /// The machine goes on, and only the process is gone.
    pub fn killed(&self) -> SimDisk {
        let inodes = self.inodes.iter().map(|inode| {
            let seen = inode.seen();
            Inode {
                current: seen,
                durable: inode.durable.clone(),
                versions: inode.versions.clone(),
                ..Inode::default()
            }
        });
        SimDisk(Arc::new(Mutex::new(State {
            inodes: inodes.collect(),
            names: self.names.clone(),
            durable_names: self.durable_names.clone(),
            folders: self.folders.clone(),
            ..State::default()
        })))
    }

    /// The sectors of a file that may be one thing or another, and how many things each.
    pub fn unsure(&self, path: &Path) -> Vec<(usize, usize)> {
        let Some(&inode) = self.names.get(path) else {
            return Vec::new();
        };
        let versions = &self.inodes[inode].versions;
        versions
            .iter()
            .map(|(&sector, all)| (sector, all.len() + 1))
            .collect()
    }

    /// First byte and length of the last write to a file, if it isn't durable.
    pub fn last_write(&self, path: &Path) -> Option<(usize, usize)> {
        self.inodes[*self.names.get(path)?].last
    }

    /// The power goes. `chosen` says which version each unsure sector of the file has: 0 is what was durable. Of other
    /// files, which the log's promises don't hang on, the disk has what was durable, and of names those now or those
    /// that were made durable.
    pub fn power_lost(
        &self,
        path: &Path,
        chosen: &BTreeMap<usize, usize>,
        names: Names,
    ) -> SimDisk {
        self.lost(path, chosen, names, None)
    }

    /// The same, and of the last write the disk has the first `bytes` bytes and not the others.
    pub fn torn(&self, path: &Path, chosen: &BTreeMap<usize, usize>, bytes: usize) -> SimDisk {
        self.lost(path, chosen, Names::Now, Some(bytes))
    }

    fn lost(
        &self,
        path: &Path,
        chosen: &BTreeMap<usize, usize>,
        names: Names,
        torn: Option<usize>,
    ) -> SimDisk {
        let names = match names {
            Names::Now => self.names.clone(),
            Names::Durable => self.durable_names.clone(),
        };
        let names: BTreeMap<_, _> = names
            .into_iter()
            .filter(|(path, _)| !path.starts_with(MEMORY))
            .collect();
        let ours = self.names.get(path).copied();
        let inodes = self.inodes.iter().enumerate().map(|(i, inode)| {
            let mut bytes = inode.durable.clone();
            if Some(i) == ours {
                // The length comes with the first byte behind the old end, and nobody relies on it before.
                bytes.resize(inode.current.len().max(bytes.len()), 0);
                for (&sector, versions) in &inode.versions {
                    match chosen.get(&sector).copied().unwrap_or(0) {
                        0 => {}
                        n => put_sector(&mut bytes, sector, &versions[n - 1]),
                    }
                }
                if let (Some((at, length)), Some(torn)) = (inode.last, torn) {
                    tear(inode, &mut bytes, at, length, torn);
                }
            } else if inode.map.is_some() {
                bytes = inode.seen();
            }
            Inode {
                current: bytes.clone(),
                durable: bytes,
                ..Inode::default()
            }
        });
        SimDisk(Arc::new(Mutex::new(State {
            inodes: inodes.collect(),
            durable_names: names.clone(),
            names,
            folders: self.folders.clone(),
            ..State::default()
        })))
    }
}

/// The sectors of the last write: new before `torn`, as they were before that write behind it.
fn tear(inode: &Inode, bytes: &mut [u8], at: usize, length: usize, torn: usize) {
    for sector in at / SECTOR..(at + length).div_ceil(SECTOR) {
        let versions = &inode.versions[&sector];
        let new = versions[versions.len() - 1];
        let old = match versions.len() {
            1 => sector_of(&inode.durable, sector),
            n => versions[n - 2],
        };
        let cut = (at + torn).saturating_sub(sector * SECTOR).min(SECTOR);
        put_sector(bytes, sector, &[&new[..cut], &old[cut..]].concat());
    }
}

/// Which names are there when the power has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    Now,
    Durable,
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
    locks: Mutex<bool>,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if *self.locks.lock().unwrap() {
            self.disk.state().inodes[self.inode].locked = false;
        }
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        if state.folders.contains(path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if how != How::Read {
            state.may_fail()?;
        }
        let inode = match (state.names.get(path).copied(), how) {
            (Some(_), How::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(inode), _) => inode,
            (None, How::Read | How::Write) => return Err(io::ErrorKind::NotFound.into()),
            (None, _) => {
                state.inodes.push(Inode::default());
                let inode = state.inodes.len() - 1;
                state.names.insert(path.into(), inode);
                inode
            }
        };
        Ok(Box::new(SimFile {
            disk: self.clone(),
            inode,
            locks: Mutex::new(false),
        }))
    }

    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        let mut state = self.state();
        state.may_fail()?;
        if !replace && state.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.into(), inode);
        state.seen_by_watcher();
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.may_fail()?;
        state.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
        state.seen_by_watcher();
        Ok(())
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.may_fail()?;
        state.folders.insert(path.into());
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, u64)>> {
        let state = self.state();
        if !state.folders.contains(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let name = |found: &PathBuf| {
            (found.parent() == Some(path))
                .then(|| found.file_name().unwrap().to_str().unwrap().to_string())
        };
        let files = state.names.iter().filter_map(|(file, &inode)| {
            Some((name(file)?, state.inodes[inode].current.len() as u64))
        });
        let folders = state
            .folders
            .iter()
            .filter_map(|folder| Some((name(folder)?, 0)));
        Ok(files.chain(folders).collect())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.may_fail()?;
        state
            .durable_names
            .retain(|name, _| name.parent() != Some(path));
        let now: Vec<_> = state
            .names
            .iter()
            .filter(|(name, _)| name.parent() == Some(path))
            .map(|(name, &inode)| (name.clone(), inode))
            .collect();
        state.durable_names.extend(now);
        Ok(())
    }

    fn map_new(&self, path: &Path, bytes: usize) -> io::Result<Map> {
        let mut state = self.state();
        state.may_fail()?;
        let heap = Arc::new(Heap::new(bytes));
        state.inodes.push(Inode {
            map: Some(heap.clone()),
            ..Inode::default()
        });
        let inode = state.inodes.len() - 1;
        state.names.insert(path.into(), inode);
        // SAFETY: the heap is kept by the map, and aligned.
        Ok(unsafe { Map::new(heap.0, bytes, Box::new(heap)) })
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let state = self.disk.state();
        let inode = &state.inodes[self.inode];
        let copied;
        let seen = match &inode.map {
            Some(heap) => {
                copied = heap.copy();
                &copied
            }
            None => &inode.current,
        };
        let from = (at as usize).min(seen.len());
        let n = buf.len().min(seen.len() - from);
        buf[..n].copy_from_slice(&seen[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let n = match state.fault() {
            None => buf.len(),
            Some(Fault::Short) if buf.len() > 1 => buf.len() / 2,
            Some(Fault::NoSpace) => return Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            Some(_) => return Err(io::Error::from_raw_os_error(libc::EIO)),
        };
        let at = at as usize;
        let inode = &mut state.inodes[self.inode];
        if inode.current.len() < at + n {
            inode.current.resize(at + n, 0);
        }
        inode.current[at..at + n].copy_from_slice(&buf[..n]);
        inode.last = Some((at, n));
        for sector in at / SECTOR..(at + n).div_ceil(SECTOR) {
            let now = sector_of(&inode.current, sector);
            inode.versions.entry(sector).or_default().push(now);
        }
        state.seen_by_watcher();
        Ok(n)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.may_fail()?;
        let current = &mut state.inodes[self.inode].current;
        if current.len() < bytes as usize {
            current.resize(bytes as usize, 0);
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let allowed = state.may_fail();
        let inode = &mut state.inodes[self.inode];
        let versions = std::mem::take(&mut inode.versions);
        inode.last = None;
        if allowed.is_ok() {
            inode.durable.resize(inode.current.len(), 0);
            for (sector, all) in versions {
                put_sector(&mut inode.durable, sector, &all[all.len() - 1]);
            }
        }
        allowed
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().inodes[self.inode].seen().len() as u64)
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut state = self.disk.state();
        let locked = &mut state.inodes[self.inode].locked;
        let free = !*locked;
        *locked = true;
        *self.locks.lock().unwrap() |= free;
        Ok(free)
    }

    fn identity(&self) -> io::Result<(u64, u64)> {
        Ok((1, self.inode as u64))
    }

    fn owner(&self) -> io::Result<u32> {
        Ok(0)
    }
}
