//! The language of the generated handlers: a part of WGSL, typed, with the prelude's functions as its operations.
//!
//! Every variable of a program has a number of its own, also across functions. There is no recursion, so one slot for
//! each variable is all the memory that the interpreter needs, and a pointer is the number of a variable.

pub type VarId = usize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ty {
    U32,
    I32,
    /// Holds small whole numbers only, so that all operations are exact.
    F32,
    Bool,
    /// `vec4<u32>`
    Vec4,
    Array(Box<Ty>, u32),
    Struct(usize),
    Buffer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarKind {
    /// `var`
    Var,
    /// `let`
    Let,
    /// `var<private>`
    Private,
    /// A parameter by value.
    Value,
    /// A parameter `ptr<function, T>`; the type is T.
    Pointer,
}

/// What a tiled program may do with the buffer in a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A scalar program, which is alone with its buffers.
    Any,
    /// Each lane of each tile has a part of its own.
    Parted,
    /// Nobody writes.
    Shared,
}

#[derive(Clone, Debug)]
pub struct Var {
    pub ty: Ty,
    pub kind: VarKind,
    pub role: Role,
    /// Whether the generator lets statements assign to it; loop counters mostly aren't.
    pub assignable: bool,
    /// Of a private variable.
    pub initial: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lit {
    U(u32),
    I(i32),
    F(i32),
    B(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    Negate,
    Not,
    Complement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    AndAlso,
    OrElse,
}

impl Binary {
    pub fn text(self) -> &'static str {
        use Binary::*;
        match self {
            Add => "+",
            Sub => "-",
            Mul => "*",
            Div => "/",
            Rem => "%",
            And => "&",
            Or => "|",
            Xor => "^",
            Shl => "<<",
            Shr => ">>",
            Eq => "==",
            Ne => "!=",
            Lt => "<",
            Le => "<=",
            Gt => ">",
            Ge => ">=",
            AndAlso => "&&",
            OrElse => "||",
        }
    }

    pub fn compares(self) -> bool {
        use Binary::*;
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Math {
    Min,
    Max,
    Abs,
    CountOneBits,
    ReverseBits,
    FirstLeadingBit,
    FirstTrailingBit,
    CountLeadingZeros,
    CountTrailingZeros,
    ExtractBits,
    InsertBits,
    Dot,
}

impl Math {
    pub fn text(self) -> &'static str {
        match self {
            Math::Min => "min",
            Math::Max => "max",
            Math::Abs => "abs",
            Math::CountOneBits => "countOneBits",
            Math::ReverseBits => "reverseBits",
            Math::FirstLeadingBit => "firstLeadingBit",
            Math::FirstTrailingBit => "firstTrailingBit",
            Math::CountLeadingZeros => "countLeadingZeros",
            Math::CountTrailingZeros => "countTrailingZeros",
            Math::ExtractBits => "extractBits",
            Math::InsertBits => "insertBits",
            Math::Dot => "dot",
        }
    }
}

/// The element of a load or a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    U8,
    U16,
    U32,
    I32,
    F32,
}

impl Width {
    pub const ALL: [Width; 5] = [Width::U8, Width::U16, Width::U32, Width::I32, Width::F32];

    pub fn bytes(self) -> u32 {
        match self {
            Width::U8 => 1,
            Width::U16 => 2,
            _ => 4,
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Width::U8 => "u8",
            Width::U16 => "u16",
            Width::U32 => "u32",
            Width::I32 => "i32",
            Width::F32 => "f32",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomic {
    Add,
    Sub,
    Min,
    Max,
    And,
    Or,
    Xor,
    Exchange,
    AddI32,
    CompareExchange,
}

impl Atomic {
    pub const ALL: [Atomic; 10] = [
        Atomic::Add,
        Atomic::Sub,
        Atomic::Min,
        Atomic::Max,
        Atomic::And,
        Atomic::Or,
        Atomic::Xor,
        Atomic::Exchange,
        Atomic::AddI32,
        Atomic::CompareExchange,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Atomic::Add => "atomic_add_u32",
            Atomic::Sub => "atomic_sub_u32",
            Atomic::Min => "atomic_min_u32",
            Atomic::Max => "atomic_max_u32",
            Atomic::And => "atomic_and_u32",
            Atomic::Or => "atomic_or_u32",
            Atomic::Xor => "atomic_xor_u32",
            Atomic::Exchange => "atomic_exchange_u32",
            Atomic::AddI32 => "atomic_add_i32",
            Atomic::CompareExchange => "atomic_compare_exchange_u32",
        }
    }

    pub fn signed(self) -> bool {
        self == Atomic::AddI32
    }
}

/// Functions of the prelude. Numbers that are f32 go in and come out as their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prelude {
    Tile,
    Tiles,
    Lane,
    Lanes,
    Arg,
    Result,
    ResultAdd,
    ResultAdd64,
    ResultMax,
    ResultMin,
    Fail,
    Buffer,
    BufferMut,
    Size,
    CheckRange,
    Load(Width),
    LoadVec4(Width),
    LoadBytes,
    Store(Width),
    StoreVec4(Width),
    Atomic(Atomic),
    ScratchLoad,
    ScratchStore,
    ScratchAdd,
}

impl Prelude {
    /// What it gives; None: nothing.
    pub fn result(self) -> Option<Ty> {
        use Prelude::*;
        match self {
            Result | ResultAdd | ResultAdd64 | ResultMax | ResultMin | Fail | Store(_)
            | StoreVec4(_) | ScratchStore => None,
            Buffer | BufferMut => Some(Ty::Buffer),
            CheckRange => Some(Ty::Bool),
            Load(Width::I32) => Some(Ty::I32),
            LoadVec4(_) => Some(Ty::Vec4),
            Atomic(a) if a.signed() => Some(Ty::I32),
            _ => Some(Ty::U32),
        }
    }

