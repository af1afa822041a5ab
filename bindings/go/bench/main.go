// Command bench measures what the binding costs beside C, in one process, and prints it as JSON.
//
// Go and C take turns in short blocks, so that both see the same machine; medians are over all
// blocks. The jobs are NOPs.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

type report struct {
	Device         string  `json:"device"`
	Mode           string  `json:"mode"`
	PublishNS      float64 `json:"go.publish_ns"`    // per job in batches of 256, Go minus C
	PublishGoNS    float64 `json:"go.publish_go_ns"` // the two sides of it
	PublishCNS     float64 `json:"go.publish_c_ns"`
	RoundTripNS    float64 `json:"go.round_trip_ns"` // Do from one goroutine, median
	RoundTripP99NS float64 `json:"go.round_trip_p99_ns"`
	RoundTripCNS   float64 `json:"go.round_trip_c_ns"` // submit and wait in C
	JobsPerSecond  float64 `json:"go.jobs_per_s"`      // goroutines that call Do on one tenant
	Goroutines     int     `json:"go.goroutines"`
	DoAllocations  float64 `json:"go.do_allocations"` // per call of Do
	IdleCPU        float64 `json:"go.idle_cpu"`       // processor seconds per second of an idle tenant
}

func main() {
	goroutines := flag.Int("goroutines", 1000, "goroutines that call Do at once")
	blocks := flag.Int("blocks", 20, "blocks of publishing and of round trips")
	seconds := flag.Float64("seconds", 3, "how long the goroutines call")
	flag.Parse()
	if err := run(*goroutines, *blocks, *seconds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(goroutines, blocks int, seconds float64) error {
	if err := openC(); err != nil {
		return err
	}
	defer closeC()
	runtime, err := rota.Open()
	if err != nil {
		return err
	}
	defer runtime.Close()
	tenant, err := runtime.NewTenant(rota.WithLabel("bench"))
	if err != nil {
		return err
	}
	info, err := runtime.Info()
	if err != nil {
		return err
	}
	r := report{Device: info.DeviceName, Mode: info.Mode.String(), Goroutines: goroutines}
	for _, measure := range []func() error{
		func() error { return publish(tenant, blocks, &r) },
		func() error { return roundTrips(tenant, blocks, &r) },
		func() error { return many(tenant, goroutines, seconds, &r) },
		func() error { return allocations(tenant, &r) },
		func() error { r.IdleCPU = idleCPU(time.Second); return nil },
	} {
		if err := measure(); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(r)
}

func median(samples []int64) float64 { return percentile(samples, 50) }

func percentile(samples []int64, percent int) float64 {
	slices.Sort(samples)
	return float64(samples[len(samples)*percent/100])
}

func publish(tenant *rota.Tenant, blocks int, r *report) error {
	const rounds = 500
	ctx := context.Background()
	jobs := make([]rota.Job, batchJobs)
	for i := range jobs {
		jobs[i] = rota.Job{Op: rota.OpNop, Tiles: 1, UserData: uint64(i)}
	}
	var inGo, inC []int64
	block := make([]int64, rounds)
	var batch rota.Batch
	for b := range blocks + 1 { // the first warms up
		for range rounds {
			before := time.Now()
			err := tenant.SubmitInto(ctx, &batch, jobs)
			took := time.Since(before)
			if err != nil {
				return err
			}
			if _, err := batch.Wait(ctx); err != nil {
				return err
			}
			if b > 0 {
				inGo = append(inGo, took.Nanoseconds())
			}
		}
		if err := publishC(block); err != nil {
			return err
		}
		if b > 0 {
			inC = append(inC, block...)
		}
	}
	r.PublishGoNS = median(inGo) / batchJobs
	r.PublishCNS = median(inC) / batchJobs
	r.PublishNS = r.PublishGoNS - r.PublishCNS
	return nil
}

func roundTrips(tenant *rota.Tenant, blocks int, r *report) error {
	const rounds = 5000
	ctx := context.Background()
	var inGo, inC []int64
	block := make([]int64, rounds)
	for b := range blocks + 1 {
		for range rounds {
			before := time.Now()
			_, err := tenant.Do(ctx, rota.Job{Op: rota.OpNop})
			took := time.Since(before)
			if err != nil {
				return err
			}
			if b > 0 {
				inGo = append(inGo, took.Nanoseconds())
			}
		}
		if err := roundTripsC(block); err != nil {
			return err
		}
		if b > 0 {
			inC = append(inC, block...)
		}
	}
	r.RoundTripNS = median(inGo)
	r.RoundTripP99NS = percentile(inGo, 99)
	r.RoundTripCNS = median(inC)
	return nil
}

func many(tenant *rota.Tenant, goroutines int, seconds float64, r *report) error {
	ctx := context.Background()
	counts := make([]int, goroutines)
	failures := make([]error, goroutines)
	var all sync.WaitGroup
	begin := time.Now()
	end := begin.Add(time.Duration(seconds * float64(time.Second)))
	for g := range goroutines {
		all.Add(1)
		go func() {
			defer all.Done()
			job := rota.Job{Op: rota.OpNop, Args: [10]uint32{uint32(g)}}
			for time.Now().Before(end) {
				for i := range uint32(16) { // between looks at the clock
					job.Args[1] = i
					done, err := tenant.Do(ctx, job)
					if err == nil && done.Results != [2]uint32{uint32(g), i} {
						err = fmt.Errorf("goroutine %d got another one's results", g)
					}
					if err != nil {
						failures[g] = err
						return
					}
					counts[g]++
				}
			}
		}()
	}
	all.Wait()
	took := time.Since(begin).Seconds()
	total := 0
	for g := range goroutines {
		if failures[g] != nil {
			return failures[g]
		}
		total += counts[g]
	}
	r.JobsPerSecond = float64(total) / took
	return nil
}
