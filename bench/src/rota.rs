//! A thin cover over the C API: statuses become errors, handles are destroyed on drop. The hot calls
//! stay one call each, so that what is timed is the call that a C program makes.

use crate::api::{
    self, Completion, Handle, Job, Library, ModuleOptions, ModuleReport, RuntimeInfo,
    RuntimeOptions, TenantOptions,
};
use crate::clock::{now_ns, sleep_us};
use crate::Fallible;
use std::env;
use std::ffi::{c_char, CStr};
use std::mem::{size_of, zeroed};
use std::path::Path;
use std::ptr::null_mut;

/// Loads librota from $ROTA_LIB, else from the workspace's release build.
pub fn load() -> Fallible<Library> {
    let built = "target/release/librota_ffi.so";
    let beside = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../target/release/librota_ffi.so"
    );
    let path = match env::var("ROTA_LIB") {
        Ok(path) => path,
        Err(_) => [built, beside]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .ok_or_else(|| format!("no {built}: build librota first, or set ROTA_LIB"))?
            .to_string(),
    };
    // dlopen searches the system's folders for a name without a slash.
    let path = if path.contains('/') {
        path
    } else {
        format!("./{path}")
    };
    Library::load(&path)
}

pub fn version(library: &Library) -> String {
    // SAFETY: a static text.
    unsafe { text((library.rota_version_text)()) }
}

/// Options with every default.
pub fn options() -> RuntimeOptions {
    // SAFETY: zero is valid, and the default, for every field.
    let mut options: RuntimeOptions = unsafe { zeroed() };
    options.struct_size = size_of::<RuntimeOptions>();
    options
}

/// The same of a tenant.
pub fn tenant_options() -> TenantOptions {
    // SAFETY: as above.
    let mut options: TenantOptions = unsafe { zeroed() };
    options.struct_size = size_of::<TenantOptions>();
    options
}

pub struct Runtime<'l> {
    library: &'l Library,
    handle: Handle,
}

impl<'l> Runtime<'l> {
    pub fn open(library: &'l Library, options: &RuntimeOptions) -> Fallible<Runtime<'l>> {
        let mut handle = null_mut();
        let mut error = null_mut();
        // SAFETY: options and outputs are valid for the call.
        let status = unsafe { (library.rota_runtime_open)(options, &mut handle, &mut error) };
        check(library, "rota_runtime_open", status, error)?;
        Ok(Runtime { library, handle })
    }

    pub fn info(&self) -> Fallible<RuntimeInfo> {
        let mut error = null_mut();
        // SAFETY: zero is valid for every field; the call fills what struct_size covers.
        let (info, status) = unsafe {
            let mut info: RuntimeInfo = zeroed();
            info.struct_size = size_of::<RuntimeInfo>();
            let status = (self.library.rota_runtime_get_info)(self.handle, &mut info, &mut error);
            (info, status)
        };
        check(self.library, "rota_runtime_get_info", status, error)?;
        Ok(info)
    }

    pub fn metrics(&self, snapshot: &mut rota_ffi::rota_snapshot) -> Fallible<()> {
        let mut error = null_mut();
        // SAFETY: the caller's struct names arrays that are as long as it says.
        let status =
            unsafe { (self.library.rota_metrics_snapshot)(self.handle, snapshot, &mut error) };
        check(self.library, "rota_metrics_snapshot", status, error)
    }

    /// Waits until all spans are exported or given up.
    pub fn flush_spans(&self) -> Fallible<()> {
        let mut error = null_mut();
        // SAFETY: the output is valid for the call.
        let status =
            unsafe { (self.library.rota_spans_flush)(self.handle, api::FOREVER, &mut error) };
        check(self.library, "rota_spans_flush", status, error)
    }

    pub fn span_stats(&self) -> Fallible<rota_ffi::rota_span_stats> {
        let mut error = null_mut();
        // SAFETY: zero is valid for every field; the call fills what struct_size covers.
        let (stats, status) = unsafe {
            let mut stats: rota_ffi::rota_span_stats = zeroed();
            stats.struct_size = size_of::<rota_ffi::rota_span_stats>();
            let status = (self.library.rota_spans_get_stats)(self.handle, &mut stats, &mut error);
            (stats, status)
        };
        check(self.library, "rota_spans_get_stats", status, error)?;
        Ok(stats)
    }

    /// Gives how many bytes the text has; all of them have to fit.
    pub fn metrics_text(&self, format: u32, text: &mut [u8]) -> Fallible<usize> {
        let (mut needed, mut error) = (0, null_mut());
        let (to, cap) = (text.as_mut_ptr().cast(), text.len());
        // SAFETY: text and outputs are valid for the call.
        let status = unsafe {
            (self.library.rota_metrics_text)(self.handle, format, to, cap, &mut needed, &mut error)
        };
        check(self.library, "rota_metrics_text", status, error)?;
        match needed <= cap {
            true => Ok(needed),
            false => Err(format!("the text has {needed} bytes").into()),
        }
    }

    /// Waits until the kernel is parked, so that it disturbs no peer.
    pub fn wait_parked(&self) -> Fallible<()> {
        let begin = now_ns();
        while self.info()?.parked == 0 {
            if now_ns() - begin > 10_000_000_000 {
                return Err("the runtime did not park within 10 s without work".into());
            }
            sleep_us(50);
        }
        Ok(())
    }

    /// `slots` 0: the runtime's default.
    pub fn tenant(&self, label: &str, slots: u32) -> Fallible<Tenant<'l>> {
        let mut options = tenant_options();
        options.slots = slots;
        self.tenant_with(label, options)
    }

