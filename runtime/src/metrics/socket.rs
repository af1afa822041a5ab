//! A Unix socket through which other programs of the same user look at the metrics, if the host wants one: each line that says
//! `snapshot` is answered by one line of JSON. `docs/metrics.md` has the format.
//!
//! One thread serves all clients and only ever waits in `poll`, so that one who is slow, silent or gone keeps it neither from
//! the others nor from ending.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::exposition;
use super::providers::not_in_provider;
use super::{Format, Snapshot, HAS_METRICS};
use crate::error::Error;
use crate::ring::sync::lock;
use crate::runtime::Engine;
use crate::text::{json_string, with_process};

const VARIABLE: &str = "ROTA_METRICS_SOCKET";
/// Runtimes of one process that `VARIABLE` serves.
const MOST_OF_PROCESS: u32 = 1000;
const REQUEST: &[u8] = b"snapshot";
/// Bytes of a request, at most.
const MOST_REQUEST: usize = 64;
const MOST_CLIENTS: usize = 16;
/// Between two answers to one client. Answering takes a part of a core.
const PAUSE: Duration = Duration::from_millis(10);
/// Who takes no byte of an answer for so long is sent away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who has said nothing for so long makes room for another.
const SILENCE: Duration = Duration::from_secs(5);
/// Before the next try, where no descriptor is left to accept with.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// How long another program may hold the lock of the folder.
const FOLDER_LOCK: Duration = Duration::from_millis(200);

/// A socket that clients can connect to; nobody answers yet. When it goes, so does its file.
pub struct Bound {
    listener: UnixListener,
    /// Absolute: the program may go to another folder.
    path: PathBuf,
    /// Device and number of the file.
    file: (u64, u64),
}

