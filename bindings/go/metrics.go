// Metrics: what happens in a runtime, per tenant and handler.

package rota

// #include "shim.h"
import "C"

import (
	"bytes"
	"io"
	"math"
	"runtime"
	"runtime/cgo"
	"slices"
	"sync"
	"time"
	"unsafe"
)

// LeaseEnd is how a lease ends. It indexes RuntimeMetrics.Leases.
type LeaseEnd uint32

// How leases end.
const (
	LeaseEnded   LeaseEnd = C.ROTA_LEASE_ENDED   // the one before or behind it had ended
	LeaseStopped LeaseEnd = C.ROTA_LEASE_STOPPED // the host told it to
	LeaseFuel    LeaseEnd = C.ROTA_LEASE_FUEL    // its fuel was used up
	LeaseIdle    LeaseEnd = C.ROTA_LEASE_IDLE    // it found no work
	LeaseNotify  LeaseEnd = C.ROTA_LEASE_NOTIFY  // a thread waited for a completion
)

// LeaseEnds is how many ways there are for a lease to end.
const LeaseEnds = C.ROTA_LEASE_ENDS

// String is the name that the text formats have, such as "fuel", or "unknown".
func (e LeaseEnd) String() string {
	switch e {
	case LeaseEnded:
		return "ended"
	case LeaseStopped:
		return "stopped"
	case LeaseFuel:
		return "fuel"
	case LeaseIdle:
		return "idle"
	case LeaseNotify:
		return "notify"
	}
	return "unknown"
}

// Action is what a runtime has decided. It indexes RuntimeMetrics.Decisions.
type Action uint32

// What is decided.
const (
	ActionModeChosen      Action = C.ROTA_ACTION_MODE_CHOSEN      // ModeResident or ModeBatch, at Open
	ActionLeaseTuned      Action = C.ROTA_ACTION_LEASE_TUNED      // how much fuel leases have from now on
	ActionLeaseWidened    Action = C.ROTA_ACTION_LEASE_WIDENED    // a narrow lease was ended for one with all workers
	ActionTenantThrottled Action = C.ROTA_ACTION_TENANT_THROTTLED // the kernel was parked although a tenant has jobs: its limits make it wait
	ActionModuleSwitched  Action = C.ROTA_ACTION_MODULE_SWITCHED  // leases run another kernel, or another table of handlers
	ActionKernelCompiled  Action = C.ROTA_ACTION_KERNEL_COMPILED  // a kernel was compiled
	ActionKernelReused    Action = C.ROTA_ACTION_KERNEL_REUSED    // one that had been compiled before was used again
	ActionTrialRenewed    Action = C.ROTA_ACTION_TRIAL_RENEWED    // the device on which kernels are tried out was given up after a failure
)

// Actions is how many actions there are.
const Actions = C.ROTA_ACTIONS

// String is the name that the text formats have, such as "lease_tuned", or "unknown".
func (a Action) String() string {
	switch a {
	case ActionModeChosen:
		return "mode_chosen"
	case ActionLeaseTuned:
		return "lease_tuned"
	case ActionLeaseWidened:
		return "lease_widened"
	case ActionTenantThrottled:
		return "tenant_throttled"
	case ActionModuleSwitched:
		return "module_switched"
	case ActionKernelCompiled:
		return "compiled"
	case ActionKernelReused:
		return "reused"
	case ActionTrialRenewed:
		return "trial_renewed"
	}
	return "unknown"
}

// LatencyBuckets is how many buckets a Latency has.
const LatencyBuckets = C.ROTA_LATENCY_BUCKETS

// Latency is how long jobs took, from submit until their completions were taken. Of jobs that are submitted one by one
// each eighth is counted, of others all.
type Latency struct {
	Buckets [LatencyBuckets]uint64 // jobs by how long they took: up to LatencyBound of the index
	Sum     time.Duration          // how long they took together
}

// Count is how many jobs there were.
func (l *Latency) Count() uint64 { return sum(l.Buckets[:]) }

