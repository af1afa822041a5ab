//! Other ways to keep a record of 128 bytes, side by side in one folder, one record after the other.

use super::folder::Folder;
use crate::clock::{now_ns, process_cpu_ns};
use crate::context::{Context, Progress};
use crate::stats::{Object, Samples};
use crate::Fallible;
use rota_recorder::{Item, Job, Log, LogOptions, Mode, Reader, Record};
use rusqlite::Connection;
use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const BYTES: usize = 128;
/// Bytes of a file that is written round and round.
const CAPACITY: u64 = 64 << 20;
/// A page for the header in front of the records.
const RECORDS_AT: u64 = 4096;
const PLACES: u64 = (CAPACITY - RECORDS_AT) / BYTES as u64;

/// A way to keep records.
trait Way {
    /// Keeps some more: nanoseconds of one.
    fn turn(&mut self) -> Fallible<f64>;
    /// An error unless what was kept is there.
    fn check(&self) -> Fallible<()>;
}

/// Nanoseconds of one of `count` records.
fn timed(count: u64, work: impl FnOnce() -> Fallible<()>) -> Fallible<f64> {
    let begin = now_ns();
    work()?;
    Ok((now_ns() - begin) as f64 / count as f64)
}

fn record(n: u64) -> [u8; BYTES] {
    let mut bytes = [0x5a; BYTES];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    bytes
}

// ---------------------------------------------------------------- Rota's log

struct Rota {
    log: Log,
    path: PathBuf,
    next: u64,
}

impl Rota {
    const TURN: u64 = 10_000;
    const LONG_TURN: u64 = 1_000_000;

    fn new(path: PathBuf) -> Fallible<Self> {
        let log = Log::open(&LogOptions {
            capacity_bytes: CAPACITY,
            ..LogOptions::new(&path)
        })?;
        let mut way = Self { log, path, next: 0 };
        // Once round, as the other files are written before they are measured.
        way.append(PLACES)?;
        way.log.sync(Duration::from_secs(60))?;
        Ok(way)
    }

    fn append(&mut self, count: u64) -> Fallible<()> {
        for ticket in self.next..self.next + count {
            let reserved = self.log.reserve(1);
            let mut cells = reserved.map_err(|refused| self.log.explain(refused, 1))?;
            cells.job(&Job {
                tenant: 1,
                ticket,
                opcode: 0x1000,
                args: [0x5a; 10],
                ..Job::default()
            });
        }
        self.next += count;
        Ok(())
    }

    /// More records than the stage has room for, until all are in the file: nanoseconds of one, and those of the
    /// processors.
    fn long_turn(&mut self) -> Fallible<[f64; 2]> {
        let cpu = process_cpu_ns();
        let ns = timed(Self::LONG_TURN, || {
            self.append(Self::LONG_TURN)?;
            while self.log.state().written_seq < self.log.next_seq() {
                std::thread::yield_now();
            }
            Ok(())
        })?;
        let cpu = (process_cpu_ns() - cpu) as f64 / Self::LONG_TURN as f64;
        self.log.sync(Duration::from_secs(60))?;
        Ok([ns, cpu])
    }
}

impl Way for Rota {
    fn turn(&mut self) -> Fallible<f64> {
        let ns = timed(Self::TURN, || self.append(Self::TURN))?;
        // What its threads have left to do must not slow the next one down.
        self.log.sync(Duration::from_secs(60))?;
        Ok(ns)
    }

    fn check(&self) -> Fallible<()> {
        let mut reader = Reader::open(&self.path, Mode::Strict)?;
        let first = self.next.saturating_sub(reader.info().capacity_cells);
        let mut next = first;
        while let Some(item) = reader.read()? {
            match item {
                Item::Record(entry) if matches!(&entry.record, Record::Job(job) if job.ticket == next) =>
                {
                    next += 1;
                }
                other => return Err(format!("{other:?} instead of job {next}").into()),
            }
        }
        match next == self.next {
            true => Ok(()),
            false => Err(format!("the log ends with {next} instead of {}", self.next).into()),
        }
    }
}

// ---------------------------------------------------------------- files

/// A file that is written round and round, by the system's calls.
struct Circular {
    file: File,
    next: u64,
    write: fn(&mut File, u64) -> std::io::Result<()>,
}

fn place(n: u64) -> u64 {
    RECORDS_AT + n % PLACES * BYTES as u64
}

