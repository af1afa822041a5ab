//! The life of a tenant: quiesce, drain, revoke, destroy.

use std::time::{Duration, Instant};

use rota_recorder::TenantEvent;

use super::counters::count;
use super::{Inner, State, Tenant, Wait};
use crate::error::Error;
use crate::ring::layout::tenant_state;
use crate::ring::sync::lock;
use crate::runtime::pause;
use crate::watch::What;
use std::sync::atomic::Ordering;

/// How far a revoke has come.
#[derive(Default)]
pub(crate) struct Revoking {
    /// The position of the control job that is under way.
    pub asked: Option<u64>,
    /// Whether the device has closed the tenant.
    pub is_closed: bool,
    /// When it did, in epochs.
    pub epoch: u64,
    /// Whether nothing is left that has not begun.
    pub is_over: bool,
}

/// When a wait of so long ends; none for one without an end.
fn deadline(timeout_ns: u64) -> Option<Instant> {
    if timeout_ns == u64::MAX {
        return None;
    }
    Instant::now().checked_add(Duration::from_nanos(timeout_ns))
}

impl Inner {
    /// Waits until nobody is inside, at most until `deadline`.
    fn wait_until_left(&self, deadline: Option<Instant>) -> Result<(), Error> {
        let started = Instant::now();
        while !self.ring.life.is_left() {
            pause(started, deadline)?;
        }
        Ok(())
    }
}

impl Tenant {
    /// What the tenant is at.
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// Waits until every job that was submitted before has completed, taken or not. Nothing else changes: others go on
    /// submitting. `u64::MAX` nanoseconds wait for ever; when the time is over the error is `Timeout`.
    pub fn quiesce(&self, timeout_ns: u64) -> Result<(), Error> {
        self.0.exists()?;
        self.count_wait(|| self.wait_before(self.0.ring.head(), timeout_ns))
    }

    /// Accepts no more jobs from now on, and waits until those accepted before have completed. After a `Timeout` the
    /// tenant stays closed to jobs, and a further call goes on waiting. What completed can be taken.
    pub fn drain(&self, timeout_ns: u64) -> Result<(), Error> {
        let inner = &*self.0;
        match inner.ring.life.advance(State::Draining) {
            State::Active | State::Draining => {}
            State::Revoked => {
                return Err(Error::WrongState(
                    "the tenant was revoked: wait by quiesce for what it has left",
                ))
            }
            State::Gone => return Err(Error::Closed),
        }
        inner.record_event(TenantEvent::Draining, Vec::new());
        let deadline = deadline(timeout_ns);
        self.count_wait(|| {
            inner.wait_until_left(deadline)?;
            let left = deadline.map_or(u64::MAX, |deadline| {
                deadline
                    .saturating_duration_since(Instant::now())
                    .as_nanos() as u64
            });
            self.wait_before(inner.ring.head(), left)
        })
    }

    fn wait_before(&self, position: u64, timeout_ns: u64) -> Result<(), Error> {
        let ring = &self.0.ring;
        self.wait_for(What::Before(position), Wait::Adaptive, timeout_ns, || {
            Ok(ring.all_finished_soon(position).then_some(()))
        })
    }

    /// Counts a wait and how long it took.
    fn count_wait(&self, wait: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        let counts = &self.0.ring.counts;
        let started = Instant::now();
        let outcome = wait();
        count(&counts.quiesces, 1);
        count(&counts.quiesce_ns, started.elapsed().as_nanos() as u64);
        if let Err(Error::Timeout) = outcome {
            count(&counts.quiesce_timeouts, 1);
        }
        outcome
    }

    /// Takes the device from the tenant: no job is accepted any more, those that have not begun complete as REVOKED, and
    /// those that run end at their next look, at the latest after 256 units of fuel. Returns when no job of it can begin
    /// any more, with the device's epoch of that moment. What completes can be taken, and its buffers read, until it is
    /// destroyed. After a `Timeout` a further call goes on waiting; once it is over, the error is `WrongState`.
    pub fn revoke(&self, timeout_ns: u64) -> Result<u64, Error> {
        let inner = &*self.0;
        let before = inner.ring.life.advance(State::Revoked);
        {
            // Who destroys it meanwhile comes by this lock before its place is another's.
            let revoking = lock(&inner.revoking);
            inner.exists()?;
            if before == State::Revoked && revoking.is_over {
                return Err(Error::WrongState("the tenant was revoked before"));
            }
            let state = &inner.engine.shared.tenant(inner.index).state;
            state.store(tenant_state::REVOKED, Ordering::Release);
        }
        inner.record_event(TenantEvent::Revoked, Vec::new());
        let deadline = deadline(timeout_ns);
        inner.wait_until_left(deadline)?;
        inner.engine.revoke(inner, deadline)
    }

    /// Closes the tenant: jobs that have not begun end as REVOKED, and what runs is waited for. Blocked waiters return.
    /// Afterwards every call gives `Closed`, and its ring and buffers are free for others. From any state.
    pub fn destroy(&self) -> Result<(), Error> {
        let inner = &*self.0;
        if inner.ring.life.advance(State::Gone) == State::Gone {
            return Err(Error::Closed);
        }
        // None: that has no end.
        inner.wait_until_left(None)?;
        inner.engine.watch.wake_ring(&inner.ring);
        if let Some(event) = lock(&inner.event).take() {
            inner.engine.watch.forget(&event);
        }
        inner.engine.remove_tenant(inner)?;
        inner.record_event(TenantEvent::Destroyed, Vec::new());
        Ok(())
    }
}
