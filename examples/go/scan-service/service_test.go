// What the service promises: right counts, limits, bounded tenants, and an end that loses no request.

package main

import (
	"bytes"
	"context"
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
	return config{address: "127.0.0.1:0", admin: "127.0.0.1:0", patterns: defaultPatterns, tenants: 8, lanes: 2,
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
