//! Makes a program that fails smaller, as long as it still fails.
//!
//! Each step tries some candidates at once, because compiling the kernel is what takes the time, and goes on with the
//! smallest of them that fails. They come in no order: the smallest of all hardly ever fail.

use crate::ast::*;
use crate::random::Random;

/// Tells which of some programs fail.
pub type Fails<'a> = dyn FnMut(&[Program]) -> Result<Vec<bool>, String> + 'a;

/// The smallest program found that still fails, beginning with one that does.
pub fn shrink(mut program: Program, fails: &mut Fails<'_>) -> Result<Program, String> {
    const AT_ONCE: usize = 16;
    loop {
        let mut candidates = candidates(&program);
        Random::new(candidates.len() as u64).shuffle(&mut candidates);
        let mut found = None;
        for some in candidates.chunks(AT_ONCE) {
            let programs: Vec<Program> = some.iter().map(|(_, p)| p.clone()).collect();
            let failing = fails(&programs)?;
            let smallest = (0..some.len())
                .filter(|&n| failing[n])
                .min_by_key(|&n| some[n].0);
            if let Some(n) = smallest {
                found = Some(programs[n].clone());
                break;
            }
        }
        match found {
            Some(smaller) => {
                eprintln!("shrinking: {} nodes", size(&mut smaller.clone()));
                program = smaller;
            }
            None => return Ok(program),
        }
    }
}

/// Statements and expressions, also of functions that aren't called.
fn size(p: &mut Program) -> usize {
    let mut n = 0;
    p.each_block(&mut |b| n += 3 * b.len());
    p.each_expr(&mut |e| n += if matches!(e, Expr::Lit(_)) { 1 } else { 2 });
    n
}

fn barriers(p: &Program) -> usize {
    let functions = &p.functions;
    let mut n = 0;
    for s in &p.body {
        n += match s {
            Stmt::Barrier => 1,
            Stmt::Do(Expr::Call(f, _)) if functions[*f].collective => functions[*f].body.len(),
            _ => 0,
        };
    }
    n
}

/// All well-formed programs that are a step smaller.
fn candidates(program: &Program) -> Vec<(usize, Program)> {
    let whole = size(&mut program.clone());
    let barriers = barriers(program);
    let mut found = Vec::new();
    let mut add = |mut p: Program| {
        // Without its barriers a program that uses scratch memory has races.
        let raceless = !p.uses_scratch() || self::barriers(&p) == barriers;
        if raceless && well_formed(&mut p) {
            let size = size(&mut p);
            if size < whole {
                p.meter();
                found.push((size, p));
            }
        }
    };

    // Functions that nobody calls lose their bodies, and are not printed then.
    for f in 0..program.functions.len() {
        if program.functions[f].result.is_none() && !program.functions[f].body.is_empty() {
            let mut p = program.clone();
            p.functions[f].body.clear();
            add(p);
        }
    }
    // Ranges of statements, the whole block first, and single ones.
    let mut lengths = Vec::new();
    program
        .clone()
        .each_block(&mut |block| lengths.push(block.len()));
    for (n, &length) in lengths.iter().enumerate() {
        let mut step = length;
        while step > 0 {
            for first in (0..length).step_by(step) {
                let mut p = program.clone();
                in_block(&mut p, n, &mut |block| {
                    block.drain(first..(first + step).min(block.len()));
                });
                add(p);
            }
            step /= 2;
        }
        // A compound statement gives way to what is in it.
        for at in 0..length {
            let mut inner = 0;
            let mut p = program.clone();
            in_block(&mut p, n, &mut |block| {
                block[at].own_blocks(&mut |_| inner += 1)
            });
            for which in 0..inner {
                let mut p = program.clone();
                in_block(&mut p, n, &mut |block| {
                    let mut s = block.remove(at);
                    let mut at_hand = 0;
                    let mut body = Vec::new();
                    s.own_blocks(&mut |b| {
                        if at_hand == which {
                            body = std::mem::take(b);
                        }
                        at_hand += 1;
                    });
                    block.splice(at..at, body);
                });
                add(p);
            }
            for part in 0..3 {
                let mut p = program.clone();
                in_block(&mut p, n, &mut |block| simplify(&mut block[at], part));
                add(p);
            }
        }
    }
    // Expressions give way to a literal, or to one of their operands.
    let fixed = fixed(&mut program.clone());
    for (n, fixed) in fixed.into_iter().enumerate() {
        if fixed {
            continue;
        }
        for choice in 0..5 {
            let mut p = program.clone();
            let types = program.clone();
            let mut at = 0;
            let mut changed = false;
            p.each_expr(&mut |e| {
                if at == n {
                    if let Some(smaller) = replacement(&types, e, choice) {
                        *e = smaller;
                        changed = true;
                    }
                }
                at += 1;
            });
            if changed {
                add(p);
            }
        }
    }
    found
}

