// The flight recorder: what is recorded is read back as it was and runs again the same, and each bad log
// has its status.

package rota_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

const (
	logBytes  = 4 << 20
	cellBytes = 128
	cellsAt   = 8192
	logWords  = 1024
)

func into(path string) rota.RecorderOptions {
	return rota.RecorderOptions{Path: path, CapacityBytes: logBytes, Capture: rota.CaptureFull}
}

// recorded is what a program knows of the log that it has written.
type recorded struct {
	path     string
	device   string
	tenant   uint64
	buffer   uint32
	data     []byte
	jobs     []rota.Job
	done     []rota.Completion
	evidence []byte
}

// program runs five jobs, the fourth a sum and the last a fault, and adds evidence.
func program(t *testing.T, r *rota.Runtime, path string) recorded {
	t.Helper()
	info, err := r.Info()
	ok(t, err)
	tenant := newTenant(t, r, rota.WithLabel("the first"), rota.WithSlots(64))
	defer tenant.Close()
	id, err := tenant.ID()
	ok(t, err)
	buffer, err := rota.NewBuffer[uint8](tenant, 4*logWords, 0)
	ok(t, err)
	p := recorded{path: path, device: info.DeviceName, tenant: id, buffer: buffer.Name(), evidence: []byte("the watchdog\x00bit")}
	for i := range 4 * logWords {
		p.data = append(p.data, byte(i*7))
	}
	ok(t, buffer.Write(0, p.data))
	tiles := rota.Tiles(rota.OpSumU32, logWords)
	p.jobs = []rota.Job{
		nop(20, 22),
		{Op: rota.OpSumU32, Tiles: tiles, Args: [10]uint32{p.buffer, 0, logWords}},
		{Op: rota.OpFill, Tiles: 2, Args: [10]uint32{p.buffer, 0, 100, 5}},
		{Op: rota.OpSumU32, Tiles: 2, Args: [10]uint32{p.buffer, 0, logWords}},
		{Op: rota.OpFill, Tiles: 1, Args: [10]uint32{0, 0, 4, 4}},
	}
	for i := range p.jobs {
		job := &p.jobs[i]
		job.Tiles = max(job.Tiles, 1)
		job.Flags, job.Fuel, job.UserData = rota.JobTiming, 2000, uint64(1000+i)
		done, err := tenant.Do(background, *job)
		if (err != nil) != (i == 4) {
			t.Fatalf("job %d: %v", i, err)
		}
		p.done = append(p.done, done)
	}
	if p.done[2].Digest == 0 {
		t.Error("a recorder makes no digests")
	}
	ok(t, r.RecorderNote(rota.Evidence{Class: rota.EvidenceProgramBug, Tenant: tenant, Ticket: p.done[4].Ticket,
		Code: -4, Bytes: p.evidence}))
	ok(t, r.RecorderNote(rota.Evidence{Class: rota.EvidenceTransient, Code: 7}))
	ok(t, buffer.Close())
	return p
}

// record is a program that has ended.
func record(t *testing.T, path string) recorded {
	t.Helper()
	r := openRuntime(t, rota.WithRecorder(into(path)))
	p := program(t, r, path)
	ok(t, r.Close())
	return p
}

func openRecording(t *testing.T, path string, flags rota.RecordingFlags) *rota.Recording {
	t.Helper()
	recording, err := rota.OpenRecording(path, flags)
	ok(t, err)
	t.Cleanup(func() { _ = recording.Close() })
	return recording
}

func all(t *testing.T, recording *rota.Recording) []rota.Record {
	t.Helper()
	var records []rota.Record
	for record, err := range recording.Records() {
		ok(t, err)
		records = append(records, record)
	}
	return records
}

// next is the next record; false at the end.
func next(t *testing.T, recording *rota.Recording) (rota.Record, bool) {
	t.Helper()
	for record, err := range recording.Records() {
		ok(t, err)
		return record, true
	}
	return rota.Record{}, false
}

// firstOf is the first record of a kind.
func firstOf(t *testing.T, path string, kind rota.RecordKind) rota.Record {
	t.Helper()
	for record, err := range openRecording(t, path, 0).Records() {
		ok(t, err)
		if record.Kind == kind {
			return record
		}
	}
	t.Fatalf("there is no %v", kind)
	return rota.Record{}
}

