// Which versions of header and library fit together.

package rota

import "testing"

func TestVersionsFitWithinAMajorVersionAndBeforeOneWithinAMinor(t *testing.T) {
	version := func(major, minor, patch uint32) uint32 { return major<<16 | minor<<8 | patch }
	for _, c := range []struct {
		header, library uint32
		fits            bool
	}{
		{version(0, 1, 0), version(0, 1, 9), true},
		{version(0, 1, 0), version(0, 2, 0), false},
		{version(0, 1, 0), version(1, 1, 0), false},
		{version(1, 0, 0), version(1, 7, 3), true},
		{version(1, 0, 0), version(0, 1, 0), false},
		{version(2, 0, 0), version(1, 0, 0), false},
	} {
		if err := checkVersion(c.header, c.library); (err == nil) != c.fits {
			t.Errorf("header %x and library %x: %v", c.header, c.library, err)
		}
	}
	if Version() == "" {
		t.Error("the library has no version")
	}
}
