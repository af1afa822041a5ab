//! Jobs: submit, poll, wait. The hot path of the C API.
#![cfg(not(loom))]

use crate::args::{self, same_layout};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::tenant::{rota_tenant, with_tenant};
use std::mem::{align_of, offset_of, size_of};

/// Names a submitted job; never 0. Tickets of one tenant don't repeat.
pub type rota_ticket = u64;

/// ---- Waiting -----------------------------------------------------------------------------------
///
/// Spins for a moment, then blocks: fast answers without burning a core for slow ones.
pub const ROTA_WAIT_ADAPTIVE: u32 = 0;
/// Spins: the fastest answer, for a core.
pub const ROTA_WAIT_SPIN: u32 = 1;
/// Blocks at once.
pub const ROTA_WAIT_BLOCK: u32 = 2;

/// ---- Flags of a job ----------------------------------------------------------------------------
///
/// Starts after all earlier jobs of this tenant have completed.
pub const ROTA_JOB_BARRIER: u32 = 1;
/// As BARRIER, and only if the job just before ended OK; else it completes as SKIPPED.
pub const ROTA_JOB_AFTER_OK: u32 = 2;
/// Fill in fuel, module_version, begin_epoch and end_epoch of the completion.
pub const ROTA_JOB_TIMING: u32 = 4;
/// The job's class is no better than normal, whatever its tenant's: see ROTA_CLASS_NORMAL.
pub const ROTA_JOB_NORMAL: u32 = 8;
/// The job's class is background, whatever its tenant's. Not together with ROTA_JOB_NORMAL.
pub const ROTA_JOB_BACKGROUND: u32 = 16;

/// ---- Digests ----------------------------------------------------------------------------------
///
/// A bit of a digest: the job exchanged words, or did something else that another order can make come
/// out differently. Then other bits may differ though all is well.
pub const ROTA_DIGEST_ORDER_DEPENDENT: u64 = 0x8000_0000_0000_0000;

/// ---- Status of a completion --------------------------------------------------------------------
///
/// The job ran to its end.
pub const ROTA_COMPLETION_OK: u32 = 1;
/// It did not; `fault` says why.
pub const ROTA_COMPLETION_FAULTED: u32 = 2;
/// AFTER_OK, and the job before it did not end OK.
pub const ROTA_COMPLETION_SKIPPED: u32 = 3;
/// Cancelled, or open when the runtime was stopped.
pub const ROTA_COMPLETION_CANCELLED: u32 = 4;
/// Its tenant was revoked.
pub const ROTA_COMPLETION_REVOKED: u32 = 5;
/// The device was lost; the job may have run or not.
pub const ROTA_COMPLETION_DEVICE_LOST: u32 = 6;

/// ---- Faults ------------------------------------------------------------------------------------
///
/// No fault: the completion isn't FAULTED.
pub const ROTA_FAULT_NONE: u32 = 0;
/// No handler has this opcode.
pub const ROTA_FAULT_UNKNOWN_OPCODE: u32 = 1;
/// The handler was unloaded after the submit.
pub const ROTA_FAULT_HANDLER_UNLOADED: u32 = 2;
/// Too few tiles for so many elements; rota_tiles gives a good number.
pub const ROTA_FAULT_INVALID_TILES: u32 = 3;
/// No such buffer, or it was destroyed.
pub const ROTA_FAULT_INVALID_BUFFER: u32 = 4;
/// The buffer is another tenant's.
pub const ROTA_FAULT_FOREIGN_BUFFER: u32 = 5;
/// A store to a buffer that jobs may only read.
pub const ROTA_FAULT_READ_ONLY: u32 = 6;
/// An access outside the buffer.
pub const ROTA_FAULT_OUT_OF_BOUNDS: u32 = 7;
/// An offset that the handler needs aligned.
pub const ROTA_FAULT_MISALIGNED: u32 = 8;
/// The job's fuel was used up.
pub const ROTA_FAULT_FUEL_EXHAUSTED: u32 = 9;
/// The driver cut a loop short.
pub const ROTA_FAULT_LOOP_CUT: u32 = 10;
/// Data of a wrong form, such as a broken DFA table.
pub const ROTA_FAULT_INVALID_DATA: u32 = 11;
/// From here on: the handler's own code, plus this.
pub const ROTA_FAULT_HANDLER: u32 = 0x10000;

/// ---- State of a ticket -------------------------------------------------------------------------
///
/// Not finished.
pub const ROTA_TICKET_OPEN: u32 = 1;
/// Completed, and the completion not taken yet.
pub const ROTA_TICKET_DONE: u32 = 2;
/// The completion was taken.
pub const ROTA_TICKET_TAKEN: u32 = 3;

