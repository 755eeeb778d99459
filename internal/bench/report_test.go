package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit"
)

// fileVariable names the file for programs; without it none is written.
const fileVariable = "MINO_BENCH_FILE"

// target is what a figure should come to: its ratio where it has a baseline, else its
// value.
type target struct {
	limit float64
	sign  string
}

var nothing = target{}

func atLeast(limit float64) target { return target{limit, "≥"} }

func atMost(limit float64) target { return target{limit, "≤"} }

func (t target) met(x float64) bool {
	if t.sign == "≥" {
		return x >= t.limit
	}
	return x <= t.limit
}

// figure is one line of the table. A benchmark that runs more than once leaves what it
// measured last.
type figure struct {
	name, unit, what string
	target           target

	measured        bool
	value, baseline float64
}

var figures []*figure

func define(name, unit, what string, t target) *figure {
	f := &figure{name: name, unit: unit, what: what, target: t}
	figures = append(figures, f)
	return f
}

// record takes a measured value.
func (f *figure) record(b *testing.B, value float64) {
	b.Helper()
	f.recordAgainst(b, value, 0)
}

// recordAgainst takes a measured value and what it is compared with.
func (f *figure) recordAgainst(b *testing.B, value, baseline float64) {
	b.Helper()
	f.measured, f.value, f.baseline = true, value, baseline
	b.ReportMetric(value, f.name+"-"+f.unit)
}

// line is a figure as programs read it.
type line struct {
	Name     string   `json:"name"`
	Value    float64  `json:"value"`
	Unit     string   `json:"unit"`
	Baseline *float64 `json:"baseline"`
	Ratio    *float64 `json:"ratio"`
	Target   *float64 `json:"target"`
	Met      *bool    `json:"met"`
}

func (f *figure) line() line {
	l := line{Name: f.name, Value: f.value, Unit: f.unit}
	judged := f.value
	if f.baseline != 0 {
		judged = f.value / f.baseline
		l.Baseline, l.Ratio = &f.baseline, &judged
	}
	if f.target != nothing {
		met := f.target.met(judged)
		l.Target, l.Met = &f.target.limit, &met
	}
	return l
}

// table shows what was measured.
func table(w io.Writer, all []*figure) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "figure\tvalue\tbaseline\tratio\ttarget\t\t") //nolint:errcheck // Flush tells
	for _, f := range all {
		if !f.measured {
			continue
		}
		l, baseline, ratio, wanted, met := f.line(), "", "", "", ""
		if l.Baseline != nil {
			baseline, ratio = number(f.baseline), fmt.Sprintf("%.3f", *l.Ratio)
		}
		if l.Target != nil {
			wanted, met = f.target.sign+" "+number(f.target.limit), "missed"
			if *l.Met {
				met = "met"
			}
		}
		//nolint:errcheck // Flush tells
		fmt.Fprintf(columns, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\n", f.name, number(f.value), f.unit, baseline, ratio, wanted, met, f.what)
	}
	return columns.Flush()
}

func number(x float64) string {
	switch {
	case x == float64(int64(x)):
		return fmt.Sprintf("%.0f", x)
	case x >= 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// report prints the table and writes the file.
func report(all []*figure, path string) error {
	lines := []line{}
	for _, f := range all {
		if f.measured {
			lines = append(lines, f.line())
		}
	}
	if len(lines) == 0 {
		return nil
	}
	fmt.Printf("\nMINO, %d CPUs, Temporal dev server in memory, PostgreSQL without fsync\n\n", runtime.NumCPU())
	if err := table(os.Stdout, all); err != nil || path == "" {
		return err
	}
	text, err := json.MarshalIndent(lines, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func TestMain(m *testing.M) {
	code := testkit.Run(m)
	if err := report(figures, os.Getenv(fileVariable)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func TestReport(t *testing.T) {
	t.Parallel()
	all := []*figure{
		{name: "speed", unit: "jobs/s", target: atLeast(0.8), measured: true, value: 70, baseline: 100},
		{name: "length", unit: "s", what: "how long", target: atMost(1), measured: true, value: 0.25},
		{name: "size", unit: "MB", measured: true, value: 12},
		{name: "unknown", unit: "MB"},
	}

	t.Run("SaysWhatWasMissed", func(t *testing.T) {
		t.Parallel()
		var out strings.Builder
		require.NoError(t, table(&out, all))
		lines := strings.Split(out.String(), "\n")
		require.Equal(t, []string{"speed", "70", "jobs/s", "100", "0.700", "≥", "0.8", "missed"}, strings.Fields(lines[1]))
		require.Equal(t, []string{"length", "0.25", "s", "≤", "1", "met", "how", "long"}, strings.Fields(lines[2]))
		require.Equal(t, []string{"size", "12", "MB"}, strings.Fields(lines[3]))
		require.NotContains(t, out.String(), "unknown")
	})

	t.Run("WritesAFileForPrograms", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "bench.json")
		require.NoError(t, report(all, path))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.JSONEq(t, `[
			{"name": "speed", "value": 70, "unit": "jobs/s", "baseline": 100, "ratio": 0.7, "target": 0.8, "met": false},
			{"name": "length", "value": 0.25, "unit": "s", "baseline": null, "ratio": null, "target": 1, "met": true},
			{"name": "size", "value": 12, "unit": "MB", "baseline": null, "ratio": null, "target": null, "met": null}
		]`, string(text))
	})
}
