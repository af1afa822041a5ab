//! Snapshots as text: the Prometheus exposition format 0.0.4, OpenMetrics 1.0, and JSON.

use super::families::{families, Family, Kind, Labels, Samples};
use super::{LatencySums, Snapshot, TenantMetrics};
use crate::ring::sync::prefetch;
use crate::runtime::RuntimeInfo;
use crate::text::json_string;

/// How metrics are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Format {
    /// `text/plain; version=0.0.4; charset=utf-8`
    #[default]
    Prometheus = 0,
    /// `application/openmetrics-text; version=1.0.0; charset=utf-8`
    OpenMetrics = 1,
    /// An object with the families in `metrics`.
    Json = 2,
}

impl Format {
    /// The format of that number.
    pub fn from_code(code: u32) -> Option<Self> {
        [Self::Prometheus, Self::OpenMetrics, Self::Json]
            .into_iter()
            .find(|format| *format as u32 == code)
    }

    /// The media type that HTTP names it by.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// A label's value as both text formats want it.
pub fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

/// Writes a snapshot into `out` as far as it fits; gives how many bytes there are.
pub fn write(snapshot: &Snapshot, info: &RuntimeInfo, format: Format, out: &mut [u8]) -> usize {
    let page = Page { out, at: 0 };
    match format {
        Format::Json => Json { page, first: true }.write(snapshot, info),
        _ => {
            let open = format == Format::OpenMetrics;
            Text {
                page,
                open,
                head: Vec::with_capacity(64),
                plain: 0,
                line: Vec::with_capacity(256),
            }
            .write(snapshot, info)
        }
    }
}

/// Copies bytes of which there are mostly few: calling a function for them would take longer.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    /// The first and the last so many, which may be the same.
    #[inline]
    fn ends<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
        let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else {
            return false;
        };
        if from.len() > 2 * N {
            return false;
        }
        let (first, last) = (*first, *last);
        to.first_chunk_mut().map(|to| *to = first).is_some()
            && to.last_chunk_mut().map(|to| *to = last).is_some()
    }
    let copied = ends::<16>(to, from)
        || ends::<32>(to, from)
        || ends::<8>(to, from)
        || ends::<4>(to, from)
        || ends::<2>(to, from)
        || ends::<1>(to, from);
    if !copied {
        to.copy_from_slice(from);
    }
}

/// Bytes that are written to are fetched so many ahead.
const FETCHED: usize = 1024;

/// The decimal digits of a number below 10^8, the first in the lowest byte, and how many they are. All digits are made at once,
/// each in a part of a word.
#[inline]
fn digits(n: u64) -> Option<(u64, usize)> {
    if n >= 100_000_000 {
        return None;
    }
    // Two of four digits, four of two, eight of one.
    let fours = (n / 10_000) | ((n % 10_000) << 32);
    let hundreds = (fours * 10_486) >> 20 & 0x7f_0000_007f;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = (twos * 103) >> 10 & 0xf_000f_000f_000f;
    let ones = tens | (twos - 10 * tens) << 8;
    // The last digit stays also where it is 0.
    let zeros = (ones | 1 << 56).trailing_zeros() / 8;
    let text = (ones | 0x3030_3030_3030_3030) >> (8 * zeros);
    Some((text, 8 - zeros as usize))
}

