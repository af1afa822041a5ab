//! Makes a program from a seed.
//!
//! A program may do whatever it likes with its numbers. What it must not do is what has no defined outcome: races
//! between lanes (see `Spot` and `Role`), f32 that aren't exact, aliased pointers.

use crate::ast::*;
use crate::random::Random;

/// The program of that seed.
pub fn generate(seed: u64) -> Program {
    let mut r = Random::new(seed);
    // Few tiled ones: they are not the only program of a handler, and lanes are slow to interpret.
    let tiled = r.percent(25).then(|| {
        if r.percent(60) {
            Parting::Blocks(4 * (1 + r.below(2)))
        } else {
            Parting::Dealt(1 + r.below(4))
        }
    });
    let mut g = Generator {
        dealt: *r.pick(&[1, 1, 2, 2, 4, 8, 16]),
        sums: r.percent(50),
        in_index: false,
        modes: [Mode::Free; 2],
        budget: 20 + r.below(90) as i32,
        r,
        p: Program {
            seed,
            tiled,
            structs: Vec::new(),
            vars: Vec::new(),
            functions: Vec::new(),
            resolved: [(0, false); 2],
            body: Vec::new(),
        },
        scope: Vec::new(),
        scratch: Scratch::No,
    };
    g.program();
    g.p.meter();
    g.p
}

/// How a program uses one of its results.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Anything but the minimum: a scalar program.
    Free,
    /// A number that all lanes set alike.
    Set(u32),
    Add,
    Add64,
    Max,
    Min,
}

/// What the phase between two barriers may do with scratch memory.
#[derive(Clone, Copy, PartialEq)]
enum Scratch {
    No,
    Write,
    Read,
}

/// Where a statement stands.
#[derive(Clone)]
struct Where {
    can_break: bool,
    can_continue: bool,
    returns: Returns,
    loops: u32,
    /// How deep in blocks.
    depth: u32,
}

#[derive(Clone)]
enum Returns {
    No,
    Nothing,
    A(Ty),
}

struct Generator {
    r: Random,
    p: Program,
    scope: Vec<VarId>,
    budget: i32,
    scratch: Scratch,
    modes: [Mode; 2],
    /// Element size of a dealt buffer.
    dealt: u32,
    /// Whether tiled results are sums where they can be.
    sums: bool,
    in_index: bool,
}

/// The most that an f32 in a variable can be, and the most that is still exact.
const SMALL: u32 = 4096;
const EXACT: u32 = 1 << 24;

impl Generator {
    // ------------------------------------------------------------ the whole

    fn program(&mut self) {
        let tiled = self.p.tiled.is_some();
        self.modes = if tiled {
            if self.r.percent(15) {
                [Mode::Add64; 2]
            } else {
                [self.mode(), self.mode()]
            }
        } else {
            let min = self.r.percent(20);
            [Mode::Free, if min { Mode::Min } else { Mode::Free }]
        };
        for _ in 0..self.r.below(3) {
            let members = (0..2 + self.r.below(3)).map(|_| self.member()).collect();
            self.p.structs.push(members);
        }
        let mut privates = Vec::new();
        for _ in 0..self.r.below(4) {
            let ty = self.ty(!tiled);
            let initial =
                (!holds_buffer(&self.p, &ty) && self.r.percent(60)).then(|| self.constant(&ty));
            let v = self.var(ty, VarKind::Private, Role::Any);
            self.p.vars[v].initial = initial;
            privates.push(v);
        }
        for _ in 0..self.r.below(4) {
            self.scope.clone_from(&privates);
            let f = self.function();
            self.p.functions.push(f);
        }
        self.scope = privates;
        let (a, b) = (self.r.percent(95), !tiled && self.r.percent(85));
        self.p.resolved = [(a, Role::Parted), (b, Role::Shared)].map(|(write, role)| {
            let role = if tiled { role } else { Role::Any };
            let v = self.var(Ty::Buffer, VarKind::Value, role);
            self.scope.push(v);
            (v, write)
        });
        let mut body = Vec::new();
        let mut at = Where {
            can_break: false,
            can_continue: false,
            returns: Returns::Nothing,
            loops: 0,
            depth: 0,
        };
        if tiled && self.r.percent(60) {
            at.returns = Returns::No;
            self.phases(&mut body, &at);
            at.returns = Returns::Nothing;
        }
        let count = 2 + self.r.below(4);
        let looping = self.r.below(2 * count);
        for n in 0..count {
            if n == looping {
                self.a_loop(&mut body, &at);
            }
            self.stmt(&mut body, &at);
        }
        self.observe(&mut body);
        self.p.body = body;
    }

    fn mode(&mut self) -> Mode {
        let word = self.r.word();
        if self.sums {
            return Mode::Add;
        }
        *self
            .r
            .pick(&[Mode::Set(word), Mode::Add, Mode::Max, Mode::Min])
    }

    /// The part of a tiled program that has barriers.
    fn phases(&mut self, body: &mut Block, at: &Where) {
        body.push(Stmt::ScratchInit);
        body.push(Stmt::Barrier);
        for n in 0..1 + self.r.below(3) {
            self.scratch = if n % 2 == 0 {
                Scratch::Write
            } else {
                Scratch::Read
            };
            for _ in 0..1 + self.r.below(3) {
                self.stmt(body, at);
            }
            if self.r.percent(50) {
                // What a let is made of may not change between lanes' ways: any u32 will do.
                let e = self.expr(&Ty::U32, 2);
                let op = *self.r.pick(&[
                    Collective::Add,
                    Collective::Max,
                    Collective::Min,
                    Collective::Or,
                    Collective::BroadcastFirst,
                ]);
                let v = self.var(Ty::U32, VarKind::Let, Role::Any);
                body.push(Stmt::Collective(v, op, e));
                self.scope.push(v);
            }
            if self.r.percent(20) {
                let f = self.p.functions.len();
                self.p.functions.push(Function {
                    params: Vec::new(),
                    result: None,
                    body: vec![Stmt::Barrier],
                    collective: true,
                });
                body.push(Stmt::Do(Expr::Call(f, Vec::new())));
            } else {
                body.push(Stmt::Barrier);
            }
        }
        self.scratch = Scratch::Read;
        for _ in 0..2 {
            let e = self.expr(&Ty::U32, 2);
            let index = self.scratch_index();
            let sum = Expr::binary(
                Binary::Add,
                Expr::Prelude(Prelude::ScratchLoad, vec![index]),
                e,
            );
            self.keep(body, sum);
        }
    }

