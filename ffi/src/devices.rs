//! The list of devices.
#![cfg(not(loom))]

use crate::args::{self, fixed_text, Sized8, Wanted};
use crate::boundary::export;
use crate::error::{rota_error, rota_status};
use crate::log::heed_environment;
use std::ffi::c_char;

/// ---- Device kinds ------------------------------------------------------------------------------
///
/// None of the others.
pub const ROTA_DEVICE_OTHER: u32 = 0;
/// A GPU that shares the host's memory.
pub const ROTA_DEVICE_INTEGRATED: u32 = 1;
/// A GPU with its own memory.
pub const ROTA_DEVICE_DISCRETE: u32 = 2;
/// A GPU of a virtual machine.
pub const ROTA_DEVICE_VIRTUAL: u32 = 3;
/// A software driver that runs on the CPU.
pub const ROTA_DEVICE_CPU: u32 = 4;

/// One Vulkan device, as rota_devices_list found it. Texts are zero-terminated UTF-8, cut to fit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct rota_device_info {
    /// sizeof(rota_device_info), which ROTA_DEVICE_INFO_INIT sets.
    pub struct_size: usize,
    /// What rota_runtime_options.device takes, as text.
    pub index: u32,
    /// One of ROTA_DEVICE_*.
    pub kind: u32,
    /// The device's name.
    pub name: [c_char; 256],
    /// The driver's name.
    pub driver: [c_char; 256],
    /// The driver's version, in its own words.
    pub driver_info: [c_char; 256],
    /// The Vulkan version, packed as Vulkan does.
    pub api_version: u32,
    /// The vendor's PCI id, or one that Khronos gave out.
    pub vendor_id: u32,
    /// The vendor's number for the device.
    pub device_id: u32,
    /// Lanes of a worker.
    pub subgroup_size: u32,
    /// Memory that is local to the device, in bytes.
    pub memory_bytes: u64,
    /// 1 if Rota runs on it, else 0.
    pub suitable: u32,
    /// Why it isn't suitable; empty if it is.
    pub reason: [c_char; 256],
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers only; the u32 before and after the texts fill each other's 8 bytes.
unsafe impl Sized8 for rota_device_info {
    const NAME: &'static str = "rota_device_info";
    const DEFAULT: Self = Self {
        struct_size: size_of::<Self>(),
        index: 0,
        kind: 0,
        name: [0; 256],
        driver: [0; 256],
        driver_info: [0; 256],
        api_version: 0,
        vendor_id: 0,
        device_id: 0,
        subgroup_size: 0,
        memory_bytes: 0,
        suitable: 0,
        reason: [0; 256],
        reserved: 0,
    };
}

impl From<&rota::DeviceInfo> for rota_device_info {
    fn from(info: &rota::DeviceInfo) -> Self {
        use rota::DeviceKind::*;
        Self {
            index: info.index,
            kind: match info.kind {
                Other => ROTA_DEVICE_OTHER,
                Integrated => ROTA_DEVICE_INTEGRATED,
                Discrete => ROTA_DEVICE_DISCRETE,
                Virtual => ROTA_DEVICE_VIRTUAL,
                Cpu => ROTA_DEVICE_CPU,
            },
            name: fixed_text(&info.name),
            driver: fixed_text(&info.driver),
            driver_info: fixed_text(&info.driver_info),
            api_version: info.api_version,
            vendor_id: info.vendor_id,
            device_id: info.device_id,
            subgroup_size: info.subgroup_size,
            memory_bytes: info.memory_bytes,
            suitable: info.unsuitable.is_none() as u32,
            reason: fixed_text(info.unsuitable.as_deref().unwrap_or_default()),
            ..Self::DEFAULT
        }
    }
}

/// ---- Devices -----------------------------------------------------------------------------------
///
/// Lists the Vulkan devices, also those that Rota can't use: the first `cap` go to `infos`, and how
/// many there are to `needed`. Only the struct_size of infos[0] is read, and it counts for all of
/// them. NULL and 0 just ask how many there are.
///
/// Ownership: copies; nothing to free.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE, NO_DRIVER, DRIVER_ERROR. `needed` is always written.
/// Since: 0.1
#[no_mangle]
pub unsafe extern "C" fn rota_devices_list(
    infos: *mut rota_device_info,
    cap: usize,
    needed: *mut usize,
    error: *mut *mut rota_error,
) -> rota_status {
    export!(error => {
        // SAFETY: the conventions: NULL or valid.
        let needed = unsafe { args::count("needed", needed) }?;
        heed_environment();
        let devices = rota::devices()?;
        *needed = devices.len();
        let stride = if cap == 0 {
            0
        } else {
            // SAFETY: as above, and infos[0] is initialised.
            unsafe { Wanted::new(infos) }?.size()
        };
        if stride != 0 {
            args::array_bytes("infos", cap, stride)?;
        }
        for (i, device) in devices.iter().take(cap).enumerate() {
            // SAFETY: the conventions: `cap` structs of the size that the first one tells. The size
            // is written first because only the first struct had to be initialised.
            unsafe {
                let info = infos.byte_add(i * stride);
                info.cast::<u8>().write_bytes(0, stride);
                info.cast::<usize>().write(stride);
                Wanted::new(info)?.fill(&device.into());
            }
        }
        Ok(())
    })
}
