//! Verifies what a tenant brings, before it gets anywhere near the kernel.
//!
//! What a handler may do is decided here, on the IR, and not by what happens to go wrong later: it reaches memory through
//! the prelude's functions only, a `Buffer` can't be forged, lanes meet only where all of them come by, and nothing is so
//! large that a driver would choke on it. How far loops run is decided by fuel, when the handler runs.
//!
//! naga's parser and validator come first. Both recurse, so this runs on a stack of its own that is deep enough for the
//! longest statement that gets through.

use std::collections::HashMap;

use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{
    AddressSpace, Block, Expression, Function, GlobalVariable, Handle, Module, Span, Statement,
    Type, TypeInner,
};

use super::diagnostic::Place;
use super::{prelude, validator, Scratch};
use crate::error::Error;
use crate::ring::layout::{KernelShape, Without};

/// The most bytes of source.
pub const MOST_SOURCE_BYTES: usize = 256 << 10;
/// The most functions of a module.
pub const MOST_FUNCTIONS: usize = 256;
/// The most handlers of a module.
pub const MOST_HANDLERS: usize = 64;
/// The most expressions and statements of a handler, with all that it calls put in line, as drivers do.
pub const MOST_NODES: u64 = 1 << 14;
/// The same of all handlers of a module: it is about what a software driver compiles in ten seconds.
pub const MOST_MODULE_NODES: u64 = 1 << 15;
/// The most bytes of variables that a handler has, private and local, with those of all that it calls, and of values that
/// are indexed, which drivers put into memory. Software drivers turn each indexed access into a choice between all
/// elements, so that it counts as so many expressions.
pub const MOST_VARIABLE_BYTES: u64 = 4 << 10;
/// The largest array or struct as a value.
pub const MOST_VALUE_BYTES: u32 = 4 << 10;
/// How deep statements nest.
pub const MOST_NESTING: usize = 64;
/// The most tokens between two semicolons or braces: how deep an expression can be.
const MOST_TOKENS: usize = 1 << 14;
/// What constants may come to: each use of one is a copy of all that it is made of.
const MOST_CONSTANT_TOKENS: u64 = 1 << 18;
/// How deep brackets nest, of any kind.
const MOST_BRACKETS: usize = 128;
/// The longest name.
const MOST_NAME_BYTES: usize = 1 << 10;
const STACK_BYTES: usize = 256 << 20;

/// A handler that a module is to have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub function: String,
    pub tiled: bool,
}

/// What was found out about a module that is good.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    pub scratch: Scratch,
    /// Expressions and statements of its handlers, with all that they call put in line.
    pub nodes: u64,
}

/// Verifies a module. The error is `InvalidModule`, with what a compiler would print.
pub fn verify(label: &str, source: &str, handlers: &[Wanted]) -> Result<Facts, Error> {
    let place = Place {
        label,
        source,
        offset: 0,
    };
    let invalid = |text| Err(Error::InvalidModule { text });
    if source.len() > MOST_SOURCE_BYTES {
        return invalid(place.error(
            &format!(
                "the source has {} bytes, but a module may have at most {MOST_SOURCE_BYTES}",
                source.len()
            ),
            &[],
            &["split it into several modules, or bring tables in a buffer"],
        ));
    }
    if let Err(text) = scan(&place) {
        return invalid(text);
    }
    match on_deep_stack(|| check(label, source, handlers))? {
        Some(Ok(facts)) => Ok(facts),
        Some(Err(text)) => invalid(text),
        None => invalid(place.error(
            "the WGSL compiler failed on this module",
            &[],
            &["the source may have a construct that it doesn't know; take out parts to find which"],
        )),
    }
}

/// Runs what walks over a module on a stack that is deep enough for the longest statement, and gives nothing if it
/// panicked: the parser is another's code, and what it reads is a stranger's. Whatever happens there stays there.
pub fn on_deep_stack<T: Send>(run: impl FnOnce() -> T + Send) -> Result<Option<T>, Error> {
    let outcome = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("rota-compose".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, run)
            .map(|thread| thread.join())
    });
    match outcome {
        Ok(outcome) => Ok(outcome.ok()),
        Err(source) => Err(Error::System {
            what: "starting the thread that composes the kernel",
            source,
        }),
    }
}

// ------------------------------------------------------------------ the text

