//! A folder for logs, which goes away with all that is in it.

use crate::Fallible;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub struct Folder(PathBuf);

impl Folder {
    /// A new one in another folder.
    pub fn new(place: &Path) -> Fallible<Self> {
        let path = place.join(format!("rota-bench-{}", std::process::id()));
        fs::create_dir_all(&path)
            .map_err(|e| format!("can't create the folder {}: {e}", path.display()))?;
        Ok(Self(path))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What kind of file system it lies on, as the system names it.
    pub fn file_system(&self) -> Fallible<String> {
        let device = fs::metadata(&self.0)?.dev();
        let device = format!("{}:{}", libc::major(device), libc::minor(device));
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        // Its third word is the device; behind a dash of its own comes the kind.
        let kind = mounts.lines().find_map(|line| {
            let (mount, kind) = line.split_once(" - ")?;
            let same = mount.split(' ').nth(2) == Some(&device);
            same.then(|| kind.split(' ').next().unwrap_or_default())
        });
        Ok(kind.unwrap_or("unknown").into())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
