//! Device memory that the host can reach: one Vulkan buffer, its memory, and where it is mapped.

use std::sync::Arc;

use ash::vk;

use super::Device;
use crate::error::{Error, VkContext};

/// What the memory is for, which decides the type that is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The host writes, the device reads.
    HostWrites,
    /// The device writes, the host reads: it has to be cached on the host.
    HostReads,
    /// The device's own, though the host looks at it between leases.
    Device,
}

/// A storage buffer in memory that is mapped for as long as it lives.
pub struct Allocation {
    pub buffer: vk::Buffer,
    pub size: u64,
    pub mapped: *mut u8,
    /// Whether host stores may be combined and reordered.
    pub write_combined: bool,
    memory: vk::DeviceMemory,
    /// Imported memory is the caller's: it isn't mapped by us.
    imported: bool,
    device: Arc<Device>,
}

// SAFETY: the handles may be used from any thread; who may touch which bytes is decided by the owners of the parts.
unsafe impl Send for Allocation {}
// SAFETY: as above.
unsafe impl Sync for Allocation {}

const USAGE: vk::BufferUsageFlags = vk::BufferUsageFlags::from_raw(
    vk::BufferUsageFlags::STORAGE_BUFFER.as_raw()
        | vk::BufferUsageFlags::TRANSFER_SRC.as_raw()
        | vk::BufferUsageFlags::TRANSFER_DST.as_raw(),
);

impl Allocation {
    /// Memory whose content is undefined; pages that nobody touches may cost nothing.
    pub fn new(device: &Arc<Device>, size: u64, usage: Use) -> Result<Self, Error> {
        let size = size.next_multiple_of(16).max(16);
        let info = vk::BufferCreateInfo::default().size(size).usage(USAGE);
        // SAFETY: the device is live.
        let buffer = unsafe { device.raw.create_buffer(&info, None) }.vk("vkCreateBuffer")?;
        let guard = BufferGuard { device, buffer };
        // SAFETY: the buffer is of this device.
        let needs = unsafe { device.raw.get_buffer_memory_requirements(buffer) };
        let (kind, flags) = memory_type(&device.memory_properties, needs.memory_type_bits, usage)
            .ok_or_else(|| Error::DeviceUnsupported {
            device: device.info.name.clone(),
            why: "no memory type is visible to the host and coherent".into(),
        })?;
        let allocate = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(kind);
        // SAFETY: the size and type are what the driver asked for; the memory is bound and mapped once.
        let (memory, mapped) = unsafe {
            let memory = device
                .raw
                .allocate_memory(&allocate, None)
                .vk("vkAllocateMemory")?;
            let mapped = device
                .raw
                .bind_buffer_memory(buffer, memory, 0)
                .vk("vkBindBufferMemory")
                .and_then(|()| {
                    device
                        .raw
                        .map_memory(memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty())
                        .vk("vkMapMemory")
                })
                .inspect_err(|_| device.raw.free_memory(memory, None))?;
            (memory, mapped.cast::<u8>())
        };
        std::mem::forget(guard);
        Ok(Self {
            buffer,
            size,
            mapped,
            write_combined: !flags.contains(vk::MemoryPropertyFlags::HOST_CACHED),
            memory,
            imported: false,
            device: device.clone(),
        })
    }

    /// Zeroed memory.
    pub fn zeroed(device: &Arc<Device>, size: u64, usage: Use) -> Result<Self, Error> {
        let allocation = Self::new(device, size, usage)?;
        // SAFETY: the mapping has `size` bytes and nobody else knows it yet.
        unsafe { allocation.mapped.write_bytes(0, allocation.size as usize) };
        Ok(allocation)
    }

