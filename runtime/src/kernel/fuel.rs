//! Meters loops: every iteration of every loop of a handler takes one unit of fuel.
//!
//! At the head of each loop's body goes `if (fuel == 0) { fault = max(fault, FUEL_EXHAUSTED); break; } fuel -= 1;`. A
//! loop that runs dry is left, and so is every later one, so that the handler comes to its end. What it had not done by
//! then doesn't matter: the job is FAULTED.

use naga::{
    BinaryOperator, Block, Expression, Function, GlobalVariable, Handle, Literal, MathFunction, Module, Range, Span,
    Statement,
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
        Self { fuel: find("rota_fuel"), fault: find("rota_fault") }
    }

    /// Meters all loops of a function.
    pub fn rewrite(self, function: &mut Function) {
        let mut body = std::mem::take(&mut function.body);
        self.block(&mut body, function);
        function.body = body;
    }

    fn block(self, block: &mut Block, function: &mut Function) {
        for statement in block.iter_mut() {
            match statement {
                Statement::Block(inner) => self.block(inner, function),
                Statement::If { accept, reject, .. } => {
                    self.block(accept, function);
                    self.block(reject, function);
                }
                Statement::Switch { cases, .. } => {
                    for case in cases {
                        self.block(&mut case.body, function);
                    }
                }
                Statement::Loop { body, continuing, .. } => {
                    self.block(body, function);
                    self.block(continuing, function);
                    let head = self.head(function);
                    body.splice(0..0, head);
                }
                _ => {}
            }
        }
    }

    /// The statements that take one unit.
    fn head(self, function: &mut Function) -> Block {
        let e = &mut function.expressions;
        let mut add = |expression| e.append(expression, Span::UNDEFINED);
        let fuel = add(Expression::GlobalVariable(self.fuel));
        let fault = add(Expression::GlobalVariable(self.fault));
        let one = add(Expression::Literal(Literal::U32(1)));
        let zero = add(Expression::Literal(Literal::U32(0)));
        let code = add(Expression::Literal(Literal::U32(fault::FUEL_EXHAUSTED)));
        let left = add(Expression::Load { pointer: fuel });
        let dry = add(Expression::Binary { op: BinaryOperator::Equal, left, right: zero });
        let less = add(Expression::Binary { op: BinaryOperator::Subtract, left, right: one });
        let old = add(Expression::Load { pointer: fault });
        let worse = add(Expression::Math {
            fun: MathFunction::Max,
            arg: old,
            arg1: Some(code),
            arg2: None,
            arg3: None,
        });
        let mut out_of_fuel = Block::new();
        out_of_fuel.push(Statement::Emit(Range::new_from_bounds(old, worse)), Span::UNDEFINED);
        out_of_fuel.push(Statement::Store { pointer: fault, value: worse }, Span::UNDEFINED);
        out_of_fuel.push(Statement::Break, Span::UNDEFINED);
        let mut head = Block::new();
        head.push(Statement::Emit(Range::new_from_bounds(left, less)), Span::UNDEFINED);
        head.push(
            Statement::If { condition: dry, accept: out_of_fuel, reject: Block::new() },
            Span::UNDEFINED,
        );
        head.push(Statement::Store { pointer: fuel, value: less }, Span::UNDEFINED);
        head
    }
}
