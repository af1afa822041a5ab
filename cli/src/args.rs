//! The command line, and the help for it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use rota::Mode;

use crate::top::Column;

/// What is asked for.
#[derive(Debug, PartialEq)]
pub enum Command {
    Help(Topic),
    Version,
    Doctor(Doctor),
    Bench(Bench),
    Replay(Replay),
    Report(Report),
    Spans(Spans),
    Top(Top),
}

/// What help is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Topic {
    All,
    Doctor,
    Bench,
    Replay,
    Report,
    Spans,
    Top,
}

#[derive(Debug, Default, PartialEq)]
pub struct Doctor {
    pub device: Option<String>,
    pub json: bool,
}

#[derive(Debug, PartialEq)]
pub struct Bench {
    pub device: Option<String>,
    pub mode: Mode,
    /// For all parts together.
    pub time: Duration,
}

#[derive(Debug, PartialEq)]
pub struct Replay {
    pub log: PathBuf,
    pub what: ReplayWhat,
    pub json: bool,
}

/// What is done with a log.
#[derive(Debug, PartialEq)]
pub enum ReplayWhat {
    Verify,
    Show(Filter),
    Run(Again),
    /// With the other log.
    Diff(PathBuf),
}

/// Which records are shown.
#[derive(Debug, Default, PartialEq)]
pub struct Filter {
    /// A label or an id.
    pub tenant: Option<String>,
    pub handler: Option<u32>,
    pub status: Option<String>,
    /// Seconds since the log's first record.
    pub since: Option<f64>,
    pub until: Option<f64>,
}

/// How a log is run again.
#[derive(Debug, Default, PartialEq)]
pub struct Again {
    pub device: Option<String>,
    pub mode: Mode,
    pub data: Option<PathBuf>,
    pub run: Option<u64>,
    pub as_submitted: bool,
    pub ignore: Vec<u32>,
}

#[derive(Debug, PartialEq)]
pub struct Report {
    pub log: PathBuf,
    /// `-` is stdout.
    pub output: Option<PathBuf>,
    pub run: Option<u64>,
    pub title: Option<String>,
}

#[derive(Debug, PartialEq)]
pub struct Spans {
    pub trace: PathBuf,
    /// Without it there is a summary.
    pub output: Option<PathBuf>,
}

#[derive(Debug, PartialEq)]
pub struct Top {
    pub socket: Option<PathBuf>,
    /// Between two snapshots.
    pub every: Duration,
    pub once: bool,
    pub sort: Column,
}

const ALL: &str = "\
rota: one resident Vulkan compute kernel that answers jobs through rings in shared memory

usage: rota COMMAND [OPTIONS]

  rota doctor      what devices and drivers there are, what they can do, and what is missing
  rota bench       a quick look at how fast a device is
  rota replay      checks, shows and runs again what the flight recorder has logged
  rota report      a page with what the flight recorder has logged: jobs, latency, share, faults
  rota spans       sums up the spans in a trace file, or makes a Parquet table of them
  rota top         a live view of a running program: tenants, jobs, latency, share, quotas
  rota help CMD    what CMD takes; also rota CMD --help
  rota --version   the version

exit code: 0 it worked, 1 it didn't, 2 the command line is wrong
";

const DOCTOR: &str = "\
usage: rota doctor [--device D] [--json]

Lists the devices and looks at the environment. Then it opens the chosen device as a program would, probes it,
sends jobs through it, and shows mode, limits and times.

  --device D   index (0), kind (cpu, integrated, discrete, virtual) or part of the name;
               without it $ROTA_DEVICE, else the best device
  --json       the same as one JSON object

exit code: 0 the device is usable, 1 it is not
";

const BENCH: &str = "\
usage: rota bench [--device D] [--mode M] [--seconds S]

Measures round trip, throughput, waking and bandwidth of one device, by itself. Every result is checked. For a
comparison with plain Vulkan and wgpu on the same device there is `make bench` in the source tree.

  --device D    index (0), kind (cpu, integrated, discrete, virtual) or part of the name;
                without it $ROTA_DEVICE, else the best device
  --mode M      auto, resident or batch; auto where it isn't given
  --seconds S   how long to measure in all, 0.1 to 3600; 8 where it isn't given
";

const REPLAY: &str = "\
usage: rota replay verify LOG [--json]
       rota replay show LOG [--tenant T] [--handler OP] [--status S] [--since S] [--until S] [--json]
       rota replay run LOG [--device D] [--mode M] [--data DIR] [--run N] [--as-submitted]
                           [--ignore OP] [--json]
       rota replay diff LOG LOG [--json]

