//! The stage's promises under every interleaving and every value that the memory model lets a load see.
//!
//! The code is the one that users run. What a cell holds is plain memory here too, so that loom finds a place that is
//! written while somebody reads it.

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

use crate::cell::{Words, SEQ_WORD};
use crate::stage::{Denied, Refused, Stage, StageCell, StageWords};

/// A stage in memory of its own.
struct Memory {
    stage: Stage,
    _words: Box<StageWords>,
    _cells: Vec<StageCell>,
}

// SAFETY: the stage is Sync, and nobody touches the memory but by it.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

const FIRST: u64 = 5;

fn memory(count: u64) -> Arc<Memory> {
    let words = Box::new(StageWords::zeroed());
    let cells: Vec<_> = (0..count).map(|_| StageCell::zeroed()).collect();
    // SAFETY: the memory lives beside the stage, zeroed, and is not moved.
    let stage = unsafe { Stage::new(&*words, cells.as_ptr(), count, FIRST) };
    Arc::new(Memory {
        stage,
        _words: words,
        _cells: cells,
    })
}

fn explore(preemptions: Option<usize>, scenario: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.check(scenario);
}

/// A cell all of whose words come from its number.
fn words(seq: u64) -> Words {
    let mut words = [seq * 3; 16];
    words[SEQ_WORD] = seq;
    words
}

fn reserve(stage: &Stage, n: u64) -> Option<u64> {
    stage
        .reserve_fast(n)
        .or_else(|| match stage.reserve(n, true) {
            Ok(first) => Some(first),
            Err(Denied::Full) => None,
            Err(other) => panic!("{other:?}"),
        })
}

fn put(stage: &Stage) -> bool {
    let seq = reserve(stage, 1);
    if let Some(seq) = seq {
        // SAFETY: the number is ours.
        unsafe { stage.commit(seq, &words(seq)) };
    }
    seq.is_some()
}

/// What the writer does: takes what is committed from `at` on, and finds each cell whole.
fn drain(stage: &Stage, at: u64) -> u64 {
    let end = at + stage.committed(at, 4);
    for seq in at..end {
        // SAFETY: it is committed, and only this thread frees any.
        assert_eq!(unsafe { stage.read(seq) }, words(seq));
    }
    stage.free(end);
    end
}

/// Two producers for a full stage and the writer: a place is used again only when it was read, and for one of them.
#[test]
fn each_number_is_given_once_and_each_cell_is_whole_when_it_is_seen() {
    explore(Some(3), || {
        let memory = memory(2);
        assert!(put(&memory.stage));
        assert!(put(&memory.stage));
        let producer = {
            let memory = memory.clone();
            thread::spawn(move || put(&memory.stage) as u64)
        };
        let writer = {
            let memory = memory.clone();
            thread::spawn(move || {
                let at = drain(&memory.stage, FIRST);
                assert_eq!(at, FIRST + 2);
                drain(&memory.stage, at)
            })
        };
        let mine = put(&memory.stage) as u64;
        let all = FIRST + 2 + mine + producer.join().unwrap();
        let drained = writer.join().unwrap();
        assert_eq!(memory.stage.next(), all);
        assert_eq!(drain(&memory.stage, drained), all);
    });
}

/// Cells that are committed out of order are seen in order.
#[test]
fn the_writer_never_passes_a_cell_that_is_not_committed() {
    explore(None, || {
        let memory = memory(4);
        let first = reserve(&memory.stage, 2).unwrap();
        let committer = {
            let memory = memory.clone();
            thread::spawn(move || {
                // SAFETY: the numbers are ours.
                unsafe {
                    memory.stage.commit(first + 1, &words(first + 1));
                    memory.stage.commit(first, &words(first));
                }
            })
        };
        match memory.stage.committed(first, 4) {
            0 => {}
            2 => assert_eq!(drain(&memory.stage, first), first + 2),
            // The first one was seen after the second was committed.
            other => panic!("{other} of two"),
        }
        committer.join().unwrap();
        assert_eq!(memory.stage.committed(first, 4), 2);
    });
}

/// Refusals are told once each, whoever tells and whenever they come.
#[test]
fn each_refusal_is_told_exactly_once() {
    explore(Some(3), || {
        let memory = memory(8);
        let refuser = {
            let memory = memory.clone();
            thread::spawn(move || {
                memory.stage.refuse(1, 10);
                memory.stage.refuse(1, 20);
            })
        };
        let mut told = 0;
        let mut tell = || {
            let refused: Refused = memory.stage.begin_to_tell();
            told += refused.count;
            memory.stage.told(refused);
        };
        tell();
        refuser.join().unwrap();
        // Nobody else refuses now: if anything is untold, the next reserve says so.
        match memory.stage.reserve(1, false) {
            Err(Denied::Untold) => tell(),
            Ok(_) => assert_eq!(memory.stage.untold(), 0),
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(told, 2);
    });
}

/// Closing: what is reserved before is below the end, and later nothing is.
#[test]
fn nothing_is_reserved_after_closing() {
    explore(None, || {
        let memory = memory(4);
        let producer = {
            let memory = memory.clone();
            thread::spawn(move || memory.stage.reserve_fast(1))
        };
        memory.stage.close();
        let end = memory.stage.end().unwrap();
        if let Some(seq) = producer.join().unwrap() {
            assert!(seq < end);
        }
        assert_eq!(memory.stage.reserve_fast(1), None);
        assert_eq!(memory.stage.reserve(1, true), Err(Denied::Closed));
        assert_eq!(memory.stage.end(), Some(end));
    });
}
