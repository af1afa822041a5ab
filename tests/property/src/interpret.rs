//! Runs a program on the CPU: what the kernel is compared with.
//!
//! Written from the description of the language and of the prelude, and not from the kernel's code: whole values, one
//! statement after the other. The lanes of a tile go through the top level of a handler side by side, each through a
//! statement in turn; a program without races doesn't notice.

use rota::digest::kind;
use rota::{fault, WriteDigest};

use crate::ast::*;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    U(u32),
    I(i32),
    F(f32),
    B(bool),
    V([u32; 4]),
    List(Vec<Value>),
    /// None has no length.
    Buffer(Option<Access>),
    Pointer(VarId),
}

/// A buffer that was resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Access {
    pub buffer: usize,
    pub write: bool,
}

/// What a handle leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    Good(usize),
    Invalid,
    Foreign,
}

#[derive(Clone, Debug)]
pub struct Memory {
    pub bytes: Vec<u8>,
    pub read_only: bool,
}

/// A job as the program sees it.
#[derive(Clone, Debug)]
pub struct Run {
    pub tiles: u32,
    pub lanes: u32,
    pub fuel: u32,
    /// Words that are handles are never read as numbers.
    pub args: [u32; 10],
    /// What the handle in each argument leads to.
    pub handles: [Handle; 10],
    pub buffers: Vec<Memory>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub fault: u32,
    pub results: [u32; 2],
    /// Of all lanes and tiles.
    pub fuel: u32,
    pub buffers: Vec<Vec<u8>>,
    /// Of all stores; 0 where the kernel makes none.
    pub digest: u64,
}

pub fn interpret(program: &Program, run: &Run) -> Outcome {
    let mut world = World {
        program,
        run,
        buffers: run.buffers.clone(),
        results: [0; 2],
        inverted: [false; 2],
        scratch: vec![0; 2048],
        digest: WriteDigest::default(),
    };
    let mut outcome = Outcome::default();
    let (tiles, lanes) = match program.tiled {
        Some(_) => (run.tiles, run.lanes),
        None => (1, 1),
    };
    for tile in 0..tiles {
        let mut team: Vec<Lane> = (0..lanes).map(|lane| world.lane(tile, lane)).collect();
        world.together(&program.body, &mut team);
        for lane in team {
            outcome.fault = outcome.fault.max(lane.fault);
            outcome.fuel += run.fuel - lane.fuel.max(0) as u32;
        }
    }
    for (i, inverted) in world.inverted.iter().enumerate() {
        outcome.results[i] = if *inverted {
            !world.results[i]
        } else {
            world.results[i]
        };
    }
    outcome.digest = world.digest.value();
    outcome.buffers = world.buffers.into_iter().map(|b| b.bytes).collect();
    outcome
}

struct World<'a> {
    program: &'a Program,
    run: &'a Run,
    buffers: Vec<Memory>,
    results: [u32; 2],
    /// A result that is combined by its minimum is kept inverted.
    inverted: [bool; 2],
    scratch: Vec<u32>,
    digest: WriteDigest,
}

struct Lane {
    tile: u32,
    lane: u32,
    vars: Vec<Value>,
    /// Below zero once it was too little.
    fuel: i64,
    fault: u32,
    returned: bool,
}

/// Where a statement leads.
enum Flow {
    Next,
    Break,
    Continue,
    Return(Option<Value>),
}

impl Lane {
    fn fail(&mut self, fault: u32) {
        if self.fault == 0 {
            self.fault = fault;
        }
    }

    /// Takes the fuel for another iteration; gives false if it is too little. From then on every loop is left at once.
    fn burn(&mut self, cost: u32) -> bool {
        let out_before = self.fuel < 0;
        self.fuel -= i64::from(cost);
        if self.fuel < 0 && !out_before {
            self.fail(fault::FUEL_EXHAUSTED);
        }
        self.fuel >= 0
    }
}

