//! `rota spans` from outside, on traces that these tests write.

mod common;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{folder, rota, run};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use rota::completion_status;
use rota::spans::{Exporter as _, Moment, Origin, Span};
use rota_export::Chrome;

const START: u64 = 1_790_000_000_000_000_000;

fn spans(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(rota(&[&["spans"], arguments].concat()).current_dir(folder))
}

/// Jobs of two tenants, of which every hundredth is slow.
fn jobs(count: u64) -> Vec<Span> {
    let job = |ticket: u64| {
        let submitted = START + ticket * 1_000_000;
        let queued = if ticket % 100 == 99 {
            5_000_000
        } else {
            20_000
        };
        let moment = |at| {
            Some(Moment {
                earliest: submitted,
                latest: submitted + at,
            })
        };
        let is_even = ticket.is_multiple_of(2);
        Span {
            trace_id: [1; 16],
            span_id: ticket.to_be_bytes(),
            parent_id: None,
            tenant: if is_even { "even" } else { "odd\u{1b}\n" }.into(),
            tenant_id: ticket % 2,
            module: "standard".into(),
            handler: "nop".into(),
            ticket,
            user_data: 0,
            status: if ticket == 4 {
                completion_status::REVOKED
            } else {
                completion_status::OK
            },
            fault: 0,
            tiles: 1,
            fuel: 0,
            submitted,
            claimed: (ticket != 4).then(|| moment(queued)).flatten(),
            finished: (ticket != 4).then(|| moment(queued + 300_000)).flatten(),
            taken: submitted + queued + 300_700,
            begin_epoch: 1,
            end_epoch: 1,
        }
    };
    (0..count).map(job).collect()
}

fn write(folder: &Path, spans: &[Span]) -> PathBuf {
    let path = folder.join("trace.json");
    let soon = Instant::now() + Duration::from_secs(60);
    let mut chrome = Chrome::create(&path).expect("it can be made");
    chrome.begin(&Origin::default()).expect("it begins");
    chrome.export(spans, soon).expect("it is written");
    chrome.end(soon).expect("it ends");
    path
}

#[test]
fn a_trace_is_summed_up() {
    let folder = folder();
    write(folder.path(), &jobs(1000));
    let (code, stdout, stderr) = spans(folder.path(), &["trace.json"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    // Times are those of their class, to a thirty-second.
    let expected = "\
trace.json
  spans               1,000
  from first to last  1.00 s

even (0), standard.nop
  spans               500, 1 not OK
  queued              p50 20.0 us, p99 20.0 us
  running             p50 300 us, p99 300 us
  untaken             p50 700 ns, p99 700 ns

odd   (1), standard.nop
  spans               500
  queued              p50 20.0 us, p99 5.00 ms
  running             p50 300 us, p99 300 us
  untaken             p50 700 ns, p99 700 ns
";
    let words = |text: &str| {
        let no_times = text.lines().map(|line| match line.split_once(" p50 ") {
            Some((name, _)) => format!("{name} p50"),
            None => line.to_string(),
        });
        no_times.collect::<Vec<_>>()
    };
    assert_eq!(words(&stdout), words(expected));
    for (line, other) in stdout.lines().zip(expected.lines()) {
        let numbers = |line: &str| {
            let words = line.split([' ', ',']);
            words
                .filter_map(|w| w.parse::<f64>().ok())
                .collect::<Vec<_>>()
        };
        for (a, b) in numbers(line).into_iter().zip(numbers(other)) {
            assert!((a - b).abs() <= b / 30.0, "{line} is {other}");
        }
    }
}

#[test]
fn a_trace_becomes_a_table() {
    let folder = folder();
    write(folder.path(), &jobs(2500));
    let (code, stdout, stderr) = spans(folder.path(), &["trace.json", "-o", "a.parquet"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("a.parquet: 2,500 spans, "), "{stdout}");
    let table = File::open(folder.path().join("a.parquet")).expect("it is there");
    let reader = SerializedFileReader::new(table).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    let tickets: Vec<String> = rows
        .map(|row| {
            let row = row.expect("a row");
            let mut columns = row.get_column_iter();
            let found = columns.find(|(name, _)| *name == "ticket");
            found.expect("a ticket").1.to_string()
        })
        .collect();
    assert_eq!(
        tickets,
        (0..2500).map(|t| t.to_string()).collect::<Vec<_>>()
    );
}

/// What is there of it is taken, and it is said.
#[test]
fn a_trace_that_is_cut_is_read_up_to_there() {
    let folder = folder();
    let path = write(folder.path(), &jobs(10));
    let whole = std::fs::read(&path).expect("it is there");
    std::fs::write(&path, &whole[..whole.len() - 400]).expect("it can be written");
    for arguments in [&["trace.json"][..], &["trace.json", "-o", "a.parquet"]] {
        let (code, stdout, stderr) = spans(folder.path(), arguments);
        assert_eq!(
            (code, stderr.as_str()),
            (
                0,
                "rota: trace.json isn't closed: it is being written, or a crash has ended it\n"
            )
        );
        assert!(stdout.contains("10"), "{stdout}");
    }
}

#[test]
fn what_cannot_be_read_is_said_and_nothing_is_left() {
    let folder = folder();
    let path = write(folder.path(), &jobs(10));
    let names = || {
        let entries = std::fs::read_dir(folder.path()).expect("a folder");
        let mut names: Vec<_> = entries.map(|e| e.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    std::fs::write(folder.path().join("empty"), "").expect("it can be written");
    std::fs::write(folder.path().join("log"), b"RotaLog\x1a").expect("it can be written");
    std::fs::write(folder.path().join("other"), "{\"traceEvents\":[]}").expect("it can be written");
    std::os::unix::fs::symlink("trace.json", folder.path().join("link")).expect("a link");
    let trace = std::fs::read(&path).expect("it is there");
    let before = names();
    for (arguments, wrong) in [
        (&["nowhere"][..], "can't read nowhere: No such file"),
        (&["."], "is a directory"),
        (
            &["empty", "-o", "a"],
            "empty: not a trace that Rota has written: an empty file",
        ),
        (
            &["log", "-o", "a"],
            "log: not a trace that Rota has written: no array of trace events at byte 1",
        ),
        (
            &["other"],
            "other: not a trace that Rota has written: no array",
        ),
        (
            &["trace.json", "-o", "no/a"],
            "can't create no/a: No such file",
        ),
        (
            &["trace.json", "-o", "trace.json"],
            "trace.json is the trace: give the table another name by -o",
        ),
        (&["trace.json", "-o", "link"], "link is the trace"),
    ] {
        let (code, stdout, stderr) = spans(folder.path(), arguments);
        assert_eq!((code, stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(
            stderr.starts_with("rota: ") && stderr.lines().count() == 1,
            "{stderr}"
        );
        assert!(
            stderr.to_lowercase().contains(&wrong.to_lowercase()),
            "{stderr}"
        );
        assert_eq!(names(), before);
    }
    assert_eq!(std::fs::read(&path).expect("it is there"), trace);
}
