//! Decisions: what the runtime has chosen to do, and what that saved. They are always counted; the last ones can be kept too,
//! each with its time and reason.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

use crate::ring::sync::lock;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    /// RESIDENT or BATCH, when the runtime was opened.
    ModeChosen = 0,
    /// How much fuel leases have from now on.
    LeaseTuned = 1,
    /// A narrow lease was ended for one with all workers.
    LeaseWidened = 2,
    /// The kernel was parked although a tenant has jobs: its limits make it wait.
    TenantThrottled = 3,
    /// Leases run another kernel or table of handlers.
    ModuleSwitched = 4,
    /// A kernel was compiled.
    KernelCompiled = 5,
    /// One that had been compiled before was used again.
    KernelReused = 6,
    /// The device on which kernels are tried out was given up after a failure.
    TrialRenewed = 7,
}

/// How many kinds of decisions there are.
pub const ACTIONS: usize = 8;

/// How many are kept.
const KEPT: usize = 256;

impl Action {
    pub const ALL: [Self; ACTIONS] = [
        Self::ModeChosen,
        Self::LeaseTuned,
        Self::LeaseWidened,
        Self::TenantThrottled,
        Self::ModuleSwitched,
        Self::KernelCompiled,
        Self::KernelReused,
        Self::TrialRenewed,
    ];

    /// Which part of the runtime decides it.
    pub fn component(self) -> &'static str {
        match self {
            Self::ModeChosen => "device",
            Self::LeaseTuned | Self::LeaseWidened => "pump",
            Self::TenantThrottled => "limits",
            Self::ModuleSwitched => "modules",
            Self::KernelCompiled | Self::KernelReused | Self::TrialRenewed => "kernel",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::ModeChosen => "mode_chosen",
            Self::LeaseTuned => "lease_tuned",
            Self::LeaseWidened => "lease_widened",
            Self::TenantThrottled => "tenant_throttled",
            Self::ModuleSwitched => "module_switched",
            Self::KernelCompiled => "compiled",
            Self::KernelReused => "reused",
            Self::TrialRenewed => "trial_renewed",
        }
    }
}

/// A decision that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Nanoseconds since the runtime was opened.
    pub at_ns: u64,
    pub action: Action,
    /// Time that it saved.
    pub saved_ns: u64,
    /// Why, for people.
    pub detail: String,
}

/// `<component> <action> saved=<n>ns <detail>`
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (component, name) = (self.action.component(), self.action.name());
        write!(
            f,
            "{component} {name} saved={}ns {}",
            self.saved_ns, self.detail
        )
    }
}

pub struct Decisions {
    counts: [AtomicU64; ACTIONS],
    saved_ns: AtomicU64,
    last: Option<Mutex<VecDeque<Decision>>>,
}

impl Decisions {
    pub fn new(keeps: bool) -> Self {
        Self {
            counts: Default::default(),
            saved_ns: AtomicU64::new(0),
            last: keeps.then(|| Mutex::new(VecDeque::with_capacity(KEPT))),
        }
    }

    /// Counts a decision; `detail` is asked only where decisions are kept.
    pub fn made(&self, at_ns: u64, action: Action, saved_ns: u64, detail: impl FnOnce() -> String) {
        self.counts[action as usize].fetch_add(1, Ordering::Relaxed);
        if saved_ns != 0 {
            self.saved_ns.fetch_add(saved_ns, Ordering::Relaxed);
        }
        if let Some(last) = &self.last {
            let decision = Decision {
                at_ns,
                action,
                saved_ns,
                detail: detail(),
            };
            let mut last = lock(last);
            if last.len() == KEPT {
                last.pop_front();
            }
            last.push_back(decision);
        }
    }

    pub fn counts(&self) -> [u64; ACTIONS] {
        std::array::from_fn(|i| self.counts[i].load(Ordering::Relaxed))
    }

    pub fn saved_ns(&self) -> u64 {
        self.saved_ns.load(Ordering::Relaxed)
    }

    pub fn last(&self) -> Vec<Decision> {
        let kept = self.last.as_ref();
        kept.map_or_else(Vec::new, |last| lock(last).iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_kept_and_all_are_counted() {
        for (i, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!(action as usize, i);
        }
        let decisions = Decisions::new(true);
        for n in 0..300 {
            decisions.made(n, Action::KernelReused, n, || format!("kernel {n}"));
        }
        let last = decisions.last();
        assert_eq!(last.len(), KEPT);
        assert_eq!(last[0].to_string(), "kernel reused saved=44ns kernel 44");
        assert_eq!(last[255].at_ns, 299);
        assert_eq!(decisions.counts()[Action::KernelReused as usize], 300);
        assert_eq!(decisions.saved_ns(), 299 * 150);

        let decisions = Decisions::new(false);
        decisions.made(1, Action::LeaseTuned, 0, || unreachable!());
        assert!(decisions.last().is_empty());
        assert_eq!(decisions.counts()[Action::LeaseTuned as usize], 1);
    }
}
