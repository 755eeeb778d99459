package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/minohq/mino/api/wire"
)

// The statuses of an execution that are told apart here, as the API writes them.
const (
	statusPaused    = "paused"
	statusStopping  = "stopping"
	statusStopped   = "stopped"
	statusCompleted = "completed"
	statusFailed    = "failed"
)

// The orders in which verdicts and failure classes are named. Others that a newer
// API may have come after them.
var (
	verdictOrder = []string{"correct", "partial", "wrong", "unverified", "empty", "blocked", "schema_invalid"}
	classOrder   = []string{"transient", "rate_limit", "timeout", "network", "permanent"}
)

// view is all that is shown of a run at one moment.
type view struct {
	title   string
	stats   wire.Stats
	elapsed time.Duration
	// rate is in jobs per second, and counts only when rateKnown.
	rate      float64
	rateKnown bool
	// notice is said beneath, such as that the API cannot be reached.
	notice string
}

func done(s wire.Stats) int { return s.Completed + s.Failed + s.Cancelled }

func ended(status string) bool {
	return status == statusStopped || status == statusCompleted || status == statusFailed
}

// remaining estimates how long the run still takes.
func (v view) remaining() (time.Duration, bool) {
	left := v.stats.Total - done(v.stats)
	if !v.rateKnown || v.rate <= 0 || left <= 0 || v.stats.Status == statusPaused {
		return 0, false
	}
	// Less than a second is not worth telling apart from one.
	return max(time.Duration(float64(left)/v.rate*float64(time.Second)), time.Second), true
}

// renderLive draws the block of lines that a terminal shows.
func renderLive(v view, s style) []string {
	lines := []string{
		s.paint(bold, s.cut(fmt.Sprintf("%s · %s", v.title, state(v.stats)))),
		renderBar(v, s),
		s.cut(renderCounts(v)),
		s.cut("verdicts  " + counts(v.stats.Verdicts, verdictOrder)),
		s.cut("failures  " + counts(v.stats.ErrorClasses, classOrder)),
		s.cut("accuracy  " + accuracyText(v.stats)),
	}
	if v.notice != "" {
		lines = append(lines, s.paint(yellow, s.cut(v.notice)))
	}
	return lines
}

func state(s wire.Stats) string {
	if s.Status == "running" && s.Concurrency > 0 {
		return fmt.Sprintf("running, %d at once", s.Concurrency)
	}
	if s.Status == statusPaused && s.Reason != "" {
		return s.Status + ": " + s.Reason
	}
	return s.Status
}

func renderCounts(v view) string {
	st := v.stats
	return fmt.Sprintf("running %s · queued %s · %s · %s so far",
		grouped(st.Running), grouped(st.Queued), plural(st.Retries, "retry", "retries"), clock(v.elapsed))
}

func accuracyText(st wire.Stats) string {
	if st.Accuracy == nil {
		return "–"
	}
	text := fmt.Sprintf("%s of %s (95%%: %s)", percent(st.Accuracy.Value),
		plural(st.Accuracy.Compared, "field", "fields"), interval(*st.Accuracy))
	if st.JobAccuracy != nil {
		text += " · " + percent(st.JobAccuracy.Value) + " of jobs all right"
	}
	return text
}

// minBar and maxBar bound the bar, so that it is neither a stub nor a wall.
const (
	minBar = 8
	maxBar = 40
)

// renderBar draws the bar, as wide as what stands beside it allows: green for what
// completed, red for what failed, dim for what is left.
func renderBar(v view, s style) string {
	beside := "  " + strings.Join(figures(v), " · ")
	columns := s.columns
	if columns <= 0 {
		columns = defaultColumns
	}
	width := min(columns-len([]rune(beside))-2, maxBar)
	if width < minBar {
		return s.cut(strings.TrimSpace(beside))
	}
	total := v.stats.Total
	filled := share(done(v.stats), total, width)
	good := min(share(v.stats.Completed, total, width), filled)
	return "[" + s.paint(green, strings.Repeat("█", good)) +
		s.paint(red, strings.Repeat("▒", filled-good)) +
		s.paint(dim, strings.Repeat("░", width-filled)) + "]" + beside
}

func share(n, total, width int) int {
	if total <= 0 {
		return 0
	}
	return min(n*width/total, width)
}

func figures(v view) []string {
	n, total := done(v.stats), v.stats.Total
	parts := []string{fmt.Sprintf("%s/%s", grouped(n), grouped(total))}
	if total > 0 {
		parts[0] += fmt.Sprintf(" %d%%", n*100/total)
	}
	if v.rateKnown {
		parts = append(parts, perSecond(v.rate))
	}
	if left, known := v.remaining(); known {
		parts = append(parts, clock(left)+" left")
	}
	return parts
}

// renderLine puts a moment on one line, for logs.
func renderLine(v view) string {
	st := v.stats
	parts := append([]string{st.Status}, figures(v)...)
	if st.Status == statusPaused && st.Reason != "" {
		parts[0] = st.Status + " (" + st.Reason + ")"
	}
	parts = append(parts, "running "+grouped(st.Running))
	if st.Retries > 0 {
		parts = append(parts, plural(st.Retries, "retry", "retries"))
	}
	if st.Failed > 0 {
		parts = append(parts, "failed: "+strings.ReplaceAll(counts(st.ErrorClasses, classOrder), " · ", ", "))
	}
	if st.Accuracy != nil {
		parts = append(parts, "accuracy "+percent(st.Accuracy.Value))
	}
	return clock(v.elapsed) + "  " + strings.Join(parts, " · ")
}
