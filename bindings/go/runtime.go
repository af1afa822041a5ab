// The runtime: opening a device, what it is, and its end.

package rota

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"log/slog"
	"runtime"
	"runtime/cgo"
	"sync"
	"time"
	"unsafe"
	"weak"
)

// Forever is an idle limit that is never reached: the kernel never parks.
const Forever = time.Duration(-1)

// foreverNS is how C spells it.
const foreverNS uint64 = C.ROTA_FOREVER

// Mode is how jobs reach the device.
type Mode uint32

// The modes.
const (
	ModeAuto     Mode = C.ROTA_MODE_AUTO     // resident where the device can, else batch
	ModeResident Mode = C.ROTA_MODE_RESIDENT // the kernel polls the rings live
	ModeBatch    Mode = C.ROTA_MODE_BATCH    // jobs are handed over between launches; every device can
)

// String is the mode's name.
func (m Mode) String() string {
	switch m {
	case ModeAuto:
		return "auto"
	case ModeResident:
		return "resident"
	case ModeBatch:
		return "batch"
	}
	return "unknown"
}

// RuntimeFlags are flags of a runtime.
type RuntimeFlags uint32

// The flags of a runtime.
const (
	RuntimeValidate RuntimeFlags = C.ROTA_RUNTIME_VALIDATE // run under the Khronos validation layer
	RuntimeNoCache  RuntimeFlags = C.ROTA_RUNTIME_NO_CACHE // no pipeline cache on disk

	// RuntimeWriteDigests makes a digest of what each job stores: Completion.Digest. It costs a part of
	// each store, and 8 bytes a slot. A runtime with a flight recorder does so anyway.
	RuntimeWriteDigests RuntimeFlags = C.ROTA_RUNTIME_WRITE_DIGESTS

	// RuntimeTrace keeps the last 256 decisions, each with its reason: Runtime.Decisions. So it is too
	// where $ROTA_TRACE is 1.
	RuntimeTrace RuntimeFlags = C.ROTA_RUNTIME_TRACE
)

type settingsOfRuntime struct {
	device, cacheDir string
	metricsSocket    string
	log              *slog.Logger
	idle             time.Duration
	quota            Quota
	recorder         *RecorderOptions
	spans            *SpanOptions
	options          C.rota_runtime_options
}

// Option changes how a runtime is opened.
type Option func(*settingsOfRuntime)

// WithDevice wants a device by index ("0"), kind ("cpu", "integrated", "discrete", "virtual") or a
// part of its name. Without it: $ROTA_DEVICE, else the best one.
func WithDevice(device string) Option { return func(s *settingsOfRuntime) { s.device = device } }

// WithMode wants a mode.
func WithMode(mode Mode) Option {
	return func(s *settingsOfRuntime) { s.options.mode = C.uint32_t(mode) }
}

// WithIdleLimit sets how long the kernel looks for work before it parks: 200 us for 0, which is the
// default; Forever: it never parks.
func WithIdleLimit(limit time.Duration) Option {
	return func(s *settingsOfRuntime) { s.idle = limit }
}

// WithWorkers sets the workers of a wide lease, at most 256.
func WithWorkers(workers uint32) Option {
	return func(s *settingsOfRuntime) { s.options.workers = C.uint32_t(workers) }
}

// WithMaxTenants sets how many tenants there can be at once.
func WithMaxTenants(tenants uint32) Option {
	return func(s *settingsOfRuntime) { s.options.max_tenants = C.uint32_t(tenants) }
}

// WithDefaultSlots sets the slots of a tenant's ring where the tenant doesn't: a power of two.
func WithDefaultSlots(slots uint32) Option {
	return func(s *settingsOfRuntime) { s.options.slots = C.uint32_t(slots) }
}

// WithMemory sets how many bytes of device memory are allocated at once.
func WithMemory(bytes uint64) Option {
	return func(s *settingsOfRuntime) { s.options.memory_bytes = C.uint64_t(bytes) }
}

// WithCacheDir sets the folder of the pipeline cache.
func WithCacheDir(folder string) Option {
	return func(s *settingsOfRuntime) { s.cacheDir = folder }
}

// WithFlags sets flags.
func WithFlags(flags RuntimeFlags) Option {
	return func(s *settingsOfRuntime) { s.options.flags |= C.uint32_t(flags) }
}

// WithLeaseFuel sets after how many loop iterations a lease ends.
func WithLeaseFuel(iterations uint32) Option {
	return func(s *settingsOfRuntime) { s.options.lease_fuel = C.uint32_t(iterations) }
}

// WithMostFuel sets the most loop iterations that a lane of any job may be given.
func WithMostFuel(iterations uint32) Option {
	return func(s *settingsOfRuntime) { s.options.most_fuel = C.uint32_t(iterations) }
}

// WithMaxSeries sets how many labels of tenants have a series of their own in the metrics, at most 65,535;
// all others share one. 0: 1,024.
func WithMaxSeries(series uint32) Option {
	return func(s *settingsOfRuntime) { s.options.max_series = C.uint32_t(series) }
}