func TestTheRecorderTellsHowItIsDoing(t *testing.T) {
	checkLeaks(t)
	path := filepath.Join(t.TempDir(), "log")
	options := into(path)
	options.SyncInterval, options.SyncRecords, options.ObjectBytes = time.Second, 1000, 1<<20
	options.Flags, options.StageDir = rota.RecorderAllowGaps|rota.RecorderStopOnError, t.TempDir()
	r := openRuntime(t, rota.WithRecorder(options))
	p := program(t, r, path)

	state, err := r.RecorderState()
	ok(t, err)
	if state.CapacityBytes != logBytes || state.CapacityCells != (logBytes-cellsAt)/cellBytes || state.OldestSeq != 1 ||
		state.NextSeq <= 2*uint64(len(p.jobs)) || state.DurableSeq > state.WrittenSeq || state.WrittenSeq > state.NextSeq ||
		state.Generation == 0 || state.Run != 1 || state.Objects != 1 || state.ObjectBytes != uint64(len(p.data)) {
		t.Errorf("%+v", state)
	}
	if state.KeptCapacity || state.Existed || state.Crashed || state.Failed || state.OSError != 0 ||
		state.Refused+state.Gaps+state.Lost+state.LostObjects+state.FailedSeq+state.Recovered+state.Voided != 0 {
		t.Errorf("%+v", state)
	}
	durable, err := r.RecorderSync(background)
	ok(t, err)
	after, err := r.RecorderState()
	ok(t, err)
	if durable < state.NextSeq || after.DurableSeq < durable || after.Syncs == 0 || after.Bytes < 10*cellBytes {
		t.Errorf("durable below %d: %+v", durable, after)
	}
	if got, err := r.RecorderPath(); err != nil || got != path {
		t.Errorf("%q, %v", got, err)
	}

	// It can be read while it is recorded into, but nobody else can record into it.
	recording := openRecording(t, path, 0)
	if first, _ := next(t, recording); first.Kind != rota.RecordRunStart {
		t.Errorf("%+v", first)
	}
	if info, err := recording.Info(); err != nil || info.Clean {
		t.Errorf("%+v, %v", info, err)
	}
	_, err = rota.Open(rota.WithRecorder(options))
	wants(t, err, rota.ErrLogInUse)
	wantsText(t, err, path)
	ok(t, r.Close())

	// The log goes on, and begins anew where that is asked for.
	r = openRuntime(t, rota.WithRecorder(rota.RecorderOptions{Path: path}))
	state, err = r.RecorderState()
	ok(t, err)
	if state.Run != 2 || !state.Existed || state.Crashed || !state.KeptCapacity || state.CapacityBytes != logBytes {
		t.Errorf("%+v", state)
	}
	ok(t, r.Close())
	options.Flags = rota.RecorderStartOver
	r = openRuntime(t, rota.WithRecorder(options))
	state, err = r.RecorderState()
	ok(t, err)
	if state.Run != 1 {
		t.Errorf("%+v", state)
	}
	ok(t, r.Close())
}

