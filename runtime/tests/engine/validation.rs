//! The Khronos validation layer watches everything that a runtime does, and has nothing to say.

use std::sync::Mutex;

use crate::kit::*;

static MESSAGES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps what the layer says.
struct Collector;

impl log::Log for Collector {
    fn enabled(&self, metadata: &log::Metadata) -> bool {
        metadata.target() == "rota::validation"
    }

    fn log(&self, record: &log::Record) {
        if self.enabled(record.metadata()) {
            MESSAGES.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

#[test]
fn the_validation_layer_has_nothing_to_say() {
    log::set_logger(&Collector).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    for mode in MODES {
        let options = RuntimeOptions {
            validate: true,
            workers: 3,
            lease_fuel: 5_000,
            ..options(mode)
        };
        let runtime = Runtime::open(&options).unwrap_or_else(|e| {
            panic!("{e}\n(without the layer: on Debian and Ubuntu: apt install vulkan-validationlayers)")
        });
        everything(&runtime);
    }
    let messages = MESSAGES.lock().unwrap();
    assert!(
        messages.is_empty(),
        "{} messages, the first ones: {:#?}",
        messages.len(),
        &messages[..messages.len().min(5)]
    );
}

/// All that makes Vulkan calls: leases of every kind, parking, growing, importing, stopping with open jobs.
fn everything(runtime: &Runtime) {
    let tenants = [tenant(runtime), tenant(runtime)];
    for round in 0..4 {
        for tenant in &tenants {
            let buffer = tenant.buffer_create(100_000, false).unwrap();
            let mut jobs: Vec<Job> = (0..200).map(|i| nop(i, round)).collect();
            jobs.extend([
                fill(buffer, 20_000, 1, 16),
                with(sum(buffer, 20_000, 3), AFTER_OK),
                spin(100),
                faulty_tiled(),
            ]);
            let done = run(tenant, &jobs);
            assert_eq!(done[201].results, [20_000, 0]);
            tenant.buffer_destroy(buffer).unwrap();
        }
        until("the runtime parks", || runtime.info().parked);
    }
    // A second segment, and with it a second kernel.
    let buffer = tenants[0].buffer_create(1000, false).unwrap();
    if let Some((imported, _)) = super::memory::import(&tenants[0]) {
        assert_eq!(run_one(&tenants[0], fill(imported, 250, 2, 2)).status, OK);
    }
    tenants[1].destroy().unwrap();
    submit(&tenants[0], &[long(buffer), nop(1, 2)]);
    runtime.stop().unwrap();
    assert_eq!(take(&tenants[0], 2).len(), 2);
}
