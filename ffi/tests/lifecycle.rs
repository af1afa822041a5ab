//! Closing, through the C API: who is woken, who is turned away, and what a runtime takes with it.
//! Needs a Vulkan driver, as all tests that open a runtime do.

use rota_ffi::*;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

/// A handle that goes to other threads, as C passes it on.
struct Handle<T>(*mut T);

// Derived, these would ask for T: Copy.
impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

// SAFETY: an id, never followed.
unsafe impl<T> Send for Handle<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Handle<T> {}

impl<T> Handle<T> {
    /// Takes the whole handle into a closure, not only its pointer.
    fn get(self) -> *mut T {
        self.0
    }
}

fn open() -> Handle<rota_runtime> {
    let mut runtime = null_mut();
    let mut error = null_mut();
    let status = unsafe { rota_runtime_open(null(), &mut runtime, &mut error) };
    let message = unsafe { std::ffi::CStr::from_ptr(rota_error_message(error)) };
    assert_eq!(status, ROTA_STATUS_OK, "{message:?}");
    Handle(runtime)
}

fn tenant_of(runtime: Handle<rota_runtime>) -> Handle<rota_tenant> {
    let mut tenant = null_mut();
    let status = unsafe { rota_tenant_create(runtime.0, null(), &mut tenant, null_mut()) };
    assert_eq!(status, ROTA_STATUS_OK);
    Handle(tenant)
}

fn poll_for_ever(tenant: Handle<rota_tenant>) -> rota_status {
    let mut done = rota_completion::default();
    let mut count = 99;
    let status = unsafe {
        rota_poll(
            tenant.get(),
            &mut done,
            1,
            ROTA_WAIT_BLOCK,
            ROTA_FOREVER,
            &mut count,
            null_mut(),
        )
    };
    assert_eq!(count, 0);
    status
}

#[test]
fn destroying_a_tenant_wakes_those_who_wait_for_it_and_no_others() {
    let runtime = open();
    let (tenant, other) = (tenant_of(runtime), tenant_of(runtime));
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || poll_for_ever(tenant)))
            .collect();
        let others = scope.spawn(move || poll_for_ever(other));
        thread::sleep(Duration::from_millis(50));
        let status = unsafe { rota_tenant_destroy(tenant.0, null_mut()) };
        assert_eq!(status, ROTA_STATUS_OK);
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), ROTA_STATUS_INVALID_HANDLE);
        }
        assert!(!others.is_finished());
        let status = unsafe { rota_runtime_destroy(runtime.0, null_mut()) };
        assert_eq!(status, ROTA_STATUS_OK);
        let woken = others.join().unwrap();
        assert!([ROTA_STATUS_INVALID_HANDLE, ROTA_STATUS_STOPPED].contains(&woken));
    });
}

#[test]
fn of_many_who_close_one_does() {
    let runtime = open();
    let closed = AtomicUsize::new(0);
    let tenants: Vec<_> = (0..8).map(|_| tenant_of(runtime)).collect();
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                for tenant in &tenants {
                    let status = unsafe { rota_tenant_destroy(tenant.get(), null_mut()) };
                    match status {
                        ROTA_STATUS_OK => _ = closed.fetch_add(1, Ordering::Relaxed),
                        status => assert_eq!(status, ROTA_STATUS_INVALID_HANDLE),
                    }
                }
            });
        }
    });
    assert_eq!(closed.into_inner(), tenants.len());
    let status = unsafe { rota_runtime_destroy(runtime.0, null_mut()) };
    assert_eq!(status, ROTA_STATUS_OK);
}

#[test]
fn a_runtime_takes_its_tenants_with_it_while_others_close_them() {
    for _ in 0..4 {
        let runtime = open();
        let tenants: Vec<_> = (0..8).map(|_| tenant_of(runtime)).collect();
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                for tenant in &tenants {
                    let status = unsafe { rota_tenant_destroy(tenant.get(), null_mut()) };
                    assert!([ROTA_STATUS_OK, ROTA_STATUS_INVALID_HANDLE].contains(&status));
                }
            });
            start.wait();
            let status = unsafe { rota_runtime_destroy(runtime.0, null_mut()) };
            assert_eq!(status, ROTA_STATUS_OK);
            for tenant in &tenants {
                let status = unsafe { rota_cancel(tenant.0, 1, null_mut()) };
                assert_eq!(status, ROTA_STATUS_INVALID_HANDLE);
            }
        });
    }
}

#[test]
fn outputs_stay_when_their_reader_is_gone() {
    let runtime = open();
    let tenant = tenant_of(runtime);
    let mut outputs = null_mut();
    unsafe {
        assert_eq!(
            rota_outputs_create(&mut outputs, null_mut()),
            ROTA_STATUS_OK
        );
        let mut buffer = 0;
        let status = rota_buffer_create(tenant.0, 64, 0, &mut buffer, null_mut());
        assert_eq!(status, ROTA_STATUS_OK);
        let read = rota_read {
            buffer,
            reserved: 0,
            offset: 16,
            len: 32,
        };
        let status = rota_buffers_read_into(tenant.0, &read, 1, outputs, null_mut());
        assert_eq!(status, ROTA_STATUS_OK);
        assert_eq!(rota_runtime_destroy(runtime.0, null_mut()), ROTA_STATUS_OK);
        let (mut data, mut len) = (null(), 0);
        let status = rota_outputs_get(outputs, 0, &mut data, &mut len, null_mut());
        assert_eq!((status, len), (ROTA_STATUS_OK, 32));
        let bytes = std::slice::from_raw_parts(data.cast::<u8>(), len);
        assert_eq!(bytes, [0; 32]);
        assert_eq!(rota_outputs_destroy(outputs, null_mut()), ROTA_STATUS_OK);
    }
}