/// The naive log's four calls: to the record's place, the record, to the header, the number that is next.
fn write_naive(file: &mut File, n: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(place(n)))?;
    file.write_all(&record(n))?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&(n + 1).to_le_bytes())
}

/// One call, and no header.
fn write_at(file: &mut File, n: u64) -> std::io::Result<()> {
    file.write_all_at(&record(n), place(n))
}

impl Circular {
    const TURN: u64 = 10_000;

    fn new(path: &Path, write: fn(&mut File, u64) -> std::io::Result<()>) -> Fallible<Self> {
        let options = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .clone();
        let mut file = options.open(path)?;
        // So that its places are on the disk and in memory, as after the first time round.
        let zeros = vec![0; 1 << 20];
        for _ in 0..CAPACITY >> 20 {
            file.write_all(&zeros)?;
        }
        file.sync_all()?;
        Ok(Self {
            file,
            next: 0,
            write,
        })
    }
}

impl Way for Circular {
    fn turn(&mut self) -> Fallible<f64> {
        let first = self.next;
        self.next += Self::TURN;
        timed(Self::TURN, || {
            (first..self.next).try_for_each(|n| Ok((self.write)(&mut self.file, n)?))
        })
    }

    fn check(&self) -> Fallible<()> {
        let mut bytes = [0; BYTES];
        for n in self.next.saturating_sub(PLACES)..self.next {
            self.file.read_exact_at(&mut bytes, place(n))?;
            if bytes != record(n) {
                return Err(format!("record {n} is not in its file").into());
            }
        }
        Ok(())
    }
}

// ---------------------------------------------------------------- SQLite

struct Sqlite {
    connection: Connection,
    /// Records of one transaction.
    together: u64,
    next: u64,
}

impl Sqlite {
    fn new(path: &Path, synchronous: &str, together: u64) -> Fallible<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        if mode != "wal" {
            return Err(format!("SQLite's journal is in mode {mode}").into());
        }
        connection
            .execute_batch("CREATE TABLE log (seq INTEGER PRIMARY KEY, record BLOB NOT NULL)")?;
        Ok(Self {
            connection,
            together,
            next: 0,
        })
    }
}

impl Way for Sqlite {
    fn turn(&mut self) -> Fallible<f64> {
        let mut begin = self.connection.prepare("BEGIN")?;
        let mut insert = self.connection.prepare("INSERT INTO log VALUES (?, ?)")?;
        let mut commit = self.connection.prepare("COMMIT")?;
        // Enough that in each turn SQLite brings its journal into the database.
        let count = if self.together == 1 { 2_048 } else { 32_768 };
        let (first, end) = (self.next, self.next + count);
        self.next = end;
        timed(count, || {
            for from in (first..end).step_by(self.together as usize) {
                // An insert alone is a transaction by itself.
                if self.together > 1 {
                    begin.execute([])?;
                }
                for n in from..from + self.together {
                    insert.execute((n as i64, record(n)))?;
                }
                if self.together > 1 {
                    commit.execute([])?;
                }
            }
            Ok(())
        })
    }

    fn check(&self) -> Fallible<()> {
        let of = "SELECT count(*), max(seq), min(length(record)) FROM log";
        let found: (u64, u64, usize) = self
            .connection
            .query_row(of, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        match found == (self.next, self.next - 1, BYTES) {
            true => Ok(()),
            false => Err(format!("SQLite has {found:?} of {} records", self.next).into()),
        }
    }
}

// ---------------------------------------------------------------- RocksDB

/// RocksDB by its own benchmark, which also makes the records and keeps them in memory by their keys.
struct Rocksdb {
    path: PathBuf,
    /// Its version, and whether it says that it is slower than it could be.
    about: String,
}

impl Rocksdb {
    const TURN: u64 = 100_000;

    /// None where there is no db_bench.
    fn new(path: PathBuf) -> Fallible<Option<Self>> {
        let mut way = Self {
            path,
            about: String::new(),
        };
        Ok(way.run()?.map(|(_, about)| {
            way.about = about;
            way
        }))
    }

