package bench

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/internal/standin"
	"github.com/minohq/mino/models"
)

const agentJobs = 300

// BenchmarkAgents has a stand-in of the web-agent service do jobs whose runs take a
// heavy-tailed time, and compares the time that all of them take with what a list schedule
// of the runs alone would take. What lies between is the wait from the end of a run to the
// next look at it, and MINO's own part.
func BenchmarkAgents(b *testing.B) {
	n := jobs(b, agentJobs)
	for b.Loop() {
		service, err := standin.Serve(b.Context(), "127.0.0.1:0", standin.Config{Seed: makespanSeed})
		require.NoError(b, err)
		service.Default(standin.Behaviour{Median: 8 * time.Second, Cap: time.Minute})
		executor := agent.New(agent.Config{
			BaseURL: service.URL(), APIKey: standin.DefaultAPIKey, CreateSpacing: time.Millisecond,
			AllowedPrefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		})
		s := newSystemOf(b, executor)
		took := s.run(s.executionOf(n, func(p *models.Project) { p.Executor = agent.Name }, nil))
		executor.Close()

		lengths := make([]time.Duration, 0, n)
		for _, run := range service.Runs() {
			lengths = append(lengths, run.FinishedAt.Sub(run.CreatedAt))
		}
		service.Stop()
		require.Len(b, lengths, n, "every job was paid once")
		even, greedy := bounds(lengths)
		b.Logf("%d jobs: work / %d %.1f s, list schedule %.1f s, took %.1f s", n, window, even.Seconds(), greedy.Seconds(), took.Seconds())
		agentMakespan.recordAgainst(b, took.Seconds(), max(even, greedy).Seconds())
	}
}