/// ---- Standard handlers: opcodes and their arguments --------------------------------------------
/// A count, and an offset that ends in _word or _byte, is in those units, words being 32 bits. A
/// tiled handler splits its range evenly: each tile gets count / tiles, rounded up.
///
/// Scalar. args: a, b. results: a, b.
pub const ROTA_OP_NOP: u32 = 0x001;
/// Scalar. args: n, x. Runs n loop iterations of x = x * 1664525 + 1013904223. results: the last x.
pub const ROTA_OP_SPIN: u32 = 0x002;
/// Tiled. args: dst, dst_word, count, value. Stores the value into each word.
pub const ROTA_OP_FILL: u32 = 0x010;
/// Tiled. args: src, src_word, dst, dst_word, count. Copies words.
pub const ROTA_OP_COPY: u32 = 0x011;
/// Tiled. args: x, x_word, y, y_word, count, alpha (float). y[i] = alpha * x[i] + y[i].
pub const ROTA_OP_SAXPY_F32: u32 = 0x012;
/// Tiled. args: src, src_word, count. results: the 64-bit sum, low word first.
pub const ROTA_OP_SUM_U32: u32 = 0x013;
/// Tiled. args: src, src_word, count, dst, dst_word. dst[dst_word + tile] = the tile's sum. With one
/// tile dst may be 0, and results[0] is the sum.
pub const ROTA_OP_SUM_F32: u32 = 0x014;
/// Tiled. args: src, src_word, count. results: min, max; 0xffffffff, 0 for no elements.
pub const ROTA_OP_MIN_MAX_U32: u32 = 0x015;
/// Tiled. args: src, src_byte, count (bytes), dst, dst_word. Adds 256 counts to the words at dst.
pub const ROTA_OP_HISTOGRAM_U8: u32 = 0x016;
/// Tiled. args: text, text_byte, count (bytes), dfa, counts, counts_word, positions (0: none),
/// positions_cap (pairs). Adds the matches of pattern p that end in the range to
/// counts[counts_word + p]. positions: word 0 is raised by the number of matches, which may exceed
/// the cap; then pairs (end of the match as byte offset from text_byte, pattern) in no order.
/// results: the 64-bit number of matches, low word first. docs/c-api.md describes the DFA table.
pub const ROTA_OP_SCAN_DFA: u32 = 0x017;

/// A request. ROTA_JOB_INIT is a NOP with one tile.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct rota_job {
    /// Which handler runs it.
    pub opcode: u32,
    /// ROTA_JOB_* together.
    pub flags: u32,
    /// At least 1; exactly 1 for a scalar handler.
    pub tiles: u32,
    /// Loop iterations that it may take, per tile. 0: the default.
    pub fuel: u32,
    /// What the handler says.
    pub args: [u32; 10],
    /// Comes back in the completion; the device never sees it.
    pub user_data: u64,
}

same_layout!(
    rota_job,
    rota::Job,
    opcode,
    flags,
    tiles,
    fuel,
    args,
    user_data
);

/// The answer to a job.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct rota_completion {
    /// Which job.
    pub ticket: u64,
    /// The job's.
    pub user_data: u64,
    /// One of ROTA_COMPLETION_*.
    pub status: u32,
    /// One of ROTA_FAULT_*, or ROTA_FAULT_HANDLER + the handler's own code.
    pub fault: u32,
    /// What the handler says; 0 unless the status is OK.
    pub results: [u32; 2],
    /// Loop iterations that it took, with ROTA_JOB_TIMING; else 0.
    pub fuel: u32,
    /// The version of the module that ran it, with ROTA_JOB_TIMING; 0 for the standard handlers.
    pub module_version: u32,
    /// The epoch in which it began, with ROTA_JOB_TIMING; else 0.
    pub begin_epoch: u64,
    /// The epoch in which it ended, with ROTA_JOB_TIMING; else 0.
    pub end_epoch: u64,
    /// A digest of all that it stored, where digests are made; else 0. Independent of order, unless
    /// ROTA_DIGEST_ORDER_DEPENDENT is set in it.
    pub digest: u64,
}

same_layout!(
    rota_completion,
    rota::Completion,
    ticket,
    user_data,
    status,
    fault,
    results,
    fuel,
    module_version,
    begin_epoch,
    end_epoch,
    digest
);

#[inline]
fn wait_of(wait: u32) -> Result<rota::Wait, Failure> {
    match wait {
        ROTA_WAIT_ADAPTIVE => Ok(rota::Wait::Adaptive),
        ROTA_WAIT_SPIN => Ok(rota::Wait::Spin),
        ROTA_WAIT_BLOCK => Ok(rota::Wait::Block),
        value => {
            let known = "ROTA_WAIT_ADAPTIVE, ROTA_WAIT_SPIN, ROTA_WAIT_BLOCK";
            Err(args::unknown("wait", value, known))
        }
    }
}

