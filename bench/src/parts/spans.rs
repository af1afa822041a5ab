//! What a span costs who takes the completion.

use std::hint::black_box;
use std::sync::atomic::AtomicU32;
use std::sync::Arc;

use rota::ring::span::{Pipe, Sampler, Taken, Tap};
use rota::Completion;

use super::Part;
use crate::clock::now_ns;
use crate::context::{Context, Progress};
use crate::stats::{Object, Samples};
use crate::Fallible;

pub const PART: Part = Part {
    name: "spans",
    what: "push_ns: what taking the completion of a sampled job costs beyond that of another: reading the host's note of \
           it and putting the span into the queue, in runs of 64 between which the queue is emptied untimed. push_shared_ns: \
           the same by two threads at once into one queue. note_ns: what publishing it costs beyond: writing that note. \
           decide_ns: deciding for a job that it isn't sampled.",
    run,
};

const RUN: usize = 64;
const RUNS: usize = 2_000;
const SLOTS: u32 = 1024;

fn run(context: &Context) -> Fallible<Object> {
    let mut object = Object::new();
    let rounds = context.rounds(30);
    let progress = Progress::new("spans", rounds);
    let epoch = AtomicU32::new(7);
    // SAFETY: the epoch outlives all pipes, which this function drops.
    let tap = Arc::new(unsafe { Tap::new(Sampler::new(0.01, true), 8192, &epoch) });
    let pipes = [1, 2].map(|id| Pipe::new(tap.clone(), "bench", id, SLOTS));
    let mut samples: [Samples; 4] = Default::default();
    for round in 0..rounds + 2 {
        let empty = || while tap.pop().is_some() {};
        let alone = push(&pipes[0], empty);
        let shared = std::thread::scope(|scope| {
            let both = [0, 1].map(|which| {
                let (pipe, tap) = (&pipes[which], &tap);
                scope.spawn(move || push(pipe, || (0..RUN).for_each(|_| drop(tap.pop()))))
            });
            both.map(|thread| thread.join().expect("it doesn't panic"))
        });
        empty();
        let begin = now_ns();
        for n in 0..RUN * RUNS {
            pipes[0].note(black_box(n % SLOTS as usize), None, 1);
        }
        let note = (now_ns() - begin) as f64 / (RUN * RUNS) as f64;
        let begin = now_ns();
        for n in 0..RUN * RUNS {
            black_box(pipes[0].samples(black_box(n as u64), None));
        }
        let decide = (now_ns() - begin) as f64 / (RUN * RUNS) as f64;
        if round >= 2 {
            let shared = shared[0].max(shared[1]);
            for (samples, ns) in samples.iter_mut().zip([alone, shared, note, decide]) {
                samples.push(ns);
            }
            progress.step(round - 1);
        }
    }
    for (samples, key) in samples
        .iter()
        .zip(["push_ns", "push_shared_ns", "note_ns", "decide_ns"])
    {
        samples.write_figure(&mut object, key);
    }
    Ok(object)
}

/// Nanoseconds of one push.
fn push(pipe: &Pipe, empty: impl Fn()) -> f64 {
    let completion = Completion::default();
    let mut ns = 0;
    for n in 0..RUNS {
        let begin = now_ns();
        for slot in 0..RUN {
            let taken = Taken {
                at: begin,
                ..Taken::default()
            };
            pipe.ended(
                (n * RUN + slot) % SLOTS as usize,
                black_box(&completion),
                taken,
            );
        }
        ns += now_ns() - begin;
        empty();
    }
    ns as f64 / (RUNS * RUN) as f64
}
