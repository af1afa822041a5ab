// Memory: numbers of every size, ranges, outputs, and the arguments that name them.

package rota_test

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func roundTrip[T rota.Number](t *testing.T, tenant *rota.Tenant, values ...T) {
	t.Helper()
	buffer, err := rota.NewBuffer[T](tenant, 20000, 0)
	ok(t, err)
	ok(t, buffer.Write(3, values))
	got := make([]T, len(values)+2)
	ok(t, buffer.Read(2, got))
	if got[0] != 0 || !slices.Equal(got[1:len(got)-1], values) || got[len(got)-1] != 0 {
		t.Fatalf("%v", got)
	}
	ok(t, buffer.Fill(1, 19000, values[1]))
	all := make([]T, 20000)
	ok(t, buffer.Read(0, all))
	for i, value := range all {
		if in := i >= 1 && i < 19001; in && value != values[1] || !in && value != 0 {
			t.Fatalf("number %d is %v", i, value)
		}
	}
	ok(t, buffer.Close())
}

func TestBuffersKeepNumbersOfEverySize(t *testing.T) {
	tenant := newTenant(t, shared)
	roundTrip[uint8](t, tenant, 0, 255, 7)
	roundTrip[int16](t, tenant, math.MinInt16, -1, 300)
	roundTrip[uint32](t, tenant, 1, math.MaxUint32-5, 3)
	roundTrip[int64](t, tenant, math.MinInt64, -77, 1)
	roundTrip[float32](t, tenant, -1.5, 3.25, math.MaxFloat32)
	roundTrip[float64](t, tenant, math.Pi, -math.E, 1e300)
	type meters float64
	roundTrip[meters](t, tenant, 1, 2, 3)
}

func TestJobsSeeWhatWasWrittenAndTheHostWhatJobsWrote(t *testing.T) {
	tenant := newTenant(t, shared)
	const n = 10000
	x, err := rota.NewBuffer[float32](tenant, n, rota.BufferReadOnly)
	ok(t, err)
	y, err := rota.NewBuffer[float32](tenant, n, 0)
	ok(t, err)
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(i)
	}
	ok(t, x.Write(0, values))
	ok(t, y.Fill(0, n, 0.5))
	job := rota.Job{Op: rota.OpSaxpyF32, Tiles: rota.Tiles(rota.OpSaxpyF32, n),
		Args: [10]uint32{x.Name(), 0, y.Name(), 0, n}}
	job.SetFloat32(5, 2)
	_, err = tenant.Do(background, job)
	ok(t, err)
	ok(t, y.Read(0, values))
	for i, value := range values {
		if value != 2*float32(i)+0.5 {
			t.Fatalf("number %d is %v", i, value)
		}
	}
	_, err = tenant.Do(background, rota.Job{Op: rota.OpFill, Args: [10]uint32{x.Name(), 0, 1, 1}})
	wants(t, err, rota.FaultReadOnly)
	_, err = newTenant(t, shared).Do(background, rota.Job{Op: rota.OpFill, Args: [10]uint32{y.Name(), 0, 1, 1}})
	wants(t, err, rota.FaultForeignBuffer)
	runtime.KeepAlive([]any{x, y})
}

func TestRangesOutsideABufferAreRefused(t *testing.T) {
	tenant := newTenant(t, shared)
	buffer, err := rota.NewBuffer[uint64](tenant, 10, 0)
	ok(t, err)
	for _, c := range []struct{ at, n int }{
		{0, 11}, {10, 1}, {11, 0}, {-1, 1}, {math.MaxInt, 1}, {math.MaxInt/8 + 2, 1}, {math.MinInt, 1}} {
		wants(t, buffer.Write(c.at, make([]uint64, c.n)), rota.ErrOutOfRange)
		wants(t, buffer.Read(c.at, make([]uint64, c.n)), rota.ErrOutOfRange)
		wants(t, buffer.Fill(c.at, c.n, 7), rota.ErrOutOfRange)
	}
	wants(t, buffer.Fill(0, -1, 7), rota.ErrOutOfRange)
	large, err := rota.NewBuffer[uint32](tenant, 20000, 0)
	ok(t, err)
	wants(t, large.Fill(1, 20000, 0x01020304), rota.ErrOutOfRange)
	words := make([]uint32, 20000)
	ok(t, large.Read(0, words))
	if slices.Max(words) != 0 {
		t.Fatal("a fill that was refused has changed something")
	}
	ok(t, buffer.Write(10, nil))
	ok(t, buffer.Fill(10, 0, 7))
	for _, n := range []int{0, -1, math.MaxInt} {
		_, err = rota.NewBuffer[uint64](tenant, n, 0)
		wants(t, err, rota.ErrInvalidArgument)
	}
	_, err = rota.NewBuffer[uint64](tenant, 10, 1<<20)
	wants(t, err, rota.ErrInvalidArgument)
	_, err = rota.NewBuffer[uint64](tenant, 1<<40, 0)
	wants(t, err, rota.ErrOutOfDeviceMemory)
	size, err := buffer.Size()
	ok(t, err)
	if size != 80 || buffer.Len() != 10 {
		t.Fatalf("%d bytes, %d numbers", size, buffer.Len())
	}
	ok(t, buffer.Close())
	wants(t, buffer.Close(), rota.ErrClosed)
	_, err = buffer.Size()
	wants(t, err, rota.ErrClosed)
}