verify reads every cell of a flight recorder's log, show prints its records, run does all jobs again and compares what
comes of them, and diff compares two recordings of the same program, job by job.

  --tenant T    only records of this tenant, by its label or id
  --handler OP  only jobs and completions of this opcode
  --status N    only completions with this status: ok, faulted, skipped, cancelled, revoked, device_lost
  --since S     only records from so many seconds after the first one on
  --until S     only records before so many seconds after the first one
  --device D    index (0), kind (cpu, integrated, discrete, virtual) or part of the name;
                without it $ROTA_DEVICE, else the best device
  --mode M      auto, resident or batch; auto where it isn't given
  --data DIR    files with the data that the log doesn't have, found by their hash
  --run N       the run to do again, from 0 on, of those that the log has the beginning or a checkpoint of;
                the last one where it isn't given
  --as-submitted
                jobs that overlapped may do so again; else they run one after the other
  --ignore OP   handlers that may come out differently each time; may be given several times
  --json        a JSON object a line

exit code: 0 the same, or good; 1 different, or damaged; 2 unreadable; 3 not comparable for want of data
";

const REPORT: &str = "\
usage: rota report LOG [-o FILE] [--run N] [--title TEXT]

Makes an HTML page of a flight recorder's log: a timeline of jobs by tenant, latency and share over time, faults, and
what happened besides. The page is one file that needs no other, and no network.

  -o, --output FILE  where the page goes; - is stdout. Without it LOG's name with .html behind it, in this folder
  --run N            the run to show, from 0 on, of those that the log has records of, also where the beginning is
                     overwritten; the last one where it isn't given
  --title TEXT       the page's title; LOG's name where it isn't given

exit code: 0 the page is written, 1 it isn't
";

const SPANS: &str = "\
usage: rota spans TRACE [-o FILE]

Reads the spans in a trace file that a program has written which exports them to chrome. Tells how many there are of each
tenant and handler, and how long they were queued, running, and finished but untaken. A file that a crash has ended is
read up to there.

  -o, --output FILE  makes a Parquet table of them instead, a row for each span

exit code: 0 all spans are read, 1 they aren't
";

const TOP: &str = "\
usage: rota top [SOCKET] [--every S] [--sort C] [--once]

Shows what the tenants of a running program do: jobs by the second, their latency (median and 99th percentile), shares of
the device by fuel, how old the oldest job is that is queued, runs or wasn't taken, faults, refusals, and what is used of
quotas. The program has to make a metrics socket, which its options or ROTA_METRICS_SOCKET tell it to. Without a
terminal there is one table of what happened between two snapshots.

  SOCKET     the socket's path; without it $ROTA_METRICS_SOCKET, also with the %p that stands for a process
  --every S  seconds between two snapshots, 0.1 to 3600; 1 where it isn't given
  --sort C   tenant, members, jobs, p50, p99, share, queued, running, untaken, faults or refused;
             jobs where it isn't given
  --once     one table, on a terminal too

keys: q ends, < and > or the arrows sort by another column, r turns the order, a shows also series that nobody has,
space pauses; up, down, page up, page down, home and end move through many tenants

exit code: 0 it was ended by q, or the table is written; 1 it can't be reached, or the program has ended
";

/// The text for a topic.
pub fn help(topic: Topic) -> &'static str {
    match topic {
        Topic::All => ALL,
        Topic::Doctor => DOCTOR,
        Topic::Bench => BENCH,
        Topic::Replay => REPLAY,
        Topic::Report => REPORT,
        Topic::Spans => SPANS,
        Topic::Top => TOP,
    }
}

/// Reads a command line without the program's name. The error is a line for people.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut words = Words::new(args)?;
    let Some(command) = words.next() else {
        return Err("no command is given; see `rota --help`".into());
    };
    match command.as_str() {
        "-h" | "--help" => Ok(Command::Help(Topic::All)),
        "-V" | "--version" => words.end(Command::Version),
        "help" => {
            let topic = match words.next().as_deref() {
                None => Topic::All,
                Some("doctor") => Topic::Doctor,
                Some("bench") => Topic::Bench,
                Some("replay") => Topic::Replay,
                Some("report") => Topic::Report,
                Some("spans") => Topic::Spans,
                Some("top") => Topic::Top,
                Some(other) => return Err(unknown_command(other)),
            };
            words.end(Command::Help(topic))
        }
        "doctor" => doctor(words),
        "bench" => bench(words),
        "replay" => replay(words),
        "report" => report(words),
        "spans" => spans(words),
        "top" => top(words),
        option if option.starts_with('-') => Err(unknown_option(option, "rota")),
        other => Err(unknown_command(other)),
    }
}

