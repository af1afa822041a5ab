// What the service promises: right counts, limits, bounded tenants, and an end that loses no request.

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testConfig() config {
	return config{address: "127.0.0.1:0", admin: "127.0.0.1:0", patterns: defaultPatterns,
		limits: map[string]limits{others: defaultLimits}, tenants: 8,
		upload: 100 << 10, timeout: 10 * time.Second, idle: time.Minute, drain: 10 * time.Second}
}

// serve is the service without its sockets' end: what it gives is closed when the test ends.
func serve(t *testing.T, c config) (*service, *httptest.Server) {
	t.Helper()
	device, err := rota.Open()
	ok(t, err)
	s, err := newService(device, c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ok(t, err)
	server := httptest.NewServer(s.public())
	t.Cleanup(func() {
		server.Close()
		ok(t, s.tenants.close())
		ok(t, device.Close())
	})
	return s, server
}

func post(url, key string, text []byte) (status int, a answer, err error) {
	request, err := http.NewRequest(http.MethodPost, url+"/scan", bytes.NewReader(text))
	if err != nil {
		return 0, a, err
	}
	if key != "" {
		request.Header.Set("X-API-Key", key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, a, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		err = json.NewDecoder(response.Body).Decode(&a)
	}
	return response.StatusCode, a, err
}

// count is the truth: overlapping matches, ASCII case ignored, found by other means.
func count(text []byte, pattern string) (matches uint32) {
	small := bytes.Map(func(r rune) rune { return rune(lower(byte(r))) }, text)
	for from := 0; ; matches++ {
		at := bytes.Index(small[from:], []byte(pattern))
		if at < 0 {
			return matches
		}
		from += at + 1
	}
}

func randomText(random *rand.Rand, bytes int) []byte {
	var text []byte
	for len(text) < bytes {
		pattern := []byte(defaultPatterns[random.IntN(len(defaultPatterns))])
		switch random.IntN(4) {
		case 0:
			pattern = pattern[:random.IntN(len(pattern))]
		case 1:
			pattern = []byte(strings.ToUpper(string(pattern)))
		case 2:
			pattern = []byte(strings.Repeat("s", random.IntN(40)) + "ecret")
		}
		text = append(text, pattern...)
	}
	return text[:bytes]
}

func TestCountsAreThoseOfAPlainSearchForManyKeysAtOnce(t *testing.T) {
	_, server := serve(t, testConfig())
	var all sync.WaitGroup
	for client := range 16 {
		all.Add(1)
		go func() {
			defer all.Done()
			random := rand.New(rand.NewPCG(1, uint64(client)))
			for _, size := range []int{0, 1, 100, 5000, 100 << 10} {
				text := randomText(random, size)
				status, got, err := post(server.URL, fmt.Sprint("key ", client%8), text)
				if err != nil || status != http.StatusOK || got.Bytes != size {
					t.Errorf("client %d, %d bytes: status %d, %v", client, size, status, err)
					return
				}
				matches := uint64(0)
				for _, pattern := range defaultPatterns {
					want := count(text, pattern)
					matches += uint64(want)
					if got.Counts[pattern] != want {
						t.Errorf("client %d, %d bytes: %d times %q, not %d", client, size, got.Counts[pattern], pattern, want)
					}
				}
				if got.Matches != matches || len(got.Counts) != len(defaultPatterns) {
					t.Errorf("client %d, %d bytes: %d matches, not %d", client, size, got.Matches, matches)
				}
			}
		}()
	}
	all.Wait()
}

func TestBadRequestsAreRefused(t *testing.T) {
	_, server := serve(t, testConfig())
	for _, c := range []struct {
		key   string
		bytes int
		want  int
	}{
		{"", 10, http.StatusUnauthorized},
		{strings.Repeat("k", 65), 10, http.StatusUnauthorized},
		{"k", 100<<10 + 1, http.StatusRequestEntityTooLarge},
		{"k", 10 << 20, http.StatusRequestEntityTooLarge},
		{"k", 100 << 10, http.StatusOK},
	} {
		status, _, err := post(server.URL, c.key, make([]byte, c.bytes))
		// A server that doesn't read on may close before the client has written all.
		if c.bytes == 10<<20 && err != nil {
			continue
		}
		ok(t, err)
		if status != c.want {
			t.Errorf("%d bytes with key %q: %d, not %d", c.bytes, c.key, status, c.want)
		}
	}
	response, err := http.Get(server.URL + "/scan")
	ok(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", response.StatusCode)
	}
}

func TestTenantsAreBoundedAndThoseThatAreIdleMakeRoom(t *testing.T) {
	c := testConfig()
	c.tenants = 3
	s, server := serve(t, c)
	for i := range 20 {
		status, _, err := post(server.URL, fmt.Sprint("key ", i), []byte("secret"))
		ok(t, err)
		if status != http.StatusOK || s.tenants.count() > 3 {
			t.Fatalf("key %d: status %d, %d tenants", i, status, s.tenants.count())
		}
	}
	var done []func()
	for _, key := range []string{"a", "b", "c"} {
		_, d, err := s.tenants.use(key)
		ok(t, err)
		done = append(done, d)
	}
	status, _, err := post(server.URL, "d", []byte("secret"))
	ok(t, err)
	if status != http.StatusServiceUnavailable {
		t.Fatalf("a fourth key at once: %d", status)
	}
	for _, d := range done {
		d()
	}
	s.tenants.closeIdle(time.Now().Add(-time.Minute))
	if s.tenants.count() != 3 {
		t.Fatal("a tenant was closed too early")
	}
	s.tenants.closeIdle(time.Now().Add(time.Minute))
	info, err := s.tenants.runtime.Info()
	ok(t, err)
	if s.tenants.count() != 0 || info.Tenants != 0 {
		t.Fatalf("%d tenants, in the runtime %d", s.tenants.count(), info.Tenants)
	}
}

func TestAQuotaThatIsUsedUpIsAnsweredWithItsNumbers(t *testing.T) {
	c := testConfig()
	c.limits = map[string]limits{
		"tight": {Weight: 10, Slots: 8, BufferBytes: 2*uint64(c.upload) + 64<<10, FuelPerSecond: rota.Unlimited},
		"none":  {Weight: 10, Slots: 8, BufferBytes: 64 << 10, FuelPerSecond: rota.Unlimited},
		"shut":  {Weight: 10, Slots: 0, BufferBytes: 4 << 20, FuelPerSecond: rota.Unlimited},
		"wide":  defaultLimits,
	}
	s, server := serve(t, c)
	var held []*scan
	for range 2 {
		scan, err := s.tenants.begin("tight")
		ok(t, err)
		held = append(held, scan)
	}
	refused := func(key, resource string, used uint64, retry bool) refusal {
		request, err := http.NewRequest(http.MethodPost, server.URL+"/scan", strings.NewReader("secret"))
		ok(t, err)
		request.Header.Set("X-API-Key", key)
		response, err := http.DefaultClient.Do(request)
		ok(t, err)
		defer response.Body.Close()
		var got refusal
		ok(t, json.NewDecoder(response.Body).Decode(&got))
		if response.StatusCode != http.StatusTooManyRequests || got.Resource != resource || got.Error == "" ||
			got.Used < used || got.Used+got.Requested <= got.Cap || got.Retry != retry ||
			(response.Header.Get("Retry-After") != "") != retry {
			t.Fatalf("%s: %s, %v, %+v", key, response.Status, response.Header, got)
		}
		return got
	}
	if got := refused("tight", "buffer_bytes", 2*uint64(c.upload), true); got.Requested != uint64(c.upload) ||
		got.Cap != c.limits["tight"].BufferBytes {
		t.Fatalf("%+v", got)
	}
	refused("none", "buffer_bytes", 1, false)
	refused("shut", "slots", 0, false)
	for _, want := range []struct {
		key    string
		status int
	}{{"wide", http.StatusOK}, {"stranger", http.StatusUnauthorized}} {
		status, _, err := post(server.URL, want.key, []byte("secret"))
		ok(t, err)
		if status != want.status {
			t.Fatalf("%s: %d", want.key, status)
		}
	}
	for _, scan := range held {
		scan.end()
	}
	for range 5 { // what was made is used again
		status, got, err := post(server.URL, "tight", []byte("secret"))
		ok(t, err)
		if status != http.StatusOK || got.Matches != 1 {
			t.Fatalf("%d, %+v", status, got)
		}
	}
	if s.tenants.count() != len(c.limits) {
		t.Fatalf("%d tenants", s.tenants.count())
	}
}

func TestAKeyThatFloodsDoesNotFailTheOthers(t *testing.T) {
	c := testConfig()
	c.limits = map[string]limits{others: defaultLimits,
		"abuser": {Weight: 1, Slots: 2, BufferBytes: 4 * uint64(c.upload), FuelPerSecond: 1 << 20}}
	_, server := serve(t, c)
	stop := make(chan struct{})
	var abusers sync.WaitGroup
	for range 16 {
		abusers.Add(1)
		go func() {
			defer abusers.Done()
			text := make([]byte, 50<<10)
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, _, err := post(server.URL, "abuser", text)
				if err != nil || status != http.StatusOK && status != http.StatusTooManyRequests {
					t.Errorf("the abuser: %d, %v", status, err)
					return
				}
			}
		}()
	}
	for i := range 200 {
		status, got, err := post(server.URL, fmt.Sprint("key ", i%4), []byte("a secret"))
		if err != nil || status != http.StatusOK || got.Matches != 1 {
			t.Errorf("%d, %+v, %v", status, got, err)
			break
		}
	}
	close(stop)
	abusers.Wait()
}

func TestMetricsAreServedInTheFormatThatIsAskedFor(t *testing.T) {
	s, server := serve(t, testConfig())
	for range 3 {
		status, _, err := post(server.URL, "me", []byte("a secret"))
		ok(t, err)
		if status != http.StatusOK {
			t.Fatal(status)
		}
	}
	admin := httptest.NewServer(s.admin())
	t.Cleanup(admin.Close)
	get := func(accept string) (kind, text string) {
		request, err := http.NewRequest(http.MethodGet, admin.URL+"/metrics", nil)
		ok(t, err)
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		ok(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		ok(t, err)
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", response.Status, body)
		}
		return response.Header.Get("Content-Type"), string(body)
	}
	// What servers of Prometheus send, and others.
	const prometheus2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
		"text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
	const prometheus3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5," +
		"application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3," +
		"text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
	for accept, want := range map[string]rota.MetricsFormat{
		"": rota.MetricsPrometheus, "*/*": rota.MetricsPrometheus, "text/html, ;": rota.MetricsPrometheus,
		"text/plain, application/openmetrics-text; q=0.9": rota.MetricsPrometheus,
		"application/openmetrics-text; version=0.0.1":     rota.MetricsPrometheus,
		prometheus2: rota.MetricsOpenMetrics, prometheus3: rota.MetricsOpenMetrics,
		"application/json": rota.MetricsJSON,
	} {
		kind, text := get(accept)
		sample := `rota_tenant_jobs_completed_total{tenant="me"} `
		if want == rota.MetricsJSON {
			sample = `{"labels":{"tenant":"me"},"value":`
		}
		if kind != want.ContentType() || !strings.Contains(text, sample) {
			t.Errorf("%q: %s\n%s", accept, kind, text)
		}
	}
	response, err := http.Get(server.URL + "/metrics")
	ok(t, err)
	response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("clients get them too: %s", response.Status)
	}
}

