//! Modules that want to harm others: `tests/hostile`, and what is made here because it is too large for a file.
//!
//! The verifier's verdicts are checked first, without a device. Then what it lets through is loaded and run beside a
//! tenant that works all the time and knows what its buffers hold. Sources are loaded as they are, several behind each
//! other in one module where their names allow it, because every load compiles the kernel.

mod corpus;
mod generated;
mod victim;

use std::collections::{HashSet, VecDeque};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use corpus::{Base, Case, Ends};
use rota::completion_status::{FAULTED, OK};
use rota::{
    op, Completion, Error, HandlerOptions, ModuleOptions, ModuleReport, Runtime, RuntimeOptions,
    Status, Tenant, TenantOptions,
};
use victim::{job, Victim};

/// Longer than anything takes.
const PATIENCE: u64 = 120_000_000_000;
/// Longer than the verifier may take for anything, on a busy machine and without optimisation.
const VERIFIER_PATIENCE: Duration = Duration::from_secs(20);
/// Address space of a process that verifies: its stack has 256 MiB.
const VERIFIER_BYTES: u64 = 2 << 30;
/// Longer than what anybody reads of a message.
const MOST_MESSAGE_BYTES: usize = 4_096;
/// The fewest sources that make a corpus.
const FEWEST: usize = 130;
/// A tenant's first opcode.
const FIRST: u32 = 0x1000;
/// The most sources in one module, so that no module comes near the limits on its own.
const MOST_IN_ONE: usize = 12;

fn all() -> Vec<Case> {
    let mut cases = corpus::read();
    assert!(cases.len() >= FEWEST, "only {} files", cases.len());
    cases.extend(generated::cases());
    cases
}

fn handlers(names: &[(String, bool)]) -> Vec<HandlerOptions> {
    names
        .iter()
        .zip(FIRST..)
        .map(|((function, tiled), opcode)| HandlerOptions {
            opcode,
            function: function.clone(),
            tiled: *tiled,
            fuel: 0,
        })
        .collect()
}

// ---------------------------------------------------------------- the verifier

/// Which of a case's verdicts isn't the one that it should be.
fn complaint(case: &Case) -> Option<String> {
    let started = Instant::now();
    let verdict = rota::verify(&ModuleOptions {
        label: case.name.clone(),
        source: case.source.clone(),
        handlers: handlers(&case.handlers),
    });
    let took = started.elapsed();
    if took > VERIFIER_PATIENCE {
        return Some(format!("took {took:?}"));
    }
    match (&case.rejected, verdict) {
        (Some(part), Err(e @ Error::InvalidModule { .. })) => {
            let text = e.to_string();
            // What is wrong stands in the first line; the others quote the source, which has all kinds of words.
            if !text.lines().next().unwrap_or("").contains(part.as_str()) {
                Some(format!("the message should have '{part}':\n{text}"))
            } else if text.len() > MOST_MESSAGE_BYTES {
                Some(format!("a message of {} bytes:\n{text:.500}", text.len()))
            } else if text.chars().any(|c| c.is_control() && c != '\n') {
                Some(format!("a message that isn't plain text: {text:?}"))
            } else {
                None
            }
        }
        (None, Ok(())) => None,
        (Some(_), Ok(())) => Some("was let through".into()),
        (_, Err(e)) => Some(format!("{e}")),
    }
}

const CHILD: &str = "ROTA_TEST_HOSTILE_CHILD";
const BEGINS: &str = "verifying: ";
const WRONG: &str = "\u{1}";
const ENDS: &str = "\u{2}";

/// What the child of the test below does, from the case on that it is told: a line before each, and what is wrong with it.
#[test]
fn verdicts_of_a_child() {
    let Some(first) = std::env::var_os(CHILD) else {
        return;
    };
    let first = first.to_str().unwrap().parse().unwrap();
    for (n, case) in all().iter().enumerate().skip(first) {
        println!("{BEGINS}{n}");
        if let Some(complaint) = complaint(case) {
            println!("{WRONG}{}: {complaint}{ENDS}", case.name);
        }
    }
}

