// Opening and closing: options, devices, closed and nil objects, forgotten ones, and what is missing.

package rota_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func TestARuntimeTellsWhatItIs(t *testing.T) {
	info, err := shared.Info()
	ok(t, err)
	if info.DeviceName == "" || info.Slots != 1024 || info.OpenTime <= 0 || info.MostScalarFuel == 0 ||
		info.Mode == rota.ModeAuto {
		t.Fatalf("%+v", info)
	}
}

func TestTheDevicesHoldTheOneThatIsOpen(t *testing.T) {
	devices, err := rota.Devices()
	ok(t, err)
	info, err := shared.Info()
	ok(t, err)
	for _, device := range devices {
		if device.Name == info.DeviceName && device.Suitable && device.SubgroupSize == info.SubgroupSize {
			return
		}
	}
	t.Fatalf("%+v", devices)
}

func TestOptionsReachTheLibrary(t *testing.T) {
	r := openRuntime(t, nil, rota.WithMode(rota.ModeBatch), rota.WithDefaultSlots(32), rota.WithMaxTenants(5),
		rota.WithDevice("0"), rota.WithIdleLimit(time.Millisecond), rota.WithWorkers(2),
		rota.WithCacheDir(t.TempDir()), rota.WithMemory(1<<20), rota.WithFirstPosition(1<<31-100),
		rota.WithLeaseFuel(20000))
	info, err := r.Info()
	ok(t, err)
	if info.Mode != rota.ModeBatch || info.Slots != 32 || info.MaxTenants != 5 || info.Workers != 2 {
		t.Fatalf("%+v", info)
	}
	tenant := newTenant(t, r, nil, rota.WithSlots(64))
	for i := range uint32(300) { // beyond the wrap
		done, err := tenant.Do(background, nop(i, i+1))
		ok(t, err)
		if done.Results != [2]uint32{i, i + 1} {
			t.Fatalf("%+v", done)
		}
	}
	r2 := openRuntime(t, rota.WithIdleLimit(rota.Forever), rota.WithFlags(rota.RuntimeNoCache))
	_, err = newTenant(t, r2).Do(background, nop(1, 1))
	ok(t, err)
}

func TestWrongOptionsAreRefusedByName(t *testing.T) {
	for _, c := range []struct {
		option rota.Option
		want   error
		text   string
	}{
		{rota.WithDevice("no such device"), rota.ErrNoDevice, "no such device"},
		{rota.WithMode(77), rota.ErrInvalidArgument, "77"},
		{rota.WithDefaultSlots(33), rota.ErrInvalidArgument, "33"},
		{rota.WithFlags(1 << 20), rota.ErrInvalidArgument, "flags"},
		{rota.WithIdleLimit(-time.Second), rota.ErrInvalidArgument, "idle"},
		{rota.WithDevice("\xff\xfe"), rota.ErrInvalidArgument, "UTF-8"},
	} {
		r, err := rota.Open(c.option)
		wants(t, err, c.want)
		wantsText(t, err, c.text)
		if r != nil {
			t.Fatal("there is a runtime")
		}
		var failure *rota.Error
		if !errors.As(err, &failure) || failure.Status != c.want || failure.Message == "" {
			t.Fatalf("%#v", err)
		}
	}
	_, err := shared.NewTenant(rota.WithSlots(3))
	wants(t, err, rota.ErrInvalidArgument)
}

func TestASecondCloseGivesErrClosed(t *testing.T) {
	checkLeaks(t)
	r := openRuntime(t)
	first, second := newTenant(t, r), newTenant(t, r)
	buffer, err := rota.NewBuffer[float32](second, 8, 0)
	ok(t, err)
	ok(t, first.Close())
	wants(t, first.Close(), rota.ErrClosed)
	ok(t, r.Close())
	wants(t, r.Close(), rota.ErrClosed)
	wants(t, second.Close(), rota.ErrClosed)
	wants(t, buffer.Close(), rota.ErrClosed)
	wants(t, buffer.Write(0, []float32{1}), rota.ErrClosed)
	_, err = r.NewTenant()
	wants(t, err, rota.ErrClosed)
	_, err = r.Info()
	wants(t, err, rota.ErrClosed)
	wants(t, r.Stop(), rota.ErrClosed)
	_, err = second.State(1)
	wants(t, err, rota.ErrClosed)
	wants(t, second.Cancel(1), rota.ErrClosed)
	_, err = second.Submit(background, repeat(nop(1, 1), 2))
	wants(t, err, rota.ErrClosed)
}