// LatencyBound is the longest time that is counted in a bucket of a Latency: 2^10 ns, 2^12 ns and so on to
// 2^36 ns, and the longest there is for the last.
func LatencyBound(bucket int) time.Duration {
	if bucket >= LatencyBuckets-1 {
		return math.MaxInt64
	}
	return 1 << (10 + 2*max(bucket, 0))
}

// HistogramBuckets is how many buckets a Histogram has.
const HistogramBuckets = C.ROTA_HISTOGRAM_BUCKETS

// Histogram is how long the jobs of one tenant took, from submit until their completions were taken. Its
// buckets are no wider than an eighth of where they begin.
type Histogram struct {
	Buckets [HistogramBuckets]uint64 // jobs by how long they took: up to Bound of the index
}

// Count is how many jobs there were.
func (h *Histogram) Count() uint64 { return sum(h.Buckets[:]) }

// Bound is the longest time that is counted in a bucket, and the longest there is for the last.
func (*Histogram) Bound(bucket int) time.Duration {
	return duration(C.rota_latency_bound(C.size_t(max(bucket, 0))))
}

// Quantile is how long that part of the jobs took at most which was quickest, as the bound of a bucket: the
// median for 0.5. It is 0 where there were no jobs.
func (h *Histogram) Quantile(part float64) time.Duration {
	all := h.Count()
	if all == 0 {
		return 0
	}
	wanted := uint64(1)
	if part > 0 {
		wanted = max(min(uint64(math.Ceil(float64(all)*min(part, 1))), all), 1)
	}
	bucket := 0
	for seen := h.Buckets[0]; seen < wanted; seen += h.Buckets[bucket] {
		bucket++
	}
	return h.Bound(bucket)
}

func sum(counts []uint64) (all uint64) {
	for _, n := range counts {
		all += n
	}
	return all
}

// Latency tells how long the tenant's jobs took; it counts those that a [Latency] does. Errors: ErrClosed; ErrUnsupported by a library that was
// built without metrics.
func (t *Tenant) Latency() (Histogram, error) {
	var h Histogram
	if t == nil {
		return h, errNilTenant
	}
	var object *C.rota_error
	var needed C.size_t
	status := C.rota_tenant_get_latency(t.handle, (*C.uint64_t)(unsafe.Pointer(&h.Buckets)), HistogramBuckets, &needed, &object)
	runtime.KeepAlive(t)
	return h, callError(status, object)
}

// Age is a time that is not observed where there is nothing that it could be of.
type Age struct {
	Duration time.Duration
	Observed bool
}

// Ages are how old the oldest jobs are, since they were submitted.
type Ages struct {
	Queued  Age // of those that no worker has begun
	Running Age // of those that run; it may be less where many completions before them are not taken
	Untaken Age // of those that have completed and are not taken
}

// TenantMetrics is one series: the tenants of one label.
type TenantMetrics struct {
	Label   string // "__overflow__" for all that have no series of their own; long ones are cut, and end with a part of their hash
	Tenants uint64 // that are there

	// Sums over the tenants of the series, also those that are gone; what is in use, caps, outstanding and
	// lag over those that are there. The ID is that of the tenant, if there is just one.
	Counters
	Latency Latency // of the same
	Ages    Ages    // of the oldest of all
}

// HandlerMetrics is a handler, or more of one name in modules of one label.
type HandlerMetrics struct {
	Module  string // its label; "rota" for the standard handlers
	Handler string // the function's name
	Calls   uint64 // completions taken
	Faults  uint64 // of those, the ones with a fault
	Fuel    uint64 // loop iterations of the jobs with JobTiming
}

// Value is what a provider has told: see Runtime.AddMetrics.
type Value struct {
	Name  string
	Value float64
}

