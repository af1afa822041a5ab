// Command scan-service is an HTTP service that counts patterns in uploads on a device:
//
//	curl -H 'X-API-Key: me' --data-binary @file http://localhost:8080/scan
//
// Each API key is a tenant of its own, with a weight and a quota. Scans belong to the traces of their requests; with
// OTEL_TRACES_EXPORTER=otlp in the environment a collector hears of them. On SIGTERM it answers what it has begun and ends.
package main

import (
	"context"
	"errors"
	"expvar"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

// defaultPatterns look for what should not be in an upload.
var defaultPatterns = []string{
	"password", "passwd", "secret", "api_key", "apikey", "access_token", "authorization: bearer",
	"-----begin private key", "-----begin rsa private key", "akia", "ghp_", "xoxb-", "jdbc:", "ssn",
}

type config struct {
	address, admin string
	patterns       []string
	limits         map[string]limits // by API key
	tenants        int
	upload         int
	timeout, idle  time.Duration
	drain          time.Duration
}

func main() {
	var c config
	var file, keys string
	flag.StringVar(&c.address, "listen", "127.0.0.1:8080", "where clients come in")
	flag.StringVar(&c.admin, "admin", "127.0.0.1:8081", "where operators come in")
	flag.StringVar(&file, "patterns", "", "file with one pattern a line; without it a list of secrets")
	flag.IntVar(&c.tenants, "tenants", 64, "API keys at once")
	flag.StringVar(&keys, "keys", "", "file with what each API key gets; without it any key gets the same")
	flag.IntVar(&c.upload, "upload", 256<<10, "bytes of the largest text")
	flag.DurationVar(&c.timeout, "timeout", 10*time.Second, "the longest that a scan may take")
	flag.DurationVar(&c.idle, "idle", 5*time.Minute, "after which an API key's tenant is closed")
	flag.DurationVar(&c.drain, "drain", 10*time.Second, "the longest that ending may wait for requests")
	flag.Parse()

	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	err := func() (err error) {
		if c.patterns, err = readPatterns(file); err != nil {
			return err
		}
		if c.limits, err = readLimits(keys); err != nil {
			return err
		}
		return run(ctx, c, log, nil)
	}()
	if err != nil {
		log.Error("scan-service", "error", err)
		os.Exit(1)
	}
}

func readPatterns(file string) ([]string, error) {
	if file == "" {
		return defaultPatterns, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' || c == '\r' }), nil
}

// run serves until the context ends. It tells the addresses when it can be reached.
func run(ctx context.Context, c config, log *slog.Logger, ready func(public, admin string)) (err error) {
	if c.tenants < 1 || c.upload < 1 {
		return errors.New("-tenants and -upload must be at least 1")
	}
	device, err := rota.Open(rota.WithLog(log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	s, err := newService(device, c, log)
	if err != nil {
		return err
	}
	publish(s)
	public, err := net.Listen("tcp", c.address)
	if err != nil {
		return err
	}
	admin, err := net.Listen("tcp", c.admin)
	if err != nil {
		return errors.Join(err, public.Close())
	}
	servers := []*http.Server{serverOf(s.public(), c), serverOf(s.admin(), c)}
	failures := make(chan error, len(servers))
	for i, listener := range []net.Listener{public, admin} {
		go func() { failures <- servers[i].Serve(listener) }()
	}
	log.Info("listening", "address", public.Addr(), "admin", admin.Addr(), "patterns", len(c.patterns))
	if ready != nil {
		ready(public.Addr().String(), admin.Addr().String())
	}

	recycling, stopRecycling := context.WithCancel(context.Background())
	defer stopRecycling()
	go s.tenants.closeIdleUntil(recycling, c.idle)
	select {
	case <-ctx.Done():
	case err = <-failures:
	}
	log.Info("draining")
	s.draining.Store(true)
	limit, cancel := context.WithTimeout(context.Background(), c.drain)
	defer cancel()
	for _, server := range servers { // the operators' last: it tells that the service drains
		err = errors.Join(err, server.Shutdown(limit))
	}
	err = errors.Join(err, s.tenants.close())
	log.Info("ended")
	return err
}

func newService(device *rota.Runtime, c config, log *slog.Logger) (*service, error) {
	table, err := buildDFA(c.patterns)
	if err != nil {
		return nil, fmt.Errorf("the patterns: %w", err)
	}
	s := &service{
		tenants: &tenants{runtime: device, limits: c.limits, table: table, patterns: len(c.patterns), most: c.tenants,
			upload: c.upload, byKey: map[string]*tenant{}},
		patterns: c.patterns, timeout: c.timeout, log: log,
	}
	s.texts.New = func() any {
		space := make([]byte, c.upload+1)
		return &space
	}
	return s, nil
}

func serverOf(handler http.Handler, c config) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30*time.Second + c.timeout, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
}

// serving is the service that the variables of this process tell about.
var (
	serving     *service
	servingLock sync.Mutex
	publishOnce sync.Once
)

// publish puts what operators ask for into /debug/vars.
func publish(s *service) {
	servingLock.Lock()
	serving = s
	servingLock.Unlock()
	publishOnce.Do(func() {
		expvar.Publish("goroutines", expvar.Func(func() any { return runtime.NumGoroutine() }))
		expvar.Publish("tenants", expvar.Func(func() any {
			servingLock.Lock()
			defer servingLock.Unlock()
			return serving.tenants.count()
		}))
		expvar.Publish("rota", expvar.Func(func() any {
			servingLock.Lock()
			defer servingLock.Unlock()
			info, err := serving.tenants.runtime.Info()
			if err != nil {
				return err.Error()
			}
			return info
		}))
	})
}
