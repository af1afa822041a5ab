//! Buffers of the plain peers: each with its own allocation, mapped for its whole life where the
//! host uses it.

use super::Device;
use crate::Fallible;
use ash::vk;
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq)]
pub enum Place {
    /// The host reads and writes it: mapped, coherent, cached where there is such memory.
    Host,
    /// Only the device uses it: its fastest memory.
    Device,
}

pub struct Buffer {
    device: Rc<Device>,
    pub raw: vk::Buffer,
    memory: vk::DeviceMemory,
    words: *mut u32,
    len: usize,
}

impl Buffer {
    /// A storage buffer of `len` words, zeroed if it is the host's.
    pub fn new(device: &Rc<Device>, len: usize, place: Place) -> Fallible<Buffer> {
        let usage = vk::BufferUsageFlags::STORAGE_BUFFER
            | vk::BufferUsageFlags::INDIRECT_BUFFER
            | vk::BufferUsageFlags::TRANSFER_SRC
            | vk::BufferUsageFlags::TRANSFER_DST;
        // SAFETY: the handles come from this device; the memory is bound once, and lives as long
        // as the buffer.
        unsafe {
            let info = vk::BufferCreateInfo::default()
                .size(len as u64 * 4)
                .usage(usage);
            let raw = device.raw.create_buffer(&info, None)?;
            let needs = device.raw.get_buffer_memory_requirements(raw);
            let kind = memory_type(&device.memory, needs.memory_type_bits, place)
                .ok_or("the device has no fitting memory type")?;
            let memory = device.raw.allocate_memory(
                &vk::MemoryAllocateInfo::default()
                    .allocation_size(needs.size)
                    .memory_type_index(kind),
                None,
            )?;
            device.raw.bind_buffer_memory(raw, memory, 0)?;
            let mut words = std::ptr::null_mut();
            if place == Place::Host {
                let mapped = device.raw.map_memory(
                    memory,
                    0,
                    vk::WHOLE_SIZE,
                    vk::MemoryMapFlags::empty(),
                )?;
                words = mapped.cast::<u32>();
                words.write_bytes(0, len);
            }
            Ok(Buffer {
                device: device.clone(),
                raw,
                memory,
                words,
                len,
            })
        }
    }

    #[inline]
    pub fn read(&self, at: usize) -> u32 {
        self.check(at);
        // SAFETY: in range and mapped; volatile because the device writes it.
        unsafe { self.words.add(at).read_volatile() }
    }

    #[inline]
    pub fn write(&self, at: usize, value: u32) {
        self.check(at);
        // SAFETY: in range and mapped; volatile because the device reads it.
        unsafe { self.words.add(at).write_volatile(value) }
    }

    #[inline]
    fn check(&self, at: usize) {
        assert!(at < self.len && !self.words.is_null());
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the peers wait for their fence before they drop what a dispatch uses.
        unsafe {
            self.device.raw.destroy_buffer(self.raw, None);
            self.device.raw.free_memory(self.memory, None);
        }
    }
}

fn memory_type(
    memory: &vk::PhysicalDeviceMemoryProperties,
    allowed: u32,
    place: Place,
) -> Option<u32> {
    use vk::MemoryPropertyFlags as Flags;
    let host = Flags::HOST_VISIBLE | Flags::HOST_COHERENT;
    let wishes = match place {
        Place::Host => [host | Flags::HOST_CACHED, host],
        Place::Device => [Flags::DEVICE_LOCAL, Flags::empty()],
    };
    wishes.iter().find_map(|wish| {
        (0..memory.memory_type_count).find(|&index| {
            allowed & (1 << index) != 0
                && memory.memory_types[index as usize]
                    .property_flags
                    .contains(*wish)
        })
    })
}