/// What can be told from the tokens alone: names that are the core's, and what could be too deep for a parser.
fn scan(place: &Place<'_>) -> Result<(), String> {
    let source = place.source;
    let mut at = 0;
    let (mut tokens, mut depth) = (0, 0usize);
    let mut constants = Constants::default();
    let none: &[&str] = &[];
    while let Some(c) = source[at..].chars().next() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest
                .find([
                    '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
                ])
                .unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            match comment_length(rest) {
                Some(length) => at += length,
                None => {
                    return Err(place.error_at(
                        "this comment has no end",
                        &[(at..at + 2, "starts here")],
                        &["close it with */ (comments nest)"],
                    ))
                }
            }
            continue;
        }
        let name: usize = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .map(char::len_utf8)
            .sum();
        if name != 0 {
            let word = &rest[..name];
            let span = at..at + name;
            if name > MOST_NAME_BYTES {
                return Err(place.error_at(
                    &format!("a name of {name} bytes is too long"),
                    &[(span, "")],
                    &[format!("names may have up to {MOST_NAME_BYTES} bytes")],
                ));
            }
            if is_cores(word) {
                return Err(place.error_at(
                    &format!("the name '{word}' is the kernel's own"),
                    &[(span, "can't be used here")],
                    &["names that start with rota_, ROTA_ or Rota are kept for the kernel; what a handler can use is in docs/handlers.md"],
                ));
            }
            constants.word(word, at);
            at += name;
            tokens += 1;
        } else {
            if c == '(' {
                constants.bracket();
            }
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MOST_BRACKETS {
                return Err(place.error_at(
                    &format!("brackets nest deeper than {MOST_BRACKETS}"),
                    &[(at..at + c.len_utf8(), "here")],
                    none,
                ));
            }
            if matches!(c, ';' | '{' | '}') {
                if c == ';' {
                    constants.end();
                }
                tokens = 0;
            } else if !c.is_whitespace() {
                tokens += 1;
            }
            at += c.len_utf8();
        }
        if tokens > MOST_TOKENS {
            return Err(place.error_at(
                &format!("a statement has more than {MOST_TOKENS} tokens"),
                &[(at..at, "up to here")],
                &["bring large tables in a buffer"],
            ));
        }
    }
    if let Some((word, at)) = constants.excess() {
        return Err(place.error_at(
            "the constants of this module are too large, all uses taken together",
            &[(at..at + word.len(), "up to here")],
            &["each use of a constant copies all that it is made of; bring large tables in a buffer"],
        ));
    }
    Ok(())
}

/// What one constant is made of.
#[derive(Default)]
struct Made<'a> {
    parts: Vec<&'a str>,
    /// It is put together of its parts, which operators alone don't do.
    composed: bool,
}

/// What the constants of a module are made of. They may stand in any order.
#[derive(Default)]
struct Constants<'a> {
    made: HashMap<&'a str, Made<'a>>,
    /// The words outside of constants, and where they are.
    used: Vec<(&'a str, usize)>,
    /// The constant being declared.
    name: Option<&'a str>,
    declares: bool,
}

impl<'a> Constants<'a> {
    fn word(&mut self, word: &'a str, at: usize) {
        if std::mem::take(&mut self.declares) {
            self.name = Some(word);
            self.used.push((word, at));
            // Of two of one name in different functions the sum counts.
            self.made.entry(word).or_default();
        } else if let Some(name) = self.name {
            self.made.entry(name).or_default().parts.push(word);
        } else {
            self.declares = word == "const";
            self.used.push((word, at));
        }
    }

    fn bracket(&mut self) {
        if let Some(made) = self.name.and_then(|name| self.made.get_mut(name)) {
            made.composed = true;
        }
    }

    fn end(&mut self) {
        self.name = None;
    }

    /// How large each constant is, in words.
    fn weights(&self) -> HashMap<&'a str, u64> {
        let mut weights: HashMap<&str, u64> = HashMap::new();
        let mut left: Vec<(&str, bool)> = self.made.keys().map(|name| (*name, false)).collect();
        while let Some((name, parts_done)) = left.pop() {
            let Made { parts, composed } = &self.made[name];
            if parts_done {
                let each = parts
                    .iter()
                    .map(|part| weights.get(*part).copied().unwrap_or(1));
                let weight = match composed {
                    true => each.fold(1, u64::saturating_add),
                    false => each.max().unwrap_or(1),
                };
                weights.insert(name, weight);
            } else if !weights.contains_key(name) {
                // Of a circle, which the compiler refuses, the first one weighs nothing meanwhile.
                weights.insert(name, 1);
                left.push((name, true));
                let unknown =
                    |part: &&&str| self.made.contains_key(*part) && !weights.contains_key(*part);
                left.extend(parts.iter().filter(unknown).map(|part| (*part, false)));
            }
        }
        weights
    }

    /// Where the sum over all uses exceeds what is allowed.
    fn excess(&self) -> Option<(&'a str, usize)> {
        let weights = self.weights();
        let mut total = 0u64;
        self.used.iter().copied().find(|(word, _)| {
            total = total.saturating_add(weights.get(word).copied().unwrap_or(0));
            total > MOST_CONSTANT_TOKENS
        })
    }
}