/// Bytes that are counted also where there is no room for them.
struct Page<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Page<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        match self.out.get_mut(self.at..end) {
            Some(to) => copy(to, bytes),
            None => {
                let rest = self.out.get_mut(self.at..).unwrap_or_default();
                let fits = rest.len();
                rest.copy_from_slice(&bytes[..fits]);
            }
        }
        self.at = end;
    }

    #[inline]
    fn text(&mut self, text: &str) {
        self.put(text.as_bytes());
    }

    #[inline]
    fn int(&mut self, value: u64) {
        match digits(value) {
            Some((digits, length)) => self.put(&digits.to_le_bytes()[..length]),
            None => self.put(itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    /// Fetches what will be written soon.
    #[inline]
    fn fetch(&self) {
        prefetch(self.out.as_ptr().wrapping_add(self.at + FETCHED));
    }

    /// Nanoseconds as seconds, with no more digits than it takes.
    fn seconds(&mut self, nanoseconds: u64) {
        const SECOND: u64 = 1_000_000_000;
        self.int(nanoseconds / SECOND);
        let mut rest = nanoseconds % SECOND;
        if rest == 0 {
            return;
        }
        let mut digits = [b'0'; 10];
        digits[0] = b'.';
        let mut length = 10;
        for i in (1..10).rev() {
            digits[i] += (rest % 10) as u8;
            rest /= 10;
        }
        while digits[length - 1] == b'0' {
            length -= 1;
        }
        self.put(&digits[..length]);
    }

    fn float(&mut self, value: f64) {
        let text = if value.is_nan() {
            "NaN".into()
        } else if value.is_infinite() {
            if value > 0.0 { "+Inf" } else { "-Inf" }.into()
        } else {
            value.to_string()
        };
        self.text(&text);
    }
}

struct Text<'a> {
    page: Page<'a>,
    open: bool,
    /// What the family's samples begin with.
    head: Vec<u8>,
    /// How much of it is the name without a suffix.
    plain: usize,
    /// What the lines of a histogram begin with.
    line: Vec<u8>,
}

impl Text<'_> {
    fn write(mut self, snapshot: &Snapshot, info: &RuntimeInfo) -> usize {
        for family in families() {
            self.begin(family.name, family.kind, family.unit, family.help);
            (family.write)(snapshot, info, &mut self);
        }
        for provided in &snapshot.provided {
            self.begin(&provided.name, Kind::Gauge, "", "Told by a provider.");
            self.page.put(&self.head);
            self.page.text(" ");
            self.page.float(provided.value);
            self.page.text("\n");
        }
        if self.open {
            self.page.text("# EOF\n");
        }
        self.page.at
    }

    /// Help and type of a family. The older format knows no infos, and has the suffixes in its families' names.
    fn begin(&mut self, name: &str, kind: Kind, unit: &str, help: &str) {
        let suffix = match kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            _ => "",
        };
        self.plain = name.len();
        self.head.clear();
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(suffix.as_bytes());
        let (of_family, kind) = match (self.open, kind) {
            (true, kind) => ("", kind.name()),
            (false, Kind::Info) => (suffix, "gauge"),
            (false, kind) => (suffix, kind.name()),
        };
        for (what, is) in [("HELP", help), ("TYPE", kind), ("UNIT", unit)] {
            // The older format knows no units, and the newer wants names to end with them.
            if what == "UNIT" && (!self.open || unit.is_empty()) {
                continue;
            }
            for part in ["# ", what, " ", name, of_family, " ", is, "\n"] {
                self.page.text(part);
            }
        }
    }

    /// A sample up to its value.
    #[inline]
    fn sample(&mut self, labels: &Labels) {
        self.page.fetch();
        self.page.put(&self.head);
        self.labels(labels);
    }

    /// The lines of a histogram's buckets, which begin with `line`; gives how many there are in all of them.
    fn buckets(&mut self, line: &mut Vec<u8>, latency: &LatencySums) -> u64 {
        let begin = line.len();
        let mut sum = 0;
        let counts = latency.buckets.iter().zip(&BOUND_PARTS);
        // With room behind it each part is copied in a length that is known; what is too much of it is written over.
        line.resize(begin.next_multiple_of(BLOCK), 0);
        let most = (line.len() + PART + PART) * BOUNDS.len();
        let page = &mut self.page;
        let rest = page.out.get_mut(page.at..).unwrap_or_default();
        let Some(room) = rest.get_mut(..most) else {
            for (count, bound) in counts {
                sum += count;
                page.put(&line[..begin]);
                page.put(bound.text());
                page.int(sum);
                page.put(b"\n");
            }
            return sum;
        };
        let mut at = 0;
        for (count, bound) in counts {
            sum += count;
            prefetch(room.as_ptr().wrapping_add(at + FETCHED));
            for (block, to) in line.chunks_exact(BLOCK).zip((at..).step_by(BLOCK)) {
                room[to..to + BLOCK].copy_from_slice(block);
            }
            at += begin;
            room[at..at + PART].copy_from_slice(&bound.bytes);
            at += bound.length;
            if let Some((digits, length)) = digits(sum) {
                room[at..at + 8].copy_from_slice(&digits.to_le_bytes());
                at += length;
            } else {
                let mut buffer = itoa::Buffer::new();
                let text = buffer.format(sum).as_bytes();
                room[at..at + text.len()].copy_from_slice(text);
                at += text.len();
            }
            room[at] = b'\n';
            at += 1;
        }
        page.at += at;
        sum
    }

    /// The same of a tenant.
    #[inline]
    fn of_tenant(&mut self, tenant: &TenantMetrics) {
        self.page.fetch();
        self.page.put(&self.head);
        self.page.put(b"{");
        self.page.text(&tenant.rendered);
        self.page.put(b"} ");
    }

    #[inline]
    fn labels(&mut self, labels: &Labels) {
        let page = &mut self.page;
        if !labels.rendered.is_empty() {
            page.put(b"{");
            page.text(labels.rendered);
            if let Some((name, value)) = labels.more {
                page.put(b",");
                page.text(name);
                page.put(b"=\"");
                page.text(value);
                page.put(b"\"");
            }
            page.put(b"} ");
            return;
        }
        let mut begun = false;
        let mut begin = |page: &mut Page| {
            page.put(if begun { b"," } else { b"{" });
            begun = true;
        };
        let pairs = labels.pairs.iter().filter(|(name, _)| !name.is_empty());
        for (name, value) in pairs.chain(&labels.more) {
            begin(page);
            for part in [name, "=\"", value, "\""] {
                page.text(part);
            }
        }
        page.put(if begun { b"} " } else { b" " });
    }
}