/// Hands jobs to `submit`, one of the engine's ways to do so, and tells the caller how many were accepted.
///
/// # Safety
/// The conventions: each pointer is NULL or valid.
#[inline]
pub(crate) unsafe fn submit_with(
    tenant: *mut rota_tenant,
    jobs: *const rota_job,
    n: usize,
    tickets: *mut rota_ticket,
    accepted: *mut usize,
    submit: impl FnOnce(
        &rota::Tenant,
        &[rota::Job],
        Option<&mut [u64]>,
    ) -> Result<(usize, Result<(), rota::Error>), Failure>,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise, as for all pointers below.
    let accepted = unsafe { args::count("accepted", accepted) }?;
    with_tenant(tenant, |tenant| {
        // SAFETY: as above; the same layout, as asserted above.
        let jobs = unsafe { args::some("jobs", jobs.cast::<rota::Job>(), n) }?;
        let tickets = if tickets.is_null() {
            None
        } else {
            // SAFETY: as above.
            Some(unsafe { args::slice_mut("tickets", tickets, n) }?)
        };
        let (count, outcome) = submit(tenant, jobs, tickets)?;
        *accepted = count;
        Ok(outcome?)
    })
}

/// ---- Jobs --------------------------------------------------------------------------------------
///
/// Submits jobs in their order. A refused job ends the call: the ones before it are accepted, and
/// `accepted` tells how many, whatever is returned. tickets NULL: not asked for; else it has room
/// for n, and as many as were accepted are written.
///
/// Ownership: the jobs are copied.
/// Threading: any thread, several at once; calls nobody back. It blocks for a flight recorder only: while
/// the disk can't follow, and while a checkpoint is taken.
/// Errors: WOULD_BLOCK when the ring is full; NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (n 0,
/// flags, fuel), INVALID_OPCODE, INVALID_TILES; QUOTA_EXCEEDED (slots, unless the ring is full as well;
/// fuel); WRONG_STATE after a drain or a revoke; STOPPED, DEVICE_LOST; IO_ERROR after an error of the
/// flight recorder's disk, if its options say so.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_submit(
    tenant: *mut rota_tenant,
    jobs: *const rota_job,
    n: usize,
    tickets: *mut rota_ticket,
    accepted: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid.
        unsafe {
            submit_with(tenant, jobs, n, tickets, accepted, |tenant, jobs, tickets| {
                Ok(tenant.submit(jobs, tickets))
            })
        }
    })
}

/// Takes up to `cap` completions, the oldest first as far as they have finished. Waits for the first
/// one if there is none, at most timeout_ns, in the way that `wait` says, and never for more than one.
/// `count` is always written.
///
/// Ownership: copies. A completion taken is taken: its slot may be used again.
/// Threading: any thread, several at once; each completion is handed to one of them.
/// Errors: TIMEOUT when nothing came; NULL_POINTER, INVALID_HANDLE (also when the tenant is
/// destroyed meanwhile), INVALID_ARGUMENT (cap 0, wait), STOPPED when there is nothing left to come,
/// DEVICE_LOST likewise.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_poll(
    tenant: *mut rota_tenant,
    completions: *mut rota_completion,
    cap: usize,
    wait: u32,
    timeout_ns: u64,
    count: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid, as for all pointers below.
        let count = unsafe { args::count("count", count) }?;
        with_tenant(tenant, |tenant| {
            let wait = wait_of(wait)?;
            if cap == 0 {
                return Err(Failure::Empty("completions"));
            }
            let completions = completions.cast::<rota::Completion>();
            // SAFETY: as above; the same layout, as asserted above.
            let completions = unsafe { args::slice_mut("completions", completions, cap) }?;
            *count = tenant.poll(completions, wait, timeout_ns)?;
            Ok(())
        })
    })
}

/// Waits for one job, at most timeout_ns, and takes its completion.
///
/// Ownership: a copy. The completion is taken, as by rota_poll.
/// Threading: any thread. A rota_poll beside it may take the completion first.
/// Errors: TIMEOUT; INVALID_TICKET (also when the completion is taken by somebody else),
/// NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (wait), STOPPED, DEVICE_LOST.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_wait(
    tenant: *mut rota_tenant,
    ticket: rota_ticket,
    wait: u32,
    timeout_ns: u64,
    completion: *mut rota_completion,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            let wait = wait_of(wait)?;
            let completion = completion.cast::<rota::Completion>();
            // SAFETY: the conventions: NULL or valid; the same layout, as asserted above.
            let out = unsafe { args::out("completion", completion) }?;
            out.write(tenant.wait(ticket, wait, timeout_ns)?);
            Ok(())
        })
    })
}

