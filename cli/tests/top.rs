//! `rota top` from outside, on a runtime of this process: as text, and on a terminal of the test's own.

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{cache, rota, run};
use rota::{op, Completion, Job, Quota, Runtime, RuntimeOptions, TenantOptions, Wait};

const PATIENCE: Duration = Duration::from_secs(120);

fn open(socket: &Path) -> Runtime {
    Runtime::open(&RuntimeOptions {
        cache_dir: Some(cache()),
        metrics_socket: Some(socket.into()),
        ..RuntimeOptions::default()
    })
    .unwrap()
}

fn top(arguments: &[&str]) -> Command {
    let mut command = rota(&[&["top"], arguments].concat());
    command
        .env_remove("ROTA_METRICS_SOCKET")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm");
    command
}

/// Jobs of two tenants all the time, one of which has a quota and faults, while `meanwhile` goes on.
fn busy<T>(runtime: &Runtime, meanwhile: impl FnOnce() -> T) -> T {
    let tenant = |label: &str, buffers| {
        runtime
            .create_tenant(&TenantOptions {
                label: label.into(),
                quota: Quota {
                    buffers,
                    ..Quota::default()
                },
                ..TenantOptions::default()
            })
            .unwrap()
    };
    let (good, bad) = (tenant("good", rota::UNLIMITED), tenant("b\x1b[31mad", 5));
    bad.buffer_create(64, false).unwrap();
    let spin = |fuel| {
        let mut job = Job {
            opcode: op::SPIN,
            fuel,
            ..Job::default()
        };
        job.args[0] = 50;
        job
    };
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut taken = [Completion::default(); 8];
            while !over.load(Ordering::Relaxed) {
                for (tenant, fuel) in [(&good, 100), (&bad, 5)] {
                    tenant.submit(&[spin(fuel); 8], None).1.unwrap();
                    let mut count = 0;
                    while count < 8 {
                        count += tenant
                            .poll(&mut taken, Wait::Adaptive, PATIENCE.as_nanos() as u64)
                            .unwrap();
                    }
                }
            }
        });
        // Also where what goes on meanwhile panics, the jobs have an end.
        struct End<'a>(&'a AtomicBool);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _end = End(&over);
        meanwhile()
    })
}

#[test]
fn once_is_a_table_of_what_happened_between_two_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("metrics");
    let runtime = open(&socket);
    let path = socket.to_str().unwrap();
    let (text, sorted, of_environment) = busy(&runtime, || {
        let (code, text, stderr) = run(top(&["--once", "--every", "0.5", path]));
        assert_eq!((code, stderr.as_str()), (0, ""), "{text}");
        // Without a terminal it is the same without the option.
        let sorted = run(top(&["--sort", "tenant", path])).1;
        let mut command = top(&["--every=0.2"]);
        command.env("ROTA_METRICS_SOCKET", folder.path().join("%prics"));
        let lost = run(command);
        assert_eq!(lost.0, 1);
        assert!(lost.2.contains("no process has a socket"), "{}", lost.2);
        let mut command = top(&["--every=0.2"]);
        command.env("ROTA_METRICS_SOCKET", path);
        (text, sorted, run(command).1)
    });
    assert!(!text.contains('\x1b'), "{text}");
    let head = format!("rota top   {path}   process {}   up ", std::process::id());
    assert!(text.starts_with(&head), "{text}");
    let rows = |text: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|line| !line.starts_with("TENANT"));
        lines.skip(1).map(str::to_string).collect()
    };
    let all = rows(&text);
    assert_eq!(all.len(), 2, "{text}");
    let row = |label: &str| {
        let row = all.iter().find(|row| row.starts_with(label));
        let cells = row.unwrap_or_else(|| panic!("no {label} in\n{text}"));
        cells
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let (good, bad) = (row("good"), row("b\\u{1b}[31mad"));
    // tenant, members, jobs, p50, p99, share, three ages, faults, refused
    for cells in [&good, &bad] {
        assert_eq!(cells[1], "1");
        assert_ne!(cells[2], "0", "{text}");
        assert!(cells[3].ends_with('s') && cells[4].ends_with('s'), "{text}");
        assert!(cells[5].ends_with('%'), "{text}");
    }
    assert_eq!(good[9], "0", "{text}");
    assert_ne!(bad[9], "0", "{text}");
    assert!(bad.contains(&"buffers 1/5".to_string()), "{text}");
    assert!(
        text.contains("\njobs/s ") && !text.contains("jobs/s 0"),
        "{text}"
    );
    let sorted = rows(&sorted);
    assert!(sorted.len() == 2 && sorted.is_sorted(), "{sorted:?}");
    assert_eq!(rows(&of_environment).len(), 2);
}