impl Samples for Text<'_> {
    fn tenants(&mut self, tenants: &[TenantMetrics], get: fn(&TenantMetrics) -> u64) {
        for tenant in tenants {
            self.of_tenant(tenant);
            self.page.int(get(tenant));
            self.page.put(b"\n");
        }
    }

    fn int(&mut self, labels: Labels, value: u64) {
        self.sample(&labels);
        self.page.int(value);
        self.page.put(b"\n");
    }

    fn seconds(&mut self, labels: Labels, nanoseconds: u64) {
        self.sample(&labels);
        self.page.seconds(nanoseconds);
        self.page.put(b"\n");
    }

    fn latency(&mut self, labels: Labels, latency: &LatencySums) {
        // What all lines of this series begin with is put together once.
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.extend_from_slice(&self.head[..self.plain]);
        line.extend_from_slice(b"_bucket{");
        if !labels.rendered.is_empty() {
            line.extend_from_slice(labels.rendered.as_bytes());
            line.push(b',');
        }
        line.extend_from_slice(b"le=\"");
        let sum = self.buckets(&mut line, latency);
        self.line = line;
        for (suffix, is_sum) in [("_sum", true), ("_count", false)] {
            self.page.put(&self.head[..self.plain]);
            self.page.text(suffix);
            self.labels(&labels);
            match is_sum {
                true => self.page.seconds(latency.sum_ns),
                false => self.page.int(sum),
            }
            self.page.put(b"\n");
        }
    }

    fn info(&mut self, pairs: &[(&'static str, &str)]) {
        self.page.put(&self.head);
        let mut escaped = String::new();
        for (i, (name, value)) in pairs.iter().enumerate() {
            escaped.push(if i == 0 { '{' } else { ',' });
            escaped.push_str(name);
            escaped.push_str("=\"");
            escape(value, &mut escaped);
            escaped.push('"');
        }
        self.page.text(&escaped);
        self.page.text("} 1\n");
    }
}

/// Bytes that are copied in one go.
const BLOCK: usize = 64;
const PART: usize = 32;

/// A short text.
#[derive(Clone, Copy)]
struct Part {
    bytes: [u8; PART],
    length: usize,
}

impl Part {
    const fn new(text: &[u8], behind: &[u8]) -> Self {
        let mut bytes = [0; PART];
        let length = text.len() + behind.len();
        let (before, rest) = bytes.split_at_mut(text.len());
        before.copy_from_slice(text);
        rest.split_at_mut(behind.len()).0.copy_from_slice(behind);
        Self { bytes, length }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// What stands in a bucket's line from its bound to its number.
const BOUND_PARTS: [Part; BOUNDS.len()] = {
    let mut parts = [Part::new(b"", b""); BOUNDS.len()];
    let mut n = 0;
    while n < parts.len() {
        parts[n] = Part::new(BOUNDS[n].as_bytes(), b"\"} ");
        n += 1;
    }
    parts
};

/// The bounds of coarse buckets in seconds.
const BOUNDS: [&str; crate::ring::latency::COARSE] = [
    "0.000001024",
    "0.000004096",
    "0.000016384",
    "0.000065536",
    "0.000262144",
    "0.001048576",
    "0.004194304",
    "0.016777216",
    "0.067108864",
    "0.268435456",
    "1.073741824",
    "4.294967296",
    "17.179869184",
    "68.719476736",
    "+Inf",
];

struct Json<'a> {
    page: Page<'a>,
    /// Nothing stands before in the list that is being written.
    first: bool,
}

impl Json<'_> {
    fn write(mut self, snapshot: &Snapshot, info: &RuntimeInfo) -> usize {
        self.page.text("{\"at_seconds\":");
        self.page.seconds(snapshot.runtime.at_ns);
        self.page.text(",\"metrics\":[");
        for (i, family) in families().iter().enumerate() {
            if i != 0 {
                self.page.text(",");
            }
            self.begin(family);
            (family.write)(snapshot, info, &mut self);
            self.page.text("]}");
        }
        self.page.text("],\"provided\":{");
        for (i, provided) in snapshot.provided.iter().enumerate() {
            if i != 0 {
                self.page.text(",");
            }
            self.string(&provided.name);
            self.page.text(":");
            match provided.value.is_finite() {
                true => self.page.float(provided.value),
                false => self.page.text("null"),
            }
        }
        self.page.text("}}\n");
        self.page.at
    }

    fn begin(&mut self, family: &Family) {
        let parts = [
            ("{\"name\":", family.name),
            (",\"type\":", family.kind.name()),
            (",\"unit\":", family.unit),
            (",\"help\":", family.help),
        ];
        for (name, value) in parts {
            self.page.text(name);
            self.string(value);
        }
        self.page.text(",\"samples\":[");
        self.first = true;
    }

    fn string(&mut self, text: &str) {
        json_string(text, |piece| self.page.text(piece));
    }

    /// A sample up to its value.
    fn sample<'l>(&mut self, pairs: impl Iterator<Item = (&'l str, &'l str)>) {
        if !std::mem::take(&mut self.first) {
            self.page.text(",");
        }
        self.page.text("{\"labels\":{");
        for (i, (name, value)) in pairs.filter(|(name, _)| !name.is_empty()).enumerate() {
            if i != 0 {
                self.page.text(",");
            }
            self.string(name);
            self.page.text(":");
            self.string(value);
        }
        self.page.text("},\"value\":");
    }
}