func TestScansAreSpansOfTheirRequestsTraces(t *testing.T) {
	var lock sync.Mutex
	var spans bytes.Buffer
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		if _, err := io.Copy(&spans, r.Body); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
	s, server := serve(t, testConfig())
	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, parents := range [][]string{{}, {"00-" + id + "-" + parent + "-01"}, {"00-" + id + "-" + parent + "-00"}, {"none"},
		{"00-" + id + "-" + parent + "-01", "00-" + id + "-" + parent + "-01"}} {
		request, err := http.NewRequest(http.MethodPost, server.URL+"/scan", strings.NewReader("a password"))
		ok(t, err)
		request.Header.Set("X-API-Key", "me")
		request.Header["Traceparent"] = parents
		response, err := http.DefaultClient.Do(request)
		ok(t, err)
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("%q: %s", parents, response.Status)
		}
	}
	ok(t, s.tenants.runtime.FlushSpans(rota.Forever))
	lock.Lock()
	defer lock.Unlock()
	for _, digits := range []string{id, parent} {
		bytesOf, err := hex.DecodeString(digits)
		ok(t, err)
		if n := bytes.Count(spans.Bytes(), bytesOf); n != 1 {
			t.Errorf("%s came %d times", digits, n)
		}
	}
	if !bytes.Contains(spans.Bytes(), []byte("scan_dfa")) {
		t.Error("nothing says which handler it was")
	}
}