// WithMetricsSocket makes a Unix socket, for this user only, through which `rota top` and other programs
// look at the metrics; its path has at most 107 bytes. Without it: what $ROTA_METRICS_SOCKET says, else none.
func WithMetricsSocket(path string) Option {
	return func(s *settingsOfRuntime) { s.metricsSocket = path }
}

// WithTrace is WithFlags(RuntimeTrace).
func WithTrace() Option { return WithFlags(RuntimeTrace) }

// WithRuntimeQuota sets the most that all tenants together may have.
func WithRuntimeQuota(quota Quota) Option { return func(s *settingsOfRuntime) { s.quota = quota } }

// WithFirstPosition sets where the rings start counting, below 2^31. Tests start below the wrap.
func WithFirstPosition(position uint32) Option {
	return func(s *settingsOfRuntime) { s.options.first_position = C.uint32_t(position) }
}

// WithLog is SetLog before the runtime is opened: it holds for the whole process.
func WithLog(to *slog.Logger) Option { return func(s *settingsOfRuntime) { s.log = to } }

// Runtime is one opened device with its kernel. Any goroutine may use it, also while another one
// closes it. Close it when it isn't needed any more; one that is forgotten is closed by the garbage
// collector, some time after its tenants.
type Runtime struct {
	handle    *C.rota_runtime
	cleanup   runtime.Cleanup
	providers *providers
	traces    bool // it makes spans

	mu      sync.Mutex
	tenants map[*C.rota_tenant]weak.Pointer[Tenant] // those that can be found by their ids
}

