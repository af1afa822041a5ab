//! Tables have every span as it was, whole or not at all.

mod common;

use std::fs::File;
use std::path::Path;

use common::{origin, soon, Dice};
use parquet::basic::{LogicalType, TimeUnit};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use rota::spans::{Exporter as _, Moment, Span};
use rota::{completion_status_name, fault_name};
use rota_export::Parquet;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    entries
        .map(|e| name(e).into_string().expect("UTF-8"))
        .collect()
}

fn id<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N);
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hexadecimal"))
}

/// The span of a row, by the names of its columns.
fn span(row: &Row) -> Span {
    let get = |name: &str| {
        let found = row.get_column_iter().find(|(n, _)| *n == name);
        found.unwrap_or_else(|| panic!("no {name}")).1
    };
    let text = |name: &str| match get(name) {
        Field::Str(text) => Some(text.as_str()),
        Field::Null => None,
        other => panic!("{name} is {other:?}"),
    };
    let long = |name: &str| match get(name) {
        Field::ULong(n) => *n,
        other => panic!("{name} is {other:?}"),
    };
    let short = |name: &str| match get(name) {
        Field::UInt(n) => *n,
        other => panic!("{name} is {other:?}"),
    };
    let time = |name: &str| match get(name) {
        Field::Long(n) => Some(*n as u64),
        Field::Null => None,
        other => panic!("{name} is {other:?}"),
    };
    let moment = |name: &str| {
        let earliest = time(&format!("{name}_earliest"));
        let latest = time(&format!("{name}_latest"));
        assert_eq!(earliest.is_some(), latest.is_some());
        Some(Moment {
            earliest: earliest?,
            latest: latest?,
        })
    };
    let (status, fault) = (short("status"), short("fault"));
    assert_eq!(text("status_name"), Some(completion_status_name(status)));
    let named = (fault != 0).then(|| fault_name(fault));
    assert_eq!(text("fault_name"), named);
    Span {
        trace_id: id(text("trace_id").expect("one")),
        span_id: id(text("span_id").expect("one")),
        parent_id: text("parent_id").map(id),
        tenant: text("tenant").expect("one").into(),
        tenant_id: long("tenant_id"),
        module: text("module").expect("one").into(),
        handler: text("handler").expect("one").into(),
        ticket: long("ticket"),
        user_data: long("user_data"),
        status,
        fault,
        tiles: short("tiles"),
        fuel: short("fuel"),
        submitted: time("submitted").expect("one"),
        claimed: moment("claimed"),
        finished: moment("finished"),
        taken: time("taken").expect("one"),
        begin_epoch: long("begin_epoch"),
        end_epoch: long("end_epoch"),
    }
}

/// Times there end in 2262.
fn dice_span(dice: &mut Dice) -> Span {
    let earlier = |m: Moment| Moment {
        earliest: m.earliest >> 1,
        latest: m.latest >> 1,
    };
    let span = dice.span();
    Span {
        submitted: span.submitted >> 1,
        claimed: span.claimed.map(earlier),
        finished: span.finished.map(earlier),
        taken: span.taken >> 1,
        ..span
    }
}

#[test]
fn every_span_is_a_row() {
    let folder = folder();
    let path = folder.path().join("spans.parquet");
    let mut dice = Dice(5);
    let spans: Vec<Span> = (0..150_000).map(|_| dice_span(&mut dice)).collect();
    let mut table = Parquet::create(&path).expect("it can be made");
    table.begin(&origin()).expect("it begins");
    let mut left = &spans[..];
    while !left.is_empty() {
        let (now, later) = left.split_at((dice.roll() as usize % 100_000).min(left.len()));
        table.export(now, soon()).expect("it is written");
        left = later;
    }
    table.end(soon()).expect("it ends");
    drop(table);
    assert_eq!(files(folder.path()), ["spans.parquet"]);

    let reader =
        SerializedFileReader::new(File::open(&path).expect("it is there")).expect("Parquet");
    let groups: Vec<i64> = reader
        .metadata()
        .row_groups()
        .iter()
        .map(|g| g.num_rows())
        .collect();
    assert_eq!(groups, [65_536, 65_536, 18_928], "groups are bounded");
    let file = reader.metadata().file_metadata();
    assert_eq!(
        file.created_by(),
        Some(concat!("Rota ", env!("CARGO_PKG_VERSION")))
    );
    let notes = file.key_value_metadata().expect("what ran where");
    let notes: Vec<_> = notes
        .iter()
        .map(|n| (n.key.as_str(), n.value.as_deref()))
        .collect();
    assert_eq!(
        notes,
        [
            ("rota.version", Some("1.2.3")),
            ("rota.device", Some("a \"device\"")),
            ("rota.driver", Some("llvmpipe 25")),
            ("rota.mode", Some("RESIDENT")),
        ]
    );
    let schema = file.schema_descr();
    for column in schema.columns() {
        let is_time = ["submitted", "claimed", "finished", "taken"]
            .iter()
            .any(|time| column.name().starts_with(time));
        let stamp = LogicalType::timestamp(true, TimeUnit::NANOS);
        let is_stamp = column.logical_type_ref() == Some(&stamp);
        assert_eq!(is_time, is_stamp, "{}", column.name());
    }
    let mut rows = reader.get_row_iter(None).expect("rows");
    for expected in &spans {
        assert_eq!(
            span(&rows.next().expect("one more").expect("a row")),
            *expected
        );
    }
    assert!(rows.next().is_none());
}

#[test]
fn a_table_without_spans_is_whole_too() {
    let folder = folder();
    let path = folder.path().join("spans.parquet");
    let mut table = Parquet::create(&path).expect("it can be made");
    table.end(soon()).expect("it ends");
    let reader =
        SerializedFileReader::new(File::open(&path).expect("it is there")).expect("Parquet");
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn what_is_not_finished_is_not_there() {
    let folder = folder();
    let path = folder.path().join("spans.parquet");
    std::fs::write(&path, "an older one").expect("it can be written");
    let mut table = Parquet::create(&path).expect("it can be made");
    let mut dice = Dice(6);
    let spans: Vec<Span> = (0..70_000).map(|_| dice.span()).collect();
    table.export(&spans, soon()).expect("it is written");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"an older one");
    assert_eq!(files(folder.path()).len(), 2);
    drop(table);
    assert_eq!(std::fs::read(&path).expect("it is there"), b"an older one");
    assert_eq!(files(folder.path()), ["spans.parquet"]);
}

#[test]
fn what_cannot_be_is_an_error_that_stays() {
    for (path, wrong) in [
        (
            "/nowhere/a.parquet",
            "can't create /nowhere/a.parquet: No such file",
        ),
        ("/", "/ is no name of a file"),
    ] {
        let error = Parquet::create(Path::new(path)).err().expect(path);
        assert!(error.text.starts_with(wrong), "{error}");
        assert_eq!(error.retry_after, None);
    }
    let folder = folder();
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).expect("a folder");
    let mut table = Parquet::create(&taken).expect("it can be made");
    let error = table.end(soon()).expect_err("there is a folder");
    assert!(error.text.contains("Is a directory"), "{error}");
    assert_eq!(files(folder.path()).len(), 2, "the rename failed");
    drop(table);
    assert_eq!(files(folder.path()), ["taken"]);
}
