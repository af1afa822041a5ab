// What each API key gets: how much of the device, and its quota. A small file says it.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"
	"os"

	rota "github.com/rota-compute/rota/bindings/go"
)

// limits are of one API key. What the file leaves out is as in defaultLimits; a quota of 0 means none at all.
type limits struct {
	Weight        uint32 `json:"weight"`          // of the device where others want it too: 1 to 10,000
	Slots         uint64 `json:"slots"`           // scans that are under way, or behind one that is
	BufferBytes   uint64 `json:"buffer_bytes"`    // of the device: the patterns once, and each scan's text
	FuelPerSecond uint64 `json:"fuel_per_second"` // loop iterations, about 0.6 per byte; scans beyond it wait
}

var defaultLimits = limits{Weight: 100, Slots: 32, BufferBytes: 4 << 20, FuelPerSecond: rota.Unlimited}

// mostSlots is what the rings of all keys have room for.
const mostSlots = 1024

// others is the name under which the file has the keys that it doesn't name.
const others = "*"

// readLimits reads a file such as {"*": {"weight": 100}, "a key": {"slots": 8, "buffer_bytes": 1048576}}.
// Without a file any key gets the default.
func readLimits(file string) (map[string]limits, error) {
	if file == "" {
		return map[string]limits{others: defaultLimits}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	all := make(map[string]limits, len(entries))
	for key, entry := range entries {
		of := defaultLimits
		decoder := json.NewDecoder(bytes.NewReader(entry))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&of); err != nil {
			return nil, fmt.Errorf("%s: key %q: %w", file, key, err)
		}
		if of.Weight < 1 || of.Weight > 10000 || of.Slots > mostSlots {
			return nil, fmt.Errorf("%s: key %q: the weight must be 1 to 10,000, and the slots at most %d",
				file, key, mostSlots)
		}
		all[key] = of
	}
	return all, nil
}

// options are those of the key's tenant. The ring has more slots than the quota: so it is the quota that
// refuses, and nobody waits for room.
func (l limits) options(key string) []rota.TenantOption {
	return []rota.TenantOption{
		rota.WithLabel(key),
		rota.WithWeight(l.Weight),
		rota.WithSlots(1 << max(bits.Len64(l.Slots), 4)),
		rota.WithQuota(rota.Quota{
			rota.ResourceSlots:         l.Slots,
			rota.ResourceBufferBytes:   l.BufferBytes,
			rota.ResourceFuelPerSecond: l.FuelPerSecond,
		}),
	}
}