impl World<'_> {
    fn lane(&mut self, tile: u32, lane: u32) -> Lane {
        let mut it = Lane {
            tile,
            lane,
            vars: self.program.vars.iter().map(|v| self.zero(&v.ty)).collect(),
            fuel: self.run.fuel.into(),
            fault: 0,
            returned: false,
        };
        for (v, var) in self.program.vars.iter().enumerate() {
            if let Some(e) = &var.initial {
                it.vars[v] = self.eval(&mut it, e);
            }
        }
        for (i, (v, write)) in self.program.resolved.iter().enumerate() {
            it.vars[*v] = self.resolve(&mut it, 1 + i, *write);
        }
        it
    }

    fn zero(&self, ty: &Ty) -> Value {
        match ty {
            Ty::U32 => Value::U(0),
            Ty::I32 => Value::I(0),
            Ty::F32 => Value::F(0.0),
            Ty::Bool => Value::B(false),
            Ty::Vec4 => Value::V([0; 4]),
            Ty::Array(of, n) => Value::List(vec![self.zero(of); *n as usize]),
            Ty::Struct(s) => Value::List(
                self.program.structs[*s]
                    .iter()
                    .map(|ty| self.zero(ty))
                    .collect(),
            ),
            Ty::Buffer => Value::Buffer(None),
        }
    }

    /// Statements at the top level, by all lanes.
    fn together(&mut self, block: &Block, team: &mut [Lane]) {
        for s in block {
            match s {
                Stmt::Barrier => {}
                Stmt::Collective(v, op, e) => {
                    let values: Vec<u32> =
                        team.iter_mut().map(|lane| self.eval(lane, e).u()).collect();
                    let combined = match op {
                        Collective::Add => values.iter().fold(0, |a: u32, b| a.wrapping_add(*b)),
                        Collective::Max => *values.iter().max().unwrap(),
                        Collective::Min => *values.iter().min().unwrap(),
                        Collective::Or => values.iter().fold(0, |a, b| a | b),
                        Collective::BroadcastFirst => values[0],
                    };
                    for lane in &mut *team {
                        lane.vars[*v] = Value::U(combined);
                    }
                }
                Stmt::Do(Expr::Call(f, args)) if self.program.functions[*f].collective => {
                    let function = &self.program.functions[*f];
                    for lane in &mut *team {
                        self.bind(lane, &function.params, args);
                    }
                    self.together(&function.body, team);
                }
                s => {
                    for lane in team.iter_mut().filter(|l| !l.returned) {
                        if let Flow::Return(_) = self.stmt(lane, s) {
                            lane.returned = true;
                        }
                    }
                }
            }
        }
    }

    fn bind(&mut self, lane: &mut Lane, params: &[VarId], args: &[Arg]) {
        let values: Vec<Value> = args
            .iter()
            .map(|arg| match arg {
                Arg::Value(e) => self.eval(lane, e),
                Arg::Pointer(v) => Value::Pointer(target(lane, self.program, *v)),
            })
            .collect();
        for (v, value) in params.iter().zip(values) {
            lane.vars[*v] = value;
        }
    }

    fn block(&mut self, lane: &mut Lane, block: &Block) -> Flow {
        for s in block {
            match self.stmt(lane, s) {
                Flow::Next => {}
                other => return other,
            }
        }
        Flow::Next
    }

    fn stmt(&mut self, lane: &mut Lane, s: &Stmt) -> Flow {
        match s {
            Stmt::Declare(v, e) => {
                lane.vars[*v] = match e {
                    Some(e) => self.eval(lane, e),
                    None => self.zero(&self.program.vars[*v].ty),
                };
            }
            Stmt::Let(v, e) => lane.vars[*v] = self.eval(lane, e),
            Stmt::Assign(place, e) => {
                let path = self.path(lane, place);
                let value = self.eval(lane, e);
                store(lane, &path, value);
            }
            Stmt::Update(place, op, e) => {
                let path = self.path(lane, place);
                let old = load(lane, &path);
                let value = self.eval(lane, e);
                store(lane, &path, binary(*op, old, value));
            }
            Stmt::Step(place, up) => {
                let path = self.path(lane, place);
                let one = |v: u32| {
                    if *up {
                        v.wrapping_add(1)
                    } else {
                        v.wrapping_sub(1)
                    }
                };
                let value = match load(lane, &path) {
                    Value::U(v) => Value::U(one(v)),
                    Value::I(v) => Value::I(one(v as u32) as i32),
                    v => unreachable!("{v:?}"),
                };
                store(lane, &path, value);
            }
            Stmt::If(condition, accept, reject) => {
                let which = if self.eval(lane, condition).b() {
                    accept
                } else {
                    reject
                };
                return self.block(lane, which);
            }
            Stmt::Switch(e, cases) => {
                let value = match self.eval(lane, e) {
                    Value::U(v) => v,
                    Value::I(v) => v as u32,
                    v => unreachable!("{v:?}"),
                };
                let case = cases
                    .iter()
                    .find(|c| c.selectors.contains(&Some(value)))
                    .or_else(|| cases.iter().find(|c| c.selectors.contains(&None)))
                    .expect("every switch has a default");
                return match self.block(lane, &case.body) {
                    Flow::Break => Flow::Next,
                    other => other,
                };
            }
            Stmt::Loop {
                cost,
                body,
                continuing,
                break_if,
            } => {
                while lane.burn(*cost) {
                    match self.block(lane, body) {
                        Flow::Break => break,
                        Flow::Return(v) => return Flow::Return(v),
                        Flow::Next | Flow::Continue => {}
                    }
                    self.block(lane, continuing);
                    if let Some(e) = break_if {
                        if self.eval(lane, e).b() {
                            break;
                        }
                    }
                }
            }
            Stmt::For {
                cost,
                var,
                start,
                condition,
                update,
                body,
            } => {
                lane.vars[*var] = self.eval(lane, start);
                while lane.burn(*cost) {
                    if let Some(e) = condition {
                        if !self.eval(lane, e).b() {
                            break;
                        }
                    }
                    match self.block(lane, body) {
                        Flow::Break => break,
                        Flow::Return(v) => return Flow::Return(v),
                        Flow::Next | Flow::Continue => {}
                    }
                    if let Some(s) = update {
                        self.stmt(lane, s);
                    }
                }
            }
            Stmt::While {
                cost,
                condition,
                body,
            } => {
                while lane.burn(*cost) {
                    if !self.eval(lane, condition).b() {
                        break;
                    }
                    match self.block(lane, body) {
                        Flow::Break => break,
                        Flow::Return(v) => return Flow::Return(v),
                        Flow::Next | Flow::Continue => {}
                    }
                }
            }
            Stmt::Block(body) => return self.block(lane, body),
            Stmt::Break => return Flow::Break,
            Stmt::Continue => return Flow::Continue,
            Stmt::Return(e) => {
                let value = e.as_ref().map(|e| self.eval(lane, e));
                return Flow::Return(value);
            }
            Stmt::Do(Expr::Call(f, args)) => {
                self.call(lane, *f, args);
            }
            Stmt::Do(Expr::Prelude(f, args)) => {
                self.prelude(lane, *f, args);
            }
            Stmt::Do(e) => {
                self.eval(lane, e);
            }
            Stmt::ScratchInit => {
                for n in 0..OWN_SCRATCH {
                    self.scratch[(lane.lane * OWN_SCRATCH + n) as usize] = 0;
                    self.scratch[(SHARED_SCRATCH + n) as usize] = 0;
                }
            }
            Stmt::Barrier | Stmt::Collective(..) => unreachable!("only at the top level"),
        }
        Flow::Next
    }

    fn call(&mut self, lane: &mut Lane, f: usize, args: &[Arg]) -> Option<Value> {
        let function = &self.program.functions[f];
        self.bind(lane, &function.params, args);
        match self.block(lane, &function.body) {
            Flow::Return(v) => v,
            _ => None,
        }
    }

    /// The variable, and the indices from there on, each brought into range.
    fn path(&mut self, lane: &mut Lane, place: &Place) -> (VarId, Vec<usize>) {
        let mut at = Place::var(place.root);
        let mut path = Vec::new();
        for step in &place.path {
            path.push(match step {
                Step::Member(m) => *m,
                Step::Component(c) => usize::from(*c),
                Step::Index(e) => {
                    let length = match self.program.place_type(&at) {
                        Ty::Array(_, n) => n,
                        _ => 4,
                    };
                    let index = match self.eval(lane, e) {
                        Value::U(v) => v,
                        Value::I(v) => v as u32,
                        v => unreachable!("{v:?}"),
                    };
                    index.min(length - 1) as usize
                }
            });
            at.path.push(step.clone());
        }
        (target(lane, self.program, place.root), path)
    }

    fn eval(&mut self, lane: &mut Lane, e: &Expr) -> Value {
        match e {
            Expr::Lit(Lit::U(v)) => Value::U(*v),
            Expr::Lit(Lit::I(v)) => Value::I(*v),
            Expr::Lit(Lit::F(v)) => Value::F(*v as f32),
            Expr::Lit(Lit::B(v)) => Value::B(*v),
            Expr::Zero(ty) => self.zero(ty),
            Expr::Load(place) => {
                let path = self.path(lane, place);
                load(lane, &path)
            }
            Expr::Unary(op, e) => match (op, self.eval(lane, e)) {
                (Unary::Negate, Value::I(v)) => Value::I(v.wrapping_neg()),
                (Unary::Negate, Value::F(v)) => Value::F(-v),
                (Unary::Not, Value::B(v)) => Value::B(!v),
                (Unary::Complement, Value::U(v)) => Value::U(!v),
                (Unary::Complement, Value::I(v)) => Value::I(!v),
                (Unary::Complement, Value::V(v)) => Value::V(v.map(|v| !v)),
                (op, v) => unreachable!("{op:?} {v:?}"),
            },
            Expr::Binary(Binary::AndAlso, a, b) => {
                Value::B(self.eval(lane, a).b() && self.eval(lane, b).b())
            }
            Expr::Binary(Binary::OrElse, a, b) => {
                Value::B(self.eval(lane, a).b() || self.eval(lane, b).b())
            }
            Expr::Binary(op, a, b) => {
                let a = self.eval(lane, a);
                let b = self.eval(lane, b);
                binary(*op, a, b)
            }
            Expr::Select(parts) => {
                let [f, t, condition] = &**parts;
                let f = self.eval(lane, f);
                let t = self.eval(lane, t);
                if self.eval(lane, condition).b() {
                    t
                } else {
                    f
                }
            }
            Expr::SelectLess(parts) => {
                let [f, t, a, b] = [0, 1, 2, 3].map(|i| self.eval(lane, &parts[i]).v());
                Value::V([0, 1, 2, 3].map(|i| if a[i] < b[i] { t[i] } else { f[i] }))
            }
            Expr::Splat(e) => Value::V([self.eval(lane, e).u(); 4]),
            Expr::Compose(ty, parts) => {
                let values: Vec<Value> = parts.iter().map(|e| self.eval(lane, e)).collect();
                match ty {
                    Ty::Vec4 => Value::V([0, 1, 2, 3].map(|i| values[i].clone().u())),
                    _ => Value::List(values),
                }
            }
            Expr::Component(e, c) => Value::U(self.eval(lane, e).v()[usize::from(*c)]),
            Expr::Swizzle(e, order) => {
                let v = self.eval(lane, e).v();
                Value::V(order.map(|c| v[usize::from(c)]))
            }
            Expr::Convert(ty, e) => convert(ty, self.eval(lane, e)),
            Expr::Bitcast(ty, e) => {
                let bits = match self.eval(lane, e) {
                    Value::U(v) => v,
                    Value::I(v) => v as u32,
                    Value::F(v) => v.to_bits(),
                    v => unreachable!("{v:?}"),
                };
                match ty {
                    Ty::U32 => Value::U(bits),
                    Ty::I32 => Value::I(bits as i32),
                    ty => unreachable!("{ty:?}"),
                }
            }
            Expr::Math(f, args) => {
                let args = args.iter().map(|e| self.eval(lane, e)).collect();
                math(*f, args)
            }
            Expr::Reduce(e) => {
                let Value::F(v) = self.eval(lane, e) else {
                    unreachable!()
                };
                Value::F(((v as i32 & 8191) - 4096) as f32)
            }
            Expr::At(spot, e) => {
                let e = self.eval(lane, e).u();
                Value::U(self.at(lane, *spot, e))
            }
            Expr::Call(f, args) => self.call(lane, *f, args).expect("it returns a value"),
            Expr::Prelude(f, args) => self.prelude(lane, *f, args).expect("it gives a value"),
        }
    }

    fn at(&self, lane: &Lane, spot: Spot, e: u32) -> u32 {
        let id = lane.tile * self.run.lanes + lane.lane;
        match (spot, self.program.tiled) {
            (Spot::Own(bytes), Some(Parting::Blocks(words))) => {
                let n = words * 4 / bytes;
                SHARED_BYTES / bytes + id * n + e % n
            }
            (Spot::Own(_), Some(Parting::Dealt(n))) => {
                e % n * (self.run.tiles * self.run.lanes) + id
            }
            (Spot::Own(_), None) => e,
            (Spot::OwnScratch, _) => lane.lane * OWN_SCRATCH + e % OWN_SCRATCH,
            (Spot::AnyScratch, _) => e % (self.run.lanes * OWN_SCRATCH),
            (Spot::SharedScratch, _) => SHARED_SCRATCH + e % OWN_SCRATCH,
            (Spot::Far, _) => 0x4000_0000 + (e & 0xffff),
            (Spot::Last, _) => 0xffff_ff00 + (e & 0xff),
        }
    }

    fn prelude(&mut self, lane: &mut Lane, f: Prelude, args: &[Expr]) -> Option<Value> {
        let values: Vec<Value> = args.iter().map(|e| self.eval(lane, e)).collect();
        let tiled = self.program.tiled.is_some();
        let u = |i: usize| values[i].clone().u();
        Some(match f {
            Prelude::Tile => Value::U(lane.tile),
            Prelude::Tiles => Value::U(if tiled { self.run.tiles } else { 1 }),
            Prelude::Lane => Value::U(lane.lane),
            Prelude::Lanes => Value::U(if tiled { self.run.lanes } else { 1 }),
            Prelude::Arg => Value::U(self.run.args.get(u(0) as usize).copied().unwrap_or(0)),
            Prelude::Result => {
                self.results[u(0) as usize] = u(1);
                return None;
            }
            Prelude::ResultAdd => {
                let r = &mut self.results[u(0) as usize];
                *r = r.wrapping_add(u(1));
                return None;
            }
            Prelude::ResultAdd64 => {
                let [low, high] = self.results.map(u64::from);
                let sum = (low | high << 32).wrapping_add(u64::from(u(0)) | u64::from(u(1)) << 32);
                self.results = [sum as u32, (sum >> 32) as u32];
                return None;
            }
            Prelude::ResultMax => {
                let r = &mut self.results[u(0) as usize];
                *r = (*r).max(u(1));
                return None;
            }
            Prelude::ResultMin => {
                let i = u(0) as usize;
                self.inverted[i] = true;
                self.results[i] = self.results[i].max(!u(1));
                return None;
            }
            Prelude::Fail => {
                lane.fail(fault::HANDLER + u(0).min(0xffff));
                return None;
            }
            Prelude::Buffer | Prelude::BufferMut => {
                // The one argument is arg(i): a program can't know any handle as a number.
                let Expr::Prelude(Prelude::Arg, index) = &args[0] else {
                    unreachable!()
                };
                let Expr::Lit(Lit::U(index)) = index[0] else {
                    unreachable!()
                };
                self.resolve(lane, index as usize, f == Prelude::BufferMut)
            }
            Prelude::Size => Value::U(self.length(&values[0])),
            Prelude::CheckRange => {
                let have = self.length(&values[0]) / u(3);
                let good = u64::from(u(1)) + u64::from(u(2)) <= u64::from(have);
                if !good {
                    lane.fail(fault::OUT_OF_BOUNDS);
                }
                Value::B(good)
            }
            Prelude::Load(w) => {
                let v = match self.element(lane, &values[0], u(1), w.bytes(), false) {
                    Some((b, at)) => self.read(b, at, w.bytes()),
                    None => 0,
                };
                match w {
                    Width::I32 => Value::I(v as i32),
                    _ => Value::U(v),
                }
            }
            Prelude::LoadVec4(w) => Value::V(
                match self.element(lane, &values[0], u(1), 4 * w.bytes(), false) {
                    Some((b, at)) => {
                        [0, 1, 2, 3].map(|i| self.read(b, at + i * w.bytes() as usize, w.bytes()))
                    }
                    None => [0; 4],
                },
            ),
            Prelude::LoadBytes => {
                let first = u(1) as usize;
                let bytes: &[u8] = match &values[0] {
                    Value::Buffer(Some(a)) => &self.buffers[a.buffer].bytes,
                    _ => &[],
                };
                Value::U((0..4).fold(0, |v, i| {
                    v | u32::from(bytes.get(first + i).copied().unwrap_or(0)) << (8 * i)
                }))
            }
            Prelude::Store(w) => {
                let v = match &values[2] {
                    Value::I(v) => *v as u32,
                    v => v.clone().u(),
                };
                if let Some((b, at)) = self.element(lane, &values[0], u(1), w.bytes(), true) {
                    self.write(b, at, w.bytes(), v);
                    let kind =
                        [kind::STORE_8, kind::STORE_16, kind::STORE_32][w.bytes() as usize / 2];
                    self.count(b, kind, at, v & u32::MAX >> (32 - 8 * w.bytes()));
                }
                return None;
            }
            Prelude::StoreVec4(w) => {
                let v = values[2].clone().v();
                if let Some((b, at)) = self.element(lane, &values[0], u(1), 4 * w.bytes(), true) {
                    for (i, v) in v.into_iter().enumerate() {
                        self.write(b, at + i * w.bytes() as usize, w.bytes(), v);
                    }
                    // By words, whatever they are made of.
                    for at in (at..at + 4 * w.bytes() as usize).step_by(4) {
                        let v = self.read(b, at, 4);
                        self.count(b, kind::STORE_32, at, v);
                    }
                }
                return None;
            }
            Prelude::Atomic(op) => {
                let old = match self.element(lane, &values[0], u(1), 4, true) {
                    Some((b, at)) => {
                        let old = self.read(b, at, 4);
                        let new = atomic(op, old, &values[2..]);
                        self.write(b, at, 4, new);
                        for (kind, operand) in counted(op, &values[2..]) {
                            self.count(b, kind, at, operand);
                        }
                        old
                    }
                    None => 0,
                };
                if op.signed() {
                    Value::I(old as i32)
                } else {
                    Value::U(old)
                }
            }
            Prelude::ScratchLoad => Value::U(match self.scratch.get(u(0) as usize) {
                Some(v) => *v,
                None => {
                    lane.fail(fault::OUT_OF_BOUNDS);
                    0
                }
            }),
            Prelude::ScratchStore => {
                match self.scratch.get_mut(u(0) as usize) {
                    Some(v) => *v = u(1),
                    None => lane.fail(fault::OUT_OF_BOUNDS),
                }
                return None;
            }
            Prelude::ScratchAdd => Value::U(match self.scratch.get_mut(u(0) as usize) {
                Some(v) => {
                    let old = *v;
                    *v = old.wrapping_add(u(1));
                    old
                }
                None => {
                    lane.fail(fault::OUT_OF_BOUNDS);
                    0
                }
            }),
        })
    }

    fn resolve(&self, lane: &mut Lane, arg: usize, write: bool) -> Value {
        let fault = match self.run.handles[arg] {
            Handle::Good(b) if write && self.buffers[b].read_only => fault::READ_ONLY,
            Handle::Good(buffer) => return Value::Buffer(Some(Access { buffer, write })),
            Handle::Invalid => fault::INVALID_BUFFER,
            Handle::Foreign => fault::FOREIGN_BUFFER,
        };
        lane.fail(fault);
        Value::Buffer(None)
    }

    fn length(&self, buffer: &Value) -> u32 {
        match buffer {
            Value::Buffer(Some(a)) => self.buffers[a.buffer].bytes.len() as u32,
            _ => 0,
        }
    }

    /// Buffer and byte of an element; None, and a fault, if it may not be used.
    fn element(
        &self,
        lane: &mut Lane,
        buffer: &Value,
        i: u32,
        bytes: u32,
        write: bool,
    ) -> Option<(usize, usize)> {
        let Value::Buffer(access) = buffer else {
            unreachable!("{buffer:?}")
        };
        if write && access.is_some_and(|a| !a.write) {
            lane.fail(fault::READ_ONLY);
            return None;
        }
        if i >= self.length(buffer) / bytes {
            lane.fail(fault::OUT_OF_BOUNDS);
            return None;
        }
        let access = access.expect("it has a length");
        Some((access.buffer, i as usize * bytes as usize))
    }

    fn read(&self, buffer: usize, at: usize, bytes: u32) -> u32 {
        self.buffers[buffer].bytes[at..at + bytes as usize]
            .iter()
            .rev()
            .fold(0, |v, b| v << 8 | u32::from(*b))
    }

    /// Counts a store to a buffer, which goes by the first argument that leads to it.
    fn count(&mut self, buffer: usize, kind: u32, at: usize, v: u32) {
        let leads = |handle: &Handle| *handle == Handle::Good(buffer);
        let argument = self.run.handles.iter().position(leads);
        let argument = argument.expect("it was resolved") as u32;
        self.digest.count(argument, kind, at as u32, v);
    }

    fn write(&mut self, buffer: usize, at: usize, bytes: u32, v: u32) {
        let v = v.to_le_bytes();
        self.buffers[buffer].bytes[at..at + bytes as usize].copy_from_slice(&v[..bytes as usize]);
    }
}

