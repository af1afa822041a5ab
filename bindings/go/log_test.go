// The library's log in slog.

package rota_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	rota "github.com/rota-compute/rota/bindings/go"
)

// lockedText can be written by several threads.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestTheLogGoesToSlogDownToTheLoggersLevel(t *testing.T) {
	t.Cleanup(func() { ok(t, rota.SetLog(nil)) })
	for _, c := range []struct {
		level slog.Level
		told  bool
	}{{rota.LevelTrace, true}, {slog.LevelWarn, true}, {slog.LevelError, false}, {slog.LevelError + 1, false}} {
		var text lockedText
		logger := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: c.level}))
		r := openRuntime(t, rota.WithLog(logger), rota.WithCacheDir("/dev/null/no/cache"))
		_, err := newTenant(t, r).Do(background, nop(1, 1))
		ok(t, err)
		ok(t, r.Close())
		line := strings.Contains(text.String(), "level=WARN") && strings.Contains(text.String(), "/dev/null/no/cache") &&
			strings.Contains(text.String(), "source=rota")
		if line != c.told || !c.told && text.String() != "" {
			t.Fatalf("level %v:\n%s", c.level, text.String())
		}
	}
	ok(t, rota.SetLog(nil))
	r := openRuntime(t, rota.WithCacheDir("/dev/null/no/cache")) // nobody is told
	ok(t, r.Close())
}
