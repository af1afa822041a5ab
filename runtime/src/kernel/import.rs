//! Copies the functions of one naga module into another.
//!
//! The kernel is put together on the IR and not as text, so that the sources of different parties can't collide in
//! names and keep their own line numbers. Every source is parsed behind the same prelude; what the prelude declares
//! is not copied but mapped by its name to what the target already has.
//!
//! A function's own expressions keep their handles. Only handles that point out of the function are mapped: types,
//! constants, global variables and other functions.

use std::collections::HashMap;

use naga::{
    Arena, Block, Constant, Expression, Function, GlobalVariable, Handle, Module, Span, Statement,
    Type, TypeInner,
};

/// An expression or statement that no kernel may have.
#[derive(Debug, thiserror::Error)]
#[error("a kernel can't use {0}")]
pub struct Unsupported(pub &'static str);

/// Copies from `source` into `target`.
pub struct Importer<'a> {
    source: &'a Module,
    target: &'a mut Module,
    types: HashMap<Handle<Type>, Handle<Type>>,
    constants: HashMap<Handle<Constant>, Handle<Constant>>,
    globals: HashMap<Handle<GlobalVariable>, Handle<GlobalVariable>>,
    functions: HashMap<Handle<Function>, Handle<Function>>,
    const_expressions: HashMap<Handle<Expression>, Handle<Expression>>,
}

impl<'a> Importer<'a> {
    /// `known` gives the functions that are in the target already, by the name they have in the source.
    pub fn new(
        source: &'a Module,
        target: &'a mut Module,
        known: &HashMap<String, Handle<Function>>,
    ) -> Self {
        let by_name: HashMap<_, _> = target
            .global_variables
            .iter()
            .filter_map(|(h, g)| Some((g.name.clone()?, h)))
            .collect();
        let globals = source
            .global_variables
            .iter()
            .filter_map(|(h, g)| Some((h, *by_name.get(g.name.as_deref()?)?)))
            .collect();
        let functions = source
            .functions
            .iter()
            .filter_map(|(h, f)| Some((h, *known.get(f.name.as_deref()?)?)))
            .collect();
        Self {
            source,
            target,
            types: HashMap::new(),
            constants: HashMap::new(),
            globals,
            functions,
            const_expressions: HashMap::new(),
        }
    }

    /// Copies every function that isn't known, in the order of the source, which is that of their calls, and changes
    /// each by `rewrite` on its way; what that gives is noted in `notes`. Gives the functions by name.
    pub fn functions(
        &mut self,
        rewrite: impl Fn(&mut Function, &HashMap<Handle<Function>, u32>) -> u32,
        notes: &mut HashMap<Handle<Function>, u32>,
    ) -> Result<HashMap<String, Handle<Function>>, Unsupported> {
        for (handle, predeclared) in &self.source.special_types.predeclared_types {
            let ty = self.ty(*predeclared)?;
            self.target
                .special_types
                .predeclared_types
                .insert(handle.clone(), ty);
        }
        let mut named = HashMap::new();
        for (handle, function) in self.source.functions.iter() {
            if self.functions.contains_key(&handle) {
                continue;
            }
            let mut copy = self.function(function)?;
            let note = rewrite(&mut copy, notes);
            let new = self.target.functions.append(copy, Span::UNDEFINED);
            notes.insert(new, note);
            self.functions.insert(handle, new);
            if let Some(name) = &function.name {
                named.insert(name.clone(), new);
            }
        }
        Ok(named)
    }

    /// Copies the entry points.
    pub fn entry_points(&mut self) -> Result<(), Unsupported> {
        for entry in &self.source.entry_points {
            let mut copy = entry.clone();
            copy.function = self.function(&entry.function)?;
            self.target.entry_points.push(copy);
        }
        Ok(())
    }

    fn function(&mut self, function: &Function) -> Result<Function, Unsupported> {
        let mut copy = function.clone();
        copy.diagnostic_filter_leaf = None;
        for argument in &mut copy.arguments {
            argument.ty = self.ty(argument.ty)?;
        }
        if let Some(result) = &mut copy.result {
            result.ty = self.ty(result.ty)?;
        }
        for (_, local) in copy.local_variables.iter_mut() {
            local.ty = self.ty(local.ty)?;
        }
        for (_, expression) in copy.expressions.iter_mut() {
            self.expression(expression)?;
        }
        self.block(&mut copy.body)?;
        Ok(copy)
    }

    fn block(&self, block: &mut Block) -> Result<(), Unsupported> {
        for statement in block.iter_mut() {
            match statement {
                Statement::Call { function, .. } => *function = self.functions[function],
                Statement::Block(inner) => self.block(inner)?,
                Statement::If { accept, reject, .. } => {
                    self.block(accept)?;
                    self.block(reject)?;
                }
                Statement::Switch { cases, .. } => {
                    for case in cases {
                        self.block(&mut case.body)?;
                    }
                }
                Statement::Loop {
                    body, continuing, ..
                } => {
                    self.block(body)?;
                    self.block(continuing)?;
                }
                Statement::ImageStore { .. } | Statement::ImageAtomic { .. } => {
                    return Err(Unsupported("images"))
                }
                Statement::RayQuery { .. } | Statement::RayPipelineFunction(_) => {
                    return Err(Unsupported("ray tracing"))
                }
                Statement::CooperativeStore { .. } => {
                    return Err(Unsupported("cooperative matrices"))
                }
                Statement::Kill => return Err(Unsupported("discard")),
                Statement::Emit(_)
                | Statement::Break
                | Statement::Continue
                | Statement::Return { .. }
                | Statement::ControlBarrier(_)
                | Statement::MemoryBarrier(_)
                | Statement::Store { .. }
                | Statement::Atomic { .. }
                | Statement::WorkGroupUniformLoad { .. }
                | Statement::SubgroupBallot { .. }
                | Statement::SubgroupGather { .. }
                | Statement::SubgroupCollectiveOperation { .. } => {}
            }
        }
        Ok(())
    }

