//go:build !race

// What allocates nothing. Not under the race detector, which makes sync.Pool forget on purpose.
package rota_test

import (
	"testing"
)

func TestDoAllocatesNothing(t *testing.T) {
	tenant := newTenant(t, shared)
	each := leastAllocations(func() {
		if _, err := tenant.Do(background, nop(1, 2)); err != nil {
			t.Fatal(err)
		}
	})
	if each > 0 {
		t.Fatalf("%v allocations per call", each)
	}
}
