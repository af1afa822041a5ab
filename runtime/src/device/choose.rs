//! Which devices there are, whether they can run the kernel, and which one is meant.

use std::ffi::CString;

use ash::{ext, vk};

use super::Limits;
use crate::error::Error;
use crate::ring::layout::binding;

/// What kind of device it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum DeviceKind {
    Other = 0,
    Integrated = 1,
    Discrete = 2,
    Virtual = 3,
    /// A software driver.
    Cpu = 4,
}

impl DeviceKind {
    /// As it is written in options and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Integrated => "integrated",
            Self::Discrete => "discrete",
            Self::Virtual => "virtual",
            Self::Cpu => "cpu",
        }
    }

    /// The order in which devices are preferred where the caller names none.
    fn rank(self) -> u32 {
        match self {
            Self::Discrete => 0,
            Self::Integrated => 1,
            Self::Virtual => 2,
            Self::Cpu => 3,
            Self::Other => 4,
        }
    }
}

/// A device, for people and for choosing.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    pub index: u32,
    pub kind: DeviceKind,
    pub name: String,
    pub driver: String,
    pub driver_info: String,
    pub api_version: u32,
    pub vendor_id: u32,
    pub device_id: u32,
    pub subgroup_size: u32,
    /// Device-local memory.
    pub memory_bytes: u64,
    /// Why the device can't run Rota; `None` if it can.
    pub unsuitable: Option<String>,
}

impl DeviceInfo {
    /// Whether it is a processor: workers are threads there, and their lanes take each step together.
    pub(crate) fn is_cpu(&self) -> bool {
        self.kind == DeviceKind::Cpu
    }
}

/// A device that could be opened.
pub struct Candidate {
    pub physical: vk::PhysicalDevice,
    pub info: DeviceInfo,
    pub queue_family: u32,
    pub limits: Limits,
    pub extensions: Vec<CString>,
    pub unsuitable: Option<String>,
}

const SUBGROUP_OPERATIONS: vk::SubgroupFeatureFlags = vk::SubgroupFeatureFlags::from_raw(
    vk::SubgroupFeatureFlags::BASIC.as_raw()
        | vk::SubgroupFeatureFlags::VOTE.as_raw()
        | vk::SubgroupFeatureFlags::ARITHMETIC.as_raw()
        | vk::SubgroupFeatureFlags::BALLOT.as_raw()
        | vk::SubgroupFeatureFlags::SHUFFLE.as_raw(),
);

