//! Composes the kernel: the scheduler core, the prelude and the handlers, from WGSL to SPIR-V, in process.
//!
//! Sources are parsed one by one, each behind the prelude, and joined on naga's IR (see `import`). What tenants bring is
//! verified before (see `verify`). Loops of handlers are metered on their way in (see `fuel`). The core comes last, with
//! stubs for the handlers that its dispatch functions call.

mod diagnostic;
mod fuel;
mod import;
pub mod standard;
pub mod verify;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Expression, GlobalVariable, Handle, Module, Span, Statement};

use crate::ring::layout::{self, binding, KernelShape, FIRST_LOADED};

/// A handler, as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handler {
    /// The number that the kernel calls it by: the opcode of a standard handler.
    pub entry: u32,
    /// The function's name in its module.
    pub function: String,
    /// Whether a worker runs it on tiles, or a lane alone.
    pub tiled: bool,
    /// Whether a scalar handler is small enough for the path that every look at the rings runs through.
    pub light: bool,
}

/// WGSL source with handlers. One that a tenant brought has been verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HandlerModule {
    pub name: String,
    pub source: String,
    pub handlers: Vec<Handler>,
    /// What its tiled handlers do with scratch.
    pub scratch: Scratch,
    /// Its handlers are known to be done soon, so that they needn't look whether they are to end.
    pub short_tiles: bool,
    /// Expressions and statements, with all calls put in line; 0 for the standard handlers, which always have room.
    pub nodes: u64,
}

/// What tiles do with the words that they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scratch {
    None = 0,
    /// Each word is written before it is read.
    Overwritten = 1,
    /// May be read before it is written.
    Read = 2,
}

/// Why a kernel could not be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    #[error("module '{module}' is not valid WGSL:\n{text}")]
    Parse { module: String, text: String },
    #[error("module '{module}': {what}")]
    Unsupported { module: String, what: String },
    #[error("module '{module}' has no function '{function}'")]
    NoFunction { module: String, function: String },
    #[error("the composed kernel is not valid: {0}")]
    Invalid(String),
    #[error("the composed kernel can't be written as SPIR-V: {0}")]
    Write(String),
}

/// A kernel, ready for the driver.
pub struct Composed {
    pub spirv: Vec<u32>,
    /// Ends of loops that each round beyond light jobs passes through, whatever it runs.
    pub passes: u32,
}

/// All that a handler sees, in WGSL.
fn prelude(shape: KernelShape) -> String {
    let prelude = source_for(shape, include_str!("prelude.wgsl"));
    match shape.digests {
        false => layout::wgsl(shape) + &prelude,
        true => layout::wgsl(shape) + &prelude + include_str!("digest.wgsl"),
    }
}

/// What a kernel of that shape has of one of its own sources. With write digests it has what stands behind `//digests:`,
/// which else is a comment, and not the lines that end with `// without digests`.
fn source_for(shape: KernelShape, source: &str) -> Cow<'_, str> {
    if !shape.digests {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len());
    for line in source.lines() {
        if !line.ends_with("// without digests") {
            out.push_str(&line.replacen("//digests: ", "", 1));
        }
        out.push('\n');
    }
    Cow::Owned(out)
}

