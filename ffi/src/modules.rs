//! Modules: handlers that tenants bring.
#![cfg(not(loom))]

use crate::args::{self, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status, Failure};
use crate::runtime::{rota_runtime, with_runtime};
use crate::tenant::{rota_tenant, with_tenant};
use std::ffi::c_char;
use std::ptr::null;
use std::time::Duration;

/// A loaded module: a number, never 0.
pub type rota_module = u32;

/// ---- Loaded handlers ---------------------------------------------------------------------------
///
/// One lane runs a job alone.
pub const ROTA_HANDLER_SCALAR: u32 = 0;
/// A job has tiles, and all lanes of a worker run one.
pub const ROTA_HANDLER_TILED: u32 = 1;

/// The lowest opcode that a loaded handler can have.
pub const ROTA_FIRST_OPCODE: u32 = 0x1000;

/// One handler of a module.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_handler {
    /// What jobs name it by: ROTA_FIRST_OPCODE and up, in the tenant's window.
    pub opcode: u32,
    /// One of ROTA_HANDLER_*.
    pub kind: u32,
    /// The function in the module's source, without parameters or result.
    pub function: *const c_char,
    /// Bytes of function.
    pub function_len: usize,
    /// Loop iterations a lane may run where the job doesn't say. 0: the tenant's default.
    pub fuel: u32,
    /// 0.
    pub reserved: u32,
}

/// A module to load. ROTA_MODULE_OPTIONS_INIT is empty.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_module_options {
    /// sizeof(rota_module_options), which ROTA_MODULE_OPTIONS_INIT sets.
    pub struct_size: usize,
    /// A name for people: messages about the source begin with it. NULL: "module".
    pub label: *const c_char,
    /// Bytes of label.
    pub label_len: usize,
    /// WGSL, in UTF-8. docs/handlers.md says what a handler can use.
    pub source: *const c_char,
    /// Bytes of source.
    pub source_len: usize,
    /// What of the source can be called.
    pub handlers: *const rota_handler,
    /// Elements of handlers, 1 to 64.
    pub handler_count: usize,
}

// SAFETY: integers and pointers of 8 bytes only.
unsafe impl Sized8 for rota_module_options {
    const NAME: &'static str = "rota_module_options";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        label: null(),
        label_len: 0,
        source: null(),
        source_len: 0,
        handlers: null(),
        handler_count: 0,
    };
}

/// What loading a module took.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_module_report {
    /// sizeof(rota_module_report), which ROTA_MODULE_REPORT_INIT sets.
    pub struct_size: usize,
    /// 1 for a module just loaded; each replacement is one more.
    pub version: u32,
    /// 0.
    pub reserved: u32,
    /// Parsing and verifying the source, in nanoseconds.
    pub verify_ns: u64,
    /// Composing the kernel with it.
    pub compose_ns: u64,
    /// The driver's compiler, and a trial run beside the running kernel. Composing and compiling take
    /// no time where the same kernel was made before.
    pub compile_ns: u64,
    /// Until no lease ran the old kernel any more.
    pub switch_ns: u64,
}

// SAFETY: integers only; the pair of u32 fills 8 bytes.
unsafe impl Sized8 for rota_module_report {
    const NAME: &'static str = "rota_module_report";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        version: 0,
        reserved: 0,
        verify_ns: 0,
        compose_ns: 0,
        compile_ns: 0,
        switch_ns: 0,
    };
}

impl From<rota::ModuleReport> for rota_module_report {
    fn from(report: rota::ModuleReport) -> Self {
        let ns = |time: Duration| time.as_nanos().min(u64::MAX as u128) as u64;
        Self {
            version: report.version,
            verify_ns: ns(report.verify),
            compose_ns: ns(report.compose),
            compile_ns: ns(report.compile),
            switch_ns: ns(report.switch),
            ..Self::DEFAULT
        }
    }
}