/// Takes a part of a statement away.
fn simplify(s: &mut Stmt, part: usize) {
    match (s, part) {
        (Stmt::Switch(_, cases), part)
            if part < cases.len() && !cases[part].selectors.contains(&None) =>
        {
            cases.remove(part);
        }
        (Stmt::Declare(_, e), 0) => *e = None,
        (Stmt::Loop { break_if, .. }, 0) => *break_if = None,
        (Stmt::For { update, .. }, 0) => *update = None,
        (Stmt::For { condition, .. }, 1) => *condition = None,
        _ => {}
    }
}

fn in_block(p: &mut Program, n: usize, change: &mut dyn FnMut(&mut Block)) {
    let mut at = 0;
    p.each_block(&mut |block| {
        if at == n {
            change(block);
        }
        at += 1;
    });
}

/// Which expressions are what they are for a reason: which result, the argument of a handle, a word that lanes share.
fn fixed(p: &mut Program) -> Vec<bool> {
    let tiled = p.tiled.is_some();
    let mut fixed = Vec::new();
    let mut next: Vec<*const Expr> = Vec::new();
    p.each_expr(&mut |e| {
        let here: *const Expr = e;
        fixed.push(next.contains(&here));
        let mut keep = |e: &Expr| next.push(e);
        match e {
            Expr::Prelude(Prelude::Buffer | Prelude::BufferMut, args) => args.iter().for_each(keep),
            Expr::Prelude(Prelude::Arg, args) => args.iter().for_each(keep),
            Expr::Prelude(Prelude::Result, args) if tiled => args.iter().for_each(keep),
            Expr::Prelude(Prelude::ResultAdd64, args) if tiled => args.iter().for_each(keep),
            Expr::Prelude(
                Prelude::Result | Prelude::ResultAdd | Prelude::ResultMax | Prelude::ResultMin,
                args,
            ) => keep(&args[0]),
            Expr::Prelude(Prelude::CheckRange, args) => keep(&args[3]),
            Expr::Prelude(_, args) if tiled => {
                args.iter().take(2).for_each(|e| {
                    if matches!(e, Expr::Lit(_) | Expr::At(..) | Expr::Load(_)) {
                        keep(e);
                    }
                });
            }
            _ => {}
        }
    });
    fixed
}

fn replacement(types: &Program, e: &Expr, choice: usize) -> Option<Expr> {
    let void = match e {
        Expr::Call(f, _) => types.functions[*f].result.is_none(),
        Expr::Prelude(p, _) => p.result().is_none(),
        _ => false,
    };
    if void || matches!(e, Expr::Lit(_)) {
        return None;
    }
    let ty = types.type_of(e);
    let literal = |v: u32| match ty {
        Ty::U32 => Some(Expr::u(v)),
        Ty::I32 => Some(Expr::Lit(Lit::I(v as i32))),
        Ty::F32 => Some(Expr::Lit(Lit::F(v as i32))),
        Ty::Bool => Some(Expr::Lit(Lit::B(v != 0))),
        Ty::Vec4 => Some(Expr::Splat(Box::new(Expr::u(v)))),
        _ => None,
    };
    match choice {
        0 | 1 => {
            if let Expr::Splat(inner) = e {
                if matches!(**inner, Expr::Lit(_)) {
                    return None;
                }
            }
            literal(choice as u32)
        }
        _ => {
            // The operand of a Reduce may be larger than what may be kept.
            if matches!(e, Expr::Reduce(_)) {
                return None;
            }
            let mut fit = Vec::new();
            e.clone().operands(&mut |o| fit.push(o.clone()));
            if let Expr::Load(_) = e {
                return None;
            }
            fit.into_iter()
                .filter(|o| types.type_of(o) == ty)
                .nth(choice - 2)
        }
    }
}

