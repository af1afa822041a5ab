//! The flight recorder: what it costs those whose jobs it records, and what other ways to keep records cost.

mod append;
mod client;
mod digest;
mod folder;
mod peers;
mod reopen;
mod throughput;

use super::Part;
use crate::context::Context;
use crate::stats::Object;
use crate::Fallible;
use folder::Folder;

pub const PART: Part = Part {
    name: "recorder",
    what: "append_p50_ns and p99: what a submit of one job does to record it (reserve, fill and commit, the \
           clock's reading of its own with it) on a log with default options beside the report, at a million \
           jobs per second for 60 s in a long run, else 3 s, and after every 64 jobs their completions, \
           untimed; each call is timed, and the median of empty pairs of readings (append_clock_ns) taken off; \
           over all calls, with p10 and p90 of windows of 100 ms. dropped, delayed, delay_ms: records lost, \
           calls that found the log's memory full and waited, and how long together, in that run; \
           append_latest_us: how late the latest call was. Then all that the log has room for is read and \
           compared. submit_plain, submit_recorded: single submits at that rate of two runtimes of the crate, \
           250,000 jobs a turn, each timed with its clock; submit_added: the difference in each round. \
           throughput_ratio: jobs per second as in the part throughput, by the crate, recorded on /dev/shm, \
           until all records are there, and unrecorded; each round compares the best of 2 windows of 150 ms on \
           each side, in turn. vs_naive: nanoseconds of one record of 128 bytes in one folder, in turn: rota, \
           10,000 appends one by one, whose writing goes on in its threads meanwhile; naive, a file of 64 MiB \
           round and round by lseek and write of the record and lseek and write of the next number into its \
           header; pwrite, the record only; sqlite, an INSERT in WAL mode with synchronous OFF and NORMAL, in \
           transactions of 1 and of 64; rocksdb, what db_bench says of fillseq without sync and with its WAL, \
           which makes the values and keeps them in memory. Nobody syncs each record; Rota syncs every 100 ms, \
           in the background. rota_written: a million appends until all are in the file; rota_cpu: the time of \
           all processors for one of these. reopen_ms: opening a closed log of a million records, in the \
           system's cache, for writing (reopen_open_ms), and reading and checking all of them (reopen_scan_ms). \
           digest_cost: what the digest of a job's stores costs, in percent: two runtimes of the crate, with \
           RuntimeOptions::write_digests and without, take turns with the same job, the long ones awaited \
           blocking and the short ones spinning; each round compares the quickest of 4 on each side, the figure \
           is the median over the rounds. The job is saxpy over 64 MiB, as in the part bandwidth. \
           digest_cost_<case> are the same of others: fill, copy and histogram of 16 MiB, a copy of which \
           source and destination lie differently in their vectors, copy and histogram of 1 KiB (100 jobs, one \
           at a time), and 64 scalar jobs with one store each, submitted together. digest_load_ms is what \
           loading a module takes there.",
    run,
};

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    if context.library.is_some() {
        let folder = Folder::new(&context.out)?;
        object.insert("file_system".into(), folder.file_system()?.into());
        append::measure(context, &folder, &mut object)?;
        throughput::measure(context, &mut object)?;
        peers::measure(context, &folder, &mut object)?;
        reopen::measure(context, &folder, &mut object)?;
        digest::measure(context, &mut object)?;
    }
    Ok(object)
}
