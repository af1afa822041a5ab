//! The terminal while it shows a live view, and how it becomes again what it was, whatever ends the program.

use std::io::{self, ErrorKind, Write as _};
use std::os::fd::RawFd;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

/// Another screen without a cursor, on which what is too long for a line is cut.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// What a terminal that doesn't say its size has.
const SIZE: (u16, u16) = (80, 24);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Home,
    End,
}

/// The terminal as it was and is.
struct Saved {
    input: RawFd,
    output: RawFd,
    /// None where the input is no terminal.
    modes: Option<(libc::termios, libc::termios)>,
}

/// Set while the live view is shown. What it points to is never freed: a signal's handler may be reading it.
static SAVED: AtomicPtr<Saved> = AtomicPtr::new(null_mut());

impl Saved {
    /// Only calls that a signal's handler may make.
    fn show(&self) {
        if let Some((_, raw)) = &self.modes {
            // SAFETY: the modes are the terminal's own, changed.
            unsafe { libc::tcsetattr(self.input, libc::TCSADRAIN, raw) };
        }
        self.write(ENTER);
    }

    /// The same.
    fn restore(&self) {
        if let Some((before, _)) = &self.modes {
            // SAFETY: the modes are those that the terminal had.
            unsafe { libc::tcsetattr(self.input, libc::TCSANOW, before) };
        }
        self.write(LEAVE);
    }

    /// Writes unless nobody reads, which must not keep the program from ending.
    fn write(&self, bytes: &[u8]) {
        let mut look = libc::pollfd {
            fd: self.output,
            events: libc::POLLOUT,
            revents: 0,
        };
        // SAFETY: one pollfd, and bytes that are there.
        unsafe {
            if libc::poll(&mut look, 1, 100) == 1 {
                libc::write(self.output, bytes.as_ptr().cast(), bytes.len());
            }
        }
    }
}

/// Makes the terminal again what it was.
fn restore() {
    let saved = SAVED.load(Ordering::Acquire);
    // SAFETY: null, or what `enter` made and nobody frees.
    if let Some(saved) = unsafe { saved.as_ref() } {
        saved.restore();
        // Behind that: a signal in between does it again, and not at all less.
        SAVED.store(null_mut(), Ordering::Release);
    }
}

/// Of signals that end a program: first the terminal, then what the signal does by itself.
extern "C" fn end(signal: libc::c_int) {
    restore();
    // SAFETY: a handler may do this.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// Of the signal that suspends it.
extern "C" fn suspend(_: libc::c_int) {
    // SAFETY: null, or what `enter` made and nobody frees.
    let Some(saved) = (unsafe { SAVED.load(Ordering::Acquire).as_ref() }) else {
        return;
    };
    saved.restore();
    // SAFETY: a handler may do this.
    unsafe { libc::raise(libc::SIGSTOP) };
    // Here it goes on.
    saved.show();
}

/// Of a change of the size: what waits is interrupted, and the view is drawn anew.
extern "C" fn ignore(_: libc::c_int) {}

fn handle(signal: libc::c_int, by: extern "C" fn(libc::c_int)) {
    // SAFETY: the handlers make only calls that handlers may make. Without SA_RESTART a wait is interrupted.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = by as *const () as usize;
        libc::sigaction(signal, &action, null_mut());
    }
}

/// Columns and rows of the terminal.
pub fn size() -> (u16, u16) {
    // SAFETY: integers only, of which all may be zero.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: `size` is what the call fills.
    let told = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &mut size) } == 0;
    match told && size.ws_col != 0 && size.ws_row != 0 {
        true => (size.ws_col, size.ws_row),
        false => SIZE,
    }
}

/// Waits until one of the descriptors can be read, which stay; at most for so long, or until a signal comes. The others
/// become -1.
pub fn wait_for(descriptors: &mut [RawFd], most: Duration) -> io::Result<()> {
    let entry = |&fd: &RawFd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    let mut looks: Vec<_> = descriptors.iter().map(entry).collect();
    let most = most.as_millis().min(i32::MAX as u128 - 1) as i32 + 1;
    // SAFETY: so many entries; an entry of -1 is ignored.
    let ready = unsafe { libc::poll(looks.as_mut_ptr(), looks.len() as libc::nfds_t, most) };
    let interrupted = ready < 0;
    if interrupted {
        let error = io::Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
    for (descriptor, look) in descriptors.iter_mut().zip(looks) {
        if interrupted || look.revents == 0 {
            *descriptor = -1;
        }
    }
    Ok(())
}

/// The terminal while it is ours.
pub struct Screen {
    input: RawFd,
    output: RawFd,
    has_keys: std::cell::Cell<bool>,
}

impl Screen {
    pub fn enter() -> io::Result<Self> {
        let screen = Self::of(libc::STDIN_FILENO, libc::STDOUT_FILENO)?;
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            handle(signal, end);
        }
        handle(libc::SIGTSTP, suspend);
        handle(libc::SIGWINCH, ignore);
        // What a panic says is to be read on the terminal as it was.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
        Ok(screen)
    }

    fn of(input: RawFd, output: RawFd) -> io::Result<Self> {
        // SAFETY: a question about a number.
        let has_keys = unsafe { libc::isatty(input) } == 1;
        let modes = match has_keys {
            true => Some(modes_of(input)?),
            false => None,
        };
        let saved = Box::new(Saved {
            input,
            output,
            modes,
        });
        let saved: &'static Saved = Box::leak(saved);
        SAVED.store((&raw const *saved).cast_mut(), Ordering::Release);
        saved.show();
        Ok(Self {
            input,
            output,
            has_keys: std::cell::Cell::new(has_keys),
        })
    }

    /// Shows a page, which has its lines' ends in it.
    pub fn draw(&self, page: &str) -> io::Result<()> {
        // As one piece, where the terminal can; nothing is cleared before, so that nothing flickers.
        let text = format!("\x1b[?2026h\x1b[H{page}\x1b[J\x1b[?2026l");
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            // SAFETY: bytes that are there.
            let written = unsafe { libc::write(self.output, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(n) => rest = &rest[n..],
                Err(_) => match io::Error::last_os_error() {
                    e if e.kind() == ErrorKind::Interrupted => {}
                    e => return Err(e),
                },
            }
        }
        Ok(())
    }

    /// Waits for keys, for something to read at `stream`, for a signal, or so long.
    pub fn wait(&self, stream: Option<RawFd>, most: Duration) -> io::Result<Vec<Key>> {
        let input = if self.has_keys.get() { self.input } else { -1 };
        let mut ready = [input, stream.unwrap_or(-1)];
        wait_for(&mut ready, most)?;
        if ready[0] == -1 {
            return Ok(Vec::new());
        }
        let mut bytes = [0; 64];
        // SAFETY: room for so many.
        let read = unsafe { libc::read(self.input, bytes.as_mut_ptr().cast(), bytes.len()) };
        match usize::try_from(read) {
            // Nobody is there to press any.
            Ok(0) => self.has_keys.set(false),
            Ok(n) => return Ok(keys(&bytes[..n])),
            Err(_) => match io::Error::last_os_error() {
                e if e.kind() == ErrorKind::Interrupted => {}
                e => return Err(e),
            },
        }
        Ok(Vec::new())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = io::stdout().flush();
        restore();
    }
}

