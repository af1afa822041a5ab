//! Opens a log for writing: makes it, or takes up one that is there and brings in what a crash has left.
//!
//! Each step can be cut short by a crash and done again. A log is made under the name `LOG.new`, so that its own name
//! never stands for half of one.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cell::{self, Class, Head, Words, CELL_BYTES};
use crate::clock;
use crate::core::{write_both, Core, Parts};
use crate::disk::{remove_if_there, Disk, DiskFile, How, Map};
use crate::error::Error;
use crate::header::{Header, StageHeader, CELLS_AT, PAGE_BYTES, STAGE_PATH_MAX};
use crate::objects::Objects;
use crate::options::{LogOptions, StagePlace};
use crate::record::{kind, GapWhy, Void, VoidWhy};
use crate::source::{read_header, stage_beside, Found, Source, StageFile};
use crate::stage::{Refused, Stage, WORDS_AT};

const MEMORY_FOLDER: &str = "/dev/shm";
/// Cells that are written at once when a log is mended.
const MEND: u64 = 4096;
/// How far the writer may be ahead of what the header says is durable: 512 MiB. It bounds how much of a large log has
/// to be looked through after a crash.
pub const REACH: u64 = 1 << 22;

/// What opening found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Whether the log was there before.
    pub existed: bool,
    /// Whether the run before had not closed it.
    pub crashed: bool,
    /// Cells that were brought in from the stage that the run before had left.
    pub from_stage: u64,
    /// Cells that got no record and are void now.
    pub voided: u64,
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().into();
    name.push(suffix);
    name.into()
}

fn random() -> Result<u64, io::Error> {
    let mut bytes = [0; 8];
    // SAFETY: the buffer is as long as said.
    match unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) } {
        8 => Ok(u64::from_ne_bytes(bytes)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Opens a log, and gives what its threads share.
pub fn open(
    disk: Arc<dyn Disk>,
    options: &LogOptions,
    reach: u64,
) -> Result<(Core, Opened), Error> {
    let path = &options.path;
    let capacity = options.capacity()?;
    options.stage_cells(capacity)?;
    let (file, fresh) = loop {
        match disk.open(path, How::Write) {
            Ok(file) => break (file, None),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::io(path, "opening the log", 0, e)),
        }
        if let Some((file, header)) = create(&*disk, path, capacity, reach)? {
            break (file, Some(header));
        }
    };
    let file: Arc<dyn DiskFile> = file.into();
    let mut found = Opened {
        existed: fresh.is_none(),
        ..Opened::default()
    };
    let mut refused = Refused::default();
    let mut given_up = None;
    let mut header = match fresh {
        Some(header) => header,
        None => {
            lock(path, &*file)?;
            let (header, pages) = read_header(path, &*file)?;
            let bytes = file
                .len()
                .map_err(|e| Error::io(path, "reading the length", 0, e))?;
            if bytes < header.file_bytes() {
                return Err(Error::Truncated {
                    path: path.into(),
                    found: bytes,
                    wanted: header.file_bytes(),
                });
            }
            if options.start_over {
                given_up = StageFile::find(&*disk, path, &*file, &header)?.map(|stage| stage.path);
                start_over(header)
            } else {
                let source = Source::open(&*disk, path, file.clone(), header, pages)?;
                let (header, left) = mend(&*disk, source, &mut found)?;
                refused = left;
                header
            }
        }
    };
    header.reach = reach.min(header.capacity);
    let objects = Objects::open(disk.clone(), path, options.object_bytes())?;
    let (stage, map) = make_stage(&*disk, options, &*file, &mut header)?;
    header.clean = false;
    header.run += 1;
    header.pid = std::process::id();
    let made = write_both(&*file, &mut header);
    if made.is_err() {
        let _ = disk.remove(&header.stage_path);
    }
    made.map_err(|e| Error::io(path, "writing the header", 0, e))?;
    if let Some(stage) = given_up.filter(|stage| *stage != header.stage_path) {
        remove_if_there(&*disk, &stage)
            .map_err(|e| Error::io(&stage, "removing the old stage", 0, e))?;
    }
    let core = Core::new(Parts {
        options: options.clone(),
        disk,
        file,
        objects,
        stage,
        map,
        header,
    });
    if refused.count != 0 {
        core.tell_of(GapWhy::Crash, refused);
    }
    Ok((core, found))
}

fn lock(path: &Path, file: &dyn DiskFile) -> Result<(), Error> {
    match file.try_lock() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::InUse { path: path.into() }),
        Err(e) => Err(Error::io(path, "locking the log", 0, e)),
    }
}