/// The options as the engine wants them.
///
/// # Safety
/// NULL or valid, and so are the pointers in them.
unsafe fn module_options(
    options: *const rota_module_options,
) -> Result<rota::ModuleOptions, Failure> {
    if options.is_null() {
        return Err(Failure::NullPointer("options"));
    }
    // SAFETY: passed on, as below.
    let options = unsafe { args::options(options) }?;
    // SAFETY: as above.
    let label = unsafe { args::text("label", options.label, options.label_len) }?;
    // SAFETY: as above.
    let source = unsafe { args::slice("source", options.source.cast::<u8>(), options.source_len) }?;
    let source = std::str::from_utf8(source).map_err(|e| {
        let text = format!(
            "error: the source is not UTF-8: byte {} doesn't belong there",
            e.valid_up_to()
        );
        rota::Error::InvalidModule { text }
    })?;
    // SAFETY: as above.
    let handlers = unsafe { args::slice("handlers", options.handlers, options.handler_count) }?;
    let handlers = handlers.iter().map(|handler| {
        args::reserved("reserved", handler.reserved)?;
        let tiled = match handler.kind {
            ROTA_HANDLER_SCALAR => false,
            ROTA_HANDLER_TILED => true,
            kind => return Err(args::unknown("kind", kind, "ROTA_HANDLER_*")),
        };
        // SAFETY: as above.
        let function = unsafe { args::text("function", handler.function, handler.function_len) }?;
        Ok(rota::HandlerOptions {
            opcode: handler.opcode,
            function: function.unwrap_or_default().to_string(),
            tiled,
            fuel: handler.fuel,
        })
    });
    Ok(rota::ModuleOptions {
        label: label.unwrap_or_default().to_string(),
        source: source.to_string(),
        handlers: handlers.collect::<Result<_, Failure>>()?,
    })
}

/// What loading does for a tenant as for the runtime; `load` is the engine's.
///
/// # Safety
/// The conventions: NULL or valid.
unsafe fn load(
    options: *const rota_module_options,
    module: *mut rota_module,
    report: *mut rota_module_report,
    load: impl FnOnce(&rota::ModuleOptions) -> Result<(u32, rota::ModuleReport), rota::Error>,
) -> Result<(), Failure> {
    // SAFETY: passed on.
    let out = unsafe { args::out("module", module) }?;
    let mut name = 0;
    let loaded = |options: &_| {
        let (module, report) = load(options)?;
        name = module;
        Ok(report)
    };
    // SAFETY: passed on.
    unsafe { replace(options, report, loaded) }?;
    out.write(name);
    Ok(())
}

/// The same of replacing.
///
/// # Safety
/// The conventions: NULL or valid.
unsafe fn replace(
    options: *const rota_module_options,
    report: *mut rota_module_report,
    replace: impl FnOnce(&rota::ModuleOptions) -> Result<rota::ModuleReport, rota::Error>,
) -> Result<(), Failure> {
    let wanted = match report.is_null() {
        true => None,
        // SAFETY: passed on.
        false => Some(unsafe { Wanted::new(report) }?),
    };
    // SAFETY: passed on.
    let report = replace(&unsafe { module_options(options) }?)?;
    if let Some(wanted) = wanted {
        wanted.fill(&report.into());
    }
    Ok(())
}

/// ---- Modules -----------------------------------------------------------------------------------
///
/// Loads handlers that a tenant brings, while everything else goes on: only the switch to the new
/// kernel waits for the end of a lease. Takes as long as the driver's compiler, seconds on software
/// drivers; loads of all tenants wait for each other. From its return on the tenant's jobs can have
/// the handlers' opcodes.
///
/// A source that is rejected gives INVALID_MODULE, and the error's message is what a compiler would
/// print: line, column, what is wrong, what to do. On any error nothing is changed.
///
/// Ownership: copies all it is given; *module is the tenant's, until rota_module_unload or
/// rota_tenant_destroy. report may be NULL.
/// Threading: any thread; tenant is destroyed only after this has returned.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, INVALID_ARGUMENT (no handler, more
/// than 64, fuel above what the device can run), INVALID_OPCODE (outside the tenant's window),
/// OPCODE_TAKEN, INVALID_MODULE, KERNEL_FULL, QUOTA_EXCEEDED, DRIVER_ERROR, OUT_OF_MEMORY, STOPPED.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_module_load(
    tenant: *mut rota_tenant,
    options: *const rota_module_options,
    module: *mut rota_module,
    report: *mut rota_module_report,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            unsafe { load(options, module, report, |options| tenant.module_load(options)) }
        })
    })
}

