//! Trace files are JSON that viewers take, have all of the spans in them, and are read back.

mod common;

use std::path::{Path, PathBuf};

use common::{origin, soon, whole, Dice, UGLY};
use rota::spans::{Exporter as _, Moment, Span};
use rota_export::{phases, read_chrome, Chrome, Phase};
use serde_json::{json, Value};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn write(path: &Path, batches: &[Vec<Span>]) -> PathBuf {
    let mut chrome = Chrome::create(path).expect("it can be made");
    chrome.begin(&origin()).expect("it begins");
    for batch in batches {
        chrome.export(batch, soon()).expect("it is written");
    }
    chrome.end(soon()).expect("it ends");
    chrome.path().to_owned()
}

fn written(batches: &[Vec<Span>]) -> String {
    let folder = folder();
    let path = write(&folder.path().join("trace.json"), batches);
    std::fs::read_to_string(path).expect("UTF-8")
}

/// The spans up to an error, whether it is whole, and the error.
fn read(trace: &[u8]) -> (Vec<Span>, bool, Option<String>) {
    let mut reader = read_chrome(trace);
    let mut spans = Vec::new();
    let mut error = None;
    for span in &mut reader {
        match span {
            Ok(span) => spans.push(span),
            Err(e) => error = Some(e.to_string()),
        }
    }
    assert!(reader.next().is_none(), "an end is an end");
    assert!(reader.position() <= trace.len() as u64);
    (spans, reader.is_whole(), error)
}

#[test]
fn a_job_is_an_event_with_its_phases_inside() {
    let trace = written(&[vec![whole()]]);
    // More digits than the numbers of JavaScript have: who reads text has them all.
    assert!(trace.contains("\"ts\":1790000000000009.300"));
    let events: Value = serde_json::from_str(&trace).expect("JSON");
    let event = |phase: &str, name: &str, ts: f64| json!({"ph": phase, "name": name, "cat": "rota", "id": "3-42", "pid": 1, "tid": 0, "ts": ts});
    let at = |ns: u64| (common::DAY + ns) as f64 / 1e3;
    let mut job = event("b", "standard.scan_dfa", at(0));
    job["args"] = json!({
        "trace_id": "000102030405060708090a0b0c0d0eff", "span_id": "8001020304050607", "parent_id": "0000000000000001",
        "tenant": "scanner", "tenant_id": "3", "module": "standard", "handler": "scan_dfa", "ticket": "42",
        "user_data": "0xffffffffffffffff", "status": 1, "status_name": "OK", "fault": 0, "fault_name": "NONE",
        "tiles": 64, "fuel": 123456, "submitted": "1790000000000000000",
        "claimed": {"earliest": "1790000000000001000", "latest": "1790000000000002001"},
        "finished": {"earliest": "1790000000000005000", "latest": "1790000000000006020"},
        "taken": "1790000000000009300", "begin_epoch": "1099511627776", "end_epoch": "1099511627783",
    });
    assert_eq!(
        events,
        json!([
            {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "args": {"name": "scanner"}},
            {"ph": "M", "name": "process_labels", "pid": 1, "tid": 0,
             "args": {"labels": "a \"device\", llvmpipe 25, RESIDENT, Rota 1.2.3"}},
            job,
            event("b", "queued", at(0)),
            event("e", "queued", at(2_001)),
            event("b", "running", at(2_001)),
            event("e", "running", at(6_020)),
            event("b", "untaken", at(6_020)),
            event("e", "untaken", at(9_300)),
            event("e", "standard.scan_dfa", at(9_300)),
        ])
    );
}

