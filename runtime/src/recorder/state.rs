//! What there is of tenants, modules and buffers, as the log's records have it: the beginning of a checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use rota_recorder::{Buffer, BufferEvent, Hash, Module, ModuleEvent, Record, Tenant, TenantEvent};

/// A tenant's buffer.
#[derive(Clone)]
struct Held {
    made: Buffer,
    /// What it holds can change without a record.
    imported: bool,
    maps: u32,
}

/// Follows the records.
#[derive(Clone, Default)]
pub struct State {
    tenants: BTreeMap<u64, Tenant>,
    /// By tenant, 0 for the runtime, and module.
    modules: BTreeMap<(u64, u32), Module>,
    /// By the runtime's module and tenant.
    module_grants: BTreeSet<(u32, u64)>,
    /// By tenant and handle: a tenant's own, and those granted to it.
    buffers: BTreeMap<(u64, u32), Held>,
    grants: BTreeMap<(u64, u32), Buffer>,
}

/// What a buffer held, in pieces: where each begins, its length and its hash. Bytes in no piece are 0.
pub type Pieces = Vec<(u64, u64, Hash)>;

impl State {
    pub fn follow(&mut self, record: &Record) {
        match record {
            Record::Tenant(tenant) => self.tenant(tenant),
            Record::Module(module) => self.module(module),
            Record::Buffer(buffer) => self.buffer(buffer),
            _ => {}
        }
    }

    fn tenant(&mut self, tenant: &Tenant) {
        let id = tenant.tenant;
        match tenant.event {
            TenantEvent::Created => {
                self.tenants.insert(id, tenant.clone());
            }
            TenantEvent::Destroyed => {
                self.tenants.remove(&id);
                self.modules.retain(|&(owner, _), _| owner != id);
                self.module_grants.retain(|&(_, to)| to != id);
                self.buffers.retain(|&(owner, _), _| owner != id);
                self.grants
                    .retain(|&(to, _), grant| to != id && grant.tenant != id);
            }
            _ => {}
        }
    }

    fn module(&mut self, module: &Module) {
        let key = (module.tenant, module.module);
        match module.event {
            ModuleEvent::Loaded | ModuleEvent::Replaced => {
                let loaded = Module {
                    event: ModuleEvent::Loaded,
                    ..module.clone()
                };
                self.modules.insert(key, loaded);
            }
            ModuleEvent::Unloaded => {
                self.modules.remove(&key);
                if module.tenant == 0 {
                    self.module_grants.retain(|&(of, _)| of != module.module);
                }
            }
            ModuleEvent::Granted => {
                self.module_grants.insert((module.module, module.tenant));
            }
            ModuleEvent::Other(_) => {}
        }
    }

    fn buffer(&mut self, buffer: &Buffer) {
        let key = (buffer.tenant, buffer.handle);
        match buffer.event {
            BufferEvent::Created | BufferEvent::Imported => {
                let held = Held {
                    made: buffer.clone(),
                    imported: buffer.event == BufferEvent::Imported,
                    maps: 0,
                };
                self.buffers.insert(key, held);
            }
            BufferEvent::Granted => {
                let to = (buffer.other_tenant, buffer.other_handle);
                self.grants.insert(to, buffer.clone());
            }
            BufferEvent::TakenBack => self.grants.retain(|&(to, _), grant| {
                (grant.tenant, grant.handle, to) != (key.0, key.1, buffer.other_tenant)
            }),
            BufferEvent::Destroyed => {
                self.buffers.remove(&key);
                self.grants.remove(&key);
                self.grants
                    .retain(|_, grant| (grant.tenant, grant.handle) != key);
            }
            BufferEvent::Mapped | BufferEvent::Unmapped => {
                if let Some(held) = self.buffers.get_mut(&key) {
                    held.maps = match buffer.event {
                        BufferEvent::Mapped => held.maps + 1,
                        _ => held.maps.saturating_sub(1),
                    };
                }
            }
            BufferEvent::Written | BufferEvent::Filled | BufferEvent::Other(_) => {}
        }
    }

    /// Tenants and handles of the buffers whose data only jobs and records change.
    pub fn readable(&self) -> Vec<(u64, u32)> {
        let known = self.buffers.iter().filter(|(_, held)| !held.imported);
        known.map(|(&key, _)| key).collect()
    }

    pub fn tenants(&self) -> usize {
        self.tenants.len()
    }

    pub fn buffers(&self) -> usize {
        self.buffers.len()
    }

    /// The shortest records that lead here. `data` tells what buffers held, of those that it could be read of.
    pub fn records(&self, data: &BTreeMap<(u64, u32), Pieces>) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        records.extend(self.tenants.values().cloned().map(Record::from));
        records.extend(self.modules.values().cloned().map(Record::from));
        for &(module, to) in &self.module_grants {
            let granted = Module {
                tenant: to,
                module,
                version: 0,
                event: ModuleEvent::Granted,
                label: String::new(),
                source: None,
                first_handler: 0,
                all_handlers: 0,
                handlers: Vec::new(),
            };
            records.push(granted.into());
        }
        for (key, held) in &self.buffers {
            let about = |event| Buffer::new(key.0, key.1, event);
            let made = Buffer {
                tail: 0,
                end_epoch: 0,
                ..held.made.clone()
            };
            records.push(made.into());
            match data.get(key) {
                Some(pieces) => records.extend(pieces.iter().map(|&(offset, length, hash)| {
                    let written = Buffer {
                        offset,
                        length,
                        data: Some(hash),
                        ..about(BufferEvent::Written)
                    };
                    written.into()
                })),
                // It was on its way out.
                None if !held.imported => records.push(about(BufferEvent::Mapped).into()),
                None => {}
            }
            for _ in 0..held.maps {
                records.push(about(BufferEvent::Mapped).into());
            }
        }
        records.extend(self.grants.values().map(|grant| {
            let grant = Buffer {
                tail: 0,
                end_epoch: 0,
                ..grant.clone()
            };
            Record::from(grant)
        }));
        records
    }
}