    /// Adds what a program calculated to its results.
    fn observe(&mut self, body: &mut Block) {
        let mut sum = Expr::u(17);
        for v in self.scope.clone() {
            let ty = self.p.vars[v].ty.clone();
            for (path, ty) in self.paths(&ty) {
                if self.r.percent(40) {
                    let path = path.into_iter().map(|s| self.step(s, true)).collect();
                    let e = Expr::Load(Place { root: v, path });
                    let e = match ty {
                        Ty::U32 => e,
                        Ty::Vec4 => Expr::Math(Math::Dot, vec![e.clone(), e]),
                        Ty::F32 => Expr::Bitcast(Ty::U32, Box::new(Expr::Reduce(Box::new(e)))),
                        Ty::I32 | Ty::Bool => Expr::Convert(Ty::U32, Box::new(e)),
                        _ => continue,
                    };
                    let times = Expr::binary(Binary::Mul, sum, Expr::u(31));
                    sum = Expr::binary(Binary::Xor, times, e);
                }
            }
        }
        self.keep(body, sum);
    }

    /// A statement that lets the outside see a number.
    fn keep(&mut self, body: &mut Block, e: Expr) {
        let i = self.r.below(2);
        let s = self.result(i, e);
        body.push(s);
    }

    fn result(&mut self, i: u32, e: Expr) -> Stmt {
        let (f, args) = match self.modes[i as usize] {
            Mode::Free => {
                let f = *self.r.pick(&[
                    Prelude::Result,
                    Prelude::ResultAdd,
                    Prelude::ResultAdd,
                    Prelude::ResultMax,
                ]);
                (f, vec![Expr::u(i), e])
            }
            Mode::Set(v) => (Prelude::Result, vec![Expr::u(i), Expr::u(v)]),
            Mode::Add => (Prelude::ResultAdd, vec![Expr::u(i), e]),
            Mode::Max => (Prelude::ResultMax, vec![Expr::u(i), e]),
            Mode::Min => (Prelude::ResultMin, vec![Expr::u(i), e]),
            Mode::Add64 => (Prelude::ResultAdd64, vec![e, Expr::u(i)]),
        };
        Stmt::Do(Expr::Prelude(f, args))
    }

    fn function(&mut self) -> Function {
        let before = self.scope.len();
        let mut params = Vec::new();
        for _ in 0..self.r.below(4) {
            let (ty, kind, role) = match self.r.below(10) {
                0..=2 => (self.ty(false), VarKind::Pointer, Role::Any),
                3..=4 if self.p.tiled.is_some() => {
                    let role = *self.r.pick(&[Role::Parted, Role::Shared]);
                    (Ty::Buffer, VarKind::Value, role)
                }
                3..=4 => (Ty::Buffer, VarKind::Value, Role::Any),
                _ => (self.ty(false), VarKind::Value, Role::Any),
            };
            let v = self.var(ty, kind, role);
            params.push(v);
            self.scope.push(v);
        }
        let result = self.r.percent(75).then(|| self.ty(false));
        let at = Where {
            can_break: false,
            can_continue: false,
            returns: result.clone().map_or(Returns::Nothing, Returns::A),
            loops: 1,
            depth: 1,
        };
        let mut body = Vec::new();
        for _ in 0..1 + self.r.below(4) {
            self.stmt(&mut body, &at);
        }
        if let Some(ty) = &result {
            let e = self.expr(ty, 2);
            body.push(Stmt::Return(Some(e)));
        }
        self.scope.truncate(before);
        Function {
            params,
            result,
            body,
            collective: false,
        }
    }

    // ------------------------------------------------------------ types and variables

    fn var(&mut self, ty: Ty, kind: VarKind, role: Role) -> VarId {
        self.p.vars.push(Var {
            ty,
            kind,
            role,
            assignable: matches!(kind, VarKind::Var | VarKind::Private | VarKind::Pointer)
                && role == Role::Any,
            initial: None,
        });
        self.p.vars.len() - 1
    }

    fn scalar(&mut self) -> Ty {
        match self.r.below(10) {
            0..=4 => Ty::U32,
            5..=6 => Ty::I32,
            7 => Ty::F32,
            8 => Ty::Bool,
            _ => Ty::Vec4,
        }
    }

    fn member(&mut self) -> Ty {
        match self.r.below(10) {
            0..=1 => Ty::Array(Box::new(self.scalar()), 2 + self.r.below(3)),
            2 if self.p.tiled.is_none() => Ty::Buffer,
            _ => self.scalar(),
        }
    }

    fn ty(&mut self, buffers: bool) -> Ty {
        let ty = match self.r.below(20) {
            0..=2 => Ty::Array(Box::new(self.scalar()), 2 + self.r.below(6)),
            3 if buffers => Ty::Array(Box::new(Ty::Buffer), 2),
            4..=5 if !self.p.structs.is_empty() => {
                Ty::Struct(self.r.below(self.p.structs.len() as u32) as usize)
            }
            6 if !self.p.structs.is_empty() => {
                let s = self.r.below(self.p.structs.len() as u32) as usize;
                Ty::Array(Box::new(Ty::Struct(s)), 2)
            }
            7 if buffers => Ty::Buffer,
            _ => self.scalar(),
        };
        if !buffers && holds_buffer(&self.p, &ty) {
            return Ty::U32;
        }
        ty
    }

