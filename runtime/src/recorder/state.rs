//! What there is of tenants, modules and buffers, as the log's records have it: the beginning of a checkpoint.

use std::collections::{BTreeMap, BTreeSet, HashSet};

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
                let created = Tenant {
                    end_epoch: 0,
                    ..tenant.clone()
                };
                self.tenants.insert(id, created);
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
                    end_epoch: 0,
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
        let known = self
            .buffers
            .iter()
            .filter(|(_, held)| !held.imported && held.maps == 0);
        known.map(|(&key, _)| key).collect()
    }

    /// What the modules that are loaded were made of.
    pub fn sources(&self) -> HashSet<Hash> {
        self.modules.values().filter_map(|m| m.source).collect()
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
                end_epoch: 0,
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
                None if !held.imported && held.maps == 0 => {
                    records.push(about(BufferEvent::Mapped).into())
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixed series of numbers that look random (splitmix64).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (x ^ (x >> 27)) % n
        }
    }

    fn tenant(id: u64, event: TenantEvent) -> Record {
        let tenant = Tenant {
            tenant: id,
            event,
            label: format!("tenant {id}"),
            options: Vec::new(),
            end_epoch: 0,
        };
        tenant.into()
    }

    fn module(tenant: u64, module: u32, event: ModuleEvent) -> Record {
        let module = Module {
            tenant,
            module,
            version: 1,
            event,
            label: String::new(),
            source: Some(Hash::of(&[module as u8])),
            first_handler: 0,
            all_handlers: 0,
            handlers: Vec::new(),
            end_epoch: 0,
        };
        module.into()
    }

    fn buffer(tenant: u64, handle: u32, event: BufferEvent, other: (u64, u32)) -> Record {
        let buffer = Buffer {
            other_tenant: other.0,
            other_handle: other.1,
            length: 64,
            ..Buffer::new(tenant, handle, event)
        };
        buffer.into()
    }

    fn after(records: &[Record]) -> State {
        let mut state = State::default();
        records.iter().for_each(|record| state.follow(record));
        state
    }

    fn data(state: &State) -> BTreeMap<(u64, u32), Pieces> {
        let held = |key| (key, vec![(0, 64, Hash::of(b"held"))]);
        state.readable().into_iter().map(held).collect()
    }

    /// Whatever happened.
    #[test]
    fn the_records_of_a_state_lead_to_it() {
        let mut numbers = Numbers(5);
        for _ in 0..300 {
            let mut happened = Vec::new();
            for _ in 0..numbers.below(60) {
                let id = 1 + numbers.below(3);
                let handle = 10 * id as u32 + numbers.below(3) as u32;
                let other = 1 + numbers.below(3);
                let alias = 10 * other as u32 + 5 + numbers.below(3) as u32;
                let number = numbers.below(3) as u32;
                happened.push(match numbers.below(13) {
                    0 => tenant(id, TenantEvent::Created),
                    1 => tenant(id, TenantEvent::Destroyed),
                    2 => tenant(id, TenantEvent::Draining),
                    3 => module(id, number, ModuleEvent::Loaded),
                    4 => module(0, number, ModuleEvent::Replaced),
                    5 => module(id, number, ModuleEvent::Granted),
                    6 => module(id * numbers.below(2), number, ModuleEvent::Unloaded),
                    7 => buffer(id, handle, BufferEvent::Created, (0, 0)),
                    8 => buffer(id, handle, BufferEvent::Imported, (0, 0)),
                    9 => buffer(id, handle, BufferEvent::Granted, (other, alias)),
                    10 => buffer(id, handle, BufferEvent::TakenBack, (other, 0)),
                    11 => buffer(other, alias, BufferEvent::Destroyed, (0, 0)),
                    _ => buffer(id, handle, BufferEvent::Mapped, (0, 0)),
                });
            }
            let state = after(&happened);
            let records = state.records(&data(&state));
            let again = after(&records);
            assert_eq!(again.records(&data(&again)), records, "{happened:?}");
        }
    }

    #[test]
    fn what_is_destroyed_or_taken_back_is_not_in_the_state() {
        let happened = [
            tenant(1, TenantEvent::Created),
            tenant(2, TenantEvent::Created),
            buffer(1, 10, BufferEvent::Created, (0, 0)),
            buffer(1, 11, BufferEvent::Created, (0, 0)),
            buffer(1, 10, BufferEvent::Granted, (2, 20)),
            buffer(1, 11, BufferEvent::Granted, (2, 21)),
            buffer(1, 11, BufferEvent::TakenBack, (2, 0)),
            buffer(1, 10, BufferEvent::Mapped, (0, 0)),
            module(1, 7, ModuleEvent::Loaded),
            module(1, 8, ModuleEvent::Loaded),
            module(1, 8, ModuleEvent::Unloaded),
        ];
        let state = after(&happened);
        assert_eq!((state.tenants(), state.buffers()), (2, 2));
        let records = state.records(&data(&state));
        let written = |handle| {
            let written = Buffer {
                length: 64,
                data: Some(Hash::of(b"held")),
                ..Buffer::new(1, handle, BufferEvent::Written)
            };
            Record::from(written)
        };
        let mapped = Buffer::new(1, 10, BufferEvent::Mapped);
        let expected = [
            happened[0].clone(),
            happened[1].clone(),
            happened[8].clone(),
            happened[2].clone(),
            // Mapped, so that nobody knows what it holds.
            mapped.into(),
            happened[3].clone(),
            written(11),
            happened[4].clone(),
        ];
        assert_eq!(records, expected);
        // With a tenant goes all that is its own, and what it has granted.
        let mut state = state;
        state.follow(&tenant(1, TenantEvent::Destroyed));
        assert_eq!(state.records(&data(&state)), [happened[1].clone()]);
    }
}
