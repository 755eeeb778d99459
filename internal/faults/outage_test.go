package faults

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit/rig"
)

// outage is one way in which servers go and come back.
type outage struct {
	name       string
	kill       func()
	back       func()
	noDatabase bool // nothing can be read or started meanwhile
	noTemporal bool // nothing can be controlled meanwhile
}

// promises are what the API answered to somebody who went on asking through an outage.
type promises struct {
	mu       sync.Mutex
	started  []wire.Execution
	refused  []wire.Batch   // for the time being
	pausedAt time.Time      // the database's clock, after the first pause that was acknowledged
	refusals map[string]int // by what was asked for
	untrue   []string
}

// refuse notes an answer that is no success: 503 with a Retry-After is the only honest
// one.
func (p *promises) refuse(what string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if rig.Unavailable(err) {
		p.refusals[what]++
		return
	}
	p.untrue = append(p.untrue, fmt.Sprintf("%s: %v", what, err))
}

func (p *promises) refusedOften(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusals[what] > 0
}

func (p *promises) paused() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pausedAt
}

// TestOutages has Temporal, PostgreSQL, and both crash in the middle of a run while
// somebody goes on asking the API for things. What it promised then must come true.
func TestOutages(t *testing.T) {
	t.Parallel()
	rounds := form(1, 10)
	servers := rig.NewServers(t, rig.Quick())
	s := newSystemOn(t, servers, rig.FarSideConfig{Pace: rig.Pace{Least: 200 * time.Millisecond, Most: 4 * time.Second}})
	s.worker()
	s.worker()
	outages := []outage{
		{name: "Temporal", kill: servers.KillTemporal, back: servers.StartTemporal, noTemporal: true},
		{name: "PostgreSQL", kill: servers.KillPostgres, back: servers.StartPostgres, noDatabase: true},
		{name: "both", noTemporal: true, noDatabase: true,
			kill: func() { servers.KillTemporal(); servers.KillPostgres() },
			back: func() { servers.StartPostgres(); servers.StartTemporal() }},
	}
	var spare []wire.Batch
	for i := range rounds * len(outages) * sparesPerOutage {
		spare = append(spare, s.upload(fmt.Sprintf("spare-%d", i), 2))
	}
	e := s.start("rows", form(1_500, 10_000), form(8, 6))
	held := s.start("held", form(200, 2_000), heldConcurrency)
	s.acknowledged(e, "running")
	s.acknowledged(held, "running")
	all := &promises{refusals: map[string]int{}}
	for range rounds {
		for _, o := range outages {
			s.requireUnderway(e)
			s.through(o, e, held, spare[:sparesPerOutage], all)
			spare = spare[sparesPerOutage:]
			s.kills++
		}
	}
	s.far.Hurry()
	s.completed(e)
	s.completed(held)
	for _, started := range all.started {
		s.completed(started)
	}
	for _, b := range all.refused { // its answer may have been lost, the row not
		var found []wire.Execution
		require.NoError(t, s.db.NewRaw(`SELECT id FROM executions WHERE batch_id = ?`, b.ID).Scan(t.Context(), &found))
		for _, started := range found {
			s.completed(started)
		}
	}
	t.Logf("%d starts were acknowledged, %d refused; refusals: %v", len(all.started), len(all.refused), all.refusals)
	s.figures(e, "outages")
}

const (
	heldConcurrency = 3
	// sparesPerOutage is how many runs are asked for in one outage.
	sparesPerOutage = 4
)