/// The variable behind a pointer, or the variable itself.
fn target(lane: &Lane, program: &Program, v: VarId) -> VarId {
    match (program.vars[v].kind, &lane.vars[v]) {
        (VarKind::Pointer, Value::Pointer(to)) => *to,
        (VarKind::Pointer, _) => unreachable!("a pointer is bound by each call"),
        _ => v,
    }
}

fn load(lane: &Lane, (root, path): &(VarId, Vec<usize>)) -> Value {
    let mut value = &lane.vars[*root];
    for i in path {
        value = match value {
            Value::List(items) => &items[*i],
            Value::V(v) => return Value::U(v[*i]),
            v => unreachable!("{v:?}"),
        };
    }
    value.clone()
}

fn store(lane: &mut Lane, (root, path): &(VarId, Vec<usize>), new: Value) {
    let mut value = &mut lane.vars[*root];
    for i in path {
        value = match value {
            Value::List(items) => &mut items[*i],
            Value::V(v) => {
                v[*i] = new.u();
                return;
            }
            v => unreachable!("{v:?}"),
        };
    }
    *value = new;
}

impl Value {
    pub fn u(self) -> u32 {
        match self {
            Value::U(v) => v,
            v => unreachable!("{v:?} is no u32"),
        }
    }

    fn b(self) -> bool {
        match self {
            Value::B(v) => v,
            v => unreachable!("{v:?} is no bool"),
        }
    }

