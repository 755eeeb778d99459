package cli

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/minohq/mino/api/wire"
)

// style says how lines are drawn.
type style struct {
	columns int
	colour  bool
}

// The colours, as the parameter of the escape sequence.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (s style) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// cut shortens a line that is too wide. It is applied before colours.
func (s style) cut(line string) string {
	if s.columns <= 0 {
		return line
	}
	return runewidth.Truncate(line, s.columns, "…")
}

// grouped writes a number with commas: 12,345.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// clock writes a duration in the two units that matter.
func clock(d time.Duration) string {
	d = max(d, 0).Round(time.Second)
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h > 0:
		return fmt.Sprintf("%dh%02dm", h, m)
	case m > 0:
		return fmt.Sprintf("%dm%02ds", m, s)
	}
	return fmt.Sprintf("%ds", s)
}

func perSecond(rate float64) string {
	switch {
	case rate >= 100:
		return grouped(int(rate+0.5)) + "/s"
	case rate >= 10:
		return fmt.Sprintf("%.0f/s", rate)
	}
	return fmt.Sprintf("%.1f/s", rate)
}

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

func interval(a wire.Accuracy) string {
	return fmt.Sprintf("%.1f–%.1f%%", 100*a.Low, 100*a.High)
}

// counts writes the members that are not zero: first the known ones in their
// order, then others by name. An empty set is a dash.
func counts(of map[string]int, known []string) string {
	names := make([]string, 0, len(of))
	rank := map[string]int{}
	for i, name := range known {
		rank[name] = i
	}
	for name, n := range of {
		if n != 0 {
			names = append(names, name)
		}
	}
	sort.Slice(names, func(i, j int) bool {
		a, aKnown := rank[names[i]]
		b, bKnown := rank[names[j]]
		if aKnown && bKnown {
			return a < b
		}
		if aKnown != bKnown {
			return aKnown
		}
		return names[i] < names[j]
	})
	if len(names) == 0 {
		return "–"
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name + " " + grouped(of[name])
	}
	return strings.Join(parts, " · ")
}

// table lays cells out in columns. Columns named in right are aligned to the right;
// the last column is not padded.
func table(rows [][]string, right ...int) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	toRight := map[int]bool{}
	for _, i := range right {
		toRight[i] = true
	}
	lines := make([]string, len(rows))
	for r, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if toRight[i] {
				cells[i] = runewidth.FillLeft(cell, widths[i])
			} else {
				cells[i] = runewidth.FillRight(cell, widths[i])
			}
		}
		lines[r] = strings.TrimRight(strings.Join(cells, "  "), " ")
	}
	return lines
}

// wrap breaks text at spaces into lines of at most width columns.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case runewidth.StringWidth(line)+1+runewidth.StringWidth(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