/// Asks for a job not to run. It completes in any case: as CANCELLED if it had not run, else with
/// what became of it; tiles that have begun are finished.
///
/// Ownership: none.
/// Threading: any thread; doesn't wait.
/// Errors: INVALID_TICKET (also when the completion was taken), NULL_POINTER, INVALID_HANDLE, STOPPED.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_cancel(
    tenant: *mut rota_tenant,
    ticket: rota_ticket,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.cancel(ticket)?))
    })
}

/// Tells where a job is: one of ROTA_TICKET_*.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: INVALID_TICKET when it was never given out, NULL_POINTER, INVALID_HANDLE.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_ticket_state(
    tenant: *mut rota_tenant,
    ticket: rota_ticket,
    state: *mut u32,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            let out = unsafe { args::out("state", state) }?;
            out.write(match tenant.ticket_state(ticket)? {
                rota::TicketState::Open => ROTA_TICKET_OPEN,
                rota::TicketState::Done => ROTA_TICKET_DONE,
                rota::TicketState::Taken => ROTA_TICKET_TAKEN,
            });
            Ok(())
        })
    })
}

/// A good number of tiles for so many elements (the count in the handler's own units): at least 1,
/// and never so few that the handler faults.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: none; 0 for an opcode that is no standard handler.
/// Since: 0.1
#[no_mangle]
pub extern "C" fn rota_tiles(opcode: u32, elements: u64) -> u32 {
    export!(else 0 => { rota::recommended_tiles(opcode, elements) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_engines() {
        use rota::{completion_status, fault, job_flags, op};
        for (ours, engines) in [
            (ROTA_COMPLETION_OK, completion_status::OK),
            (ROTA_COMPLETION_FAULTED, completion_status::FAULTED),
            (ROTA_COMPLETION_SKIPPED, completion_status::SKIPPED),
            (ROTA_COMPLETION_CANCELLED, completion_status::CANCELLED),
            (ROTA_COMPLETION_REVOKED, completion_status::REVOKED),
            (ROTA_COMPLETION_DEVICE_LOST, completion_status::DEVICE_LOST),
            (ROTA_FAULT_NONE, fault::NONE),
            (ROTA_FAULT_UNKNOWN_OPCODE, fault::UNKNOWN_OPCODE),
            (ROTA_FAULT_HANDLER_UNLOADED, fault::HANDLER_UNLOADED),
            (ROTA_FAULT_INVALID_TILES, fault::INVALID_TILES),
            (ROTA_FAULT_INVALID_BUFFER, fault::INVALID_BUFFER),
            (ROTA_FAULT_FOREIGN_BUFFER, fault::FOREIGN_BUFFER),
            (ROTA_FAULT_READ_ONLY, fault::READ_ONLY),
            (ROTA_FAULT_OUT_OF_BOUNDS, fault::OUT_OF_BOUNDS),
            (ROTA_FAULT_MISALIGNED, fault::MISALIGNED),
            (ROTA_FAULT_FUEL_EXHAUSTED, fault::FUEL_EXHAUSTED),
            (ROTA_FAULT_LOOP_CUT, fault::LOOP_CUT),
            (ROTA_FAULT_INVALID_DATA, fault::INVALID_DATA),
            (ROTA_FAULT_HANDLER, fault::HANDLER),
            (ROTA_OP_NOP, op::NOP),
            (ROTA_OP_SPIN, op::SPIN),
            (ROTA_OP_FILL, op::FILL),
            (ROTA_OP_COPY, op::COPY),
            (ROTA_OP_SAXPY_F32, op::SAXPY_F32),
            (ROTA_OP_SUM_U32, op::SUM_U32),
            (ROTA_OP_SUM_F32, op::SUM_F32),
            (ROTA_OP_MIN_MAX_U32, op::MIN_MAX_U32),
            (ROTA_OP_HISTOGRAM_U8, op::HISTOGRAM_U8),
            (ROTA_OP_SCAN_DFA, op::SCAN_DFA),
            (ROTA_JOB_BARRIER, job_flags::BARRIER),
            (ROTA_JOB_AFTER_OK, job_flags::AFTER_OK),
            (ROTA_JOB_TIMING, job_flags::TIMING),
            (ROTA_JOB_NORMAL, job_flags::NORMAL),
            (ROTA_JOB_BACKGROUND, job_flags::BACKGROUND),
        ] {
            assert_eq!(ours, engines);
        }
        assert_eq!(ROTA_DIGEST_ORDER_DEPENDENT, rota::digest::ORDER_DEPENDENT);
    }
}