impl Drop for Bound {
    fn drop(&mut self) {
        // Somebody may have put another one there.
        let is_own = |meta: fs::Metadata| (meta.dev(), meta.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(is_own) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Bound {
    /// The socket that the option asks for, or else the environment.
    pub fn wanted(option: Option<&Path>) -> Result<Option<Self>, Error> {
        let from_environment = std::env::var_os(VARIABLE).map(PathBuf::from);
        let path = match option {
            Some(path) => path,
            None => match &from_environment {
                Some(path) => path,
                None => return Ok(None),
            },
        };
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        if !HAS_METRICS {
            return Err(Error::NoMetrics);
        }
        if option.is_some() {
            return Self::new(path).map(Some);
        }
        let process = std::process::id();
        let named = with_process(path, process);
        let mut path = named.clone();
        for n in 2..=MOST_OF_PROCESS {
            match Self::new(&path) {
                // Another runtime of this process was first.
                Err(Error::SocketInUse { process: by, .. }) if by == process => {
                    path = named.clone();
                    path.as_mut_os_string().push(format!(".{n}"));
                }
                done => return done.map(Some),
            }
        }
        Self::new(&path).map(Some)
    }

    fn new(path: &Path) -> Result<Self, Error> {
        let address = address(path)?;
        let failed = |what| {
            move |source| Error::Io {
                what,
                path: path.into(),
                source,
            }
        };
        let absolute = std::path::absolute(path).map_err(failed("finding the metrics socket"))?;
        // Two who find the same file left over must not take it from each other.
        let lock = lock_folder(&absolute);
        let found = fs::symlink_metadata(path);
        match found {
            Ok(meta) if !meta.file_type().is_socket() => {
                return Err(Error::NotASocket { path: path.into() })
            }
            Ok(_) => {
                if let Some(process) = listener_of(&address)
                    .map_err(failed("looking whether somebody has the metrics socket"))?
                {
                    return Err(Error::SocketInUse {
                        path: path.into(),
                        process,
                    });
                }
                if lock.is_none() {
                    let source = ErrorKind::WouldBlock.into();
                    return Err(failed("locking the folder of an old metrics socket")(
                        source,
                    ));
                }
                match fs::remove_file(path) {
                    Err(e) if e.kind() != ErrorKind::NotFound => {
                        return Err(failed("removing an old metrics socket")(e))
                    }
                    _ => {}
                }
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(failed("looking for the metrics socket")(e)),
        }
        let listener = listen(&address).map_err(failed("making the metrics socket"))?;
        let made = fs::symlink_metadata(path).map_err(failed("looking for the metrics socket"))?;
        Ok(Self {
            listener,
            path: absolute,
            file: (made.dev(), made.ino()),
        })
    }

    /// Starts the thread that answers.
    pub fn serve(self, engine: Arc<Engine>) -> Result<Server, Error> {
        let failed = |source| Error::System {
            what: "starting the thread of the metrics socket",
            source,
        };
        let (stop, told) = UnixStream::pair().map_err(failed)?;
        let mut service = Service {
            bound: self,
            told,
            clients: Vec::new(),
            accept_at: Instant::now(),
            source: Source {
                engine,
                snapshot: Snapshot::default(),
                page: Vec::new(),
            },
        };
        log::info!(
            "metrics are told through the socket {}",
            service.bound.path.display()
        );
        let thread = std::thread::Builder::new()
            .name("rota-metrics".into())
            .spawn(move || service.run())
            .map_err(failed)?;
        Ok(Server { stop, thread })
    }
}

fn address(path: &Path) -> Result<libc::sockaddr_un, Error> {
    // SAFETY: integers only, of which all may be zero.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    let bytes = path.as_os_str().as_bytes();
    // The last byte stays zero.
    let most = address.sun_path.len() - 1;
    if bytes.len() > most {
        return Err(Error::SocketPathTooLong {
            path: path.into(),
            length: bytes.len(),
            most,
        });
    }
    if bytes.contains(&0) {
        return Err(Error::InvalidArgument(
            "the metrics socket's path has a zero byte",
        ));
    }
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (to, &byte) in address.sun_path.iter_mut().zip(bytes) {
        *to = byte as libc::c_char;
    }
    Ok(address)
}

/// What a call gives, or why it failed.
fn checked(outcome: libc::c_int) -> std::io::Result<libc::c_int> {
    match outcome {
        -1 => Err(std::io::Error::last_os_error()),
        good => Ok(good),
    }
}

fn socket() -> std::io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no preconditions.
    let fd = checked(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?;
    // SAFETY: it is new and ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn listen(address: &libc::sockaddr_un) -> std::io::Result<UnixListener> {
    let socket = socket()?;
    let fd = socket.as_raw_fd();
    let length = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // On Linux the file gets the mode that the socket has when it is bound: at no time can others connect.
    // SAFETY: the descriptor is open, and the address is valid for its length.
    unsafe {
        checked(libc::fchmod(fd, 0o600))?;
        checked(libc::bind(fd, (&raw const *address).cast(), length))?;
        checked(libc::listen(fd, MOST_CLIENTS as libc::c_int))?;
    }
    Ok(socket.into())
}

/// The process that listens at an address where there is a socket's file; 0 where it can't be told, none where nobody does.
fn listener_of(address: &libc::sockaddr_un) -> std::io::Result<Option<u32>> {
    let socket = socket()?;
    let fd = socket.as_raw_fd();
    let length = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the address is valid for its length.
    match checked(unsafe { libc::connect(fd, (&raw const *address).cast(), length) }) {
        Ok(_) => {}
        // Its queue is full.
        Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(Some(0)),
        // Nobody has it, or whoever had it has just removed it.
        Err(e) if matches!(e.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
            return Ok(None)
        }
        Err(e) => return Err(e),
    }
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `peer` is valid for `length` bytes.
    unsafe {
        let option = libc::SO_PEERCRED;
        let to = (&raw mut peer).cast();
        checked(libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            option,
            to,
            &mut length,
        ))?;
    }
    Ok(Some(peer.pid as u32))
}

/// The lock of the folder that a file is in, where it can be had in time; held until the descriptor is closed.
fn lock_folder(path: &Path) -> Option<fs::File> {
    let folder = fs::File::open(path.parent()?).ok()?;
    let started = Instant::now();
    loop {
        // SAFETY: the descriptor is open.
        let locked = unsafe { libc::flock(folder.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
        if locked == 0 {
            return Some(folder);
        }
        if started.elapsed() > FOLDER_LOCK {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The thread that answers.
pub struct Server {
    /// Shut down to end it: a child after `fork` may have it open too.
    stop: UnixStream,
    thread: JoinHandle<()>,
}

impl Server {
    /// Ends it, and removes the file. A provider that is being asked is waited for.
    pub fn stop(self) {
        let _ = self.stop.shutdown(Shutdown::Both);
        // A provider may stop the runtime, asked by the thread itself, or by another while the thread waits to ask.
        if not_in_provider().is_ok() {
            // If it panicked it has said so.
            let _ = self.thread.join();
        }
    }
}

/// What answers are made of.
struct Source {
    engine: Arc<Engine>,
    snapshot: Snapshot,
    page: Vec<u8>,
}

impl Source {
    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        match request.trim_ascii() == REQUEST {
            true => self.snapshot(),
            false => problem("there is no such request; there is: snapshot"),
        }
    }

    /// The JSON of `metrics_text` with the process and the fine latencies in it.
    fn snapshot(&mut self) -> Vec<u8> {
        let engine = &self.engine;
        engine.take_snapshot(&mut self.snapshot);
        let info = engine.info();
        let mut needed = 0;
        for _ in 0..2 {
            needed = exposition::write(&self.snapshot, &info, Format::Json, &mut self.page);
            if needed <= self.page.len() {
                break;
            }
            self.page.resize(needed + needed / 4, 0);
        }
        let mut out = Vec::with_capacity(needed + needed / 8);
        out.extend_from_slice(self.page[..needed].trim_ascii_end());
        let closed = out.pop();
        debug_assert_eq!(closed, Some(b'}'));
        let process = std::process::id();
        write!(out, ",\"process\":{process},\"latencies\":[").unwrap();
        let mut first = true;
        lock(&engine.metrics.series).each_fine(|label, fine| {
            out.extend_from_slice(if first {
                b"{\"tenant\":"
            } else {
                b",{\"tenant\":"
            });
            first = false;
            json_string(label, |piece| out.extend_from_slice(piece.as_bytes()));
            out.extend_from_slice(b",\"buckets\":[");
            let counted = fine.iter().enumerate().filter(|(_, &count)| count != 0);
            for (n, (bucket, count)) in counted.enumerate() {
                let comma = if n == 0 { "" } else { "," };
                write!(out, "{comma}[{bucket},{count}]").unwrap();
            }
            out.extend_from_slice(b"]}");
        });
        out.extend_from_slice(b"]}\n");
        out
    }
}

fn problem(text: &str) -> Vec<u8> {
    format!("{{\"error\":\"{text}\"}}\n").into_bytes()
}

struct Client {
    stream: UnixStream,
    /// What was read and not answered.
    asked: Vec<u8>,
    answer: Vec<u8>,
    /// Bytes of the answer that are sent.
    sent: usize,
    /// When something was last read or sent.
    moved: Instant,
    /// No request is looked at before.
    next: Instant,
    /// It has said its last, or is told its last.
    ends: bool,
}

/// A client is sent away.
struct Gone;

impl Client {
    fn new(stream: UnixStream, now: Instant) -> Self {
        Self {
            stream,
            asked: Vec::new(),
            answer: Vec::new(),
            sent: 0,
            moved: now,
            next: now,
            ends: false,
        }
    }

    fn is_owed(&self) -> bool {
        self.sent < self.answer.len()
    }

    fn has_asked(&self) -> bool {
        self.asked.contains(&b'\n')
    }

    /// What is waited for.
    fn events(&self, now: Instant) -> libc::c_short {
        match (self.is_owed(), now < self.next) {
            (true, _) => libc::POLLOUT,
            (false, true) => 0,
            (false, false) => libc::POLLIN,
        }
    }

    /// When it is its turn without having done anything.
    fn due(&self, now: Instant) -> Option<Instant> {
        match self.is_owed() {
            true => Some(self.moved + PATIENCE),
            // What was asked already is answered then, though nothing more comes.
            false => (self.has_asked() || now < self.next).then_some(self.next),
        }
    }

    /// Goes on as far as that is possible without waiting.
    fn go_on(&mut self, source: &mut Source, now: Instant) -> Result<(), Gone> {
        if !self.is_owed() && now >= self.next {
            if !self.has_asked() && !self.ends {
                self.read(now)?;
            }
            if let Some(end) = self.asked.iter().position(|&b| b == b'\n') {
                let request: Vec<u8> = self.asked.drain(..=end).collect();
                self.answer = source.answer(&request);
            } else if self.asked.len() >= MOST_REQUEST {
                self.answer = problem("that is too long for a request");
                self.asked.clear();
                self.ends = true;
            }
        }
        if self.is_owed() {
            self.send()?;
            if self.is_owed() {
                return match now.saturating_duration_since(self.moved) > PATIENCE {
                    true => Err(Gone),
                    false => Ok(()),
                };
            }
            (self.answer, self.sent) = (Vec::new(), 0);
            self.next = Instant::now() + PAUSE;
        }
        match self.ends && !self.has_asked() {
            true => Err(Gone),
            false => Ok(()),
        }
    }

    fn read(&mut self, now: Instant) -> Result<(), Gone> {
        let mut room = [0; MOST_REQUEST];
        let free = MOST_REQUEST - self.asked.len();
        match self.stream.read(&mut room[..free]) {
            Ok(0) => self.ends = true,
            Ok(n) => {
                self.asked.extend_from_slice(&room[..n]);
                self.moved = now;
            }
            Err(e) if is_for_later(&e) => {}
            Err(_) => return Err(Gone),
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), Gone> {
        let rest = &self.answer[self.sent..];
        // SAFETY: the descriptor is open, and the bytes are there. Without the flag a client that has gone would end the
        // process by a signal.
        let sent = unsafe {
            let fd = self.stream.as_raw_fd();
            libc::send(fd, rest.as_ptr().cast(), rest.len(), libc::MSG_NOSIGNAL)
        };
        match usize::try_from(sent) {
            Ok(n) => {
                self.sent += n;
                // The answer may have taken a while to be made.
                self.moved = Instant::now();
                Ok(())
            }
            Err(_) if is_for_later(&std::io::Error::last_os_error()) => Ok(()),
            Err(_) => Err(Gone),
        }
    }
}

fn is_for_later(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

struct Service {
    bound: Bound,
    /// Readable when it is to end.
    told: UnixStream,
    clients: Vec<Client>,
    /// Nobody is accepted before.
    accept_at: Instant,
    source: Source,
}

impl Service {
    fn run(&mut self) {
        loop {
            let now = Instant::now();
            let accepts = now >= self.accept_at;
            let entry = |fd, events| libc::pollfd {
                fd,
                events,
                revents: 0,
            };
            let mut looks = vec![
                entry(self.told.as_raw_fd(), libc::POLLIN),
                entry(
                    self.bound.listener.as_raw_fd(),
                    if accepts { libc::POLLIN } else { 0 },
                ),
            ];
            let clients = self.clients.iter();
            looks.extend(clients.map(|c| entry(c.stream.as_raw_fd(), c.events(now))));
            let due = self.clients.iter().filter_map(|c| c.due(now));
            let due = due.chain((!accepts).then_some(self.accept_at)).min();
            // Rounded up, so that it is time then.
            let timeout = due.map_or(-1, |at| {
                at.saturating_duration_since(now).as_millis() as libc::c_int + 1
            });
            // SAFETY: so many entries, with descriptors that are open.
            let ready = unsafe { libc::poll(looks.as_mut_ptr(), looks.len() as _, timeout) };
            if ready < 0 {
                match std::io::Error::last_os_error() {
                    e if e.kind() == ErrorKind::Interrupted => continue,
                    e => {
                        log::error!("the metrics socket is closed, since poll failed: {e}");
                        return;
                    }
                }
            }
            if looks[0].revents != 0 {
                return;
            }
            if looks[1].revents & (libc::POLLNVAL | libc::POLLERR | libc::POLLHUP) != 0 {
                log::error!("the metrics socket is gone: somebody has closed its descriptor");
                return;
            }
            let now = Instant::now();
            let mut looked = looks[2..].iter();
            let source = &mut self.source;
            self.clients.retain_mut(|client| {
                let seen = looked.next().map_or(0, |look| look.revents);
                let has_left = seen & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0;
                !has_left && client.go_on(source, now).is_ok()
            });
            if looks[1].revents != 0 {
                self.accept();
            }
        }
    }

    fn accept(&mut self) {
        let now = Instant::now();
        let stream = match self.bound.listener.accept() {
            Ok((stream, _)) => stream,
            Err(e) if is_for_later(&e) || e.kind() == ErrorKind::ConnectionAborted => return,
            Err(e) => {
                log::warn!("the metrics socket can't accept a client: {e}");
                self.accept_at = now + ACCEPT_AGAIN;
                return;
            }
        };
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        let mut client = Client::new(stream, now);
        if self.clients.len() >= MOST_CLIENTS {
            let silent = (0..self.clients.len()).min_by_key(|&n| self.clients[n].moved);
            let silent = silent.filter(|&n| now - self.clients[n].moved > SILENCE);
            match silent {
                Some(n) => {
                    self.clients.swap_remove(n);
                }
                None => {
                    client.answer = problem("too many clients look at this runtime");
                    let _ = client.send();
                    return;
                }
            }
        }
        self.clients.push(client);
    }
}
