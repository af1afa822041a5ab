//! `rota report` from outside, on logs that these tests record.

mod common;

use std::path::Path;

use common::{cache, folder, rota, run};
use rota::{completion_status, fault, op, Capture, RecorderOptions, Runtime, RuntimeOptions};
use rota::{TenantOptions, Wait};
use rota_recorder::{
    mono_ns, Completion, Evidence, EvidenceClass, Gap, GapWhy, Job, Log, LogOptions, Note,
    RunStart, Tenant, TenantEvent,
};

/// What must stay text.
const UGLY: &str = "</script><b>\"&'";
const SAFE: &str = "&lt;/script&gt;&lt;b&gt;&quot;&amp;&#39;";
const MS: u64 = 1_000_000;

fn report(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(rota(&[&["report"], arguments].concat()).current_dir(folder))
}

/// The page of the log in that folder, which is looked at as any page.
fn page(folder: &Path, arguments: &[&str]) -> String {
    let (code, page, stderr) = report(folder, &[&["log", "-o", "-"], arguments].concat());
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for outside in [
        "http:", "https:", "//www", "src=", "href=", "@import", "url(",
    ] {
        assert!(!page.contains(outside), "{outside} is in the page");
    }
    for part in ["script", "style", "section", "table", "svg", "bdi"] {
        let opened =
            page.matches(&format!("<{part}>")).count() + page.matches(&format!("<{part} ")).count();
        assert_eq!(
            opened,
            page.matches(&format!("</{part}>")).count(),
            "{part}"
        );
    }
    page
}

/// The part of a page with that id.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let start = page.find(&format!("id=\"{id}\"")).expect(id);
    &page[start..start + page[start..].find("</section>").expect("its end")]
}

/// The cells of a table's rows, without what is in brackets.
fn cells(table: &str) -> Vec<Vec<String>> {
    let rows = table.split("<tr>").skip(1);
    rows.map(|row| {
        let mut cells = vec![String::new()];
        for part in row.split("</tr>").next().unwrap().split('<') {
            let (tag, text) = part.split_once('>').unwrap_or(("", part));
            if tag.starts_with("/t") {
                cells.push(String::new());
            }
            *cells.last_mut().unwrap() += text;
        }
        cells.pop();
        cells
    })
    .collect()
}

/// The row of a table that begins with this.
fn cells_of(table: &str, first: &str) -> Vec<String> {
    let all = cells(table);
    let found = all.iter().find(|row| row[0].starts_with(first));
    found
        .unwrap_or_else(|| panic!("no {first} in {all:?}"))
        .clone()
}

fn tile(page: &str, what: &str) -> String {
    let head = format!("<dt>{what}</dt><dd>");
    let start = page.find(&head).unwrap_or_else(|| panic!("no {what}")) + head.len();
    page[start..].split('<').next().unwrap().into()
}

/// A log that a test fills itself, at times that it chooses.
struct Filled {
    log: Log,
    begin: u64,
}

impl Filled {
    fn new(folder: &Path, capacity_bytes: u64) -> Self {
        let options = LogOptions {
            capacity_bytes,
            ..LogOptions::new(folder.join("log"))
        };
        // A child that another test begins has the lock too, until it has become another program.
        let log = loop {
            match Log::open(&options) {
                Err(rota_recorder::Error::InUse { .. }) => std::thread::yield_now(),
                opened => break opened.unwrap(),
            }
        };
        Self {
            log,
            begin: mono_ns(),
        }
    }

    fn start(&self, device: &str) {
        let start = RunStart {
            device: device.into(),
            mode: "resident".into(),
            ..RunStart::default()
        };
        self.log.append(&start.into()).unwrap();
    }

    fn tenant(&self, tenant: u64, label: &str) {
        let record = Tenant {
            tenant,
            event: TenantEvent::Created,
            label: label.into(),
            options: vec![
                ("weight".into(), "300".into()),
                ("group".into(), "0".into()),
            ],
            end_epoch: 0,
        };
        self.log.append(&record.into()).unwrap();
    }

