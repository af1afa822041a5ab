//! Writes a program as WGSL.
//!
//! A compiler evaluates what consists of constants, and refuses overflows and divisions by zero in it. Here they are
//! wanted: where all operands are constant, a variable that is zero goes in.

use std::fmt::Write;

use crate::ast::*;

/// The statements with which a handler resolves the buffers of a program, as `a` and `b`. Programs that share a handler
/// share these: a driver puts functions in line, and they are long.
pub fn resolving(program: &Program) -> String {
    let [a, b] = program.resolved.map(|(_, write)| match write {
        true => "buffer_mut",
        false => "buffer",
    });
    format!("    let a = {a}(arg(1u));\n    let b = {b}(arg(2u));\n")
}

/// The WGSL of a program: all its names begin with `prefix`; it is the function `<prefix>main`, which takes its buffers.
pub fn print(program: &Program, prefix: &str) -> String {
    let mut p = Printer {
        program,
        prefix,
        out: String::new(),
        indent: 0,
        zeros: [false; 5],
    };
    p.program();
    p.out
}

struct Printer<'a> {
    program: &'a Program,
    prefix: &'a str,
    out: String,
    indent: usize,
    /// Which zero variables the function at hand needs.
    zeros: [bool; 5],
}

/// Name, type and operator of the variables that make an expression not constant.
const ZEROS: [(&str, &str, &str); 5] = [
    ("zu", "u32", "+"),
    ("zi", "i32", "+"),
    ("zf", "f32", "+"),
    ("zb", "bool", "|"),
    ("zv", "vec4<u32>", "+"),
];

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.out.push_str("    ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn ty(&self, ty: &Ty) -> String {
        match ty {
            Ty::U32 => "u32".into(),
            Ty::I32 => "i32".into(),
            Ty::F32 => "f32".into(),
            Ty::Bool => "bool".into(),
            Ty::Vec4 => "vec4<u32>".into(),
            Ty::Array(of, n) => format!("array<{}, {n}>", self.ty(of)),
            Ty::Struct(s) => format!("{}S{s}", self.prefix),
            Ty::Buffer => "Buffer".into(),
        }
    }

    fn name(&self, v: VarId) -> String {
        match self.program.vars[v].kind {
            VarKind::Private => format!("{}v{v}", self.prefix),
            _ => format!("v{v}"),
        }
    }

    fn program(&mut self) {
        let program = self.program;
        for (s, members) in program.structs.iter().enumerate() {
            self.line(&format!("struct {}S{s} {{", self.prefix));
            for (m, ty) in members.iter().enumerate() {
                let ty = self.ty(ty);
                self.line(&format!("    m{m}: {ty},"));
            }
            self.line("}");
        }
        for (v, var) in program.vars.iter().enumerate() {
            if var.kind == VarKind::Private {
                let (name, ty) = (self.name(v), self.ty(&var.ty));
                let initial = match &var.initial {
                    Some(e) => format!(" = {}", self.expr(e).0),
                    None => String::new(),
                };
                self.line(&format!("var<private> {name}: {ty}{initial};"));
            }
        }
        for (n, f) in program.functions.iter().enumerate() {
            let params: Vec<String> = f
                .params
                .iter()
                .map(|&v| {
                    let ty = self.ty(&program.vars[v].ty);
                    match program.vars[v].kind {
                        VarKind::Pointer => format!("v{v}: ptr<function, {ty}>"),
                        _ => format!("v{v}: {ty}"),
                    }
                })
                .collect();
            let result = match &f.result {
                Some(ty) => format!(" -> {}", self.ty(ty)),
                None => String::new(),
            };
            let head = format!("fn {}f{n}({}){result} {{", self.prefix, params.join(", "));
            self.function(&head, &f.body);
        }
        let [(a, _), (b, _)] = program.resolved;
        let head = format!("fn {}main(v{a}: Buffer, v{b}: Buffer) {{", self.prefix);
        self.function(&head, &program.body);
    }

    fn function(&mut self, head: &str, body: &Block) {
        let before = std::mem::take(&mut self.out);
        self.zeros = [false; 5];
        self.indent = 1;
        self.block(body);
        self.indent = 0;
        let body = std::mem::replace(&mut self.out, before);
        self.line(head);
        for ((name, ty, _), used) in ZEROS.iter().zip(self.zeros) {
            if used {
                writeln!(self.out, "    var {name}: {ty};").unwrap();
            }
        }
        self.out.push_str(&body);
        self.line("}");
    }

    fn block(&mut self, block: &Block) {
        for s in block {
            self.stmt(s);
        }
    }

    fn inner(&mut self, block: &Block) {
        self.indent += 1;
        self.block(block);
        self.indent -= 1;
    }

    /// A statement that may stand in a `for`'s head.
    fn simple(&mut self, s: &Stmt) -> String {
        match s {
            Stmt::Assign(place, e) => {
                let place = self.place(place);
                format!("{place} = {}", self.expr(e).0)
            }
            Stmt::Update(place, op, e) => {
                let place = self.place(place);
                let e = self.right(*op, e).0;
                format!("{place} {}= {e}", op.text())
            }
            Stmt::Step(place, up) => {
                let place = self.place(place);
                format!("{place}{}", if *up { "++" } else { "--" })
            }
            s => unreachable!("{s:?}"),
        }
    }

    fn stmt(&mut self, s: &Stmt) {
        match s {
            Stmt::Declare(v, e) => {
                let ty = self.ty(&self.program.vars[*v].ty);
                match e {
                    Some(e) => {
                        let e = self.expr(e).0;
                        self.line(&format!("var v{v}: {ty} = {e};"));
                    }
                    None => self.line(&format!("var v{v}: {ty};")),
                }
            }
            Stmt::Let(v, e) => {
                // Compilers see constants through a let; not through a var.
                let constant = self.expr(e).1;
                let whole = matches!(self.program.type_of(e), Ty::Array(..) | Ty::Struct(_));
                let word = if constant && whole { "var" } else { "let" };
                let e = self.variable(e);
                self.line(&format!("{word} v{v} = {e};"));
            }
            Stmt::Assign(..) | Stmt::Update(..) | Stmt::Step(..) => {
                let text = self.simple(s);
                self.line(&format!("{text};"));
            }
            Stmt::If(condition, accept, reject) => {
                let condition = self.expr(condition).0;
                self.line(&format!("if ({condition}) {{"));
                self.inner(accept);
                if !reject.is_empty() {
                    self.line("} else {");
                    self.inner(reject);
                }
                self.line("}");
            }
            Stmt::Switch(e, cases) => {
                let signed = self.program.type_of(e) == Ty::I32;
                let e = self.expr(e).0;
                self.line(&format!("switch ({e}) {{"));
                self.indent += 1;
                for case in cases {
                    let selectors: Vec<String> = case
                        .selectors
                        .iter()
                        .map(|s| match s {
                            None => "default".into(),
                            Some(v) if signed => literal(Lit::I(*v as i32)),
                            Some(v) => literal(Lit::U(*v)),
                        })
                        .collect();
                    if case.selectors == [None] {
                        self.line("default: {");
                    } else {
                        self.line(&format!("case {}: {{", selectors.join(", ")));
                    }
                    self.inner(&case.body);
                    self.line("}");
                }
                self.indent -= 1;
                self.line("}");
            }
            Stmt::Loop {
                body,
                continuing,
                break_if,
                ..
            } => {
                self.line("loop {");
                self.inner(body);
                if !continuing.is_empty() || break_if.is_some() {
                    self.indent += 1;
                    self.line("continuing {");
                    self.inner(continuing);
                    if let Some(e) = break_if {
                        let e = self.expr(e).0;
                        self.line(&format!("    break if {e};"));
                    }
                    self.line("}");
                    self.indent -= 1;
                }
                self.line("}");
            }
            Stmt::For {
                var,
                start,
                condition,
                update,
                body,
                ..
            } => {
                let ty = self.ty(&self.program.vars[*var].ty);
                let start = self.expr(start).0;
                let condition = condition.as_ref().map_or(String::new(), |e| self.expr(e).0);
                let update = update.as_ref().map_or(String::new(), |s| self.simple(s));
                self.line(&format!(
                    "for (var v{var}: {ty} = {start}; {condition}; {update}) {{"
                ));
                self.inner(body);
                self.line("}");
            }
            Stmt::While {
                condition, body, ..
            } => {
                let condition = self.expr(condition).0;
                self.line(&format!("while ({condition}) {{"));
                self.inner(body);
                self.line("}");
            }
            Stmt::Block(body) => {
                self.line("{");
                self.inner(body);
                self.line("}");
            }
            Stmt::Break => self.line("break;"),
            Stmt::Continue => self.line("continue;"),
            Stmt::Return(None) => self.line("return;"),
            Stmt::Return(Some(e)) => {
                let e = self.expr(e).0;
                self.line(&format!("return {e};"));
            }
            Stmt::Do(e) => {
                let gives = match e {
                    Expr::Call(f, _) => self.program.functions[*f].result.is_some(),
                    Expr::Prelude(p, _) => p.result().is_some(),
                    _ => true,
                };
                let e = self.expr(e).0;
                self.line(&format!("{}{e};", if gives { "_ = " } else { "" }));
            }
            Stmt::Barrier => self.line("barrier();"),
            Stmt::ScratchInit => {
                for n in 0..OWN_SCRATCH {
                    self.line(&format!(
                        "scratch_store(lane() * {OWN_SCRATCH}u + {n}u, 0u);"
                    ));
                    self.line(&format!("scratch_store({}u, 0u);", SHARED_SCRATCH + n));
                }
            }
            Stmt::Collective(v, op, e) => {
                let e = self.expr(e).0;
                self.line(&format!("let v{v} = {}({e});", op.text()));
            }
        }
    }

    fn place(&mut self, place: &Place) -> String {
        let mut text = match self.program.vars[place.root].kind {
            VarKind::Pointer => format!("(*v{})", place.root),
            _ => self.name(place.root),
        };
        let mut at = Place::var(place.root);
        for step in &place.path {
            match step {
                Step::Member(m) => write!(text, ".m{m}").unwrap(),
                Step::Component(c) => write!(text, ".{}", component(*c)).unwrap(),
                Step::Index(e) => {
                    let length = match self.program.place_type(&at) {
                        Ty::Array(_, n) => n,
                        _ => 4,
                    };
                    let in_range = match e {
                        Expr::Lit(Lit::U(v)) => *v < length,
                        Expr::Lit(Lit::I(v)) => (*v as u32) < length,
                        _ => false,
                    };
                    let e = if in_range {
                        self.expr(e).0
                    } else {
                        self.variable(e)
                    };
                    write!(text, "[{e}]").unwrap();
                }
            }
            at.path.push(step.clone());
        }
        text
    }

    /// An expression that is not constant.
    fn variable(&mut self, e: &Expr) -> String {
        let (text, constant) = self.expr(e);
        if constant {
            self.with_zero(e, text)
        } else {
            text
        }
    }

    fn with_zero(&mut self, e: &Expr, text: String) -> String {
        let zero = match self.program.type_of(e) {
            Ty::U32 => 0,
            Ty::I32 => 1,
            Ty::F32 => 2,
            Ty::Bool => 3,
            Ty::Vec4 => 4,
            // Nothing is calculated with these.
            _ => return text,
        };
        self.zeros[zero] = true;
        format!("({text} {} {})", ZEROS[zero].2, ZEROS[zero].0)
    }

    /// The right operand of an operator; what a compiler refuses there as a constant isn't one.
    fn right(&mut self, op: Binary, e: &Expr) -> (String, bool) {
        let refused = match op {
            Binary::Div | Binary::Rem => !matches!(e, Expr::Lit(Lit::U(1..) | Lit::I(1..))),
            Binary::Shl | Binary::Shr => !matches!(e, Expr::Lit(Lit::U(0..32))),
            _ => false,
        };
        let (text, constant) = self.expr(e);
        // One constant component is enough for them.
        if refused && !matches!(e, Expr::Load(_)) {
            (self.with_zero(e, text), false)
        } else {
            (text, constant)
        }
    }

    /// Operands of which not all are constant.
    fn list(&mut self, parts: &[Expr]) -> String {
        let mut all_constant = true;
        let mut texts = Vec::new();
        for e in parts {
            let (text, constant) = self.expr(e);
            all_constant &= constant;
            texts.push(text);
        }
        if all_constant && !parts.is_empty() {
            texts[0] = self.variable(&parts[0]);
        }
        texts.join(", ")
    }

    /// The text, and whether it is constant.
    fn expr(&mut self, e: &Expr) -> (String, bool) {
        let text = match e {
            Expr::Lit(l) => return (literal(*l), true),
            Expr::Zero(ty) => return (format!("{}()", self.ty(ty)), true),
            Expr::Load(place) => self.place(place),
            Expr::Unary(op, e) => {
                let e = self.variable(e);
                let op = match op {
                    Unary::Negate => "-",
                    Unary::Not => "!",
                    Unary::Complement => "~",
                };
                format!("({op}{e})")
            }
            Expr::Binary(op, a, b) => {
                let (right, constant) = self.right(*op, b);
                let left = if constant {
                    self.variable(a)
                } else {
                    self.expr(a).0
                };
                format!("({left} {} {right})", op.text())
            }
            Expr::Select(parts) => format!("select({})", self.list(&parts[..])),
            Expr::SelectLess(parts) => {
                let [f, t, a, b] = &**parts;
                let (f, t) = (self.expr(f).0, self.expr(t).0);
                let a = self.variable(a);
                format!("select({f}, {t}, {a} < {})", self.expr(b).0)
            }
            Expr::Splat(e) => {
                let (e, constant) = self.expr(e);
                return (format!("vec4<u32>({e})"), constant);
            }
            Expr::Compose(ty, parts) => {
                let mut all_constant = true;
                let mut texts = Vec::new();
                for e in parts {
                    let (text, constant) = self.expr(e);
                    all_constant &= constant;
                    texts.push(text);
                }
                return (
                    format!("{}({})", self.ty(ty), texts.join(", ")),
                    all_constant,
                );
            }
            Expr::Component(e, c) => {
                format!("{}.{}", self.variable(e), component(*c))
            }
            Expr::Swizzle(e, order) => {
                let order: String = order.iter().map(|&c| component(c)).collect();
                format!("{}.{order}", self.variable(e))
            }
            Expr::Convert(ty, e) => format!("{}({})", self.ty(ty), self.variable(e)),
            Expr::Bitcast(ty, e) => format!("bitcast<{}>({})", self.ty(ty), self.variable(e)),
            Expr::Math(f, args) => format!("{}({})", f.text(), self.list(args)),
            Expr::Reduce(e) => format!("f32((i32({}) & 8191) - 4096)", self.variable(e)),
            Expr::At(spot, e) => self.at(*spot, e),
            Expr::Call(f, args) => {
                let args: Vec<String> = args
                    .iter()
                    .map(|arg| match arg {
                        Arg::Value(e) => self.expr(e).0,
                        // A pointer that came as a parameter is handed on as it is.
                        Arg::Pointer(v) if self.program.vars[*v].kind == VarKind::Pointer => {
                            format!("v{v}")
                        }
                        Arg::Pointer(v) => format!("&v{v}"),
                    })
                    .collect();
                format!("{}f{f}({})", self.prefix, args.join(", "))
            }
            Expr::Prelude(f, args) => self.prelude(*f, args),
        };
        (text, false)
    }

    fn at(&mut self, spot: Spot, e: &Expr) -> String {
        let e = self.variable(e);
        match (spot, self.program.tiled) {
            (Spot::Own(bytes), Some(Parting::Blocks(words))) => {
                let (n, shared) = (words * 4 / bytes, SHARED_BYTES / bytes);
                format!("({shared}u + (tile() * lanes() + lane()) * {n}u + {e} % {n}u)")
            }
            (Spot::Own(_), Some(Parting::Dealt(n))) => {
                format!("({e} % {n}u * (tiles() * lanes()) + tile() * lanes() + lane())")
            }
            (Spot::Own(_), None) => e,
            (Spot::OwnScratch, _) => format!("(lane() * {OWN_SCRATCH}u + {e} % {OWN_SCRATCH}u)"),
            (Spot::AnyScratch, _) => format!("({e} % (lanes() * {OWN_SCRATCH}u))"),
            (Spot::SharedScratch, _) => format!("({SHARED_SCRATCH}u + {e} % {OWN_SCRATCH}u)"),
            (Spot::Far, _) => format!("(0x40000000u + ({e} & 0xffffu))"),
            (Spot::Last, _) => format!("(0xffffff00u + ({e} & 0xffu))"),
        }
    }

    fn prelude(&mut self, f: Prelude, args: &[Expr]) -> String {
        let mut texts: Vec<String> = args.iter().map(|e| self.expr(e).0).collect();
        let name = match f {
            Prelude::Tile => "tile".into(),
            Prelude::Tiles => "tiles".into(),
            Prelude::Lane => "lane".into(),
            Prelude::Lanes => "lanes".into(),
            Prelude::Arg => "arg".into(),
            Prelude::Result => "result".into(),
            Prelude::ResultAdd => "result_add".into(),
            Prelude::ResultAdd64 => "result_add_64".into(),
            Prelude::ResultMax => "result_max".into(),
            Prelude::ResultMin => "result_min".into(),
            Prelude::Fail => "fail".into(),
            Prelude::Buffer => "buffer".into(),
            Prelude::BufferMut => "buffer_mut".into(),
            Prelude::Size => "size".into(),
            Prelude::CheckRange => "check_range".into(),
            Prelude::LoadBytes => "load_bytes".into(),
            Prelude::Load(Width::F32) => {
                return format!("bitcast<u32>(load_f32({}))", texts.join(", "))
            }
            Prelude::LoadVec4(w @ (Width::F32 | Width::I32)) => {
                return format!(
                    "bitcast<vec4<u32>>(load_vec4_{}({}))",
                    w.text(),
                    texts.join(", ")
                )
            }
            Prelude::Load(w) => format!("load_{}", w.text()),
            Prelude::LoadVec4(w) => format!("load_vec4_{}", w.text()),
            Prelude::Store(w) => {
                if w == Width::F32 {
                    texts[2] = format!("bitcast<f32>({})", self.variable(&args[2]));
                }
                format!("store_{}", w.text())
            }
            Prelude::StoreVec4(w) => {
                if matches!(w, Width::F32 | Width::I32) {
                    let value = self.variable(&args[2]);
                    texts[2] = format!("bitcast<vec4<{}>>({value})", w.text());
                }
                format!("store_vec4_{}", w.text())
            }
            Prelude::Atomic(a) => a.text().into(),
            Prelude::ScratchLoad => "scratch_load".into(),
            Prelude::ScratchStore => "scratch_store".into(),
            Prelude::ScratchAdd => "scratch_add".into(),
        };
        format!("{name}({})", texts.join(", "))
    }
}

fn component(c: u8) -> char {
    ['x', 'y', 'z', 'w'][usize::from(c)]
}

fn literal(l: Lit) -> String {
    match l {
        Lit::U(v) => format!("{v}u"),
        Lit::I(i32::MIN) => "i32(-2147483648)".into(),
        Lit::I(v) if v < 0 => format!("({v}i)"),
        Lit::I(v) => format!("{v}i"),
        Lit::F(v) if v < 0 => format!("({v}.0)"),
        Lit::F(v) => format!("{v}.0"),
        Lit::B(v) => format!("{v}"),
    }
}
