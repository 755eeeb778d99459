package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
)

func midway() view {
	return view{
		title: "Shop · March", elapsed: 74 * time.Second, rate: 4.2, rateKnown: true,
		stats: wire.Stats{
			Status: "running", Concurrency: 10, Total: 60, Queued: 19, Running: 10, Completed: 28, Failed: 3, Retries: 4,
			Verdicts:     map[string]int{"wrong": 1, "correct": 24, "blocked": 2, "partial": 1, "novel": 1, "empty": 0},
			ErrorClasses: map[string]int{"permanent": 2, "transient": 1},
			Accuracy:     &wire.Accuracy{Value: 0.912, Low: 0.86, High: 0.9464, Matched: 114, Compared: 125},
			JobAccuracy:  &wire.Accuracy{Value: 0.857},
		},
	}
}

func TestRenderLive(t *testing.T) {
	t.Parallel()

	t.Run("Midway", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{
			"Shop · March · running, 10 at once",
			"[██████████████████▒▒░░░░░░░░░░░░░░░░░░░░]  31/60 51% · 4.2/s · 7s left",
			"running 10 · queued 19 · 4 retries · 1m14s so far",
			"verdicts  correct 24 · partial 1 · wrong 1 · blocked 2 · novel 1",
			"failures  transient 1 · permanent 2",
			"accuracy  91.2% of 125 fields (95%: 86.0–94.6%) · 85.7% of jobs all right",
		}, renderLive(midway(), style{columns: 79}))
	})

	t.Run("AtTheBeginning", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{
			"Shop · ",
			"[░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░]  0/0",
			"running 0 · queued 0 · 0 retries · 0s so far",
			"verdicts  –",
			"failures  –",
			"accuracy  –",
			"API unreachable",
		}, renderLive(view{title: "Shop", notice: "API unreachable"}, style{columns: 79}))
	})

	t.Run("PausedThereIsNoTimeLeft", func(t *testing.T) {
		t.Parallel()
		v := midway()
		v.stats.Status = "paused"
		lines := renderLive(v, style{columns: 79})
		require.Equal(t, "Shop · March · paused", lines[0])
		require.NotContains(t, lines[1], "left")
	})

	t.Run("NothingIsWiderThanTheTerminal", func(t *testing.T) {
		t.Parallel()
		v := midway()
		v.title = "日本のお店 · très long nom de lot"
		v.notice = strings.Repeat("x", 300)
		for columns := 1; columns <= 120; columns++ {
			for _, line := range renderLive(v, style{columns: columns}) {
				require.LessOrEqual(t, runewidth.StringWidth(line), columns)
			}
		}
	})

	t.Run("ColoursOnlyWhenAllowed", func(t *testing.T) {
		t.Parallel()
		coloured := strings.Join(renderLive(midway(), style{columns: 79, colour: true}), "\n")
		require.Contains(t, coloured, "\x1b[32m██████████████████\x1b[0m\x1b[31m▒▒\x1b[0m")
		require.Equal(t, strings.Join(renderLive(midway(), style{columns: 79}), "\n"), stripColours(coloured))
	})
}

func stripColours(s string) string {
	for _, code := range []string{"0", bold, dim, red, green, yellow} {
		s = strings.ReplaceAll(s, "\x1b["+code+"m", "")
	}
	return s
}

func TestRenderLine(t *testing.T) {
	t.Parallel()
	require.Equal(t,
		"1m14s  running · 31/60 51% · 4.2/s · 7s left · running 10 · 4 retries · failed: transient 1, permanent 2 · accuracy 91.2%",
		renderLine(midway()))
	require.Equal(t, "0s  pending · 0/60 0% · running 0", renderLine(view{stats: wire.Stats{Status: "pending", Total: 60}}))
	require.Equal(t, "0s  paused (3 of 8 jobs failed; 2 are tolerated) · 8/60 13% · running 0 · failed: permanent 3",
		renderLine(view{stats: wire.Stats{
			Status: "paused", Reason: "3 of 8 jobs failed; 2 are tolerated", Total: 60, Completed: 5, Failed: 3,
			ErrorClasses: map[string]int{"permanent": 3},
		}}))
}

func TestRenderSummary(t *testing.T) {
	t.Parallel()

	t.Run("AFailedRunSaysWhy", func(t *testing.T) {
		t.Parallel()
		began, ended := startedAt, startedAt.Add(1500*time.Millisecond)
		lines := renderSummary("Shop", wire.Execution{Status: "failed", Reason: "no worker", StartedAt: &began, FinishedAt: &ended},
			wire.Stats{Completed: 3, Queued: 7}, style{})
		require.Equal(t, []string{
			"Shop: failed in 1.5s, 2.0/s",
			"because: no worker",
			"",
			"jobs      completed 3 · not started 7",
			"verdicts  –",
			"failures  –",
			"",
			"No accuracy: no result was compared. Add gt_<field> columns to the CSV to have results compared with them.",
		}, lines)
	})
}