// RuntimeMetrics is what is counted for a runtime as a whole.
type RuntimeMetrics struct {
	At         time.Duration     // since the runtime was opened
	All        Counters          // sums over all series; the ID is 0
	Latency    Latency           // of the same
	Ages       Ages              // of the oldest of all
	Tenants    uint64            // that are there
	Series     uint64            // of tenants, the overflow's among them if it has any
	MaxSeries  uint64            // labels that can have a series of their own
	Overflowed uint64            // tenants that found no series of their own
	Leases     [LeaseEnds]uint64 // by LeaseEnd
	Wakes      uint64            // of the kernel
	Parks      uint64            // of the kernel
	RoundsBusy uint64            // of workers, that found work; this and the next three are counted when leases end
	RoundsIdle uint64            // that found none
	ClaimsWon  uint64            // of workers, that went well
	ClaimsLost uint64            // in which another worker was quicker

	Outputs OutputsStats // of all ReadInto of all Outputs

	BatchesSplit  uint64        // with jobs that wait for those before them
	Segments      uint64        // that those batches were split into
	BarrierPoints uint64        // jobs with JobBarrier or JobAfterOK
	Compiles      uint64        // of kernels
	CacheHits     uint64        // kernels that were there, compiled before
	CompileTime   time.Duration // of all kernels
	SwitchTime    time.Duration // until no lease ran the kernel before any more
	Modules       uint64        // that are loaded

	// Of the flight recorder; 0 without one.
	RecorderRecords           uint64
	RecorderBytes             uint64        // that went to its file
	RecorderStalls            uint64        // how often a submit waited for room in it
	RecorderStallTime         time.Duration // how long they waited together
	RecorderRefused           uint64        // records that found no room
	RecorderGaps              uint64        // records that tell of those
	RecorderLag               uint64        // records that are not durable yet
	RecorderCheckpoints       uint64
	RecorderFailedCheckpoints uint64

	Decisions    [Actions]uint64 // by Action
	Saved        time.Duration   // by decisions
	RefusedNames uint64          // of providers
}

// Snapshot is one reading of all metrics, in which each number belongs to the others: what has completed was
// submitted, what was taken has completed, and the runtime's sums are those of the series. The zero value
// is ready for Runtime.Metrics, which uses the memory of a Snapshot again: one that is to be kept meanwhile
// is another one, and not a copy.
type Snapshot struct {
	Runtime  RuntimeMetrics
	Tenants  []TenantMetrics  // by label, the overflow's last
	Handlers []HandlerMetrics // that were called, by module and name
	Values   []Value          // of providers, the library's own first

	// What C has written, the last time.
	all      C.rota_metrics
	tenants  []C.rota_tenant_metrics
	handlers []C.rota_handler_metrics
	values   []C.rota_metrics_value
}

// Metrics reads all metrics at once. Providers are asked first. It allocates nothing where the snapshot was
// filled before and there is no more to tell. A runtime fills one snapshot after the other. After an error
// there is nothing of use in it.
//
// Errors: ErrClosed; ErrUnsupported by a library that was built without metrics.
func (r *Runtime) Metrics(s *Snapshot) error {
	if r == nil {
		return errNilRuntime
	}
	if s == nil {
		return errNilSnapshot
	}
	for {
		tenants, handlers, values := s.tenants[:cap(s.tenants)], s.handlers[:cap(s.handlers)], s.values[:cap(s.values)]
		r.providers.asking.Lock()
		out := C.rota_go_snapshot(r.handle, unsafe.SliceData(tenants), C.size_t(len(tenants)), unsafe.SliceData(handlers),
			C.size_t(len(handlers)), unsafe.SliceData(values), C.size_t(len(values)), &s.all)
		r.providers.asked()
		runtime.KeepAlive(r)
		if err := callError(out.status, out.error); err != nil {
			return err
		}
		var short [3]bool
		s.tenants, short[0] = room(tenants, out.tenants_needed)
		s.handlers, short[1] = room(handlers, out.handlers_needed)
		s.values, short[2] = room(values, out.values_needed)
		if short == [3]bool{} {
			s.take()
			return nil
		}
	}
}

// room is the list with so many elements, or an empty one with room for more if that was too short.
func room[T any](list []T, needed C.size_t) (fits []T, short bool) {
	if n := int(needed); n > len(list) {
		return make([]T, 0, n+n/8), true
	}
	return list[:needed], false
}

