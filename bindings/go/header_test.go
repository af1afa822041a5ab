// The binding is whole: every function and constant of rota.h is bound, or is on a list that says
// why not.

package rota_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	rota "github.com/rota-compute/rota/bindings/go"
)

var notBound = map[string]string{
	"rota_buffer_map":      "gives raw memory that another goroutine's Close would take away; Read and Write copy",
	"rota_buffer_unmap":    "goes with rota_buffer_map",
	"rota_buffer_import":   "the memory would have to stay in place longer than Go can promise for its own",
	"rota_tenant_event_fd": "goroutines wait for channels: Batch.Done",
	"rota_wait":            "one poller takes all completions; see lead.go",
	"rota_poll":            "called by rota_go_exchange in shim.h",
	"rota_submit":          "called by rota_go_submit in shim.h",
	"rota_submit_traced":   "called by rota_go_submit in shim.h",
	"rota_log_set":         "called by rota_go_log_set in shim.c",
	"rota_recording_next":  "called by rota_go_next in shim.h",
	"rota_replay_run":      "called by rota_go_replay_run in shim.c",
	"ROTA_RECORD_END":      "Records ends there",
	"ROTA_WAIT_ADAPTIVE":   "lead.go spins and blocks by its own measure",
	"ROTA_RESOURCE_NONE":   "an error about no resource is no *QuotaError",

	"rota_metrics_snapshot":     "called by rota_go_snapshot in shim.h",
	"rota_metrics_provider_add": "called by rota_go_provider_add in shim.c",
}

func header(t *testing.T) string {
	t.Helper()
	path := "../../include/rota/rota.h" // in the repository
	if _, err := os.Stat(path); err != nil {
		folder, err := exec.Command("pkg-config", "--variable=includedir", "rota").Output()
		ok(t, err)
		path = filepath.Join(strings.TrimSpace(string(folder)), "rota", "rota.h")
	}
	text, err := os.ReadFile(path)
	ok(t, err)
	return string(text)
}

// uses holds every C.name of the package, and for constants the Go names that are just that.
func uses(t *testing.T) (used map[string]bool, constants map[string]string) {
	t.Helper()
	used, constants = map[string]bool{}, map[string]string{}
	nameOf := func(e ast.Expr) string {
		if s, is := e.(*ast.SelectorExpr); is {
			if x, is := s.X.(*ast.Ident); is && x.Name == "C" {
				return s.Sel.Name
			}
		}
		return ""
	}
	files, err := filepath.Glob("*.go")
	ok(t, err)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		ok(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.SelectorExpr:
				used[nameOf(n)] = true
			case *ast.GenDecl:
				for _, spec := range n.Specs {
					value, is := spec.(*ast.ValueSpec)
					if !is || n.Tok != token.CONST {
						continue
					}
					for i, e := range value.Values {
						if value.Names[i].IsExported() {
							constants[nameOf(e)] = value.Names[i].Name
						}
					}
				}
			}
			return true
		})
	}
	return used, constants
}

func TestEveryFunctionOfTheHeaderIsBound(t *testing.T) {
	used, _ := uses(t)
	found := regexp.MustCompile(`(?m)^[a-z][a-z0-9_ *]*\b(rota_[a-z0-9_]+)\(`).FindAllStringSubmatch(header(t), -1)
	if len(found) < 30 {
		t.Fatalf("only %d functions were found in the header", len(found))
	}
	for _, match := range found {
		name := match[1]
		if reason := notBound[name]; used[name] == (reason != "") {
			t.Errorf("%s: called %v, reason not to be: %q", name, used[name], reason)
		}
	}
	shim, err := os.ReadFile("shim.h")
	ok(t, err)
	forward, err := os.ReadFile("shim.c")
	ok(t, err)
	for _, call := range []string{"rota_poll(", "rota_submit(", "rota_submit_traced(", "rota_log_set(", "rota_recording_next(", "rota_replay_run(",
		"rota_metrics_snapshot(", "rota_metrics_provider_add("} {
		if !strings.Contains(string(shim)+string(forward), call) {
			t.Errorf("%s...) is not called in C either", call)
		}
	}
}

func TestEveryConstantOfTheHeaderIsBound(t *testing.T) {
	used, constants := uses(t)
	// Of these each one is an exported constant; of the others it is enough that they are used.
	exported := regexp.MustCompile(`^ROTA_(STATUS|FAULT|OP|COMPLETION|DEVICE|MODE|RUNTIME|JOB|TICKET|BUFFER|RESOURCE|TENANT|CLASS|` +
		`CAPTURE|RECORDER|EVIDENCE|RECORDING|RECORD|EVENT|REPLAY|DIFFERS|LEASE|ACTION|METRICS|LATENCY|HISTOGRAM|SAMPLER|SPANS|TRACE)_`)
	found := regexp.MustCompile(`(?m)^#define (ROTA_[A-Z0-9_]+) `).FindAllStringSubmatch(header(t), -1)
	if len(found) < 80 {
		t.Fatalf("only %d constants were found in the header", len(found))
	}
	for _, match := range found {
		name := match[1]
		if strings.HasSuffix(name, "_INIT") { // in shim.h
			continue
		}
		bound := used[name]
		if exported.MatchString(name) {
			bound = constants[name] != ""
		}
		if reason := notBound[name]; bound == (reason != "") {
			t.Errorf("%s: bound %v, reason not to be: %q", name, bound, reason)
		}
	}
}