    fn v(self) -> [u32; 4] {
        match self {
            Value::V(v) => v,
            v => unreachable!("{v:?} is no vector"),
        }
    }
}

fn convert(ty: &Ty, v: Value) -> Value {
    match (ty, v) {
        (Ty::U32, Value::I(v)) => Value::U(v as u32),
        (Ty::U32, Value::F(v)) => Value::U(v as u32),
        (Ty::U32, Value::B(v)) => Value::U(v.into()),
        (Ty::I32, Value::U(v)) => Value::I(v as i32),
        (Ty::I32, Value::F(v)) => Value::I(v as i32),
        (Ty::I32, Value::B(v)) => Value::I(v.into()),
        (Ty::F32, Value::U(v)) => Value::F(v as f32),
        (Ty::F32, Value::I(v)) => Value::F(v as f32),
        (Ty::F32, Value::B(v)) => Value::F(f32::from(u8::from(v))),
        (Ty::Bool, Value::U(v)) => Value::B(v != 0),
        (Ty::Bool, Value::I(v)) => Value::B(v != 0),
        (ty, v) => unreachable!("{v:?} to {ty:?}"),
    }
}

fn binary(op: Binary, a: Value, b: Value) -> Value {
    use Binary::*;
    use Value::{B, F, I, U, V};
    match (op, a, b) {
        (Add | Sub | Mul | Div | Rem | And | Or | Xor | Shl | Shr, U(a), U(b)) => U(word(op, a, b)),
        (Shl, I(a), U(b)) => I(a << (b & 31)),
        (Shr, I(a), U(b)) => I(a >> (b & 31)),
        (Add | Sub | Mul | And | Or | Xor, I(a), I(b)) => I(word(op, a as u32, b as u32) as i32),
        (Div, I(a), I(b)) => I(a.checked_div(b).unwrap_or(a)),
        (Rem, I(a), I(b)) => I(a.checked_rem(b).unwrap_or(0)),
        (Add | Sub | Mul | Div | Rem | And | Or | Xor | Shl | Shr, V(a), V(b)) => {
            V([0, 1, 2, 3].map(|i| word(op, a[i], b[i])))
        }
        (Add, F(a), F(b)) => F(a + b),
        (Sub, F(a), F(b)) => F(a - b),
        (Mul, F(a), F(b)) => F(a * b),
        (And, B(a), B(b)) => B(a & b),
        (Or, B(a), B(b)) => B(a | b),
        (op, U(a), U(b)) => B(compare(op, a, b)),
        (op, I(a), I(b)) => B(compare(op, a, b)),
        (op, F(a), F(b)) => B(compare(op, a, b)),
        (Eq, B(a), B(b)) => B(a == b),
        (Ne, B(a), B(b)) => B(a != b),
        (op, a, b) => unreachable!("{a:?} {op:?} {b:?}"),
    }
}