    /// All ways into a value of that type, with the types they lead to.
    fn paths(&self, ty: &Ty) -> Vec<(Vec<Way>, Ty)> {
        let mut all = vec![(Vec::new(), ty.clone())];
        let mut inner = |way: Way, ty: &Ty| {
            for (mut path, ty) in self.paths(ty) {
                path.insert(0, way);
                all.push((path, ty));
            }
        };
        match ty {
            Ty::Vec4 => {
                inner(Way::Component, &Ty::U32);
                inner(Way::Index(4), &Ty::U32);
            }
            Ty::Array(of, n) => inner(Way::Index(*n), of),
            Ty::Struct(s) => {
                for (m, ty) in self.p.structs[*s].iter().enumerate() {
                    inner(Way::Member(m), ty);
                }
            }
            _ => {}
        }
        all
    }

    fn step(&mut self, way: Way, plain: bool) -> Step {
        match way {
            Way::Member(m) => Step::Member(m),
            Way::Component => Step::Component(self.r.below(4) as u8),
            Way::Index(n) if plain || self.in_index || self.r.percent(40) => {
                Step::Index(Expr::u(self.r.below(n)))
            }
            Way::Index(n) => {
                // Indices in indices in indices: one is enough.
                self.in_index = true;
                let e = match self.r.below(6) {
                    0 => self.expr(&Ty::I32, 1),
                    1..=2 => self.expr(&Ty::U32, 1),
                    _ => {
                        let e = self.expr(&Ty::U32, 1);
                        Expr::binary(Binary::Rem, e, Expr::u(n))
                    }
                };
                self.in_index = false;
                Step::Index(e)
            }
        }
    }

    /// A visible place of that type.
    fn place(&mut self, ty: &Ty, write: bool) -> Option<Place> {
        let mut found = Vec::new();
        for &v in &self.scope {
            if write && !self.p.vars[v].assignable {
                continue;
            }
            let var = self.p.vars[v].ty.clone();
            for (path, leads_to) in self.paths(&var) {
                if leads_to == *ty {
                    found.push((v, path));
                }
            }
        }
        if found.is_empty() {
            return None;
        }
        // Late ones are the nearest; they are looked at more often.
        let n = found.len() as u32;
        let i = self.r.below(n).max(self.r.below(n)) as usize;
        let (root, path) = found.swap_remove(i);
        let path = path.into_iter().map(|w| self.step(w, false)).collect();
        Some(Place { root, path })
    }

    fn buffer(&mut self, role: Role) -> Option<Expr> {
        if role == Role::Any {
            return self.place(&Ty::Buffer, false).map(Expr::Load);
        }
        let visible: Vec<VarId> = self
            .scope
            .iter()
            .copied()
            .filter(|&v| self.p.vars[v].role == role)
            .collect();
        if visible.is_empty() {
            return None;
        }
        Some(Expr::var(*self.r.pick(&visible)))
    }

    // ------------------------------------------------------------ expressions

    fn literal(&mut self, ty: &Ty) -> Option<Lit> {
        Some(match ty {
            Ty::U32 => Lit::U(self.r.word()),
            Ty::I32 => Lit::I(self.r.word() as i32),
            Ty::F32 => Lit::F(self.r.below(33) as i32 - 16),
            Ty::Bool => Lit::B(self.r.percent(50)),
            _ => return None,
        })
    }

    fn constant(&mut self, ty: &Ty) -> Expr {
        if let Some(l) = self.literal(ty) {
            return Expr::Lit(l);
        }
        let parts: Vec<Ty> = match ty {
            Ty::Vec4 => vec![Ty::U32; 4],
            Ty::Array(of, n) => vec![(**of).clone(); *n as usize],
            Ty::Struct(s) => self.p.structs[*s].clone(),
            ty => unreachable!("{ty:?}"),
        };
        Expr::Compose(ty.clone(), parts.iter().map(|t| self.constant(t)).collect())
    }

    fn expr(&mut self, ty: &Ty, depth: u32) -> Expr {
        self.budget -= 1;
        let leaf = depth == 0 || self.budget <= 0;
        if *ty == Ty::F32 {
            return self.small_float(depth);
        }
        if self.r.percent(if leaf { 75 } else { 25 }) {
            if let Some(place) = self.place(ty, false) {
                return Expr::Load(place);
            }
        }
        if !leaf && self.r.percent(8) {
            if let Some(e) = self.call(Some(ty)) {
                return e;
            }
        }
        match ty {
            Ty::U32 if leaf => self.number(),
            Ty::U32 => self.u32(depth - 1),
            Ty::I32 if leaf => Expr::Lit(self.literal(ty).unwrap()),
            Ty::I32 => self.i32(depth - 1),
            Ty::Bool if leaf => Expr::Lit(self.literal(ty).unwrap()),
            Ty::Bool => self.bool(depth - 1),
            Ty::Vec4 if leaf => Expr::Splat(Box::new(self.number())),
            Ty::Vec4 => self.vec4(depth - 1),
            Ty::Buffer => match self.buffer(Role::Any) {
                Some(b) => b,
                None => resolved(1 + self.r.below(2), self.r.percent(80)),
            },
            Ty::Array(..) | Ty::Struct(_) => {
                if !holds_buffer(&self.p, ty) && self.r.percent(20) {
                    return Expr::Zero(ty.clone());
                }
                let parts: Vec<Ty> = match ty {
                    Ty::Array(of, n) => vec![(**of).clone(); *n as usize],
                    Ty::Struct(s) => self.p.structs[*s].clone(),
                    _ => unreachable!(),
                };
                let depth = depth.min(1);
                Expr::Compose(
                    ty.clone(),
                    parts.iter().map(|t| self.expr(t, depth)).collect(),
                )
            }
            Ty::F32 => unreachable!(),
        }
    }

    /// A u32 from nowhere.
    fn number(&mut self) -> Expr {
        let f = match self.r.below(12) {
            0..=2 => {
                // Handles are not numbers that an interpreter knows.
                let i = match self.r.below(9) {
                    8 => 10 + self.r.below(3),
                    i => 3 + i.min(6),
                };
                return Expr::Prelude(Prelude::Arg, vec![Expr::u(i)]);
            }
            3 => Prelude::Lane,
            4 => Prelude::Tile,
            5 => Prelude::Tiles,
            6 => Prelude::Lanes,
            _ => return Expr::u(self.r.word()),
        };
        Expr::Prelude(f, Vec::new())
    }

