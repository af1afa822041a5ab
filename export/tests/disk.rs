//! A file that can't grow any more stays readable. Alone in its process: the limit is the whole process's.

mod common;

use common::{origin, soon, Dice};
use rota::spans::{Exporter as _, Span};
use rota_export::{read_chrome, Chrome};

fn limit(bytes: u64) {
    let all = libc::RLIM_INFINITY;
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: all,
    };
    // SAFETY: the struct is whole, and the signal is ignored by no handler of ours.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

#[test]
fn half_a_batch_is_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trace.json");
    let mut dice = Dice(9);
    let mut batch = || (0..20).map(|_| dice.span()).collect::<Vec<Span>>();
    let mut chrome = Chrome::create(&path).expect("it can be made");
    chrome.begin(&origin()).expect("it begins");
    let first = batch();
    chrome.export(&first, soon()).expect("there is room");

    limit(std::fs::metadata(&path).expect("it is there").len() + 5000);
    let error = chrome
        .export(&batch(), soon())
        .expect_err("there is no room");
    assert_eq!(error.retry_after, None);
    assert!(error.text.contains("File too large"), "{error}");

    limit(libc::RLIM_INFINITY);
    let third = batch();
    chrome.export(&third, soon()).expect("there is room again");
    chrome.end(soon()).expect("it ends");
    let trace = std::fs::read(&path).expect("it is there");
    let _: Vec<serde_json::Value> = serde_json::from_slice(&trace).expect("JSON");
    let read: Vec<Span> = read_chrome(&trace[..])
        .map(|s| s.expect("a span"))
        .collect();
    assert_eq!(read, [first, third].concat());
}