/// Composes a kernel of that shape from these modules.
pub fn compose(shape: KernelShape, modules: &[HandlerModule]) -> Result<Composed, ComposeError> {
    let prelude = prelude(shape);
    let mut kernel = parse("prelude", &prelude)?;
    let mut known = function_names(&kernel);
    let prelude_names = known.clone();
    let meter = |looks| fuel::Meter::find(&kernel, looks);
    let (looking, plain) = (meter(fuel::Looks::Sometimes), meter(fuel::Looks::Never));
    // The passes through loops' ends of each function in the kernel.
    let mut inside = HashMap::new();
    if !shape.without.fuel {
        for (handle, function) in kernel.functions.iter_mut() {
            let passes = looking.rewrite(function, &inside);
            inside.insert(handle, passes);
        }
    }

    let mut stubs = String::new();
    let mut scalar_cases = String::new();
    let mut tiled_cases = String::new();
    let mut light_cases = String::new();
    let mut one_loop_cases = String::new();
    let mut scratch_cases = String::new();
    // The same of the dispatch functions.
    let (mut passes, mut light_passes) = (0u32, 0u32);
    for (m, module) in modules.iter().enumerate() {
        let own = match module.handlers.iter().any(|h| h.entry < FIRST_LOADED) {
            true => source_for(shape, &module.source),
            false => Cow::Borrowed(module.source.as_str()),
        };
        let source = parse(&module.name, &format!("{prelude}{own}"))?;
        let unsupported = |e: import::Unsupported| ComposeError::Unsupported {
            module: module.name.clone(),
            what: e.to_string(),
        };
        let known_globals = kernel.global_variables.len();
        let named = import::Importer::new(&source, &mut kernel, &prelude_names)
            .functions(
                |function, inside| match (shape.without.fuel, module.short_tiles) {
                    (true, _) => 0,
                    (_, true) => plain.rewrite(function, inside),
                    _ => looking.rewrite(function, inside),
                },
                &mut inside,
            )
            .map_err(unsupported)?;
        // A job must find the module's variables as if nobody had run before it.
        let private: Vec<_> = kernel
            .global_variables
            .iter()
            .map(|(handle, _)| handle)
            .skip(known_globals)
            .collect();
        // Handlers that are one function share a case: the function is put in line once, and its loops count once.
        let mut served: Vec<(&Handler, String)> = Vec::new();
        for handler in &module.handlers {
            let same = served.iter_mut().find(|(first, _)| {
                (&first.function, first.tiled, first.light)
                    == (&handler.function, handler.tiled, handler.light)
            });
            match same {
                Some((_, entries)) => write!(entries, ", {}u", handler.entry).unwrap(),
                None => served.push((handler, format!("{}u", handler.entry))),
            }
        }
        for (h, (handler, entries)) in served.into_iter().enumerate() {
            let function =
                *named
                    .get(&handler.function)
                    .ok_or_else(|| ComposeError::NoFunction {
                        module: module.name.clone(),
                        function: handler.function.clone(),
                    })?;
            let stub = format!("rota_handler_{m}_{h}");
            writeln!(stubs, "fn {stub}() {{}}").unwrap();
            let case = format!("case {entries}: {{ {stub}(); }}\n");
            let inside = inside.get(&function).copied().unwrap_or(0);
            passes = passes.saturating_add(inside);
            if handler.tiled {
                tiled_cases.push_str(&case);
                if module.scratch != Scratch::None {
                    let scratch = module.scratch as u32;
                    writeln!(scratch_cases, "case {entries}: {{ return {scratch}u; }}").unwrap();
                }
            } else {
                scalar_cases.push_str(&case);
                let one_loop = match module.short_tiles {
                    true => 1,
                    false => fuel::PASSES_PER_LOOP,
                };
                if inside == one_loop {
                    writeln!(one_loop_cases, "case {entries}: {{}}").unwrap();
                }
                if handler.light {
                    light_passes += inside;
                    light_cases.push_str(&case);
                }
            }
            known.insert(stub, starting_afresh(&mut kernel, &private, function));
        }
    }

    let dispatch = |name: &str, cases: &str| {
        format!(
            "fn {name}(entry: u32) -> bool {{ switch entry {{ {cases} default: {{ return false; }} }} return true; }}\n"
        )
    };
    let core = format!(
        "{prelude}{stubs}\
         const ROTA_PASSES: u32 = {passes}u;\n\
         const ROTA_LIGHT_PASSES: u32 = {light_passes}u;\n{}{}{}{}\
         fn rota_scratch_use(entry: u32) -> u32 {{ switch entry {{ {scratch_cases} default: {{ return 0u; }} }} }}\n{}",
        dispatch("rota_has_one_loop", &one_loop_cases),
        dispatch("rota_run_light", &light_cases),
        dispatch("rota_run_scalar", &scalar_cases),
        dispatch("rota_run_tiled", &tiled_cases),
        source_for(shape, include_str!("core.wgsl")),
    );
    let core = parse("core", &core)?;
    let mut importer = import::Importer::new(&core, &mut kernel, &known);
    importer
        .functions(|_, _| 0, &mut HashMap::new())
        .and_then(|_| importer.entry_points())
        .map_err(|e| ComposeError::Unsupported {
            module: "core".into(),
            what: e.to_string(),
        })?;
    if shape.lockstep {
        never_wait(&mut kernel);
    }
    Ok(Composed {
        spirv: write(&kernel, shape)?,
        passes,
    })
}

/// Makes fences of the barriers, for workers whose lanes take each step together. At a barrier no lane has to wait for another
/// there, and stores before it are seen before those behind it. Drivers that run the subgroups of a workgroup by turns are spared
/// to put everything that lives into memory at each: with Mesa 25 the kernel is nearly twice as quick.
fn never_wait(kernel: &mut Module) {
    let functions = kernel.functions.iter_mut().map(|(_, f)| f);
    let entry_points = kernel.entry_points.iter_mut().map(|e| &mut e.function);
    functions
        .chain(entry_points)
        .for_each(|function| fences_in(&mut function.body));
}

