package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/minohq/mino/internal/launch"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
)

const (
	siteURLHeader     = "site_url"
	groundTruthPrefix = "gt_"
	// groundTruthRole and a field make the role of a column in an explicit mapping.
	groundTruthRole = "ground_truth:"
)

// siteURLAliases are headers that stand in for site_url when exactly one is there.
var siteURLAliases = []string{"url", "website"}

// folded is the form in which headers are the same.
func folded(header string) string { return strings.ToLower(strings.TrimSpace(header)) }

var separators = strings.NewReplacer(" ", "_", "-", "_")

// meant is the form in which a header is looked at for its role: "Site URL" means
// "site_url".
func meant(header string) string { return separators.Replace(folded(header)) }

// newTable gives every header its role. What is wrong with them is kept in the table.
func newTable(headers []string, opt Options, next func() (record, error)) *Table {
	if len(headers) > MaxColumns {
		return unreadable("", opt, Problem{
			Column: "header", Code: CodeTooManyColumns,
			Message: fmt.Sprintf("there are %d columns; at most %d are taken", len(headers), MaxColumns),
		})
	}
	t := &Table{
		fields: opt.Fields, next: next, maxRows: opt.maxRows(), seen: newSeenRows(opt.Duplicates),
		splits: make([]bool, len(headers)),
	}
	headers = slices.Clone(headers)
	for i := range headers {
		headers[i] = strings.TrimSpace(headers[i])
	}
	t.bad = checkHeaders(headers)
	t.unnamed = len(t.bad) > 0
	roles := roleAssigner{fields: opt.Fields}
	t.Columns = roles.assign(headers, opt.Columns)
	roles.miss(opt.Needs, t.Columns)
	if !t.unnamed {
		t.bad = roles.bad
	}
	for i, column := range t.Columns {
		t.splits[i] = !comparedByRegex(opt.Fields, column.Field)
	}
	return t
}

func comparedByRegex(fields []field.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f field.Field) bool {
		return f.Name == name && f.Compare != nil && f.Compare.Comparer == field.CompareRegex
	})
}

func checkHeaders(headers []string) []Problem {
	var bad []Problem
	seen := make(map[string]int, len(headers))
	for i, header := range headers {
		place := "column " + header
		switch first, dup := seen[folded(header)]; {
		case header == "":
			bad = append(bad, Problem{
				Column: fmt.Sprintf("column %d", i+1), Code: CodeBlankHeader,
				Message: "has no header; name the column or delete it",
			})
			continue
		case dup:
			bad = append(bad, Problem{
				Column: place, Code: CodeDuplicateHeader,
				Message: fmt.Sprintf("column %d (%s) and column %d (%s) have the same header",
					first+1, quoted(headers[first]), i+1, quoted(header)),
			})
			continue
		case strings.IndexByte(header, 0) >= 0:
			// All headers look like this when the file is UTF-16: once is enough.
			return append(bad, Problem{
				Column: fmt.Sprintf("column %d", i+1), Code: CodeInvalidEncoding,
				Message: "the header has NUL characters in it; UTF-16 needs a byte order mark or a declared charset",
			})
		case utf8.RuneCountInString(header) > MaxHeaderLength:
			bad = append(bad, Problem{
				Column: fmt.Sprintf("column %d", i+1), Code: CodeInvalidHeader,
				Message: fmt.Sprintf("the header is longer than %d characters", MaxHeaderLength),
			})
		}
		seen[folded(header)] = i
	}
	return bad
}

// roleAssigner gives headers their roles and collects what stands against it.
type roleAssigner struct {
	fields []field.Field
	bad    []Problem
}