// take makes numbers of Go of what C has written.
func (s *Snapshot) take() {
	runtimeMetrics(&s.Runtime, &s.all)
	s.Tenants = resized(s.Tenants, len(s.tenants))
	for i := range s.Tenants {
		tenantMetrics(&s.Tenants[i], &s.tenants[i])
	}
	s.Handlers = resized(s.Handlers, len(s.handlers))
	for i := range s.Handlers {
		to, c := &s.Handlers[i], &s.handlers[i]
		to.Module, to.Handler = text(c.module[:], to.Module), text(c.handler[:], to.Handler)
		to.Calls, to.Faults, to.Fuel = uint64(c.calls), uint64(c.faults), uint64(c.fuel)
	}
	s.Values = resized(s.Values, len(s.values))
	for i := range s.Values {
		to, c := &s.Values[i], &s.values[i]
		to.Name, to.Value = text(c.name[:], to.Name), float64(c.value)
	}
}

// resized keeps the elements, also those behind the end, whose texts may be used again.
func resized[T any](list []T, n int) []T {
	if n > cap(list) {
		list = append(list[:cap(list)], make([]T, n-cap(list))...)
	}
	return list[:n]
}

// text is a text of C; if it is that from before, it is that one.
func text(c []C.char, before string) string {
	all := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c))), len(c))
	if end := bytes.IndexByte(all, 0); end >= 0 {
		all = all[:end]
	}
	if string(all) == before {
		return before
	}
	return string(all)
}

// duration is a time of C, cut where Go has none as long.
func duration(nanoseconds C.uint64_t) time.Duration {
	return time.Duration(min(uint64(nanoseconds), math.MaxInt64))
}

func countsOf(c *C.rota_counts) Counters {
	// Arrays of C's numbers as those of Go.
	return Counters{
		ID:              uint64(c.id),
		Submitted:       uint64(c.submitted),
		Completed:       uint64(c.completed),
		Taken:           *(*[8]uint64)(unsafe.Pointer(&c.taken)),
		Faulted:         *(*[16]uint64)(unsafe.Pointer(&c.faulted)),
		Fuel:            uint64(c.fuel),
		Tiles:           uint64(c.tiles),
		BytesIn:         uint64(c.bytes_in),
		BytesOut:        uint64(c.bytes_out),
		Refused:         *(*[Resources]uint64)(unsafe.Pointer(&c.refused)),
		Used:            *(*[Resources]uint64)(unsafe.Pointer(&c.used)),
		Cap:             *(*[Resources]uint64)(unsafe.Pointer(&c.cap)),
		Outstanding:     uint64(c.outstanding),
		Lag:             uint64(c.lag),
		Quiesces:        uint64(c.quiesces),
		QuiesceTimeouts: uint64(c.quiesce_timeouts),
		QuiesceTime:     duration(c.quiesce_ns),
	}
}

func latencyOf(c *C.rota_latency) Latency {
	return Latency{Buckets: *(*[LatencyBuckets]uint64)(unsafe.Pointer(&c.buckets)), Sum: duration(c.sum_ns)}
}

func agesOf(c *C.rota_ages) Ages {
	age := func(nanoseconds C.uint64_t) Age {
		if nanoseconds == C.ROTA_NOT_OBSERVED {
			return Age{}
		}
		return Age{Duration: duration(nanoseconds), Observed: true}
	}
	return Ages{Queued: age(c.queued_ns), Running: age(c.running_ns), Untaken: age(c.untaken_ns)}
}

func tenantMetrics(to *TenantMetrics, c *C.rota_tenant_metrics) {
	*to = TenantMetrics{
		Label:    text(c.label[:], to.Label),
		Tenants:  uint64(c.tenants),
		Counters: countsOf(&c.counts),
		Latency:  latencyOf(&c.latency),
		Ages:     agesOf(&c.ages),
	}
}

