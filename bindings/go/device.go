// The devices of the machine.

package rota

// #include "shim.h"
import "C"

// DeviceKind is a sort of device.
type DeviceKind uint32

// The kinds.
const (
	DeviceOther      DeviceKind = C.ROTA_DEVICE_OTHER
	DeviceIntegrated DeviceKind = C.ROTA_DEVICE_INTEGRATED // shares the host's memory
	DeviceDiscrete   DeviceKind = C.ROTA_DEVICE_DISCRETE   // has its own memory
	DeviceVirtual    DeviceKind = C.ROTA_DEVICE_VIRTUAL
	DeviceCPU        DeviceKind = C.ROTA_DEVICE_CPU // a software driver
)

// String is what WithDevice takes, or "other".
func (k DeviceKind) String() string {
	switch k {
	case DeviceIntegrated:
		return "integrated"
	case DeviceDiscrete:
		return "discrete"
	case DeviceVirtual:
		return "virtual"
	case DeviceCPU:
		return "cpu"
	}
	return "other"
}

// Device is one Vulkan device of the machine.
type Device struct {
	Index        uint32 // what WithDevice takes, as text
	Kind         DeviceKind
	Name         string
	Driver       string
	DriverInfo   string // the driver's version, in its own words
	APIVersion   uint32 // packed as Vulkan does
	VendorID     uint32
	DeviceID     uint32
	SubgroupSize uint32 // lanes of a worker
	MemoryBytes  uint64 // memory that is local to the device
	Suitable     bool   // Rota runs on it
	Reason       string // why it isn't suitable; empty if it is
}

// Devices lists the Vulkan devices, also those that Rota can't use. It gives ErrNoDriver where there
// is no Vulkan loader or driver, and ErrDriver. Any goroutine may call it.
func Devices() ([]Device, error) {
	var object *C.rota_error
	var needed C.size_t
	status := C.rota_devices_list(nil, 0, &needed, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	if needed == 0 {
		return nil, nil
	}
	infos := make([]C.rota_device_info, needed)
	for i := range infos {
		infos[i] = C.rota_go_device_info()
	}
	status = C.rota_devices_list(&infos[0], needed, &needed, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	infos = infos[:min(len(infos), int(needed))]
	devices := make([]Device, len(infos))
	for i := range infos {
		info := &infos[i]
		devices[i] = Device{
			Index:        uint32(info.index),
			Kind:         DeviceKind(info.kind),
			Name:         C.GoString(&info.name[0]),
			Driver:       C.GoString(&info.driver[0]),
			DriverInfo:   C.GoString(&info.driver_info[0]),
			APIVersion:   uint32(info.api_version),
			VendorID:     uint32(info.vendor_id),
			DeviceID:     uint32(info.device_id),
			SubgroupSize: uint32(info.subgroup_size),
			MemoryBytes:  uint64(info.memory_bytes),
			Suitable:     info.suitable != 0,
			Reason:       C.GoString(&info.reason[0]),
		}
	}
	return devices, nil
}
