//! The socket through which other programs look at the metrics.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rota::fine_bound;
use serde_json::Value;
use tempfile::TempDir;

use crate::kit::*;

fn at(path: &Path) -> RuntimeOptions {
    RuntimeOptions {
        metrics_socket: Some(path.into()),
        ..options(Mode::Resident)
    }
}

/// A folder, and a path in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics");
    (folder, path)
}

struct Client(BufReader<UnixStream>);

impl Client {
    fn of(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_nanos(PATIENCE)))
            .unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    fn snapshot(&mut self) -> Value {
        self.say(b"snapshot\n");
        serde_json::from_str(&self.line()).unwrap()
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }
}

fn samples<'a>(snapshot: &'a Value, family: &str) -> &'a [Value] {
    let families = snapshot["metrics"].as_array().unwrap();
    let family = families.iter().find(|f| f["name"] == family).unwrap();
    family["samples"].as_array().unwrap()
}

fn named(runtime: &Runtime, label: &str) -> Tenant {
    let options = TenantOptions {
        label: label.into(),
        ..TenantOptions::default()
    };
    runtime.create_tenant(&options).unwrap()
}

#[test]
fn a_line_of_json_answers_each_request() {
    let (_folder, path) = place();
    let runtime = open(at(&path));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let mut client = Client::of(&path);
    let empty = client.snapshot();
    assert_eq!(empty["process"], std::process::id());
    assert_eq!(empty["latencies"], Value::Array(Vec::new()));
    let ugly = "a\"b\n\u{1b}é中";
    let tenant = named(&runtime, ugly);
    submit(&tenant, &[nop(1, 1); 10]);
    take(&tenant, 10);
    let now = client.snapshot();
    assert!(now["at_seconds"].as_f64() > empty["at_seconds"].as_f64());
    let submitted = &samples(&now, "rota_tenant_jobs_submitted")[0];
    assert_eq!(
        (&submitted["labels"]["tenant"], &submitted["value"]),
        (&ugly.into(), &10.into())
    );
    let of_tenant = &now["latencies"][0];
    assert_eq!(of_tenant["tenant"], ugly);
    let buckets = of_tenant["buckets"].as_array().unwrap();
    let count = |bucket: &Value| bucket[1].as_u64().unwrap();
    assert_eq!(buckets.iter().map(count).sum::<u64>(), 10);
    let own = tenant.latency().unwrap();
    for bucket in buckets {
        let n = bucket[0].as_u64().unwrap() as usize;
        assert_eq!(own.fine[n], count(bucket), "up to {} ns", fine_bound(n));
    }
    // What a tenant that is gone has counted stays, also beside another of its label.
    tenant.destroy().unwrap();
    drop(tenant);
    let tenant = named(&runtime, ugly);
    submit(&tenant, &[nop(1, 1); 5]);
    take(&tenant, 5);
    let fine = |snapshot: &Value| {
        let buckets = snapshot["latencies"][0]["buckets"].as_array().unwrap();
        buckets.iter().map(count).sum::<u64>()
    };
    let mut all = fine(&client.snapshot());
    let started = Instant::now();
    while all != 15 && started.elapsed() < Duration::from_nanos(PATIENCE) {
        // The pump may still have the first in its hands.
        all = fine(&client.snapshot());
    }
    assert_eq!(all, 15);
    // The other formats and requests at once.
    client.say(b"snapshot\r\n \t\nmore\nsnapshot\n");
    let lines: Vec<Value> = (0..4)
        .map(|_| serde_json::from_str(&client.line()).unwrap())
        .collect();
    assert!(lines[0]["metrics"].is_array() && lines[3]["metrics"].is_array());
    assert!(lines[1]["error"].is_string() && lines[2]["error"].is_string());
    drop(tenant);
    runtime.stop().unwrap();
    assert!(client.has_ended() && !path.exists());
}

/// Requests may come before the answers to those before them: more of them than are read at once, and cut anywhere.
#[test]
fn requests_that_come_together_are_answered_one_by_one() {
    const REQUESTS: usize = 20;
    let (_folder, path) = place();
    let _runtime = open(at(&path));
    let mut client = Client::of(&path);
    let all = b"snapshot\n".repeat(REQUESTS);
    let (first, rest) = all.split_at(13);
    client.say(first);
    let mut last = 0.0;
    for n in 0..REQUESTS {
        let answer: Value = serde_json::from_str(&client.line()).unwrap();
        let at = answer["at_seconds"].as_f64().unwrap();
        assert!(at > last, "answer {n} is not younger than the one before");
        last = at;
        if n == 0 {
            client.say(rest);
        }
    }
    // There are no more answers than requests, and the client is still there.
    client.say(b"more\n");
    assert!(client.line().contains("no such request"));
    assert!(client.snapshot()["at_seconds"].as_f64().unwrap() > last);
}

