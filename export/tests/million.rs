//! A million spans through a file that is written and read at the same time. Alone in its process: it looks at the memory.

mod common;

use std::io::BufReader;
use std::os::fd::AsRawFd as _;

use common::{origin, soon, whole};
use rota::spans::{Exporter as _, Span};
use rota_export::{read_chrome, Chrome};

const COUNT: u64 = 1_000_000;
const BATCH: u64 = 1000;

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    let kib = line
        .and_then(|l| l.split_whitespace().nth(1))
        .expect("a number");
    kib.parse().expect("a number")
}

#[test]
fn memory_is_bounded() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let before = peak();
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let writing = std::thread::spawn(move || {
        let mut chrome = Chrome::create(path.as_ref()).expect("it can be made");
        drop(writer);
        chrome.begin(&origin()).expect("it begins");
        let mut batch = vec![whole(); BATCH as usize];
        for first in (0..COUNT).step_by(BATCH as usize) {
            for (span, ticket) in batch.iter_mut().zip(first..) {
                span.ticket = ticket;
                span.tenant_id = ticket % 7;
            }
            chrome.export(&batch, soon()).expect("it is written");
        }
        chrome.end(soon()).expect("it ends");
    });
    let mut spans = read_chrome(BufReader::new(reader));
    for ticket in 0..COUNT {
        let span = spans.next().expect("one more").expect("a span");
        let expected = Span {
            ticket,
            tenant_id: ticket % 7,
            ..whole()
        };
        assert_eq!(span, expected);
    }
    assert!(spans.next().is_none() && spans.is_whole());
    writing.join().expect("it wrote all");
    let grown = peak() - before;
    assert!(grown < 32 << 10, "{grown} KiB for a million spans");
}