func runtimeMetrics(to *RuntimeMetrics, c *C.rota_metrics) {
	*to = RuntimeMetrics{
		At:         duration(c.at_ns),
		All:        countsOf(&c.all),
		Latency:    latencyOf(&c.latency),
		Ages:       agesOf(&c.ages),
		Tenants:    uint64(c.tenants),
		Series:     uint64(c.series),
		MaxSeries:  uint64(c.max_series),
		Overflowed: uint64(c.overflowed),
		Leases:     *(*[LeaseEnds]uint64)(unsafe.Pointer(&c.leases)),
		Wakes:      uint64(c.wakes),
		Parks:      uint64(c.parks),
		RoundsBusy: uint64(c.rounds_busy),
		RoundsIdle: uint64(c.rounds_idle),
		ClaimsWon:  uint64(c.claims_won),
		ClaimsLost: uint64(c.claims_lost),
		Outputs: OutputsStats{
			SlotsTotal:    uint64(c.outputs_slots_total),
			SlotsReused:   uint64(c.outputs_slots_reused),
			SlotsMoved:    uint64(c.outputs_slots_moved),
			SlotsAppended: uint64(c.outputs_slots_appended),
			BytesIncoming: uint64(c.outputs_bytes_incoming),
			BytesCopied:   uint64(c.outputs_bytes_copied),
			BytesMoved:    uint64(c.outputs_bytes_moved),
			BytesAppended: uint64(c.outputs_bytes_appended),
			BytesRetained: uint64(c.outputs_bytes_retained),
		},
		BatchesSplit:              uint64(c.batches_split),
		Segments:                  uint64(c.segments),
		BarrierPoints:             uint64(c.barrier_points),
		Compiles:                  uint64(c.compiles),
		CacheHits:                 uint64(c.cache_hits),
		CompileTime:               duration(c.compile_ns),
		SwitchTime:                duration(c.switch_ns),
		Modules:                   uint64(c.modules),
		RecorderRecords:           uint64(c.recorder_records),
		RecorderBytes:             uint64(c.recorder_bytes),
		RecorderStalls:            uint64(c.recorder_stalls),
		RecorderStallTime:         duration(c.recorder_stall_ns),
		RecorderRefused:           uint64(c.recorder_refused),
		RecorderGaps:              uint64(c.recorder_gaps),
		RecorderLag:               uint64(c.recorder_lag),
		RecorderCheckpoints:       uint64(c.recorder_checkpoints),
		RecorderFailedCheckpoints: uint64(c.recorder_checkpoints_failed),
		Decisions:                 *(*[Actions]uint64)(unsafe.Pointer(&c.decisions)),
		Saved:                     duration(c.saved_ns),
		RefusedNames:              uint64(c.refused_names),
	}
}

