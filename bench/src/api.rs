//! The part of librota's C API that the benchmarks call, declared anew after `rota/rota.h` and loaded
//! at run time: they measure the library that is installed, through the door that C programs use.

use crate::Fallible;
use std::ffi::{c_char, c_int, c_void};
use std::mem::size_of;

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

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Job {
    pub opcode: u32,
    pub flags: u32,
    pub tiles: u32,
    pub fuel: u32,
    pub args: [u32; 10],
    pub user_data: u64,
}

impl Job {
    /// A scalar job with the handler's default fuel.
    pub fn scalar(opcode: u32, a: u32, b: u32) -> Job {
        Job::tiled(opcode, 1, &[a, b])
    }

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
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Completion {
    pub ticket: u64,
    pub user_data: u64,
    pub status: u32,
    pub fault: u32,
    pub results: [u32; 2],
    pub fuel: u32,
    pub module_version: u32,
    pub begin_epoch: u64,
    pub end_epoch: u64,
    pub digest: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RuntimeOptions {
    pub struct_size: usize,
    pub device: *const c_char,
    pub device_len: usize,
    pub mode: u32,
    pub workers: u32,
    pub idle_limit_ns: u64,
    pub max_tenants: u32,
    pub slots: u32,
    pub memory_bytes: u64,
    pub cache_dir: *const c_char,
    pub cache_dir_len: usize,
    pub flags: u32,
    pub first_position: u32,
    pub lease_fuel: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RuntimeInfo {
    pub struct_size: usize,
    pub device_name: [c_char; 256],
    pub driver: [c_char; 256],
    pub driver_info: [c_char; 256],
    pub mode: u32,
    pub subgroup_size: u32,
    pub workers: u32,
    pub loop_cap: u32,
    pub max_tenants: u32,
    pub slots: u32,
    pub ring_bytes: u64,
    pub segment_bytes: u64,
    pub segments: u64,
    pub leases: u64,
    pub wakes: u64,
    pub parks: u64,
    pub jobs_completed: u64,
    pub parked: u32,
    pub live_polling: u32,
    pub torn_records: u32,
    pub reserved: u32,
    pub open_ns: u64,
    pub compile_ns: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct TenantOptions {
    pub struct_size: usize,
    pub label: *const c_char,
    pub label_len: usize,
    pub slots: u32,
    pub reserved: u32,
}

// The sizes that the header promises.
const _: () = assert!(size_of::<Job>() == 64 && size_of::<Completion>() == 64);
const _: () = assert!(size_of::<RuntimeOptions>() == 88 && size_of::<TenantOptions>() == 32);
const _: () = assert!(size_of::<RuntimeInfo>() == 888);

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
}