    pub fn uses_scratch(self) -> bool {
        matches!(
            self,
            Prelude::ScratchLoad | Prelude::ScratchStore | Prelude::ScratchAdd
        )
    }
}

/// Words of scratch memory that each lane has to itself, and where those begin that all share.
pub const OWN_SCRATCH: u32 = 4;
pub const SHARED_SCRATCH: u32 = 1024;
/// Bytes at the beginning of a parted buffer that all lanes share: four words, each with one kind of atomic.
pub const SHARED_BYTES: u32 = 16;

/// An index that keeps lanes apart, or that is surely out of range, whatever the number in it. The shrinker can change
/// that number and not the kind, so a program without races stays one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Element of so many bytes in this lane's own part of a parted buffer.
    Own(u32),
    OwnScratch,
    /// A word of any lane's scratch.
    AnyScratch,
    SharedScratch,
    /// Beyond the end of everything.
    Far,
    /// Just below 2^32 elements.
    Last,
}

#[derive(Clone, Debug)]
pub struct Place {
    pub root: VarId,
    pub path: Vec<Step>,
}

#[derive(Clone, Debug)]
pub enum Step {
    Member(usize),
    Component(u8),
    Index(Expr),
}

#[derive(Clone, Debug)]
pub enum Expr {
    Lit(Lit),
    /// `T()`
    Zero(Ty),
    Load(Place),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// If false, if true, condition.
    Select(Box<[Expr; 3]>),
    /// Select of each component: if false, if true, and two vectors of which less is true.
    SelectLess(Box<[Expr; 4]>),
    Splat(Box<Expr>),
    /// All components, members or elements.
    Compose(Ty, Vec<Expr>),
    Component(Box<Expr>, u8),
    Swizzle(Box<Expr>, [u8; 4]),
    /// A value conversion.
    Convert(Ty, Box<Expr>),
    Bitcast(Ty, Box<Expr>),
    Math(Math, Vec<Expr>),
    /// Brings an f32 back to a small number: -4096 to 4095.
    Reduce(Box<Expr>),
    At(Spot, Box<Expr>),
    Call(usize, Vec<Arg>),
    Prelude(Prelude, Vec<Expr>),
}

#[derive(Clone, Debug)]
pub enum Arg {
    Value(Expr),
    Pointer(VarId),
}

pub type Block = Vec<Stmt>;

#[derive(Clone, Debug)]
pub struct Case {
    /// None is `default`.
    pub selectors: Vec<Option<u32>>,
    pub body: Block,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collective {
    Add,
    Max,
    Min,
    Or,
    BroadcastFirst,
}

impl Collective {
    pub fn text(self) -> &'static str {
        match self {
            Collective::Add => "subgroupAdd",
            Collective::Max => "subgroupMax",
            Collective::Min => "subgroupMin",
            Collective::Or => "subgroupOr",
            Collective::BroadcastFirst => "subgroupBroadcastFirst",
        }
    }
}

/// `cost`: what an iteration takes of the fuel; set by `Program::meter`.
#[derive(Clone, Debug)]
pub enum Stmt {
    Declare(VarId, Option<Expr>),
    Let(VarId, Expr),
    Assign(Place, Expr),
    Update(Place, Binary, Expr),
    Step(Place, bool),
    If(Expr, Block, Block),
    Switch(Expr, Vec<Case>),
    Loop {
        cost: u32,
        body: Block,
        continuing: Block,
        break_if: Option<Expr>,
    },
    For {
        cost: u32,
        var: VarId,
        start: Expr,
        condition: Option<Expr>,
        update: Option<Box<Stmt>>,
        body: Block,
    },
    While {
        cost: u32,
        condition: Expr,
        body: Block,
    },
    Block(Block),
    Break,
    Continue,
    Return(Option<Expr>),
    /// An expression for what it does.
    Do(Expr),
    Barrier,
    /// Puts zeros into all scratch memory that the program uses.
    ScratchInit,
    Collective(VarId, Collective, Expr),
}

#[derive(Clone, Debug)]
pub struct Function {
    pub params: Vec<VarId>,
    pub result: Option<Ty>,
    pub body: Block,
    /// Has barriers; called at the top level only.
    pub collective: bool,
}

/// How the lanes of a tiled program share the parted buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// So many words in a row, for elements of any width.
    Blocks(u32),
    /// So many elements of one width each, dealt out one by one: neighbours in a word belong to different lanes.
    Dealt(u32),
}