// Since is what happened between two snapshots of a runtime: each counter's difference, and what is as of now
// from this one. A series that was begun anew counts from its beginning, as all do where the earlier
// snapshot is an empty one. It is about what Metrics has read, whatever was changed since. Errors:
// ErrNullPointer.
func (s *Snapshot) Since(earlier *Snapshot) (*Snapshot, error) {
	if s == nil || earlier == nil {
		return nil, errNilSnapshot
	}
	// What was never filled is as at the beginning.
	now, then := s.all, earlier.all
	for _, c := range []*C.rota_metrics{&now, &then} {
		if c.struct_size == 0 {
			*c = C.rota_go_metrics()
		}
	}
	d := &Snapshot{
		all:      C.rota_go_metrics(),
		tenants:  make([]C.rota_tenant_metrics, len(s.tenants)),
		handlers: slices.Clone(s.handlers),
		values:   slices.Clone(s.values),
	}
	var object *C.rota_error
	status := C.rota_metrics_difference(&now, &then, &d.all, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	begun := map[[C.ROTA_LABEL_BYTES]C.char]*C.rota_tenant_metrics{}
	for i := range earlier.tenants {
		begun[earlier.tenants[i].label] = &earlier.tenants[i]
	}
	for i := range d.tenants {
		before := begun[s.tenants[i].label]
		if before == nil {
			d.tenants[i] = s.tenants[i]
			continue
		}
		d.tenants[i] = C.rota_go_tenant_metrics()
		status := C.rota_tenant_metrics_difference(&s.tenants[i], before, &d.tenants[i], &object)
		if err := callError(status, object); err != nil {
			return nil, err
		}
	}
	type handler struct{ module, name [C.ROTA_LABEL_BYTES]C.char }
	called := map[handler]*C.rota_handler_metrics{}
	for i := range earlier.handlers {
		c := &earlier.handlers[i]
		called[handler{c.module, c.handler}] = c
	}
	for i := range d.handlers {
		c := &d.handlers[i]
		if before := called[handler{c.module, c.handler}]; before != nil && before.calls <= c.calls {
			c.calls -= before.calls
			c.faults -= min(before.faults, c.faults)
			c.fuel -= min(before.fuel, c.fuel)
		}
	}
	d.take()
	return d, nil
}

// MetricsFormat is how metrics are written.
type MetricsFormat uint32

// The formats.
const (
	MetricsPrometheus  MetricsFormat = C.ROTA_METRICS_PROMETHEUS // the Prometheus text format
	MetricsOpenMetrics MetricsFormat = C.ROTA_METRICS_OPENMETRICS
	MetricsJSON        MetricsFormat = C.ROTA_METRICS_JSON
)

// ContentType is the media type, for HTTP; empty for a format that there isn't.
func (f MetricsFormat) ContentType() string {
	switch f {
	case MetricsPrometheus:
		return "text/plain; version=0.0.4; charset=utf-8"
	case MetricsOpenMetrics:
		return "application/openmetrics-text; version=1.0.0; charset=utf-8"
	case MetricsJSON:
		return "application/json"
	}
	return ""
}

// texts are the spaces of WriteMetrics.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// WriteMetrics writes all metrics at once, by one call of Write. For HTTP, set ContentType first.
//
// Errors: as of Metrics, ErrInvalidArgument (the format), and those of Write.
func (r *Runtime) WriteMetrics(w io.Writer, format MetricsFormat) error {
	if r == nil {
		return errNilRuntime
	}
	space := texts.Get().(*[]byte)
	defer texts.Put(space)
	for {
		var object *C.rota_error
		var needed C.size_t
		all := (*space)[:cap(*space)]
		r.providers.asking.Lock()
		status := C.rota_metrics_text(r.handle, C.uint32_t(format), (*C.char)(unsafe.Pointer(unsafe.SliceData(all))),
			C.size_t(len(all)), &needed, &object)
		r.providers.asked()
		runtime.KeepAlive(r)
		if err := callError(status, object); err != nil {
			return err
		}
		text, short := room(all, needed)
		if !short {
			_, err := w.Write(text)
			return err
		}
		*space = text
	}
}

// providers are those of a runtime.
type providers struct {
	asking sync.Mutex // held while they may be asked

	mu       sync.Mutex
	panicked bool // one of them has, and it hasn't gone on
	reason   any  // of that
	handles  map[uint64]cgo.Handle
}

// provider is what C knows by its handle.
type provider struct {
	call func(tell func(name string, value float64) error)
	of   *providers
}

// asked ends the asking. A panic of a provider goes on from here.
func (p *providers) asked() {
	p.mu.Lock() // the library asks by itself too
	panicked, reason := p.panicked, p.reason
	p.panicked, p.reason = false, nil
	p.mu.Unlock()
	p.asking.Unlock()
	if panicked {
		panic(reason)
	}
}

// end forgets them all. The runtime is no more, and the last that asks has its answer.
func (p *providers) end() {
	p.asking.Lock()
	defer p.asking.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, handle := range p.handles {
		handle.Delete()
		delete(p.handles, id)
	}
}

// AddMetrics adds a provider of values that are told beside the library's own, as gauges, in all formats,
// until it is removed or the runtime closed. It is called in each Metrics and WriteMetrics, by one
// goroutine at a time: the one that has called these. It must neither call them nor remove nor Close, nor end the
// goroutine, as T.FailNow does. A panic of it comes out of them. While it uses the runtime, the garbage
// collector doesn't close that. With a metrics socket it is also called for who asks there; then a panic comes out
// of the next Metrics or WriteMetrics.
//
// tell is for the time of that call. A name has letters, digits and underscores, and begins neither with a
// digit nor with "rota_". One that isn't so, or that another value has, is refused by ErrInvalidArgument and
// counted in RefusedNames.
//
// When remove has returned, the provider is not called any more. Errors of remove: ErrClosed;
// ErrInvalidArgument (it was removed). Errors: ErrNullPointer, ErrClosed; ErrUnsupported by a library that
// was built without metrics.
func (r *Runtime) AddMetrics(call func(tell func(name string, value float64) error)) (remove func() error, err error) {
	if r == nil {
		return nil, errNilRuntime
	}
	if call == nil {
		return nil, errNilProvider
	}
	p := r.providers
	p.mu.Lock() // so that none comes behind its end
	defer p.mu.Unlock()
	handle := cgo.NewHandle(&provider{call: call, of: p})
	var object *C.rota_error
	var id C.uint64_t
	status := C.rota_go_provider_add(r.handle, C.uintptr_t(handle), &id, &object)
	runtime.KeepAlive(r)
	if err := callError(status, object); err != nil {
		handle.Delete()
		return nil, err
	}
	p.handles[uint64(id)] = handle
	return func() error {
		var object *C.rota_error
		status := C.rota_metrics_provider_remove(r.handle, id, &object)
		runtime.KeepAlive(r)
		if err := callError(status, object); err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if handle, is := p.handles[uint64(id)]; is {
			handle.Delete()
			delete(p.handles, uint64(id))
		}
		return nil
	}, nil
}

//export rotaGoProvide
func rotaGoProvide(asks C.uintptr_t, sink *C.rota_metrics_sink) {
	p := cgo.Handle(asks).Value().(*provider)
	ended := false
	defer func() {
		sink = nil
		if ended {
			return
		}
		// A panic must not jump over what C has under way.
		reason := recover()
		p.of.mu.Lock()
		defer p.of.mu.Unlock()
		if !p.of.panicked {
			p.of.panicked, p.of.reason = true, reason
		}
	}()
	p.call(func(name string, value float64) error {
		var object *C.rota_error
		status := C.rota_metrics_tell(sink, (*C.char)(unsafe.Pointer(unsafe.StringData(name))), C.size_t(len(name)),
			C.double(value), &object)
		return callError(status, object)
	})
	ended = true
}

// Decision is something that the runtime has decided.
type Decision struct {
	At     time.Duration // since the runtime was opened
	Action Action
	Saved  time.Duration // by it
	Detail string        // why, in English
}

// Decisions are the last 256 at most, the oldest first, of a runtime with RuntimeTrace. Others keep none.
// Errors: ErrClosed; ErrUnsupported by a library that was built without metrics.
func (r *Runtime) Decisions() ([]Decision, error) {
	if r == nil {
		return nil, errNilRuntime
	}
	list, err := listed(func(to *C.rota_decision, n C.size_t, needed *C.size_t, object **C.rota_error) C.rota_status {
		return C.rota_runtime_get_decisions(r.handle, to, n, needed, object)
	}, C.rota_decision{})
	runtime.KeepAlive(r)
	if err != nil {
		return nil, err
	}
	all := make([]Decision, len(list))
	for i := range list {
		c := &list[i]
		all[i] = Decision{At: duration(c.at_ns), Action: Action(c.action), Saved: duration(c.saved_ns), Detail: text(c.detail[:], "")}
	}
	return all, nil
}

// DecisionsText is the same as text, one "<component> <action> saved=<n>ns <detail>" a line.
func (r *Runtime) DecisionsText() (string, error) {
	if r == nil {
		return "", errNilRuntime
	}
	all, err := listed(func(to *C.char, n C.size_t, needed *C.size_t, object **C.rota_error) C.rota_status {
		return C.rota_runtime_decisions_text(r.handle, to, n, needed, object)
	}, 0)
	runtime.KeepAlive(r)
	return text(all, ""), err
}
