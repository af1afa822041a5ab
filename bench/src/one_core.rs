//! Keeps all threads of this process, the driver's too, on one core for a while. A software driver
//! hands each submit from thread to thread; where they sleep on different cores, above all in a
//! virtual machine, waking the next one is the larger part of a submit + fence. On one core it is a
//! mere switch. Few run a program so, but it shows what the way itself costs, and hardly changes with
//! what else the machine does. (A driver that finds one core when it starts makes fewer threads, and
//! is quicker still; that can't be had in a process that also measures with all cores.)

use crate::clock::threads;
use crate::Fallible;
use std::mem::{size_of, zeroed};

pub struct OneCore {
    before: libc::cpu_set_t,
}

impl OneCore {
    /// Until this is dropped. Threads that are started meanwhile are kept there too.
    pub fn enter() -> Fallible<OneCore> {
        // SAFETY: zero is a valid, empty set, and the calls get its size.
        unsafe {
            let mut before: libc::cpu_set_t = zeroed();
            if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut before) != 0 {
                return Err(std::io::Error::last_os_error().into());
            }
            let last = (0..libc::CPU_SETSIZE as usize)
                .rev()
                .find(|core| libc::CPU_ISSET(*core, &before))
                .ok_or("this process may run on no core")?;
            let mut one: libc::cpu_set_t = zeroed();
            libc::CPU_SET(last, &mut one);
            apply(&one);
            Ok(OneCore { before })
        }
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        apply(&self.before);
    }
}

/// A thread that has ended meanwhile, or that the driver has placed itself, is passed over.
fn apply(cores: &libc::cpu_set_t) {
    for thread in threads() {
        // SAFETY: the set is valid; a wrong thread id is an error that changes nothing.
        unsafe { libc::sched_setaffinity(thread.tid, size_of::<libc::cpu_set_t>(), cores) };
    }
}
