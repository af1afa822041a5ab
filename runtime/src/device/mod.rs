//! Vulkan: choose and open a device, its memory, pipelines, the probe, and leases.
//!
//! Nothing here knows of tenants or jobs; the kernel is a pipeline, the rings are buffers.

pub mod cache;
pub mod choose;
pub mod lease;
pub mod memory;
pub mod pipeline;
pub mod probe;
pub mod trial;

use std::ffi::{c_void, CStr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ash::{ext, khr, vk};

use crate::error::{Error, VkContext};
use choose::{Candidate, DeviceInfo};

/// The Vulkan loader and an instance.
pub struct Instance {
    pub raw: ash::Instance,
    debug: Option<(ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT)>,
    // The loader's library stays open as long as anything made from it.
    _entry: ash::Entry,
}

const VALIDATION_LAYER: &CStr = c"VK_LAYER_KHRONOS_validation";

impl Instance {
    /// Loads Vulkan. With `validate`, the Khronos validation layer checks every call, and its messages go to the log.
    pub fn new(validate: bool) -> Result<Self, Error> {
        // SAFETY: loading the Vulkan loader runs its initialisers, which is what the user wants of this library.
        let entry = unsafe { ash::Entry::load() }.map_err(|e| Error::NoDriver {
            looked_for: format!("the Vulkan loader libvulkan.so.1 could not be loaded ({e})"),
        })?;
        let app = vk::ApplicationInfo::default()
            .engine_name(c"rota")
            .engine_version(vk::make_api_version(0, 0, 1, 0))
            .api_version(vk::API_VERSION_1_2);
        let mut layers = vec![];
        let mut extensions = vec![];
        if validate {
            // SAFETY: no preconditions.
            let found = unsafe { entry.enumerate_instance_layer_properties() }
                .vk("vkEnumerateInstanceLayerProperties")?
                .iter()
                .any(|l| l.layer_name_as_c_str() == Ok(VALIDATION_LAYER));
            if !found {
                return Err(Error::Unsupported(
                    "the Khronos validation layer isn't installed; on Debian and Ubuntu: apt install vulkan-validationlayers",
                ));
            }
            layers.push(VALIDATION_LAYER.as_ptr());
            extensions.push(ext::debug_utils::NAME.as_ptr());
        }
        let mut messenger = vk::DebugUtilsMessengerCreateInfoEXT::default()
            .message_severity(
                vk::DebugUtilsMessageSeverityFlagsEXT::ERROR
                    | vk::DebugUtilsMessageSeverityFlagsEXT::WARNING,
            )
            .message_type(
                vk::DebugUtilsMessageTypeFlagsEXT::GENERAL
                    | vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION
                    | vk::DebugUtilsMessageTypeFlagsEXT::PERFORMANCE,
            )
            .pfn_user_callback(Some(validation_message));
        let mut info = vk::InstanceCreateInfo::default()
            .application_info(&app)
            .enabled_layer_names(&layers)
            .enabled_extension_names(&extensions);
        if validate {
            info = info.push_next(&mut messenger);
        }
        // SAFETY: the structures live until the call returns.
        let raw = match unsafe { entry.create_instance(&info, None) } {
            Ok(raw) => raw,
            Err(vk::Result::ERROR_INCOMPATIBLE_DRIVER) => {
                return Err(Error::NoDriver {
                    looked_for: format!("the loader found no working driver{}", searched()),
                })
            }
            Err(result) => {
                return Err(Error::Driver {
                    call: "vkCreateInstance",
                    result,
                })
            }
        };
        let debug = if validate {
            let loader = ext::debug_utils::Instance::new(&entry, &raw);
            // SAFETY: the extension is enabled.
            let handle = unsafe { loader.create_debug_utils_messenger(&messenger, None) }
                .vk("vkCreateDebugUtilsMessengerEXT")?;
            Some((loader, handle))
        } else {
            None
        };
        Ok(Self {
            raw,
            debug,
            _entry: entry,
        })
    }

    /// The devices, in the driver's order. None at all is an error that says what was looked for.
    pub fn candidates(&self) -> Result<Vec<Candidate>, Error> {
        // SAFETY: the instance is live.
        let devices =
            unsafe { self.raw.enumerate_physical_devices() }.vk("vkEnumeratePhysicalDevices")?;
        if devices.is_empty() {
            return Err(Error::NoDriver {
                looked_for: format!("the loader found no device{}", searched()),
            });
        }
        Ok(devices
            .into_iter()
            .enumerate()
            .map(|(index, physical)| choose::examine(&self.raw, physical, index as u32))
            .collect())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: everything made from the instance holds an `Arc` of it and is gone.
        unsafe {
            if let Some((loader, handle)) = &self.debug {
                loader.destroy_debug_utils_messenger(*handle, None);
            }
            self.raw.destroy_instance(None);
        }
    }
}

/// Where the loader looks for drivers.
fn searched() -> String {
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        if let Some(value) = std::env::var_os(variable) {
            return format!("; {variable} names {}", value.to_string_lossy());
        }
    }
    "; it looks for driver files (*.json) in /usr/share/vulkan/icd.d and /etc/vulkan/icd.d".into()
}

unsafe extern "system" fn validation_message(
    severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    _: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: the layer passes valid data with a message.
    let text = unsafe { CStr::from_ptr((*data).p_message) }.to_string_lossy();
    if severity.contains(vk::DebugUtilsMessageSeverityFlagsEXT::ERROR) {
        log::error!(target: "rota::validation", "{text}");
    } else {
        log::warn!(target: "rota::validation", "{text}");
    }
    vk::FALSE
}

