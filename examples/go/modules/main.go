// Command modules brings a handler of its own: it counts the vowels of a text, one tile for each piece of
// it, and is then replaced by a version that counts capitals. Both are checked in Go.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	rota "github.com/rota-compute/rota/bindings/go"
)

const opCount = rota.FirstOpcode

// source is WGSL. Each lane counts in every lanes()-th byte of its tile, and the counts of all lanes and
// tiles add up in result 0.
const source = `
fn count() {
    let text = buffer(arg(0u));
    let first = tile() * arg(2u);
    let last = min(first + arg(2u), arg(1u));
    var n = 0u;
    for (var i = first + lane(); i < last; i += lanes()) {
        n += u32(counts(load_u8(text, i)));
    }
    result_add(0u, n);
}
`

const vowels = `
fn counts(c: u32) -> bool {
    let small = c | 32u;
    return (small == 97u) | (small == 101u) | (small == 105u) | (small == 111u) | (small == 117u);
}
`

const capitals = `
fn counts(c: u32) -> bool { return (c >= 65u) & (c <= 90u); }
`

// bytesOfATile is how much a tile counts: little enough for the fuel of a lane on any device.
const bytesOfATile = 1 << 12

func module(counts string) rota.ModuleOptions {
	return rota.ModuleOptions{
		Label:    "count.wgsl",
		Source:   source + counts,
		Handlers: []rota.Handler{{Opcode: opCount, Function: "count", Tiled: true}},
	}
}

func main() {
	ctx := context.Background()
	runtime, err := rota.Open()
	must(err)
	defer runtime.Close()
	tenant, err := runtime.NewTenant()
	must(err)

	// A load blocks for as long as the driver's compiler runs, and jobs go on meanwhile.
	loaded, report, err := tenant.LoadModule(ctx, module(vowels))
	must(err)
	fmt.Println("loaded version", report.Version)

	text := strings.Repeat("The quick brown fox jumps over Ümläut and the LAZY dog.\n", 2000)
	check(count(ctx, tenant, text), text, "AEIOUaeiou")

	report, err = loaded.Replace(ctx, module(capitals))
	must(err)
	fmt.Println("replaced by version", report.Version)
	check(count(ctx, tenant, text), text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")

	// What the verifier refuses is told as a compiler would, and the version that is there stays.
	_, err = loaded.Replace(ctx, module("fn counts(c: u32) -> bool { return c == 'x'; }"))
	if !errors.Is(err, rota.ErrInvalidModule) {
		log.Fatalf("not refused: %v", err)
	}
	fmt.Println(err)
	must(loaded.Unload(ctx))
}

// count runs the handler over a text.
func count(ctx context.Context, tenant *rota.Tenant, text string) uint32 {
	bytes, err := rota.NewBuffer[uint8](tenant, len(text), rota.BufferReadOnly)
	must(err)
	defer bytes.Close()
	must(bytes.Write(0, []byte(text)))
	done, err := tenant.Do(ctx, rota.Job{
		Op:    opCount,
		Flags: rota.JobTiming,
		Tiles: uint32(len(text)+bytesOfATile-1) / bytesOfATile,
		Args:  [10]uint32{bytes.Name(), uint32(len(text)), bytesOfATile},
	})
	must(err)
	fmt.Printf("version %d counted %d in %d bytes\n", done.ModuleVersion, done.Results[0], len(text))
	return done.Results[0]
}

// check counts bytes on the CPU.
func check(got uint32, text, wanted string) {
	n := uint32(0)
	for i := range len(text) {
		n += uint32(strings.Count(wanted, text[i:i+1]))
	}
	if got != n {
		log.Fatalf("the handler counted %d, the CPU %d", got, n)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
