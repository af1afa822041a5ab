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
		level      slog.Level
		has, lacks string
	}{
		{rota.LevelTrace, "level=DEBUG", "level=NONE"},
		{slog.LevelInfo, "level=INFO", "level=DEBUG"},
		{slog.LevelError + 1, "", "level"},
	} {
		var text lockedText
		logger := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: c.level}))
		r := openRuntime(t, rota.WithLog(logger))
		_, err := newTenant(t, r).Do(background, nop(1, 1))
		ok(t, err)
		ok(t, r.Close())
		if !strings.Contains(text.String(), c.has) || strings.Contains(text.String(), c.lacks) {
			t.Fatalf("level %v:\n%s", c.level, text.String())
		}
		if c.has != "" && !strings.Contains(text.String(), "source=rota") {
			t.Fatalf("a message without its source:\n%s", text.String())
		}
	}
}
