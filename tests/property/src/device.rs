//! Runs programs in the kernel.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use rota::completion_status::{FAULTED, OK};
use rota::{
    job_flags, Completion, HandlerOptions, Job, ModuleOptions, ModuleReport, Runtime,
    RuntimeOptions, Tenant, TenantOptions, Wait,
};

use crate::input::{Given, Input};
use crate::interpret::Outcome;

/// Longer than anything takes.
const PATIENCE: u64 = 300_000_000_000;
const SLOTS: u32 = 1024;
const FIRST_OPCODE: u32 = 0x1000;

/// WGSL with handlers, in the order of their opcodes.
pub struct Source {
    pub text: String,
    pub handlers: Vec<(String, bool)>,
}

/// A job: which handler of the module, the program it chooses there, and what it works on.
pub struct Work<'a> {
    pub handler: u32,
    pub selector: u32,
    pub input: &'a Input,
}

pub struct Device {
    /// Whether its kernel makes digests.
    pub digests: bool,
    runtime: Runtime,
    tenant: Tenant,
    /// Another tenant's buffer.
    foreign: u32,
    /// Free buffers by length and rights.
    pool: HashMap<(usize, bool), Vec<u32>>,
    /// The module that is loaded, and the kinds of its handlers.
    module: Option<(u32, Vec<bool>)>,
    pub lanes: u32,
    pub most_scalar_fuel: u32,
    pub most_tile_fuel: u32,
    pub loads: u32,
    pub compiling: Duration,
}

impl Device {
    pub fn open(digests: bool) -> Result<Self, String> {
        // Thousands of kernels that nobody needs again: none of them is kept.
        let options = RuntimeOptions {
            no_cache: true,
            cache_dir: None::<PathBuf>,
            write_digests: digests,
            ..RuntimeOptions::default()
        };
        let runtime = Runtime::open(&options).map_err(|e| e.to_string())?;
        let tenant = |label: &str| {
            runtime
                .create_tenant(&TenantOptions {
                    label: label.into(),
                    slots: SLOTS,
                    ..TenantOptions::default()
                })
                .map_err(|e| e.to_string())
        };
        let other = tenant("other")?;
        let foreign = other.buffer_create(64, false).map_err(|e| e.to_string())?;
        let tenant = tenant("property")?;
        let info = runtime.info();
        let mut device = Self {
            digests,
            runtime,
            tenant,
            foreign,
            pool: HashMap::new(),
            module: None,
            lanes: 0,
            most_scalar_fuel: info.most_scalar_fuel,
            most_tile_fuel: info.most_tile_fuel,
            loads: 0,
            compiling: Duration::ZERO,
        };
        device.lanes = device.ask_lanes()?;
        Ok(device)
    }

    pub fn name(&self) -> String {
        self.runtime.info().device.name
    }

    fn ask_lanes(&mut self) -> Result<u32, String> {
        self.load(&Source {
            text: "fn ask() { result_max(0u, lanes()); }".into(),
            handlers: vec![("ask".into(), true)],
        })?;
        let job = Job {
            opcode: FIRST_OPCODE,
            ..Job::default()
        };
        Ok(self.submit(&[job])?[0].results[0])
    }

    /// Loads a module in place of the one that is there.
    pub fn load(&mut self, source: &Source) -> Result<(), String> {
        let options = ModuleOptions {
            label: "property".into(),
            source: source.text.clone(),
            handlers: source
                .handlers
                .iter()
                .enumerate()
                .map(|(n, (function, tiled))| HandlerOptions {
                    opcode: FIRST_OPCODE + n as u32,
                    function: function.clone(),
                    tiled: *tiled,
                    fuel: 0,
                })
                .collect(),
        };
        let kinds: Vec<bool> = source.handlers.iter().map(|h| h.1).collect();
        let report: ModuleReport = match self.module.take() {
            Some((module, old)) if old == kinds => {
                self.module = Some((module, old));
                self.tenant
                    .module_replace(module, &options)
                    .map_err(|e| e.to_string())?
            }
            loaded => {
                if let Some((module, _)) = loaded {
                    self.tenant
                        .module_unload(module, PATIENCE)
                        .map_err(|e| e.to_string())?;
                }
                let (module, report) = self
                    .tenant
                    .module_load(&options)
                    .map_err(|e| e.to_string())?;
                self.module = Some((module, kinds));
                report
            }
        };
        self.loads += 1;
        self.compiling += report.verify + report.compose + report.compile + report.switch;
        Ok(())
    }