    pub fn tenant_with(&self, label: &str, options: TenantOptions) -> Fallible<Tenant<'l>> {
        let options = TenantOptions {
            label: label.as_ptr().cast(),
            label_len: label.len(),
            ..options
        };
        let mut handle = null_mut();
        let mut error = null_mut();
        // SAFETY: options and outputs are valid for the call.
        let status = unsafe {
            (self.library.rota_tenant_create)(self.handle, &options, &mut handle, &mut error)
        };
        check(self.library, "rota_tenant_create", status, error)?;
        Ok(Tenant {
            library: self.library,
            handle,
        })
    }
}

impl Drop for Runtime<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is this one's own; a late call with it gets a status, nothing worse.
        unsafe { (self.library.rota_runtime_destroy)(self.handle, null_mut()) };
    }
}

pub struct Tenant<'l> {
    library: &'l Library,
    handle: Handle,
}

// SAFETY: the handle is an id, and the C API allows calls with it from all threads at once.
unsafe impl Send for Tenant<'_> {}
unsafe impl Sync for Tenant<'_> {}

impl Tenant<'_> {
    /// Submits all of `jobs` or as many as fit: their number. `tickets` is as long as `jobs`.
    #[inline]
    pub fn submit(&self, jobs: &[Job], tickets: &mut [u64]) -> Fallible<usize> {
        assert!(tickets.len() >= jobs.len());
        let mut accepted = 0;
        let mut error = null_mut();
        // SAFETY: jobs, tickets and outputs are valid for the call.
        let status = unsafe {
            (self.library.rota_submit)(
                self.handle,
                jobs.as_ptr(),
                jobs.len(),
                tickets.as_mut_ptr(),
                &mut accepted,
                &mut error,
            )
        };
        if status != api::STATUS_OK && status != api::STATUS_WOULD_BLOCK {
            check(self.library, "rota_submit", status, error)?;
        }
        Ok(accepted)
    }

    /// Submits one job that must fit: its ticket.
    #[inline]
    pub fn submit_one(&self, job: &Job) -> Fallible<u64> {
        let mut ticket = [0];
        if self.submit(std::slice::from_ref(job), &mut ticket)? != 1 {
            return Err("rota_submit: the ring is full where it should not be".into());
        }
        Ok(ticket[0])
    }

    /// Takes finished completions: their number, 0 if there is none within the time.
    #[inline]
    pub fn poll(&self, out: &mut [Completion], wait: u32, timeout_ns: u64) -> Fallible<usize> {
        let mut count = 0;
        let mut error = null_mut();
        // SAFETY: the outputs are valid for the call.
        let status = unsafe {
            (self.library.rota_poll)(
                self.handle,
                out.as_mut_ptr(),
                out.len(),
                wait,
                timeout_ns,
                &mut count,
                &mut error,
            )
        };
        if status != api::STATUS_OK && status != api::STATUS_TIMEOUT {
            check(self.library, "rota_poll", status, error)?;
        }
        Ok(count)
    }

    /// Waits for one ticket's completion, however long, and takes it.
    #[inline]
    pub fn wait(&self, ticket: u64, wait: u32) -> Fallible<Completion> {
        let mut completion = Completion::default();
        let mut error = null_mut();
        // SAFETY: the outputs are valid for the call.
        let status = unsafe {
            (self.library.rota_wait)(
                self.handle,
                ticket,
                wait,
                api::FOREVER,
                &mut completion,
                &mut error,
            )
        };
        check(self.library, "rota_wait", status, error)?;
        Ok(completion)
    }

    /// Whether the ticket's job is still unfinished; a ticket taken long ago is not.
    pub fn is_open(&self, ticket: u64) -> Fallible<bool> {
        let mut state = 0;
        let mut error = null_mut();
        // SAFETY: the outputs are valid for the call.
        let status = unsafe {
            (self.library.rota_ticket_state)(self.handle, ticket, &mut state, &mut error)
        };
        if status == api::STATUS_INVALID_TICKET {
            // SAFETY: the error is this call's own.
            unsafe { (self.library.rota_error_destroy)(error) };
            return Ok(false);
        }
        check(self.library, "rota_ticket_state", status, error)?;
        Ok(state == api::TICKET_OPEN)
    }

    pub fn event_fd(&self) -> Fallible<i32> {
        let mut fd = -1;
        let mut error = null_mut();
        // SAFETY: the outputs are valid for the call.
        let status =
            unsafe { (self.library.rota_tenant_event_fd)(self.handle, &mut fd, &mut error) };
        check(self.library, "rota_tenant_event_fd", status, error)?;
        Ok(fd)
    }

    pub fn buffer(&self, bytes: u64) -> Fallible<u32> {
        let mut buffer = 0;
        let mut error = null_mut();
        // SAFETY: the outputs are valid for the call.
        let status = unsafe {
            (self.library.rota_buffer_create)(self.handle, bytes, 0, &mut buffer, &mut error)
        };
        check(self.library, "rota_buffer_create", status, error)?;
        Ok(buffer)
    }

    /// Loads one handler, and gives the module and what it took.
    pub fn load(
        &self,
        source: &str,
        opcode: u32,
        function: &str,
        kind: u32,
    ) -> Fallible<(u32, ModuleReport)> {
        let handler = api::Handler {
            opcode,
            kind,
            function: function.as_ptr().cast(),
            function_len: function.len(),
            fuel: 0,
            reserved: 0,
        };
        let mut module = 0;
        let mut error = null_mut();
        // SAFETY: zero is valid for every field; options, texts and outputs are valid for the call.
        let (report, status) = unsafe {
            let mut options: ModuleOptions = zeroed();
            options.struct_size = size_of::<ModuleOptions>();
            options.source = source.as_ptr().cast();
            options.source_len = source.len();
            options.handlers = &handler;
            options.handler_count = 1;
            let mut report: ModuleReport = zeroed();
            report.struct_size = size_of::<ModuleReport>();
            let load = self.library.rota_module_load;
            let status = load(self.handle, &options, &mut module, &mut report, &mut error);
            (report, status)
        };
        check(self.library, "rota_module_load", status, error)?;
        Ok((module, report))
    }

    pub fn unload(&self, module: u32) -> Fallible<()> {
        let mut error = null_mut();
        // SAFETY: the output is valid for the call.
        let status = unsafe {
            (self.library.rota_module_unload)(self.handle, module, api::FOREVER, &mut error)
        };
        check(self.library, "rota_module_unload", status, error)
    }

    /// The library's own proposal for a tiled job over so many elements.
    pub fn tiles(&self, opcode: u32, elements: u64) -> u32 {
        // SAFETY: takes and returns plain numbers.
        unsafe { (self.library.rota_tiles)(opcode, elements) }
    }

    pub fn write<T: Copy>(&self, buffer: u32, data: &[T]) -> Fallible<()> {
        let mut error = null_mut();
        // SAFETY: the data is valid for the call.
        let status = unsafe {
            (self.library.rota_buffer_write)(
                self.handle,
                buffer,
                0,
                data.as_ptr().cast(),
                size_of_val(data),
                &mut error,
            )
        };
        check(self.library, "rota_buffer_write", status, error)
    }

    /// Fills `data`, of a type that any bits are valid for, from the buffer's begin.
    pub fn read(&self, buffer: u32, data: &mut [f32]) -> Fallible<()> {
        let mut error = null_mut();
        // SAFETY: the data is valid for the call.
        let status = unsafe {
            (self.library.rota_buffer_read)(
                self.handle,
                buffer,
                0,
                data.as_mut_ptr().cast(),
                size_of_val(data),
                &mut error,
            )
        };
        check(self.library, "rota_buffer_read", status, error)
    }
}