// ---------------------------------------------------------------- what the language demands

/// Whether variables are declared before they are used, statements that leave stand last and where they may, and
/// functions give what they promise.
fn well_formed(p: &mut Program) -> bool {
    if p.uses_scratch() && !matches!(p.body.first(), Some(Stmt::ScratchInit)) {
        return false;
    }
    let globals: Vec<VarId> = (0..p.vars.len())
        .filter(|&v| p.vars[v].kind == VarKind::Private)
        .collect();
    for f in &mut p.functions.clone() {
        let mut scope = globals.clone();
        scope.extend(&f.params);
        let ends = matches!(f.body.last(), Some(Stmt::Return(Some(_))));
        if f.result.is_some() && !ends || !block_fits(&mut f.body, &mut scope, Standing::default())
        {
            return false;
        }
    }
    let mut scope = globals;
    scope.extend(p.resolved.map(|(v, _)| v));
    block_fits(&mut p.body.clone(), &mut scope, Standing::default())
}

#[derive(Clone, Copy, Default)]
struct Standing {
    can_break: bool,
    can_continue: bool,
    in_continuing: bool,
}

fn block_fits(block: &mut Block, scope: &mut Vec<VarId>, at: Standing) -> bool {
    let before = scope.len();
    let count = block.len();
    let mut fits = true;
    for (n, s) in block.iter_mut().enumerate() {
        let last = n + 1 == count;
        fits &= match s {
            Stmt::Break => last && at.can_break,
            Stmt::Continue => last && at.can_continue,
            Stmt::Return(_) => last && !at.in_continuing,
            _ => true,
        } && stmt_fits(s, scope, at);
    }
    scope.truncate(before);
    fits
}

fn stmt_fits(s: &mut Stmt, scope: &mut Vec<VarId>, at: Standing) -> bool {
    let inner = Standing {
        can_break: true,
        can_continue: true,
        ..at
    };
    let before = scope.len();
    if let Stmt::For { var, start, .. } = s {
        if !expr_fits(start, scope) {
            return false;
        }
        scope.push(*var);
    }
    let mut fits = true;
    s.own_exprs(&mut |e| fits &= expr_fits(e, scope));
    match s {
        Stmt::Assign(place, _) | Stmt::Update(place, _, _) | Stmt::Step(place, _) => {
            fits &= scope.contains(&place.root);
        }
        Stmt::For {
            update: Some(update),
            ..
        } => {
            if let Stmt::Assign(place, _) | Stmt::Update(place, _, _) | Stmt::Step(place, _) =
                &**update
            {
                fits &= scope.contains(&place.root);
            }
        }
        _ => {}
    }
    fits &= match s {
        Stmt::If(_, a, b) => block_fits(a, scope, at) && block_fits(b, scope, at),
        Stmt::Block(b) => block_fits(b, scope, at),
        Stmt::Switch(_, cases) => {
            let at = Standing {
                can_break: true,
                ..at
            };
            cases.iter_mut().all(|c| block_fits(&mut c.body, scope, at))
        }
        Stmt::For { body, .. } | Stmt::While { body, .. } => block_fits(body, scope, inner),
        Stmt::Loop {
            body, continuing, ..
        } => {
            let outside = Standing {
                in_continuing: true,
                ..Standing::default()
            };
            block_fits(body, scope, inner) && block_fits(continuing, scope, outside)
        }
        _ => true,
    };
    scope.truncate(before);
    if let Stmt::Declare(v, _) | Stmt::Let(v, _) | Stmt::Collective(v, ..) = s {
        scope.push(*v);
    }
    fits
}

fn expr_fits(e: &mut Expr, scope: &[VarId]) -> bool {
    let mut fits = true;
    e.each(&mut |e| match e {
        Expr::Load(place) => fits &= scope.contains(&place.root),
        Expr::Call(_, args) => {
            for arg in args {
                if let Arg::Pointer(v) = arg {
                    fits &= scope.contains(v);
                }
            }
        }
        _ => {}
    });
    fits
}
