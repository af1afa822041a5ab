//! `rota-property`: random handlers run in the kernel and by an interpreter on the CPU, and do the same.
//!
//! generate.rs makes a program from a seed, wgsl.rs writes it as WGSL, interpret.rs runs it here and device.rs in the
//! kernel, many programs to a module, because a load compiles the whole kernel. Each runs on many inputs (input.rs).
//! Fault, results, fuel, every byte of the buffers and the digest are compared; every other module runs in a kernel without digests. What differs is made small (shrink.rs) and printed
//! as a file for the corpus (corpus.rs), whose files are run first.

mod ast;
mod corpus;
mod device;
mod generate;
mod input;
mod interpret;
mod random;
mod shrink;
mod wgsl;

use std::process::ExitCode;
use std::time::Instant;

use ast::Program;
use device::{Device, Source, Work};
use input::Input;
use interpret::Outcome;

const HELP: &str = "\
rota-property: random handlers do in the kernel what they do in an interpreter

  rota-property --short           the corpus and 128 programs (under a minute)
  rota-property --long            the corpus and 10,000 programs on more inputs
      --seed N                    the seed of the first program (default 1)
      --programs N                so many programs, in place of the form's own number
      --inputs N                  so many inputs for each program
      --no-digests                only kernels that make no digests
      --show N                    print the program of that seed
      --keep N I                  print the program of that seed on its I-th input as a file of the corpus
      --help

The device and driver are chosen as always: ROTA_DEVICE, VK_DRIVER_FILES, VK_ICD_FILENAMES.
Exit code 0 if everything agreed, 1 if something did not, 2 for a wrong command line.
";

/// What one module may hold, a little below what the verifier lets pass.
const MOST_FUNCTIONS: usize = 240;
const MOST_HANDLERS: usize = 60;
const MOST_BYTES: usize = 240 << 10;
const MOST_PROGRAMS: usize = 64;
/// Programs that share a handler, which tells them apart by its first argument.
const SHARING: usize = 12;
/// Failures that are looked into before giving up.
const MOST_FAILURES: usize = 3;

struct Options {
    first: u64,
    programs: u64,
    inputs: u32,
    digests: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match parse(&arguments) {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("rota-property: {what}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(what) => {
            eprintln!("rota-property: {what}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Option<Options>, String> {
    let (mut first, mut programs, mut inputs) = (1, None, None);
    let mut form = None;
    let mut digests = true;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let text = rest.next().ok_or(format!("{argument} needs a number"))?;
            text.replace('_', "")
                .parse::<u64>()
                .map_err(|_| format!("{argument} needs a number, not '{text}'"))
        };
        match argument.as_str() {
            "--short" => form = Some((128, 12)),
            "--long" => form = Some((10_000, 24)),
            "--seed" => first = number()?,
            "--programs" => programs = Some(number()?.max(1)),
            "--inputs" => inputs = Some(number()?.clamp(1, 1000) as u32),
            "--no-digests" => digests = false,
            "--show" => {
                print!("{}", wgsl::print(&generate::generate(number()?), ""));
                return Ok(None);
            }
            "--keep" => {
                let program = generate::generate(number()?);
                let input = input::input(&program, number()? as u32, 2_000);
                let expected = interpret::interpret(&program, &input.run(4));
                print!("{}", corpus::write(&program, &input, &expected));
                return Ok(None);
            }
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(None);
            }
            other => return Err(format!("what is '{other}'?")),
        }
    }
    let (form_programs, form_inputs) = match (form, programs) {
        (Some(form), _) => form,
        (None, Some(programs)) => (programs, 12),
        (None, None) => return Err("say --short, --long or --programs N".into()),
    };
    Ok(Some(Options {
        first,
        programs: programs.unwrap_or(form_programs),
        inputs: inputs.unwrap_or(form_inputs),
        digests,
    }))
}