    /// Maps what an expression names outside its arena.
    fn expression(&mut self, expression: &mut Expression) -> Result<(), Unsupported> {
        match expression {
            Expression::Constant(handle) => *handle = self.constant(*handle)?,
            Expression::ZeroValue(ty)
            | Expression::Compose { ty, .. }
            | Expression::AtomicResult { ty, .. }
            | Expression::WorkGroupUniformLoadResult { ty }
            | Expression::SubgroupOperationResult { ty } => *ty = self.ty(*ty)?,
            Expression::GlobalVariable(handle) => *handle = self.global(*handle)?,
            Expression::CallResult(function) => *function = self.functions[function],
            Expression::Override(_) => return Err(Unsupported("overrides")),
            Expression::ImageSample { .. }
            | Expression::ImageLoad { .. }
            | Expression::ImageQuery { .. } => return Err(Unsupported("images")),
            Expression::RayQueryVertexPositions { .. }
            | Expression::RayQueryProceedResult
            | Expression::RayQueryGetIntersection { .. } => return Err(Unsupported("ray tracing")),
            Expression::CooperativeLoad { .. } | Expression::CooperativeMultiplyAdd { .. } => {
                return Err(Unsupported("cooperative matrices"))
            }
            Expression::Derivative { .. } => return Err(Unsupported("derivatives")),
            Expression::Literal(_)
            | Expression::Access { .. }
            | Expression::AccessIndex { .. }
            | Expression::Splat { .. }
            | Expression::Swizzle { .. }
            | Expression::FunctionArgument(_)
            | Expression::LocalVariable(_)
            | Expression::Load { .. }
            | Expression::Unary { .. }
            | Expression::Binary { .. }
            | Expression::Select { .. }
            | Expression::Relational { .. }
            | Expression::Math { .. }
            | Expression::As { .. }
            | Expression::ArrayLength(_)
            | Expression::SubgroupBallotResult => {}
        }
        Ok(())
    }

    fn ty(&mut self, handle: Handle<Type>) -> Result<Handle<Type>, Unsupported> {
        if let Some(&known) = self.types.get(&handle) {
            return Ok(known);
        }
        let mut ty = self.source.types[handle].clone();
        match &mut ty.inner {
            TypeInner::Array { base, .. } | TypeInner::Pointer { base, .. } => {
                *base = self.ty(*base)?
            }
            TypeInner::Struct { members, .. } => {
                for member in members {
                    member.ty = self.ty(member.ty)?;
                }
            }
            TypeInner::Scalar(_)
            | TypeInner::Vector { .. }
            | TypeInner::Matrix { .. }
            | TypeInner::Atomic(_)
            | TypeInner::ValuePointer { .. } => {}
            _ => {
                return Err(Unsupported(
                    "types other than numbers, vectors, matrices, arrays, structs and pointers",
                ))
            }
        }
        let new = self.target.types.insert(ty, Span::UNDEFINED);
        self.types.insert(handle, new);
        Ok(new)
    }

    fn constant(&mut self, handle: Handle<Constant>) -> Result<Handle<Constant>, Unsupported> {
        if let Some(&known) = self.constants.get(&handle) {
            return Ok(known);
        }
        let mut constant = self.source.constants[handle].clone();
        constant.name = None;
        constant.ty = self.ty(constant.ty)?;
        constant.init = self.const_expression(constant.init)?;
        let new = self.target.constants.append(constant, Span::UNDEFINED);
        self.constants.insert(handle, new);
        Ok(new)
    }

    fn const_expression(
        &mut self,
        handle: Handle<Expression>,
    ) -> Result<Handle<Expression>, Unsupported> {
        if let Some(&known) = self.const_expressions.get(&handle) {
            return Ok(known);
        }
        let mut expression = self.source.global_expressions[handle].clone();
        match &mut expression {
            Expression::Compose { components, .. } => {
                for component in components {
                    *component = self.const_expression(*component)?;
                }
            }
            Expression::Splat { value, .. } => *value = self.const_expression(*value)?,
            Expression::Literal(_) | Expression::Constant(_) | Expression::ZeroValue(_) => {}
            _ => {
                return Err(Unsupported(
                    "constants that aren't literals or made of them",
                ))
            }
        }
        self.expression(&mut expression)?;
        let new = append(&mut self.target.global_expressions, expression);
        self.const_expressions.insert(handle, new);
        Ok(new)
    }

    /// Copies a global variable of the source; only private ones get here, as the prelude's are known by name.
    fn global(
        &mut self,
        handle: Handle<GlobalVariable>,
    ) -> Result<Handle<GlobalVariable>, Unsupported> {
        if let Some(&known) = self.globals.get(&handle) {
            return Ok(known);
        }
        let mut global = self.source.global_variables[handle].clone();
        if global.space != naga::AddressSpace::Private {
            return Err(Unsupported("global variables that aren't private"));
        }
        global.name = None;
        global.ty = self.ty(global.ty)?;
        global.init = global
            .init
            .map(|init| self.const_expression(init))
            .transpose()?;
        let new = self.target.global_variables.append(global, Span::UNDEFINED);
        self.globals.insert(handle, new);
        Ok(new)
    }
}

fn append(arena: &mut Arena<Expression>, expression: Expression) -> Handle<Expression> {
    arena.append(expression, Span::UNDEFINED)
}
