//! The part of librota's C API that the benchmarks call. Its types come from the crate that makes the
//! library; its functions are loaded at run time, so that what is measured is the library that gets
//! installed, through the door that C programs use.

use crate::Fallible;
pub use rota_ffi::{
    rota_completion as Completion, rota_handler as Handler, rota_job as Job,
    rota_module_options as ModuleOptions, rota_module_report as ModuleReport,
    rota_runtime_info as RuntimeInfo, rota_runtime_options as RuntimeOptions,
    rota_tenant_options as TenantOptions, ROTA_CLASS_BACKGROUND as CLASS_BACKGROUND,
    ROTA_CLASS_INTERACTIVE as CLASS_INTERACTIVE, ROTA_CLASS_NORMAL as CLASS_NORMAL,
};
use std::ffi::{c_char, c_int, c_void};

pub const STATUS_OK: i32 = 0;
pub const STATUS_WOULD_BLOCK: i32 = 1;
pub const STATUS_TIMEOUT: i32 = 2;
pub const STATUS_INVALID_TICKET: i32 = 7;

pub const COMPLETION_OK: u32 = 1;
pub const TICKET_OPEN: u32 = 1;
pub const FOREVER: u64 = u64::MAX;

pub const WAIT_ADAPTIVE: u32 = 0;
pub const WAIT_SPIN: u32 = 1;
pub const WAIT_BLOCK: u32 = 2;

pub const OP_NOP: u32 = 0x001;
pub const OP_SPIN: u32 = 0x002;
pub const OP_SAXPY_F32: u32 = 0x012;
pub const OP_SUM_U32: u32 = 0x013;

/// Handles are ids, never dereferenced on this side.
pub type Handle = *mut c_void;

/// A scalar job with the handler's default fuel.
pub fn scalar(opcode: u32, a: u32, b: u32) -> Job {
    tiled(opcode, 1, &[a, b])
}

/// A tiled job with the handler's default fuel.
pub fn tiled(opcode: u32, tiles: u32, args: &[u32]) -> Job {
    let mut job = Job {
        opcode,
        flags: 0,
        tiles,
        fuel: 0,
        args: [0; 10],
        user_data: 0,
    };
    job.args[..args.len()].copy_from_slice(args);
    job
}

/// Declares the functions once: as fields that hold them, and as names to look up.
macro_rules! functions {
    ($($name:ident($($argument:ty),*) -> $result:ty;)*) => {
        /// The loaded library. Its functions may be called as long as this lives.
        pub struct Library {
            $(pub $name: unsafe extern "C" fn($($argument),*) -> $result,)*
            pub path: String,
            _library: libloading::Library,
        }

        impl Library {
            pub fn load(path: &str) -> Fallible<Library> {
                // SAFETY: the types here are those of rota.h; the fields can't outlive the library,
                // which lies in the same struct.
                unsafe {
                    let library = libloading::Library::new(path)?;
                    Ok(Library {
                        $($name: *library.get(concat!(stringify!($name), "\0").as_bytes())?,)*
                        path: path.to_string(),
                        _library: library,
                    })
                }
            }
        }
    };
}

functions! {
    rota_version_text() -> *const c_char;
    rota_status_name(i32) -> *const c_char;
    rota_error_message(Handle) -> *const c_char;
    rota_error_destroy(Handle) -> ();
    rota_runtime_open(*const RuntimeOptions, *mut Handle, *mut Handle) -> i32;
    rota_runtime_get_info(Handle, *mut RuntimeInfo, *mut Handle) -> i32;
    rota_metrics_snapshot(Handle, *mut rota_ffi::rota_snapshot, *mut Handle) -> i32;
    rota_spans_flush(Handle, u64, *mut Handle) -> i32;
    rota_spans_get_stats(Handle, *mut rota_ffi::rota_span_stats, *mut Handle) -> i32;
    rota_metrics_text(Handle, u32, *mut c_char, usize, *mut usize, *mut Handle) -> i32;
    rota_runtime_destroy(Handle, *mut Handle) -> i32;
    rota_tenant_create(Handle, *const TenantOptions, *mut Handle, *mut Handle) -> i32;
    rota_tenant_destroy(Handle, *mut Handle) -> i32;
    rota_tenant_event_fd(Handle, *mut c_int, *mut Handle) -> i32;
    rota_submit(Handle, *const Job, usize, *mut u64, *mut usize, *mut Handle) -> i32;
    rota_poll(Handle, *mut Completion, usize, u32, u64, *mut usize, *mut Handle) -> i32;
    rota_wait(Handle, u64, u32, u64, *mut Completion, *mut Handle) -> i32;
    rota_ticket_state(Handle, u64, *mut u32, *mut Handle) -> i32;
    rota_buffer_create(Handle, u64, u32, *mut u32, *mut Handle) -> i32;
    rota_buffer_write(Handle, u32, u64, *const c_void, usize, *mut Handle) -> i32;
    rota_buffer_read(Handle, u32, u64, *mut c_void, usize, *mut Handle) -> i32;
    rota_tiles(u32, u64) -> u32;
    rota_module_load(Handle, *const ModuleOptions, *mut u32, *mut ModuleReport, *mut Handle) -> i32;
    rota_module_unload(Handle, u32, u64, *mut Handle) -> i32;
}