/// The length of the comment that the text starts with; None if it has no end.
fn comment_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (1, 2);
    while depth != 0 {
        match (bytes.get(at)?, bytes.get(at + 1)?) {
            (b'/', b'*') => (depth, at) = (depth + 1, at + 2),
            (b'*', b'/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    Some(at)
}

/// Whether a name is kept for the kernel.
fn is_cores(name: &str) -> bool {
    let after = name.strip_prefix("Rota").and_then(|n| n.chars().next());
    name.starts_with("rota_") || name.starts_with("ROTA_") || after.is_some_and(char::is_uppercase)
}

// ------------------------------------------------------------------ the IR

/// All checks of a module whose text was scanned.
fn check(label: &str, source: &str, handlers: &[Wanted]) -> Result<Facts, String> {
    // What is checked is the same for every shape.
    let before = prelude(KernelShape {
        lanes: 8,
        segments: 1,
        lockstep: false,
        torn_records: false,
        digests: false,
        without: Without::default(),
    });
    let place = Place {
        label,
        source,
        offset: before.len(),
    };
    let text = before + source;
    let module = naga::front::wgsl::parse_str(&text).map_err(|e| {
        let labels: Vec<_> = e.labels().map(|(s, t)| (s, t.to_string())).collect();
        if hides(&place, &labels) && !e.message().contains("too large") {
            return place.error(HIDES, &[], &[HIDES_HELP]);
        }
        let mut help: Vec<_> = e.notes().map(str::to_string).collect();
        let message = e.message();
        help.extend(advice(message).map(str::to_string));
        place.error(message, &labels, &help)
    })?;
    let checker = Checker::new(place, &module);
    // Before the validator, whose words on these are meant for others.
    checker.globals()?;
    let info = validator().validate(&module).map_err(|e| {
        let labels: Vec<_> = e.spans().cloned().collect();
        if hides(&place, &labels) {
            return place.error(HIDES, &[], &[HIDES_HELP]);
        }
        let mut what = e.as_inner().to_string();
        let mut cause = std::error::Error::source(e.as_inner());
        while let Some(e) = cause {
            what = format!("{what}: {e}");
            cause = e.source();
        }
        let help: Vec<_> = advice(&what).into_iter().collect();
        place.error(&what, &labels, &help)
    })?;
    checker.functions(&info, handlers)
}

/// Whether all that an error is about is in the prelude, which is good by itself.
fn hides(place: &Place<'_>, labels: &[(Span, String)]) -> bool {
    !labels.is_empty() && labels.iter().all(|(span, _)| place.own(*span).is_none())
}

const HIDES: &str = "a declaration of this module hides a name of WGSL that the prelude needs";
const HIDES_HELP: &str = "give other names to functions, types and constants that are called like WGSL's own, such as max, vec4, u32 or atomicAdd";

/// What to do about some errors of naga's.
fn advice(message: &str) -> Option<&'static str> {
    let about = |words: &[&str]| words.iter().any(|w| message.contains(w));
    if about(&["directive", "enable", "extension"]) {
        Some("a module stands behind the prelude, so it can't have directives; 16- and 64-bit types aren't there")
    } else if about(&["redefinition"]) {
        Some("the prelude's functions and types are listed in docs/handlers.md")
    } else if about(&["recursive", "cyclic"]) {
        Some("a handler can't recurse: use a loop, and an array as the stack")
    } else if about(&["no definition in scope", "unknown identifier"]) {
        Some("what a handler can call is in docs/handlers.md")
    } else {
        None
    }
}

struct Checker<'a> {
    place: Place<'a>,
    module: &'a Module,
    /// The prelude's type of that name.
    buffer: Option<Handle<Type>>,
}

