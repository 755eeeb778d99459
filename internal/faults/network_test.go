package faults

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/testkit/rig"
	"github.com/minohq/mino/models/retry"
)

// patient is a policy that outlasts a far side that is often unwell.
func patient(r *wire.ExecuteRequest) {
	r.Retry = &retry.Policy{MaxAttempts: 15, InitialIntervalMS: 400, BackoffCoefficient: 1.5, MaxIntervalMS: 5_000}
}

// TestNetwork has one of two workers lose its line to Temporal, and then both have a
// very slow one, while three of ten calls to the outside fail.
func TestNetwork(t *testing.T) {
	t.Parallel()
	const asked = 6 * time.Second
	usual := rig.Pace{Least: 150 * time.Millisecond, Most: 6 * time.Second}
	s := newSystem(t, rig.FarSideConfig{
		Pace:   usual,
		Unwell: 0.1, Limited: 0.1, Reset: 0.1, RetryAfter: asked,
	})
	line := rig.NewProxy(t, s.address)
	slow := rig.NewProxy(t, s.address)
	s.worker("TEMPORAL_ADDRESS=" + line.Address())
	s.worker("TEMPORAL_ADDRESS=" + slow.Address())
	e := s.start("rows", form(400, 3_000), 20, patient)
	eventually(t, "the run is in the middle", func() bool { _, answered, _ := s.far.Counts(); return answered > 40 })

	// Some jobs outlast the time after which their worker is given up: then two attempts
	// run at once, and the older one must have no say.
	s.far.SetPace(rig.Pace{Least: 18 * time.Second, Most: 25 * time.Second})
	came, _, _ := s.far.Counts()
	eventually(t, "slow jobs run on both workers", func() bool { now, _, _ := s.far.Counts(); return now >= came+12 })
	s.far.SetPace(usual)
	line.Hold(rig.Requests, rig.Answers)
	s.kills++
	pass(t, form(25*time.Second, 150*time.Second))
	s.requireUnderway(e)
	line.Pass()

	line.Delay(time.Second) // there and back
	slow.Delay(time.Second)
	pass(t, form(8*time.Second, time.Minute))
	s.requireUnderway(e)
	line.Delay(0)
	slow.Delay(0)

	s.far.Hurry()
	s.completed(e)
	require.Positive(t, s.lost(e), "the other worker took over")
	s.requireNoEarlyRetry(e, 400*time.Millisecond)
	s.figures(e, "cut off, slow and unwell")
}

// requireNoEarlyRetry holds the times at the far side against what it asked for and
// against the policy. Jobs that lost attempts are left out: another worker does not
// wait for what the lost one was told.
func (s *system) requireNoEarlyRetry(e wire.Execution, initial time.Duration) {
	s.t.Helper()
	calls, failures := s.far.Calls(), 0
	for _, j := range s.attempts(e) {
		if j.Lost > 0 {
			continue
		}
		for i, call := range calls[j.Path][:len(calls[j.Path])-1] {
			if call.Reset {
				continue // the transport may have repeated it
			}
			failures++
			wait := initial * 3 / 4
			if call.Status == http.StatusTooManyRequests {
				wait = max(retry.RateLimitFloor, call.RetryAfter)
			}
			gap := calls[j.Path][i+1].Begun.Sub(call.Ended)
			require.GreaterOrEqual(s.t, gap, wait, "%s was called again too early after its call %d, answered %d", j.Path, i+1, call.Status)
		}
	}
	require.Positive(s.t, failures, "calls failed")
	s.t.Logf("%d failed calls, none repeated early", failures)
}
