//! The pipeline cache on disk.
//!
//! One file per kernel and driver, named by a blake3 hash of the SPIR-V, the device and the driver's version. The
//! driver checks what it is given; a file that it doesn't like costs a compile and nothing else. Any trouble with the
//! folder is told in the log and otherwise ignored: a cache must never be the reason why a runtime doesn't open.

use std::fs;
use std::path::{Path, PathBuf};

use super::Limits;

/// A folder for what takes long to make.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// A cache in `folder`, else in `$ROTA_CACHE_DIR`, `$XDG_CACHE_HOME/rota` or `~/.cache/rota`. With `off`, none.
    pub fn new(folder: Option<&Path>, off: bool) -> Self {
        if off {
            return Self { folder: None };
        }
        let variable = |name| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let folder = folder
            .map(Path::to_owned)
            .or_else(|| variable("ROTA_CACHE_DIR"))
            .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("rota")))
            .or_else(|| Some(variable("HOME")?.join(".cache/rota")));
        if let Some(folder) = &folder {
            if let Err(e) = fs::create_dir_all(folder) {
                log::warn!(
                    "no pipeline cache: can't make the folder {}: {e}",
                    folder.display()
                );
                return Self { folder: None };
            }
        }
        Self { folder }
    }

    fn path(&self, key: &blake3::Hash, kind: &str) -> Option<PathBuf> {
        Some(
            self.folder
                .as_ref()?
                .join(format!("{}.{kind}", &key.to_hex()[..32])),
        )
    }

    /// What was stored under this key.
    pub fn load(&self, key: &blake3::Hash, kind: &str) -> Option<Vec<u8>> {
        fs::read(self.path(key, kind)?).ok()
    }

    /// Stores it, as a whole or not at all: other processes may read at any time.
    pub fn store(&self, key: &blake3::Hash, kind: &str, data: &[u8]) {
        let Some(path) = self.path(key, kind) else {
            return;
        };
        let part = path.with_extension(format!("{}.part", std::process::id()));
        let stored = fs::write(&part, data).and_then(|()| fs::rename(&part, &path));
        if let Err(e) = stored {
            log::warn!("can't write {}: {e}", path.display());
            let _ = fs::remove_file(&part);
        }
    }
}

/// The key of what depends on this code on this device and driver.
pub fn key(limits: &Limits, spirv: &[u32]) -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    hash.update(env!("CARGO_PKG_VERSION").as_bytes());
    hash.update(&limits.device_uuid);
    hash.update(&limits.driver_version.to_le_bytes());
    hash.update(&limits.subgroup_size.to_le_bytes());
    for word in spirv {
        hash.update(&word.to_le_bytes());
    }
    hash.finalize()
}
