//! Meters loops: every iteration of every loop of a handler takes fuel.
//!
//! At the head of each loop's body goes `if (fuel < cost) { if (fault == 0) { fault = FUEL_EXHAUSTED; } break; } fuel -= cost;`. A
//! loop that runs dry is left, and so is every later one, so that the handler comes to its end. What it had not done by
//! then doesn't matter: the job is FAULTED.
//!
//! An iteration costs one unit, and one more for each loop inside of it, also in functions that it calls: a software
//! driver passes through the end of an inner loop even where no lane enters it, and one that caps loops counts that.

use std::collections::HashMap;

use naga::{
    BinaryOperator, Block, Expression, Function, GlobalVariable, Handle, Literal, Module, Range,
    Span, Statement,
};

use crate::ring::layout::fault;

/// The two private variables of the prelude that metering needs.
#[derive(Clone, Copy)]
pub struct Meter {
    fuel: Handle<GlobalVariable>,
    fault: Handle<GlobalVariable>,
}

impl Meter {
    /// Finds the variables in a module that has the prelude.
    pub fn find(module: &Module) -> Self {
        let find = |name: &str| {
            module
                .global_variables
                .iter()
                .find(|(_, g)| g.name.as_deref() == Some(name))
                .map(|(h, _)| h)
                .expect("the prelude declares it")
        };
        Self {
            fuel: find("rota_fuel"),
            fault: find("rota_fault"),
        }
    }

    /// Meters all loops of a function, and counts them with those of the functions that it calls; `loops` has the
    /// counts of these.
    pub fn rewrite(self, function: &mut Function, loops: &HashMap<Handle<Function>, u32>) -> u32 {
        let mut body = std::mem::take(&mut function.body);
        let count = self.block(&mut body, function, loops);
        function.body = body;
        count
    }

    fn block(
        self,
        block: &mut Block,
        function: &mut Function,
        loops: &HashMap<Handle<Function>, u32>,
    ) -> u32 {
        let mut count = 0;
        for statement in block.iter_mut() {
            count += match statement {
                Statement::Block(inner) => self.block(inner, function, loops),
                Statement::If { accept, reject, .. } => {
                    self.block(accept, function, loops) + self.block(reject, function, loops)
                }
                Statement::Switch { cases, .. } => cases
                    .iter_mut()
                    .map(|case| self.block(&mut case.body, function, loops))
                    .sum(),
                Statement::Loop {
                    body, continuing, ..
                } => {
                    let inside =
                        self.block(body, function, loops) + self.block(continuing, function, loops);
                    let head = self.head(function, 1 + inside);
                    body.splice(0..0, head);
                    1 + inside
                }
                Statement::Call { function, .. } => loops.get(function).copied().unwrap_or(0),
                _ => 0,
            };
        }
        count
    }

    /// The statements that take `cost` units.
    fn head(self, function: &mut Function, cost: u32) -> Block {
        let e = &mut function.expressions;
        let mut add = |expression| e.append(expression, Span::UNDEFINED);
        let fuel = add(Expression::GlobalVariable(self.fuel));
        let fault = add(Expression::GlobalVariable(self.fault));
        let cost = add(Expression::Literal(Literal::U32(cost)));
        let code = add(Expression::Literal(Literal::U32(fault::FUEL_EXHAUSTED)));
        let left = add(Expression::Load { pointer: fuel });
        let dry = add(Expression::Binary {
            op: BinaryOperator::Less,
            left,
            right: cost,
        });
        let less = add(Expression::Binary {
            op: BinaryOperator::Subtract,
            left,
            right: cost,
        });
        let none = add(Expression::Literal(Literal::U32(fault::NONE)));
        let old = add(Expression::Load { pointer: fault });
        let first = add(Expression::Binary {
            op: BinaryOperator::Equal,
            left: old,
            right: none,
        });
        let told = add(Expression::Select {
            condition: first,
            accept: code,
            reject: old,
        });
        let mut out_of_fuel = Block::new();
        out_of_fuel.push(
            Statement::Emit(Range::new_from_bounds(old, told)),
            Span::UNDEFINED,
        );
        out_of_fuel.push(
            Statement::Store {
                pointer: fault,
                value: told,
            },
            Span::UNDEFINED,
        );
        out_of_fuel.push(Statement::Break, Span::UNDEFINED);
        let mut head = Block::new();
        head.push(
            Statement::Emit(Range::new_from_bounds(left, less)),
            Span::UNDEFINED,
        );
        head.push(
            Statement::If {
                condition: dry,
                accept: out_of_fuel,
                reject: Block::new(),
            },
            Span::UNDEFINED,
        );
        head.push(
            Statement::Store {
                pointer: fuel,
                value: less,
            },
            Span::UNDEFINED,
        );
        head
    }
}