fn doctor(mut words: Words) -> Result<Command, String> {
    let mut options = Doctor::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => return Ok(Command::Help(Topic::Doctor)),
            "--device" => options.device = Some(words.value("--device")?),
            "--json" => options.json = true,
            other => return Err(unknown_option(other, "rota doctor")),
        }
    }
    Ok(Command::Doctor(options))
}

fn bench(mut words: Words) -> Result<Command, String> {
    let mut options = Bench {
        device: None,
        mode: Mode::Auto,
        time: Duration::from_secs(8),
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => return Ok(Command::Help(Topic::Bench)),
            "--device" => options.device = Some(words.value("--device")?),
            "--mode" => options.mode = mode(&words.value("--mode")?)?,
            "--seconds" => options.time = seconds("--seconds", &mut words)?,
            other => return Err(unknown_option(other, "rota bench")),
        }
    }
    Ok(Command::Bench(options))
}

fn replay(mut words: Words) -> Result<Command, String> {
    const WHATS: &str = "say `rota replay verify`, `show`, `run` or `diff`";
    let help = Ok(Command::Help(Topic::Replay));
    let what = match words.next().as_deref() {
        Some("-h" | "--help") => return help,
        Some(what @ ("verify" | "show" | "run" | "diff")) => what.to_string(),
        Some(other) => return Err(format!("`rota replay` can't '{other}': {WHATS}")),
        None => return Err(format!("nothing is said to replay: {WHATS}")),
    };
    let (mut filter, mut again, mut json, mut logs) =
        (Filter::default(), Again::default(), false, Vec::new());
    while let Some(word) = words.next() {
        match (word.as_str(), what.as_str()) {
            ("-h" | "--help", _) => return help,
            ("--json", _) => json = true,
            ("--tenant", "show") => filter.tenant = Some(words.value("--tenant")?),
            ("--handler", "show") => filter.handler = Some(opcode(&words.value("--handler")?)?),
            ("--status", "show") => filter.status = Some(words.value("--status")?),
            ("--since", "show") => filter.since = Some(after("--since", &mut words)?),
            ("--until", "show") => filter.until = Some(after("--until", &mut words)?),
            ("--device", "run") => again.device = Some(words.value("--device")?),
            ("--mode", "run") => again.mode = mode(&words.value("--mode")?)?,
            ("--data", "run") => again.data = Some(words.value("--data")?.into()),
            ("--as-submitted", "run") => again.as_submitted = true,
            ("--ignore", "run") => again.ignore.push(opcode(&words.value("--ignore")?)?),
            ("--run", "run") => again.run = Some(run_number(&mut words)?),
            (option, _) if option.starts_with('-') => {
                return Err(unknown_option(option, &format!("rota replay {what}")))
            }
            (log, _) => logs.push(PathBuf::from(log)),
        }
    }
    let wanted = if what == "diff" { 2 } else { 1 };
    if logs.len() != wanted {
        return Err(format!(
            "`rota replay {what}` takes {wanted} log{}, not {}; see `rota replay --help`",
            if wanted == 1 { "" } else { "s" },
            logs.len()
        ));
    }
    let log = logs.remove(0);
    let what = match what.as_str() {
        "verify" => ReplayWhat::Verify,
        "show" => ReplayWhat::Show(filter),
        "run" => ReplayWhat::Run(again),
        _ => ReplayWhat::Diff(logs.remove(0)),
    };
    Ok(Command::Replay(Replay { log, what, json }))
}

fn report(mut words: Words) -> Result<Command, String> {
    let (mut log, mut output, mut run, mut title) = (None, None, None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => return Ok(Command::Help(Topic::Report)),
            option @ ("-o" | "--output") => output = Some(words.value(option)?.into()),
            "--run" => run = Some(run_number(&mut words)?),
            "--title" => title = Some(words.value("--title")?),
            option if option.starts_with('-') => return Err(unknown_option(option, "rota report")),
            other if log.is_some() => {
                return Err(format!(
                    "`rota report` takes one log, and '{other}' is another one; see `rota report --help`"
                ))
            }
            other => log = Some(other.into()),
        }
    }
    let log = log.ok_or("`rota report` needs a log; see `rota report --help`")?;
    Ok(Command::Report(Report {
        log,
        output,
        run,
        title,
    }))
}