#[derive(Clone, Debug)]
pub struct Program {
    pub seed: u64,
    /// None: a scalar handler.
    pub tiled: Option<Parting>,
    pub structs: Vec<Vec<Ty>>,
    pub vars: Vec<Var>,
    pub functions: Vec<Function>,
    /// The handler's two buffers, which it resolves from its arguments 1 and 2, and whether for writing.
    pub resolved: [(VarId, bool); 2],
    pub body: Block,
}

impl Program {
    pub fn has_barriers(&self) -> bool {
        let mut found = false;
        let mut look = |s: &Stmt| found |= matches!(s, Stmt::Barrier | Stmt::Collective(..));
        self.body.iter().for_each(&mut look);
        self.functions
            .iter()
            .flat_map(|f| &f.body)
            .for_each(&mut look);
        found
    }

    pub fn uses_scratch(&mut self) -> bool {
        let mut found = false;
        self.each_expr(&mut |e| {
            found |= matches!(e, Expr::Prelude(p, _) if p.uses_scratch());
        });
        found
    }

    /// The type of an expression.
    pub fn type_of(&self, e: &Expr) -> Ty {
        match e {
            Expr::Lit(Lit::U(_)) => Ty::U32,
            Expr::Lit(Lit::I(_)) => Ty::I32,
            Expr::Lit(Lit::F(_)) | Expr::Reduce(_) => Ty::F32,
            Expr::Lit(Lit::B(_)) => Ty::Bool,
            Expr::Zero(ty) | Expr::Compose(ty, _) => ty.clone(),
            Expr::Convert(ty, _) | Expr::Bitcast(ty, _) => ty.clone(),
            Expr::Load(place) => self.place_type(place),
            Expr::Unary(_, e) => self.type_of(e),
            Expr::Binary(op, a, _) if !op.compares() => self.type_of(a),
            Expr::Binary(..) => Ty::Bool,
            Expr::Select(parts) => self.type_of(&parts[0]),
            Expr::SelectLess(_) | Expr::Splat(_) | Expr::Swizzle(..) => Ty::Vec4,
            Expr::Component(..) | Expr::At(..) | Expr::Math(Math::Dot, _) => Ty::U32,
            Expr::Math(_, args) => self.type_of(&args[0]),
            Expr::Call(f, _) => self.functions[*f].result.clone().expect("has a result"),
            Expr::Prelude(p, _) => p.result().expect("has a result"),
        }
    }

    pub fn place_type(&self, place: &Place) -> Ty {
        let mut ty = self.vars[place.root].ty.clone();
        for step in &place.path {
            ty = match (step, ty) {
                (Step::Member(m), Ty::Struct(s)) => self.structs[s][*m].clone(),
                (Step::Index(_), Ty::Array(of, _)) => *of,
                (Step::Component(_) | Step::Index(_), Ty::Vec4) => Ty::U32,
                (step, ty) => unreachable!("{step:?} into {ty:?}"),
            };
        }
        ty
    }

    /// Writes into each loop what an iteration costs: one unit, and `NESTED` for each loop inside of it, also in the
    /// functions that it calls.
    pub fn meter(&mut self) {
        let mut loops = Vec::new();
        for f in &mut self.functions {
            let count = meter_block(&mut f.body, &loops);
            loops.push(count);
        }
        meter_block(&mut self.body, &loops);
    }

    /// All blocks, those inside others after them.
    pub fn each_block(&mut self, look: &mut dyn FnMut(&mut Block)) {
        blocks_of(&mut self.body, look);
        for f in &mut self.functions {
            blocks_of(&mut f.body, look);
        }
    }

    /// All expressions, operands after what they are operands of.
    pub fn each_expr(&mut self, look: &mut dyn FnMut(&mut Expr)) {
        self.each_block(&mut |block| {
            for s in block {
                s.own_exprs(&mut |e| e.each(look));
            }
        });
    }
}

/// What a loop inside of another one adds to the cost of the outer one's iterations.
const NESTED: u32 = 2;

