//! Opens one Vulkan device for the plain peers: the one that Rota opened, found by name and driver,
//! so that all peers run on the same one.

use crate::Fallible;
use ash::vk;
use std::ffi::CStr;
use std::rc::Rc;

/// Which device to open. Without one: the first of the best kind.
#[derive(Clone, Default)]
pub struct Wanted {
    pub name: Option<String>,
    pub driver_info: Option<String>,
}

pub struct Device {
    // Keeps the loader's library mapped.
    _entry: ash::Entry,
    pub instance: ash::Instance,
    pub raw: ash::Device,
    pub family: u32,
    pub queue: vk::Queue,
    pub memory: vk::PhysicalDeviceMemoryProperties,
    pub name: String,
    pub driver: String,
    pub driver_info: String,
    pub api_version: u32,
    pub vendor_id: u32,
    pub device_id: u32,
    pub subgroup_size: u32,
    pub max_groups_x: u32,
}

impl Device {
    pub fn open(wanted: &Wanted) -> Fallible<Rc<Device>> {
        // SAFETY: the loader is a well-behaved library; every handle below comes from the object
        // that it is used with and is destroyed in `drop`, after all that was made of it.
        unsafe {
            let entry = ash::Entry::load().map_err(|e| format!("no Vulkan loader: {e}"))?;
            let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_2);
            let instance = entry.create_instance(
                &vk::InstanceCreateInfo::default().application_info(&application),
                None,
            )?;
            let physical = match choose(&instance, wanted) {
                Ok(physical) => physical,
                Err(error) => {
                    instance.destroy_instance(None);
                    return Err(error);
                }
            };

            let mut driver = vk::PhysicalDeviceDriverProperties::default();
            let mut subgroup = vk::PhysicalDeviceSubgroupProperties::default();
            let mut properties = vk::PhysicalDeviceProperties2::default()
                .push_next(&mut driver)
                .push_next(&mut subgroup);
            instance.get_physical_device_properties2(physical, &mut properties);
            let properties = properties.properties;

            let family = instance
                .get_physical_device_queue_family_properties(physical)
                .iter()
                .position(|family| family.queue_flags.contains(vk::QueueFlags::COMPUTE))
                .ok_or("the device has no compute queue")? as u32;
            let queues = [vk::DeviceQueueCreateInfo::default()
                .queue_family_index(family)
                .queue_priorities(&[1.0])];
            let raw = instance.create_device(
                physical,
                &vk::DeviceCreateInfo::default().queue_create_infos(&queues),
                None,
            )?;
            let queue = raw.get_device_queue(family, 0);
            Ok(Rc::new(Device {
                memory: instance.get_physical_device_memory_properties(physical),
                name: text(&properties.device_name),
                driver: text(&driver.driver_name),
                driver_info: text(&driver.driver_info),
                api_version: properties.api_version,
                vendor_id: properties.vendor_id,
                device_id: properties.device_id,
                subgroup_size: subgroup.subgroup_size.max(1),
                max_groups_x: properties.limits.max_compute_work_group_count[0],
                _entry: entry,
                instance,
                raw,
                family,
                queue,
            }))
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: buffers, kernels and commands hold an `Rc` of this, so nothing made of it is left.
        unsafe {
            let _ = self.raw.device_wait_idle();
            self.raw.destroy_device(None);
            self.instance.destroy_instance(None);
        }
    }
}

/// The first device with the wanted name and driver, the best kind first.
unsafe fn choose(instance: &ash::Instance, wanted: &Wanted) -> Fallible<vk::PhysicalDevice> {
    let mut found: Vec<(u32, vk::PhysicalDevice)> = Vec::new();
    let mut seen = Vec::new();
    for physical in instance.enumerate_physical_devices()? {
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut driver);
        instance.get_physical_device_properties2(physical, &mut properties);
        let kind = properties.properties.device_type;
        let name = text(&properties.properties.device_name);
        let driver_info = text(&driver.driver_info);
        let fits = |want: &Option<String>, have: &str| want.as_deref().is_none_or(|w| w == have);
        if fits(&wanted.name, &name) && fits(&wanted.driver_info, &driver_info) {
            let rank = match kind {
                vk::PhysicalDeviceType::DISCRETE_GPU => 0,
                vk::PhysicalDeviceType::INTEGRATED_GPU => 1,
                vk::PhysicalDeviceType::VIRTUAL_GPU => 2,
                vk::PhysicalDeviceType::CPU => 3,
                _ => 4,
            };
            found.push((rank, physical));
        }
        seen.push(format!("{name} ({driver_info})"));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.first().map(|(_, physical)| *physical).ok_or_else(|| {
        format!(
            "no Vulkan device named {:?} with driver {:?}; there are: {}",
            wanted.name,
            wanted.driver_info,
            seen.join(", ")
        )
        .into()
    })
}

fn text(field: &[std::ffi::c_char]) -> String {
    // SAFETY: Vulkan fills these fixed arrays with text that ends in a zero within the array.
    unsafe { CStr::from_ptr(field.as_ptr()) }
        .to_string_lossy()
        .into_owned()
}