func TestTheFileOfKeys(t *testing.T) {
	read := func(text string) (map[string]limits, error) {
		file := t.TempDir() + "/keys"
		ok(t, os.WriteFile(file, []byte(text), 0o600))
		return readLimits(file)
	}
	got, err := read(`{"*": {}, "a": {"slots": 0, "weight": 7}}`)
	ok(t, err)
	a := defaultLimits
	a.Slots, a.Weight = 0, 7
	if len(got) != 2 || got["*"] != defaultLimits || got["a"] != a {
		t.Fatalf("%+v", got)
	}
	for _, text := range []string{"", "[]", `{"a": {"slot": 1}}`, `{"a": {"weight": 0}}`, `{"a": {"weight": 10001}}`,
		`{"a": {"slots": 1025}}`, `{"a": {"slots": -1}}`, `{"a": 1}`} {
		if got, err := read(text); err == nil {
			t.Errorf("%s gives %+v", text, got)
		}
	}
	if _, err := readLimits("/no/such/file"); err == nil {
		t.Error("a file that isn't there has keys")
	}
	example, err := readLimits("keys.json")
	ok(t, err)
	if example["abuser"].FuelPerSecond == rota.Unlimited || example[others].Weight <= example["abuser"].Weight {
		t.Errorf("%+v", example)
	}
}

