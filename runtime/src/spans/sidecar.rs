//! The sidecar: the thread that takes spans out of the queue and hands them to exporters.

use std::collections::VecDeque;
use std::sync::atomic::{fence, AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::moments::Readings;
use super::{Origin, SharedExporter, Span, SpanOptions, SpanStats};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::ring::span::{Ended, Tap};
use crate::ring::sync::{lock, AtomicU32};

/// How often the count of begins and ends is read while the kernel runs: jobs that take longer than this are known to within it.
const LOOK: Duration = Duration::from_millis(2);
/// How often it is looked whether the kernel runs, while spans wait.
const LONG_LOOK: Duration = Duration::from_millis(10);
/// How old the relation to the time of day may become.
const RELATE_EVERY: Duration = Duration::from_secs(1);
/// How often a batch is tried again at most, and the pause before the first time; each further pause is twice as long.
const MOST_RETRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How long the end waits for what has not been exported.
const DRAIN: Duration = Duration::from_secs(5);
/// No time is longer, so that none is too long to be added.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
/// The sidecar's niceness.
const NICE: libc::c_int = 10;
/// Messages of one kind come no more often than this.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// What the runtime knows of its sidecar.
pub(crate) struct Spans {
    pub tap: Arc<Tap>,
    exported: AtomicU64,
    failed: AtomicU64,
    failures: AtomicU64,
    retries: AtomicU64,
    stop: AtomicBool,
    flush: Mutex<Flush>,
    flushed: Condvar,
}

/// Who waits for an export of all that is in the queue.
#[derive(Default)]
struct Flush {
    asked: u64,
    done: u64,
    /// There is nobody to do it any more.
    over: bool,
}

impl Spans {
    /// # Safety
    /// `epoch` stays valid while the tap is used.
    pub unsafe fn new(options: &SpanOptions, epoch: *const AtomicU32) -> Result<Self, Error> {
        options.check()?;
        // SAFETY: the caller's promise.
        let tap = unsafe { Tap::new(options.sampler, options.queue, epoch) };
        Ok(Self {
            tap: Arc::new(tap),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            flush: Mutex::default(),
            flushed: Condvar::new(),
        })
    }

    /// Begins the exporters and starts the thread. The kernel is live where it writes the epoch for the host to see at once.
    pub fn start(
        self: &Arc<Self>,
        options: &SpanOptions,
        origin: &Origin,
        metrics: &Arc<Metrics>,
        is_live: bool,
    ) -> Result<JoinHandle<()>, Error> {
        for exporter in &options.exporters {
            exporter.with(|exporter| {
                exporter.begin(origin).map_err(|e| Error::Export {
                    exporter: exporter.name(),
                    reason: e.text,
                })
            })?;
        }
        let now = Instant::now();
        let outlet = |exporter: &SharedExporter| Outlet {
            exporter: exporter.clone(),
            backlog: VecDeque::new(),
            waiting: 0,
            begun: None,
            retries: 0,
            next: now,
            failures: Told::default(),
        };
        let sidecar = Sidecar {
            readings: Readings::new(self.tap.epoch(), is_live),
            spans: self.clone(),
            metrics: metrics.clone(),
            outlets: options.exporters.iter().map(outlet).collect(),
            batch: options.batch,
            delay: options.delay.min(LONGEST),
            timeout: options.timeout.min(LONGEST),
            most_waiting: options.queue,
            offset: 0,
            related: None,
            ids: Ids::new(self.tap.sampler.bound()),
            pending: Vec::new(),
            oldest: now,
            popped: 0,
            dropped: Told::default(),
        };
        let thread = std::thread::Builder::new().name("rota-spans".into());
        let thread = thread.spawn(move || sidecar.run());
        thread.map_err(|source| Error::System {
            what: "starting the thread that exports spans",
            source,
        })
    }

    pub fn stats(&self) -> SpanStats {
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let (pushed, dropped) = self.tap.counts();
        SpanStats {
            pushed,
            dropped,
            exported: get(&self.exported),
            failed: get(&self.failed),
            failures: get(&self.failures),
            retries: get(&self.retries),
            queued: self.tap.queued() as u64,
            capacity: self.tap.capacity() as u64,
        }
    }

    /// Returns when all that was taken before was exported, or given up. Gives false at the deadline.
    pub fn flush(&self, deadline: Option<Instant>) -> bool {
        let mut flush = lock(&self.flush);
        flush.asked += 1;
        let wanted = flush.asked;
        self.tap.wake();
        while flush.done < wanted && !flush.over {
            flush = match deadline {
                None => self.flushed.wait(flush).unwrap_or_else(|p| p.into_inner()),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.flushed.wait_timeout(flush, left);
                    waited.unwrap_or_else(|p| p.into_inner()).0
                }
            };
        }
        flush.done >= wanted
    }

    /// Ends the thread, when it has exported what it can in a few seconds.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        // Either this sees who is to be woken, or that sees the stop before it sleeps.
        fence(Ordering::SeqCst);
        self.tap.wake();
    }
}