    /// A buffer over the caller's memory, without a copy.
    ///
    /// # Safety
    /// `size` bytes at `host` stay valid for as long as this lives.
    pub unsafe fn import(device: &Arc<Device>, host: *mut u8, size: u64) -> Result<Self, Error> {
        let Some(import) = &device.host_import else {
            return Err(Error::Unsupported(
                "this device can't import host memory: create a buffer and write to it",
            ));
        };
        for value in [host as u64, size] {
            if !value.is_multiple_of(import.alignment) {
                return Err(Error::InvalidValue {
                    what: "the pointer or length to import",
                    value,
                    allowed: "a multiple of the page size (4096 on most devices)",
                });
            }
        }
        let handle_type = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;
        let mut properties = vk::MemoryHostPointerPropertiesEXT::default();
        // SAFETY: the extension is enabled; the pointer is valid by this function's contract.
        unsafe {
            (import.loader.fp().get_memory_host_pointer_properties_ext)(
                device.raw.handle(),
                handle_type,
                host.cast(),
                &mut properties,
            )
        }
        .result()
        .vk("vkGetMemoryHostPointerPropertiesEXT")?;
        let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(handle_type);
        let info = vk::BufferCreateInfo::default()
            .size(size)
            .usage(USAGE)
            .push_next(&mut external);
        // SAFETY: the device is live.
        let buffer = unsafe { device.raw.create_buffer(&info, None) }.vk("vkCreateBuffer")?;
        let guard = BufferGuard { device, buffer };
        // SAFETY: the buffer is of this device.
        let needs = unsafe { device.raw.get_buffer_memory_requirements(buffer) };
        let bits = needs.memory_type_bits & properties.memory_type_bits;
        let Some((kind, _)) = memory_type(&device.memory_properties, bits, Use::HostReads) else {
            return Err(Error::Unsupported(
                "the device has no memory type for this host memory",
            ));
        };
        if needs.size > size {
            return Err(Error::Unsupported(
                "the device needs more room behind this host memory",
            ));
        }
        let mut host_pointer = vk::ImportMemoryHostPointerInfoEXT::default()
            .handle_type(handle_type)
            .host_pointer(host.cast());
        let allocate = vk::MemoryAllocateInfo::default()
            .allocation_size(size)
            .memory_type_index(kind)
            .push_next(&mut host_pointer);
        // SAFETY: the pointer is valid by this function's contract.
        let memory = unsafe {
            let memory = device
                .raw
                .allocate_memory(&allocate, None)
                .vk("vkAllocateMemory")?;
            device
                .raw
                .bind_buffer_memory(buffer, memory, 0)
                .vk("vkBindBufferMemory")
                .inspect_err(|_| device.raw.free_memory(memory, None))?;
            memory
        };
        std::mem::forget(guard);
        Ok(Self {
            buffer,
            size,
            mapped: host,
            write_combined: false,
            memory,
            imported: true,
            device: device.clone(),
        })
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        // SAFETY: whoever drops it made sure that no lease uses it.
        unsafe {
            if !self.imported {
                self.device.raw.unmap_memory(self.memory);
            }
            self.device.raw.destroy_buffer(self.buffer, None);
            self.device.raw.free_memory(self.memory, None);
        }
    }
}

/// Destroys a buffer on the way out of a failed creation.
struct BufferGuard<'a> {
    device: &'a Device,
    buffer: vk::Buffer,
}

impl Drop for BufferGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: the buffer was made a moment ago and nobody uses it.
        unsafe { self.device.raw.destroy_buffer(self.buffer, None) };
    }
}

/// The best memory type that is host-visible and coherent.
fn memory_type(
    properties: &vk::PhysicalDeviceMemoryProperties,
    bits: u32,
    usage: Use,
) -> Option<(u32, vk::MemoryPropertyFlags)> {
    use vk::MemoryPropertyFlags as F;
    let needed = F::HOST_VISIBLE | F::HOST_COHERENT;
    let wishes: &[F] = match usage {
        Use::HostWrites | Use::Device => &[F::DEVICE_LOCAL, F::empty()],
        Use::HostReads => &[F::HOST_CACHED, F::empty()],
    };
    wishes.iter().find_map(|&wish| {
        properties
            .memory_types_as_slice()
            .iter()
            .enumerate()
            .find(|(i, t)| bits >> i & 1 != 0 && t.property_flags.contains(needed | wish))
            .map(|(i, t)| (i as u32, t.property_flags))
    })
}