fn fences_in(block: &mut naga::Block) {
    for statement in block.iter_mut() {
        match statement {
            Statement::ControlBarrier(barrier) => *statement = Statement::MemoryBarrier(*barrier),
            Statement::Block(inner) => fences_in(inner),
            Statement::If { accept, reject, .. } => {
                fences_in(accept);
                fences_in(reject);
            }
            Statement::Switch { cases, .. } => {
                cases.iter_mut().for_each(|c| fences_in(&mut c.body));
            }
            Statement::Loop {
                body, continuing, ..
            } => {
                fences_in(body);
                fences_in(continuing);
            }
            _ => {}
        }
    }
}

/// A function that gives private variables their initial values and then calls `function`; that one itself if there is
/// nothing to do.
fn starting_afresh(
    kernel: &mut Module,
    private: &[Handle<GlobalVariable>],
    function: Handle<naga::Function>,
) -> Handle<naga::Function> {
    if private.is_empty() {
        return function;
    }
    let mut fresh = naga::Function::default();
    for &variable in private {
        let (ty, init) = {
            let variable = &kernel.global_variables[variable];
            (variable.ty, variable.init)
        };
        let pointer = fresh
            .expressions
            .append(Expression::GlobalVariable(variable), Span::UNDEFINED);
        let value = match init {
            None => Expression::ZeroValue(ty),
            Some(init) => Expression::Constant(kernel.constants.append(
                naga::Constant {
                    name: None,
                    ty,
                    init,
                },
                Span::UNDEFINED,
            )),
        };
        let value = fresh.expressions.append(value, Span::UNDEFINED);
        fresh
            .body
            .push(Statement::Store { pointer, value }, Span::UNDEFINED);
    }
    fresh.body.push(
        Statement::Call {
            function,
            arguments: Vec::new(),
            result: None,
        },
        Span::UNDEFINED,
    );
    kernel.functions.append(fresh, Span::UNDEFINED)
}

/// Makes SPIR-V of a single source that has an entry point of its own: the probe.
pub fn compose_alone(name: &str, source: &str) -> Result<Vec<u32>, ComposeError> {
    let module = parse(name, source)?;
    emit(&module)
}

fn parse(name: &str, source: &str) -> Result<Module, ComposeError> {
    naga::front::wgsl::parse_str(source).map_err(|e| ComposeError::Parse {
        module: name.into(),
        text: e.emit_to_string(source),
    })
}

fn function_names(module: &Module) -> HashMap<String, Handle<naga::Function>> {
    module
        .functions
        .iter()
        .filter_map(|(h, f)| Some((f.name.clone()?, h)))
        .collect()
}

fn write(module: &Module, shape: KernelShape) -> Result<Vec<u32>, ComposeError> {
    let mut words = emit(module)?;
    let views = (0..2 * shape.segments)
        .map(|n| binding::SEGMENT + n)
        .collect::<Vec<_>>();
    alias(&mut words, &views);
    Ok(words)
}

/// What of naga a kernel may use.
fn validator() -> Validator {
    Validator::new(
        ValidationFlags::all(),
        Capabilities::SUBGROUP
            | Capabilities::IMMEDIATES
            | Capabilities::MEMORY_DECORATION_COHERENT
            | Capabilities::MEMORY_DECORATION_VOLATILE,
    )
}

fn emit(module: &Module) -> Result<Vec<u32>, ComposeError> {
    let info = validator()
        .validate(module)
        .map_err(|e| ComposeError::Invalid(e.emit_to_string("")))?;
    let options = naga::back::spv::Options {
        lang_version: (1, 3),
        flags: naga::back::spv::WriterFlags::empty(),
        // The accessors check what handlers do with buffers, and the core checks its own indices. Handlers' own arrays
        // have no other guard than this one, which takes an index beyond the end for the last.
        bounds_check_policies: naga::proc::BoundsCheckPolicies {
            index: naga::proc::BoundsCheckPolicy::Restrict,
            ..Default::default()
        },
        zero_initialize_workgroup_memory: naga::back::spv::ZeroInitializeWorkgroupMemoryMode::None,
        // Fuel bounds the handlers' loops.
        force_loop_bounding: false,
        ..Default::default()
    };
    naga::back::spv::write_vec(module, &info, &options, None)
        .map_err(|e| ComposeError::Write(e.to_string()))
}

const OP_DECORATE: u32 = 71;
const DECORATION_ALIASED: u32 = 20;
const DECORATION_BINDING: u32 = 33;