/// Whether everything agreed.
fn run(options: &Options) -> Result<bool, String> {
    let started = Instant::now();
    let mut devices = vec![Device::open(false)?];
    if options.digests {
        devices.insert(0, Device::open(true)?);
    }
    println!(
        "{}, {} lanes; corpus and {} programs from seed {} on {} inputs each",
        devices[0].name(),
        devices[0].lanes,
        options.programs,
        options.first,
        options.inputs
    );
    let mut failures = 0;
    for device in &mut devices {
        let (kept, wrong) = corpus::replay(device)?;
        for what in &wrong {
            println!("corpus: {what}");
        }
        let kernel = if device.digests { "with" } else { "without" };
        println!(
            "corpus: {kept} files, {} wrong, {kernel} digests",
            wrong.len()
        );
        failures += wrong.len();
    }
    let mut tally = Tally::default();
    let mut told = Instant::now();

    let mut seed = options.first;
    let end = options.first + options.programs;
    let mut batch = Batch::default();
    while seed < end || !batch.programs.is_empty() {
        if seed < end && batch.add(generate::generate(seed)) {
            seed += 1;
            continue;
        }
        let programs = std::mem::take(&mut batch).programs;
        let device = &mut devices[0];
        let differing = check(device, &programs, options.inputs, &mut tally)?;
        for (program, n) in differing {
            failures += 1;
            look_into(device, program, n)?;
        }
        // In turn.
        devices.rotate_left(1);
        if failures >= MOST_FAILURES {
            println!("enough has failed");
            break;
        }
        if told.elapsed().as_secs() >= 30 {
            told = Instant::now();
            println!(
                "{} programs after {} s",
                tally.programs,
                started.elapsed().as_secs()
            );
        }
    }
    println!(
        "{} programs on {} inputs in all, {} of them faulted, {} out of fuel; {} loads, {:.1} s of compiling; {failures} failures; {:.1} s",
        tally.programs,
        tally.runs,
        tally.faulted,
        tally.out_of_fuel,
        devices.iter().map(|d| d.loads).sum::<u32>(),
        devices
            .iter()
            .map(|d| d.compiling.as_secs_f64())
            .sum::<f64>(),
        started.elapsed().as_secs_f64()
    );
    devices.into_iter().try_for_each(Device::close)?;
    Ok(failures == 0)
}

#[derive(Default)]
struct Tally {
    programs: usize,
    runs: usize,
    faulted: usize,
    out_of_fuel: usize,
}

/// Programs that fit into one module.
#[derive(Default)]
struct Batch {
    programs: Vec<Program>,
    functions: usize,
    bytes: usize,
    /// How many of each kind.
    kinds: [usize; KINDS],
}

impl Batch {
    /// Gives false if the batch is full.
    fn add(&mut self, program: Program) -> bool {
        let functions = self.functions + program.functions.len() + 1;
        let bytes = self.bytes + wgsl::print(&program, "p0000_").len() + 100;
        let mut kinds = self.kinds;
        kinds[kind(&program)] += 1;
        let handlers = (0..KINDS)
            .map(|k| kinds[k].div_ceil(sharing(k)))
            .sum::<usize>();
        if functions + handlers > MOST_FUNCTIONS
            || bytes > MOST_BYTES
            || handlers > MOST_HANDLERS
            || self.programs.len() == MOST_PROGRAMS
        {
            return false;
        }
        (self.functions, self.bytes, self.kinds) = (functions, bytes, kinds);
        self.programs.push(program);
        true
    }
}

const KINDS: usize = 12;

/// Programs of one kind can share a handler: they are scalar, tiled, or tiled with barriers, and want the same of their
/// buffers.
fn kind(program: &Program) -> usize {
    let [(_, a), (_, b)] = program.resolved;
    let rights = usize::from(a) + 2 * usize::from(b);
    match program.tiled {
        None => rights,
        Some(_) if program.has_barriers() => 8 + rights,
        Some(_) => 4 + rights,
    }
}

