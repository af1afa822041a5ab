// Package rotaprom hands the metrics of a Rota runtime to the Prometheus client library:
//
//	registry.MustRegister(rotaprom.NewCollector(runtime))
//
// It is a module of its own, so that a program which doesn't want that library doesn't get it:
// Runtime.WriteMetrics does without.
package rotaprom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	rota "github.com/rota-compute/rota/bindings/go"
)

// Collector collects what Runtime.WriteMetrics writes for Prometheus: the same names, labels and values. It
// asks the library which metrics there are, so it has those of any version, and what providers tell. The
// registry can't check them before they are there: two runtimes in one registry need labels that tell them
// apart, by prometheus.WrapRegistererWith.
type Collector struct {
	runtime *rota.Runtime
}

// NewCollector is a collector of a runtime's metrics. When that is closed, collecting fails: unregister it
// before.
func NewCollector(runtime *rota.Runtime) *Collector {
	return &Collector{runtime: runtime}
}

// family is a metric with all of its series, in MetricsJSON.
type family struct {
	Name, Type, Help string
	Samples          []struct {
		Labels map[string]string
		Value  json.RawMessage
	}
}

// histogram is a value of a family of that type.
type histogram struct {
	Buckets [][2]json.RawMessage // bounds as texts, and how many were no longer
	Sum     float64
	Count   uint64
}

// Describe describes nothing: it is known only when it is collected.
func (*Collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads all metrics at once.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	if err := c.collect(to); err != nil {
		to <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
}

func (c *Collector) collect(to chan<- prometheus.Metric) error {
	var text bytes.Buffer
	if err := c.runtime.WriteMetrics(&text, rota.MetricsJSON); err != nil {
		return err
	}
	var all struct {
		Metrics  []family
		Provided map[string]*float64
	}
	if err := json.Unmarshal(text.Bytes(), &all); err != nil {
		return err
	}
	for _, f := range all.Metrics {
		if err := f.collect(to); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	for name, value := range all.Provided {
		told := math.NaN() // JSON has no other numbers than finite ones
		if value != nil {
			told = *value
		}
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, "Told by a provider.", nil, nil), prometheus.GaugeValue, told)
	}
	return nil
}

func (f *family) collect(to chan<- prometheus.Metric) error {
	name, kind := f.Name, prometheus.GaugeValue
	switch f.Type {
	case "counter":
		name, kind = name+"_total", prometheus.CounterValue
	case "info":
		name += "_info"
	}
	for _, sample := range f.Samples {
		labels := slices.Sorted(maps.Keys(sample.Labels))
		values := make([]string, len(labels))
		for i, label := range labels {
			values[i] = sample.Labels[label]
		}
		desc := prometheus.NewDesc(name, f.Help, labels, nil)
		metric, err := f.metric(desc, kind, sample.Value, values)
		if err != nil {
			return err
		}
		to <- metric
	}
	return nil
}

func (f *family) metric(desc *prometheus.Desc, kind prometheus.ValueType, value []byte, labels []string) (prometheus.Metric, error) {
	if f.Type != "histogram" {
		var number float64
		if err := json.Unmarshal(value, &number); err != nil {
			return nil, err
		}
		return prometheus.NewConstMetric(desc, kind, number, labels...)
	}
	var h histogram
	if err := json.Unmarshal(value, &h); err != nil {
		return nil, err
	}
	buckets := make(map[float64]uint64, len(h.Buckets))
	for _, bucket := range h.Buckets {
		var text string
		var count uint64
		if err := json.Unmarshal(bucket[0], &text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(bucket[1], &count); err != nil {
			return nil, err
		}
		bound, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		if !math.IsInf(bound, 1) { // that one is the count
			buckets[bound] = count
		}
	}
	return prometheus.NewConstHistogram(desc, h.Count, h.Sum, buckets, labels...)
}