/// What a function comes to, with all that it calls.
#[derive(Clone, Copy, Default)]
struct Sums {
    nodes: u64,
    bytes: u64,
    /// Its lanes meet in it.
    meets: bool,
    scratch: bool,
}

/// What the statements so far have done.
#[derive(Default)]
struct Walk {
    nodes: u64,
    bytes: u64,
    meets: bool,
    scratch: bool,
    may_return: Option<Span>,
}

const MEETING_HELP: &str = "barrier() and subgroup functions are for places that all lanes of a tile come by: the top level of a tiled handler, or of a function called there, before any return";

impl<'a> Checker<'a> {
    fn new(place: Place<'a>, module: &'a Module) -> Self {
        let buffer = module
            .types
            .iter()
            .find(|(_, t)| t.name.as_deref() == Some("Buffer"))
            .map(|(h, _)| h);
        Self {
            place,
            module,
            buffer,
        }
    }

    fn error<T>(&self, what: &str, at: Span, label: &str, help: &str) -> Result<T, String> {
        let help: &[&str] = if help.is_empty() { &[] } else { &[help] };
        Err(self.place.error(what, &[(at, label.into())], help))
    }

    fn is_own(&self, span: Span) -> bool {
        self.place.own(span).is_some()
    }

    /// Module scope.
    fn globals(&self) -> Result<(), String> {
        let module = self.module;
        for (handle, global) in module.global_variables.iter() {
            let span = module.global_variables.get_span(handle);
            if !self.is_own(span) || global.space == AddressSpace::Private {
                continue;
            }
            let (what, help) = match (global.space, global.binding) {
                (AddressSpace::WorkGroup, _) => (
                    "a handler can't have workgroup variables of its own",
                    "use scratch_load and scratch_store: 2,048 words that the lanes of a tile share",
                ),
                (AddressSpace::Handle, _) => (
                    "a handler can't have textures or samplers",
                    "bring the data in a buffer",
                ),
                _ => (
                    "a handler can't bind memory by itself",
                    "pass buffers by handle in a job's arguments, and resolve them by buffer(arg(i)) or buffer_mut(arg(i))",
                ),
            };
            return self.error(what, span, "declared here", help);
        }
        if let Some((handle, _)) = module.overrides.iter().next() {
            let span = module.overrides.get_span(handle);
            return self.error(
                "a handler can't have overrides",
                span,
                "declared here",
                "use a const, or pass it in a job's arguments",
            );
        }
        if let Some(entry) = module.entry_points.first() {
            let at = self.place.source.find(&format!("fn {}", entry.name));
            let labels: Vec<_> = at
                .map(|at| (at..at + 2, "declared here"))
                .into_iter()
                .collect();
            return Err(self.place.error_at(
                &format!("'{}' is an entry point, but a module brings handlers", entry.name),
                &labels,
                &["take out @compute and @workgroup_size, and name the function in the module's list of handlers"],
            ));
        }
        for (handle, expression) in module.global_expressions.iter() {
            let span = module.global_expressions.get_span(handle);
            if let Expression::Compose { ty, .. } = expression {
                if self.is_own(span) && Some(*ty) == self.buffer {
                    return self.forged(span);
                }
            }
        }
        Ok(())
    }

    fn forged<T>(&self, at: Span) -> Result<T, String> {
        self.error(
            "a Buffer can't be made by hand, and its fields have no names",
            at,
            "here",
            "get it from buffer(handle) or buffer_mut(handle), and its length from size(b)",
        )
    }