    fn two(&mut self, ty: &Ty, depth: u32) -> (Box<Expr>, Box<Expr>) {
        (
            Box::new(self.expr(ty, depth)),
            Box::new(self.expr(ty, depth)),
        )
    }

    fn select(&mut self, ty: &Ty, depth: u32) -> Expr {
        let (f, t) = self.two(ty, depth);
        let condition = self.expr(&Ty::Bool, depth);
        Expr::Select(Box::new([*f, *t, condition]))
    }

    fn shift(&mut self, depth: u32) -> Box<Expr> {
        let e = self.expr(&Ty::U32, depth);
        Box::new(if self.r.percent(50) {
            Expr::binary(Binary::And, e, Expr::u(31))
        } else {
            e
        })
    }

    fn integer_op(&mut self) -> Binary {
        use Binary::*;
        *self.r.pick(&[Add, Add, Sub, Mul, Div, Rem, And, Or, Xor])
    }

    fn u32(&mut self, depth: u32) -> Expr {
        let ty = Ty::U32;
        match self.r.below(24) {
            0..=6 => {
                let op = self.integer_op();
                let (a, b) = self.two(&ty, depth);
                Expr::Binary(op, a, b)
            }
            7..=8 => {
                let op = *self.r.pick(&[Binary::Shl, Binary::Shr]);
                let a = self.expr(&ty, depth);
                Expr::Binary(op, Box::new(a), self.shift(depth))
            }
            9 => Expr::Unary(Unary::Complement, Box::new(self.expr(&ty, depth))),
            10 => self.select(&ty, depth),
            11 => {
                let c = self.r.below(4) as u8;
                Expr::Component(Box::new(self.expr(&Ty::Vec4, depth)), c)
            }
            12 => {
                let from = self.r.pick(&[Ty::I32, Ty::Bool]).clone();
                Expr::Convert(ty, Box::new(self.expr(&from, depth)))
            }
            13 => {
                let (e, _) = self.float(depth, EXACT);
                Expr::Convert(ty, Box::new(e))
            }
            14 => {
                let e = self.small_float(depth);
                Expr::Bitcast(ty, Box::new(Expr::Reduce(Box::new(e))))
            }
            15 => {
                let (a, b) = self.two(&Ty::Vec4, depth);
                Expr::Math(Math::Dot, vec![*a, *b])
            }
            16..=17 => self.integer_math(&ty, depth),
            18 => match self.buffer_for_size() {
                Some(b) => Expr::Prelude(Prelude::Size, vec![b]),
                None => self.number(),
            },
            19 => match self.scratch {
                Scratch::No => self.number(),
                _ => {
                    let index = self.scratch_index();
                    if self.scratch == Scratch::Write && self.r.percent(30) {
                        let v = self.expr(&ty, depth);
                        Expr::Prelude(Prelude::ScratchAdd, vec![index, v])
                    } else {
                        Expr::Prelude(Prelude::ScratchLoad, vec![index])
                    }
                }
            },
            20..=22 => self.load(&ty, depth),
            _ => self.atomic(false, depth),
        }
    }

    fn integer_math(&mut self, ty: &Ty, depth: u32) -> Expr {
        let f = *self.r.pick(&[
            Math::Min,
            Math::Max,
            Math::CountOneBits,
            Math::ReverseBits,
            Math::FirstLeadingBit,
            Math::FirstTrailingBit,
            Math::CountLeadingZeros,
            Math::CountTrailingZeros,
            Math::ExtractBits,
            Math::InsertBits,
        ]);
        let mut args = vec![self.expr(ty, depth)];
        match f {
            Math::Min | Math::Max => args.push(self.expr(ty, depth)),
            Math::ExtractBits => {
                args.push(*self.shift(0));
                args.push(*self.shift(0));
            }
            Math::InsertBits if *ty == Ty::U32 => {
                args.push(self.expr(ty, depth));
                args.push(*self.shift(0));
                args.push(*self.shift(0));
            }
            Math::InsertBits => return Expr::Math(Math::Abs, args),
            _ => {}
        }
        Expr::Math(f, args)
    }

    fn i32(&mut self, depth: u32) -> Expr {
        let ty = Ty::I32;
        match self.r.below(16) {
            0..=5 => {
                let op = self.integer_op();
                let (a, b) = self.two(&ty, depth);
                Expr::Binary(op, a, b)
            }
            6..=7 => {
                let op = *self.r.pick(&[Binary::Shl, Binary::Shr]);
                let a = self.expr(&ty, depth);
                Expr::Binary(op, Box::new(a), self.shift(depth))
            }
            8 => {
                let op = *self.r.pick(&[Unary::Negate, Unary::Complement]);
                Expr::Unary(op, Box::new(self.expr(&ty, depth)))
            }
            9 => self.select(&ty, depth),
            10 => {
                let from = self.r.pick(&[Ty::U32, Ty::Bool]).clone();
                Expr::Convert(ty, Box::new(self.expr(&from, depth)))
            }
            11 => {
                let (e, _) = self.float(depth, EXACT);
                Expr::Convert(ty, Box::new(e))
            }
            12 => Expr::Bitcast(ty, Box::new(self.expr(&Ty::U32, depth))),
            13 => self.integer_math(&ty, depth),
            14 => self.load(&ty, depth),
            _ => self.atomic(true, depth),
        }
    }

