//! Reads spans out of trace files, one at a time.

use std::fmt;
use std::io::{self, BufRead};
use std::sync::Arc;

use rota::spans::{Moment, Span};
use serde_json::{Map, Value};

use crate::chrome::CATEGORY;

/// No event of ours is as long, whatever the labels are.
const MOST_EVENT: usize = 1 << 20;

/// Why spans can't be read.
#[derive(Debug)]
pub enum ReadError {
    Io(io::Error),
    /// Not an array of trace events, or not one of ours: what, and the byte at which it shows.
    Foreign {
        what: String,
        at: u64,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Foreign { what, at } => {
                write!(f, "not a trace that Rota has written: {what} at byte {at}")
            }
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Foreign { .. } => None,
        }
    }
}

/// The spans of a trace file that [`Chrome`](crate::Chrome) has written, in whatever layout it is now. Events of others
/// between them are passed over. An event that the file's end cuts isn't an error: see [`ReadChrome::is_whole`].
pub fn read_chrome<R: BufRead>(reader: R) -> ReadChrome<R> {
    ReadChrome {
        reader,
        at: 0,
        state: State::Begin,
        event: Vec::new(),
        texts: Vec::new(),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Begin,
    /// After the opening bracket or an event.
    Events,
    /// After the closing bracket.
    Closed,
    /// After the file's end without a closing bracket.
    Cut,
    Failed,
}

/// See [`read_chrome`].
pub struct ReadChrome<R> {
    reader: R,
    at: u64,
    state: State,
    event: Vec<u8>,
    /// Names of tenants and handlers, which many spans share.
    texts: Vec<Arc<str>>,
}

/// Of names that are shared; more would be looked through too long.
const MOST_TEXTS: usize = 64;

impl<R: BufRead> ReadChrome<R> {
    /// At the end: whether the file is closed, or cut where a crash ended it or it is being written.
    pub fn is_whole(&self) -> bool {
        self.state == State::Closed
    }

    /// How many bytes are read.
    pub fn position(&self) -> u64 {
        self.at
    }

    fn foreign<T>(&self, what: impl Into<String>) -> Result<T, ReadError> {
        Err(ReadError::Foreign {
            what: what.into(),
            at: self.at,
        })
    }

    /// The next byte that isn't blank.
    fn mark(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(ReadError::Io)?,
            };
            if buffer.is_empty() {
                return Ok(None);
            }
            let blank = buffer
                .iter()
                .take_while(|b| b.is_ascii_whitespace())
                .count();
            let found = buffer.get(blank).copied();
            let used = blank + usize::from(found.is_some());
            self.reader.consume(used);
            self.at += used as u64;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Reads an event whose opening brace is read. None where the file ends first, else whether there are objects in it.
    fn object(&mut self) -> Result<Option<bool>, ReadError> {
        self.event.clear();
        self.event.push(b'{');
        let (mut depth, mut inside, mut escaped, mut nested) = (1, false, false, false);
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(ReadError::Io)?,
            };
            if buffer.is_empty() {
                return Ok(None);
            }
            let mut used = 0;
            for &byte in buffer {
                used += 1;
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if inside => escaped = true,
                    b'"' => inside = !inside,
                    b'{' if !inside => {
                        depth += 1;
                        nested = true;
                    }
                    b'}' if !inside => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            let room = MOST_EVENT - self.event.len();
            self.event.extend_from_slice(&buffer[..used.min(room)]);
            self.reader.consume(used);
            self.at += used as u64;
            if used > room {
                return self.foreign(format!("an event of more than {MOST_EVENT} bytes"));
            }
            if depth == 0 {
                return Ok(Some(nested));
            }
        }
    }

    /// The next event, or None at the end.
    fn next_event(&mut self) -> Result<Option<Map<String, Value>>, ReadError> {
        let is_first = self.state == State::Begin;
        if is_first {
            match self.mark()? {
                Some(b'[') => self.state = State::Events,
                Some(_) => return self.foreign("no array of trace events"),
                None => return self.foreign("an empty file"),
            }
        }
        let mut next = self.mark()?;
        if next == Some(b',') && !is_first {
            next = self.mark()?;
        }
        match next {
            Some(b'{') => match self.object()? {
                Some(true) => match serde_json::from_slice(&self.event) {
                    Ok(event) => Ok(Some(event)),
                    Err(e) => self.foreign(format!("an event that isn't JSON ({e})")),
                },
                // The begin or end of a phase, as most are: nothing to look at.
                Some(false) => Ok(Some(Map::new())),
                None => {
                    self.state = State::Cut;
                    Ok(None)
                }
            },
            Some(b']') => {
                if self.mark()?.is_some() {
                    return self.foreign("something behind the array");
                }
                self.state = State::Closed;
                Ok(None)
            }
            Some(_) => self.foreign("something that is no event"),
            None => {
                self.state = State::Cut;
                Ok(None)
            }
        }
    }

    fn next_span(&mut self) -> Result<Option<Span>, ReadError> {
        while !matches!(self.state, State::Closed | State::Cut | State::Failed) {
            let Some(event) = self.next_event()? else {
                break;
            };
            let is = |key: &str, what: &str| event.get(key).and_then(Value::as_str) == Some(what);
            if !is("cat", CATEGORY) || !is("ph", "b") {
                continue;
            }
            // A phase of a job has none.
            let Some(Value::Object(arguments)) = event.get("args") else {
                continue;
            };
            return match self.span(arguments) {
                Ok(span) => Ok(Some(span)),
                Err(key) => self.foreign(format!("a job without a good \"{key}\"")),
            };
        }
        Ok(None)
    }

    /// The error is the key that is missing or wrong.
    fn span(&mut self, from: &Map<String, Value>) -> Result<Span, &'static str> {
        Ok(Span {
            trace_id: id(from, "trace_id")?,
            span_id: id(from, "span_id")?,
            parent_id: match from.contains_key("parent_id") {
                true => Some(id(from, "parent_id")?),
                false => None,
            },
            tenant: self.text(from, "tenant")?,
            tenant_id: long(from, "tenant_id")?,
            module: self.text(from, "module")?,
            handler: self.text(from, "handler")?,
            ticket: long(from, "ticket")?,
            user_data: text(from, "user_data")?
                .strip_prefix("0x")
                .and_then(|hex| u64::from_str_radix(hex, 16).ok())
                .ok_or("user_data")?,
            status: short(from, "status")?,
            fault: short(from, "fault")?,
            tiles: short(from, "tiles")?,
            fuel: short(from, "fuel")?,
            submitted: long(from, "submitted")?,
            claimed: moment(from, "claimed")?,
            finished: moment(from, "finished")?,
            taken: long(from, "taken")?,
            begin_epoch: long(from, "begin_epoch")?,
            end_epoch: long(from, "end_epoch")?,
        })
    }

    fn text(
        &mut self,
        from: &Map<String, Value>,
        key: &'static str,
    ) -> Result<Arc<str>, &'static str> {
        let new = text(from, key)?;
        if let Some(known) = self.texts.iter().find(|known| &***known == new) {
            return Ok(known.clone());
        }
        if self.texts.len() == MOST_TEXTS {
            self.texts.clear();
        }
        let shared: Arc<str> = new.into();
        self.texts.push(shared.clone());
        Ok(shared)
    }
}