func TestOnSIGTERMTheServiceAnswersWhatItHasBegunAndEnds(t *testing.T) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	before := runtime.NumGoroutine() // with the one that package signal keeps
	addresses := make(chan string, 2)
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, testConfig(), slog.New(slog.NewTextHandler(io.Discard, nil)), func(public, admin string) {
			addresses <- "http://" + public
			addresses <- "http://" + admin
		})
	}()
	public, admin := <-addresses, <-addresses
	health, err := http.Get(admin + "/healthz")
	ok(t, err)
	health.Body.Close()
	if health.StatusCode != http.StatusOK {
		t.Fatalf("health: %d", health.StatusCode)
	}
	vars, err := http.Get(admin + "/debug/vars")
	ok(t, err)
	text, err := io.ReadAll(vars.Body)
	vars.Body.Close()
	ok(t, err)
	if !bytes.Contains(text, []byte(`"goroutines"`)) || !bytes.Contains(text, []byte(`"LivePolling"`)) {
		t.Fatalf("%s", text)
	}

	// A request whose text comes in two parts, with the signal in between.
	reader, writer := io.Pipe()
	request, err := http.NewRequest(http.MethodPost, public+"/scan", reader)
	ok(t, err)
	request.Header.Set("X-API-Key", "slow")
	answered := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			var a answer
			err = json.NewDecoder(response.Body).Decode(&a)
			response.Body.Close()
			if err == nil && a.Counts["password"] != 1 {
				err = fmt.Errorf("the answer is %+v", a)
			}
		}
		answered <- err
	}()
	_, err = writer.Write([]byte("first part, pass"))
	ok(t, err)
	time.Sleep(50 * time.Millisecond) // the service has begun with it
	ok(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	time.Sleep(50 * time.Millisecond)
	_, err = writer.Write([]byte("word, second part"))
	ok(t, err)
	ok(t, writer.Close())
	ok(t, <-answered)
	ok(t, <-ended)
	if _, err := http.Get(public + "/healthz"); err == nil {
		t.Fatal("it still answers")
	}
	http.DefaultClient.CloseIdleConnections()
	for range 400 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Fatalf("goroutines stayed:\n%s", stacks[:runtime.Stack(stacks, true)])
}

func TestPatternsOfNoUseAreRefused(t *testing.T) {
	for _, patterns := range [][]string{nil, {"a", ""}} {
		if _, err := buildDFA(patterns); err == nil {
			t.Errorf("%q makes a table", patterns)
		}
	}
	_, err := readPatterns("/no/such/file")
	if err == nil {
		t.Error("a file that isn't there has patterns")
	}
	file := t.TempDir() + "/patterns"
	ok(t, os.WriteFile(file, []byte("one\r\ntwo\n\nthree"), 0o600))
	patterns, err := readPatterns(file)
	ok(t, err)
	if strings.Join(patterns, ",") != "one,two,three" {
		t.Errorf("%q", patterns)
	}
}
