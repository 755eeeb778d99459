package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/minohq/mino/api/wire"
)

// renderPreview writes what an upload would come to.
func renderPreview(p wire.Preview, s style) []string {
	rows := grouped(p.RowCount)
	if !p.Complete {
		rows += ", and more that cannot be read"
	}
	columns := make([]wire.Column, len(p.Columns))
	for i, c := range p.Columns {
		columns[i] = c.Column
	}
	lines := record(
		[2]string{"format", p.Format},
		[2]string{"charset", p.Charset},
		[2]string{"delimiter", delimiterText(p.Delimiter)},
		[2]string{"columns", columnsText(columns)},
		[2]string{"rows", rows},
		[2]string{"duplicates", duplicatesText(&p.Duplicates)},
	)
	lines = append(lines, titled(s, previewRows(p))...)
	return append(lines, titled(s, previewNotes("warning", p.Warnings, p.WarningCount))...)
}

func previewRows(p wire.Preview) [][]string {
	titles := []string{"row", "page"}
	for _, c := range p.Columns {
		if c.Role == "input" || c.Role == "ground_truth" {
			titles = append(titles, c.Name)
		}
	}
	rows := [][]string{titles}
	for _, r := range p.Rows {
		cells := []string{strconv.Itoa(r.Row), r.SiteURL}
		for _, c := range p.Columns {
			switch c.Role {
			case "input":
				cells = append(cells, r.Input[c.Name])
			case "ground_truth":
				cells = append(cells, strings.Join(r.GroundTruth[c.Field], " | "))
			}
		}
		rows = append(rows, cells)
	}
	return rows
}

func previewNotes(title string, notes []wire.UploadNote, count int) [][]string {
	rows := [][]string{{title, ""}}
	for _, note := range notes {
		rows = append(rows, []string{note.Field, note.Message + " (" + note.Code + ")"})
	}
	if more := count - len(notes); more > 0 {
		rows = append(rows, []string{"…", grouped(more) + " more"})
	}
	return rows
}

// refusedPreview says why the upload would be refused.
func refusedPreview(p wire.Preview) error {
	lines := []string{fmt.Sprintf("the upload would be refused for %s:", plural(p.ProblemCount, "problem", "problems"))}
	for _, line := range table(previewNotes("", p.Problems, p.ProblemCount))[1:] {
		lines = append(lines, "  "+plain(line))
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}

func delimiterText(delimiter string) string {
	if delimiter == "\t" {
		return "tab"
	}
	return delimiter
}

// duplicatesText says how many rows are the same as an earlier one; empty when none is.
func duplicatesText(d *wire.Duplicates) string {
	if d == nil || d.Count == 0 {
		return ""
	}
	text := grouped(d.Count)
	if d.Skipped > 0 {
		text += ", of which " + grouped(d.Skipped) + " skipped"
	}
	return text
}