func TestMeter(t *testing.T) {
	t.Parallel()
	at := func(s float64) time.Time { return startedAt.Add(time.Duration(s * float64(time.Second))) }

	var m meter
	_, known := m.rate()
	require.False(t, known)
	m.add(at(0), 0)
	m.add(at(0.5), 50)
	_, known = m.rate()
	require.False(t, known, "half a second says nothing")

	for s := 1.0; s <= 30; s += 0.5 {
		m.add(at(s), int(s*4))
	}
	rate, known := m.rate()
	require.True(t, known)
	require.InDelta(t, 4, rate, 0.01)
	require.LessOrEqual(t, len(m.samples), 22, "samples outside the window are dropped")

	for s := 30.5; s <= 45; s += 0.5 {
		m.add(at(s), 120)
	}
	rate, known = m.rate()
	require.True(t, known)
	require.Zero(t, rate, "the window has passed and nothing ended in it")
}

func TestLineDisplay(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	d := &lineDisplay{out: &out}
	moment := func(seconds, completed int, status, notice string) view {
		return view{elapsed: time.Duration(seconds) * time.Second, notice: notice,
			stats: wire.Stats{Status: status, Total: 10, Completed: completed}}
	}
	d.draw(moment(0, 0, "pending", ""))
	d.draw(moment(1, 0, "running", ""))
	d.draw(moment(2, 1, "running", ""))
	d.draw(moment(6, 2, "running", ""))
	d.draw(moment(12, 2, "running", ""))
	d.draw(moment(13, 2, "running", "down"))
	d.draw(moment(14, 2, "running", "down"))
	d.draw(moment(20, 3, "running", ""))
	d.finish(moment(21, 10, "completed", ""))
	require.Equal(t, `0s  pending · 0/10 0% · running 0
1s  running · 0/10 0% · running 0
6s  running · 2/10 20% · running 0
13s  down
20s  running · 3/10 30% · running 0
21s  completed · 10/10 100% · running 0
`, out.String())
}

func TestLiveDisplay(t *testing.T) {
	t.Parallel()

	t.Run("TheBlockIsRedrawnInPlace", func(t *testing.T) {
		t.Parallel()
		var out strings.Builder
		d := &liveDisplay{out: &out, size: func() (int, int) { return 80, 24 }}
		d.draw(midway())
		require.NotContains(t, out.String(), "A\r")
		out.Reset()
		d.draw(midway())
		require.True(t, strings.HasPrefix(out.String(), "\x1b[6A\r"))
		require.Equal(t, 6, strings.Count(out.String(), "\x1b[K\n"))
		require.True(t, strings.HasSuffix(out.String(), "\x1b[J"))
	})

	t.Run("ALowTerminalGetsWhatFits", func(t *testing.T) {
		t.Parallel()
		var out strings.Builder
		d := &liveDisplay{out: &out, size: func() (int, int) { return 80, 4 }}
		d.draw(midway())
		require.Equal(t, 3, strings.Count(out.String(), "\n"))
	})

	t.Run("AfterAQuestionABlockBegins", func(t *testing.T) {
		t.Parallel()
		var out strings.Builder
		d := &liveDisplay{out: &out, size: func() (int, int) { return 80, 24 }}
		d.draw(midway())
		d.ask("why?")
		out.Reset()
		d.draw(midway())
		require.False(t, strings.HasPrefix(out.String(), "\x1b["))
	})
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		require.Equal(t, want, grouped(n))
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 59*time.Minute + 59500*time.Millisecond: "1h00m", 61 * time.Minute: "1h01m",
	} {
		require.Equal(t, want, clock(d))
	}
	for rate, want := range map[float64]string{0: "0.0/s", 9.94: "9.9/s", 42.4: "42/s", 1234: "1,234/s"} {
		require.Equal(t, want, perSecond(rate))
	}
	require.Equal(t, []string{"one two", "three"}, wrap("one  two three", 8))
	require.Equal(t, []string{"a   1   x", "bb  22"}, table([][]string{{"a", "1", "x"}, {"bb", "22", ""}}))
	require.NoError(t, withCode(nil))
	requireCode(t, ExitOther, withCode(errors.New("x")))
}