// Open opens a device. It takes about 140 ms, and seconds when the kernel has to be compiled.
//
// Errors: ErrNoDriver, ErrNoDevice, ErrDeviceUnsupported, ErrUnsupported (the mode), ErrDriver,
// ErrInvalidArgument, ErrOutOfMemory, ErrOutOfDeviceMemory, ErrIO; of the recorder ErrLogInUse,
// ErrNotALog, ErrLogDamaged, ErrLogTooNew; ErrUnsupported for spans by a library that was built without metrics or
// without OTLP; *VersionError where the library doesn't fit the header.
func Open(options ...Option) (*Runtime, error) {
	if err := checkVersion(headerVersion, uint32(C.rota_version())); err != nil {
		return nil, err
	}
	c, free, err := cRuntime(options)
	if err != nil {
		return nil, err
	}
	defer free()
	var object *C.rota_error
	var handle *C.rota_runtime
	status := C.rota_runtime_open(c, &handle, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	all := &providers{handles: map[uint64]cgo.Handle{}}
	r := &Runtime{handle: handle, providers: all}
	_, err = r.SpanStats() // also the environment can have asked for them
	r.traces = err == nil
	r.cleanup = runtime.AddCleanup(r, func(handle *C.rota_runtime) {
		go func() {
			C.rota_runtime_destroy(handle, nil)
			all.end()
		}()
	}, handle)
	return r, nil
}

// cRuntime copies what the options say to C memory, which the function it gives frees.
func cRuntime(options []Option) (*C.rota_runtime_options, func(), error) {
	s := settingsOfRuntime{options: C.rota_go_runtime_options()}
	for _, option := range options {
		if option != nil {
			option(&s)
		}
	}
	switch {
	case s.idle == Forever:
		s.options.idle_limit_ns = C.uint64_t(foreverNS)
	case s.idle < 0:
		return nil, nil, &Error{Status: ErrInvalidArgument, Message: "the idle limit is negative"}
	default:
		s.options.idle_limit_ns = C.uint64_t(s.idle)
	}
	if s.recorder != nil && s.recorder.SyncInterval < 0 {
		return nil, nil, &Error{Status: ErrInvalidArgument, Message: "the recorder's sync interval is negative"}
	}
	if s.spans != nil && (s.spans.Delay < 0 || s.spans.Timeout < 0) {
		return nil, nil, &Error{Status: ErrInvalidArgument, Message: "the spans' delay or timeout is negative"}
	}
	quota, err := cQuota(s.quota)
	if err != nil {
		return nil, nil, err
	}
	if s.log != nil {
		if err := SetLog(s.log); err != nil {
			C.free(unsafe.Pointer(quota))
			return nil, nil, err
		}
	}
	recorder, freeRecorder := cRecorder(s.recorder)
	spans, freeSpans := cSpans(s.spans)
	s.options.quota, s.options.recorder, s.options.spans = quota, recorder, spans
	s.options.device, s.options.device_len = cText(s.device)
	s.options.cache_dir, s.options.cache_dir_len = cText(s.cacheDir)
	s.options.metrics_socket, s.options.metrics_socket_len = cText(s.metricsSocket)
	c := (*C.rota_runtime_options)(C.calloc(1, C.sizeof_rota_runtime_options))
	*c = s.options
	return c, func() {
		freeRecorder()
		freeSpans()
		C.free(unsafe.Pointer(c.quota))
		C.free(unsafe.Pointer(c.device))
		C.free(unsafe.Pointer(c.cache_dir))
		C.free(unsafe.Pointer(c.metrics_socket))
		C.free(unsafe.Pointer(c))
	}, nil
}

// cText copies a text to C memory, which is the caller's to free; nil for an empty one.
func cText(text string) (*C.char, C.size_t) {
	if text == "" {
		return nil, 0
	}
	return C.CString(text), C.size_t(len(text))
}

// Info is what a runtime is and has done.
type Info struct {
	DeviceName     string
	Driver         string
	DriverInfo     string // the driver's version, in its own words
	Mode           Mode   // ModeResident or ModeBatch
	SubgroupSize   uint32 // lanes of a worker
	Workers        uint32 // of a lease
	LoopCap        uint32 // loop iterations after which the driver cuts a loop; 0: it doesn't
	MaxTenants     uint32
	Slots          uint32 // of a tenant's ring where the tenant doesn't say
	RingBytes      uint64 // memory of all rings
	SegmentBytes   uint64 // size of one segment
	Segments       uint64
	Leases         uint64 // launched
	Wakes          uint64 // times that a submit woke the parked kernel
	Parks          uint64 // times that the kernel was parked
	JobsCompleted  uint64 // of all tenants and with every status, as of the last lease's end
	TilesCompleted uint64
	Parked         bool
	LivePolling    bool   // the device can poll live
	TornRecords    uint32 // completion records that the probe saw torn
	Tenants        uint32
	OpenTime       time.Duration
	CompileTime    time.Duration // of OpenTime, for compiling the kernel
	MostScalarFuel uint32        // that a scalar job may ask for
	MostTileFuel   uint32        // that a tiled job may ask for
	LeasesNotified uint64        // ended early so that a blocked thread hears of a completion
	TenantsFit     uint32        // tenants with rings of Slots that the memory of all rings holds
}

// Info tells what the runtime is and has done. Errors: ErrClosed.
func (r *Runtime) Info() (Info, error) {
	if r == nil {
		return Info{}, errNilRuntime
	}
	var object *C.rota_error
	info := C.rota_go_runtime_info()
	status := C.rota_runtime_get_info(r.handle, &info, &object)
	runtime.KeepAlive(r)
	if err := callError(status, object); err != nil {
		return Info{}, err
	}
	return Info{
		DeviceName:     C.GoString(&info.device_name[0]),
		Driver:         C.GoString(&info.driver[0]),
		DriverInfo:     C.GoString(&info.driver_info[0]),
		Mode:           Mode(info.mode),
		SubgroupSize:   uint32(info.subgroup_size),
		Workers:        uint32(info.workers),
		LoopCap:        uint32(info.loop_cap),
		MaxTenants:     uint32(info.max_tenants),
		Slots:          uint32(info.slots),
		RingBytes:      uint64(info.ring_bytes),
		SegmentBytes:   uint64(info.segment_bytes),
		Segments:       uint64(info.segments),
		Leases:         uint64(info.leases),
		Wakes:          uint64(info.wakes),
		Parks:          uint64(info.parks),
		JobsCompleted:  uint64(info.jobs_completed),
		TilesCompleted: uint64(info.tiles_completed),
		Parked:         info.parked != 0,
		LivePolling:    info.live_polling != 0,
		TornRecords:    uint32(info.torn_records),
		Tenants:        uint32(info.tenants),
		OpenTime:       time.Duration(info.open_ns),
		CompileTime:    time.Duration(info.compile_ns),
		MostScalarFuel: uint32(info.most_scalar_fuel),
		MostTileFuel:   uint32(info.most_tile_fuel),
		LeasesNotified: uint64(info.leases_notified),
		TenantsFit:     uint32(info.tenants_fit),
	}, nil
}

// Stop ends the kernel and returns when it has ended. Open jobs end as CompletionCancelled, buffers
// can still be read, and whoever submits gets ErrStopped. A second Stop does nothing.
//
// Errors: ErrClosed, ErrDeviceLost, ErrDriver.
func (r *Runtime) Stop() error {
	if r == nil {
		return errNilRuntime
	}
	var object *C.rota_error
	status := C.rota_runtime_stop(r.handle, &object)
	runtime.KeepAlive(r)
	return callError(status, object)
}

// Close stops the runtime and ends it, its tenants and their buffers. Whoever waits for a job gets
// CompletionCancelled, ErrStopped or ErrClosed, depending on how far it is; every later call gets
// ErrClosed, a second Close included.
func (r *Runtime) Close() error {
	if r == nil {
		return errNilRuntime
	}
	var object *C.rota_error
	status := C.rota_runtime_destroy(r.handle, &object)
	if r.handle == nil {
		return errNilRuntime
	}
	r.cleanup.Stop()
	r.providers.end()
	runtime.KeepAlive(r)
	return callError(status, object)
}
