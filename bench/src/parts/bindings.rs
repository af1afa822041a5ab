//! What the C++ and Go bindings cost beside C. Each has a benchmark of its own, in its language, which measures both
//! sides by turns in one process and prints JSON; the environment says where the programs are.

use super::Part;
use crate::context::Context;
use crate::stats::{put, Object};
use crate::Fallible;
use serde_json::Value;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

pub const CPP: Part = Part {
    name: "cpp",
    what: "bindings/cpp/bench/cost.cpp: the same NOP jobs by C and by C++, by turns in one process. Each figure in \
           percent is the median of the ratios of neighbouring samples: a round trip by submit and a spinning poll, \
           publishing one job, and publishing 64 at once. cost: the largest of the three.",
    run: run_cpp,
};

pub const GO: Part = Part {
    name: "go",
    what: "bindings/go/bench: NOP jobs by Go and by C, by turns in one process. publish_ns: per job in batches of 256, \
           Go minus C, medians of blocks. round_trip_ns: tenant.Do from one goroutine, median. jobs_per_s: 1,000 \
           goroutines that call Do on one tenant.",
    run: run_go,
};

fn run_cpp(context: &Context) -> Fallible<Object> {
    let seconds = context.rounds(15).to_string();
    let Some(mut object) = answer_of("ROTA_BENCH_CPP", &[&seconds])? else {
        return Ok(Object::new());
    };
    let mut cost = f64::NEG_INFINITY;
    for key in ["round_trip", "publish", "publish_batch_64"] {
        cost = cost.max(number(&object, &format!("{key}_cost_percent"))?);
    }
    put(&mut object, "cost", cost);
    Ok(object)
}

fn run_go(context: &Context) -> Fallible<Object> {
    let blocks = context.rounds(20).to_string();
    let Some(answer) = answer_of("ROTA_BENCH_GO", &["-blocks", &blocks])? else {
        return Ok(Object::new());
    };
    let short = |key: String| key.strip_prefix("go.").map(String::from).unwrap_or(key);
    let object: Object = answer.into_iter().map(|(k, v)| (short(k), v)).collect();
    for key in ["publish_ns", "round_trip_ns", "jobs_per_s"] {
        number(&object, key)?;
    }
    Ok(object)
}

/// Runs the program that the variable names; nothing without the variable.
fn answer_of(variable: &str, arguments: &[impl AsRef<OsStr>]) -> Fallible<Option<Object>> {
    let Some(program) = std::env::var_os(variable).filter(|p| !p.is_empty()) else {
        return Ok(None);
    };
    let output = Command::new(&program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", program.display(), output.status).into());
    }
    let answer = serde_json::from_slice(&output.stdout)
        .map_err(|e| format!("{} printed no JSON object: {e}", program.display()))?;
    Ok(Some(answer))
}

fn number(object: &Object, key: &str) -> Fallible<f64> {
    let value = object.get(key).and_then(Value::as_f64);
    Ok(value.ok_or_else(|| format!("the benchmark says nothing of {key}"))?)
}