    fn submit(&self, jobs: &[Job]) -> Result<Vec<Completion>, String> {
        let mut tickets = vec![0; jobs.len()];
        let (_, result) = self.tenant.submit(jobs, Some(&mut tickets));
        result.map_err(|e| e.to_string())?;
        tickets
            .into_iter()
            .map(|t| {
                self.tenant
                    .wait(t, Wait::Adaptive, PATIENCE)
                    .map_err(|e| e.to_string())
            })
            .collect()
    }

    /// Runs jobs, as many at once as the ring takes, and tells what came of each.
    pub fn run(&mut self, works: &[Work]) -> Result<Vec<Outcome>, String> {
        let mut outcomes = Vec::with_capacity(works.len());
        for works in works.chunks(SLOTS as usize / 2) {
            let mut handles = Vec::new();
            let mut jobs = Vec::new();
            for work in works {
                let own = [0, 1].map(|i| self.buffer(work.input, i));
                let [a, b] = own;
                let (a, b) = (a?, b?);
                let mut args = [0; 10];
                args[0] = work.selector;
                args[3..].copy_from_slice(&work.input.args);
                for (arg, given) in args[1..].iter_mut().zip(work.input.given) {
                    *arg = match given {
                        Given::First => a,
                        Given::Second => b,
                        Given::Null => 0,
                        Given::Garbage => 0x7123_fff0,
                        Given::Foreign => self.foreign,
                    };
                }
                handles.push([a, b]);
                jobs.push(Job {
                    opcode: FIRST_OPCODE + work.handler,
                    flags: job_flags::TIMING,
                    tiles: work.input.tiles,
                    fuel: work.input.fuel,
                    args,
                    user_data: 0,
                });
            }
            let completions = self.submit(&jobs)?;
            for ((work, handles), completion) in works.iter().zip(handles).zip(completions) {
                outcomes.push(self.outcome(work.input, handles, &completion)?);
            }
        }
        Ok(outcomes)
    }

    /// A buffer with the i-th contents of an input.
    fn buffer(&mut self, input: &Input, i: usize) -> Result<u32, String> {
        let memory = &input.buffers[i];
        let key = (memory.bytes.len(), memory.read_only);
        let handle = match self.pool.get_mut(&key).and_then(Vec::pop) {
            Some(handle) => handle,
            None => self
                .tenant
                .buffer_create(memory.bytes.len() as u64, memory.read_only)
                .map_err(|e| e.to_string())?,
        };
        self.tenant
            .buffer_write(handle, 0, &memory.bytes)
            .map_err(|e| e.to_string())?;
        Ok(handle)
    }

    fn outcome(
        &mut self,
        input: &Input,
        handles: [u32; 2],
        completion: &Completion,
    ) -> Result<Outcome, String> {
        let mut buffers = Vec::new();
        for (memory, handle) in input.buffers.iter().zip(handles) {
            let mut bytes = vec![0; memory.bytes.len()];
            self.tenant
                .buffer_read(handle, 0, &mut bytes)
                .map_err(|e| e.to_string())?;
            self.pool
                .entry((bytes.len(), memory.read_only))
                .or_default()
                .push(handle);
            buffers.push(bytes);
        }
        let good = match completion.status {
            OK => completion.fault == 0,
            FAULTED => completion.fault != 0,
            _ => false,
        };
        if !good {
            return Err(format!("a job came back as {completion:?}"));
        }
        Ok(Outcome {
            fault: completion.fault,
            results: completion.results,
            fuel: completion.fuel,
            buffers,
            digest: completion.digest,
        })
    }

    pub fn close(self) -> Result<(), String> {
        self.runtime.stop().map_err(|e| e.to_string())
    }
}