/// Puts another version in a module's place: the same opcodes, each of the same kind. Jobs that have
/// begun end with the old version, later ones run with the new one, and none with both; a completion
/// of a job with ROTA_JOB_TIMING says which it was.
///
/// Ownership: copies all it is given. report may be NULL.
/// Threading: any thread; tenant is destroyed only after this has returned.
/// Errors: as rota_module_load, but for OPCODE_TAKEN; INVALID_HANDLE for a module that isn't this
/// tenant's, INVALID_ARGUMENT for other opcodes or kinds.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_module_replace(
    tenant: *mut rota_tenant,
    module: rota_module,
    options: *const rota_module_options,
    report: *mut rota_module_report,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| {
            // SAFETY: the conventions: NULL or valid.
            unsafe { replace(options, report, |options| tenant.module_replace(module, options)) }
        })
    })
}

/// Unloads a module. Its opcodes are refused from now on. Jobs accepted before finish first; those
/// that have not begun after timeout_ns end with the fault HANDLER_UNLOADED.
///
/// Ownership: takes the module.
/// Threading: any thread; tenant is destroyed only after this has returned.
/// Errors: INVALID_HANDLE (the tenant, or a module that isn't this tenant's), NULL_POINTER,
/// DEVICE_LOST, STOPPED (the module goes with its tenant).
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_module_unload(
    tenant: *mut rota_tenant,
    module: rota_module,
    timeout_ns: u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_tenant(tenant, |tenant| Ok(tenant.module_unload(module, timeout_ns)?))
    })
}

/// Loads a module that no tenant owns. Tenants can call its handlers once it is granted to them.
///
/// Ownership: copies all it is given; *module is the runtime's. report may be NULL.
/// Threading: any thread.
/// Errors: as rota_module_load; INVALID_OPCODE for one that no window has.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_module_load(
    runtime: *mut rota_runtime,
    options: *const rota_module_options,
    module: *mut rota_module,
    report: *mut rota_module_report,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            // SAFETY: the conventions: NULL or valid.
            unsafe { load(options, module, report, |options| entry.runtime.module_load(options)) }
        })
    })
}

/// As rota_module_replace, at once for all tenants that the module was granted to.
///
/// Ownership: copies all it is given. report may be NULL.
/// Threading: any thread.
/// Errors: as rota_module_replace.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_module_replace(
    runtime: *mut rota_runtime,
    module: rota_module,
    options: *const rota_module_options,
    report: *mut rota_module_report,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            let replaced = |options: &_| entry.runtime.module_replace(module, options);
            // SAFETY: the conventions: NULL or valid.
            unsafe { replace(options, report, replaced) }
        })
    })
}

/// As rota_module_unload, for all tenants that the module was granted to.
///
/// Ownership: takes the module.
/// Threading: any thread.
/// Errors: as rota_module_unload.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_module_unload(
    runtime: *mut rota_runtime,
    module: rota_module,
    timeout_ns: u64,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| Ok(entry.runtime.module_unload(module, timeout_ns)?))
    })
}

/// Lets a tenant call the handlers of one of the runtime's modules, by the opcodes that they were
/// loaded with; these must be free in the tenant's window.
///
/// Ownership: nothing changes hands; the grant ends with the module or the tenant.
/// Threading: any thread; runtime and tenant are destroyed only after this has returned.
/// Errors: NULL_POINTER, INVALID_HANDLE (the runtime, the tenant, or a module that isn't the
/// runtime's), INVALID_ARGUMENT (a tenant of another runtime), INVALID_OPCODE, OPCODE_TAKEN,
/// KERNEL_FULL, STOPPED.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_runtime_module_grant(
    runtime: *mut rota_runtime,
    module: rota_module,
    tenant: *mut rota_tenant,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        with_runtime(runtime, |entry| {
            with_tenant(tenant, |tenant| Ok(entry.runtime.module_grant(module, tenant)?))
        })
    })
}