/// A terminal's modes as they are, and with keys that come at once and are not shown. Those that send signals still do.
fn modes_of(input: RawFd) -> io::Result<(libc::termios, libc::termios)> {
    // SAFETY: integers only, of which all may be zero.
    let mut before: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: `before` is what the call fills.
    if unsafe { libc::tcgetattr(input, &mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut raw = before;
    raw.c_lflag &= !(libc::ICANON | libc::ECHO | libc::IEXTEN);
    raw.c_iflag &= !(libc::IXON | libc::ICRNL);
    raw.c_cc[libc::VMIN] = 1;
    raw.c_cc[libc::VTIME] = 0;
    Ok((before, raw))
}

/// The keys that a terminal's bytes stand for.
fn keys(bytes: &[u8]) -> Vec<Key> {
    const SEQUENCES: [(&[u8], Key); 16] = [
        (b"[A", Key::Up),
        (b"OA", Key::Up),
        (b"[B", Key::Down),
        (b"OB", Key::Down),
        (b"[C", Key::Right),
        (b"OC", Key::Right),
        (b"[D", Key::Left),
        (b"OD", Key::Left),
        (b"[5~", Key::PageUp),
        (b"[6~", Key::PageDown),
        (b"[H", Key::Home),
        (b"OH", Key::Home),
        (b"[1~", Key::Home),
        (b"[F", Key::End),
        (b"OF", Key::End),
        (b"[4~", Key::End),
    ];
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != 0x1b {
            found.push(Key::Char(first as char));
            continue;
        }
        match SEQUENCES.iter().find(|(text, _)| behind.starts_with(text)) {
            Some((text, key)) => {
                found.push(*key);
                rest = &behind[text.len()..];
            }
            // Another key's: up to its last byte, it is none of ours.
            None if behind.first() == Some(&b'[') => {
                let end = behind[1..].iter().position(|b| (0x40..=0x7e).contains(b));
                rest = end.map_or(&[], |end| &behind[end + 2..]);
            }
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    use super::*;

    #[test]
    fn sequences_are_keys() {
        assert_eq!(
            keys(b"q\x1b[A\x1bOBx\x1b[6~\x1b[15~r\x1b"),
            [
                Key::Char('q'),
                Key::Up,
                Key::Down,
                Key::Char('x'),
                Key::PageDown,
                Key::Char('r')
            ]
        );
    }

    #[test]
    fn after_a_panic_the_terminal_is_what_it_was() {
        let (mut main, mut other) = (0, 0);
        // SAFETY: the two are what the call fills; the rest may be null.
        let made =
            unsafe { libc::openpty(&mut main, &mut other, null_mut(), null_mut(), null_mut()) };
        assert_eq!(made, 0);
        // SAFETY: both are new and ours.
        let (main, other) = unsafe { (OwnedFd::from_raw_fd(main), OwnedFd::from_raw_fd(other)) };
        let flags = || modes_of(other.as_raw_fd()).unwrap().0.c_lflag;
        let before = flags();
        let outcome = std::panic::catch_unwind(|| {
            let screen = Screen::of(other.as_raw_fd(), other.as_raw_fd()).unwrap();
            assert_ne!(flags(), before);
            screen.draw("page").unwrap();
            panic!("on purpose");
        });
        assert!(outcome.is_err());
        assert_eq!(flags(), before);
        // It comes in pieces; what never comes never ends the test.
        let mut shown = Vec::new();
        while !shown.ends_with(LEAVE) {
            let mut some = [0; 256];
            // SAFETY: room for so many.
            let n = unsafe { libc::read(main.as_raw_fd(), some.as_mut_ptr().cast(), some.len()) };
            shown.extend_from_slice(&some[..usize::try_from(n).unwrap()]);
        }
        assert!(
            String::from_utf8_lossy(&shown).contains("page"),
            "{shown:?}"
        );
    }
}
