// Command hello sends one job there and back: open a device, get a tenant, do the job, print, close.
package main

import (
	"context"
	"fmt"
	"log"

	rota "github.com/rota-compute/rota/bindings/go"
)

func main() {
	runtime, err := rota.Open() // the best device, every default
	must(err)
	defer runtime.Close() // takes its tenants with it
	tenant, err := runtime.NewTenant()
	must(err)

	// NOP hands its first two arguments back: the shortest way to the kernel and back.
	done, err := tenant.Do(context.Background(), rota.Job{Op: rota.OpNop, Args: [10]uint32{20, 22}, UserData: 7})
	must(err)
	fmt.Printf("job %d came back: %d + %d, status %v\n", done.UserData, done.Results[0], done.Results[1], done.Status)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
