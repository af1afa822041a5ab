// Command consumer has one job done through the Go binding, and says what it saw. Its argument is the
// version that the library has to have.
package main

import (
	"context"
	"fmt"
	"os"

	rota "github.com/rota-compute/rota/bindings/go"
)

func main() {
	runtime, err := rota.Open()
	must(err)
	defer runtime.Close()
	if rota.Version() != os.Args[1] {
		must(fmt.Errorf("version %s, expected %s", rota.Version(), os.Args[1]))
	}
	tenant, err := runtime.NewTenant()
	must(err)
	done, err := tenant.Do(context.Background(), rota.Job{Op: rota.OpNop, Args: [10]uint32{7, 9}, UserData: 42})
	must(err)
	if done.Results[0] != 7 || done.Results[1] != 9 || done.UserData != 42 {
		must(fmt.Errorf("the completion is wrong: %+v", done))
	}
	fmt.Printf("Rota %s: one job done from Go\n", rota.Version())
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