#[test]
fn with_percent_p_the_one_socket_that_there_is_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let runtimes = [12, 34].map(|n| {
        let socket = folder.path().join(format!("r-{n}.sock"));
        std::os::unix::net::UnixListener::bind(folder.path().join("r-99.sock.3")).ok();
        (open(&socket), socket)
    });
    std::fs::remove_file(folder.path().join("r-99.sock.3")).unwrap();
    // One that nobody has any more.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("r-5.sock")).unwrap());
    let look = || {
        let mut command = top(&["--every=0.1", "--once"]);
        command.env("ROTA_METRICS_SOCKET", folder.path().join("r-%p.sock"));
        run(command)
    };
    let (code, _, stderr) = look();
    assert_eq!(code, 1);
    assert!(
        stderr.contains("2 processes")
            && stderr.contains("r-12.sock")
            && stderr.contains("r-34.sock"),
        "{stderr}"
    );
    let [(first, _), (second, path)] = runtimes;
    drop(first);
    let (code, text, stderr) = look();
    assert_eq!(code, 0, "{stderr}");
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    drop(second);
}

#[test]
fn what_cannot_be_looked_at_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let left = folder.path().join("left");
    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    let other = folder.path().join("other");
    let listener = std::os::unix::net::UnixListener::bind(&other).unwrap();
    let answers = std::thread::spawn(move || {
        for answer in ["what?\n", "{}\n", "{\"error\":\"go\\u001b away\"}\n", ""] {
            let (mut client, _) = listener.accept().unwrap();
            let _ = client.read(&mut [0; 64]);
            client.write_all(answer.as_bytes()).unwrap();
        }
    });
    let none = folder.path().join("none");
    for (path, named) in [
        (&none, "No such file"),
        (&left, "has ended"),
        (&file, "can't be reached"),
        (&other, "no snapshot"),
        (&other, "no snapshot"),
        (&other, "says: go\\u{1b} away"),
        (&other, "was closed"),
    ] {
        let (code, stdout, stderr) = run(top(&["--once", path.to_str().unwrap()]));
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(
            stderr.starts_with("rota: ") && stderr.lines().count() == 1,
            "{stderr}"
        );
        assert!(
            stderr.contains(named) && stderr.contains(path.to_str().unwrap()),
            "{stderr}"
        );
    }
    answers.join().unwrap();
    let (code, _, stderr) = run(top(&[]));
    assert_eq!(code, 1);
    assert!(stderr.contains("ROTA_METRICS_SOCKET"), "{stderr}");
}

/// The tool on a terminal, whose other side is the test's.
struct Terminal {
    child: Child,
    main: File,
    /// Kept open, so that it can be asked for its modes when the tool has ended.
    other: OwnedFd,
    shown: Vec<u8>,
    before: libc::tcflag_t,
}