func (a *roleAssigner) refuse(place, code, format string, args ...any) {
	a.bad = append(a.bad, Problem{Column: place, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (a *roleAssigner) assign(headers []string, mapping map[string]string) []models.Column {
	explicit := a.explicit(headers, mapping)
	siteURL := a.siteURL(headers, explicit)
	columns := make([]models.Column, len(headers))
	truths := make(map[string]string, len(a.fields))
	for i, header := range headers {
		column, mapped := explicit[folded(header)]
		switch {
		case mapped:
		case i == siteURL:
			column.Role = models.RoleSiteURL
		case strings.HasPrefix(meant(header), groundTruthPrefix):
			column.Role = models.RoleGroundTruth
			column.Field = a.field("column "+header, meant(header)[len(groundTruthPrefix):])
		default:
			column.Role = models.RoleInput
		}
		column.Name = header
		columns[i] = column
		if column.Role != models.RoleGroundTruth || column.Field == "" {
			continue
		}
		if other, dup := truths[column.Field]; dup {
			a.refuse("column "+header, CodeDuplicateRole,
				"columns %s and %s are both the ground truth of the field %s", quoted(other), quoted(header), column.Field)
		}
		truths[column.Field] = header
	}
	return columns
}

// miss refuses columns without an input column that is needed.
func (a *roleAssigner) miss(needs []string, columns []models.Column) {
	for _, name := range launch.MissingColumns(needs, columns) {
		as := ""
		for _, c := range columns {
			if folded(c.Name) == folded(name) {
				as = fmt.Sprintf("; the column %s is %s", quoted(c.Name), c.Role)
			}
		}
		a.refuse("column "+name, CodeMissingColumn, "the project needs it, and it is no input column of the upload%s", as)
	}
}

// explicit reads the caller's mapping, by folded header.
func (a *roleAssigner) explicit(headers []string, mapping map[string]string) map[string]models.Column {
	known := make(map[string]bool, len(headers))
	for _, header := range headers {
		known[folded(header)] = true
	}
	out := make(map[string]models.Column, len(mapping))
	for _, header := range slices.Sorted(maps.Keys(mapping)) {
		place := "columns." + header
		if !known[folded(header)] {
			a.refuse(place, CodeUnknownColumn, "the upload has no such column; it has %s", list(headers))
			continue
		}
		if _, dup := out[folded(header)]; dup {
			a.refuse(place, CodeDuplicateHeader, "the column is mapped twice")
			continue
		}
		out[folded(header)] = a.role(place, mapping[header])
	}
	return out
}

func (a *roleAssigner) role(place, role string) models.Column {
	if name, ok := strings.CutPrefix(role, groundTruthRole); ok {
		return models.Column{Role: models.RoleGroundTruth, Field: a.field(place, name)}
	}
	switch r := models.ColumnRole(role); r {
	case models.RoleSiteURL, models.RoleInput, models.RoleIgnored:
		return models.Column{Role: r}
	case models.RoleGroundTruth:
	}
	a.refuse(place, CodeInvalidRole, "%s is no role; a role is site_url, input, ignored or ground_truth:<field>", quoted(role))
	return models.Column{Role: models.RoleIgnored}
}

// field finds a field of the project by name, whatever its case.
func (a *roleAssigner) field(place, name string) string {
	for _, f := range a.fields {
		if strings.EqualFold(f.Name, strings.TrimSpace(name)) {
			return f.Name
		}
	}
	names := make([]string, len(a.fields))
	for i, f := range a.fields {
		names[i] = f.Name
	}
	a.refuse(place, CodeUnknownField, "the project has no field %s; its fields are %s", quoted(name), list(names))
	return ""
}

// siteURL finds the column of the page's URL: the mapped one, else the one of that
// name, else the one alias that is there. It returns its index, or -1 when the
// mapping has it or there is none.
func (a *roleAssigner) siteURL(headers []string, explicit map[string]models.Column) int {
	mapped := 0
	for _, column := range explicit {
		if column.Role == models.RoleSiteURL {
			mapped++
		}
	}
	if mapped > 1 {
		a.refuse("columns", CodeDuplicateRole, "%d columns are mapped to site_url; there must be one", mapped)
	}
	if mapped > 0 {
		return -1
	}
	free := func(names ...string) (found []int) {
		for i, header := range headers {
			if _, taken := explicit[folded(header)]; !taken && slices.Contains(names, meant(header)) {
				found = append(found, i)
			}
		}
		return found
	}
	candidates := free(siteURLHeader)
	if len(candidates) == 0 {
		candidates = free(siteURLAliases...)
	}
	if len(candidates) == 1 {
		return candidates[0]
	}
	hint := ""
	if len(candidates) > 1 {
		hint = "; several columns could be it, so map one of them to site_url"
	}
	a.refuse(siteURLHeader, CodeMissingSiteURL, "no column is the site_url; the columns are %s%s", list(headers), hint)
	return -1
}

// list shows names in a message, the first ones when there are many.
func list(names []string) string {
	const limit = 20
	if len(names) == 0 {
		return "none"
	}
	shown := make([]string, 0, limit)
	for _, name := range names[:min(len(names), limit)] {
		shown = append(shown, quoted(name))
	}
	out := strings.Join(shown, ", ")
	if more := len(names) - limit; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}