fn spans(mut words: Words) -> Result<Command, String> {
    let (mut trace, mut output) = (None, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => return Ok(Command::Help(Topic::Spans)),
            option @ ("-o" | "--output") => output = Some(words.value(option)?.into()),
            option if option.starts_with('-') => return Err(unknown_option(option, "rota spans")),
            other if trace.is_some() => {
                return Err(format!(
                    "`rota spans` takes one trace, and '{other}' is another one; see `rota spans --help`"
                ))
            }
            other => trace = Some(other.into()),
        }
    }
    let trace = trace.ok_or("`rota spans` needs a trace; see `rota spans --help`")?;
    Ok(Command::Spans(Spans { trace, output }))
}

fn top(mut words: Words) -> Result<Command, String> {
    let mut options = Top {
        socket: None,
        every: Duration::from_secs(1),
        once: false,
        sort: Column::Jobs,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "-h" | "--help" => return Ok(Command::Help(Topic::Top)),
            "--every" => options.every = seconds("--every", &mut words)?,
            "--once" => options.once = true,
            "--sort" => {
                let name = words.value("--sort")?;
                options.sort = Column::named(&name).ok_or_else(|| {
                    format!("--sort is '{name}', but must be a column; see `rota top --help`")
                })?;
            }
            option if option.starts_with('-') => return Err(unknown_option(option, "rota top")),
            other if options.socket.is_some() => {
                return Err(format!(
                "`rota top` takes one socket, and '{other}' is another one; see `rota top --help`"
            ))
            }
            other => options.socket = Some(other.into()),
        }
    }
    Ok(Command::Top(options))
}

fn run_number(words: &mut Words) -> Result<u64, String> {
    let text = words.value("--run")?;
    text.parse()
        .map_err(|_| format!("--run is '{text}', but must be a number"))
}

/// An opcode, decimal or with 0x.
fn opcode(text: &str) -> Result<u32, String> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    number
        .map_err(|_| format!("'{text}' is no opcode: give a number, or a hexadecimal one with 0x"))
}

fn after(option: &str, words: &mut Words) -> Result<f64, String> {
    let text = words.value(option)?;
    match text.parse::<f64>() {
        Ok(s) if s >= 0.0 => Ok(s),
        _ => Err(format!(
            "{option} is '{text}', but must be a number of seconds"
        )),
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "auto" => Ok(Mode::Auto),
        "resident" => Ok(Mode::Resident),
        "batch" => Ok(Mode::Batch),
        _ => Err(format!(
            "--mode is '{text}', but must be auto, resident or batch"
        )),
    }
}

fn seconds(option: &str, words: &mut Words) -> Result<Duration, String> {
    let text = words.value(option)?;
    match text.parse::<f64>() {
        Ok(s) if (0.1..=3600.0).contains(&s) => Ok(Duration::from_secs_f64(s)),
        _ => Err(format!(
            "{option} is '{text}', but must be a number from 0.1 to 3600"
        )),
    }
}

fn unknown_command(word: &str) -> String {
    format!(
        "there is no command '{word}'; there are doctor, bench, replay, report, spans, top and help: see `rota --help`"
    )
}

fn unknown_option(word: &str, command: &str) -> String {
    format!("`{command}` doesn't take '{word}'; see `{command} --help`")
}

/// The words of a command line, where `--option=value` counts as two.
struct Words {
    /// In reverse.
    left: Vec<String>,
    /// The value of an `--option=value`, which only that option may take.
    attached: Option<(String, String)>,
}

impl Words {
    fn new(args: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let text = |word: OsString| {
            word.into_string()
                .map_err(|w| format!("the argument {w:?} is not valid UTF-8"))
        };
        let mut left = args.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
        left.reverse();
        Ok(Self {
            left,
            attached: None,
        })
    }

    fn next(&mut self) -> Option<String> {
        if let Some((option, value)) = self.attached.take() {
            // Nobody asked for the value: the option takes none, and is unknown as it stands here.
            return Some(format!("{option}={value}"));
        }
        let word = self.left.pop()?;
        match word.split_once('=') {
            Some((option, value)) if word.starts_with("--") => {
                self.attached = Some((option.into(), value.into()));
                Some(option.into())
            }
            _ => Some(word),
        }
    }

    fn value(&mut self, option: &str) -> Result<String, String> {
        let value = match self.attached.take() {
            Some((_, value)) => Some(value),
            None => self.left.pop(),
        };
        value
            .filter(|v| !v.is_empty())
            .ok_or_else(|| format!("{option} needs a value"))
    }