impl Samples for Json<'_> {
    fn int(&mut self, labels: Labels, value: u64) {
        self.sample(labels.pairs.into_iter().chain(labels.more));
        self.page.int(value);
        self.page.text("}");
    }

    fn seconds(&mut self, labels: Labels, nanoseconds: u64) {
        self.sample(labels.pairs.into_iter().chain(labels.more));
        self.page.seconds(nanoseconds);
        self.page.text("}");
    }

    /// Buckets as their bounds and how many were no longer than that.
    fn latency(&mut self, labels: Labels, latency: &LatencySums) {
        self.sample(labels.pairs.into_iter().chain(labels.more));
        self.page.text("{\"buckets\":[");
        let mut sum = 0;
        for (n, (count, bound)) in latency.buckets.iter().zip(BOUNDS).enumerate() {
            sum += count;
            self.page.text(if n == 0 { "[" } else { ",[" });
            self.string(bound);
            self.page.text(",");
            self.page.int(sum);
            self.page.text("]");
        }
        self.page.text("],\"sum\":");
        self.page.seconds(latency.sum_ns);
        self.page.text(",\"count\":");
        self.page.int(sum);
        self.page.text("}}");
    }

    fn info(&mut self, pairs: &[(&'static str, &str)]) {
        self.sample(pairs.iter().copied());
        self.page.text("1}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::latency::coarse_bound;

    #[test]
    fn bounds_are_those_of_the_buckets() {
        for (bucket, text) in BOUNDS.iter().enumerate() {
            match coarse_bound(bucket) {
                Some(bound) => {
                    let mut out = [0; 32];
                    let mut page = Page {
                        out: &mut out,
                        at: 0,
                    };
                    page.seconds(bound);
                    let length = page.at;
                    assert_eq!(std::str::from_utf8(&out[..length]).unwrap(), *text);
                }
                None => assert_eq!(*text, "+Inf"),
            }
        }
    }

    #[test]
    fn digits_are_those_of_the_number() {
        let near = (0..9).flat_map(|i| [10_u64.pow(i) - 1, 10_u64.pow(i)]);
        for n in near.chain((0..100_000_000).step_by(7919)) {
            let told = digits(n).map(|(text, length)| {
                String::from_utf8(text.to_le_bytes()[..length].into()).unwrap()
            });
            assert_eq!(told, (n < 100_000_000).then(|| n.to_string()));
        }
    }

    #[test]
    fn any_number_of_bytes_is_copied() {
        let from: Vec<u8> = (0..200).collect();
        for length in 0..from.len() {
            let mut to = vec![0; length];
            copy(&mut to, &from[..length]);
            assert_eq!(to, from[..length]);
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut out = [0; 5];
        let mut page = Page {
            out: &mut out,
            at: 0,
        };
        page.text("abc");
        page.text("defg");
        page.text("h");
        assert_eq!(page.at, 8);
        assert_eq!(&out, b"abcde");
    }

    #[test]
    fn seconds_have_the_digits_they_take() {
        for (nanoseconds, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (1_500_000_000, "1.5"),
            (60_000_000_010, "60.00000001"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            let mut out = [0; 32];
            let mut page = Page {
                out: &mut out,
                at: 0,
            };
            page.seconds(nanoseconds);
            let length = page.at;
            assert_eq!(std::str::from_utf8(&out[..length]).unwrap(), text);
        }
    }
}