func TestEveryFieldOfTheHeaderIsUsed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	ok(t, err)
	var code strings.Builder
	for _, path := range append(files, "shim.h", "shim.c") {
		if !strings.HasSuffix(path, "_test.go") {
			text, err := os.ReadFile(path)
			ok(t, err)
			code.Write(text)
		}
	}
	text := header(t)
	for _, name := range []string{"runtime_info", "device_info", "outputs_stats", "module_report", "runtime_options",
		"tenant_options", "module_options", "quota", "tenant_counters", "recorder_options", "recorder_state",
		"recording_info", "record", "field", "replay_options", "replay_report", "replay_job", "replay_count",
		"counts", "latency", "ages", "tenant_metrics", "handler_metrics", "metrics_value", "metrics", "snapshot", "decision",
		"span_options", "span_stats"} {
		body := regexp.MustCompile(`(?s)typedef struct rota_` + name + ` \{(.*?)\n\}`).FindStringSubmatch(text)
		if body == nil {
			t.Fatalf("rota_%s is not in the header", name)
		}
		for _, field := range regexp.MustCompile(`(?m)^    [a-z].*[ *](\w+)(\[\w+\])?;$`).FindAllStringSubmatch(body[1], -1) {
			of := regexp.MustCompile(`(\.|->)` + field[1] + `\b`)
			if field[1] != "struct_size" && field[1] != "reserved" && !of.MatchString(code.String()) {
				t.Errorf("rota_%s.%s is not used", name, field[1])
			}
		}
	}
}

func TestNamesAreThoseOfTheHeader(t *testing.T) {
	for got, want := range map[string]string{
		rota.ErrWouldBlock.Name():           "ROTA_STATUS_WOULD_BLOCK",
		rota.FaultOutOfBounds.Name():        "ROTA_FAULT_OUT_OF_BOUNDS",
		(rota.FaultHandler + 3).Name():      "ROTA_FAULT_HANDLER",
		rota.CompletionSkipped.String():     "ROTA_COMPLETION_SKIPPED",
		rota.Status(999).Name():             "UNKNOWN",
		rota.CompletionStatus(999).String(): "UNKNOWN",
		rota.ModeResident.String():          "resident",
		rota.DeviceCPU.String():             "cpu",
		rota.ErrClosed.Name():               "ROTA_STATUS_INVALID_HANDLE",
		rota.ResourceBufferBytes.Name():     "ROTA_RESOURCE_BUFFER_BYTES",
		rota.Resource(999).Name():           "UNKNOWN",
		rota.Resource(999).String():         "unknown",
		rota.ClassBackground.String():       "background",
		rota.Class(999).String():            "unknown",
		rota.TenantDraining.String():        "draining",
		rota.TenantState(999).String():      "unknown",
		rota.ErrNotReplayable.Name():        "ROTA_STATUS_NOT_REPLAYABLE",
		rota.RecordCheckpoint.String():      "ROTA_RECORD_CHECKPOINT",
		rota.RecordKind(999).String():       "UNKNOWN",
		rota.EvidenceTransient.String():     "ROTA_EVIDENCE_TRANSIENT",
		rota.EvidenceClass(999).String():    "UNKNOWN",
		rota.ReplayNotComparable.String():   "ROTA_REPLAY_NOT_COMPARABLE",
		rota.Outcome(999).String():          "UNKNOWN",
		rota.LeaseNotify.String():           "notify",
		rota.LeaseEnd(999).String():         "unknown",
		rota.ActionKernelReused.String():    "reused",
		rota.Action(999).String():           "unknown",
	} {
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	for _, format := range []rota.MetricsFormat{rota.MetricsPrometheus, rota.MetricsOpenMetrics, rota.MetricsJSON} {
		if !strings.Contains(header(t), ": "+format.ContentType()+".\n") {
			t.Errorf("the header doesn't say %s", format.ContentType())
		}
	}
	for resource := range rota.Resource(rota.Resources) {
		if got := "ROTA_RESOURCE_" + strings.ToUpper(resource.String()); got != resource.Name() {
			t.Errorf("%s, not %s", got, resource.Name())
		}
	}
	if rota.ErrNoDriver.Error() == rota.ErrNoDevice.Error() || rota.FaultReadOnly.Error() == "" {
		t.Error("errors have no texts of their own")
	}
}