    /// Nanoseconds of one record, and what it says of itself.
    fn run(&self) -> Fallible<Option<(f64, String)>> {
        let run = Command::new("db_bench")
            .args(["--benchmarks=fillseq", "--threads=1", "--key_size=16"])
            .arg(format!("--value_size={BYTES}"))
            .args(["--sync=0", "--disable_wal=0", "--compression_type=none"])
            .arg(format!("--num={}", Self::TURN))
            .arg(format!("--db={}", self.path.display()))
            .output();
        let run = match run {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            run => run?,
        };
        let (out, err) = (
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr),
        );
        let failed = || format!("db_bench: {}: {out}{err}", run.status);
        if !run.status.success() {
            return Err(failed().into());
        }
        // fillseq      :       2.662 micros/op 375629 ops/sec ...
        let micros = out.lines().find_map(|line| {
            let (time, _) = line.strip_prefix("fillseq")?.split_once("micros/op")?;
            time.trim_matches([' ', ':']).parse::<f64>().ok()
        });
        let micros = micros.ok_or_else(failed)?;
        let all = || out.lines().chain(err.lines());
        let version = all().find_map(|line| Some(line.split_once("version ")?.1.trim()));
        let mut about = version.unwrap_or("unknown").to_string();
        if all().any(|line| line.contains("Assertions are enabled")) {
            about += ", built with assertions";
        }
        Ok(Some((micros * 1e3, about)))
    }
}

impl Way for Rocksdb {
    fn turn(&mut self) -> Fallible<f64> {
        let run = self.run()?;
        Ok(run.ok_or("db_bench was there, and is no more")?.0)
    }

    fn check(&self) -> Fallible<()> {
        Ok(())
    }
}

// ---------------------------------------------------------------- side by side

pub fn measure(context: &Context, folder: &Folder, object: &mut Object) -> Fallible<()> {
    let path = |name: &str| folder.path(name);
    let mut rota = Rota::new(path("peer.log"))?;
    let mut ways: Vec<(&str, Box<dyn Way>)> = vec![
        (
            "naive",
            Box::new(Circular::new(&path("naive.log"), write_naive)?),
        ),
        (
            "pwrite",
            Box::new(Circular::new(&path("pwrite.log"), write_at)?),
        ),
    ];
    for (name, synchronous, together) in [
        ("sqlite_off_1", "OFF", 1),
        ("sqlite_off_64", "OFF", 64),
        ("sqlite_normal_1", "NORMAL", 1),
        ("sqlite_normal_64", "NORMAL", 64),
    ] {
        let way = Sqlite::new(&path(name), synchronous, together)?;
        ways.push((name, Box::new(way)));
    }
    let rocksdb = Rocksdb::new(path("rocksdb"))?;
    object.insert("sqlite".into(), rusqlite::version().into());
    match &rocksdb {
        Some(way) => object.insert("rocksdb".into(), way.about.clone().into()),
        None => object.insert("rocksdb".into(), "not measured: no db_bench here".into()),
    };
    if let Some(way) = rocksdb {
        ways.push(("rocksdb", Box::new(way)));
    }

    let rounds = context.rounds(12);
    let progress = Progress::new("recorder's peers", rounds);
    let (mut own, mut ratio) = (Samples::new(), Samples::new());
    let mut long: [Samples; 2] = Default::default();
    let mut others = vec![Samples::new(); ways.len()];
    for round in 0..rounds {
        let mut own_ns = 0.0;
        let mut naive_ns = 0.0;
        let mut order: Vec<usize> = (0..=ways.len()).collect();
        // Turn about, so that a drift of the machine harms none.
        if round % 2 != 0 {
            order.reverse();
        }
        for which in order {
            match which.checked_sub(1) {
                None => own_ns = rota.turn()?,
                Some(which) => {
                    let ns = ways[which].1.turn()?;
                    others[which].push(ns);
                    if ways[which].0 == "naive" {
                        naive_ns = ns;
                    }
                }
            }
        }
        own.push(own_ns);
        ratio.push(naive_ns / own_ns);
        for (samples, ns) in long.iter_mut().zip(rota.long_turn()?) {
            samples.push(ns);
        }
        progress.step(round + 1);
    }
    rota.check()?;
    ways.iter().try_for_each(|(_, way)| way.check())?;
    ratio.write_figure(object, "vs_naive");
    own.write_figure(object, "rota_ns");
    long[0].write_figure(object, "rota_written_ns");
    long[1].write_figure(object, "rota_cpu_ns");
    for ((name, _), samples) in ways.iter().zip(&others) {
        samples.write_figure(object, &format!("{name}_ns"));
    }
    Ok(())
}
