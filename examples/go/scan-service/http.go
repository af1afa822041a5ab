// What the service answers: POST /scan, and for its operators /healthz, /metrics and /debug/vars.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

const mostKeyBytes = 64

type service struct {
	tenants  *tenants
	patterns []string
	timeout  time.Duration // of one scan
	log      *slog.Logger
	draining atomic.Bool
	texts    sync.Pool // *[]byte, each with room for the largest text and one byte
}

type answer struct {
	Bytes   int               `json:"bytes"`
	Matches uint64            `json:"matches"`
	Counts  map[string]uint32 `json:"counts"` // by pattern
}

// refusal is the answer to a key that has used up a quota.
type refusal struct {
	Error     string `json:"error"`
	Resource  string `json:"resource"`
	Requested uint64 `json:"requested"`
	Used      uint64 `json:"used"`
	Cap       uint64 `json:"cap"`
	Retry     bool   `json:"retry"` // it may go through later; there is a Retry-After then
}

// public is for the clients.
func (s *service) public() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /scan", s.scan)
	mux.HandleFunc("GET /healthz", s.health)
	return mux
}

// admin is for the operators.
func (s *service) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /debug/vars", expvar.Handler().ServeHTTP)
	// What is still used after a collection, for looking for leaks.
	mux.HandleFunc("POST /debug/gc", func(w http.ResponseWriter, _ *http.Request) {
		debug.FreeOSMemory()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		reply(w, http.StatusOK, map[string]uint64{
			"goroutines": uint64(runtime.NumGoroutine()),
			"heap_bytes": memory.HeapAlloc,
			"tenants":    uint64(s.tenants.count()),
		})
	})
	return mux
}

func (s *service) health(w http.ResponseWriter, _ *http.Request) {
	if s.draining.Load() {
		reply(w, http.StatusServiceUnavailable, map[string]string{"status": "draining"})
		return
	}
	if _, err := s.tenants.runtime.Info(); err != nil {
		reply(w, http.StatusServiceUnavailable, map[string]string{"status": err.Error()})
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// metrics answers in the format that the client likes best.
func (s *service) metrics(w http.ResponseWriter, r *http.Request) {
	format := formatOf(r.Header.Get("Accept"))
	var text bytes.Buffer
	if err := s.tenants.runtime.WriteMetrics(&text, format); err != nil {
		s.failed(w, err)
		return
	}
	w.Header().Set("Content-Type", format.ContentType())
	w.Header().Set("Vary", "Accept")
	_, _ = w.Write(text.Bytes()) // the client may be gone
}

// formatOf is the best of what a client accepts, and the Prometheus text format if it says nothing of use.
func formatOf(accept string) rota.MetricsFormat {
	best, liked := rota.MetricsPrometheus, 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		format := rota.MetricsPrometheus
		switch version := parameters["version"]; {
		case kind == "application/openmetrics-text" && (version == "" || version == "1.0.0"):
			format = rota.MetricsOpenMetrics
		case kind == "application/json":
			format = rota.MetricsJSON
		case kind == "text/plain" && (version == "" || version == "0.0.4"), kind == "text/*", kind == "*/*":
		default:
			continue
		}
		quality, err := strconv.ParseFloat(parameters["q"], 64)
		if err != nil {
			quality = 1
		}
		if quality > liked {
			best, liked = format, quality
		}
	}
	return best
}

func (s *service) scan(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("X-API-Key")
	if key == "" || len(key) > mostKeyBytes {
		refuse(w, http.StatusUnauthorized, "the header X-API-Key must have 1 to 64 bytes")
		return
	}
	// Before the text is read: a key that is to be refused costs little.
	scan, err := s.tenants.begin(key)
	if err != nil {
		s.failed(w, err)
		return
	}
	defer scan.end()
	space := s.texts.Get().(*[]byte)
	defer s.texts.Put(space)
	n, err := io.ReadFull(r.Body, *space)
	if err == nil { // it filled the one byte too many
		w.Header().Set("Connection", "close") // the rest isn't read
		refuse(w, http.StatusRequestEntityTooLarge, "the text is too large")
		return
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || n < int(r.ContentLength) {
		refuse(w, http.StatusBadRequest, "the text could not be read")
		return
	}
	ctx, cancel := context.WithTimeout(withTrace(r), s.timeout)
	defer cancel()
	counts, err := scan.run(ctx, (*space)[:n])
	if err != nil {
		s.failed(w, err)
		return
	}
	out := answer{Bytes: n, Counts: make(map[string]uint32, len(counts))}
	for p, count := range counts {
		out.Matches += uint64(count)
		out.Counts[s.patterns[p]] = count
	}
	reply(w, http.StatusOK, out)
}

// withTrace is the request's context, with the trace that its client says it belongs to.
func withTrace(r *http.Request) context.Context {
	parent := r.Header.Values("traceparent")
	if len(parent) != 1 {
		return r.Context()
	}
	trace, err := rota.ParseTraceContext(parent[0])
	if err != nil { // as if there were none, says W3C
		return r.Context()
	}
	return rota.ContextWithTrace(r.Context(), trace)
}

func (s *service) failed(w http.ResponseWriter, err error) {
	var quota *rota.QuotaError
	switch {
	case errors.As(err, &quota):
		out := refusal{Error: err.Error(), Resource: quota.Resource.String(), Requested: quota.Requested,
			Used: quota.Used, Cap: quota.Cap, Retry: quota.Err.Retryable || errors.Is(err, errComesBack)}
		if out.Retry {
			w.Header().Set("Retry-After", "1")
		}
		reply(w, http.StatusTooManyRequests, out)
	case errors.Is(err, errUnknown):
		refuse(w, http.StatusUnauthorized, err.Error())
	case errors.Is(err, context.Canceled): // the client is gone
	case errors.Is(err, context.DeadlineExceeded):
		refuse(w, http.StatusGatewayTimeout, "the scan took too long")
	case errors.Is(err, errBusy), errors.Is(err, errShutdown), errors.Is(err, rota.ErrClosed),
		errors.Is(err, rota.ErrStopped), errors.Is(err, rota.ErrOutOfRingMemory), errors.Is(err, rota.ErrOutOfDeviceMemory):
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, err.Error())
	default:
		s.log.Error("scan", "error", err)
		refuse(w, http.StatusInternalServerError, "the scan failed")
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"error": message})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