    fn bool(&mut self, depth: u32) -> Expr {
        let ty = Ty::Bool;
        match self.r.below(12) {
            0..=5 => {
                use Binary::*;
                let op = *self.r.pick(&[Eq, Ne, Lt, Le, Gt, Ge]);
                let of = self.r.pick(&[Ty::U32, Ty::U32, Ty::I32, Ty::F32]).clone();
                let (a, b) = self.two(&of, depth);
                Expr::Binary(op, a, b)
            }
            6..=7 => {
                let op = *self.r.pick(&[Binary::AndAlso, Binary::OrElse]);
                let (a, b) = self.two(&ty, depth);
                Expr::Binary(op, a, b)
            }
            8 => {
                use Binary::*;
                let op = *self.r.pick(&[And, Or, Eq, Ne]);
                let (a, b) = self.two(&ty, depth);
                Expr::Binary(op, a, b)
            }
            9 => Expr::Unary(Unary::Not, Box::new(self.expr(&ty, depth))),
            10 => {
                let from = self.r.pick(&[Ty::U32, Ty::I32]).clone();
                Expr::Convert(ty, Box::new(self.expr(&from, depth)))
            }
            _ => match self.buffer_for_size() {
                // Mostly in range.
                Some(b) => {
                    let width = *self.r.pick(&[1, 2, 4, 16]);
                    let first = self.masked(3);
                    let count = self.masked(1);
                    Expr::Prelude(Prelude::CheckRange, vec![b, first, count, Expr::u(width)])
                }
                None => Expr::Lit(Lit::B(true)),
            },
        }
    }

    fn masked(&mut self, mask: u32) -> Expr {
        let e = self.expr(&Ty::U32, 1);
        if self.r.percent(10) {
            return e;
        }
        Expr::binary(Binary::And, e, Expr::u(mask))
    }

    fn vec4(&mut self, depth: u32) -> Expr {
        let ty = Ty::Vec4;
        match self.r.below(14) {
            0..=3 => {
                let op = self.integer_op();
                let (a, b) = self.two(&ty, depth);
                Expr::Binary(op, a, b)
            }
            4 => {
                let op = *self.r.pick(&[Binary::Shl, Binary::Shr]);
                let (a, b) = self.two(&ty, depth);
                Expr::Binary(op, a, b)
            }
            5 => Expr::Unary(Unary::Complement, Box::new(self.expr(&ty, depth))),
            6 => self.select(&ty, depth),
            7 => {
                let (f, t) = self.two(&ty, depth);
                let (a, b) = self.two(&ty, depth);
                Expr::SelectLess(Box::new([*f, *t, *a, *b]))
            }
            8 => Expr::Splat(Box::new(self.expr(&Ty::U32, depth))),
            9 => {
                let order = [0; 4].map(|_: u8| self.r.below(4) as u8);
                Expr::Swizzle(Box::new(self.expr(&ty, depth)), order)
            }
            10 => {
                let f = *self.r.pick(&[Math::Min, Math::Max]);
                let (a, b) = self.two(&ty, depth);
                Expr::Math(f, vec![*a, *b])
            }
            11..=12 => self.load(&ty, depth),
            _ => {
                let parts = (0..4).map(|_| self.expr(&Ty::U32, depth.min(1))).collect();
                Expr::Compose(ty, parts)
            }
        }
    }

    /// An f32 that may be kept: small.
    fn small_float(&mut self, depth: u32) -> Expr {
        let (e, most) = self.float(depth, EXACT);
        if most <= SMALL {
            e
        } else {
            Expr::Reduce(Box::new(e))
        }
    }

    /// An f32 of at most `limit`, whatever its sign, and the most that it can be.
    fn float(&mut self, depth: u32, limit: u32) -> (Expr, u32) {
        self.budget -= 1;
        let leaf = depth == 0 || self.budget <= 0;
        if limit >= SMALL && self.r.percent(if leaf { 60 } else { 20 }) {
            if let Some(place) = self.place(&Ty::F32, false) {
                return (Expr::Load(place), SMALL);
            }
        }
        let which = if leaf { 0 } else { self.r.below(9) };
        match which {
            1..=2 if limit >= 255 => {
                let e = self.expr(&Ty::U32, depth - 1);
                let e = Expr::binary(Binary::And, e, Expr::u(255));
                (Expr::Convert(Ty::F32, Box::new(e)), 255)
            }
            3..=4 if limit >= 2 => {
                let op = *self.r.pick(&[Binary::Add, Binary::Sub]);
                let (a, most_a) = self.float(depth - 1, limit / 2);
                let (b, most_b) = self.float(depth - 1, limit / 2);
                (Expr::binary(op, a, b), most_a + most_b)
            }
            5 if limit >= SMALL => {
                let root = limit.isqrt();
                let (a, most_a) = self.float(depth - 1, root);
                let (b, most_b) = self.float(depth - 1, root);
                (Expr::binary(Binary::Mul, a, b), most_a * most_b)
            }
            6 => {
                let (e, most) = self.float(depth - 1, limit);
                (Expr::Unary(Unary::Negate, Box::new(e)), most)
            }
            7 => {
                let f = *self.r.pick(&[Math::Min, Math::Max]);
                let (a, most_a) = self.float(depth - 1, limit);
                let (b, most_b) = self.float(depth - 1, limit);
                (Expr::Math(f, vec![a, b]), most_a.max(most_b))
            }
            8 => {
                let e = self.expr(&Ty::Bool, depth - 1);
                (Expr::Convert(Ty::F32, Box::new(e)), 1)
            }
            _ => {
                let v = self.r.below(33.min(2 * limit + 1)) as i32 - 16.min(limit as i32);
                (Expr::Lit(Lit::F(v)), v.unsigned_abs().max(1))
            }
        }
    }

    // ------------------------------------------------------------ buffers and scratch

    fn buffer_for_size(&mut self) -> Option<Expr> {
        let role = self.role();
        self.buffer(role)
    }

    fn role(&mut self) -> Role {
        match self.p.tiled {
            None => Role::Any,
            Some(_) => *self.r.pick(&[Role::Parted, Role::Shared]),
        }
    }

    /// The role of a buffer that is written to; now and then it can't be.
    fn written(&mut self) -> Role {
        match self.p.tiled {
            Some(_) if self.r.percent(95) => Role::Parted,
            _ => self.role(),
        }
    }

    /// An index into a buffer of that role, of elements of so many bytes; None if the buffer is dealt otherwise.
    fn index(&mut self, role: Role, bytes: u32) -> Option<Expr> {
        if role == Role::Parted {
            if let Some(Parting::Dealt(_)) = self.p.tiled {
                if bytes != self.dealt {
                    return None;
                }
            }
        }
        let e = self.expr(&Ty::U32, 1);
        Some(match self.r.below(40) {
            0 => Expr::At(Spot::Far, Box::new(e)),
            1 => Expr::At(Spot::Last, Box::new(e)),
            _ if role == Role::Parted => Expr::At(Spot::Own(bytes), Box::new(e)),
            2..=5 => e,
            _ => {
                let mask = *self.r.pick(&[1, 3, 3, 7, 15]);
                Expr::binary(Binary::And, e, Expr::u(mask))
            }
        })
    }