fn is_tiled(kind: usize) -> bool {
    kind >= 4
}

/// How many of a kind share a handler. Barriers stand at the top level, and not in a `switch`.
fn sharing(kind: usize) -> usize {
    if kind >= 8 {
        1
    } else {
        SHARING
    }
}

/// The source of a module with these programs, at most so many to a handler, and for each the handler and what chooses it there.
fn module(programs: &[Program], most: usize) -> (Source, Vec<(u32, u32)>) {
    let mut source = Source {
        text: String::new(),
        handlers: Vec::new(),
    };
    let mut places = vec![(0, 0); programs.len()];
    for (n, program) in programs.iter().enumerate() {
        source.text += &format!("// seed {}\n", program.seed);
        source.text += &wgsl::print(program, &format!("p{n}_"));
    }
    for wanted in 0..KINDS {
        let of_kind: Vec<usize> = (0..programs.len())
            .filter(|&n| kind(&programs[n]) == wanted)
            .collect();
        for group in of_kind.chunks(sharing(wanted).min(most)) {
            let handler = source.handlers.len() as u32;
            let name = format!("h{handler}");
            source.text += &format!("fn {name}() {{\n");
            source.text += &wgsl::resolving(&programs[group[0]]);
            if let [alone] = group {
                places[*alone] = (handler, 0);
                source.text += &format!("    p{alone}_main(a, b);\n}}\n");
            } else {
                source.text += "    switch (arg(0u)) {\n";
                for (selector, n) in group.iter().enumerate() {
                    places[*n] = (handler, selector as u32);
                    source.text += &format!("    case {selector}u: {{ p{n}_main(a, b); }}\n");
                }
                source.text += "    default: {}\n    }\n}\n";
            }
            source.handlers.push((name, is_tiled(wanted)));
        }
    }
    (source, places)
}

/// Runs programs on all their inputs; gives those that differ, each with its first input that does.
fn check<'a>(
    device: &mut Device,
    programs: &'a [Program],
    inputs: u32,
    tally: &mut Tally,
) -> Result<Vec<(&'a Program, u32)>, String> {
    let (source, places) = module(programs, SHARING);
    if let Err(what) = device.load(&source) {
        // Together they may be more than a module may have; alone each has to go.
        if let [alone] = programs {
            return Err(unloadable(alone, &what));
        }
        let (left, right) = programs.split_at(programs.len() / 2);
        let mut differing = check(device, left, inputs, tally)?;
        differing.extend(check(device, right, inputs, tally)?);
        return Ok(differing);
    }
    // Neighbours run at once, in the lanes of one worker: now the same program on several inputs, now different ones.
    let mut runs: Vec<(usize, u32)> = (0..programs.len())
        .flat_map(|p| (0..inputs).map(move |n| (p, n)))
        .collect();
    if programs[0].seed.is_multiple_of(2) {
        random::Random::new(programs[0].seed).shuffle(&mut runs);
    }
    let given: Vec<Input> = runs
        .iter()
        .map(|&(p, n)| input_of(device, &programs[p], n))
        .collect();
    let works: Vec<Work> = runs
        .iter()
        .zip(&given)
        .map(|(&(p, _), input)| Work {
            handler: places[p].0,
            selector: places[p].1,
            input,
        })
        .collect();
    let outcomes = device.run(&works)?;
    let mut differing: Vec<(&Program, u32)> = Vec::new();
    for ((&(p, n), input), got) in runs.iter().zip(&given).zip(outcomes) {
        let program = &programs[p];
        let expected = expected(device, program, input);
        tally.runs += 1;
        tally.faulted += usize::from(expected.fault != 0);
        tally.out_of_fuel += usize::from(expected.fault == rota::fault::FUEL_EXHAUSTED);
        if got != expected
            && differing
                .iter()
                .all(|(other, _)| other.seed != program.seed)
        {
            println!(
                "seed {}, input {n}: {}",
                program.seed,
                difference(&expected, &got)
            );
            differing.push((program, n));
        }
    }
    tally.programs += programs.len();
    differing.truncate(MOST_FAILURES);
    Ok(differing)
}

