package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minohq/mino/api/wire"
)

// renderSummary writes what came of a run.
func renderSummary(title string, execution wire.Execution, stats wire.Stats, s style) []string {
	lines := []string{s.paint(bold, title+": ") + s.paint(statusColour(execution.Status), execution.Status) + tookText(execution, stats)}
	if execution.Reason != "" {
		lines = append(lines, s.paint(red, "because: "+execution.Reason))
	}
	lines = append(lines, "")
	rows := [][]string{
		{"jobs", jobsText(stats)},
		{"verdicts", counts(stats.Verdicts, verdictOrder)},
		{"failures", counts(stats.ErrorClasses, classOrder)},
	}
	if cost := costText(stats.Steps, stats.CostMicros, stats.CostCurrency); cost != "" {
		rows = append(rows, []string{"cost", cost})
	}
	lines = append(lines, table(rows)...)
	return append(append(lines, ""), renderAccuracy(stats, s)...)
}

func statusColour(status string) string {
	switch status {
	case statusCompleted:
		return green
	case statusFailed:
		return red
	}
	return yellow
}

// tookText says how long the run took and how fast that was, by the API's clock.
func tookText(execution wire.Execution, stats wire.Stats) string {
	if execution.StartedAt == nil || execution.FinishedAt == nil {
		return ""
	}
	took := execution.FinishedAt.Sub(*execution.StartedAt)
	text := " in " + clock(took)
	if took < 10*time.Second {
		text = fmt.Sprintf(" in %.1fs", max(took, 0).Seconds())
	}
	if took > 0 && done(stats) > 0 {
		text += ", " + perSecond(float64(done(stats))/took.Seconds())
	}
	return text
}

// costText says what was paid and for how many steps; nothing when there was nothing.
func costText(steps int, micros int64, currency string) string {
	var parts []string
	if micros > 0 {
		parts = append(parts, money(micros, currency))
	}
	if steps > 0 {
		parts = append(parts, plural(steps, "step", "steps"))
	}
	return strings.Join(parts, " · ")
}

// money writes an amount with the cents that people know, and with what is smaller only
// where there is some.
func money(micros int64, currency string) string {
	cents := strings.TrimRight(fmt.Sprintf("%06d", micros%1_000_000), "0")
	cents += strings.Repeat("0", max(2-len(cents), 0))
	return strings.TrimSpace(strconv.FormatInt(micros/1_000_000, 10) + "." + cents + " " + currency)
}

func jobsText(st wire.Stats) string {
	text := counts(map[string]int{
		"completed": st.Completed, "failed": st.Failed, "cancelled": st.Cancelled,
		"running": st.Running, "not started": st.Queued,
	}, []string{"completed", "failed", "cancelled", "running", "not started"})
	if st.Retries > 0 {
		text += " · " + plural(st.Retries, "retry", "retries")
	}
	return text
}

// renderAccuracy writes accuracy per field with its interval, then over all.
func renderAccuracy(stats wire.Stats, s style) []string {
	if stats.Accuracy == nil {
		return []string{"No accuracy: no result was compared. Add gt_<field> columns to the CSV to have results compared with them."}
	}
	rows := [][]string{{"accuracy", "right", "of", "share", "95% interval"}}
	add := func(name string, a wire.Accuracy) {
		rows = append(rows, []string{name, grouped(a.Matched), grouped(a.Compared), percent(a.Value), interval(a)})
	}
	for _, name := range slices.Sorted(maps.Keys(stats.Fields)) {
		add(name, stats.Fields[name])
	}
	add("all fields", *stats.Accuracy)
	if stats.JobAccuracy != nil {
		add("whole jobs", *stats.JobAccuracy)
	}
	lines := table(rows, 1, 2, 3, 4)
	lines[0] = s.paint(dim, lines[0])
	return lines
}