impl<R: BufRead> Iterator for ReadChrome<R> {
    type Item = Result<Span, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_span();
        if next.is_err() {
            self.state = State::Failed;
        }
        next.transpose()
    }
}

fn text<'a>(from: &'a Map<String, Value>, key: &'static str) -> Result<&'a str, &'static str> {
    from.get(key).and_then(Value::as_str).ok_or(key)
}

fn long(from: &Map<String, Value>, key: &'static str) -> Result<u64, &'static str> {
    text(from, key)?.parse().map_err(|_| key)
}

fn short(from: &Map<String, Value>, key: &'static str) -> Result<u32, &'static str> {
    let number = from.get(key).and_then(Value::as_u64).ok_or(key)?;
    number.try_into().map_err(|_| key)
}

fn moment(from: &Map<String, Value>, key: &'static str) -> Result<Option<Moment>, &'static str> {
    match from.get(key) {
        None => Ok(None),
        Some(Value::Object(moment)) => Ok(Some(Moment {
            earliest: long(moment, "earliest").map_err(|_| key)?,
            latest: long(moment, "latest").map_err(|_| key)?,
        })),
        Some(_) => Err(key),
    }
}

fn id<const N: usize>(
    from: &Map<String, Value>,
    key: &'static str,
) -> Result<[u8; N], &'static str> {
    let text = text(from, key)?.as_bytes();
    if text.len() != 2 * N {
        return Err(key);
    }
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(text.chunks(2)) {
        let digit = |c: u8| (c as char).to_digit(16).ok_or(key);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Ok(id)
}