    fn load(&mut self, ty: &Ty, _depth: u32) -> Expr {
        let role = self.role();
        let Some(buffer) = self.buffer(role) else {
            return self.constant(ty);
        };
        let vector = *ty == Ty::Vec4;
        if !vector && *ty == Ty::U32 && role != Role::Parted && self.r.percent(20) {
            let e = self.masked(63);
            return Expr::Prelude(Prelude::LoadBytes, vec![buffer, e]);
        }
        let width = match ty {
            Ty::I32 => Width::I32,
            Ty::U32 => *self
                .r
                .pick(&[Width::U8, Width::U16, Width::U32, Width::F32]),
            _ => *self.r.pick(&Width::ALL),
        };
        let bytes = width.bytes() * if vector { 4 } else { 1 };
        let Some(index) = self.index(role, bytes) else {
            return self.constant(ty);
        };
        let f = if vector {
            Prelude::LoadVec4(width)
        } else {
            Prelude::Load(width)
        };
        Expr::Prelude(f, vec![buffer, index])
    }

    fn atomic(&mut self, signed: bool, depth: u32) -> Expr {
        let role = self.written();
        let ty = if signed { Ty::I32 } else { Ty::U32 };
        let (Some(buffer), Some(index)) = (self.buffer(role), self.index(role, 4)) else {
            return self.constant(&ty);
        };
        let ops: Vec<Atomic> = Atomic::ALL
            .into_iter()
            .filter(|a| a.signed() == signed)
            .collect();
        let op = *self.r.pick(&ops);
        let mut args = vec![buffer, index, self.expr(&ty, depth.min(1))];
        if op == Atomic::CompareExchange {
            args.push(self.expr(&ty, depth.min(1)));
        }
        Expr::Prelude(Prelude::Atomic(op), args)
    }

    fn store(&mut self) -> Option<Stmt> {
        let role = self.written();
        let buffer = self.buffer(role)?;
        let mut width = *self.r.pick(&Width::ALL);
        let mut vector = self.r.percent(30);
        if role == Role::Parted && matches!(self.p.tiled, Some(Parting::Dealt(_))) {
            (width, vector) = match self.dealt {
                1 => (Width::U8, false),
                2 => (Width::U16, false),
                4 if self.r.percent(50) => (Width::U8, true),
                4 => (Width::U32, false),
                8 => (Width::U16, true),
                _ => (Width::F32, true),
            };
        }
        let index = self.index(role, width.bytes() * if vector { 4 } else { 1 })?;
        Some(Stmt::Do(if vector {
            let v = self.expr(&Ty::Vec4, 2);
            Expr::Prelude(Prelude::StoreVec4(width), vec![buffer, index, v])
        } else {
            let ty = if width == Width::I32 {
                Ty::I32
            } else {
                Ty::U32
            };
            let v = self.expr(&ty, 2);
            Expr::Prelude(Prelude::Store(width), vec![buffer, index, v])
        }))
    }

    /// An atomic on a word that all lanes share: of one kind a word, and nobody looks at the old value.
    fn shared_atomic(&mut self) -> Option<Stmt> {
        let Some(Parting::Blocks(_)) = self.p.tiled else {
            return None;
        };
        let buffer = self.buffer(Role::Parted)?;
        let word = self.r.below(4);
        let op = [Atomic::Add, Atomic::Or, Atomic::Max, Atomic::Xor][word as usize];
        let v = self.expr(&Ty::U32, 2);
        Some(Stmt::Do(Expr::Prelude(
            Prelude::Atomic(op),
            vec![buffer, Expr::u(word), v],
        )))
    }

    fn scratch_index(&mut self) -> Expr {
        let e = Box::new(self.expr(&Ty::U32, 1));
        let spot = match self.r.below(20) {
            0 => Spot::Far,
            1..=4 if self.scratch == Scratch::Read => Spot::SharedScratch,
            _ if self.scratch == Scratch::Read => Spot::AnyScratch,
            _ => Spot::OwnScratch,
        };
        Expr::At(spot, e)
    }

    fn scratch_stmt(&mut self) -> Option<Stmt> {
        if self.scratch != Scratch::Write {
            return None;
        }
        let v = self.expr(&Ty::U32, 2);
        Some(Stmt::Do(if self.r.percent(40) {
            // Many lanes add to one word, and nobody looks before the next barrier.
            let e = Box::new(self.expr(&Ty::U32, 1));
            Expr::Prelude(
                Prelude::ScratchAdd,
                vec![Expr::At(Spot::SharedScratch, e), v],
            )
        } else {
            let index = self.scratch_index();
            Expr::Prelude(Prelude::ScratchStore, vec![index, v])
        }))
    }

    // ------------------------------------------------------------ calls

    /// A call of a function that gives that type; None: of any.
    fn call(&mut self, ty: Option<&Ty>) -> Option<Expr> {
        let fit: Vec<usize> = (0..self.p.functions.len())
            .filter(|&f| {
                let f = &self.p.functions[f];
                !f.collective && (ty.is_none() || f.result.as_ref() == ty)
            })
            .collect();
        if fit.is_empty() || self.budget <= 0 {
            return None;
        }
        let f = *self.r.pick(&fit);
        let mut args = Vec::new();
        let mut taken = Vec::new();
        for v in self.p.functions[f].params.clone() {
            let (ty, role) = (self.p.vars[v].ty.clone(), self.p.vars[v].role);
            args.push(match self.p.vars[v].kind {
                VarKind::Pointer => {
                    // No two pointers to one variable.
                    let fit: Vec<VarId> = self
                        .scope
                        .iter()
                        .copied()
                        .filter(|v| {
                            let var = &self.p.vars[*v];
                            var.ty == ty
                                && var.assignable
                                && matches!(var.kind, VarKind::Var | VarKind::Pointer)
                                && !taken.contains(v)
                        })
                        .collect();
                    if fit.is_empty() {
                        return None;
                    }
                    let v = *self.r.pick(&fit);
                    taken.push(v);
                    Arg::Pointer(v)
                }
                _ if role != Role::Any => Arg::Value(self.buffer(role)?),
                _ => Arg::Value(self.expr(&ty, 1)),
            });
        }
        Some(Expr::Call(f, args))
    }