    fn functions(&self, info: &ModuleInfo, handlers: &[Wanted]) -> Result<Facts, String> {
        let module = self.module;
        let own: Vec<_> = module
            .functions
            .iter()
            .filter(|(h, _)| self.is_own(module.functions.get_span(*h)))
            .collect();
        if own.len() > MOST_FUNCTIONS {
            let span = module.functions.get_span(own[MOST_FUNCTIONS].0);
            return self.error(
                &format!("a module may have at most {MOST_FUNCTIONS} functions"),
                span,
                "one too many",
                "",
            );
        }
        let mut private = 0;
        for (handle, global) in module.global_variables.iter() {
            let span = module.global_variables.get_span(handle);
            if self.is_own(span) {
                private += self.bytes(global.ty, span)?;
            }
        }
        // Callees come before their callers.
        let mut sums: HashMap<Handle<Function>, Sums> = HashMap::new();
        for (handle, function) in own.iter().copied() {
            self.types(function, module.functions.get_span(handle))?;
        }
        for (handle, function) in module.functions.iter() {
            let span = module.functions.get_span(handle);
            let walked = if self.is_own(span) {
                self.function(function, &info[handle], &sums)?
            } else {
                self.trusted(function, &sums)
            };
            sums.insert(handle, walked);
        }
        let mut scratch = Scratch::None;
        let mut handled = HashMap::new();
        for wanted in handlers {
            let found = own
                .iter()
                .find(|(_, f)| f.name.as_deref() == Some(wanted.function.as_str()));
            let Some(&(handle, function)) = found else {
                let mut there: Vec<_> = own
                    .iter()
                    .filter(|(_, f)| f.arguments.is_empty() && f.result.is_none())
                    .filter_map(|(_, f)| f.name.clone())
                    .collect();
                there.sort();
                return Err(self.place.error_at(
                    &format!("there is no function '{}' for a handler", wanted.function),
                    &[],
                    &[format!(
                        "functions that could be handlers: {}",
                        if there.is_empty() {
                            "none".into()
                        } else {
                            there.join(", ")
                        }
                    )],
                ));
            };
            let span = module.functions.get_span(handle);
            if !function.arguments.is_empty() || function.result.is_some() {
                return self.error(
                    &format!(
                        "a handler has no parameters and no result, but '{}' has",
                        wanted.function
                    ),
                    span,
                    "this function",
                    "read a job's arguments by arg(i), and answer by result(i, v)",
                );
            }
            let sums = sums[&handle];
            if sums.meets && !wanted.tiled {
                return self.error(
                    &format!(
                        "the lanes meet in '{}', but a scalar handler has just one",
                        wanted.function
                    ),
                    span,
                    "this function or one that it calls has a barrier or a subgroup function",
                    "make it a tiled handler",
                );
            }
            if sums.scratch && !wanted.tiled {
                return self.error(
                    &format!(
                        "'{}' uses scratch, which scalar handlers don't have",
                        wanted.function
                    ),
                    span,
                    "this function or one that it calls has a scratch function",
                    "make it a tiled handler, or use a variable: a scalar job is one lane's",
                );
            }
            if sums.bytes + private > MOST_VARIABLE_BYTES {
                return self.error(
                    &format!(
                        "'{}' has {} bytes of variables, with those of the module and of all that it calls, but at most {MOST_VARIABLE_BYTES} are allowed",
                        wanted.function,
                        sums.bytes + private
                    ),
                    span,
                    "this function",
                    "use a buffer, or scratch",
                );
            }
            if sums.nodes > MOST_NODES {
                return self.error(
                    &format!(
                        "'{}' has {} expressions and statements, with all that it calls put in line, but at most {MOST_NODES} are allowed",
                        wanted.function, sums.nodes
                    ),
                    span,
                    "this function",
                    "drivers put every call in line: call large functions at one place, from a loop",
                );
            }
            if sums.scratch && wanted.tiled {
                scratch = Scratch::Read;
            }
            handled.insert((handle, wanted.tiled), sums.nodes);
        }
        let nodes = handled.values().sum();
        if nodes > MOST_MODULE_NODES {
            return Err(self.place.error_at(
                &format!(
                    "the module's handlers have {nodes} expressions and statements, with all that they call put in line, but at most {MOST_MODULE_NODES} are allowed"
                ),
                &[],
                &["split it into several modules"],
            ));
        }
        Ok(Facts { scratch, nodes })
    }

    /// That a function has to do with numbers only, and with what is made of them.
    fn types(&self, function: &Function, at: Span) -> Result<(), String> {
        let arguments = function.arguments.iter().map(|a| a.ty);
        let locals = function.local_variables.iter().map(|(_, l)| l.ty);
        let mut left: Vec<_> = arguments.chain(locals).collect();
        left.extend(function.result.as_ref().map(|r| r.ty));
        while let Some(ty) = left.pop() {
            match &self.module.types[ty].inner {
                TypeInner::Array { base, .. } | TypeInner::Pointer { base, .. } => left.push(*base),
                TypeInner::Struct { members, .. } => left.extend(members.iter().map(|m| m.ty)),
                TypeInner::Scalar(_)
                | TypeInner::Vector { .. }
                | TypeInner::Matrix { .. }
                | TypeInner::Atomic(_)
                | TypeInner::ValuePointer { .. } => {}
                _ => {
                    return self.error(
                        "a handler can't have textures, samplers or ray queries",
                        at,
                        "this function has one",
                        "bring the data in a buffer",
                    )
                }
            }
        }
        Ok(())
    }

