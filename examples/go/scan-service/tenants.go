// The tenants: one per API key, made when the key is first used. Their number is bounded; one that
// nobody uses makes room for another, and goes after a while in any case.

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

var (
	errBusy     = errors.New("all tenants are in use")
	errShutdown = errors.New("the service is shutting down")
	errUnknown  = errors.New("the API key is not known")
	// errComesBack is with a quota's refusal that waiting helps against.
	errComesBack = errors.New("some come back as scans end")
)

type tenants struct {
	runtime  *rota.Runtime
	limits   map[string]limits
	table    []uint32 // of the patterns
	patterns int
	most     int // tenants at once
	upload   int // bytes of the largest text

	mu     sync.Mutex
	byKey  map[string]*tenant
	closed bool
}

// tenant is what belongs to one API key.
type tenant struct {
	rota *rota.Tenant
	dfa  *rota.Buffer[uint32]

	mu    sync.Mutex
	free  []*lane
	lanes int // free or not

	users int // requests that are at it; like `used` guarded by the mutex of all
	used  time.Time
}

// lane is the memory of one scan.
type lane struct {
	text   *rota.Buffer[uint8]
	counts *rota.Buffer[uint32]
}

// use gives the tenant of a key until done is called.
func (s *tenants) use(key string) (t *tenant, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, errShutdown
	}
	t = s.byKey[key]
	if t == nil {
		of, known := s.limits[key]
		if !known {
			of, known = s.limits[others]
		}
		if !known {
			return nil, nil, errUnknown
		}
		if len(s.byKey) >= s.most && !s.recycle() {
			return nil, nil, errBusy
		}
		if t, err = s.add(key, of); err != nil {
			return nil, nil, err
		}
		s.byKey[key] = t
	}
	t.users++
	return t, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		t.users--
		t.used = time.Now()
	}, nil
}

func (s *tenants) add(key string, of limits) (*tenant, error) {
	inner, err := s.runtime.NewTenant(of.options(key)...)
	if err != nil {
		return nil, err
	}
	t := &tenant{rota: inner}
	t.dfa, err = rota.NewBuffer[uint32](inner, len(s.table), rota.BufferReadOnly)
	if err == nil {
		err = t.dfa.Write(0, s.table)
	}
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return t, nil
}

// recycle closes the tenant that has been idle for longest. The mutex is held.
func (s *tenants) recycle() bool {
	oldest := ""
	for key, t := range s.byKey {
		if t.users == 0 && (oldest == "" || t.used.Before(s.byKey[oldest].used)) {
			oldest = key
		}
	}
	if oldest == "" {
		return false
	}
	_ = s.byKey[oldest].rota.Close() // nothing of it is under way
	delete(s.byKey, oldest)
	return true
}

// closeIdle closes the tenants that nobody has used since then.
func (s *tenants) closeIdle(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, t := range s.byKey {
		if t.users == 0 && t.used.Before(since) {
			_ = t.rota.Close()
			delete(s.byKey, key)
		}
	}
}

func (s *tenants) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey)
}

// close ends all tenants. Whoever still uses one gets rota.ErrClosed.
func (s *tenants) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var all error
	for key, t := range s.byKey {
		all = errors.Join(all, t.rota.Close())
		delete(s.byKey, key)
	}
	return all
}

// scan is one text that is being scanned.
type scan struct {
	of   *tenants
	by   *tenant
	in   *lane
	done func()
}

// begin takes what a scan of a key needs, before its text is there, until end is called. A *rota.QuotaError
// says what the key has too much of.
func (s *tenants) begin(key string) (*scan, error) {
	t, done, err := s.use(key)
	if err != nil {
		return nil, err
	}
	l, err := s.takeLane(t)
	if err != nil {
		done()
		return nil, err
	}
	return &scan{s, t, l, done}, nil
}

// end gives back what begin has taken.
func (s *scan) end() {
	s.by.mu.Lock()
	s.by.free = append(s.by.free, s.in)
	s.by.mu.Unlock()
	s.done()
}

// run counts the matches of each pattern in a text.
func (s *scan) run(ctx context.Context, text []byte) ([]uint32, error) {
	patterns := s.of.patterns
	counts := make([]uint32, patterns)
	if len(text) == 0 {
		return counts, nil
	}
	if err := errors.Join(s.in.text.Write(0, text), s.in.counts.Fill(0, patterns, 0)); err != nil {
		return nil, err
	}
	_, err := s.by.rota.Do(ctx, rota.Job{
		Op:    rota.OpScanDFA,
		Tiles: rota.Tiles(rota.OpScanDFA, uint64(len(text))),
		Args:  [10]uint32{s.in.text.Name(), 0, uint32(len(text)), s.by.dfa.Name(), s.in.counts.Name()},
	})
	if err != nil {
		return nil, err
	}
	return counts, s.in.counts.Read(0, counts)
}

// takeLane takes a lane that is free, or makes one, as far as the key's quota of buffers goes.
func (s *tenants) takeLane(t *tenant) (*lane, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last := len(t.free) - 1; last >= 0 {
		l := t.free[last]
		t.free = t.free[:last]
		return l, nil
	}
	l, err := s.newLane(t.rota)
	if err == nil {
		t.lanes++
	} else if t.lanes > 0 && errors.Is(err, rota.ErrQuotaExceeded) {
		err = fmt.Errorf("%w; %w", err, errComesBack)
	}
	return l, err
}

// newLane makes a lane's buffers.
func (s *tenants) newLane(in *rota.Tenant) (*lane, error) {
	text, err := rota.NewBuffer[uint8](in, s.upload, rota.BufferReadOnly)
	if err != nil {
		return nil, err
	}
	counts, err := rota.NewBuffer[uint32](in, s.patterns, 0)
	if err != nil {
		return nil, errors.Join(err, text.Close())
	}
	return &lane{text, counts}, nil
}

// closeIdleUntil closes idle tenants from time to time.
func (s *tenants) closeIdleUntil(ctx context.Context, idle time.Duration) {
	every := time.NewTicker(max(idle/4, time.Millisecond))
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			s.closeIdle(now.Add(-idle))
		case <-ctx.Done():
			return
		}
	}
}