func TestNilAndZeroObjectsGiveErrNullPointer(t *testing.T) {
	checkLeaks(t)
	jobs := repeat(nop(1, 1), 2)
	for _, r := range []*rota.Runtime{nil, {}} {
		_, err := r.Info()
		wants(t, err, rota.ErrNullPointer)
		_, err = r.NewTenant()
		wants(t, err, rota.ErrNullPointer)
		_, err = r.Tenants()
		wants(t, err, rota.ErrNullPointer)
		_, err = r.FindTenant(1)
		wants(t, err, rota.ErrNullPointer)
		_, err = r.Counters()
		wants(t, err, rota.ErrNullPointer)
		_, err = r.Pick([]uint64{1}, nil)
		wants(t, err, rota.ErrNullPointer)
		wants(t, r.Stop(), rota.ErrNullPointer)
		wants(t, r.Close(), rota.ErrNullPointer)
	}
	for _, tenant := range []*rota.Tenant{nil, {}} {
		_, err := tenant.Do(background, jobs[0])
		wants(t, err, rota.ErrNullPointer)
		_, err = tenant.Submit(background, jobs)
		wants(t, err, rota.ErrNullPointer)
		wants(t, tenant.TrySubmit(new(rota.Batch), jobs), rota.ErrNullPointer)
		wants(t, tenant.Cancel(1), rota.ErrNullPointer)
		_, err = tenant.State(1)
		wants(t, err, rota.ErrNullPointer)
		_, err = tenant.ID()
		wants(t, err, rota.ErrNullPointer)
		_, err = tenant.Counters()
		wants(t, err, rota.ErrNullPointer)
		_, err = tenant.TenantState()
		wants(t, err, rota.ErrNullPointer)
		_, err = tenant.Reserve(rota.ResourceSlots, 1)
		wants(t, err, rota.ErrNullPointer)
		for _, err := range []error{tenant.SetQuota(nil), tenant.SetWeight(1), tenant.SetShare(1),
			tenant.Quiesce(background), tenant.Drain(background), tenant.Revoke(background)} {
			wants(t, err, rota.ErrNullPointer)
		}
		wants(t, tenant.Close(), rota.ErrNullPointer)
		_, err = rota.NewBuffer[uint8](tenant, 1, 0)
		wants(t, err, rota.ErrNullPointer)
		outputs, err := rota.NewOutputs()
		ok(t, err)
		wants(t, tenant.ReadInto(outputs, []rota.Range{{}}), rota.ErrNullPointer)
		ok(t, outputs.Close())
	}
	for _, buffer := range []*rota.Buffer[int64]{nil, {}} {
		_, err := buffer.Size()
		wants(t, err, rota.ErrNullPointer)
		wants(t, buffer.Write(0, nil), rota.ErrNullPointer)
		wants(t, buffer.Read(0, nil), rota.ErrNullPointer)
		wants(t, buffer.Fill(0, 0, 0), rota.ErrNullPointer)
		_, err = buffer.Grant(newTenant(t, shared), 0)
		wants(t, err, rota.ErrNullPointer)
		wants(t, buffer.TakeBack(newTenant(t, shared)), rota.ErrNullPointer)
		wants(t, buffer.Close(), rota.ErrNullPointer)
		if buffer.Name() != 0 || buffer.Len() != 0 {
			t.Fatal("there is a buffer")
		}
	}
	for _, outputs := range []*rota.Outputs{nil, {}} {
		wants(t, outputs.View(0, func([]byte) {}), rota.ErrNullPointer)
		_, err := outputs.Stats()
		wants(t, err, rota.ErrNullPointer)
		wants(t, outputs.Close(), rota.ErrNullPointer)
		tenant := newTenant(t, shared)
		wants(t, tenant.ReadInto(outputs, []rota.Range{{}}), rota.ErrNullPointer)
	}
}

func TestForgottenObjectsAreFreed(t *testing.T) {
	checkLeaks(t)
	r := openRuntime(t)
	func() {
		for range 10 {
			tenant, err := r.NewTenant()
			ok(t, err)
			_, err = tenant.Do(background, nop(1, 1))
			ok(t, err)
			_, err = tenant.Submit(background, repeat(nop(1, 1), 5))
			ok(t, err)
		}
	}()
	for range 500 {
		runtime.GC()
		info, err := r.Info()
		ok(t, err)
		if info.Tenants == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the tenants are still there")
}

// child runs one test of this program again, in another environment.
func child(t *testing.T, test string, environment ...string) {
	t.Helper()
	self, err := os.Executable()
	ok(t, err)
	command := exec.Command(self, "-test.run=^"+test+"$", "-test.v")
	command.Env = append(append(os.Environ(), "ROTA_TEST_CHILD=1"), environment...)
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+test) {
		t.Fatalf("%v\n%s", err, output)
	}
}

func TestWithoutADriverOpenGivesErrNoDriver(t *testing.T) {
	if os.Getenv("ROTA_TEST_CHILD") == "" {
		child(t, t.Name(), "VK_DRIVER_FILES=/nonexistent", "VK_ICD_FILENAMES=/nonexistent")
		return
	}
	_, err := rota.Open()
	wants(t, err, rota.ErrNoDriver)
	wantsText(t, err, "install")
	_, err = rota.Devices()
	wants(t, err, rota.ErrNoDriver)
}

func TestALibraryOfAnotherMajorVersionIsRefusedByName(t *testing.T) {
	if os.Getenv("ROTA_TEST_CHILD") == "" {
		// Another rota_version goes before the library's own.
		fake := filepath.Join(t.TempDir(), "fake.so")
		compile := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", fake)
		compile.Stdin = strings.NewReader("unsigned rota_version(void) { return 9u << 16 | 8u << 8 | 7u; }\n")
		output, err := compile.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		child(t, t.Name(), "LD_PRELOAD="+fake)
		return
	}
	_, err := rota.Open()
	var version *rota.VersionError
	if staticLink {
		ok(t, err) // nothing can go before what is linked in
	} else if !errors.As(err, &version) || version.Library != 9<<16|8<<8|7 {
		t.Fatalf("%v", err)
	} else {
		wantsText(t, err, "9.8.7")
	}
}