    /// Bytes of a variable.
    fn bytes(&self, ty: Handle<Type>, at: Span) -> Result<u64, String> {
        match self.module.types[ty].inner.try_size(self.module.to_ctx()) {
            Some(bytes) => Ok(bytes.into()),
            None => self.error("this variable is too large", at, "here", "use a buffer"),
        }
    }

    /// What one of the prelude's functions comes to.
    fn trusted(&self, function: &Function, sums: &HashMap<Handle<Function>, Sums>) -> Sums {
        let mut total = Sums {
            nodes: function.expressions.len() as u64,
            ..Sums::default()
        };
        for (_, local) in function.local_variables.iter() {
            let size = self.module.types[local.ty]
                .inner
                .try_size(self.module.to_ctx());
            total.bytes += u64::from(size.unwrap_or(0));
        }
        let name = function.name.as_deref().unwrap_or("");
        total.scratch = name.starts_with("scratch_");
        total.meets = name == "barrier";
        count(&function.body, sums, &mut total);
        total
    }

    fn function(
        &self,
        function: &Function,
        info: &FunctionInfo,
        sums: &HashMap<Handle<Function>, Sums>,
    ) -> Result<Sums, String> {
        let mut walk = Walk {
            nodes: function.expressions.len() as u64,
            ..Walk::default()
        };
        for (handle, local) in function.local_variables.iter() {
            let span = function.local_variables.get_span(handle);
            walk.bytes += self.bytes(local.ty, span)?;
        }
        for (handle, expression) in function.expressions.iter() {
            let span = function.expressions.get_span(handle);
            self.expression(expression, span, handle, info)?;
            let (nodes, bytes) = self.choices(expression, info);
            walk.nodes += nodes;
            walk.bytes += bytes;
        }
        self.block(&function.body, sums, &mut walk, 0, true)?;
        Ok(Sums {
            nodes: walk.nodes,
            bytes: walk.bytes,
            meets: walk.meets,
            scratch: walk.scratch,
        })
    }

    fn expression(
        &self,
        expression: &Expression,
        span: Span,
        handle: Handle<Expression>,
        info: &FunctionInfo,
    ) -> Result<(), String> {
        let is_buffer = |ty: Handle<Type>| Some(ty) == self.buffer;
        // A composite as a value: each driver keeps it where it likes.
        let size = info[handle]
            .ty
            .inner_with(&self.module.types)
            .try_size(self.module.to_ctx());
        if size.is_none_or(|bytes| bytes > MOST_VALUE_BYTES) {
            return self.error(
                &format!("a value may have at most {MOST_VALUE_BYTES} bytes"),
                span,
                "this one is larger",
                "index the variable instead of loading all of it, or use a buffer",
            );
        }
        match expression {
            Expression::Compose { ty, .. } if is_buffer(*ty) => self.forged(span),
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => {
                let resolution = &info[*base].ty;
                let of_buffer = match resolution.inner_with(&self.module.types) {
                    TypeInner::Pointer { base, .. } => is_buffer(*base),
                    _ => resolution.handle().is_some_and(is_buffer),
                };
                if of_buffer {
                    return self.forged(span);
                }
                Ok(())
            }
            Expression::GlobalVariable(global) => self.global(*global, span),
            Expression::Derivative { .. } => self.error(
                "derivatives are for fragment shaders",
                span,
                "here",
                "compute the difference from neighbouring elements",
            ),
            _ => Ok(()),
        }
    }

    /// What an indexed access comes to: a choice between all elements, and of a value the memory that it is put into.
    fn choices(&self, expression: &Expression, info: &FunctionInfo) -> (u64, u64) {
        let Expression::Access { base, .. } = expression else {
            return (0, 0);
        };
        let of = info[*base].ty.inner_with(&self.module.types);
        let (array, is_value) = match of {
            TypeInner::Pointer { base, .. } => (&self.module.types[*base].inner, false),
            value => (value, true),
        };
        let TypeInner::Array { stride, .. } = array else {
            return (0, 0);
        };
        let bytes = u64::from(array.try_size(self.module.to_ctx()).unwrap_or(u32::MAX));
        let elements = bytes / u64::from((*stride).max(1));
        (elements, if is_value { bytes } else { 0 })
    }