impl Terminal {
    fn of(mut command: Command, columns: u16, rows: u16) -> Self {
        let size = libc::winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let (mut main, mut other) = (0, 0);
        // SAFETY: the two are what the call fills; the others may be null.
        let made = unsafe { libc::openpty(&mut main, &mut other, null_mut(), null_mut(), &size) };
        assert_eq!(made, 0);
        // SAFETY: both are new and ours.
        let (main, other) = unsafe { (OwnedFd::from_raw_fd(main), OwnedFd::from_raw_fd(other)) };
        // SAFETY: a descriptor that is open. The child is not to have it: it would never see the end.
        unsafe { libc::fcntl(main.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        let before = modes(&other);
        let end = || Stdio::from(other.try_clone().unwrap());
        let child = command
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the tool was built");
        Self {
            child,
            main: main.into(),
            other,
            shown: Vec::new(),
            before,
        }
    }

    /// Reads what is there, for at most so long.
    fn read(&mut self, most: Duration) {
        let mut look = libc::pollfd {
            fd: self.main.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd.
        if unsafe { libc::poll(&mut look, 1, most.as_millis() as i32) } == 1 {
            let mut room = [0; 1 << 16];
            let n = self.main.read(&mut room).unwrap_or(0);
            self.shown.extend_from_slice(&room[..n]);
        }
    }

    /// Waits for a text behind what was shown before, and gives what came with it.
    fn until(&mut self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let shown = String::from_utf8_lossy(&self.shown).into_owned();
            if shown.contains(text) {
                self.shown.clear();
                return shown;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "no {text:?} in the end of {:?}",
                &self.shown[self.shown.len().saturating_sub(4000)..]
                    .escape_ascii()
                    .to_string()
            );
            self.read(Duration::from_millis(100));
        }
    }

    fn press(&mut self, keys: &str) {
        self.main.write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: i32) {
        // SAFETY: the child has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// How it ended; the terminal is then what it was, and the last page is gone.
    fn end(mut self) -> (ExitStatus, String) {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "it doesn't end");
            self.read(Duration::from_millis(20));
        };
        self.read(Duration::from_millis(100));
        assert_eq!(modes(&self.other), self.before);
        let shown = String::from_utf8_lossy(&self.shown).into_owned();
        let (_, after) = shown
            .rsplit_once("\x1b[?7h\x1b[?25h\x1b[?1049l")
            .unwrap_or_else(|| panic!("it doesn't leave its screen: {shown:?}"));
        (status, after.into())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where a check has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal does with keys.
fn modes(terminal: &OwnedFd) -> libc::tcflag_t {
    // SAFETY: integers only, which the call fills.
    unsafe {
        let mut modes: libc::termios = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(terminal.as_raw_fd(), &mut modes), 0);
        modes.c_lflag
    }
}

#[test]
fn a_terminal_shows_what_goes_on_and_is_then_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("metrics");
    let runtime = open(&socket);
    let path = socket.to_str().unwrap();
    let arguments = ["--every", "0.2", path];
    busy(&runtime, || {
        let mut terminal = Terminal::of(top(&arguments), 150, 20);
        let page = terminal.until("good");
        assert!(
            page.contains("\x1b[?1049h") && page.contains("\x1b[7m"),
            "{page:?}"
        );
        assert_ne!(
            modes(&terminal.other) & libc::ICANON,
            terminal.before & libc::ICANON
        );
        terminal.until("JOBS/S↓");
        terminal.press(">");
        terminal.until("P50↓");
        terminal.press("r");
        terminal.until("P50↑");
        terminal.press("\x1b[D\x1b[D\x1b[D");
        terminal.until("TENANT↑");
        terminal.press(" ");
        terminal.until("paused");
        terminal.press(" ");
        terminal.until("space");
        terminal.press("q");
        let (status, after) = terminal.end();
        assert_eq!((status.code(), after.as_str()), (Some(0), ""));

        // Signals end it as they end any program, but the terminal comes first.
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
            let mut terminal = Terminal::of(top(&arguments), 60, 12);
            terminal.until("good");
            terminal.signal(signal);
            let (status, after) = terminal.end();
            assert_eq!((status.signal(), after.as_str()), (Some(signal), ""));
        }

        // Another size; and stopped, and let go on.
        let mut terminal = Terminal::of(top(&arguments), 40, 10);
        terminal.until("good");
        let size = libc::winsize {
            ws_row: 15,
            ws_col: 130,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: a size, as the call wants it.
        unsafe { libc::ioctl(terminal.main.as_raw_fd(), libc::TIOCSWINSZ, &size) };
        terminal.signal(libc::SIGWINCH);
        terminal.until("REFUSED/S");
        terminal.signal(libc::SIGTSTP);
        terminal.until("\x1b[?1049l");
        let mut status = 0;
        // SAFETY: a child that has not been waited for, and a place for its status.
        unsafe { libc::waitpid(terminal.child.id() as i32, &mut status, libc::WUNTRACED) };
        assert!(libc::WIFSTOPPED(status), "{status}");
        assert_eq!(modes(&terminal.other), terminal.before);
        terminal.signal(libc::SIGCONT);
        terminal.until("\x1b[?1049h");
        terminal.until("good");
        terminal.press("q");
        assert_eq!(terminal.end().0.code(), Some(0));

        let mut command = top(&arguments);
        command.env("NO_COLOR", "1");
        let mut terminal = Terminal::of(command, 100, 12);
        let page = terminal.until("good");
        for style in ["\x1b[1m", "\x1b[2m", "\x1b[7m", "\x1b[31;1m"] {
            assert!(!page.contains(style), "{page:?}");
        }
        terminal.press("q");
        assert_eq!(terminal.end().0.code(), Some(0));
    });
}

#[test]
fn a_runtime_that_comes_back_is_looked_at_again_and_one_that_does_not_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("metrics");
    let runtime = open(&socket);
    let path = socket.to_str().unwrap();
    let mut terminal = Terminal::of(top(&["--every", "0.2", path]), 150, 20);
    terminal.until("tenants ");
    drop(runtime);
    terminal.until("left to come back");
    let runtime = open(&socket);
    terminal.until("ends\x1b[");
    busy(&runtime, || terminal.until("good"));
    drop(runtime);
    let (status, after) = terminal.end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(
        after.trim_end(),
        format!(
            "rota: the metrics socket '{path}' was closed: the process has ended, or its runtime"
        )
    );
}
