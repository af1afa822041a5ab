//! All that the recorder asks of a disk, behind two small traits: the real one here, a simulated one in the tests.

use std::any::Any;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Read,
    Write,
    /// For writing; made if it isn't there.
    Create,
    /// For writing; an error if it is there.
    CreateNew,
}

/// A disk.
pub trait Disk: Send + Sync {
    /// Opens a regular file; anything else is an error: `IsADirectory`, or `Unsupported`.
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn DiskFile>>;
    /// Moves a file. One that is there is replaced, or an error, where the file system can tell.
    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes one folder; no error if it is there.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Names and lengths of what is in a folder; 0 for what is no regular file.
    fn list(&self, path: &Path) -> io::Result<Vec<(String, u64)>>;
    /// Makes durable what a folder holds.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes a file of zeros that nobody else may read, and maps it, shared. One that is there is replaced. All of its
    /// space is allocated, so that no store into it can fail.
    fn map_new(&self, path: &Path, bytes: usize) -> io::Result<Map>;
}

/// A file of a disk.
pub trait DiskFile: Send + Sync {
    /// Gives how many bytes it has read; fewer than asked for only at the end of the file, or when interrupted.
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize>;
    /// Gives how many bytes it has written.
    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<usize>;
    /// Makes the file so long, with space on the disk for all of it.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Returns when all that was written is durable.
    fn sync(&self) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    /// Takes the file for this writer until the file is closed; `false` if another one has it.
    fn try_lock(&self) -> io::Result<bool>;
    /// Device and inode: what tells files apart.
    fn identity(&self) -> io::Result<(u64, u64)>;
    /// The user whose file it is.
    fn owner(&self) -> io::Result<u32>;

    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads until `buf` is full or the file ends; gives how much there was.
    fn read_full(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.read_at(&mut buf[done..], at + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    /// Writes all of it. A short write goes on behind what was written.
    fn write_full(&self, buf: &[u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            match self.write_at(&buf[done..], at + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

/// Mapped memory, aligned to pages. It stays mapped until this is dropped.
pub struct Map {
    start: *mut u8,
    bytes: usize,
    _keeps: Box<dyn Any + Send + Sync>,
}

// SAFETY: it is an address and a length; what the memory is used for has its own rules.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    /// # Safety
    /// `keeps` keeps the memory valid, and it is aligned to 4,096 bytes.
    pub unsafe fn new(start: *mut u8, bytes: usize, keeps: Box<dyn Any + Send + Sync>) -> Self {
        Self {
            start,
            bytes,
            _keeps: keeps,
        }
    }

    pub fn start(&self) -> *mut u8 {
        self.start
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The disk of the system.
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(how != How::Read)
            .create(how == How::Create)
            .create_new(how == How::CreateNew)
            .mode(0o600)
            // Without it, opening a pipe that somebody put there would wait.
            .custom_flags(libc::O_NONBLOCK)
            .open(path)?;
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !kind.is_file() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path, replace: bool) -> io::Result<()> {
        match replace {
            true => std::fs::rename(from, to),
            false => rename_new(from, to),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        match std::fs::create_dir(path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let length = match entry.metadata() {
                Ok(metadata) if metadata.is_file() => metadata.len(),
                Ok(_) => 0,
                // Somebody has just removed it.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            if let Ok(name) = entry.file_name().into_string() {
                found.push((name, length));
            }
        }
        Ok(found)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // A relative path of one name has an empty parent.
        let path = match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        };
        File::open(path)?.sync_all()
    }

    fn map_new(&self, path: &Path, bytes: usize) -> io::Result<Map> {
        let make = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW)
                .open(path)
        };
        let file = match make() {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                std::fs::remove_file(path)?;
                make()?
            }
            other => other?,
        };
        let mapped = allocate(&file, bytes as u64).and_then(|()| map(&file, bytes));
        if mapped.is_err() {
            // It is ours, and of no use; that it can't be removed is not what the caller has to hear of.
            let _ = std::fs::remove_file(path);
        }
        mapped
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(buf, at)
    }

    fn write_at(&self, buf: &[u8], at: u64) -> io::Result<usize> {
        self.0.write_at(buf, at)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        allocate(&self.0, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn try_lock(&self) -> io::Result<bool> {
        // SAFETY: the descriptor is open as long as the file.
        if unsafe { libc::flock(self.0.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(true);
        }
        match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
            e => Err(e),
        }
    }

    fn identity(&self) -> io::Result<(u64, u64)> {
        let metadata = self.0.metadata()?;
        Ok((metadata.dev(), metadata.ino()))
    }

    fn owner(&self) -> io::Result<u32> {
        Ok(self.0.metadata()?.uid())
    }
}

fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    loop {
        // SAFETY: the descriptor is open as long as the file.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, bytes as libc::off_t) } {
            0 => return Ok(()),
            libc::EINTR => {}
            code => return Err(io::Error::from_raw_os_error(code)),
        }
    }
}

struct Mapped(*mut libc::c_void, usize);

// SAFETY: it is only kept, and unmapped once.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and nobody uses it any more.
        unsafe { libc::munmap(self.0, self.1) };
    }
}

fn map(file: &File, bytes: usize) -> io::Result<Map> {
    // SAFETY: a new mapping of our own file; no memory that anybody uses changes.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            // Populated, so that the first lap doesn't pay for the faults.
            libc::MAP_SHARED | libc::MAP_POPULATE,
            file.as_raw_fd(),
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `Mapped` keeps it until the map is dropped, and the system maps whole pages.
    Ok(unsafe { Map::new(start.cast(), bytes, Box::new(Mapped(start, bytes))) })
}

/// Removes a file, whether it is there or not.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Moves a file to a name that nobody has.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let text = |path: &Path| CString::new(path.as_os_str().as_bytes());
    let (from_text, to_text) = (text(from)?, text(to)?);
    // SAFETY: both are strings that end in zero, and live over the call.
    let done = unsafe {
        libc::renameat2(
            libc::AT_FDCWD,
            from_text.as_ptr(),
            libc::AT_FDCWD,
            to_text.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if done == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        e if matches!(e.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => {
            std::fs::rename(from, to)
        }
        e => Err(e),
    }
}