    fn job(&self, at: u64, tenant: u64, ticket: u64) {
        let mut cells = self.log.reserve_at(1, self.begin + at).unwrap();
        cells.job(&Job {
            tenant,
            ticket,
            opcode: op::NOP,
            ..Job::default()
        });
    }

    fn completion(&self, at: u64, tenant: u64, ticket: u64, fuel: u32) {
        let mut cells = self.log.reserve_at(1, self.begin + at).unwrap();
        cells.completion(&Completion {
            tenant,
            ticket,
            status: completion_status::OK,
            fuel,
            ..Completion::default()
        });
    }
}

#[test]
fn a_page_has_the_numbers_of_what_was_submitted() {
    let folder = folder();
    let runtime = Runtime::open(&RuntimeOptions {
        cache_dir: Some(cache()),
        recorder: Some(RecorderOptions {
            path: folder.path().join("log"),
            capacity_bytes: 4 << 20,
            ..RecorderOptions::default()
        }),
        ..RuntimeOptions::default()
    })
    .unwrap();
    let device = runtime.info().device.name.clone();
    for (label, jobs, faults) in [(UGLY, 30, 2), ("calm", 10, 1)] {
        let tenant = runtime
            .create_tenant(&TenantOptions {
                label: label.into(),
                ..TenantOptions::default()
            })
            .unwrap();
        let buffer = tenant.buffer_create(64, false).unwrap();
        for n in 0..jobs {
            let mut job = rota::Job {
                opcode: op::FILL,
                tiles: 1,
                ..rota::Job::default()
            };
            // The first ones are beyond the end.
            let words = if n < faults { 17 } else { 4 };
            job.args[..4].copy_from_slice(&[buffer, 0, words, 7]);
            let mut ticket = [0];
            tenant.submit(&[job], Some(&mut ticket)).1.unwrap();
            tenant.wait(ticket[0], Wait::Adaptive, u64::MAX).unwrap();
        }
        tenant.destroy().unwrap();
    }
    drop(runtime);

    let (code, said, stderr) = report(folder.path(), &["log", "--title", UGLY]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(
        said.starts_with("log.html: 40 jobs of 2 tenants, "),
        "{said}"
    );
    let page = page(folder.path(), &["--title", UGLY]);
    let written = std::fs::read_to_string(folder.path().join("log.html")).unwrap();
    assert_eq!(page, written);

    assert!(!page.contains(UGLY) && !page.contains("<b>\""));
    assert!(page.contains(&format!("<title>{SAFE}</title>")));
    assert!(page.contains(&device), "{device}");
    for (what, value) in [
        ("jobs", "40"),
        ("completions", "40"),
        ("faults", "3"),
        ("records missing", "0"),
    ] {
        assert_eq!(tile(&page, what), value, "{what}");
    }
    let tenants = section(&page, "tenants");
    assert_eq!(
        cells_of(tenants, "tenant")[..4],
        ["tenant", "jobs", "ok", "faulted"]
    );
    assert_eq!(cells_of(tenants, SAFE)[..4], [SAFE, "30", "28", "2"]);
    assert_eq!(cells_of(tenants, "calm")[..4], ["calm", "10", "9", "1"]);
    assert_eq!(cells_of(tenants, "all")[..4], ["all", "40", "37", "3"]);
    assert!(cells_of(tenants, SAFE).contains(&"75.0 %".into()));
    let faults = section(&page, "faults");
    for (label, count) in [(SAFE, "2"), ("calm", "1")] {
        let row = cells_of(faults, label);
        let name = rota::fault_name(fault::OUT_OF_BOUNDS);
        assert_eq!(
            (&row[1][..], &row[2][..], &row[4][..]),
            ("fill", name, count)
        );
    }
    let timeline = section(&page, "timeline");
    assert!(timeline.contains("Each line is one job"));
    assert_eq!(timeline.matches("class=\"row lane").count(), 2);
    // A line begins for each job, and a dot stands for the faults.
    let begun = |class: &str| {
        let head = format!("<path class=\"{class} begin\" d=\"");
        let paths = timeline.split(&head).skip(1);
        paths
            .map(|path| path.split('"').next().unwrap().matches('M').count())
            .sum::<usize>()
    };
    assert_eq!((begun("c0"), begun("c1"), begun("fault")), (28, 9, 3));
    assert!(timeline.contains("class=\"fault dot\""));
    let events = section(&page, "events");
    assert_eq!(events.matches("created").count(), 2);
    assert_eq!(events.matches("destroyed").count(), 2);
}

#[test]
fn times_and_shares_are_those_of_the_records() {
    let folder = folder();
    let filled = Filled::new(folder.path(), 1 << 20);
    filled.start("a <device>");
    filled.tenant(1, "slow");
    filled.tenant(2, "fast");
    for n in 0..100 {
        let at = n * MS;
        filled.job(at, 1, n);
        filled.job(at, 2, n);
        filled.completion(at + MS / 100, 2, n, 3);
        filled.completion(at + MS / 2, 1, n, 1);
    }
    drop(filled);
    let page = page(folder.path(), &[]);
    assert!(page.contains("a &lt;device&gt;") && !page.contains("a <device>"));
    let tenants = section(&page, "tenants");
    // p50 is of a class that is a sixteenth wide, most is exact.
    let slow = cells_of(tenants, "slow");
    assert_eq!(slow[3], "100");
    let slow: Vec<&str> = slow.iter().map(String::as_str).collect();
    assert_eq!(slow[7..], ["500\u{a0}µs", "50.0 %", "25.0 %"]);
    assert!(
        ["491\u{a0}µs", "500\u{a0}µs"].contains(&slow[4]),
        "{slow:?}"
    );
    let fast = cells_of(tenants, "fast");
    assert_eq!(fast[7..], ["10.0\u{a0}µs", "50.0 %", "75.0 %"]);
    let share = section(&page, "share");
    assert!(share.contains("fuel"), "{share}");
    let data = page.split("id=\"data\">").nth(1).unwrap();
    let data: serde_json::Value =
        serde_json::from_str(data.split("</script>").next().unwrap()).unwrap();
    let jobs = |row: usize| {
        let pairs = data["jobs"][row].as_array().unwrap();
        pairs
            .chunks(2)
            .map(|pair| pair[1].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((jobs(0), jobs(1)), (100, 100));
    for (row, ns) in [(0, 500_000), (1, 10_000)] {
        let steps = data["tenants"][row].as_array().unwrap();
        let all: Vec<u64> = steps.iter().filter_map(|step| step.as_u64()).collect();
        assert!(
            !all.is_empty() && all.iter().all(|&p99| p99 == ns),
            "{all:?}"
        );
    }
    let shares = data["shares"].as_array().unwrap();
    let mean = shares
        .iter()
        .map(|parts| parts[1].as_f64().unwrap())
        .sum::<f64>()
        / shares
            .iter()
            .filter(|parts| parts[0] != 0.0 || parts[1] != 0.0)
            .count() as f64;
    assert!((mean - 75.0).abs() < 5.0, "{mean}");
}

/// Half a million jobs of more tenants than have a lane.
#[test]
fn many_jobs_give_a_page_of_the_same_size() {
    const TENANTS: u64 = 100;
    const ROUNDS: u64 = 2500;
    let folder = folder();
    let filled = Filled::new(folder.path(), 128 << 20);
    filled.start("device");
    for tenant in 1..=TENANTS {
        filled.tenant(tenant, &format!("tenant {tenant}"));
    }
    for round in 0..ROUNDS {
        for tenant in 1..=TENANTS {
            // The first ones have more of them.
            for n in 0..1 + 100 / (50 + tenant) {
                let at = round * MS + n;
                filled.job(at, tenant, 10 * round + n);
                filled.completion(at + 1000 * tenant, tenant, 10 * round + n, 5);
            }
        }
    }
    drop(filled);
    let page = page(folder.path(), &[]);
    let jobs: u64 = (1..=TENANTS).map(|t| 1 + 100 / (50 + t)).sum::<u64>() * ROUNDS;
    assert!(jobs > 350_000, "{jobs}");
    assert_eq!(tile(&page, "jobs").replace(',', ""), jobs.to_string());
    let timeline = section(&page, "timeline");
    assert!(timeline.contains("too many jobs to draw each"));
    assert_eq!(timeline.matches("class=\"row lane").count(), 65);
    assert!(timeline.contains("others (36 tenants)"));
    let tenants = section(&page, "tenants");
    assert_eq!(cells(tenants).len(), 1 + 65 + 1);
    let others: u64 = (65..=TENANTS).map(|t| 1 + 100 / (50 + t)).sum::<u64>() * ROUNDS;
    assert_eq!(
        cells_of(tenants, "others")[1].replace(',', ""),
        others.to_string()
    );
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
}

#[test]
fn an_empty_log_has_a_page() {
    let folder = folder();
    drop(Filled::new(folder.path(), 1 << 20));
    let empty = page(folder.path(), &[]);
    assert!(empty.contains("There are no jobs in this run."));
    assert_eq!(tile(&empty, "jobs"), "0");
    Filled::new(folder.path(), 0).start("device");
    let started = page(folder.path(), &[]);
    assert!(started.contains("There are no jobs") && started.contains("device"));
}

#[test]
fn one_job_has_a_page() {
    let folder = folder();
    let filled = Filled::new(folder.path(), 1 << 20);
    filled.job(0, 7, 0x42);
    drop(filled);
    let one = page(folder.path(), &[]);
    assert_eq!(tile(&one, "latency p50"), "–");
    assert!(section(&one, "latency").contains("No job has a completion."));
    let unended = section(&one, "unended");
    assert_eq!(cells_of(unended, "#7")[1..3], ["nop", "0x42"]);
    assert!(section(&one, "timeline").contains("class=\"open begin\""));

    let filled = Filled::new(folder.path(), 0);
    filled.start("device");
    filled.job(MS, 7, 0x42);
    filled.completion(2 * MS, 7, 0x42, 0);
    drop(filled);
    let one = page(folder.path(), &[]);
    assert_eq!(tile(&one, "latency p50"), "1.00\u{a0}ms");
    assert!(one.contains("class=\"p50 dot\""));
    assert!(!one.contains("id=\"unended\""));
}

#[test]
fn a_log_that_has_lost_its_beginning_says_so() {
    let folder = folder();
    let filled = Filled::new(folder.path(), 64 << 10);
    filled.start("device");
    filled.tenant(1, "label");
    // Of each job the completion comes a hundred jobs later.
    for n in 0..1000 {
        filled.job(n * MS, 1, n);
        if n >= 100 {
            filled.completion(n * MS + 1, 1, n - 100, 0);
        }
    }
    drop(filled);
    let page = page(folder.path(), &[]);
    assert!(page.contains("doesn’t have the beginning of this run"));
    assert!(page.contains("100 completions are of jobs that the log doesn’t have"));
    assert!(page.contains("100 jobs have no completion"));
    assert!(page.contains("The last 50 of 100."));
    assert!(cells_of(section(&page, "tenants"), "#1").len() > 5);
}

/// With the data that a checkpoint has of it.
#[test]
fn a_checkpoint_knows_whose_jobs_they_are() {
    let folder = folder();
    let runtime = Runtime::open(&RuntimeOptions {
        cache_dir: Some(cache()),
        recorder: Some(RecorderOptions {
            path: folder.path().join("log"),
            capacity_bytes: 4 << 20,
            capture: Capture::Full,
            ..RecorderOptions::default()
        }),
        ..RuntimeOptions::default()
    })
    .unwrap();
    let device = runtime.info().device.name.clone();
    let tenant = runtime
        .create_tenant(&TenantOptions {
            label: "early".into(),
            ..TenantOptions::default()
        })
        .unwrap();
    let batch = [rota::Job {
        opcode: op::NOP,
        ..rota::Job::default()
    }; 256];
    let mut done = [rota::Completion::default(); 256];
    // Jobs and completions for twice what the log has room for.
    for _ in 0..128 {
        tenant.submit(&batch, None).1.unwrap();
        let mut taken = 0;
        while taken < batch.len() {
            taken += tenant.poll(&mut done, Wait::Adaptive, u64::MAX).unwrap();
        }
    }
    drop(tenant);
    drop(runtime);
    let page = page(folder.path(), &[]);
    assert!(page.contains("doesn’t have the beginning of this run"));
    assert!(page.contains(&device), "{device}");
    let row = cells_of(section(&page, "tenants"), "early");
    let jobs: u64 = row[1].replace(',', "").parse().unwrap();
    assert!((10_000..32_768).contains(&jobs), "{row:?}");
    assert!(section(&page, "timeline").contains("mark checkpoint"));
}

#[test]
fn a_run_is_chosen() {
    let folder = folder();
    for run in 0..3 {
        let filled = Filled::new(folder.path(), 1 << 20);
        filled.start(&format!("device {run}"));
        for n in 0..=run {
            filled.job(n, 1, n);
            filled.completion(n + MS, 1, n, 0);
        }
    }
    let last = page(folder.path(), &[]);
    assert!(last.contains("device 2") && last.contains("2 of 0 to 2"));
    assert_eq!(tile(&last, "jobs"), "3");
    let first = page(folder.path(), &["--run", "0"]);
    assert!(first.contains("device 0") && !first.contains("device 1"));
    assert_eq!(tile(&first, "jobs"), "1");
    let (code, stdout, stderr) = report(folder.path(), &["log", "--run", "3"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("no run 3") && stderr.lines().count() == 1,
        "{stderr}"
    );
    assert!(!folder.path().join("log.html").exists());
}

#[test]
fn what_is_missing_and_what_happened_is_told() {
    let folder = folder();
    let filled = Filled::new(folder.path(), 1 << 20);
    filled.start("device");
    filled.tenant(1, UGLY);
    for n in 0..10 {
        filled.job(n * MS, 1, n);
        filled.completion(n * MS + 5, 1, n, 0);
    }
    let gap = Gap {
        why: GapWhy::Full,
        lost: 1234,
        first_ns: 0,
        last_ns: 1,
    };
    filled.log.append(&gap.into()).unwrap();
    let evidence = Evidence::new(0, 0, EvidenceClass::DeviceLoss, -4, UGLY.as_bytes());
    filled.log.append(&evidence.into()).unwrap();
    let note = Note {
        tenant: 1,
        text: UGLY.into(),
    };
    filled.log.append(&note.into()).unwrap();
    drop(filled);
    let log = folder.path().join("log");
    let mut bytes = std::fs::read(&log).unwrap();
    // The completion of the fourth job: a record's head is 40 bytes.
    let mut completions = (0..bytes.len() / 128).filter(|cell| {
        let kind = 8192 + 128 * cell + 8;
        bytes.get(kind..kind + 2) == Some(&[7, 0])
    });
    let fourth = 8192 + 128 * completions.nth(3).unwrap();
    bytes[fourth + 60] ^= 1;
    std::fs::write(&log, &bytes).unwrap();

    let page = page(folder.path(), &[]);
    assert!(!page.contains(UGLY));
    assert_eq!(tile(&page, "records missing"), "1,235");
    assert_eq!(
        (tile(&page, "jobs"), tile(&page, "completions")),
        ("10".into(), "9".into())
    );
    assert!(page.contains("1 job has no completion"));
    let evidence = section(&page, "evidence");
    assert!(evidence.contains("device loss, code -4") && evidence.contains(SAFE));
    let events = section(&page, "events");
    for part in [
        "1,234 records found no room",
        "1 cell from",
        "weight 300",
        SAFE,
    ] {
        assert!(events.contains(part), "{part} is not in\n{events}");
    }
    assert!(!events.contains("group"), "{events}");
    for mark in ["evidence", "missing", "note", "tenant"] {
        let there = format!("<i class=\"mark {mark}\" data-x=");
        assert!(page.contains(&there), "{mark}");
    }
}

/// Somebody may have made the log for who looks at it.
#[test]
fn numbers_that_can_not_be_have_a_page() {
    let folder = folder();
    let mut filled = Filled::new(folder.path(), 1 << 20);
    filled.begin = 0;
    filled.start(UGLY);
    filled.job(0, u64::MAX, 0);
    filled.job(u64::MAX, u64::MAX, 1);
    let gap = Gap {
        why: GapWhy::Other(9),
        lost: u64::MAX,
        first_ns: 5,
        last_ns: 1,
    };
    for _ in 0..2 {
        filled.log.append(&gap.into()).unwrap();
    }
    let mut cells = filled.log.reserve_at(3, u64::MAX).unwrap();
    for status in [completion_status::FAULTED, 0, u32::MAX] {
        cells.completion(&Completion {
            tenant: u64::MAX,
            ticket: 0,
            status,
            fault: u32::MAX,
            fuel: u32::MAX,
            ..Completion::default()
        });
    }
    drop(cells);
    drop(filled);
    let page = page(folder.path(), &["--title", " "]);
    assert!(!page.contains(UGLY) && page.contains(SAFE));
    let row = cells_of(section(&page, "tenants"), &format!("#{}", u64::MAX));
    assert_eq!(row[1..4], ["2", "1", "2"], "faulted, and unknown statuses");
    assert!(section(&page, "faults").contains("0xffffffff"));
    assert_eq!(tile(&page, "records missing"), thousands_of(u64::MAX));
}

fn thousands_of(n: u64) -> String {
    let digits = n.to_string().into_bytes();
    let groups = digits.rchunks(3).rev();
    let texts = groups.map(|group| std::str::from_utf8(group).unwrap());
    texts.collect::<Vec<_>>().join(",")
}

#[test]
fn a_log_is_never_written_over() {
    let folder = folder();
    let filled = Filled::new(folder.path(), 64 << 10);
    filled.job(0, 1, 1);
    drop(filled);
    let at = |name: &str| folder.path().join(name);
    let log = std::fs::read(at("log")).unwrap();
    std::os::unix::fs::symlink("log", at("link")).unwrap();
    std::fs::hard_link(at("log"), at("hard")).unwrap();
    std::fs::copy(at("log"), at("other")).unwrap();
    for name in ["log", "./log", "link", "hard", "other"] {
        let (code, stdout, stderr) = report(folder.path(), &["log", "-o", name]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{name}");
        assert!(stderr.contains("is a flight recorder's log"), "{stderr}");
        assert!(
            std::fs::read(at(name)).unwrap() == log,
            "{name} was written"
        );
    }
    // A report of before may be.
    for _ in 0..2 {
        assert_eq!(report(folder.path(), &["log", "--output", "page"]).0, 0);
    }
    let (code, _, stderr) = report(folder.path(), &["log", "-o", "nowhere/page"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("can't write nowhere/page"), "{stderr}");
    for none in ["nothing", "page"] {
        let (code, stdout, stderr) = report(folder.path(), &[none, "-o", "-"]);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(
            stderr.starts_with("rota: ") && stderr.lines().count() == 1,
            "{stderr}"
        );
    }
}