/// Where all cores are busy others go first, jobs among them: spans are rather dropped.
fn give_way() {
    // SAFETY: changes only this thread's share of the processors; on Linux 0 is the thread that calls.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
}

/// However the sidecar ends, nobody waits for it any more.
struct Over<'a>(&'a Spans);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.tap.labels().close();
        lock(&self.0.flush).over = true;
        self.0.flushed.notify_all();
    }
}

/// Something that is told now and then, with how often it happened.
#[derive(Default)]
struct Told {
    last: Option<Instant>,
    count: u64,
}

impl Told {
    /// Whether it is time to tell how much more there is.
    fn is_due(&self, count: u64) -> bool {
        count != self.count && self.last.is_none_or(|last| last.elapsed() >= TELL_EVERY)
    }

    /// Gives how much more there is.
    fn tell(&mut self, count: u64) -> u64 {
        self.last = Some(Instant::now());
        count - std::mem::replace(&mut self.count, count)
    }
}

/// One exporter and what waits for it.
struct Outlet {
    exporter: SharedExporter,
    /// Batches, each with the number of its first span.
    backlog: VecDeque<(u64, Arc<[Span]>)>,
    /// Spans in the backlog.
    waiting: usize,
    /// When the first batch of the backlog was tried first, and how often again.
    begun: Option<Instant>,
    retries: u32,
    /// Not to be tried before.
    next: Instant,
    failures: Told,
}

impl Outlet {
    /// The first batch is dealt with.
    fn done(&mut self) {
        self.begun = None;
        self.retries = 0;
        let batch = self.backlog.pop_front();
        self.waiting -= batch.map_or(0, |(_, batch)| batch.len());
    }

    /// Tries the first batch, if there is one and it is time for it. No later than `end` if that is given.
    fn export(&mut self, spans: &Spans, timeout: Duration, end: Option<Instant>) {
        let now = Instant::now();
        let Some((_, batch)) = self.backlog.front().filter(|_| now >= self.next) else {
            return;
        };
        let batch = batch.clone();
        let deadline = *self.begun.get_or_insert(now) + timeout;
        let deadline = end.map_or(deadline, |end| deadline.min(end));
        if self.retries != 0 {
            spans.retries.fetch_add(1, Ordering::Relaxed);
        }
        let (name, result) = self.exporter.with(|exporter| {
            let result = exporter.export(&batch, deadline);
            (exporter.name(), result)
        });
        let error = match result {
            Ok(()) => {
                spans
                    .exported
                    .fetch_add(batch.len() as u64, Ordering::Relaxed);
                return self.done();
            }
            Err(e) => e,
        };
        spans.failures.fetch_add(1, Ordering::Relaxed);
        let pause = FIRST_PAUSE * (1 << self.retries);
        let pause = error.retry_after.map(|asked| asked.max(pause));
        let next = pause.and_then(|pause| Instant::now().checked_add(pause));
        let again = next.filter(|&next| self.retries < MOST_RETRIES && next < deadline);
        let all = spans.failures.load(Ordering::Relaxed);
        if self.failures.is_due(all) {
            let (more, n) = (self.failures.tell(all), batch.len());
            let what = match again {
                Some(_) => "they are tried again",
                None => "they are given up",
            };
            log::warn!(
                target: "rota::spans",
                "the exporter {name} failed ({more} failures since the last message): {error}; of {n} spans {what}"
            );
        }
        if let Some(next) = next {
            // Whoever asks not to be called for a while is not, whatever becomes of this batch.
            self.next = next.min(now + timeout);
        }
        match again {
            Some(_) => self.retries += 1,
            None => {
                spans
                    .failed
                    .fetch_add(batch.len() as u64, Ordering::Relaxed);
                self.done();
            }
        }
    }
}