fn input_of(device: &Device, program: &Program, n: u32) -> Input {
    let most = match program.tiled {
        None => device.most_scalar_fuel,
        Some(_) => device.most_tile_fuel,
    };
    input::input(program, n, most)
}

/// What has to come of it on that device.
fn expected(device: &Device, program: &Program, input: &Input) -> Outcome {
    let mut outcome = interpret::interpret(program, &input.run(device.lanes));
    if !device.digests {
        outcome.digest = 0;
    }
    outcome
}

fn difference(expected: &Outcome, got: &Outcome) -> String {
    let mut parts = Vec::new();
    if expected.fault != got.fault {
        parts.push(format!("fault {}, expected {}", got.fault, expected.fault));
    }
    if expected.results != got.results {
        parts.push(format!(
            "results {:x?}, expected {:x?}",
            got.results, expected.results
        ));
    }
    if expected.fuel != got.fuel {
        parts.push(format!("fuel {}, expected {}", got.fuel, expected.fuel));
    }
    if expected.digest != got.digest {
        parts.push(format!(
            "digest {:#x}, expected {:#x}",
            got.digest, expected.digest
        ));
    }
    for (i, (e, g)) in expected.buffers.iter().zip(&got.buffers).enumerate() {
        if let Some(at) = e.iter().zip(g).position(|(e, g)| e != g) {
            parts.push(format!(
                "buffer {i} at byte {at} of {}: {:#x}, expected {:#x}",
                e.len(),
                g[at],
                e[at]
            ));
        }
    }
    parts.join("; ")
}

/// Makes what differs small, and prints it.
fn look_into(device: &mut Device, program: &Program, n: u32) -> Result<(), String> {
    let input = input_of(device, program, n);
    if !differs(device, std::slice::from_ref(program), &input)?[0] {
        println!(
            "seed {}, input {n}: alone it agrees; it differs only beside others",
            program.seed
        );
        return Ok(());
    }
    let small = shrink::shrink(program.clone(), &mut |candidates| {
        differs(device, candidates, &input)
    })?;
    let expected = expected(device, &small, &input);
    let (source, _) = module(std::slice::from_ref(&small), 1);
    device.load(&source)?;
    let got = device
        .run(&[Work {
            handler: 0,
            selector: 0,
            input: &input,
        }])?
        .remove(0);
    println!(
        "---- seed {}, input {n}, {} lanes: {}\n{}----",
        program.seed,
        device.lanes,
        difference(&expected, &got),
        corpus::write(&small, &input, &expected)
    );
    Ok(())
}

/// Which of some programs differ on that input.
fn differs(device: &mut Device, programs: &[Program], input: &Input) -> Result<Vec<bool>, String> {
    let (source, places) = module(programs, 1);
    if let Err(what) = device.load(&source) {
        if let [alone] = programs {
            return Err(unloadable(alone, &what));
        }
        let (left, right) = programs.split_at(programs.len() / 2);
        let mut all = differs(device, left, input)?;
        all.extend(differs(device, right, input)?);
        return Ok(all);
    }
    let works: Vec<Work> = places
        .iter()
        .map(|&(handler, selector)| Work {
            handler,
            selector,
            input,
        })
        .collect();
    let outcomes = device.run(&works)?;
    Ok(programs
        .iter()
        .zip(outcomes)
        .map(|(program, got)| got != expected(device, program, input))
        .collect())
}

fn unloadable(program: &Program, what: &str) -> String {
    format!(
        "seed {} can't be loaded: {what}\n{}",
        program.seed,
        wgsl::print(program, "")
    )
}
