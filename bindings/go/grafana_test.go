// The dashboard asks for metrics that there are.

package rota_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	rota "github.com/rota-compute/rota/bindings/go"
)

// samples are the names that the samples of all metrics have.
func samples(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(written(t, shared, rota.MetricsOpenMetrics), -1) {
		for _, suffix := range map[string][]string{"counter": {"_total"}, "gauge": {""}, "info": {"_info"},
			"histogram": {"_bucket", "_sum", "_count"}}[match[2]] {
			names[match[1]+suffix] = true
		}
	}
	return names
}

func TestTheDashboardAsksForMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile("../../docs/grafana.json")
	ok(t, err)
	type target struct{ Expr, LegendFormat string }
	var dashboard struct {
		SchemaVersion int
		Templating    struct {
			List []struct{ Name, Definition string }
		}
		Panels []struct {
			ID          int
			Type, Title string
			Datasource  struct{ Type, UID string }
			Targets     []target
		}
	}
	ok(t, json.Unmarshal(text, &dashboard))
	if dashboard.SchemaVersion < 36 { // of Grafana 10
		t.Errorf("the schema is of version %d", dashboard.SchemaVersion)
	}
	variables := map[string]bool{"__rate_interval": true}
	var asked []string
	for _, variable := range dashboard.Templating.List {
		variables[variable.Name] = true
		asked = append(asked, variable.Definition)
	}
	panels := map[int]bool{}
	for _, panel := range dashboard.Panels {
		if panels[panel.ID] {
			t.Errorf("two panels have the number %d", panel.ID)
		}
		panels[panel.ID] = true
		if panel.Type == "row" {
			continue
		}
		if panel.Datasource.Type != "prometheus" || panel.Datasource.UID != "${datasource}" || len(panel.Targets) == 0 {
			t.Errorf("%s: %+v", panel.Title, panel)
		}
		for _, target := range panel.Targets {
			asked = append(asked, target.Expr)
		}
	}
	there, metric, variable := samples(t), regexp.MustCompile(`\brota_\w+`), regexp.MustCompile(`\$(\w+)`)
	if len(asked) < 20 || len(there) < 60 {
		t.Fatalf("%d expressions, %d metrics", len(asked), len(there))
	}
	for _, expression := range asked {
		names := metric.FindAllString(expression, -1)
		if expression != "" && len(names) == 0 {
			t.Errorf("%s asks for no metric", expression)
		}
		for _, name := range names {
			if !there[name] {
				t.Errorf("%s: there is no %s", expression, name)
			}
		}
		for _, match := range variable.FindAllStringSubmatch(expression, -1) {
			if !variables[match[1]] {
				t.Errorf("%s: there is no variable %s", expression, match[1])
			}
		}
		if strings.Count(expression, "(") != strings.Count(expression, ")") {
			t.Errorf("%s: brackets", expression)
		}
	}
}