    /// The second guard behind `scan`: a name of the kernel's own can't be reached however it is spelled.
    fn global(&self, global: Handle<GlobalVariable>, at: Span) -> Result<(), String> {
        if self.is_own(self.module.global_variables.get_span(global)) {
            return Ok(());
        }
        self.error("this variable is the kernel's own", at, "here", "")
    }

    fn block(
        &self,
        block: &Block,
        sums: &HashMap<Handle<Function>, Sums>,
        walk: &mut Walk,
        depth: usize,
        straight: bool,
    ) -> Result<(), String> {
        for (statement, &span) in block.span_iter() {
            walk.nodes += 1;
            if depth > MOST_NESTING {
                return self.error(
                    &format!("statements nest deeper than {MOST_NESTING}"),
                    span,
                    "here",
                    "move the inner part into a function",
                );
            }
            let inner = |block: &Block, walk: &mut Walk, straight| {
                self.block(block, sums, walk, depth + 1, straight)
            };
            match statement {
                Statement::Block(b) => inner(b, walk, straight)?,
                Statement::If { accept, reject, .. } => {
                    inner(accept, walk, false)?;
                    inner(reject, walk, false)?;
                }
                Statement::Switch { cases, .. } => {
                    for case in cases {
                        inner(&case.body, walk, false)?;
                    }
                }
                Statement::Loop {
                    body, continuing, ..
                } => {
                    inner(body, walk, false)?;
                    inner(continuing, walk, false)?;
                }
                Statement::Return { .. } => walk.may_return = Some(span),
                Statement::Call { function, .. } => {
                    let own = self.is_own(self.module.functions.get_span(*function));
                    let name = self.module.functions[*function].name.as_deref().unwrap_or("");
                    if !own && is_cores(name) {
                        return self.error(
                            &format!("the function '{name}' is the kernel's own"),
                            span,
                            "called here",
                            "",
                        );
                    }
                    let called = sums.get(function).copied().unwrap_or_default();
                    walk.nodes = walk.nodes.saturating_add(called.nodes);
                    walk.bytes = walk.bytes.saturating_add(called.bytes);
                    walk.scratch |= called.scratch;
                    if called.meets {
                        self.meeting(span, straight, walk)?;
                    }
                }
                Statement::SubgroupBallot { .. }
                | Statement::SubgroupGather { .. }
                | Statement::SubgroupCollectiveOperation { .. } => {
                    self.meeting(span, straight, walk)?
                }
                Statement::ControlBarrier(_)
                | Statement::MemoryBarrier(_)
                | Statement::WorkGroupUniformLoad { .. } => {
                    return self.error(
                        "this barrier is not for handlers",
                        span,
                        "here",
                        "use barrier(), at which all lanes of the tile meet and see each other's stores",
                    )
                }
                Statement::Kill => {
                    return self.error("there is nothing to discard in a handler", span, "here", "return")
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Lanes meet here.
    fn meeting(&self, at: Span, straight: bool, walk: &mut Walk) -> Result<(), String> {
        walk.meets = true;
        if !straight {
            return self.error(
                "the lanes of a tile can't meet here: some may not come by",
                at,
                "inside an if, a switch or a loop",
                MEETING_HELP,
            );
        }
        if let Some(returned) = walk.may_return {
            return Err(self.place.error(
                "the lanes of a tile can't meet here: some may have returned",
                &[
                    (returned, "a lane may leave here".into()),
                    (at, "so that it doesn't come here".into()),
                ],
                &[MEETING_HELP],
            ));
        }
        Ok(())
    }
}

/// Adds what a block of the prelude comes to.
fn count(block: &Block, sums: &HashMap<Handle<Function>, Sums>, total: &mut Sums) {
    for statement in block.iter() {
        total.nodes += 1;
        match statement {
            Statement::Block(b) => count(b, sums, total),
            Statement::If { accept, reject, .. } => {
                count(accept, sums, total);
                count(reject, sums, total);
            }
            Statement::Switch { cases, .. } => {
                cases.iter().for_each(|case| count(&case.body, sums, total))
            }
            Statement::Loop {
                body, continuing, ..
            } => {
                count(body, sums, total);
                count(continuing, sums, total);
            }
            Statement::Call { function, .. } => {
                let called = sums.get(function).copied().unwrap_or_default();
                total.nodes += called.nodes;
                total.bytes += called.bytes;
            }
            _ => {}
        }
    }
}