#[test]
fn phases_need_both_ends_and_never_go_back() {
    let of = |span: &Span| {
        phases(span)
            .map(|Phase { name, begin, end }| (name, begin, end))
            .collect::<Vec<_>>()
    };
    let moment = |at| {
        Some(Moment {
            earliest: 0,
            latest: at,
        })
    };
    let mut span = Span {
        submitted: 10,
        claimed: moment(20),
        finished: moment(30),
        taken: 40,
        ..whole()
    };
    let all = [("queued", 10, 20), ("running", 20, 30), ("untaken", 30, 40)];
    assert_eq!(of(&span), all);
    span.finished = None;
    assert_eq!(of(&span), [("queued", 10, 20)]);
    span.claimed = None;
    assert_eq!(of(&span), []);
    span.finished = moment(30);
    assert_eq!(of(&span), [("untaken", 30, 40)]);
    // Later than the take, and before the submit.
    span.claimed = moment(50);
    span.finished = moment(5);
    assert_eq!(
        of(&span),
        [("queued", 10, 40), ("running", 40, 40), ("untaken", 40, 40)]
    );
    let mut dice = Dice(3);
    for _ in 0..10_000 {
        let span = dice.span();
        let mut at = span.submitted;
        for phase in phases(&span) {
            assert!(at <= phase.begin && phase.begin <= phase.end, "{span:?}");
            at = phase.end;
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut dice = Dice(1);
    for round in 0..50 {
        let batches: Vec<Vec<Span>> = (0..dice.roll() % 4)
            .map(|_| (0..dice.roll() % 40).map(|_| dice.span()).collect())
            .collect();
        let trace = written(&batches);
        let events: Vec<Value> = serde_json::from_str(&trace).expect("JSON");
        assert_eq!(
            trace.lines().count(),
            events.len().max(1) + 2,
            "one event a line"
        );
        let (spans, is_whole, error) = read(trace.as_bytes());
        assert_eq!((is_whole, error), (true, None));
        assert_eq!(spans, batches.concat(), "round {round}");
        // Every begin has its end, in the order of a stack.
        let mut open: Vec<(&Value, &Value)> = Vec::new();
        for event in &events {
            match event["ph"].as_str() {
                Some("b") => open.push((&event["name"], &event["id"])),
                Some("e") => assert_eq!(open.pop(), Some((&event["name"], &event["id"]))),
                _ => assert_eq!(event["ph"], "M"),
            }
        }
        assert_eq!(open, []);
        // In another layout it is the same, also with what somebody else has put between.
        let mut other: Vec<Value> = events;
        other.insert(
            0,
            json!({"ph": "X", "name": "{[\"", "cat": "main", "args": {"trace_id": 1}}),
        );
        let pretty = serde_json::to_string_pretty(&other).expect("JSON");
        assert_eq!(read(pretty.as_bytes()), (batches.concat(), true, None));
    }
}

#[test]
fn names_stay_as_they_are() {
    let span = Span {
        tenant: UGLY.into(),
        module: UGLY.into(),
        handler: UGLY.into(),
        ..whole()
    };
    let trace = written(&[vec![span.clone()]]);
    assert!(trace.chars().all(|c| c == '\n' || !c.is_control()));
    let events: Value = serde_json::from_str(&trace).expect("JSON");
    assert_eq!(events[0]["args"]["name"], UGLY);
    assert_eq!(events[2]["name"], format!("{UGLY}.{UGLY}"));
    assert_eq!(read(trace.as_bytes()).0, [span]);
}

/// A crash leaves what was written so far, and so does a program that still runs.
#[test]
fn every_part_of_a_file_is_read_up_to_its_end() {
    let mut dice = Dice(2);
    let spans: Vec<Span> = (0..4).map(|_| dice.span()).collect();
    let (first, second) = spans.split_at(2);
    let trace = written(&[first.to_vec(), second.to_vec()]);
    let last = trace.rfind(']').expect("it is closed");
    let mut most = 0;
    for end in 1..=trace.len() {
        let (read, is_whole, error) = read(&trace.as_bytes()[..end]);
        assert_eq!((is_whole, error), (end > last, None), "cut at {end}");
        assert!(
            read.len() >= most && spans.starts_with(&read),
            "cut at {end}"
        );
        most = read.len();
    }
    assert_eq!(most, spans.len());
}

#[test]
fn what_is_no_trace_of_ours_is_said() {
    let trace = written(&[vec![whole()]]);
    let without = |part: &str, other: &str| trace.replacen(part, other, 1);
    for (file, wrong) in [
        (String::new(), "an empty file at byte 0"),
        ("PAR1".into(), "no array of trace events at byte 1"),
        ("{\"traceEvents\":[]}".into(), "no array"),
        ("[1]".into(), "something that is no event at byte 2"),
        ("[,]".into(), "something that is no event"),
        ("[]x".into(), "something behind the array"),
        ("[{x{}}]".into(), "an event that isn't JSON"),
        (without("scanner", "\\ud800"), "an event that isn't JSON"),
        (without("\"id\":", "\"id\""), "an event that isn't JSON"),
        (
            without("\"3\",\"ticket\"", "3,\"ticket\""),
            "a job without a good \"tenant_id\"",
        ),
        (without("\"tiles\":64", "\"tiles\":4294967296"), "\"tiles\""),
        (without("\"tiles\":64,", ""), "\"tiles\""),
        (without("000102", "00010g"), "\"trace_id\""),
        (without("000102", "00010"), "\"trace_id\""),
        (without("0xff", "ff"), "\"user_data\""),
        (without("{\"earliest\"", "{\"earlier\""), "\"claimed\""),
        (
            format!("[{{\"name\":\"{}\"}}]", "x".repeat(2 << 20)),
            "an event of more than 1048576 bytes",
        ),
    ] {
        let (_, is_whole, error) = read(file.as_bytes());
        let error = error.unwrap_or_else(|| panic!("no error: {wrong}"));
        assert!(!is_whole && error.contains(wrong), "{wrong}: {error}");
        assert!(
            error.starts_with("not a trace that Rota has written: "),
            "{error}"
        );
    }
    assert_eq!(read(b" \n[ ]\n"), (vec![], true, None));
}

#[test]
fn the_process_stands_in_the_name_and_an_older_file_goes() {
    let folder = folder();
    let path = write(&folder.path().join("a-%p-%p.json"), &[vec![whole()]]);
    let id = std::process::id();
    assert_eq!(path, folder.path().join(format!("a-{id}-{id}.json")));
    let old = std::fs::metadata(&path).expect("it is there").len();
    write(&path, &[]);
    assert!(std::fs::metadata(&path).expect("it is there").len() < old);
}

/// Whoever comes second would write over what the first has written.
#[test]
fn a_file_has_one_writer_at_a_time() {
    let folder = folder();
    let path = folder.path().join("trace.json");
    let mut first = Chrome::create(&path).expect("it can be made");
    first.begin(&origin()).expect("it begins");
    first.export(&[whole()], soon()).expect("it is written");
    let written = std::fs::read(&path).expect("it is there");
    let link = folder.path().join("link.json");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    for path in [&path, &link] {
        let error = Chrome::create(path).err().expect("it is taken");
        let says = format!("can't have {}: another runtime writes", path.display());
        assert!(error.text.starts_with(&says), "{error}");
        assert!(error.text.contains("%p"), "{error}");
        assert_eq!(error.retry_after, None);
    }
    assert_eq!(std::fs::read(&path).expect("it is there"), written);
    first.export(&[whole()], soon()).expect("it goes on");
    first.end(soon()).expect("it ends");
    let trace = std::fs::read(&path).expect("it is there");
    assert_eq!(read(&trace), (vec![whole(), whole()], true, None));
    drop(first);
    write(&path, &[vec![whole()]]);
    let trace = std::fs::read(&path).expect("it is there");
    assert_eq!(read(&trace), (vec![whole()], true, None));
}

#[test]
fn a_disk_that_refuses_is_an_error_that_stays() {
    for (path, wrong) in [
        (
            "/nowhere/trace.json",
            "can't create /nowhere/trace.json: No such file",
        ),
        ("/", "can't create /: Is a directory"),
        ("/dev/full", "can't write /dev/full: No space left"),
    ] {
        let error = Chrome::create(Path::new(path)).err().expect(path);
        assert!(error.text.starts_with(wrong), "{error}");
        assert_eq!(error.retry_after, None);
    }
}
