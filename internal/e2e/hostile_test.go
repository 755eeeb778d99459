package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit/rig"
)

// TestHostileResults has results among others that are too large, not to be stored or not
// to be read: each fails its own job with a class, or is cleaned, and the neighbours do not
// notice.
func TestHostileResults(t *testing.T) {
	t.Parallel()
	c := newCallees(t, func(_ context.Context, request map[string]any) (any, error) {
		result := found("10.00 EUR")
		fields, _ := result["fields"].(map[string]any)
		switch word(request) {
		case "huge":
			fields["price"] = strings.Repeat("9", 2_200_000) // 2.1 MiB: beyond what Temporal takes
		case "large":
			fields["stock"] = strings.Repeat("x", 1_500_000)
		case "nul":
			fields["stock"] = "I\x00n"
		case "latin":
			fields["stock"] = "\xc4\xff\xfe"
		case "deep":
			fields["stock"] = deep(9_000)
		case "deeper":
			fields["stock"] = deep(50_000)
		case "other":
			return "no object", nil
		}
		return result, nil
	})
	bad := map[string]string{
		"huge": "failed", "large": "failed", "nul": "completed", "latin": "completed", "deep": "completed", "deeper": "failed", "other": "failed",
	}
	var words []string
	for word := range bad {
		words = append(words, "ok", word, "ok")
	}
	batch := c.upload(c.project(c.callProject(nil)), rows(words...))
	e := c.execute(batch, withConcurrency(6))
	stats := c.ended(e)
	require.Equal(t, "completed", stats.Status)
	jobs := c.jobs(batch)
	require.Len(t, jobs, len(words))
	for i, word := range words {
		job := jobs[i]
		switch {
		case word == "ok":
			require.Equal(t, []string{"completed", "correct"}, []string{job.Status, job.Verdict})
		case bad[word] == "failed":
			require.Equal(t, "failed", job.Status, "%s: %+v", word, job.Result)
			require.NotEmpty(t, job.Error.Class, word)
			require.NotEmpty(t, job.Error.Code, word)
			require.Less(t, len(job.Error.Message), 3_000, word)
		default:
			require.Equal(t, "completed", job.Status, "%s: %+v", word, job.Error)
			require.NotEmpty(t, job.Verdict, word)
			require.True(t, utf8.ValidString(fmt.Sprint(job.Result)), word)
			require.NotContains(t, fmt.Sprint(job.Result), "\x00", word)
		}
	}
	rig.RequireSound(t, c.db, e.ID)
	c.requireReplays(e)
}

// deep is a list in a list in a list.
func deep(levels int) any {
	var v any = "in"
	for range levels {
		v = []any{v}
	}
	return v
}