/// Decorates the variables at these bindings as Aliased: a segment is bound twice, once plain and once for atomics,
/// and without the decoration a driver may take for granted that they don't overlap. naga has no way to say so.
fn alias(words: &mut Vec<u32>, bindings: &[u32]) {
    let mut at = 5;
    let mut found = Vec::new();
    let mut first_decoration = None;
    while at < words.len() {
        let (length, opcode) = ((words[at] >> 16) as usize, words[at] & 0xffff);
        if opcode == OP_DECORATE {
            first_decoration.get_or_insert(at);
            if words[at + 2] == DECORATION_BINDING && bindings.contains(&words[at + 3]) {
                found.push(words[at + 1]);
            }
        }
        at += length;
    }
    let Some(at) = first_decoration else { return };
    let decorations = found
        .into_iter()
        .flat_map(|id| [3 << 16 | OP_DECORATE, id, DECORATION_ALIASED]);
    words.splice(at..at, decorations);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn shape(digests: bool) -> KernelShape {
        KernelShape {
            lanes: 8,
            segments: 2,
            lockstep: false,
            torn_records: false,
            digests,
            without: layout::Without::default(),
        }
    }

    /// Opcodes of SPIR-V.
    const OP_CONTROL_BARRIER: u32 = 224;
    const OP_MEMORY_BARRIER: u32 = 225;

    /// Neither the core nor a handler waits for other lanes where all take each step together; and no barrier gets lost.
    #[test]
    fn lanes_wait_for_each_other_only_where_they_can_get_apart() {
        let barriers = |lockstep| {
            let shape = KernelShape {
                lockstep,
                ..shape(false)
            };
            let words = compose(shape, &[standard::module()]).unwrap().spirv;
            let (mut waiting, mut fences) = (0, 0);
            let mut at = 5;
            while at < words.len() {
                match words[at] & 0xffff {
                    OP_CONTROL_BARRIER => waiting += 1,
                    OP_MEMORY_BARRIER => fences += 1,
                    _ => {}
                }
                at += (words[at] >> 16) as usize;
            }
            (waiting, fences)
        };
        let (all, none) = barriers(false);
        assert!(all != 0 && none == 0, "{all} and {none}");
        assert_eq!(barriers(true), (0, all));
    }

    /// What stands outside of the marked lines would be in every kernel.
    #[test]
    fn without_write_digests_a_kernel_has_nothing_of_them() {
        let hash: Vec<u32> = crate::ring::digest::constants()
            .filter(|(name, _)| name.starts_with("DIGEST_"))
            .map(|(_, value)| value)
            .filter(|value| value.count_ones() > 8)
            .collect();
        assert_eq!(hash.len(), 6);
        for digests in [false, true] {
            let shape = shape(digests);
            let spirv = compose(shape, &[standard::module()]).unwrap().spirv;
            let has = |value: &u32| spirv.contains(value);
            assert_eq!(hash.iter().any(has), digests, "a constant of the hash");
            assert_eq!(hash.iter().all(has), digests, "the constants of the hash");

            let mut names = Vec::new();
            for source in [
                prelude(shape),
                prelude(shape) + &source_for(shape, &standard::module().source),
            ] {
                let module = parse("it", &source).unwrap();
                names.extend(module.functions.iter().filter_map(|(_, f)| f.name.clone()));
                let variables = module.global_variables.iter();
                names.extend(variables.filter_map(|(_, v)| v.name.clone()));
                for (_, ty) in module.types.iter() {
                    if let naga::TypeInner::Struct { members, .. } = &ty.inner {
                        names.extend(members.iter().filter_map(|m| m.name.clone()));
                    }
                }
            }
            for word in ["digest", "salt", "rota_count", "order_dependent"] {
                let found = names.iter().any(|name| name.contains(word));
                assert_eq!(found, digests, "{word}");
            }
            let core = source_for(shape, include_str!("core.wgsl"));
            let code = core.lines().map(|l| l.split("//").next().unwrap());
            let found = code.filter(|l| l.contains("digest")).count();
            assert_eq!(found != 0, digests, "{found} lines of the core");
        }
    }

    /// A line of the one kind stands in for one of the other.
    #[test]
    fn with_write_digests_marked_lines_count_and_their_counterparts_do_not() {
        let source = "a\n  //digests: b\nc // without digests\nd // more";
        assert_eq!(source_for(shape(false), source), source);
        assert_eq!(source_for(shape(true), source), "a\n  b\n\nd // more\n");
    }

    /// A tenant's comment that looks like a marked line stays a comment.
    #[test]
    fn marked_lines_of_a_loaded_module_are_comments() {
        let module = HandlerModule {
            name: "mine".into(),
            source: "fn work() {\n//digests: this isn't WGSL\n}".into(),
            handlers: vec![Handler {
                entry: FIRST_LOADED,
                function: "work".into(),
                tiled: false,
                light: false,
            }],
            scratch: Scratch::None,
            short_tiles: false,
            nodes: 1,
        };
        compose(shape(true), &[standard::module(), module]).unwrap();
    }
}
