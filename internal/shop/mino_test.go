package shop_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/shop"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/scoring"
)

// TestWhatMINOMakesOfIt takes every page through the fetch executor and the scoring,
// with as many attempts as the shop's project allows, and holds the outcome against
// what the shop expects.
func TestWhatMINOMakesOfIt(t *testing.T) {
	t.Parallel()
	for seed := range int64(3) {
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
			t.Parallel()
			s, url := open(t, seed)
			executor := fetch.New(fetch.Config{AllowedPrefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
			t.Cleanup(executor.Close)
			for _, p := range s.Products() {
				got, detail := outcome(t, executor, s, p, url)
				require.Equal(t, p.Expect, got, "%s %s\n%s", p.Kind, p.Path, detail)
			}
		})
	}
}

func outcome(t *testing.T, executor *fetch.Executor, s *shop.Shop, p shop.Product, url string) (shop.Outcome, string) {
	t.Helper()
	project := s.Project()
	policy, _ := project.Defaults.Preset.Policy()
	for attempt := 1; ; attempt++ {
		result, err := executor.Execute(t.Context(), executors.Request{
			URL: url + p.Path, Fields: project.Fields, Attempt: attempt, Heartbeat: func(string) {},
		})
		if err != nil {
			failed := failure.Classify(err)
			if failed.Class.Retryable() && attempt < policy.MaxAttempts {
				continue
			}
			return shop.Outcome("failed: " + string(failed.Class)), failed.Error()
		}
		score := scoring.Evaluate(scoring.Input{
			Fields: project.Fields, Result: result.Fields, Truth: p.Truth, Blocked: result.Blocked,
		})
		detail, err := json.MarshalIndent(map[string]any{"score": score, "sources": result.Evidence.Sources}, "", " ")
		require.NoError(t, err)
		return shop.Outcome(score.Verdict), string(detail)
	}
}
