package cli

import (
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode"

	"encoding/json"

	"github.com/mattn/go-runewidth"
)

// Listing is what every list has.
type Listing struct {
	Remote

	Limit int `default:"100" placeholder:"N" help:"List at most N; 0 lists all. What is left out is said on standard error."`
}

// tableChunk is how many rows are laid out at once: a list of a million rows starts to
// appear at once and is never in memory as a whole.
const tableChunk = 500

// column is one column of a list.
type column[T any] struct {
	title string
	right bool
	// most is how wide a cell may be; 0 for as wide as it is.
	most int
	cell func(T) string
}

// list prints items: a table with headings, or JSON lines.
func list[T any](streams Streams, c Listing, items iter.Seq2[T, error], columns []column[T]) error {
	if c.Limit < 0 {
		return &ExitError{Code: ExitOther, Err: fmt.Errorf("--limit: must be 0 or more, is %d", c.Limit)}
	}
	out := sheet{streams: streams}
	show := out.add
	put := func(item T) error { return show(cells(item, columns)) }
	if c.JSON {
		encoder := json.NewEncoder(streams.Out)
		encoder.SetEscapeHTML(false)
		put = func(item T) error { return encoder.Encode(item) }
	} else {
		out.head(columnTitles(columns))
	}
	n := 0
	for item, err := range items {
		if err != nil {
			return asked(err, "list them")
		}
		if c.Limit > 0 && n == c.Limit {
			say(streams, "There are more than %s: --limit 0 lists all", grouped(n))
			break
		}
		if err := put(item); err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		say(streams, "There are none")
		return nil
	}
	return out.flush()
}

func columnTitles[T any](columns []column[T]) (titles []string, right []bool) {
	for _, c := range columns {
		titles, right = append(titles, c.title), append(right, c.right)
	}
	return titles, right
}

func cells[T any](item T, columns []column[T]) []string {
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = plain(c.cell(item))
		if c.most > 0 {
			row[i] = runewidth.Truncate(row[i], c.most, "…")
		}
	}
	return row
}

// sheet lays rows out as they come; columns grow and never shrink.
type sheet struct {
	streams Streams
	right   []bool
	widths  []int
	rows    [][]string
	titled  bool // the first row is titles
}

func (s *sheet) head(titles []string, right []bool) {
	s.right, s.widths, s.titled = right, make([]int, len(titles)), true
	s.rows = append(s.rows, titles)
}

func (s *sheet) add(row []string) error {
	s.rows = append(s.rows, row)
	if len(s.rows) < tableChunk {
		return nil
	}
	return s.flush()
}

func (s *sheet) flush() error {
	for _, row := range s.rows {
		for i, cell := range row {
			s.widths[i] = max(s.widths[i], runewidth.StringWidth(cell))
		}
	}
	var b strings.Builder
	for _, row := range s.rows {
		line := make([]string, len(row))
		for i, cell := range row {
			if line[i] = runewidth.FillRight(cell, s.widths[i]); s.right[i] {
				line[i] = runewidth.FillLeft(cell, s.widths[i])
			}
		}
		text := strings.TrimRight(strings.Join(line, "  "), " ")
		if s.titled {
			text = style{colour: s.streams.ColourOut}.paint(dim, text)
			s.titled = false
		}
		b.WriteString(text + "\n")
	}
	s.rows = nil
	_, err := fmt.Fprint(s.streams.Out, b.String())
	return err
}

// plain is text on one line, without what a terminal would obey: names and addresses
// come from strangers.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}

// record lays out the members of one thing; those that are empty are left out.
func record(members ...[2]string) []string {
	var rows [][]string
	for _, m := range members {
		if m[1] != "" {
			rows = append(rows, []string{m[0], plain(m[1])})
		}
	}
	return table(rows)
}

// when writes a time so that it sorts and can be pasted.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func whenever(t *time.Time) string {
	if t == nil {
		return ""
	}
	return when(*t)
}

// value writes a value of JSON for people: text as it is, the rest as JSON.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