func TestArgumentsAreWordsWithTheLowOneFirst(t *testing.T) {
	var job rota.Job
	job.SetUint64(0, 0x1122334455667788)
	job.SetInt32(2, -2)
	job.SetFloat32(3, 1)
	job.SetFloat64(4, 1)
	want := [10]uint32{0x55667788, 0x11223344, 0xfffffffe, 0x3f800000, 0, 0x3ff00000}
	if job.Args != want {
		t.Fatalf("%x", job.Args)
	}
	done := rota.Completion{Results: [2]uint32{0x3f800000, 7}}
	if done.Uint64() != 7<<32|0x3f800000 || done.Float32(0) != 1 {
		t.Fatal("the results are read otherwise")
	}
	if rota.Tiles(rota.OpNop, 1) != 1 || rota.Tiles(rota.OpFill, 1<<24) < 2 || rota.Tiles(0x999, 5) != 0 {
		t.Fatal("tiles")
	}
}

func TestOutputsHoldTheRangesAndKeepTheirMemory(t *testing.T) {
	tenant := newTenant(t, shared)
	buffer, err := rota.NewBuffer[uint16](tenant, 100, 0)
	ok(t, err)
	ok(t, buffer.Write(0, []uint16{1, 2, 3, 0x405}))
	outputs, err := rota.NewOutputs()
	ok(t, err)
	ranges := []rota.Range{buffer.Range(2, 2), buffer.Range(0, 0), buffer.Range(1, 1)}
	for round := range 3 {
		ok(t, tenant.ReadInto(outputs, ranges))
		for i, want := range []string{"\x03\x00\x05\x04", "", "\x02\x00"} {
			got, err := outputs.Append(nil, i)
			ok(t, err)
			if string(got) != want {
				t.Fatalf("entry %d is %x", i, got)
			}
		}
		stats, err := outputs.Stats()
		ok(t, err)
		if stats.SlotsTotal != 3 || stats.BytesIncoming != 6 || round > 0 && stats.SlotsReused != 3 {
			t.Fatalf("round %d: %+v", round, stats)
		}
	}
	see := func([]byte) { t.Fatal("an entry that isn't there was shown") }
	wants(t, outputs.View(3, see), rota.ErrOutOfRange)
	wants(t, outputs.View(-1, see), rota.ErrOutOfRange)
	wants(t, tenant.ReadInto(outputs, nil), rota.ErrInvalidArgument)
	wants(t, tenant.ReadInto(outputs, []rota.Range{buffer.Range(99, 2)}), rota.ErrOutOfRange)
	wants(t, tenant.ReadInto(outputs, []rota.Range{buffer.Range(-1, 2)}), rota.ErrOutOfRange)
	ok(t, outputs.Close())
	wants(t, outputs.Close(), rota.ErrClosed)
	wants(t, outputs.View(0, see), rota.ErrClosed)
	wants(t, tenant.ReadInto(outputs, ranges), rota.ErrClosed)
}

func TestAGrantedBufferIsTheOthersUntilItIsTakenBack(t *testing.T) {
	owner, other := newTenant(t, shared), newTenant(t, shared)
	buffer, err := rota.NewBuffer[uint32](owner, 4, 0)
	ok(t, err)
	ok(t, buffer.Write(0, []uint32{1, 2, 3, 4}))
	granted, err := buffer.Grant(other, 0)
	ok(t, err)
	if size, err := granted.Size(); err != nil || size != 16 || granted.Len() != 4 {
		t.Fatalf("%d bytes, %v", size, err)
	}
	sum := func(of *rota.Buffer[uint32]) rota.Job {
		return rota.Job{Op: rota.OpSumU32, Args: [10]uint32{of.Name(), 0, 4}}
	}
	done, err := other.Do(background, sum(granted))
	ok(t, err)
	if done.Uint64() != 10 {
		t.Fatalf("%+v", done)
	}
	ok(t, granted.Write(3, []uint32{5}))
	words := make([]uint32, 4)
	ok(t, buffer.Read(0, words))
	if words[3] != 5 {
		t.Fatalf("%v", words)
	}
	_, err = other.Do(background, sum(buffer)) // the owner's name is not the other's
	wants(t, err, rota.FaultForeignBuffer)
	_, err = buffer.Grant(other, 0)
	wants(t, err, rota.ErrWrongState)
	_, err = granted.Grant(newTenant(t, shared), 0)
	wants(t, err, rota.ErrWrongState)
	_, err = buffer.Grant(owner, 0)
	wants(t, err, rota.ErrInvalidArgument)
	_, err = buffer.Grant(nil, 0)
	wants(t, err, rota.ErrNullPointer)
	wants(t, buffer.TakeBack(nil), rota.ErrNullPointer)

	ok(t, buffer.TakeBack(other))
	wants(t, granted.Read(0, words), rota.ErrClosed)
	wants(t, granted.Close(), rota.ErrClosed)
	wants(t, buffer.TakeBack(other), rota.ErrWrongState)
	_, err = other.Do(background, sum(granted))
	wants(t, err, rota.FaultInvalidBuffer)

	granted, err = buffer.Grant(other, rota.BufferReadOnly)
	ok(t, err)
	_, err = other.Do(background, rota.Job{Op: rota.OpFill, Args: [10]uint32{granted.Name(), 0, 4, 7}})
	wants(t, err, rota.FaultReadOnly)
	ok(t, buffer.Close())
	wants(t, granted.Read(0, words), rota.ErrClosed)
	_, err = buffer.Grant(other, 0)
	wants(t, err, rota.ErrClosed)
}

func TestAGrantKeepsAForgottenBuffer(t *testing.T) {
	owner, other := newTenant(t, shared), newTenant(t, shared)
	granted := func() *rota.Buffer[uint32] {
		buffer, err := rota.NewBuffer[uint32](owner, 4, 0)
		ok(t, err)
		granted, err := buffer.Grant(other, 0)
		ok(t, err)
		return granted
	}()
	for range 10 {
		runtime.GC()
		time.Sleep(2 * time.Millisecond)
	}
	ok(t, granted.Write(0, []uint32{1, 2, 3, 4}))
}
