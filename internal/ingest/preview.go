package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/scoring"
)

// MaxPreviewBytes bounds the rows of a preview together; what does not fit is left out.
const MaxPreviewBytes = 1 << 20

// MaxWarnings is how many warnings of one upload are told; all are counted.
const MaxWarnings = 100

// Codes of what is no problem, and perhaps not meant.
const (
	// WarnDuplicateRows: rows have the site_url and inputs of earlier ones.
	WarnDuplicateRows = "DUPLICATE_ROWS"
	// WarnIgnoredColumn: a column is not stored, as the mapping says.
	WarnIgnoredColumn = "IGNORED_COLUMN"
	// WarnUnreadableTruth: a ground truth that its field's comparer cannot read, so that
	// nothing will ever match it.
	WarnUnreadableTruth = "UNREADABLE_TRUTH"
)

// Preview is what an upload would come to.
type Preview struct {
	Columns []PreviewColumn
	// Rows are the first ones that have no problem, as they would be stored.
	Rows []Row
	// RowCount counts the rows read, duplicates among them.
	RowCount int
	// Complete says that the upload was read to its end; it is not where a problem, such
	// as a quote that is left open or too many rows, makes the rest unreadable.
	Complete bool
	// Problems are the first MaxProblems of ProblemCount: without one, the upload would
	// be taken.
	Problems     []Problem
	ProblemCount int
	// Warnings are the first MaxWarnings of WarningCount.
	Warnings     []Problem
	WarningCount int

	bytes int
}

// PreviewColumn is a column with the roles that an explicit mapping may give it, judged
// by its first values: "site_url" where they are URLs, "input", "ignored", and
// "ground_truth:<field>" where the field can read them.
type PreviewColumn struct {
	models.Column

	CouldBe []string
}

// Preview reads the table to its end instead of Rows, and keeps the first rows. What is
// wrong with the upload is part of the preview; an error is the reader's own, or that
// of ctx.
func (t *Table) Preview(ctx context.Context, rows int) (*Preview, error) {
	p := &Preview{Rows: []Row{}}
	p.refuse(t.bad...)
	for _, column := range t.Columns {
		if column.Role == models.RoleIgnored && !t.unnamed {
			p.warn(Problem{Column: "column " + column.Name, Code: WarnIgnoredColumn, Message: "is ignored: its values are not stored"})
		}
	}
	guesses := newGuesses(t)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row, rec, bad, err := t.read()
		var last Problem
		switch {
		case errors.As(err, &last):
			p.refuse(last)
		case errors.Is(err, io.EOF):
			p.Complete = !t.cut
		case err != nil:
			return nil, err
		}
		if err != nil {
			break
		}
		p.RowCount++
		p.refuse(bad...)
		guesses.look(rec)
		t.warn(p, row, rec)
		if len(bad) == 0 && row.Number > 0 && !t.unnamed && !t.skips(row) && len(p.Rows) < rows {
			p.keep(row)
		}
	}
	if n := t.seen.count; n > 0 && t.seen.rule != RefuseDuplicates {
		p.warn(Problem{
			Column: fileColumn, Code: WarnDuplicateRows,
			Message: fmt.Sprintf("%d rows have the same site_url and inputs as an earlier row", n),
		})
	}
	p.Columns = guesses.columns()
	return p, nil
}

// CanBeCreated reports whether the upload would be taken as it is.
func (p *Preview) CanBeCreated() bool { return p.ProblemCount == 0 }

func (p *Preview) refuse(all ...Problem) {
	p.ProblemCount += len(all)
	p.Problems = append(p.Problems, all[:min(len(all), MaxProblems-len(p.Problems))]...)
}

func (p *Preview) warn(w Problem) {
	if p.WarningCount++; len(p.Warnings) < MaxWarnings {
		p.Warnings = append(p.Warnings, w)
	}
}

// keep keeps a row if there is room for it.
func (p *Preview) keep(row Row) {
	size := len(row.SiteURL)
	for name, value := range row.Input {
		size += len(name) + len(value)
	}
	for name, values := range row.GroundTruth {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	if p.bytes += size; p.bytes <= MaxPreviewBytes {
		p.Rows = append(p.Rows, row)
	}
}

// warn tells the ground truths of a row that nothing can match.
func (t *Table) warn(p *Preview, row Row, rec record) {
	for _, column := range t.Columns {
		f, known := t.field(column.Field)
		if !known {
			continue
		}
		for _, truth := range row.GroundTruth[column.Field] {
			if err := scoring.CheckTruth(f, truth); err != nil {
				p.warn(Problem{
					Row: row.Number, Line: rec.line, Column: column.Name, Code: WarnUnreadableTruth,
					Message: quoted(truth) + " is " + err.Error() + ", so that nothing will match it",
				})
			}
		}
	}
}

func (t *Table) field(name string) (field.Field, bool) {
	for _, f := range t.fields {
		if f.Name == name && name != "" {
			return f, true
		}
	}
	return field.Field{}, false
}

// guessValues is how many values of a column decide on what it could be.
const guessValues = 10

// guesses find out what columns could be, without keeping their values.
type guesses struct {
	t    *Table
	all  []guess
	open int // columns that need more values
}

type guess struct {
	values  int
	siteURL bool
	fields  []bool // by field of the project
}

func newGuesses(t *Table) *guesses {
	g := &guesses{t: t, all: make([]guess, len(t.Columns)), open: len(t.Columns)}
	for i := range g.all {
		g.all[i] = guess{siteURL: true, fields: make([]bool, len(t.fields))}
		for f := range t.fields {
			g.all[i].fields[f] = true
		}
	}
	return g
}

// look takes the values of a row into account.
func (g *guesses) look(rec record) {
	if g.open == 0 || len(rec.cells) != len(g.all) {
		return
	}
	for i := range g.all {
		column, list := &g.all[i], rec.lists[i]
		values := list
		if list == nil {
			values = nonBlank(rec.cells[i])
		}
		if column.values == guessValues || len(values) == 0 {
			continue
		}
		if column.values++; column.values == guessValues {
			g.open--
		}
		column.look(g.t, values, list == nil)
	}
}

func (c *guess) look(t *Table, values []string, one bool) {
	if c.siteURL {
		_, err := SiteURL(values[0])
		c.siteURL = one && err == nil
	}
	for i, f := range t.fields {
		if !c.fields[i] || comparedByRegex(t.fields, f.Name) {
			continue
		}
		accepted := values
		if one && t.Format == FormatCSV {
			accepted = acceptedValues(values[0], true)
		}
		for _, value := range accepted {
			c.fields[i] = c.fields[i] && scoring.CheckTruth(f, value) == nil
		}
	}
}

func (g *guesses) columns() []PreviewColumn {
	out := make([]PreviewColumn, len(g.all))
	for i, column := range g.t.Columns {
		var could []string
		if g.all[i].values > 0 && g.all[i].siteURL {
			could = append(could, siteURLHeader)
		}
		could = append(could, string(models.RoleInput), string(models.RoleIgnored))
		for f, readable := range g.all[i].fields {
			if readable {
				could = append(could, groundTruthRole+g.t.fields[f].Name)
			}
		}
		out[i] = PreviewColumn{Column: column, CouldBe: could}
	}
	return out
}
