//! Disks that are full, or are not to be written: for real, and not simulated.
//!
//! A small tmpfs is mounted for it in a mount namespace of the test's own. Where that is not allowed, the limit of a
//! file's size stands in for it, which the system enforces at the same places.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rota_recorder::{Error, Item, Job, Log, LogOptions, Mode, Reader, StagePlace};

/// Runs `test` in a thread with mounts of its own, in a folder on a tmpfs of so many bytes; with `None` if it can't.
fn on_a_small_disk(bytes: u64, test: impl FnOnce(Option<&Path>) + Send) {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).unwrap();
            let (target, size) = (
                text(folder.path()),
                CString::new(format!("size={bytes}")).unwrap(),
            );
            // SAFETY: the strings live over the calls. The thread leaves the file system state it shares with others,
            // and what it mounts is seen by it alone and gone with it.
            let mounted = unsafe {
                libc::unshare(libc::CLONE_NEWNS) == 0
                    && libc::mount(
                        std::ptr::null(),
                        c"/".as_ptr(),
                        std::ptr::null(),
                        libc::MS_REC | libc::MS_PRIVATE,
                        std::ptr::null(),
                    ) == 0
                    && libc::mount(
                        c"tmpfs".as_ptr(),
                        target.as_ptr(),
                        c"tmpfs".as_ptr(),
                        0,
                        size.as_ptr().cast(),
                    ) == 0
            };
            test(mounted.then_some(folder.path()));
        });
    });
}

/// The most bytes that a file may have from now on, in this process: where nothing can be mounted.
fn limit_files(bytes: u64) {
    // SAFETY: numbers only; the signal that comes with the limit is ignored, as servers do.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let limit = libc::rlimit {
            rlim_cur: bytes,
            rlim_max: libc::RLIM_INFINITY,
        };
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

fn fill(folder: &Path) {
    let _ = std::fs::write(folder.join("ballast"), vec![1; 4 << 20]);
}

fn names(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// One test, because the limit, if it must be used, is the process's.
#[test]
fn a_full_disk_is_named_and_kills_nothing() {
    on_a_small_disk(1 << 20, |mounted| {
        let folder = mounted.map(PathBuf::from).unwrap_or_else(|| {
            println!("no mounts here: a limit of 1 MiB for each file instead");
            limit_files(1 << 20);
            tempfile::tempdir().unwrap().keep()
        });
        // Too large a log isn't made, and nothing of it is left.
        let large = LogOptions {
            capacity_bytes: 2 << 20,
            ..LogOptions::new(folder.join("large.log"))
        };
        match Log::open(&large).err() {
            Some(Error::NoSpace { path, bytes, .. }) => {
                assert_eq!((path, bytes), (large.path.clone(), 2 << 20));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(names(&folder), Vec::<PathBuf>::new());

        // One that is made has all its space: the disk may fill up, records and syncs go on, over laps.
        let small = LogOptions {
            capacity_bytes: 512 << 10,
            stage_place: StagePlace::Beside,
            stage_cells: 1024,
            ..LogOptions::new(folder.join("small.log"))
        };
        let log = Log::open(&small).unwrap();
        fill(&folder);
        let total = 10_000;
        for n in 1..=total {
            let ticket = n;
            assert!(log.reserve(1).unwrap().job(&Job {
                ticket,
                ..Job::default()
            }));
            if n % 1000 == 0 {
                log.sync(Duration::from_secs(60)).unwrap();
            }
        }
        // An object has no space of its own.
        let object = vec![7; 2 << 20];
        assert!(matches!(
            log.objects().put(&object),
            Err(Error::NoSpace { .. })
        ));
        assert_eq!(log.objects().used(), (0, 0));
        log.close().unwrap();
        let records: Vec<u64> = Reader::open(&small.path, Mode::Strict)
            .unwrap()
            .map(|item| match item.unwrap() {
                Item::Record(entry) => entry.seq,
                other => panic!("{other:?}"),
            })
            .collect();
        let capacity = log.state().capacity_cells;
        assert!(records.iter().copied().eq(total + 1 - capacity..=total));

        // A stage that finds no room is named too; with a folder of its own there is no other place.
        drop(log);
        let crowded = LogOptions {
            stage_place: StagePlace::Folder(folder.clone()),
            stage_cells: 1 << 14,
            capacity_bytes: 64 << 20,
            ..LogOptions::new(
                std::env::temp_dir().join(format!("rota-crowded-{}", std::process::id())),
            )
        };
        match Log::open(&crowded).err() {
            Some(Error::NoSpace { path, .. }) => {
                assert!(path.starts_with(&folder) || mounted.is_none())
            }
            other => panic!("{other:?}"),
        }
        let _ = std::fs::remove_file(&crowded.path);
        if mounted.is_none() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
    });
}

#[test]
fn a_disk_that_is_read_only_is_named() {
    on_a_small_disk(1 << 20, |mounted| {
        // /proc takes no files either, and is everywhere: there it is a matter of permission.
        let Some(folder) = mounted else {
            let options = LogOptions::new("/proc/self/rota.log");
            assert!(Log::open(&options).is_err());
            return;
        };
        let options = LogOptions {
            capacity_bytes: 64 << 10,
            ..LogOptions::new(folder.join("test.log"))
        };
        drop(Log::open(&options).unwrap());
        let target = CString::new(folder.as_os_str().as_bytes()).unwrap();
        // SAFETY: the string lives over the call; only this thread sees the mount.
        let mounted = unsafe {
            libc::mount(
                std::ptr::null(),
                target.as_ptr(),
                std::ptr::null(),
                libc::MS_REMOUNT | libc::MS_RDONLY,
                std::ptr::null(),
            )
        };
        assert_eq!(mounted, 0);
        assert!(matches!(
            Log::open(&options).err(),
            Some(Error::ReadOnly { .. })
        ));
        let other = LogOptions::new(folder.join("other.log"));
        assert!(matches!(
            Log::open(&other).err(),
            Some(Error::ReadOnly { .. })
        ));
        assert_eq!(
            Reader::open(&options.path, Mode::Strict).unwrap().count(),
            0
        );
    });
}
