//! Bad input: each has an error of its own that says what to do, and changes nothing.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rota_recorder::{Error, Hash, Job, Log, LogOptions, Mode, Note, Objects, Reader};

const PAGE: usize = 4096;

fn options(path: &Path) -> LogOptions {
    LogOptions {
        capacity_bytes: 64 << 10,
        ..LogOptions::new(path)
    }
}

fn made(path: &Path) -> Vec<u8> {
    let log = Log::open(&options(path)).unwrap();
    assert!(log.reserve(1).unwrap().job(&Job::default()));
    drop(log);
    std::fs::read(path).unwrap()
}

/// What writer and reader say of a file, which is the same afterwards.
fn refused(path: &Path) -> (Error, Error) {
    let before = std::fs::read(path).ok();
    let writer = Log::open(&options(path))
        .err()
        .expect("it can't be opened for writing");
    let reader = Reader::open(path, Mode::Strict)
        .err()
        .expect("it can't be read");
    assert_eq!(std::fs::read(path).ok(), before);
    for error in [&writer, &reader] {
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        assert!(
            text.contains(": ") && text.len() > path.as_os_str().len() + 20,
            "{text}"
        );
    }
    (writer, reader)
}

macro_rules! assert_both {
    ($refused:expr, $pattern:pat) => {
        match $refused {
            ($pattern, $pattern) => {}
            other => panic!("{other:?}"),
        }
    };
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.log");
    (folder, path)
}