/// In a process of its own with little memory, because what is wrong here may end the process or take all there is.
#[test]
fn the_verifier_knows_what_is_what() {
    let cases = all();
    let mut wrong: Vec<String> = Vec::new();
    let mut first = 0;
    while first < cases.len() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["verdicts_of_a_child", "--exact", "--nocapture"])
            .env(CHILD, first.to_string());
        let limit = libc::rlimit {
            rlim_cur: VERIFIER_BYTES,
            rlim_max: VERIFIER_BYTES,
        };
        // SAFETY: setrlimit may be called between fork and exec.
        unsafe {
            child.pre_exec(move || match libc::setrlimit(libc::RLIMIT_AS, &limit) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            });
        }
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let complaints = text.split(WRONG).skip(1);
        wrong.extend(complaints.filter_map(|part| Some(part.split(ENDS).next()?.into())));
        let mut begun = text.lines().filter_map(|line| line.split_once(BEGINS));
        let last = begun.next_back().and_then(|(_, n)| n.parse().ok());
        let last: usize = last.unwrap_or_else(|| {
            panic!("no child: {}", String::from_utf8_lossy(&output.stderr));
        });
        if !output.status.success() {
            let end = String::from_utf8_lossy(&output.stderr);
            let end: String = end.lines().take(3).collect();
            wrong.push(format!("{}: {}: {end}", cases[last].name, output.status));
        }
        first = last + 1;
    }
    assert!(
        wrong.is_empty(),
        "{} wrong verdicts:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

// ---------------------------------------------------------------- beside a victim

/// Bytes of OWN and RO: 0, 1, 2, ... A word is too small to be an address, and no two are the same.
fn own_bytes() -> Vec<u8> {
    (0..=255).collect()
}

fn own_words() -> Vec<u32> {
    own_bytes()
        .chunks_exact(4)
        .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
        .collect()
}

/// What the attackers' arguments name.
struct Buffers {
    own: u32,
    read_only: u32,
    odd: u32,
    dead: u32,
}

const ODD_BYTES: [u8; 5] = [0, 1, 2, 3, 4];

impl Buffers {
    fn new(tenant: &Tenant) -> Self {
        let make = |bytes: &[u8], read_only| {
            let buffer = tenant.buffer_create(bytes.len() as u64, read_only).unwrap();
            tenant.buffer_write(buffer, 0, bytes).unwrap();
            buffer
        };
        let buffers = Self {
            own: make(&own_bytes(), false),
            read_only: make(&own_bytes(), true),
            odd: make(&ODD_BYTES, false),
            dead: make(&own_bytes(), false),
        };
        tenant.buffer_destroy(buffers.dead).unwrap();
        buffers
    }

    fn argument(&self, argument: &corpus::Argument, victim: &Victim) -> u32 {
        let base = match argument.base {
            Base::Number => 0,
            Base::Own => self.own,
            Base::ReadOnly => self.read_only,
            Base::Odd => self.odd,
            Base::Dead => self.dead,
            Base::Foreign => victim.foreign,
            Base::ForeignReadOnly => victim.foreign_read_only,
        };
        (base ^ argument.turn).wrapping_add(argument.add)
    }
}

/// Cases that one module can have: their names don't meet.
fn batches(cases: Vec<Case>) -> Vec<Vec<Case>> {
    let mut batches: Vec<(HashSet<String>, Vec<Case>)> = Vec::new();
    for case in cases {
        let names: HashSet<String> = case.names().into_iter().map(String::from).collect();
        let place = batches.iter_mut().find(|(taken, members)| {
            !case.alone
                && !members[0].alone
                && members.len() < MOST_IN_ONE
                && taken.is_disjoint(&names)
                && members.iter().map(|m| m.source.len()).sum::<usize>() + case.source.len()
                    < 100_000
        });
        match place {
            Some((taken, members)) => {
                taken.extend(names);
                members.push(case);
            }
            None => batches.push((names, vec![case])),
        }
    }
    batches.into_iter().map(|(_, members)| members).collect()
}

/// Runs all jobs of a case, whose first handler has that opcode, and says what was not as it should be.
fn attack(case: &Case, first: u32, tenant: &Tenant, victim: &Victim) -> Result<(), String> {
    let buffers = Buffers::new(tenant);
    for (n, attack) in case.attacks.iter().enumerate() {
        let what = format!(
            "{}, job {n} ({})",
            case.name, case.handlers[attack.handler].0
        );
        tenant.buffer_write(buffers.own, 0, &own_bytes()).unwrap();
        if attack.after_victim {
            victim.leave_words();
        }
        let args: Vec<_> = attack
            .arguments
            .iter()
            .map(|a| buffers.argument(a, victim))
            .collect();
        let mut hostile = job(first + attack.handler as u32, attack.tiles, &args);
        hostile.fuel = attack.fuel;
        if let Ends::Refused(name) = &attack.ends {
            let (accepted, result) = tenant.submit(&[hostile], None);
            let status = result.err().map_or(Status::Ok, |e| e.status());
            if (accepted, status.name()) != (0, name) {
                return Err(format!("{what}: {accepted} accepted, {status:?}"));
            }
            continue;
        }
        // Between the copies run jobs that must not notice.
        let jobs: Vec<_> = (0..2 * attack.copies as u32)
            .map(|k| match k % 2 {
                0 => hostile,
                _ => job(op::NOP, 1, &[k, 0xc0ff_ee00]),
            })
            .collect();
        for (k, done) in victim::run(tenant, &jobs).into_iter().enumerate() {
            if k % 2 == 0 {
                check(&done, &attack.ends, attack.results).map_err(|e| format!("{what}: {e}"))?;
            } else if (done.status, done.results) != (OK, [k as u32, 0xc0ff_ee00]) {
                return Err(format!("{what}: its neighbour ended as {done:?}"));
            }
        }
        let mut expected = own_words();
        for &(i, v) in &attack.writes {
            expected[i] = v;
        }
        let found = victim::words(tenant, buffers.own, expected.len());
        if let Some(i) = (0..expected.len()).find(|&i| found[i] != expected[i]) {
            return Err(format!(
                "{what}: word {i} of OWN is {:#x}, not {:#x}",
                found[i], expected[i]
            ));
        }
    }
    let read = |buffer: u32, len: usize| {
        let mut out = vec![0; len];
        tenant.buffer_read(buffer, 0, &mut out).unwrap();
        out
    };
    if read(buffers.read_only, 256) != own_bytes() || read(buffers.odd, 5) != ODD_BYTES {
        return Err(format!("{} changed RO or ODD", case.name));
    }
    for buffer in [buffers.own, buffers.read_only, buffers.odd] {
        tenant.buffer_destroy(buffer).unwrap();
    }
    Ok(())
}

fn check(done: &Completion, ends: &Ends, results: Option<[u32; 2]>) -> Result<(), String> {
    let good = match ends {
        Ends::Ok => done.status == OK,
        Ends::Faulted(faults) => done.status == FAULTED && faults.contains(&done.fault),
        Ends::Refused(_) => unreachable!("it was not submitted"),
    };
    if !good {
        return Err(format!(
            "ended with status {} and fault {} ({}), results {:x?}, and should have ended as {ends:?}",
            rota::completion_status_name(done.status),
            done.fault,
            rota::fault_name(done.fault),
            done.results,
        ));
    }
    match results {
        Some(expected) if done.results != expected => Err(format!(
            "answered {:x?}, and should have answered {expected:x?}",
            done.results
        )),
        _ => Ok(()),
    }
}

fn open() -> Runtime {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
    Runtime::open(&RuntimeOptions {
        cache_dir: Some(cache),
        ..RuntimeOptions::default()
    })
    .unwrap_or_else(|e| panic!("{e}"))
}

fn tenant(runtime: &Runtime, label: &str) -> Tenant {
    runtime
        .create_tenant(&TenantOptions {
            label: label.into(),
            ..TenantOptions::default()
        })
        .unwrap()
}

/// Compiling takes minutes for all: without `ROTA_TEST_HOSTILE` a sixth of them is run, with `all` all, as `make stress`
/// does, and with `loop_,index_nested` those whose names begin so.
fn is_asked_for(name: &str) -> bool {
    match std::env::var("ROTA_TEST_HOSTILE") {
        Err(_) => name.bytes().map(u32::from).sum::<u32>() % 6 == 0,
        Ok(all) if all == "all" => true,
        Ok(starts) => starts.split(',').any(|s| name.starts_with(s)),
    }
}

/// Loads cases as one module, runs them, and unloads it. Gives what was not as it should be.
fn together(
    batch: &[Case],
    tenant: &Tenant,
    victim: &Victim,
) -> Result<(ModuleReport, Vec<String>), Error> {
    let names: Vec<_> = batch.iter().flat_map(|c| c.handlers.clone()).collect();
    let (module, report) = tenant.module_load(&ModuleOptions {
        label: batch[0].name.clone(),
        source: batch.iter().map(|c| c.source.as_str()).collect(),
        handlers: handlers(&names),
    })?;
    let mut complaints = Vec::new();
    let mut first = FIRST;
    for case in batch {
        complaints.extend(attack(case, first, tenant, victim).err());
        victim.check(&case.name);
        first += case.handlers.len() as u32;
    }
    tenant.module_unload(module, PATIENCE).unwrap();
    let (accepted, result) = tenant.submit(&[job(FIRST, 1, &[])], None);
    let status = result.err().map(|e| e.status());
    assert_eq!((accepted, status), (0, Some(Status::InvalidOpcode)));
    Ok((report, complaints))
}

#[test]
fn nothing_that_is_let_through_does_harm() {
    let runtime = open();
    let victim = Victim::new(&runtime);
    let mut wrong = Vec::new();
    let mut cases = Vec::new();
    for case in all() {
        if case.rejected.is_some() || !is_asked_for(&case.name) {
            continue;
        }
        // One bad source would take its whole module along.
        match complaint(&case) {
            None => cases.push(case),
            Some(complaint) => wrong.push(format!("{}: {complaint}", case.name)),
        }
    }
    let mut waiting: VecDeque<_> = batches(cases).into();
    while let Some(batch) = waiting.pop_front() {
        let tenant = tenant(&runtime, &batch[0].name);
        let before = victim.rounds();
        match together(&batch, &tenant, &victim) {
            Ok((report, complaints)) => {
                wrong.extend(complaints);
                println!(
                    "{} sources from {}: {report:?}, {} rounds of the victim's",
                    batch.len(),
                    batch[0].name,
                    victim.rounds() - before
                );
            }
            // Which of them is it?
            Err(_) if batch.len() > 1 => waiting.extend(batch.into_iter().map(|case| vec![case])),
            Err(e) => wrong.push(format!("{} can't be loaded: {e}", batch[0].name)),
        }
        tenant.destroy().unwrap();
    }
    let rounds = victim.end();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(rounds > 100, "the victim had only {rounds} rounds");
    runtime.stop().unwrap();
}

#[test]
fn a_module_is_its_owners() {
    let runtime = open();
    let victim = Victim::new(&runtime);
    let attacker = tenant(&runtime, "attacker");
    let options = ModuleOptions {
        label: "attacker".into(),
        source: "fn attack() {\n}\n".into(),
        handlers: handlers(&[("attack".into(), false)]),
    };
    let status = |result: Result<(), Error>| result.err().map(|e| e.status());
    for module in [victim.module, victim.module ^ 0x1_0000, 0, u32::MAX] {
        let replaced = attacker.module_replace(module, &options).map(|_| ());
        assert_eq!(status(replaced), Some(Status::InvalidHandle));
        let unloaded = attacker.module_unload(module, PATIENCE);
        assert_eq!(status(unloaded), Some(Status::InvalidHandle));
        let granted = runtime.module_grant(module, &attacker);
        assert_eq!(status(granted), Some(Status::InvalidHandle));
    }
    // What is asked of a module beside its source.
    let source = options.source.clone();
    let asked = |list: Vec<HandlerOptions>| {
        let options = ModuleOptions {
            label: "attacker".into(),
            source: source.clone(),
            handlers: list,
        };
        status(attacker.module_load(&options).map(|_| ()))
    };
    let one = |opcode, fuel| HandlerOptions {
        opcode,
        fuel,
        ..options.handlers[0].clone()
    };
    assert_eq!(asked(vec![]), Some(Status::InvalidArgument));
    let many = (FIRST..FIRST + 65).map(|opcode| one(opcode, 0)).collect();
    assert_eq!(asked(many), Some(Status::InvalidArgument));
    let twice = vec![one(FIRST, 0), one(FIRST, 0)];
    assert_eq!(asked(twice), Some(Status::OpcodeTaken));
    for opcode in [0, op::NOP, FIRST - 1, 0x8000_0000, u32::MAX] {
        assert_eq!(
            asked(vec![one(opcode, 0)]),
            Some(Status::InvalidOpcode),
            "opcode {opcode:#x}"
        );
    }
    assert_eq!(
        asked(vec![one(FIRST, u32::MAX)]),
        Some(Status::InvalidArgument)
    );
    // Its opcodes are its own too.
    let (accepted, result) = attacker.submit(&[job(FIRST, 1, &[])], None);
    assert_eq!((accepted, status(result)), (0, Some(Status::InvalidOpcode)));
    // With the same opcodes, the attacker has its own handlers, and the victim's stay what they are.
    let (module, _) = attacker.module_load(&options).unwrap();
    let done = victim::run(&attacker, &[job(FIRST, 1, &[])]);
    assert_eq!((done[0].status, done[0].results), (OK, [0, 0]));
    victim.leave_words();
    attacker.module_unload(module, PATIENCE).unwrap();
    victim.leave_words();
    attacker.destroy().unwrap();
    victim.end();
    runtime.stop().unwrap();
}
