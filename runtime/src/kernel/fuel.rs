//! Meters loops: every iteration of every loop of a handler takes fuel.
//!
//! `loop { body }` becomes
//!
//! ```text
//! loop {
//!     loop {
//!         fuel -= cost;
//!         if (fuel < mark) { break; }
//!         body
//!     }
//!     if (fuel >= mark) { break; }
//!     if (!rota_go_on(cost)) { break; }
//! }
//! ```
//!
//! so that a lane that has used up its slice of fuel leaves the inner loop between two iterations, where all that it
//! knows is in variables, looks whether its job is to go on, and goes on with the next iteration. What happens rarely
//! stands behind the inner loop, because software drivers run what stands in it for every iteration, taken or not.
//!
//! Where the lane may not go on, its mark is higher than any fuel: this loop is left, and so is every later one, so that
//! the handler comes to its end. What it had not done by then doesn't matter: the job does not end OK. A loop that ends by
//! itself with less fuel than the mark, as all do by then, looks once more, which changes nothing.
//!
//! An iteration costs one unit, and two more for each loop inside of it, also in functions that it calls: a software
//! driver passes through the ends of an inner loop, and of the one put around it, even where no lane enters it, and one
//! that caps loops counts that.
//!
//! The standard tiled handlers, whose tiles are known to be short, are metered without looking: no loop is put around
//! theirs, and `if (fuel < 0) { break; }` stands in the head. Drivers compile that faster.

use std::collections::HashMap;

use naga::{
    BinaryOperator, Block, Expression, Function, GlobalVariable, Handle, Literal, Module, Range,
    Span, Statement, UnaryOperator,
};

/// What a loop, with the one that is put around it, adds to the passes through loops' ends.
pub const PASSES_PER_LOOP: u32 = 2;

/// Whether lanes look on their way if they are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    Sometimes,
    Never,
}

/// What of the prelude metering needs.
#[derive(Clone, Copy)]
pub struct Meter {
    fuel: Handle<GlobalVariable>,
    mark: Handle<GlobalVariable>,
    go_on: Handle<Function>,
    looks: Looks,
}

impl Meter {
    /// Finds it in a module that has the prelude.
    pub fn find(module: &Module, looks: Looks) -> Self {
        let variable = |name: &str| {
            module
                .global_variables
                .iter()
                .find(|(_, g)| g.name.as_deref() == Some(name))
                .map(|(h, _)| h)
                .expect("the prelude declares it")
        };
        Self {
            fuel: variable("rota_fuel"),
            mark: variable("rota_mark"),
            go_on: module
                .functions
                .iter()
                .find(|(_, f)| f.name.as_deref() == Some("rota_go_on"))
                .map(|(h, _)| h)
                .expect("the prelude declares it"),
            looks,
        }
    }

    /// Meters all loops of a function. Gives the passes through loops' ends of a lane that enters none of them, with those
    /// of the functions that it calls; `passes` has the counts of these.
    pub fn rewrite(self, function: &mut Function, passes: &HashMap<Handle<Function>, u32>) -> u32 {
        let mut body = std::mem::take(&mut function.body);
        let count = self.block(&mut body, function, passes);
        function.body = body;
        count
    }

    fn block(
        self,
        block: &mut Block,
        function: &mut Function,
        passes: &HashMap<Handle<Function>, u32>,
    ) -> u32 {
        let mut count = 0u32;
        for statement in block.iter_mut() {
            let inside = match statement {
                Statement::Block(inner) => self.block(inner, function, passes),
                Statement::If { accept, reject, .. } => self
                    .block(accept, function, passes)
                    .saturating_add(self.block(reject, function, passes)),
                Statement::Switch { cases, .. } => cases
                    .iter_mut()
                    .map(|case| self.block(&mut case.body, function, passes))
                    .fold(0, u32::saturating_add),
                Statement::Loop {
                    body, continuing, ..
                } => {
                    let inside = self
                        .block(body, function, passes)
                        .saturating_add(self.block(continuing, function, passes));
                    self.meter(statement, function, inside.saturating_add(1));
                    inside.saturating_add(match self.looks {
                        Looks::Sometimes => PASSES_PER_LOOP,
                        Looks::Never => 1,
                    })
                }
                Statement::Call { function, .. } => passes.get(function).copied().unwrap_or(0),
                _ => 0,
            };
            count = count.saturating_add(inside);
        }
        count
    }

    /// Puts the loop around `statement`, which is one, and the check at its head.
    fn meter(self, statement: &mut Statement, function: &mut Function, cost: u32) {
        let e = &mut function.expressions;
        let mut add = |expression| e.append(expression, Span::UNDEFINED);
        let fuel = add(Expression::GlobalVariable(self.fuel));
        let mark = add(Expression::GlobalVariable(self.mark));
        // More than any budget is as good as the highest.
        let cost = add(Expression::Literal(Literal::I32(cost.min(1 << 30) as i32)));
        let zero = add(Expression::Literal(Literal::I32(0)));
        let looks = self.looks;
        let compare = |add: &mut dyn FnMut(Expression) -> Handle<Expression>, op, left| {
            let right = match looks {
                Looks::Sometimes => add(Expression::Load { pointer: mark }),
                Looks::Never => zero,
            };
            add(Expression::Binary { op, left, right })
        };

        let before = add(Expression::Load { pointer: fuel });
        let after = add(Expression::Binary {
            op: BinaryOperator::Subtract,
            left: before,
            right: cost,
        });
        let too_little = compare(&mut add, BinaryOperator::Less, after);
        let head = [
            Statement::Emit(Range::new_from_bounds(before, too_little)),
            Statement::Store {
                pointer: fuel,
                value: after,
            },
            leave_if(too_little),
        ];

        if self.looks == Looks::Never {
            if let Statement::Loop { body, .. } = statement {
                body.splice(0..0, block(head));
            }
            return;
        }

        let left = add(Expression::Load { pointer: fuel });
        let enough = compare(&mut add, BinaryOperator::GreaterEqual, left);
        let goes_on = add(Expression::CallResult(self.go_on));
        let ends = add(Expression::Unary {
            op: UnaryOperator::LogicalNot,
            expr: goes_on,
        });
        let behind = [
            Statement::Emit(Range::new_from_bounds(left, enough)),
            leave_if(enough),
            Statement::Call {
                function: self.go_on,
                arguments: vec![cost],
                result: Some(goes_on),
            },
            Statement::Emit(Range::new_from_bounds(ends, ends)),
            leave_if(ends),
        ];

        let mut inner = std::mem::replace(statement, Statement::Break);
        if let Statement::Loop { body, .. } = &mut inner {
            body.splice(0..0, block(head));
        }
        let mut around = block([inner]);
        around.extend_block(block(behind));
        *statement = Statement::Loop {
            body: around,
            continuing: Block::new(),
            break_if: None,
        };
    }
}

fn leave_if(condition: Handle<Expression>) -> Statement {
    Statement::If {
        condition,
        accept: block([Statement::Break]),
        reject: Block::new(),
    }
}

fn block<const N: usize>(statements: [Statement; N]) -> Block {
    let mut block = Block::with_capacity(N);
    for statement in statements {
        block.push(statement, Span::UNDEFINED);
    }
    block
}