#[test]
fn who_asks_and_says_no_more_is_answered() {
    let (_folder, path) = place();
    let _runtime = open(at(&path));
    let mut client = Client::of(&path);
    client.say(b"snapshot\nsnapshot\nsnap");
    client.0.get_mut().shutdown(Shutdown::Write).unwrap();
    for _ in 0..2 {
        assert!(client.line().ends_with("}\n"));
    }
    assert!(client.has_ended());
}

#[test]
fn a_path_has_one_runtime_and_never_something_else() {
    let (folder, path) = place();
    let open = |path: &Path| Runtime::open(&at(path)).map(|_| ());
    let said = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        (error.status(), error.to_string())
    };
    let runtime = crate::kit::open(at(&path));
    let (status, text) = said(open(&path));
    assert_eq!(status, Status::IoError);
    let by = format!("in use by process {}", std::process::id());
    assert!(text.contains(&by) && text.contains("%p"), "{text}");
    assert!(Client::of(&path).snapshot()["metrics"].is_array());

    // A file that is left over is replaced; whoever had it doesn't take the new one's away.
    let stale = folder.path().join("stale");
    drop(UnixListener::bind(&stale).unwrap());
    let second = crate::kit::open(at(&stale));
    assert!(Client::of(&stale).snapshot()["metrics"].is_array());
    std::fs::remove_file(&stale).unwrap();
    let third = crate::kit::open(at(&stale));
    drop(second);
    assert!(Client::of(&stale).snapshot()["metrics"].is_array());
    drop(third);
    assert!(!stale.exists());

    let file = folder.path().join("file");
    std::fs::write(&file, "of somebody").unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for other in [&file, &link, folder.path()] {
        let (status, text) = said(open(other));
        assert_eq!(status, Status::IoError, "{text}");
        assert!(text.contains("something else"), "{text}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"of somebody");

    let (status, text) = said(open(&folder.path().join("x".repeat(107))));
    assert_eq!(status, Status::InvalidArgument);
    assert!(text.contains("may have 107"), "{text}");
    let (status, text) = said(open(&folder.path().join("none/metrics")));
    assert_eq!(status, Status::IoError);
    assert!(text.contains("none/metrics"), "{text}");
    drop(runtime);
    assert!(!path.exists());
    // An empty path asks for none.
    drop(crate::kit::open(at(Path::new(""))));
}

#[test]
fn nobody_who_is_slow_rude_or_silent_hurts_the_others() {
    let (_folder, path) = place();
    let runtime = open(at(&path));
    let tenants: Vec<Tenant> = (0..200)
        .map(|n| named(&runtime, &format!("tenant {n} {}", "x".repeat(100))))
        .collect();
    for tenant in &tenants {
        submit(tenant, &[nop(1, 1)]);
        take(tenant, 1);
    }
    // More than a socket holds is asked for and not read.
    let mut slow = Client::of(&path);
    slow.say(b"snapshot\n");
    let mut talks = Client::of(&path);
    talks.say(&[b'x'; 1000]);
    assert!(talks.line().contains("too long"));
    let mut silent: Vec<Client> = (0..13).map(|_| Client::of(&path)).collect();
    silent[0].say(b"snap");
    for _ in 0..20 {
        Client::of(&path).say(b"snapshot\n");
    }
    let mut good = Client::of(&path);
    assert!(good.snapshot()["metrics"].is_array());
    // There are as many as there may be: the next hears of it, until one has been silent for long.
    let mut more: Vec<Client> = (0..4).map(|_| Client::of(&path)).collect();
    assert!(more[3].line().contains("too many"));
    assert!(more[3].has_ended());
    let started = Instant::now();
    let late = loop {
        assert!(started.elapsed() < Duration::from_nanos(PATIENCE));
        assert!(good.snapshot()["metrics"].is_array());
        let mut late = Client::of(&path);
        let stream = late.0.get_mut();
        if stream.write_all(b"snapshot\n").is_ok() && late.line().contains("\"metrics\"") {
            break late;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    // By now the slow one's patience is over: what it has is cut off.
    std::thread::sleep(Duration::from_secs(1));
    let mut got = Vec::new();
    let _ = slow.0.read_to_end(&mut got);
    assert!(!got.is_empty() && !got.ends_with(b"\n"), "{}", got.len());
    submit(&tenants[0], &[nop(1, 1)]);
    take(&tenants[0], 1);
    // Nor does anybody who is connected delay the end.
    let mut slow = Client::of(&path);
    let _ = slow.0.get_mut().write_all(b"snapshot\n");
    let started = Instant::now();
    runtime.stop().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(!path.exists());
    drop((late, silent, more));
}

#[test]
fn a_provider_that_stops_the_runtime_does_not_wait_for_itself() {
    let (_folder, path) = place();
    let runtime = open(at(&path));
    let again = runtime.clone();
    let provider = runtime
        .add_metrics_provider(move |sink| {
            assert!(sink.value("asked", 1.0));
            again.stop().unwrap();
        })
        .unwrap();
    let mut client = Client::of(&path);
    assert_eq!(client.snapshot()["provided"]["asked"], 1.0);
    assert!(client.has_ended());
    runtime.remove_metrics_provider(provider).unwrap();
    until("the file is gone", || !path.exists());
}