fn meter_block(block: &mut Block, loops: &[u32]) -> u32 {
    let mut count = 0;
    for s in block {
        // The start of a `for` is evaluated once, outside of the loop.
        let mut before = 0;
        let mut called = 0;
        if let Stmt::For { start, .. } = s {
            start.each(&mut |e| before += calls(e, loops));
        }
        s.own_exprs(&mut |e| e.each(&mut |e| called += calls(e, loops)));
        let mut inside = called - before;
        s.own_blocks(&mut |b| inside += meter_block(b, loops));
        count += before + inside;
        if let Stmt::Loop { cost, .. } | Stmt::For { cost, .. } | Stmt::While { cost, .. } = s {
            *cost = 1 + NESTED * inside;
            count += 1;
        }
    }
    count
}

fn calls(e: &Expr, loops: &[u32]) -> u32 {
    match e {
        Expr::Call(f, _) => loops[*f],
        _ => 0,
    }
}

fn blocks_of(block: &mut Block, look: &mut dyn FnMut(&mut Block)) {
    look(block);
    for s in block {
        s.own_blocks(&mut |b| blocks_of(b, look));
    }
}

impl Stmt {
    /// The blocks right inside of it.
    pub fn own_blocks(&mut self, look: &mut dyn FnMut(&mut Block)) {
        match self {
            Stmt::If(_, a, b) => {
                look(a);
                look(b);
            }
            Stmt::Switch(_, cases) => cases.iter_mut().for_each(|c| look(&mut c.body)),
            Stmt::Loop {
                body, continuing, ..
            } => {
                look(body);
                look(continuing);
            }
            Stmt::For { body, .. } | Stmt::While { body, .. } | Stmt::Block(body) => look(body),
            _ => {}
        }
    }

    /// The expressions right inside of it, and not in its blocks.
    pub fn own_exprs(&mut self, look: &mut dyn FnMut(&mut Expr)) {
        match self {
            Stmt::Declare(_, Some(e))
            | Stmt::Let(_, e)
            | Stmt::If(e, ..)
            | Stmt::Switch(e, _)
            | Stmt::While { condition: e, .. }
            | Stmt::Return(Some(e))
            | Stmt::Do(e)
            | Stmt::Collective(_, _, e)
            | Stmt::Loop {
                break_if: Some(e), ..
            } => look(e),
            Stmt::Assign(place, e) | Stmt::Update(place, _, e) => {
                place.own_exprs(look);
                look(e);
            }
            Stmt::Step(place, _) => place.own_exprs(look),
            Stmt::For {
                start,
                condition,
                update,
                ..
            } => {
                look(start);
                if let Some(e) = condition {
                    look(e);
                }
                if let Some(s) = update {
                    s.own_exprs(look);
                }
            }
            _ => {}
        }
    }
}

impl Place {
    pub fn var(root: VarId) -> Self {
        Self {
            root,
            path: Vec::new(),
        }
    }

    fn own_exprs(&mut self, look: &mut dyn FnMut(&mut Expr)) {
        for step in &mut self.path {
            if let Step::Index(e) = step {
                look(e);
            }
        }
    }
}

impl Expr {
    pub fn u(v: u32) -> Expr {
        Expr::Lit(Lit::U(v))
    }

    pub fn var(v: VarId) -> Expr {
        Expr::Load(Place::var(v))
    }

    pub fn binary(op: Binary, a: Expr, b: Expr) -> Expr {
        Expr::Binary(op, Box::new(a), Box::new(b))
    }

    pub fn each(&mut self, look: &mut dyn FnMut(&mut Expr)) {
        look(self);
        self.operands(&mut |e| e.each(look));
    }

    pub fn operands(&mut self, look: &mut dyn FnMut(&mut Expr)) {
        match self {
            Expr::Lit(_) | Expr::Zero(_) => {}
            Expr::Load(place) => place.own_exprs(look),
            Expr::Unary(_, e)
            | Expr::Splat(e)
            | Expr::Component(e, _)
            | Expr::Swizzle(e, _)
            | Expr::Convert(_, e)
            | Expr::Bitcast(_, e)
            | Expr::Reduce(e)
            | Expr::At(_, e) => look(e),
            Expr::Binary(_, a, b) => {
                look(a);
                look(b);
            }
            Expr::Select(parts) => parts.iter_mut().for_each(look),
            Expr::SelectLess(parts) => parts.iter_mut().for_each(look),
            Expr::Compose(_, parts) | Expr::Math(_, parts) | Expr::Prelude(_, parts) => {
                parts.iter_mut().for_each(look)
            }
            Expr::Call(_, args) => {
                for arg in args {
                    if let Arg::Value(e) = arg {
                        look(e);
                    }
                }
            }
        }
    }
}