/// An opened device with its one queue.
pub struct Device {
    pub raw: ash::Device,
    pub physical: vk::PhysicalDevice,
    pub info: DeviceInfo,
    pub limits: Limits,
    pub queue: Mutex<vk::Queue>,
    pub queue_family: u32,
    pub memory_properties: vk::PhysicalDeviceMemoryProperties,
    pub host_import: Option<HostImport>,
    /// The last answer and when it came, where the driver has one.
    budget: Option<Mutex<Option<(Instant, MemoryBudget)>>>,
    pub instance: Arc<Instance>,
}

/// What of the device's properties and limits matters here.
#[derive(Clone, Debug)]
pub struct Limits {
    pub subgroup_size: u32,
    /// Whether the pipeline can ask for that size instead of hoping for it.
    pub required_subgroup_size: bool,
    pub max_storage_range: u64,
    pub max_storage_buffers: u32,
    pub device_uuid: [u8; 16],
    pub driver_version: u32,
}

/// Importing host memory.
pub struct HostImport {
    pub loader: ext::external_memory_host::Device,
    /// What pointers and lengths have to be multiples of.
    pub alignment: u64,
}

impl Device {
    /// Opens the chosen device with the features that the kernel needs.
    pub fn open(instance: Arc<Instance>, candidate: Candidate) -> Result<Self, Error> {
        let Candidate {
            physical,
            info,
            queue_family,
            limits,
            extensions,
            unsuitable,
        } = candidate;
        if let Some(why) = unsuitable {
            return Err(Error::DeviceUnsupported {
                device: info.name,
                why,
            });
        }
        let has = |name: &CStr| extensions.iter().any(|e| e.as_c_str() == name);
        let mut wanted = vec![];
        let import = has(ext::external_memory_host::NAME);
        if import {
            wanted.push(ext::external_memory_host::NAME.as_ptr());
        }
        let tells_budget = has(ext::memory_budget::NAME);
        if tells_budget {
            wanted.push(ext::memory_budget::NAME.as_ptr());
        }
        if limits.required_subgroup_size {
            wanted.push(ext::subgroup_size_control::NAME.as_ptr());
        }
        if has(khr::portability_subset::NAME) {
            wanted.push(khr::portability_subset::NAME.as_ptr());
        }
        let priorities = [1.0];
        let queues = [vk::DeviceQueueCreateInfo::default()
            .queue_family_index(queue_family)
            .queue_priorities(&priorities)];
        let mut size_control = vk::PhysicalDeviceSubgroupSizeControlFeatures::default()
            .subgroup_size_control(true)
            .compute_full_subgroups(true);
        let mut create = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&wanted);
        if limits.required_subgroup_size {
            create = create.push_next(&mut size_control);
        }
        // SAFETY: the structures live until the call returns, and every feature asked for was seen to be there.
        let raw =
            unsafe { instance.raw.create_device(physical, &create, None) }.vk("vkCreateDevice")?;
        // SAFETY: the queue was asked for above.
        let queue = unsafe { raw.get_device_queue(queue_family, 0) };
        // SAFETY: the physical device is of this instance.
        let memory_properties =
            unsafe { instance.raw.get_physical_device_memory_properties(physical) };
        let host_import = import.then(|| {
            let mut properties = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
            let mut all = vk::PhysicalDeviceProperties2::default().push_next(&mut properties);
            // SAFETY: the extension is there.
            unsafe {
                instance
                    .raw
                    .get_physical_device_properties2(physical, &mut all)
            };
            HostImport {
                loader: ext::external_memory_host::Device::new(&instance.raw, &raw),
                alignment: properties.min_imported_host_pointer_alignment,
            }
        });
        Ok(Self {
            raw,
            physical,
            info,
            limits,
            queue: Mutex::new(queue),
            queue_family,
            memory_properties,
            host_import,
            budget: tells_budget.then(Mutex::default),
            instance,
        })
    }

    /// What this process may use of the device's own memory, and uses, where the driver tells. It is asked once a second at
    /// most: some drivers read files for it.
    pub fn memory_budget(&self) -> Option<MemoryBudget> {
        let mut last = self
            .budget
            .as_ref()?
            .lock()
            .unwrap_or_else(|p| p.into_inner());
        if let Some((at, budget)) = *last {
            if at.elapsed() < Duration::from_secs(1) {
                return Some(budget);
            }
        }
        let mut budgets = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
        let mut all = vk::PhysicalDeviceMemoryProperties2::default().push_next(&mut budgets);
        let raw = &self.instance.raw;
        // SAFETY: the physical device is of this instance, and its driver has the extension.
        unsafe { raw.get_physical_device_memory_properties2(self.physical, &mut all) };
        let heaps = self.memory_properties.memory_heaps_as_slice().iter();
        let mut budget = MemoryBudget { budget: 0, used: 0 };
        for (i, heap) in heaps.enumerate() {
            if heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL) {
                budget.budget += budgets.heap_budget[i];
                budget.used += budgets.heap_usage[i];
            }
        }
        *last = Some((Instant::now(), budget));
        Some(budget)
    }
}

/// Bytes of the device's own memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBudget {
    pub budget: u64,
    pub used: u64,
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: everything made from the device holds an `Arc` of it and is gone.
        unsafe {
            let _ = self.raw.device_wait_idle();
            self.raw.destroy_device(None);
        }
    }
}
