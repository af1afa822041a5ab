//! `rota top`: what the tenants of a running process do, as its metrics socket tells it once a second.

pub use table::Column;

mod client;
mod line;
mod reading;
mod table;
mod terminal;

use std::io::IsTerminal as _;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

use client::{Client, Wrong};
use reading::{Reading, View};
use table::Order;
use terminal::{Key, Screen};

use crate::args::Top;
use crate::paper::print;
use crate::Failure;

/// How long an answer may take; on a terminal it is waited for longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a process that has closed its socket may take to come back.
const COMES_BACK: Duration = Duration::from_secs(10);
/// Between two tries to connect.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// An answer that takes longer is told to be late.
const LATE: Duration = Duration::from_secs(2);
/// The first two snapshots are no further apart, so that there is something to see soon.
const FIRST: Duration = Duration::from_millis(250);

pub fn run(options: &Top) -> Result<(), Failure> {
    let path = client::find(options.socket.as_deref()).map_err(Failure::Said)?;
    let client = Client::connect(&path).map_err(|wrong| said(&path, wrong))?;
    let dumb = std::env::var_os("TERM").is_none_or(|v| v == "dumb");
    let looked_at = std::io::stdout().is_terminal();
    let colours = looked_at && !dumb && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let order = Order::of(options.sort);
    match options.once || !looked_at || dumb {
        true => once(&path, client, options.every, order, looked_at, colours),
        false => Live::new(&path, client, options.every, order, colours).run(),
    }
}

fn said(path: &Path, wrong: Wrong) -> Failure {
    Failure::Said(format!("the metrics socket '{}' {wrong}", path.display()))
}

/// Two snapshots, and a table of what happened between them.
fn once(
    path: &Path,
    mut client: Client,
    every: Duration,
    order: Order,
    looked_at: bool,
    colours: bool,
) -> Result<(), Failure> {
    let mut snapshot = || client.snapshot(PATIENCE).map_err(|wrong| said(path, wrong));
    let first = snapshot()?;
    std::thread::sleep(every);
    let view = View::new(Some(&first), &snapshot()?);
    let width = looked_at.then(|| terminal::size().0);
    let mut text = String::new();
    for line in table::head(&view, path, width)
        .iter()
        .chain(&table::table(&view, order, false, width))
    {
        line.write(width, colours, &mut text);
        text.push('\n');
    }
    Ok(print(&text)?)
}

/// Whether there is somebody to ask.
enum Link {
    /// With the time of a request that isn't answered.
    Up(Client, Option<Instant>),
    Down {
        since: Instant,
        tried: Instant,
    },
}

struct Live<'a> {
    path: &'a Path,
    every: Duration,
    order: Order,
    colours: bool,
    link: Link,
    /// When the next request is due.
    next: Instant,
    last: Option<Reading>,
    view: Option<View>,
    /// Series without tenants and jobs are shown too.
    all: bool,
    paused: bool,
    /// The first row that is shown.
    first: usize,
}

impl<'a> Live<'a> {
    fn new(path: &'a Path, client: Client, every: Duration, order: Order, colours: bool) -> Self {
        Self {
            path,
            every,
            order,
            colours,
            link: Link::Up(client, None),
            next: Instant::now(),
            last: None,
            view: None,
            all: false,
            paused: false,
            first: 0,
        }
    }

    fn run(&mut self) -> Result<(), Failure> {
        let screen = Screen::enter().map_err(|e| {
            Failure::Said(format!("the terminal can't be used for a live view: {e}"))
        })?;
        let outcome = loop {
            if let Err(failure) = self.talk() {
                break Err(failure);
            }
            if let Err(e) = screen.draw(&self.page()) {
                break Err(e.into());
            }
            let stream = match &self.link {
                Link::Up(client, _) => Some(client.stream().as_raw_fd()),
                Link::Down { .. } => None,
            };
            match screen.wait(stream, self.pause()) {
                Ok(keys) => {
                    if keys.into_iter().any(|key| self.pressed(key)) {
                        break Ok(());
                    }
                }
                Err(e) => break Err(e.into()),
            }
        };
        // What is to be said is said on the terminal as it was.
        drop(screen);
        outcome
    }