func TestSyncHonoursItsContext(t *testing.T) {
	checkLeaks(t)
	options := into(filepath.Join(t.TempDir(), "log"))
	options.SyncInterval = time.Hour
	r := openRuntime(t, rota.WithRecorder(options))
	ended, cancel := context.WithCancel(background)
	cancel()
	_, err := r.RecorderSync(ended)
	wants(t, err, context.Canceled)
	late, cancel := context.WithTimeout(background, time.Nanosecond)
	defer cancel()
	_, err = r.RecorderSync(late)
	wants(t, err, context.DeadlineExceeded)

	// While jobs go on all of them come to an end.
	tenant := newTenant(t, r)
	long, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	var work sync.WaitGroup
	for range 3 {
		work.Add(1)
		go func() {
			defer work.Done()
			for range 5 {
				_, err := tenant.Do(background, nop(1, 2))
				if err == nil {
					_, err = r.RecorderSync(long)
				}
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	work.Wait()
	ok(t, r.Close())
	_, err = r.RecorderSync(background)
	wants(t, err, rota.ErrClosed)
}

func TestARuntimeWithoutARecorderSaysSo(t *testing.T) {
	_, err := shared.RecorderState()
	wants(t, err, rota.ErrWrongState)
	_, err = shared.RecorderPath()
	wants(t, err, rota.ErrWrongState)
	_, err = shared.RecorderSync(background)
	wants(t, err, rota.ErrWrongState)
	wants(t, shared.RecorderNote(rota.Evidence{Class: rota.EvidenceTransient}), rota.ErrWrongState)

	closed := openRuntime(t)
	ok(t, closed.Close())
	for _, of := range []struct {
		runtime *rota.Runtime
		err     error
	}{{nil, rota.ErrNullPointer}, {&rota.Runtime{}, rota.ErrNullPointer}, {closed, rota.ErrClosed}} {
		_, err = of.runtime.RecorderState()
		wants(t, err, of.err)
		_, err = of.runtime.RecorderPath()
		wants(t, err, of.err)
		_, err = of.runtime.RecorderSync(background)
		wants(t, err, of.err)
		wants(t, of.runtime.RecorderNote(rota.Evidence{Class: rota.EvidenceTransient}), of.err)
	}
}

func TestDigestsComeWithoutARecorderToo(t *testing.T) {
	for _, flags := range []rota.RuntimeFlags{0, rota.RuntimeWriteDigests} {
		r := openRuntime(t, rota.WithFlags(flags))
		tenant := newTenant(t, r)
		words, err := rota.NewBuffer[uint32](tenant, 16, 0)
		ok(t, err)
		done, err := tenant.Do(background, rota.Job{Op: rota.OpFill, Args: [10]uint32{words.Name(), 0, 16, 3}})
		ok(t, err)
		runtime.KeepAlive(words)
		if (done.Digest != 0) != (flags != 0) || done.OrderDependent() {
			t.Errorf("flags %d: the digest is %#x", flags, done.Digest)
		}
		ok(t, r.Close())
	}
}

func TestOptionsAndEvidenceThatMeanNothingAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for text, change := range map[string]func(o *rota.RecorderOptions){
		"path":           func(o *rota.RecorderOptions) { o.Path = "" },
		"zero":           func(o *rota.RecorderOptions) { o.Path += "\x00" },
		"capture":        func(o *rota.RecorderOptions) { o.Capture = 3 },
		"flags":          func(o *rota.RecorderOptions) { o.Flags = 8 },
		"stage_dir":      func(o *rota.RecorderOptions) { o.StageDir = "\xff" },
		"at least 4 MiB": func(o *rota.RecorderOptions) { o.CapacityBytes-- },
		"100 bytes":      func(o *rota.RecorderOptions) { o.CapacityBytes, o.Capture = 100, rota.CaptureJobs },
		"negative":       func(o *rota.RecorderOptions) { o.SyncInterval = -1 },
	} {
		options := into(path)
		change(&options)
		_, err := rota.Open(rota.WithRecorder(options))
		wants(t, err, rota.ErrInvalidArgument)
		if text != "zero" {
			wantsText(t, err, text)
		}
	}

	r := openRuntime(t, rota.WithRecorder(into(path)))
	tenant := newTenant(t, r)
	wants(t, r.RecorderNote(rota.Evidence{}), rota.ErrInvalidArgument)
	wants(t, r.RecorderNote(rota.Evidence{Class: 5}), rota.ErrInvalidArgument)
	wants(t, r.RecorderNote(rota.Evidence{Class: 1, Tenant: newTenant(t, shared)}), rota.ErrInvalidArgument)
	wants(t, r.RecorderNote(rota.Evidence{Class: 1, Tenant: &rota.Tenant{}}), rota.ErrNullPointer)
	ok(t, tenant.Close())
	wants(t, r.RecorderNote(rota.Evidence{Class: 1, Tenant: tenant}), rota.ErrClosed)
	ok(t, r.Close())
}

func TestWhatIsRecordedIsReadBackAsItWas(t *testing.T) {
	checkLeaks(t)
	p := record(t, filepath.Join(t.TempDir(), "log"))
	recording := openRecording(t, p.path, 0)
	var of [12][]rota.Record
	last, cells, count := uint64(0), uint64(0), uint64(0)
	for _, record := range all(t, recording) {
		if record.Seq <= last || record.Mono <= 0 || time.Since(record.Wall).Abs() > time.Hour || record.Cells == 0 {
			t.Errorf("%+v", record)
		}
		last, cells, count = record.Seq, cells+record.Cells, count+1
		if record.Kind != rota.RecordTenant || record.Text == "the first" { // else it is the runtime's own
			of[record.Kind] = append(of[record.Kind], record)
		}
	}
	for kind, want := range map[rota.RecordKind]int{rota.RecordRunStart: 1, rota.RecordRunEnd: 1, rota.RecordTenant: 2,
		rota.RecordBuffer: 3, rota.RecordJob: 5, rota.RecordCompletion: 5, rota.RecordEvidence: 2} {
		if len(of[kind]) != want {
			t.Fatalf("%d of %v", len(of[kind]), kind)
		}
	}

	start, end := of[rota.RecordRunStart][0], of[rota.RecordRunEnd][0]
	if start.Field("device") != p.device || start.Field("capture") != "full" || start.Field("no such") != "" ||
		start.Field("pid") != fmt.Sprint(os.Getpid()) || end.Field("jobs") != "5" || end.Text == "" || start.EventName() != "UNKNOWN" {
		t.Errorf("%+v\n%+v", start, end)
	}
	tenants := of[rota.RecordTenant]
	if tenants[0].Event != rota.EventTenantCreated || tenants[0].Tenant != p.tenant || tenants[0].Field("slots") != "64" ||
		tenants[1].Event != rota.EventTenantDestroyed || tenants[1].EventName() != "ROTA_EVENT_TENANT_DESTROYED" {
		t.Errorf("%+v", tenants)
	}
	created, written, gone := of[rota.RecordBuffer][0], of[rota.RecordBuffer][1], of[rota.RecordBuffer][2]
	if created.Event != rota.EventBufferCreated || created.Length != uint64(len(p.data)) || created.ReadOnly || created.HasHash ||
		written.Event != rota.EventBufferWritten || written.Offset != 0 || written.Length != uint64(len(p.data)) ||
		written.Buffer != p.buffer || !written.HasHash || gone.Event != rota.EventBufferDestroyed || gone.Tail != 5 {
		t.Errorf("%+v\n%+v\n%+v", created, written, gone)
	}
	if data, err := recording.Object(written.Hash); err != nil || !bytes.Equal(data, p.data) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	_, err := recording.Object(rota.Hash{1})
	wants(t, err, rota.ErrDataMissing)
	for i, job := range of[rota.RecordJob] {
		want := p.jobs[i]
		want.UserData = job.Job.UserData
		if job.Tenant != p.tenant || job.Ticket != p.done[i].Ticket || job.Job != want {
			t.Errorf("%+v\n%+v", job, want)
		}
	}
	for i, done := range of[rota.RecordCompletion] {
		want := p.done[i]
		want.UserData = 0
		if done.Tenant != p.tenant || done.Ticket != want.Ticket || done.Completion != want {
			t.Errorf("%+v\n%+v", done, want)
		}
	}
	bug, transient := of[rota.RecordEvidence][0], of[rota.RecordEvidence][1]
	if rota.EvidenceClass(bug.Event) != rota.EvidenceProgramBug || bug.Code != -4 || bug.Tenant != p.tenant ||
		bug.Ticket != p.done[4].Ticket || !bytes.Equal(bug.Data, p.evidence) || !bug.HasHash || bug.Length != uint64(len(p.evidence)) {
		t.Errorf("%+v", bug)
	}
	if rota.EvidenceClass(transient.Event) != rota.EvidenceTransient || transient.EventName() != "ROTA_EVIDENCE_TRANSIENT" ||
		transient.Code != 7 || transient.Tenant != 0 || transient.Ticket != 0 || transient.Data != nil ||
		// The hash of nothing, which everybody's BLAKE3 gives.
		transient.Hash.String() != "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262" {
		t.Errorf("%+v", transient)
	}

	info, err := recording.Info()
	ok(t, err)
	if info.Records != count || info.Good != cells || !info.Clean || info.Staged || info.CapacityBytes != logBytes ||
		info.PID != uint32(os.Getpid()) || info.Run != 1 || info.NextSeq != info.DurableSeq || info.OldestSeq != 1 ||
		time.Since(info.Created).Abs() > time.Hour ||
		info.CutTo+info.Untold+info.Incomplete+info.Holes+info.Torn+info.Corrupt+info.Stale+info.Overwritten != 0 {
		t.Errorf("%+v", info)
	}

	// The end stays the end until Seek; a loop that is left goes on with the next.
	if _, more := next(t, recording); more {
		t.Error("there is a record behind the end")
	}
	ok(t, recording.Seek(of[rota.RecordJob][0].Seq))
	for i := range 2 {
		if record, _ := next(t, recording); record.Seq != of[rota.RecordJob][0].Seq+uint64(i) {
			t.Errorf("%+v", record)
		}
	}
	ok(t, recording.Seek(^uint64(0)))
	if _, more := next(t, recording); more {
		t.Error("there is a record behind the last number")
	}
	ok(t, recording.Seek(0))
	if again := all(t, recording); uint64(len(again)) != count {
		t.Errorf("%d records, not %d", len(again), count)
	}
}

func TestAllRecordsOfManyAreThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	r := openRuntime(t, rota.WithRecorder(rota.RecorderOptions{Path: path, CapacityBytes: logBytes}))
	tenant := newTenant(t, r)
	const n = 3000
	for i := range n / 500 {
		batch, err := tenant.Submit(background, repeat(nop(uint32(i), 2), 500))
		ok(t, err)
		_, err = batch.Wait(background)
		ok(t, err)
		ok(t, r.RecorderNote(rota.Evidence{Class: rota.EvidenceTransient, Code: int32(i), Bytes: []byte{byte(i)}}))
	}
	ok(t, r.Close())
	counts, nth := map[rota.RecordKind]int{}, uint32(0)
	for _, record := range all(t, openRecording(t, path, 0)) {
		counts[record.Kind]++
		switch record.Kind {
		case rota.RecordJob:
			if record.Job.Args[0] != nth {
				t.Fatalf("%+v", record)
			}
		case rota.RecordEvidence:
			if record.Code != int32(nth) || !bytes.Equal(record.Data, []byte{byte(nth)}) {
				t.Fatalf("%+v", record)
			}
			nth++
		}
	}
	if counts[rota.RecordJob] != n || counts[rota.RecordCompletion] != n || counts[rota.RecordEvidence] != n/500 {
		t.Error(counts)
	}
}

func TestARecordingIsClosedAndNil(t *testing.T) {
	checkLeaks(t)
	p := record(t, filepath.Join(t.TempDir(), "log"))
	closed := openRecording(t, p.path, 0)
	if _, more := next(t, closed); !more {
		t.Fatal("there is no record")
	}
	ok(t, closed.Close())
	for _, of := range []struct {
		recording *rota.Recording
		err       error
	}{{nil, rota.ErrNullPointer}, {&rota.Recording{}, rota.ErrNullPointer}, {closed, rota.ErrClosed}} {
		loops := 0
		for _, err := range of.recording.Records() {
			wants(t, err, of.err)
			loops++
		}
		if loops != 1 {
			t.Errorf("%d errors", loops)
		}
		_, err := of.recording.Object(rota.Hash{})
		wants(t, err, of.err)
		_, err = of.recording.Info()
		wants(t, err, of.err)
		wants(t, of.recording.Seek(0), of.err)
		wants(t, of.recording.Close(), of.err)
	}

	// Closed while others read, and inside of the loop.
	recording := openRecording(t, p.path, 0)
	var readers sync.WaitGroup
	for range 4 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for {
				for _, err := range recording.Records() {
					if err != nil {
						if !errors.Is(err, rota.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
				_ = recording.Seek(0)
			}
		}()
	}
	time.Sleep(10 * time.Millisecond)
	ok(t, recording.Close())
	readers.Wait()
	recording = openRecording(t, p.path, 0)
	for _, err := range recording.Records() {
		if err != nil {
			wants(t, err, rota.ErrClosed)
		} else {
			ok(t, recording.Close())
		}
	}

	// Forgotten ones are freed.
	for range 100 {
		if _, err := rota.OpenRecording(p.path, 0); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
	}
}

// change makes a copy of a log that is different, with its headers or cells sealed again.
func change(t *testing.T, from, to string, with func(log []byte) []byte) string {
	t.Helper()
	text, err := os.ReadFile(from)
	ok(t, err)
	to = filepath.Join(filepath.Dir(from), to)
	ok(t, os.WriteFile(to, with(text), 0o600))
	return to
}

func cell(log []byte, seq uint64) []byte {
	at := cellsAt + seq%((logBytes-cellsAt)/cellBytes)*cellBytes
	return log[at : at+cellBytes]
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func TestABadLogHasItsStatus(t *testing.T) {
	checkLeaks(t)
	p := record(t, filepath.Join(t.TempDir(), "log"))
	header := func(at int, value byte, sealed bool) func(log []byte) []byte {
		return func(log []byte) []byte {
			for page := 0; page < cellsAt; page += cellsAt / 2 {
				header := log[page : page+cellsAt/2]
				header[at] = value
				if sealed {
					binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.Checksum(header[:len(header)-4], castagnoli))
				}
			}
			return log
		}
	}
	folder := filepath.Dir(p.path)
	other := change(t, p.path, "other", func([]byte) []byte { return []byte("another program's") })
	cut := change(t, p.path, "cut", func(log []byte) []byte { return log[:len(log)/2] })
	for _, bad := range []struct {
		path   string
		status rota.Status
		text   string
	}{
		{folder, rota.ErrNotALog, "a folder"},
		{filepath.Join(folder, "none"), rota.ErrIO, "no such log"},
		{other, rota.ErrNotALog, "not a log"},
		{change(t, p.path, "empty", func([]byte) []byte { return nil }), rota.ErrLogDamaged, "empty"},
		{cut, rota.ErrLogDamaged, "cut"},
		{change(t, p.path, "damaged", header(40, 99, false)), rota.ErrLogDamaged, "header"},
		{change(t, p.path, "newer", header(8, 2, true)), rota.ErrLogTooNew, "version 2"},
		{"", rota.ErrInvalidArgument, "path"},
	} {
		_, err := rota.OpenRecording(bad.path, 0)
		wants(t, err, bad.status)
		wantsText(t, err, bad.text)
		if bad.path != cut { // what is left of it is run again
			_, err = rota.Replay(background, rota.ReplayOptions{Path: bad.path})
			wants(t, err, bad.status)
			wantsText(t, err, bad.text)
		}
		if bad.path != filepath.Join(folder, "none") { // it would be made
			_, err = rota.Open(rota.WithRecorder(into(bad.path)))
			wants(t, err, bad.status)
		}
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != "another program's" {
		t.Errorf("%q, %v", text, err)
	}
	_, err := rota.OpenRecording(p.path, 2)
	wants(t, err, rota.ErrInvalidArgument)
	recording := openRecording(t, cut, rota.RecordingSalvage)
	if info, err := recording.Info(); err != nil || info.CutTo != logBytes/2 {
		t.Errorf("%+v, %v", info, err)
	}

	// The beginning of the run is overwritten.
	small := filepath.Join(folder, "small")
	r := openRuntime(t, rota.WithRecorder(rota.RecorderOptions{Path: small, CapacityBytes: 64 << 10}))
	batch, err := newTenant(t, r).Submit(background, repeat(nop(1, 2), 512))
	ok(t, err)
	_, err = batch.Wait(background)
	ok(t, err)
	ok(t, r.Close())
	_, err = rota.Replay(background, rota.ReplayOptions{Path: small})
	wants(t, err, rota.ErrNotReplayable)
	wantsText(t, err, "capacity")
}

func TestADamagedCellCostsItsRecordOnly(t *testing.T) {
	p := record(t, filepath.Join(t.TempDir(), "log"))
	seq := firstOf(t, p.path, rota.RecordJob).Seq
	path := change(t, p.path, "damaged", func(log []byte) []byte {
		cell(log, seq)[50] ^= 4
		return log
	})
	strict := openRecording(t, path, 0)
	for _, from := range []uint64{0, seq} {
		ok(t, strict.Seek(from))
		errors := 0
		for record, err := range strict.Records() {
			if err == nil && record.Seq < seq {
				continue
			}
			wants(t, err, rota.ErrLogDamaged)
			wantsText(t, err, fmt.Sprintf("cell %d", seq))
			errors++
		}
		if _, more := next(t, strict); more || errors != 1 {
			t.Errorf("%d errors, and more records: %v", errors, more)
		}
	}
	ok(t, strict.Seek(seq+1))
	if record, _ := next(t, strict); record.Kind != rota.RecordCompletion {
		t.Errorf("%+v", record)
	}

	salvage := openRecording(t, path, rota.RecordingSalvage)
	records := all(t, salvage)
	for i, record := range records {
		if record.Seq == seq {
			if record.Kind != rota.RecordMissing || record.Event != rota.EventMissingCorrupt || record.Cells != 1 ||
				!record.Wall.IsZero() || records[i+1].Kind != rota.RecordCompletion {
				t.Errorf("%+v", record)
			}
		}
	}
	if info, err := salvage.Info(); err != nil || info.Corrupt != 1 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestALogRunsAgainTheSame(t *testing.T) {
	checkLeaks(t)
	p := record(t, filepath.Join(t.TempDir(), "log"))
	var heard, of uint64
	report, err := rota.Replay(background, rota.ReplayOptions{
		Path:    p.path,
		Before:  3,
		Runtime: []rota.Option{rota.WithMode(rota.ModeBatch), rota.WithDevice(p.device)},
		Flags:   rota.ReplayAsSubmitted,
		Progress: func(done, all uint64) {
			if done < heard || done > all {
				t.Errorf("%d of %d after %d", done, all, heard)
			}
			heard, of = done, all
		},
	})
	ok(t, err)
	if heard != of || of <= 5 {
		t.Errorf("it came to %d of %d", heard, of)
	}
	if report.Outcome != rota.ReplaySame || report.Jobs != 5 || report.Compared != 5 || report.Same != 5 ||
		report.RecordedOn != p.device || report.Device != p.device || report.First != nil || len(report.ByOpcode) != 0 ||
		report.Different+report.Concurrent+report.Followed+report.NotDeterministic+report.OrderDependent+report.Overlapping+
			report.NotEnded+report.BehindUnended+report.WithoutData+report.MissingData+report.MissingRecords+report.Strays != 0 {
		t.Errorf("%+v", report)
	}
	run := uint64(0)
	report, err = rota.Replay(background, rota.ReplayOptions{Path: p.path, Run: &run})
	ok(t, err)
	if report.Outcome != rota.ReplaySame {
		t.Errorf("%+v", report)
	}

	// A panic of the listener comes out, and nothing stays behind.
	func() {
		calls := 0
		defer func() {
			if reason := recover(); reason != "enough" || calls != 1 {
				t.Errorf("%v after %d calls", reason, calls)
			}
		}()
		_, _ = rota.Replay(background, rota.ReplayOptions{Path: p.path, Progress: func(done, all uint64) {
			calls++
			panic("enough")
		}})
		t.Error("the panic was lost")
	}()
}

func TestALogThatSaysOtherwiseRunsAgainDifferently(t *testing.T) {
	p := record(t, filepath.Join(t.TempDir(), "log"))
	path := change(t, p.path, "different", func(log []byte) []byte {
		for record, err := range openRecording(t, p.path, 0).Records() {
			ok(t, err)
			if record.Kind == rota.RecordCompletion && record.Ticket == p.done[3].Ticket {
				cell := cell(log, record.Seq)
				cell[40+24] ^= 1
				binary.LittleEndian.PutUint32(cell[4:], crc32.Checksum(cell[8:], castagnoli))
			}
		}
		return log
	})
	ok(t, os.Rename(p.path+".objects", path+".objects"))
	options := rota.ReplayOptions{Path: path, Before: 2}
	report, err := rota.Replay(background, options)
	ok(t, err)
	if report.Outcome != rota.ReplayDifferent || report.Different != 1 || report.Same != 4 ||
		len(report.ByOpcode) != 1 || report.ByOpcode[rota.OpSumU32] != 1 {
		t.Errorf("%+v", report)
	}
	first := report.First
	if first == nil || first.Differs != rota.DiffersResults || first.Tenant != p.tenant || first.Ticket != p.done[3].Ticket ||
		first.Job.Args != p.jobs[3].Args || first.Recorded.Results[0] != p.done[3].Results[0]^1 ||
		first.Replayed.Results != p.done[3].Results || first.Replayed.Digest != p.done[3].Digest || len(first.Before) != 2 ||
		first.Before[0].Ticket != p.done[1].Ticket || first.Before[1].Ticket != p.done[2].Ticket ||
		first.Before[1].Seq >= first.Seq || first.Before[1].Job.Args != p.jobs[2].Args {
		t.Fatalf("%+v", first)
	}
	options.NotDeterministic = []rota.Op{rota.OpNop, rota.OpSumU32}
	report, err = rota.Replay(background, options)
	ok(t, err)
	if report.Outcome != rota.ReplaySame || report.NotDeterministic != 1 {
		t.Errorf("%+v", report)
	}

	// Without its objects nothing can be said of the sums; with the data in a folder it can.
	ok(t, os.Rename(path+".objects", p.path+".elsewhere"))
	options = rota.ReplayOptions{Path: p.path}
	report, err = rota.Replay(background, options)
	ok(t, err)
	if report.Outcome != rota.ReplayNotComparable || report.MissingData != 1 || report.WithoutData == 0 || report.Same == 5 {
		t.Errorf("%+v", report)
	}
	options.DataDir = t.TempDir()
	ok(t, os.WriteFile(filepath.Join(options.DataDir, "some.bin"), p.data, 0o600))
	report, err = rota.Replay(background, options)
	ok(t, err)
	if report.Outcome != rota.ReplaySame || report.Same != 5 {
		t.Errorf("%+v", report)
	}
}

func TestAReplayThatCantBeIsRefused(t *testing.T) {
	p := record(t, filepath.Join(t.TempDir(), "log"))
	run := uint64(1)
	for _, options := range []rota.ReplayOptions{
		{},
		{Path: p.path, Run: &run},
		{Path: p.path, Flags: 1 << 31},
		{Path: p.path, DataDir: "\xff"},
		{Path: p.path, Runtime: []rota.Option{rota.WithMode(9)}},
		{Path: p.path, Runtime: []rota.Option{rota.WithIdleLimit(-2)}},
		{Path: p.path, Runtime: []rota.Option{rota.WithRuntimeQuota(rota.Quota{99: 1})}},
	} {
		options.Progress = func(done, all uint64) { t.Error("it began") }
		_, err := rota.Replay(background, options)
		wants(t, err, rota.ErrInvalidArgument)
	}
	ended, cancel := context.WithCancel(background)
	cancel()
	_, err := rota.Replay(ended, rota.ReplayOptions{Path: p.path})
	wants(t, err, context.Canceled)
}

func ExampleWithRecorder() {
	folder, err := os.MkdirTemp("", "rota")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "run.log")
	ctx := context.Background()

	runtime, err := rota.Open(rota.WithRecorder(rota.RecorderOptions{Path: path, Capture: rota.CaptureFull}))
	if err != nil {
		log.Fatal(err)
	}
	tenant, err := runtime.NewTenant()
	if err != nil {
		log.Fatal(err)
	}
	if _, err = tenant.Do(ctx, rota.Job{Op: rota.OpNop, Args: [10]uint32{20, 22}}); err != nil {
		log.Fatal(err)
	}
	if _, err := runtime.RecorderSync(ctx); err != nil { // now a power cut takes none
		log.Fatal(err)
	}
	state, err := runtime.RecorderState()
	if err != nil {
		log.Fatal(err)
	}
	if state.Failed {
		log.Printf("not recorded from %d on: %v", state.FailedSeq, state.OSError)
	}
	if err := runtime.RecorderNote(rota.Evidence{Class: rota.EvidenceUnclassified, Bytes: []byte("odd")}); err != nil {
		log.Fatal(err)
	}
	if err := runtime.Close(); err != nil { // closes the log
		log.Fatal(err)
	}

	recording, err := rota.OpenRecording(path, rota.RecordingSalvage)
	if err != nil {
		log.Fatal(err)
	}
	defer recording.Close()
	for record, err := range recording.Records() {
		if err != nil {
			log.Fatal(err)
		}
		switch record.Kind {
		case rota.RecordJob:
			fmt.Println("job", record.Job.Op, record.Job.Args[:2])
		case rota.RecordCompletion:
			fmt.Println(record.Completion.Status, record.Completion.Results)
		case rota.RecordEvidence:
			fmt.Println(record.EventName(), string(record.Data))
		}
	}

	report, err := rota.Replay(ctx, rota.ReplayOptions{Path: path})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Outcome, report.Same, "of", report.Jobs)
	// Output:
	// job 1 [20 22]
	// ROTA_COMPLETION_OK [20 22]
	// ROTA_EVIDENCE_UNCLASSIFIED odd
	// ROTA_REPLAY_SAME 1 of 1
}

// The statuses are errors that errors.Is finds, also from inside of others.
func TestStatusesOfLogsAreErrors(t *testing.T) {
	for _, status := range []rota.Status{rota.ErrLogInUse, rota.ErrNotALog, rota.ErrLogDamaged, rota.ErrLogTooNew,
		rota.ErrDataMissing, rota.ErrNotReplayable} {
		err := fmt.Errorf("at night: %w", &rota.Error{Status: status})
		if !errors.Is(err, status) || errors.Is(err, rota.ErrIO) || status.Name() == "UNKNOWN" {
			t.Error(status)
		}
	}
}