/// A log that was just made.
type Made = (Box<dyn DiskFile>, Header);

/// Makes a new log and moves it to its name. `None` if somebody else was faster.
fn create(disk: &dyn Disk, path: &Path, capacity: u64, reach: u64) -> Result<Option<Made>, Error> {
    let new = beside(path, ".new");
    let opened = disk.open(&new, How::Create);
    // Missing is the folder, and the message is about the log.
    let file = opened.map_err(|e| Error::io(path, "making the log", 0, e))?;
    lock(path, &*file)?;
    // Whoever had the lock before may have given the file its name.
    let same =
        || -> io::Result<bool> { Ok(disk.open(&new, How::Read)?.identity()? == file.identity()?) };
    if !same().unwrap_or(false) {
        return Ok(None);
    }
    let bytes = CELLS_AT + capacity * CELL_BYTES as u64;
    match make(disk, path, &new, &*file, capacity, reach) {
        Ok(header) => Ok(Some((file, header))),
        Err(e) => {
            // Half a log is of no use, and its space may be what the disk lacks.
            let _ = disk.remove(&new);
            match e.kind() {
                io::ErrorKind::AlreadyExists => Ok(None),
                _ => Err(Error::io(path, "making the log", bytes, e)),
            }
        }
    }
}

fn make(
    disk: &dyn Disk,
    path: &Path,
    new: &Path,
    file: &dyn DiskFile,
    capacity: u64,
    reach: u64,
) -> io::Result<Header> {
    let mut header = Header {
        counter: 0,
        compatible: 0,
        incompatible: 0,
        feature_names: String::new(),
        capacity,
        // Random, because the file's space may hold cells of a log that was there before.
        generation: (random()? as u32).max(1),
        clean: true,
        run: 0,
        created_ns: clock::mono_ns().wrapping_add(clock::wall_offset_ns()),
        next: 1,
        durable: 1,
        pid: std::process::id(),
        reach: reach.min(capacity),
        stage_id: 0,
        stage_cells: 0,
        stage_path: PathBuf::new(),
    };
    file.allocate(header.file_bytes())?;
    write_both(file, &mut header)?;
    disk.rename(new, path, false)?;
    disk.sync_folder(path.parent().unwrap_or(Path::new("/")))?;
    Ok(header)
}

/// The header of a new log in the old one's file. The old one's cells are stale by their generation.
fn start_over(old: Header) -> Header {
    Header {
        generation: old.generation.wrapping_add(1).max(1),
        run: 0,
        created_ns: clock::mono_ns().wrapping_add(clock::wall_offset_ns()),
        next: 1,
        durable: 1,
        ..old
    }
}

/// Brings the stage's cells into the file, makes what is missing void, and all of it durable. Gives the header as it
/// is to go on, and what was refused and not told.
fn mend(
    disk: &dyn Disk,
    mut source: Source,
    found: &mut Opened,
) -> Result<(Header, Refused), Error> {
    let path = source.path.clone();
    found.crashed = !source.header.clean;
    let mut next = source.next;
    let mut refused = Refused::default();
    let mut staged = 0..0;
    if let Some(stage) = &source.stage {
        // Reserved and never committed; what the word says beyond the stage's cells isn't so.
        if (next..=next + stage.cells).contains(&stage.next) {
            next = stage.next;
        }
        staged = next.saturating_sub(stage.cells)..next;
        refused = stage.refused;
    }
    source.next = next;
    if found.crashed {
        void_overwritten(&mut source, found)?;
    }
    let mut at = source.header.durable.max(source.oldest());
    let mut cells: Vec<Words> = Vec::new();
    while at < next {
        cells.clear();
        let run = MEND
            .min(next - at)
            .min(source.header.capacity - at % source.header.capacity);
        for seq in at..at + run {
            // Also what is in the file already is written again: if its sync failed, the system's cache has it, and the
            // disk perhaps not, and nobody would ever write it back.
            cells.push(match source.cell(seq)? {
                Found::Good(words) => {
                    found.from_stage += source.was_staged(seq) as u64;
                    words
                }
                Found::Bad(_) => {
                    found.voided += 1;
                    let why = match staged.contains(&seq) {
                        true => VoidWhy::Uncommitted,
                        false => VoidWhy::Lost,
                    };
                    void(source.header.generation, seq, why)
                }
            });
        }
        let offset = source.header.offset(at);
        source
            .file
            .write_full(cell::bytes_of(&cells), offset)
            .map_err(|e| Error::io(&path, "mending the log", 0, e))?;
        at += run;
    }
    let synced = source.file.sync();
    synced.map_err(|e| Error::io(&path, "syncing the log", 0, e))?;
    if let Some(stage) = &source.stage {
        remove_if_there(disk, &stage.path)
            .map_err(|e| Error::io(&stage.path, "removing the old stage", 0, e))?;
    }
    Ok((
        Header {
            next,
            durable: next,
            ..source.header
        },
        refused,
    ))
}