impl Drop for Tenant<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is this one's own; a late call with it gets a status, nothing worse.
        unsafe { (self.library.rota_tenant_destroy)(self.handle, null_mut()) };
    }
}

/// An error unless the job ended OK.
#[inline]
pub fn expect_ok(completion: &Completion) -> Fallible<()> {
    if completion.status != api::COMPLETION_OK {
        return Err(format!(
            "a job ended with completion status {} and fault {:#x}",
            completion.status, completion.fault
        )
        .into());
    }
    Ok(())
}

/// An error unless the job ended OK and answered its own user data, as the benchmarks' NOP jobs do.
#[inline]
pub fn expect_echo(completion: &Completion) -> Fallible<()> {
    expect_ok(completion)?;
    if completion.results[0] != completion.user_data as u32 {
        return Err(format!(
            "a job answered {:#x} instead of {:#x}",
            completion.results[0], completion.user_data as u32
        )
        .into());
    }
    Ok(())
}

/// The text of a fixed array of the API.
pub fn field(chars: &[c_char]) -> String {
    let bytes: Vec<u8> = chars
        .iter()
        .map(|c| *c as u8)
        .take_while(|b| *b != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn check(library: &Library, call: &str, status: i32, error: Handle) -> Fallible<()> {
    if status == api::STATUS_OK {
        return Ok(());
    }
    // SAFETY: the name is static; the error, where there is one, is ours until it is destroyed.
    let (name, message) = unsafe {
        let name = text((library.rota_status_name)(status));
        let mut message = String::new();
        if !error.is_null() {
            message = text((library.rota_error_message)(error));
            (library.rota_error_destroy)(error);
        }
        (name, message)
    };
    Err(format!("{call}: {name}: {message}").into())
}

unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    CStr::from_ptr(pointer).to_string_lossy().into_owned()
}
