//! The other end of a runtime's metrics socket.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::reading::Reading;
use super::terminal::wait_for;

const VARIABLE: &str = "ROTA_METRICS_SOCKET";
/// Bytes of an answer that nobody sends who has 65,535 series.
const MOST_ANSWER: usize = 1 << 30;

/// Why there is no snapshot.
#[derive(Debug)]
pub enum Wrong {
    /// The process, or its runtime.
    Gone,
    Unreachable(std::io::Error),
    Silent(Duration),
    /// In the other's words.
    Refused(String),
    NotASnapshot(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("was closed: the process has ended, or its runtime"),
            Self::Unreachable(e) => {
                let help = match e.kind() {
                    ErrorKind::NotFound => {
                        "; a program that uses Rota makes it where its options say, or ROTA_METRICS_SOCKET"
                    }
                    ErrorKind::ConnectionRefused => "; the process that made it has ended",
                    _ => "",
                };
                write!(f, "can't be reached: {e}{help}")
            }
            Self::Silent(time) => write!(
                f,
                "gives no answer within {} s; is it one of Rota's?",
                time.as_secs()
            ),
            Self::Refused(text) => write!(f, "says: {text}"),
            Self::NotASnapshot(text) => write!(f, "gives what is no snapshot: {text}"),
        }
    }
}

/// The socket to look at: the one given, else what the environment tells programs to make.
pub fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(path) = given {
        return Ok(path.into());
    }
    let Some(path) = std::env::var_os("ROTA_METRICS_SOCKET").filter(|v| !v.is_empty()) else {
        return Err(format!(
            "no socket is named: give its path, or set {VARIABLE} as the program has it"
        ));
    };
    let path = PathBuf::from(path);
    match path.to_str().is_some_and(|text| text.contains("%p")) {
        true => of_a_process(&path),
        false => Ok(path),
    }
}

/// The one socket that a process has made where %p stands for its id.
fn of_a_process(named: &Path) -> Result<PathBuf, String> {
    let name = named.file_name().and_then(|name| name.to_str());
    let parts = name.and_then(|name| name.split_once("%p"));
    let folder = named.parent().unwrap_or(Path::new("."));
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let (Some((before, behind)), false) = (parts, folder.to_string_lossy().contains("%p")) else {
        return Err(format!(
            "{VARIABLE} has %p in a folder's name, so the socket can't be found: give its path"
        ));
    };
    let entries = fs::read_dir(folder)
        .map_err(|e| format!("can't look for sockets in '{}': {e}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()))
        .filter(|entry| is_made_of(&entry.file_name().to_string_lossy(), before, behind))
        .map(|entry| entry.path())
        .filter(|path| UnixStream::connect(path).is_ok())
        .collect();
    found.sort();
    match found.len() {
        0 => Err(format!(
            "no process has a socket '{}' (from {VARIABLE})",
            named.display()
        )),
        1 => Ok(found.remove(0)),
        n => {
            let mut list: Vec<String> = found
                .iter()
                .take(8)
                .map(|p| p.display().to_string())
                .collect();
            if n > list.len() {
                list.push("...".into());
            }
            Err(format!(
                "{n} processes have a socket, give the path of one: {}",
                list.join(" ")
            ))
        }
    }
}

/// Whether a name is that of a socket: with digits for %p, and perhaps the number of a further runtime.
fn is_made_of(name: &str, before: &str, behind: &str) -> bool {
    let Some(rest) = name.strip_prefix(before) else {
        return false;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits != 0
        && rest[digits..]
            .strip_prefix(behind)
            .is_some_and(|more| more.is_empty() || more.strip_prefix('.').is_some_and(number))
}

pub struct Client {
    stream: UnixStream,
    /// What has come of an answer.
    heard: Vec<u8>,
}

impl Client {
    pub fn connect(path: &Path) -> Result<Self, Wrong> {
        let stream = UnixStream::connect(path).map_err(Wrong::Unreachable)?;
        stream.set_nonblocking(true).map_err(Wrong::Unreachable)?;
        Ok(Self {
            stream,
            heard: Vec::new(),
        })
    }

    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    pub fn ask(&mut self) -> Result<(), Wrong> {
        // Few bytes, and never two requests at once: there is room for them.
        match self.stream.write_all(b"snapshot\n") {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Err(Wrong::Unreachable(e)),
            // It may have said why before it went.
            Err(_) => self.take().and(Err(Wrong::Gone)),
        }
    }

    /// The answer, if all of it is there.
    pub fn take(&mut self) -> Result<Option<Reading>, Wrong> {
        let mut room = [0; 1 << 16];
        loop {
            match self.stream.read(&mut room) {
                Ok(0) => return Err(Wrong::Gone),
                Ok(n) => {
                    self.heard.extend_from_slice(&room[..n]);
                    if room[..n].contains(&b'\n') {
                        let heard = std::mem::take(&mut self.heard);
                        return Reading::parse(&heard).map(Some);
                    }
                    if self.heard.len() > MOST_ANSWER {
                        return Err(Wrong::NotASnapshot("it is too long".into()));
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Wrong::Gone),
            }
        }
    }

    /// Asks, and waits for the answer.
    pub fn snapshot(&mut self, patience: Duration) -> Result<Reading, Wrong> {
        let started = Instant::now();
        self.ask()?;
        loop {
            if let Some(reading) = self.take()? {
                return Ok(reading);
            }
            let left = patience.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(Wrong::Silent(patience));
            }
            wait_for(&mut [self.stream.as_raw_fd()], left).map_err(Wrong::Unreachable)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_processes_are_known_by_their_names() {
        for (name, is) in [
            ("a-12.sock", true),
            ("a-12.sock.2", true),
            ("a-.sock", false),
            ("a-x.sock", false),
            ("a-12.sock.", false),
            ("a-12.sock.x", false),
            ("b-12.sock", false),
        ] {
            assert_eq!(is_made_of(name, "a-", ".sock"), is, "{name}");
        }
        assert!(is_made_of("77", "", ""));
    }
}