#[test]
fn a_capacity_outside_the_limits_is_refused() {
    let (folder, path) = place();
    for bytes in [1, (64 << 10) - 1, (1 << 40) + 1, u64::MAX] {
        let options = LogOptions {
            capacity_bytes: bytes,
            ..LogOptions::new(&path)
        };
        match Log::open(&options).err() {
            Some(Error::CapacityOutOfRange { bytes: said, .. }) => assert_eq!(said, bytes),
            other => panic!("{other:?}"),
        }
    }
    for cells in [1, 255, (1 << 20) + 1, u64::MAX] {
        let options = LogOptions {
            stage_cells: cells,
            ..options(&path)
        };
        assert!(matches!(
            Log::open(&options).err(),
            Some(Error::StageOutOfRange { .. })
        ));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_empty_cut_or_somebody_elses_is_refused() {
    let (_folder, path) = place();
    std::fs::write(&path, []).unwrap();
    assert_both!(refused(&path), Error::Empty { .. });
    for other in [
        b"x".to_vec(),
        vec![0; 100_000],
        b"SQLite format 3".repeat(1000),
    ] {
        std::fs::write(&path, other).unwrap();
        assert_both!(refused(&path), Error::NotALog { .. });
    }
    std::fs::remove_file(&path).unwrap();
    let whole = made(&path);
    for length in [whole.len() - 1, PAGE * 2, PAGE * 2 - 1, PAGE] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_both!(refused(&path), Error::Truncated { .. });
        // Salvage reads what is left.
        let reader = Reader::open(&path, Mode::Salvage).unwrap();
        assert_eq!(reader.info().cut_to, Some(length as u64));
        assert!(reader.map(Result::unwrap).last().is_some());
    }
    std::fs::write(&path, &whole[..PAGE - 1]).unwrap();
    assert_both!(refused(&path), Error::NotALog { .. });
    let mut damaged = whole;
    damaged[200] ^= 1;
    damaged[PAGE + 200] ^= 1;
    std::fs::write(&path, damaged).unwrap();
    assert_both!(refused(&path), Error::HeaderDamaged { .. });
}

#[test]
fn what_is_no_file_is_refused() {
    let (folder, path) = place();
    std::fs::create_dir(&path).unwrap();
    assert_both!(refused(&path), Error::IsAFolder { .. });
    let pipe = folder.path().join("pipe");
    let text = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
    // SAFETY: the string lives over the call.
    assert_eq!(unsafe { libc::mkfifo(text.as_ptr(), 0o600) }, 0);
    for mode in [Mode::Strict, Mode::Salvage] {
        assert!(matches!(
            Reader::open(&pipe, mode).err(),
            Some(Error::NotAFile { .. })
        ));
    }
    assert!(matches!(
        Log::open(&options(&pipe)).err(),
        Some(Error::NotAFile { .. })
    ));
    let nowhere = folder.path().join("no/such.log");
    assert_both!(refused(&nowhere), Error::Missing { .. });
}

#[test]
fn a_log_has_one_writer() {
    let (_folder, path) = place();
    let log = Log::open(&options(&path)).unwrap();
    assert!(matches!(
        Log::open(&options(&path)).err(),
        Some(Error::InUse { .. })
    ));
    let over = LogOptions {
        start_over: true,
        ..options(&path)
    };
    assert!(matches!(Log::open(&over).err(), Some(Error::InUse { .. })));
    drop(log);
    Log::open(&options(&path)).unwrap();
}

#[test]
fn two_who_make_a_log_at_once_make_one() {
    let (_folder, path) = place();
    for _ in 0..20 {
        let opened = std::thread::scope(|scope| {
            let open = || Log::open(&options(&path));
            let threads = [scope.spawn(open), scope.spawn(open), scope.spawn(open)];
            threads.map(|thread| thread.join().unwrap())
        });
        let mut logs = Vec::new();
        for opened in opened {
            match opened {
                Ok(log) => logs.push(log),
                Err(Error::InUse { .. }) => {}
                Err(e) => panic!("{e}"),
            }
        }
        assert!(logs.len() == 1);
        drop(logs);
        std::fs::remove_file(&path).unwrap();
    }
}

/// Changes both header pages, and makes their checksums right.
fn reseal(path: &Path, change: impl Fn(&mut [u8])) {
    let mut bytes = std::fs::read(path).unwrap();
    for page in bytes[..2 * PAGE].chunks_mut(PAGE) {
        change(page);
        let crc = crc32c::crc32c(&page[..PAGE - 4]);
        page[PAGE - 4..].copy_from_slice(&crc.to_le_bytes());
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_newer_version_is_refused_by_number() {
    let (_folder, path) = place();
    made(&path);
    reseal(&path, |page| page[8] = 9);
    assert_both!(
        refused(&path),
        Error::NewerVersion {
            found: 9,
            known: 1,
            ..
        }
    );
}

#[test]
fn an_unknown_incompatible_feature_is_refused_by_name() {
    let (_folder, path) = place();
    made(&path);
    reseal(&path, |page| {
        page[32] = 0b110;
        page[3328..3332].copy_from_slice(&11u32.to_le_bytes());
        page[3332..3343].copy_from_slice(b",encryption");
    });
    let (writer, reader) = refused(&path);
    for error in [writer, reader] {
        let text = error.to_string();
        assert!(matches!(error, Error::UnknownFeature { .. }));
        assert!(
            text.contains("\"encryption\" (bit 1), an unnamed feature (bit 2)"),
            "{text}"
        );
    }
    // One that needs not be known is none of this.
    reseal(&path, |page| {
        page[32] = 0;
        page[24] = 0xff;
    });
    assert_eq!(Reader::open(&path, Mode::Strict).unwrap().count(), 1);
    drop(Log::open(&options(&path)).unwrap());
    let kept = std::fs::read(&path).unwrap();
    assert_eq!(kept[24], 0xff);
}

#[test]
fn a_record_that_is_too_large_is_refused() {
    let (_folder, path) = place();
    let log = Log::open(&options(&path)).unwrap();
    let note = |bytes: usize| Note {
        tenant: 1,
        text: "n".repeat(bytes),
    };
    let limit = 255 * 88 - 4 - 8 - 4;
    assert!(matches!(
        log.append(&note(limit + 1).into()),
        Err(Error::RecordTooLarge { .. })
    ));
    assert_eq!(log.append(&note(limit).into()).unwrap(), Some(1));
    assert_eq!(log.next_seq(), 256);
    drop(log);
    assert_eq!(Reader::open(&path, Mode::Strict).unwrap().count(), 1);
}

#[test]
fn a_damaged_cell_ends_strict_reading_by_name_and_not_salvage() {
    let (_folder, path) = place();
    let log = Log::open(&options(&path)).unwrap();
    for _ in 0..10 {
        assert!(log.reserve(1).unwrap().job(&Job::default()));
    }
    drop(log);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let at = 2 * PAGE as u64 + 5 * 128;
    file.write_all_at(&[0xee], at + 60).unwrap();
    let error = Reader::open(&path, Mode::Strict)
        .unwrap()
        .find_map(|item| item.err());
    match error {
        Some(Error::BadCell { seq: 5, offset, .. }) => assert_eq!(offset, at),
        other => panic!("{other:?}"),
    }
    let mut reader = Reader::open(&path, Mode::Salvage).unwrap();
    let items: Vec<_> = reader.by_ref().map(|item| item.unwrap()).collect();
    assert_eq!(items.len(), 10);
    let counts = reader.counts();
    assert_eq!((counts.records, counts.corrupt), (9, 1));
}

#[test]
fn objects_are_kept_once_and_checked() {
    let (_folder, path) = place();
    let log = Log::open(&options(&path)).unwrap();
    let data: Vec<Vec<u8>> = (0..50).map(|n| vec![n as u8; n * 100]).collect();
    let hashes: Vec<Hash> = data
        .iter()
        .map(|bytes| log.objects().put(bytes).unwrap())
        .collect();
    let used = log.objects().used();
    assert_eq!(used, (data.iter().map(|d| d.len() as u64).sum(), 50));
    for (bytes, hash) in data.iter().zip(&hashes) {
        assert_eq!(*hash, Hash::of(bytes));
        assert_eq!(log.objects().put(bytes).unwrap(), *hash);
        assert_eq!(log.objects().get(hash).unwrap(), *bytes);
    }
    assert_eq!(log.objects().used(), used);
    drop(log);

    let objects = Objects::of_log(&path);
    let missing = Hash::of(b"not there");
    assert!(
        matches!(objects.get(&missing), Err(Error::ObjectMissing { hash, .. }) if hash == missing)
    );
    std::fs::write(objects.path_of(&hashes[9]), b"something else").unwrap();
    assert!(
        matches!(objects.get(&hashes[9]), Err(Error::ObjectDamaged { hash, .. }) if hash == hashes[9])
    );
    // Who puts it again makes it whole.
    let log = Log::open(&options(&path)).unwrap();
    assert_eq!(log.objects().put(&data[9]).unwrap(), hashes[9]);
    assert_eq!(objects.get(&hashes[9]).unwrap(), data[9]);
    assert_eq!(log.objects().used(), used);
}

#[test]
fn the_bound_of_the_objects_counts_over_runs() {
    let (_folder, path) = place();
    let bounded = LogOptions {
        object_bytes: 1000,
        ..options(&path)
    };
    let log = Log::open(&bounded).unwrap();
    log.objects().put(&[1; 600]).unwrap();
    drop(log);
    // What a crash left half done doesn't count, and goes.
    let folder = Objects::folder_of(&path);
    std::fs::write(folder.join("new-7"), [0; 5000]).unwrap();
    let log = Log::open(&bounded).unwrap();
    assert!(!folder.join("new-7").exists());
    match log.objects().put(&[2; 401]) {
        Err(Error::ObjectsFull {
            used,
            limit,
            wanted,
            ..
        }) => {
            assert_eq!((used, limit, wanted), (600, 1000, 401));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(log.objects().used(), (600, 1));
    log.objects().put(&[3; 400]).unwrap();
    log.objects().put(&[1; 600]).unwrap();
    assert_eq!(log.objects().used(), (1000, 2));
}

/// Anybody may put a file where the stage of a crashed run was: it is not read. (Where the tests don't run as root
/// nobody can be given a file, and the file is one of their own that only looks like a stage.)
#[test]
fn a_stage_of_another_user_is_not_read() {
    let (_folder, path) = place();
    let log = Log::open(&options(&path)).unwrap();
    log.sync(std::time::Duration::from_secs(60)).unwrap();
    std::mem::forget(log.reserve(1).unwrap());
    assert!(log.reserve(1).unwrap().job(&Job::default()));
    assert!(log.close().is_err());
    let stage = log.state().stage_path;
    let next = |path: &Path| Reader::open(path, Mode::Salvage).unwrap().info().next;
    assert_eq!(next(&path), 3);
    match std::os::unix::fs::chown(&stage, Some(4711), None) {
        Ok(()) => assert_eq!(next(&path), 1),
        Err(_) => {
            let file = std::fs::OpenOptions::new()
                .write(true)
                .open(&stage)
                .unwrap();
            file.set_len(100).unwrap();
            assert_eq!(next(&path), 1);
        }
    }
    std::fs::remove_file(&stage).unwrap();
}