/// Reads all that matters of one device.
pub fn examine(instance: &ash::Instance, physical: vk::PhysicalDevice, index: u32) -> Candidate {
    let mut driver = vk::PhysicalDeviceDriverProperties::default();
    let mut subgroup = vk::PhysicalDeviceSubgroupProperties::default();
    let mut id = vk::PhysicalDeviceIDProperties::default();
    let mut size = vk::PhysicalDeviceSubgroupSizeControlProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default()
        .push_next(&mut driver)
        .push_next(&mut subgroup)
        .push_next(&mut id)
        .push_next(&mut size);
    let mut size_features = vk::PhysicalDeviceSubgroupSizeControlFeatures::default();
    let mut features = vk::PhysicalDeviceFeatures2::default().push_next(&mut size_features);
    // SAFETY: the physical device is of this instance; structures that a driver doesn't know stay as they are.
    let (base, families, memory, extensions) = unsafe {
        instance.get_physical_device_properties2(physical, &mut properties);
        instance.get_physical_device_features2(physical, &mut features);
        (
            properties.properties,
            instance.get_physical_device_queue_family_properties(physical),
            instance.get_physical_device_memory_properties(physical),
            instance
                .enumerate_device_extension_properties(physical)
                .unwrap_or_default(),
        )
    };
    let extensions: Vec<CString> = extensions
        .iter()
        .filter_map(|e| Some(e.extension_name_as_c_str().ok()?.to_owned()))
        .collect();
    let kind = match base.device_type {
        vk::PhysicalDeviceType::INTEGRATED_GPU => DeviceKind::Integrated,
        vk::PhysicalDeviceType::DISCRETE_GPU => DeviceKind::Discrete,
        vk::PhysicalDeviceType::VIRTUAL_GPU => DeviceKind::Virtual,
        vk::PhysicalDeviceType::CPU => DeviceKind::Cpu,
        _ => DeviceKind::Other,
    };
    // A compute queue without graphics leaves a display alone.
    let queue_family = families
        .iter()
        .enumerate()
        .filter(|(_, f)| f.queue_flags.contains(vk::QueueFlags::COMPUTE))
        .min_by_key(|(_, f)| f.queue_flags.contains(vk::QueueFlags::GRAPHICS))
        .map(|(i, _)| i as u32);
    let memory_bytes = memory
        .memory_heaps_as_slice()
        .iter()
        .filter(|h| h.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL))
        .map(|h| h.size)
        .sum();
    let limits = Limits {
        subgroup_size: subgroup.subgroup_size,
        required_subgroup_size: extensions
            .iter()
            .any(|e| e.as_c_str() == ext::subgroup_size_control::NAME)
            && size_features.subgroup_size_control != 0
            && size_features.compute_full_subgroups != 0
            && size
                .required_subgroup_size_stages
                .contains(vk::ShaderStageFlags::COMPUTE)
            && (size.min_subgroup_size..=size.max_subgroup_size).contains(&subgroup.subgroup_size),
        max_storage_range: base.limits.max_storage_buffer_range as u64,
        max_storage_buffers: base
            .limits
            .max_per_stage_descriptor_storage_buffers
            .min(base.limits.max_descriptor_set_storage_buffers),
        device_uuid: id.device_uuid,
        driver_version: base.driver_version,
    };
    let unsuitable = if base.api_version < vk::API_VERSION_1_2 {
        Some("it knows only a Vulkan older than 1.2".into())
    } else if queue_family.is_none() {
        Some("it has no compute queue".into())
    } else if !subgroup
        .supported_stages
        .contains(vk::ShaderStageFlags::COMPUTE)
        || !subgroup.supported_operations.contains(SUBGROUP_OPERATIONS)
    {
        Some(format!(
            "its compute shaders lack subgroup operations (it has {:#x}, needed are {:#x})",
            subgroup.supported_operations.as_raw(),
            SUBGROUP_OPERATIONS.as_raw()
        ))
    } else if !(4..=64).contains(&subgroup.subgroup_size)
        || !subgroup.subgroup_size.is_power_of_two()
    {
        Some(format!(
            "its subgroups have {} lanes, needed are 4 to 64",
            subgroup.subgroup_size
        ))
    } else if limits.max_storage_buffers < binding::SEGMENT + 2 {
        Some(format!(
            "a shader can have only {} storage buffers, needed are {}",
            limits.max_storage_buffers,
            binding::SEGMENT + 2
        ))
    } else {
        None
    };
    let text = |s: Result<&std::ffi::CStr, _>| {
        s.map_or(String::new(), |s: &std::ffi::CStr| {
            s.to_string_lossy().into()
        })
    };
    Candidate {
        physical,
        info: DeviceInfo {
            index,
            kind,
            name: text(base.device_name_as_c_str()),
            driver: text(driver.driver_name_as_c_str()),
            driver_info: text(driver.driver_info_as_c_str()),
            api_version: base.api_version,
            vendor_id: base.vendor_id,
            device_id: base.device_id,
            subgroup_size: subgroup.subgroup_size,
            memory_bytes,
            unsuitable: unsuitable.clone(),
        },
        queue_family: queue_family.unwrap_or(0),
        limits,
        extensions,
        unsuitable,
    }
}

/// Chooses by index ("0"), kind ("cpu", "integrated", "discrete", "virtual") or part of the name, without regard to
/// case. Without a wish, the best suitable one by kind.
pub fn choose(candidates: Vec<Candidate>, wanted: Option<&str>) -> Result<Candidate, Error> {
    let found = candidates
        .iter()
        .map(|c| {
            format!(
                "{} '{}' ({})",
                c.info.index,
                c.info.name,
                c.info.kind.name()
            )
        })
        .collect::<Vec<_>>()
        .join(", ");
    let Some(wanted) = wanted else {
        return candidates
            .into_iter()
            .min_by_key(|c| (c.unsuitable.is_some(), c.info.kind.rank(), c.info.index))
            .ok_or(Error::NoDevice {
                wanted: "any".into(),
                found,
            });
    };
    let lower = wanted.to_lowercase();
    let matches = |c: &Candidate| match wanted.parse::<u32>() {
        Ok(index) => c.info.index == index,
        Err(_) => c.info.kind.name() == lower || c.info.name.to_lowercase().contains(&lower),
    };
    candidates
        .into_iter()
        .filter(matches)
        .min_by_key(|c| (c.unsuitable.is_some(), c.info.kind.rank(), c.info.index))
        .ok_or(Error::NoDevice {
            wanted: wanted.into(),
            found,
        })
}