fn word(op: Binary, a: u32, b: u32) -> u32 {
    match op {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::Div => a.checked_div(b).unwrap_or(a),
        Binary::Rem => a.checked_rem(b).unwrap_or(0),
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::Shl => a << (b & 31),
        Binary::Shr => a >> (b & 31),
        op => unreachable!("{op:?}"),
    }
}

fn compare<T: PartialOrd>(op: Binary, a: T, b: T) -> bool {
    match op {
        Binary::Eq => a == b,
        Binary::Ne => a != b,
        Binary::Lt => a < b,
        Binary::Le => a <= b,
        Binary::Gt => a > b,
        Binary::Ge => a >= b,
        op => unreachable!("{op:?}"),
    }
}

fn math(f: Math, args: Vec<Value>) -> Value {
    use Value::{F, I, U, V};
    let number = |i: usize| args[i].clone().u();
    match (f, &args[0]) {
        (Math::Min, U(a)) => U(*a.min(&number(1))),
        (Math::Max, U(a)) => U(*a.max(&number(1))),
        (Math::Min | Math::Max, I(a)) => {
            let I(b) = args[1] else { unreachable!() };
            I(if f == Math::Min {
                *a.min(&b)
            } else {
                *a.max(&b)
            })
        }
        (Math::Min | Math::Max, F(a)) => {
            let F(b) = args[1] else { unreachable!() };
            F(if f == Math::Min { a.min(b) } else { a.max(b) })
        }
        (Math::Min | Math::Max, V(a)) => {
            let b = args[1].clone().v();
            V([0, 1, 2, 3].map(|i| {
                if f == Math::Min {
                    a[i].min(b[i])
                } else {
                    a[i].max(b[i])
                }
            }))
        }
        (Math::Dot, V(a)) => {
            let b = args[1].clone().v();
            U((0..4).fold(0, |sum: u32, i| sum.wrapping_add(a[i].wrapping_mul(b[i]))))
        }
        (Math::Abs, I(a)) => I(a.wrapping_abs()),
        (Math::Abs, F(a)) => F(a.abs()),
        (Math::FirstLeadingBit, I(a)) => {
            let bits = if *a < 0 { !*a } else { *a };
            I(31 - bits.leading_zeros() as i32)
        }
        (Math::ExtractBits, v @ (U(_) | I(_))) => {
            let (bits, signed) = match v {
                I(v) => (*v as u32, true),
                v => (v.clone().u(), false),
            };
            let offset = number(1).min(32);
            let count = number(2).min(32 - offset);
            if count == 0 {
                return if signed { I(0) } else { U(0) };
            }
            let up = bits << (32 - offset - count);
            if signed {
                I(up as i32 >> (32 - count))
            } else {
                U(up >> (32 - count))
            }
        }
        (Math::InsertBits, U(v)) => {
            let offset = number(2).min(32);
            let count = number(3).min(32 - offset);
            let mask = (((1u64 << count) - 1) << offset) as u32;
            let new = (u64::from(number(1)) << offset) as u32;
            U(v & !mask | new & mask)
        }
        (f, I(a)) => match math(f, vec![U(*a as u32)]) {
            U(v) => I(v as i32),
            v => unreachable!("{v:?}"),
        },
        (Math::CountOneBits, U(a)) => U(a.count_ones()),
        (Math::ReverseBits, U(a)) => U(a.reverse_bits()),
        (Math::FirstLeadingBit, U(a)) => U(31u32.wrapping_sub(a.leading_zeros())),
        (Math::FirstTrailingBit, U(a)) => U(if *a == 0 {
            u32::MAX
        } else {
            a.trailing_zeros()
        }),
        (Math::CountLeadingZeros, U(a)) => U(a.leading_zeros()),
        (Math::CountTrailingZeros, U(a)) => U(a.trailing_zeros()),
        (f, v) => unreachable!("{f:?} {v:?}"),
    }
}