    // ------------------------------------------------------------ statements

    fn block(&mut self, at: &Where, most: u32) -> Block {
        let before = self.scope.len();
        let mut block = Vec::new();
        let at = Where {
            depth: at.depth + 1,
            ..at.clone()
        };
        for _ in 0..1 + self.r.below(most) {
            self.stmt(&mut block, &at);
        }
        if self.r.percent(15) {
            self.end(&mut block, &at);
        }
        self.scope.truncate(before);
        block
    }

    /// A statement that leaves.
    fn end(&mut self, block: &mut Block, at: &Where) {
        let mut ways = Vec::new();
        if at.can_break {
            ways.push(0);
        }
        if at.can_continue {
            ways.push(1);
        }
        if !matches!(at.returns, Returns::No) && at.depth > 0 {
            ways.push(2);
        }
        if ways.is_empty() {
            return;
        }
        let s = match *self.r.pick(&ways) {
            0 => Stmt::Break,
            1 => Stmt::Continue,
            _ => match at.returns.clone() {
                Returns::A(ty) => Stmt::Return(Some(self.expr(&ty, 2))),
                _ => Stmt::Return(None),
            },
        };
        block.push(s);
    }

    fn stmt(&mut self, block: &mut Block, at: &Where) {
        self.budget -= 2;
        let deep = at.depth >= 5 || self.budget <= 0;
        let which = self.r.below(if deep { 60 } else { 100 });
        match which {
            0..=16 => self.declare(block),
            17..=31 => self.assign(block),
            32..=41 => {
                let s = match self.r.below(10) {
                    0..=2 => self.shared_atomic().or_else(|| self.store()),
                    3..=5 => self.scratch_stmt().or_else(|| self.store()),
                    6 => Some(Stmt::Do(self.atomic(false, 1))),
                    _ => self.store(),
                };
                if let Some(s) = s {
                    // Where there is no buffer a number came instead.
                    if !matches!(s, Stmt::Do(Expr::Lit(_))) {
                        block.push(s);
                    }
                }
            }
            42..=47 => {
                let i = self.r.below(2);
                let e = self.expr(&Ty::U32, 3);
                let s = if self.modes[0] == Mode::Free
                    && self.modes[1] == Mode::Free
                    && self.r.percent(15)
                {
                    let high = self.expr(&Ty::U32, 1);
                    Stmt::Do(Expr::Prelude(Prelude::ResultAdd64, vec![e, high]))
                } else {
                    self.result(i, e)
                };
                block.push(s);
            }
            48..=53 => {
                if let Some(e) = self.call(None) {
                    block.push(Stmt::Do(e));
                }
            }
            54 => {
                let e = self.masked(0x1ffff);
                block.push(Stmt::Do(Expr::Prelude(Prelude::Fail, vec![e])));
            }
            55..=56 => {
                let ty = self.scalar();
                let e = self.expr(&ty, 2);
                if !matches!(e, Expr::Lit(_)) {
                    block.push(Stmt::Do(e));
                }
            }
            57..=59 => self.assign(block),
            60..=72 => {
                let condition = self.expr(&Ty::Bool, 3);
                let accept = self.block(at, 3);
                let reject = if self.r.percent(40) {
                    self.block(at, 2)
                } else {
                    Vec::new()
                };
                block.push(Stmt::If(condition, accept, reject));
            }
            73..=80 => self.switch(block, at),
            81..=82 => {
                let inner = self.block(at, 3);
                // A block that leaves would leave nothing to run behind it.
                if !matches!(
                    inner.last(),
                    Some(Stmt::Break | Stmt::Continue | Stmt::Return(_))
                ) {
                    block.push(Stmt::Block(inner));
                }
            }
            _ if at.loops >= 3 => self.assign(block),
            _ => self.a_loop(block, at),
        }
    }

    fn declare(&mut self, block: &mut Block) {
        let ty = self.ty(self.p.tiled.is_none());
        let zero = self.r.percent(25);
        // One after the other: a variable is not visible in its own initialiser.
        let s = if !zero && self.r.percent(30) {
            let e = self.expr(&ty, 3);
            let v = self.var(ty, VarKind::Let, Role::Any);
            Stmt::Let(v, e)
        } else {
            let e = (!zero).then(|| self.expr(&ty, 3));
            let v = self.var(ty, VarKind::Var, Role::Any);
            Stmt::Declare(v, e)
        };
        if let Stmt::Let(v, _) | Stmt::Declare(v, _) = &s {
            self.scope.push(*v);
        }
        block.push(s);
    }

    fn assign(&mut self, block: &mut Block) {
        let ty = if self.r.percent(15) {
            self.ty(self.p.tiled.is_none())
        } else {
            self.scalar()
        };
        let Some(place) = self.place(&ty, true) else {
            return self.declare(block);
        };
        let s = match (&ty, self.r.below(10)) {
            (Ty::U32 | Ty::I32, 0..=1) => Stmt::Step(place, self.r.percent(50)),
            (Ty::U32 | Ty::I32 | Ty::Vec4, 2..=4) => {
                let op = self.integer_op();
                let e = self.expr(&ty, 2);
                Stmt::Update(place, op, e)
            }
            (Ty::U32 | Ty::I32, 5) => {
                let op = *self.r.pick(&[Binary::Shl, Binary::Shr]);
                Stmt::Update(place, op, *self.shift(1))
            }
            _ => {
                let e = self.expr(&ty, 3);
                Stmt::Assign(place, e)
            }
        };
        block.push(s);
    }

