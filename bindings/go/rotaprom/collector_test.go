// The collector has what the library itself writes for Prometheus, and a registry takes it.

package rotaprom_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	rota "github.com/rota-compute/rota/bindings/go"
	"github.com/rota-compute/rota/bindings/go/rotaprom"
)

func TestMain(m *testing.M) {
	_ = os.Unsetenv("ROTA_RECORD")
	os.Exit(m.Run())
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// busy is a runtime that has done some of everything, and a registry that has its collector.
func busy(t *testing.T) (*rota.Runtime, *prometheus.Registry) {
	t.Helper()
	r, err := rota.Open()
	ok(t, err)
	t.Cleanup(func() { _ = r.Close() })
	for _, label := range []string{"plain", `quotes " and \ and` + "\nlines", "ünïcode"} {
		tenant, err := r.NewTenant(rota.WithLabel(label), rota.WithQuota(rota.Quota{rota.ResourceBuffers: 1}))
		ok(t, err)
		for range 3 {
			_, err = tenant.Do(context.Background(), rota.Job{Op: rota.OpNop})
			ok(t, err)
		}
		_, err = tenant.Do(context.Background(), rota.Job{Op: rota.OpSumU32, Tiles: 1, Args: [10]uint32{12345, 0, 1}})
		if !errors.Is(err, rota.FaultInvalidBuffer) {
			t.Fatal(err)
		}
		_, err = rota.NewBuffer[uint32](tenant, 10, 0)
		ok(t, err)
		if _, err = rota.NewBuffer[uint32](tenant, 10, 0); !errors.Is(err, rota.ErrQuotaExceeded) {
			t.Fatal(err)
		}
		ok(t, tenant.Quiesce(context.Background()))
	}
	_, err = r.AddMetrics(func(tell func(string, float64) error) {
		ok(t, tell("queue_depth", 2.5))
		ok(t, tell("not_a_number", math.NaN()))
	})
	ok(t, err)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(rotaprom.NewCollector(r))
	return r, registry
}

func written(t *testing.T, r *rota.Runtime, format rota.MetricsFormat) string {
	t.Helper()
	var text bytes.Buffer
	ok(t, r.WriteMetrics(&text, format))
	return text.String()
}

func TestItIsWhatTheLibraryWrites(t *testing.T) {
	r, registry := busy(t)
	ok(t, r.Stop()) // so that no number changes any more
	text := written(t, r, rota.MetricsPrometheus)
	for _, some := range []string{"rota_info{", `rota_tenant_refused_total{tenant="plain"`, "rota_latency_seconds_bucket{",
		"rota_handler_calls_total{", "queue_depth 2.5\n", "not_a_number NaN\n"} {
		if !strings.Contains(text, some) {
			t.Fatalf("there is no %q in\n%s", some, text)
		}
	}
	// The client library has the labels of a series by name.
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	ok(t, err)
	var want bytes.Buffer
	for _, family := range families {
		for _, metric := range family.Metric {
			slices.SortFunc(metric.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
		_, err = expfmt.MetricFamilyToText(&want, family)
		ok(t, err)
	}
	ok(t, testutil.GatherAndCompare(registry, &want))
}

func TestPrometheusFindsNothingWrongWithTheNames(t *testing.T) {
	_, registry := busy(t)
	problems, err := testutil.GatherAndLint(registry)
	ok(t, err)
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestItIsServedInBothFormats(t *testing.T) {
	_, registry := busy(t)
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	t.Cleanup(server.Close)
	for accept, end := range map[string]string{"": "\n", "application/openmetrics-text; version=1.0.0": "\n# EOF\n"} {
		request, err := http.NewRequest(http.MethodGet, server.URL, nil)
		ok(t, err)
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		ok(t, err)
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		ok(t, err)
		if response.StatusCode != http.StatusOK || !strings.HasSuffix(string(text), end) ||
			!strings.Contains(string(text), `rota_tenant_jobs_completed_total{tenant="plain"} 4`) {
			t.Errorf("%q: %s\n%s", accept, response.Status, text)
		}
	}
}

func TestTwoRuntimesNeedALabelOfTheirs(t *testing.T) {
	a, registry := busy(t)
	b, err := rota.Open()
	ok(t, err)
	defer b.Close()
	second := prometheus.NewPedanticRegistry()
	for name, r := range map[string]*rota.Runtime{"a": a, "b": b} {
		prometheus.WrapRegistererWith(prometheus.Labels{"runtime": name}, second).MustRegister(rotaprom.NewCollector(r))
	}
	_, err = second.Gather()
	ok(t, err)
	registry.MustRegister(rotaprom.NewCollector(b))
	if _, err = registry.Gather(); err == nil {
		t.Error("there are two of the same")
	}
}

func TestAClosedRuntimeIsAnError(t *testing.T) {
	r, registry := busy(t)
	ok(t, r.Close())
	if _, err := registry.Gather(); err == nil || !strings.Contains(err.Error(), "runtime") {
		t.Errorf("%v", err)
	}
}