fn operand(v: &Value) -> u32 {
    match v {
        Value::I(v) => *v as u32,
        v => v.clone().u(),
    }
}

/// As what, and with which operands, an atomic is counted.
fn counted(op: Atomic, args: &[Value]) -> Vec<(u32, u32)> {
    let v = operand(&args[0]);
    match op {
        Atomic::Add | Atomic::AddI32 => vec![(kind::ATOMIC_ADD, v)],
        Atomic::Sub => vec![(kind::ATOMIC_ADD, v.wrapping_neg())],
        Atomic::Min => vec![(kind::ATOMIC_MIN, v)],
        Atomic::Max => vec![(kind::ATOMIC_MAX, v)],
        Atomic::And => vec![(kind::ATOMIC_AND, v)],
        Atomic::Or => vec![(kind::ATOMIC_OR, v)],
        Atomic::Xor => vec![(kind::ATOMIC_XOR, v)],
        Atomic::Exchange => vec![(kind::ATOMIC_EXCHANGE, v)],
        Atomic::CompareExchange => vec![
            (kind::ATOMIC_COMPARE, v),
            (kind::ATOMIC_EXCHANGE, operand(&args[1])),
        ],
    }
}

fn atomic(op: Atomic, old: u32, args: &[Value]) -> u32 {
    let v = operand(&args[0]);
    match op {
        Atomic::Add | Atomic::AddI32 => old.wrapping_add(v),
        Atomic::Sub => old.wrapping_sub(v),
        Atomic::Min => old.min(v),
        Atomic::Max => old.max(v),
        Atomic::And => old & v,
        Atomic::Or => old | v,
        Atomic::Xor => old ^ v,
        Atomic::Exchange => v,
        Atomic::CompareExchange => {
            if old == v {
                args[1].clone().u()
            } else {
                old
            }
        }
    }
}
