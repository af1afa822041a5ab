// The tenants: one per API key, made when the key is first used. Their number is bounded; one that
// nobody uses makes room for another, and goes after a while in any case.

package main

import (
	"context"
	"errors"
	"sync"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

var (
	errBusy     = errors.New("all tenants are in use")
	errShutdown = errors.New("the service is shutting down")
)

type tenants struct {
	runtime  *rota.Runtime
	table    []uint32 // of the patterns
	patterns int
	most     int // tenants at once
	lanes    int // scans at once of one tenant
	upload   int // bytes of the largest text

	mu     sync.Mutex
	byKey  map[string]*tenant
	closed bool
}

// tenant is what belongs to one API key.
type tenant struct {
	rota  *rota.Tenant
	dfa   *rota.Buffer[uint32]
	lanes chan *lane // those that are free; nil where the buffers aren't made yet

	users int // requests that are at it
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
		if len(s.byKey) >= s.most && !s.recycle() {
			return nil, nil, errBusy
		}
		if t, err = s.add(key); err != nil {
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

func (s *tenants) add(key string) (*tenant, error) {
	inner, err := s.runtime.NewTenant(rota.WithLabel(key), rota.WithSlots(64))
	if err != nil {
		return nil, err
	}
	t := &tenant{rota: inner, lanes: make(chan *lane, s.lanes)}
	t.dfa, err = rota.NewBuffer[uint32](inner, len(s.table), rota.BufferReadOnly)
	if err == nil {
		err = t.dfa.Write(0, s.table)
	}
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	for range s.lanes {
		t.lanes <- nil
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

// scan counts the matches of each pattern in a text.
func (s *tenants) scan(ctx context.Context, key string, text []byte) ([]uint32, error) {
	t, done, err := s.use(key)
	if err != nil {
		return nil, err
	}
	defer done()
	var l *lane
	select {
	case l = <-t.lanes:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { t.lanes <- l }()
	if l == nil {
		if l, err = s.newLane(t.rota); err != nil {
			return nil, err
		}
	}

	counts := make([]uint32, s.patterns)
	if len(text) == 0 {
		return counts, nil
	}
	if err := errors.Join(l.text.Write(0, text), l.counts.Fill(0, s.patterns, 0)); err != nil {
		return nil, err
	}
	_, err = t.rota.Do(ctx, rota.Job{
		Op:    rota.OpScanDFA,
		Tiles: rota.Tiles(rota.OpScanDFA, uint64(len(text))),
		Args:  [10]uint32{l.text.Name(), 0, uint32(len(text)), t.dfa.Name(), l.counts.Name()},
	})
	if err != nil {
		return nil, err
	}
	return counts, l.counts.Read(0, counts)
}

// newLane makes a lane's buffers, or nil.
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