struct Sidecar {
    spans: Arc<Spans>,
    metrics: Arc<Metrics>,
    outlets: Vec<Outlet>,
    batch: usize,
    delay: Duration,
    timeout: Duration,
    /// Spans that may wait for one exporter.
    most_waiting: usize,
    readings: Readings,
    /// What is to be added to the clock's time to get that since 1970, and when that was found.
    offset: i128,
    related: Option<Instant>,
    ids: Ids,
    /// The batch that is being filled, and when its first span came.
    pending: Vec<Span>,
    oldest: Instant,
    popped: u64,
    dropped: Told,
}

impl Sidecar {
    fn run(mut self) {
        let spans = self.spans.clone();
        let _over = Over(&spans);
        give_way();
        spans.tap.serve();
        // Up to which span, and for whom.
        let mut flushing: Option<(u64, u64)> = None;
        let mut end: Option<Instant> = None;
        loop {
            if end.is_none() && spans.stop.load(Ordering::Acquire) {
                end = Some(Instant::now() + DRAIN);
            }
            let asked = lock(&spans.flush).asked;
            // One after the other: who asks later must not make who asked before wait for more.
            if flushing.is_none() && lock(&spans.flush).done < asked {
                // Nobody else takes out, so what was put in before is among these.
                flushing = Some((self.popped + spans.tap.queued() as u64, asked));
            }
            self.look();
            // What a flush waits for need not wait for its batch; what comes after it may.
            let batched = self.popped - self.pending.len() as u64;
            let hurry = end.is_some() || flushing.is_some_and(|(until, _)| batched < until);
            self.gather(hurry);
            for outlet in &mut self.outlets {
                outlet.export(&spans, self.timeout, end);
            }
            self.tell_drops(false);
            if let Some((_, flush)) = flushing.filter(|&(until, _)| self.settled() >= until) {
                flushing = None;
                lock(&spans.flush).done = flush;
                spans.flushed.notify_all();
            }
            let idle = spans.tap.queued() == 0 && self.is_empty();
            if end.is_some_and(|end| idle || Instant::now() >= end) {
                break;
            }
            self.sleep(idle, end);
        }
        self.end(end.unwrap_or_else(Instant::now));
    }

    /// Nothing is exported after this.
    fn end(mut self, deadline: Instant) {
        let spans = self.spans.clone();
        let mut left = 0;
        for outlet in &mut self.outlets {
            left += outlet.waiting + self.pending.len() + spans.tap.queued();
            // Some time for what is short, even where all else took too long.
            let deadline = deadline.max(Instant::now() + Duration::from_millis(100));
            let result = outlet.exporter.with(|exporter| {
                let result = exporter.end(deadline);
                result.map_err(|e| (exporter.name(), e))
            });
            if let Err((name, e)) = result {
                log::warn!(target: "rota::spans", "the exporter {name} couldn't end well: {e}");
            }
        }
        self.tell_drops(true);
        if left != 0 {
            spans.failed.fetch_add(left as u64, Ordering::Relaxed);
            log::warn!(target: "rota::spans", "{left} spans were not exported before the end");
        }
    }

    fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.outlets.iter().all(|outlet| outlet.backlog.is_empty())
    }

    /// Up to which span all are dealt with.
    fn settled(&self) -> u64 {
        let batched = self.popped - self.pending.len() as u64;
        let waiting = self
            .outlets
            .iter()
            .filter_map(|outlet| outlet.backlog.front());
        waiting.fold(batched, |settled, &(first, _)| settled.min(first))
    }

    /// Reads how many jobs have begun and ended, and how the clock stands to the time of day.
    fn look(&mut self) {
        let tap = &self.spans.tap;
        let before = self.metrics.now();
        let epoch = tap.epoch();
        let after = self.metrics.now();
        self.readings.look(epoch);
        self.readings.read_after(before, epoch);
        self.readings.read_before(epoch, after);
        let one = || {
            let before = self.metrics.now();
            let day = SystemTime::now().duration_since(UNIX_EPOCH);
            let passed = self.metrics.now().saturating_sub(before);
            let day = day.unwrap_or_default().as_nanos() as i128;
            (passed, day - (before + passed / 2) as i128)
        };
        // Another thread may come in between: then the old relation is the better one, for a while.
        let (passed, offset) = [one(), one(), one(), one()]
            .into_iter()
            .min()
            .unwrap_or_default();
        let is_old = self.related.is_none_or(|at| at.elapsed() >= RELATE_EVERY);
        if passed < 2_000 || is_old {
            self.offset = offset;
            self.related = Some(Instant::now());
        }
    }

    /// Takes spans out of the queue, and makes batches of them.
    fn gather(&mut self, hurry: bool) {
        let spans = self.spans.clone();
        let mut labels = spans.tap.labels();
        let room = self.batch - self.pending.len();
        let mut ended = Vec::with_capacity(room.min(spans.tap.queued()));
        let mut is_empty = false;
        while ended.len() < room {
            let Some(one) = spans.tap.pop() else {
                is_empty = true;
                break;
            };
            let label = labels.of(one.tenant);
            ended.push((one, label));
        }
        let popped = self.popped + ended.len() as u64;
        labels.forget(popped, spans.tap.capacity(), is_empty);
        // Tenants come and go while spans are made.
        drop(labels);
        for (one, _) in &ended {
            self.readings.taken(one.epochs, one.epoch_at_take);
            self.readings.read_after(one.submitted, one.epoch_at_submit);
            self.readings.read_before(one.epoch_at_take, one.taken);
        }
        if self.pending.is_empty() {
            self.oldest = Instant::now();
        }
        self.popped = popped;
        for (one, label) in ended {
            let span = self.span(&one, label);
            self.pending.push(span);
        }
        let full = self.pending.len() >= self.batch;
        let waited = self.oldest.elapsed() >= self.delay;
        if self.pending.is_empty() || !(full || waited || hurry) {
            return;
        }
        let batch: Arc<[Span]> = std::mem::take(&mut self.pending).into();
        let first = self.popped - batch.len() as u64;
        for outlet in &mut self.outlets {
            if outlet.waiting + batch.len() > self.most_waiting {
                self.spans
                    .failed
                    .fetch_add(batch.len() as u64, Ordering::Relaxed);
                continue;
            }
            outlet.waiting += batch.len();
            outlet.backlog.push_back((first, batch.clone()));
        }
    }

    fn span(&mut self, ended: &Ended, tenant: Arc<str>) -> Span {
        let (trace_id, span_id) = self.ids.next();
        let has_parent = ended.context.is_valid();
        let offset = self.offset;
        let day = |time: u64| (time as i128 + offset) as u64;
        let moments = ended.epochs.map(|epochs| {
            let (began, finished) = self.readings.of_job(epochs, ended.submitted, ended.taken);
            [began, finished].map(|moment| super::Moment {
                earliest: day(moment.earliest),
                latest: day(moment.latest),
            })
        });
        let (module, handler) = self.metrics.name_of_place(ended.place);
        let [begin_epoch, end_epoch] = ended.epochs.map_or([0; 2], |(begin, end)| {
            [begin, end].map(|epoch| self.readings.epoch(epoch))
        });
        Span {
            trace_id: if has_parent {
                ended.context.trace_id
            } else {
                trace_id
            },
            span_id,
            parent_id: has_parent.then_some(ended.context.parent_id),
            tenant,
            tenant_id: ended.tenant,
            module,
            handler,
            ticket: ended.ticket,
            user_data: ended.user_data,
            status: ended.status,
            fault: ended.fault,
            tiles: ended.tiles,
            fuel: ended.fuel,
            submitted: day(ended.submitted),
            claimed: moments.map(|[began, _]| began),
            finished: moments.map(|[_, finished]| finished),
            taken: day(ended.taken),
            begin_epoch,
            end_epoch,
        }
    }

    fn tell_drops(&mut self, last: bool) {
        let (_, dropped) = self.spans.tap.counts();
        if self.dropped.is_due(dropped) || (last && dropped != self.dropped.count) {
            let more = self.dropped.tell(dropped);
            log::warn!(
                target: "rota::spans",
                "{more} spans found no room in the queue of {} and were dropped: sample fewer jobs, or have a longer queue",
                self.spans.tap.capacity()
            );
        }
    }

    /// Sleeps until there may be something to do.
    fn sleep(&self, idle: bool, end: Option<Instant>) {
        let tap = &self.spans.tap;
        if tap.queued() + self.pending.len() >= self.batch {
            return;
        }
        if idle && self.metrics.is_parked() {
            tap.set_asleep(true);
            // Whoever pushes, and the pump when it wakes the kernel, looks whether this sleeps after it did so.
            let wanted = self.spans.stop.load(Ordering::Acquire) || {
                let flush = lock(&self.spans.flush);
                flush.asked != flush.done
            };
            if tap.queued() == 0 && self.metrics.is_parked() && !wanted {
                std::thread::park();
            }
            tap.set_asleep(false);
            return;
        }
        let now = Instant::now();
        let waits = self.outlets.iter().filter(|o| !o.backlog.is_empty());
        let next = waits.map(|outlet| outlet.next.saturating_duration_since(now));
        let batch = (!self.pending.is_empty()).then(|| (self.oldest + self.delay) - now);
        let look = match self.metrics.is_parked() {
            // Whoever wakes the kernel doesn't wake this.
            true => self.delay.clamp(LOOK, LONG_LOOK),
            false => LOOK,
        };
        let end = end.map(|end| end.saturating_duration_since(now));
        let pause = next.chain(batch).chain(end).fold(look, Duration::min);
        if !pause.is_zero() {
            std::thread::park_timeout(pause);
        }
    }
}