    /// How long nothing has to be done, if nothing comes.
    fn pause(&self) -> Duration {
        let now = Instant::now();
        match &self.link {
            Link::Up(_, None) if !self.paused => self.next.saturating_duration_since(now),
            // What is told of it changes with time.
            Link::Up(..) => Duration::from_secs(1),
            Link::Down { .. } => TRY_AGAIN,
        }
    }

    /// Asks, takes answers, and connects again, without waiting.
    fn talk(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let gone = match &mut self.link {
            Link::Up(client, asked) => {
                let due = asked.is_none() && now >= self.next && !self.paused;
                let done = match due {
                    true => client.ask().map(|()| {
                        *asked = Some(now);
                        None
                    }),
                    false => client.take(),
                };
                match done {
                    Ok(None) => false,
                    Ok(Some(reading)) => {
                        let wanted = if self.view.is_none() {
                            FIRST
                        } else {
                            self.every
                        };
                        self.next = asked.take().unwrap_or(now) + wanted.min(self.every);
                        self.view = Some(View::new(self.last.as_ref(), &reading));
                        self.last = Some(reading);
                        false
                    }
                    Err(Wrong::Gone) => true,
                    Err(wrong) => return Err(said(self.path, wrong)),
                }
            }
            Link::Down { since, tried } => {
                if now.duration_since(*tried) >= TRY_AGAIN {
                    match Client::connect(self.path) {
                        Ok(client) => {
                            self.link = Link::Up(client, None);
                            self.next = now;
                        }
                        Err(_) if now.duration_since(*since) > COMES_BACK => {
                            return Err(said(self.path, Wrong::Gone));
                        }
                        Err(_) => *tried = now,
                    }
                }
                false
            }
        };
        if gone {
            self.link = Link::Down {
                since: now,
                tried: now,
            };
        }
        Ok(())
    }

    /// Whether a key ends it.
    fn pressed(&mut self, key: Key) -> bool {
        let page = usize::from(terminal::size().1)
            .saturating_sub(table::AROUND)
            .max(1);
        match key {
            Key::Char('q' | 'Q') => return true,
            Key::Char('<' | ',') | Key::Left => self.order.step(false),
            Key::Char('>' | '.') | Key::Right => self.order.step(true),
            Key::Char('r') => self.order.turn(),
            Key::Char('a') => self.all = !self.all,
            Key::Char(' ') => {
                self.paused = !self.paused;
                self.next = Instant::now();
            }
            Key::Up | Key::Char('k') => self.first = self.first.saturating_sub(1),
            Key::Down | Key::Char('j') => self.first += 1,
            Key::PageUp => self.first = self.first.saturating_sub(page),
            Key::PageDown => self.first += page,
            Key::Home => self.first = 0,
            Key::End => self.first = usize::MAX / 2,
            Key::Char(_) => {}
        }
        false
    }

    /// What is to be seen now.
    fn page(&mut self) -> String {
        let (width, height) = terminal::size();
        let note = self.note();
        let lines = match &self.view {
            Some(view) => table::page(
                view,
                self.path,
                self.order,
                self.all,
                &mut self.first,
                (width, height),
                note,
            ),
            None => table::waiting(self.path, (width, height), note),
        };
        let mut text = String::new();
        for (n, line) in lines.iter().enumerate() {
            if n != 0 {
                text.push_str("\r\n");
            }
            line.write(Some(width), self.colours, &mut text);
            text.push_str("\x1b[K");
        }
        text
    }

    /// What is to be said at the bottom.
    fn note(&self) -> Option<String> {
        match &self.link {
            Link::Down { since, .. } => {
                let left = COMES_BACK.saturating_sub(since.elapsed()).as_secs();
                Some(format!(
                    "the process has closed its socket; it has {left} s left to come back"
                ))
            }
            Link::Up(_, Some(asked)) if asked.elapsed() > LATE => {
                Some(format!("no answer for {} s", asked.elapsed().as_secs()))
            }
            Link::Up(..) => self.paused.then(|| "paused; space goes on".into()),
        }
    }
}