    /// Nothing may be left.
    fn end(mut self, command: Command) -> Result<Command, String> {
        match self.next() {
            None => Ok(command),
            Some(word) => Err(format!(
                "'{word}' is one argument too many; see `rota --help`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_take_their_values_in_both_spellings() {
        let expected = Command::Bench(Bench {
            device: Some("cpu".into()),
            mode: Mode::Batch,
            time: Duration::from_millis(1500),
        });
        assert_eq!(
            parsed("bench --device cpu --mode batch --seconds 1.5").as_ref(),
            Ok(&expected)
        );
        assert_eq!(
            parsed("bench --device=cpu --mode=batch --seconds=1.5").as_ref(),
            Ok(&expected)
        );
        let doctor = Doctor {
            device: Some("llvm=pipe".into()),
            json: true,
        };
        assert_eq!(
            parsed("doctor --json --device=llvm=pipe"),
            Ok(Command::Doctor(doctor))
        );
    }

    #[test]
    fn a_report_is_asked_for() {
        let expected = |output: Option<&str>, run| {
            Ok(Command::Report(Report {
                log: "a.log".into(),
                output: output.map(PathBuf::from),
                run,
                title: None,
            }))
        };
        assert_eq!(parsed("report a.log"), expected(None, None));
        assert_eq!(parsed("report -o - a.log"), expected(Some("-"), None));
        assert_eq!(
            parsed("report a.log --output=b --run 2"),
            expected(Some("b"), Some(2))
        );
    }

    #[test]
    fn spans_are_asked_for() {
        let expected = |output: Option<&str>| {
            Ok(Command::Spans(Spans {
                trace: "a.json".into(),
                output: output.map(PathBuf::from),
            }))
        };
        assert_eq!(parsed("spans a.json"), expected(None));
        assert_eq!(parsed("spans -o b a.json"), expected(Some("b")));
        assert_eq!(parsed("spans a.json --output=b"), expected(Some("b")));
    }

    #[test]
    fn a_live_view_is_asked_for() {
        let expected = |socket: Option<&str>, every, once, sort| {
            Ok(Command::Top(Top {
                socket: socket.map(PathBuf::from),
                every: Duration::from_millis(every),
                once,
                sort,
            }))
        };
        assert_eq!(parsed("top"), expected(None, 1000, false, Column::Jobs));
        assert_eq!(
            parsed("top --once --every=0.5 a --sort p99"),
            expected(Some("a"), 500, true, Column::P99)
        );
    }

    #[test]
    fn help_is_found_everywhere() {
        assert_eq!(parsed("--help"), Ok(Command::Help(Topic::All)));
        assert_eq!(parsed("help"), Ok(Command::Help(Topic::All)));
        assert_eq!(parsed("help bench"), Ok(Command::Help(Topic::Bench)));
        assert_eq!(parsed("bench -h"), Ok(Command::Help(Topic::Bench)));
        assert_eq!(
            parsed("doctor --json --help"),
            Ok(Command::Help(Topic::Doctor))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            ("", "no command"),
            ("fly", "'fly'"),
            ("--fly", "'--fly'"),
            ("help fly", "'fly'"),
            ("--version 2", "'2'"),
            ("doctor cpu", "'cpu'"),
            ("doctor --device", "--device needs a value"),
            ("doctor --device=", "--device needs a value"),
            ("doctor --json=yes", "'--json=yes'"),
            ("bench --mode fast", "'fast'"),
            ("bench --seconds 0", "'0'"),
            ("bench --seconds nan", "'nan'"),
            ("replay", "nothing is said"),
            ("replay fly", "'fly'"),
            ("replay run", "takes 1 log, not 0"),
            ("replay diff a", "takes 2 logs, not 1"),
            ("replay show a --data b", "'--data'"),
            ("replay show a --handler x", "'x'"),
            ("replay run a --run x", "'x'"),
            ("replay show a --since -1", "'-1'"),
            ("report", "needs a log"),
            ("report a b", "'b'"),
            ("report a --run x", "'x'"),
            ("report a -o", "-o needs a value"),
            ("report a --json", "'--json'"),
            ("spans", "needs a trace"),
            ("spans a b", "'b'"),
            ("spans a -o", "-o needs a value"),
            ("spans a --list", "'--list'"),
            ("top a b", "'b'"),
            ("top --every 0", "--every is '0'"),
            ("top --sort colour", "'colour'"),
            ("top --json", "'--json'"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(
                error.contains(named) && !error.contains('\n'),
                "{line}: {error}"
            );
        }
    }
}