/// Makes cells void that may have been torn when they were about to be overwritten: those in whose places the run
/// before may have written, though what it wrote didn't come whole. Other damaged cells are for the reader to tell.
fn void_overwritten(source: &mut Source, found: &mut Opened) -> Result<(), Error> {
    let Header {
        durable,
        reach,
        capacity,
        ..
    } = source.header;
    let end = durable.min(durable.saturating_add(reach).saturating_sub(capacity));
    for seq in source.oldest()..end {
        if let Found::Bad(Class::Corrupt) = source.cell(seq)? {
            let words = [void(source.header.generation, seq, VoidWhy::Lost)];
            found.voided += 1;
            source
                .file
                .write_full(cell::bytes_of(&words), source.header.offset(seq))
                .map_err(|e| Error::io(&source.path, "mending the log", 0, e))?;
        }
    }
    Ok(())
}

fn void(generation: u32, seq: u64, why: VoidWhy) -> Words {
    let now_ns = clock::mono_ns();
    let head = Head {
        kind: kind::VOID,
        part: 0,
        parts: 1,
        generation,
        seq,
        mono_ns: now_ns,
        wall_ns: now_ns.wrapping_add(clock::wall_offset_ns()),
    };
    cell::seal(head, &Void { why }.payload())
}

/// Makes the stage of a new run, and puts it into the header.
fn make_stage(
    disk: &dyn Disk,
    options: &LogOptions,
    file: &dyn DiskFile,
    header: &mut Header,
) -> Result<(Stage, Map), Error> {
    let path = &options.path;
    let failed = |path: &Path, e| Error::io(path, "making the stage", 0, e);
    let cells = options.stage_cells(header.capacity)?;
    let bytes = PAGE_BYTES + cells as usize * CELL_BYTES;
    let (device, inode) = file.identity().map_err(|e| failed(path, e))?;
    // The same at each run, so that what a crash leaves is replaced and doesn't pile up. Nobody else has this log.
    let name = format!("rota-stage-{device:x}-{inode:x}-{:08x}", header.generation);
    let here = stage_beside(path);
    let places = match &options.stage_place {
        StagePlace::Auto => vec![Path::new(MEMORY_FOLDER).join(&name), here],
        StagePlace::Beside => vec![here],
        StagePlace::Folder(folder) => vec![folder.join(&name)],
    };
    let mut made = None;
    for place in places {
        let place = std::path::absolute(&place).map_err(|e| failed(&place, e))?;
        if place.as_os_str().len() > STAGE_PATH_MAX {
            made = Some(Err(failed(&place, io::ErrorKind::InvalidFilename.into())));
            continue;
        }
        match disk.map_new(&place, bytes) {
            Ok(map) => {
                made = Some(Ok((place, map)));
                break;
            }
            Err(e) => made = Some(Err(Error::io(&place, "making the stage", bytes as u64, e))),
        }
    }
    let (place, map) = made.expect("there is a place")?;
    header.stage_id = random().map_err(|e| failed(path, e))?;
    header.stage_cells = cells;
    header.stage_path = place;
    let said = StageHeader {
        generation: header.generation,
        id: header.stage_id,
        cells,
        run: header.run + 1,
    }
    .encode();
    assert!(map.bytes() >= bytes && said.len() <= WORDS_AT);
    // SAFETY: the map is new, zeroed, aligned to pages and as long as page and cells together; nobody else has it,
    // and the core keeps it as long as the stage.
    let stage = unsafe {
        std::ptr::copy_nonoverlapping(said.as_ptr(), map.start(), said.len());
        let words = map.start().add(WORDS_AT).cast();
        Stage::new(
            words,
            map.start().add(PAGE_BYTES).cast(),
            cells,
            header.next,
        )
    };
    Ok((stage, map))
}