/// Random numbers for traces that begin here.
struct Ids {
    source: blake3::OutputReader,
    /// For as many spans together: blocks of BLAKE3 are made several at once.
    random: [[u64; 3]; 64],
    used: usize,
    /// Half of it bounds the low half of trace ids, so that others who sample by the same ratio sample these too.
    bound: u64,
}

impl Ids {
    fn new(bound: u64) -> Self {
        let mut key = [0; 32];
        // SAFETY: the buffer has so many bytes.
        let got = unsafe { libc::getrandom(key.as_mut_ptr().cast(), key.len(), 0) };
        if got != key.len() as isize {
            // Still another one in each process and at each time.
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let seed = (now.unwrap_or_default().as_nanos(), std::process::id());
            key = *blake3::hash(format!("{seed:?}").as_bytes()).as_bytes();
        }
        Self {
            source: blake3::Hasher::new_keyed(&key).finalize_xof(),
            random: [[0; 3]; 64],
            used: 64,
            bound,
        }
    }

    /// A trace id and a span id; neither is zero.
    fn next(&mut self) -> ([u8; 16], [u8; 8]) {
        if self.used == self.random.len() {
            let mut bytes = [0; size_of::<[[u64; 3]; 64]>()];
            self.source.fill(&mut bytes);
            let words = self.random.as_flattened_mut();
            for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = u64::from_le_bytes(bytes.try_into().expect("eight"));
            }
            self.used = 0;
        }
        let [high, low, span] = self.random[self.used];
        self.used += 1;
        let below = match self.bound {
            0 => low >> 1,
            bound => ((u128::from(low >> 1) * u128::from(bound)) >> 63) as u64,
        };
        let low = below << 1 | low & 1;
        let mut trace = [0; 16];
        trace[..8].copy_from_slice(&high.max(1).to_be_bytes());
        trace[8..].copy_from_slice(&low.to_be_bytes());
        (trace, span.max(1).to_be_bytes())
    }
}