// through takes the system through one outage.
func (s *system) through(o outage, e, held wire.Execution, spare []wire.Batch, all *promises) {
	s.t.Helper()
	ctx, enough := context.WithCancel(s.t.Context())
	p := &promises{refusals: map[string]int{}}
	var asking sync.WaitGroup
	asking.Go(func() { s.askFor(ctx, "read", p, func() error { _, err := s.api.Execution(ctx, e.ID); return err }) })
	asking.Go(func() { s.askFor(ctx, "pause", p, func() error { return s.pause(ctx, held, p) }) })
	asking.Go(func() { s.startAll(ctx, spare, p) })
	o.kill()
	eventually(s.t, o.name+" is missed", func() bool {
		return (!o.noDatabase || p.refusedOften("read") && p.refusedOften("start")) && (!o.noTemporal || p.refusedOften("pause"))
	})
	o.back()
	eventually(s.t, "a pause is acknowledged", func() bool { return !p.paused().IsZero() })
	enough()
	asking.Wait()
	require.Empty(s.t, p.untrue, "%s: an answer that is neither true nor a 503", o.name)
	s.requireHeld(o, held, p)
	eventually(s.t, "the run goes on after an outage of "+o.name, s.progress())
	s.resumed(held)
	all.started = append(all.started, p.started...)
	all.refused = append(all.refused, p.refused...)
	for what, n := range p.refusals {
		all.refusals[o.name+", "+what] += n
	}
}

// askFor asks again and again, and notes what is refused.
func (s *system) askFor(ctx context.Context, what string, p *promises, ask func() error) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if err := ask(); err != nil && ctx.Err() == nil {
			p.refuse(what, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// startAll starts a run over each of the batches, once.
func (s *system) startAll(ctx context.Context, spare []wire.Batch, p *promises) {
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for _, b := range spare {
		e, err := s.api.Execute(s.t.Context(), s.project.ID, b.ID, wire.ExecuteRequest{Type: "production"})
		if err != nil {
			p.refuse("start", err)
		}
		p.mu.Lock()
		if err == nil {
			p.started = append(p.started, e)
		} else {
			p.refused = append(p.refused, b)
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// pause pauses, and notes when the first pause was acknowledged.
func (s *system) pause(ctx context.Context, e wire.Execution, p *promises) error {
	stats, err := s.api.Pause(ctx, e.ID)
	if err != nil {
		return err
	}
	if stats.Status != "paused" {
		return fmt.Errorf("a pause was acknowledged as %q", stats.Status) //nolint:err113 // it is shown, no more
	}
	if !p.paused().IsZero() {
		return nil
	}
	var now time.Time
	if s.db.NewRaw(`SELECT clock_timestamp()`).Scan(ctx, &now) != nil {
		return nil // the next acknowledgement will do
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pausedAt = now
	return nil
}

// requireHeld requires that the pause outlived the outage: beyond what had been
// dispatched, nothing began.
func (s *system) requireHeld(o outage, held wire.Execution, p *promises) {
	s.t.Helper()
	s.acknowledged(held, "paused")
	began := s.number(`SELECT count(*) FROM sessions WHERE execution_id = ? AND attempt = 1 AND started_at > ?`, held.ID, p.pausedAt)
	require.LessOrEqual(s.t, began, heldConcurrency, "jobs began after a pause, over an outage of %s", o.name)
}

// acknowledged waits until the live run says where it stands, and that it is there.
func (s *system) acknowledged(e wire.Execution, status string) {
	s.t.Helper()
	eventually(s.t, "the run is "+status, func() bool {
		stats, err := s.api.Stats(s.t.Context(), e.ID)
		return err == nil && stats.Source == "workflow" && stats.Status == status
	})
}

// resumed has a run go on, and waits until it does.
func (s *system) resumed(e wire.Execution) {
	s.t.Helper()
	const begun = `SELECT count(*) FROM sessions WHERE execution_id = ? AND attempt = 1`
	before := s.number(begun, e.ID)
	eventually(s.t, "a resume is acknowledged", func() bool {
		stats, err := s.api.Resume(s.t.Context(), e.ID)
		return err == nil && stats.Status == "running"
	})
	eventually(s.t, "the run goes on", func() bool { return s.number(begun, e.ID) > before })
}

// progress tells whether the far side has got more calls since.
func (s *system) progress() func() bool {
	came, _, _ := s.far.Counts()
	return func() bool { now, _, _ := s.far.Counts(); return now >= came+10 }
}