    fn switch(&mut self, block: &mut Block, at: &Where) {
        let ty = self.r.pick(&[Ty::U32, Ty::U32, Ty::I32]).clone();
        let e = self.expr(&ty, 2);
        let e = if self.r.percent(70) {
            let mask = if ty == Ty::U32 { Lit::U(3) } else { Lit::I(3) };
            Expr::binary(Binary::And, e, Expr::Lit(mask))
        } else {
            e
        };
        let inner = Where {
            can_break: true,
            ..at.clone()
        };
        let mut values: Vec<u32> = (0..4).collect();
        values.push(self.r.word() | 0x8000_0000);
        self.r.shuffle(&mut values);
        let mut cases = Vec::new();
        for _ in 0..1 + self.r.below(3) {
            let mut selectors = vec![values.pop().map(Some).unwrap()];
            if self.r.percent(25) && values.len() > 1 {
                selectors.push(values.pop().map(Some).unwrap());
            }
            cases.push(Case {
                selectors,
                body: self.block(&inner, 2),
            });
        }
        if self.r.percent(25) {
            let n = self.r.below(cases.len() as u32) as usize;
            cases[n].selectors.push(None);
        } else {
            let body = if self.r.percent(60) {
                self.block(&inner, 2)
            } else {
                Vec::new()
            };
            let n = self.r.below(cases.len() as u32 + 1) as usize;
            cases.insert(
                n,
                Case {
                    selectors: vec![None],
                    body,
                },
            );
        }
        block.push(Stmt::Switch(e, cases));
    }

    fn a_loop(&mut self, block: &mut Block, at: &Where) {
        let mut inner = Where {
            can_break: true,
            can_continue: true,
            returns: at.returns.clone(),
            loops: at.loops + 1,
            depth: at.depth,
        };
        let before = self.scope.len();
        let bound = match self.r.below(10) {
            0..=5 => Expr::u(1 + self.r.below(6)),
            6 => self.expr(&Ty::U32, 1),
            _ => {
                let e = self.expr(&Ty::U32, 2);
                let mask = *self.r.pick(&[3, 7]);
                Expr::binary(Binary::And, e, Expr::u(mask))
            }
        };
        let i = self.var(Ty::U32, VarKind::Var, Role::Any);
        self.p.vars[i].assignable = self.r.percent(15);
        let here = Place::var(i);
        match self.r.below(5) {
            0..=1 => {
                self.scope.push(i);
                let condition = self
                    .r
                    .percent(97)
                    .then(|| Expr::binary(Binary::Lt, Expr::var(i), bound));
                let update = match self.r.below(10) {
                    0 => None,
                    1..=2 => Some(Stmt::Update(
                        here,
                        Binary::Add,
                        Expr::u(1 + self.r.below(3)),
                    )),
                    3 => Some(Stmt::Assign(
                        here,
                        Expr::binary(Binary::Add, Expr::u(1), Expr::var(i)),
                    )),
                    _ => Some(Stmt::Step(here, true)),
                };
                let mut body = Vec::new();
                if update.is_none() {
                    body.push(Stmt::Step(Place::var(i), true));
                }
                body.append(&mut self.block(&inner, 3));
                let start = if self.r.percent(70) {
                    Expr::u(0)
                } else {
                    self.masked(3)
                };
                block.push(Stmt::For {
                    cost: 0,
                    var: i,
                    start: without(start, i),
                    condition,
                    update: update.map(Box::new),
                    body,
                });
            }
            2 => {
                block.push(Stmt::Declare(i, Some(bound)));
                self.scope.push(i);
                let mut condition = Expr::binary(Binary::Ne, Expr::var(i), Expr::u(0));
                if self.r.percent(30) {
                    let other = self.expr(&Ty::Bool, 2);
                    let op = *self.r.pick(&[Binary::AndAlso, Binary::And]);
                    condition = Expr::binary(op, condition, other);
                }
                let mut body = vec![Stmt::Step(Place::var(i), false)];
                body.append(&mut self.block(&inner, 3));
                block.push(Stmt::While {
                    cost: 0,
                    condition,
                    body,
                });
            }
            _ => {
                block.push(Stmt::Declare(i, None));
                self.scope.push(i);
                let done = Expr::binary(Binary::Ge, Expr::var(i), bound);
                let (mut body, mut break_if) = (Vec::new(), None);
                if self.r.percent(50) {
                    body.push(Stmt::If(done, vec![Stmt::Break], Vec::new()));
                } else {
                    break_if = Some(done);
                }
                body.append(&mut self.block(&inner, 3));
                let mut continuing = vec![Stmt::Step(Place::var(i), true)];
                if self.r.percent(30) {
                    inner.can_break = false;
                    inner.can_continue = false;
                    inner.returns = Returns::No;
                    inner.loops = at.loops + 2;
                    continuing.append(&mut self.block(&inner, 2));
                }
                block.push(Stmt::Loop {
                    cost: 0,
                    body,
                    continuing,
                    break_if,
                });
            }
        }
        self.scope.truncate(before);
    }
}

#[derive(Clone, Copy)]
enum Way {
    Member(usize),
    Component,
    Index(u32),
}

/// `buffer(arg(i))` or `buffer_mut(arg(i))`.
fn resolved(arg: u32, write: bool) -> Expr {
    let f = if write {
        Prelude::BufferMut
    } else {
        Prelude::Buffer
    };
    Expr::Prelude(f, vec![Expr::Prelude(Prelude::Arg, vec![Expr::u(arg)])])
}

/// A `for`'s variable is not visible in its own start.
fn without(mut e: Expr, v: VarId) -> Expr {
    let mut found = false;
    e.each(&mut |e| found |= matches!(e, Expr::Load(place) if place.root == v));
    if found {
        Expr::u(1)
    } else {
        e
    }
}

fn holds_buffer(p: &Program, ty: &Ty) -> bool {
    match ty {
        Ty::Buffer => true,
        Ty::Array(of, _) => holds_buffer(p, of),
        Ty::Struct(s) => p.structs[*s].iter().any(|ty| holds_buffer(p, ty)),
        _ => false,
    }
}
