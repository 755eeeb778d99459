package api

import (
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"path"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/ingest"
)

// formParts are the parts that an upload may have.
var formParts = []string{"file", "project_id", "name", "columns", "charset", "delimiter", "duplicates"}

// formReader reads the parts of an upload and collects what is wrong with them.
type formReader struct {
	form   *multipart.Form
	errors []wire.FieldError
}

func (f *formReader) refuse(part, code, format string, args ...any) {
	f.errors = append(f.errors, wire.FieldError{Field: part, Code: code, Message: fmt.Sprintf(format, args...)})
}

// text reads a part that may be there once.
func (f *formReader) text(part string) string {
	values := f.form.Value[part]
	switch {
	case len(f.form.File[part]) > 0:
		f.refuse(part, wire.FieldWrongType, "must not be a file")
	case len(values) > 1:
		f.refuse(part, wire.FieldDuplicate, "is there %d times", len(values))
	case len(values) == 1 && !storable(values[0]):
		f.refuse(part, wire.FieldInvalid, "must be UTF-8 without NUL")
	case len(values) == 1:
		return values[0]
	}
	return ""
}

// projectID reads the project, which may stand in the query instead.
func (f *formReader) projectID(up *upload) {
	text := f.text("project_id")
	if text == "" {
		return
	}
	id, ok := parseUUID(text)
	switch {
	case !ok:
		f.refuse("project_id", wire.FieldInvalid, "must be a UUID")
	case up.projectID != uuid.Nil && up.projectID != id:
		f.refuse("project_id", wire.FieldInvalid, "is another project than that of the query")
	}
	up.projectID = id
}

// columns reads the mapping from headers to roles.
func (f *formReader) columns() map[string]string {
	columns, errs := readColumns(f.text("columns"))
	f.errors = append(f.errors, errs...)
	return columns
}

func (f *formReader) delimiter() rune {
	delimiter, err := readDelimiter(f.text("delimiter"))
	if err != nil {
		f.refuse("delimiter", wire.FieldInvalid, "%s", err.Error())
	}
	return delimiter
}

func (f *formReader) duplicates() ingest.DuplicateRule {
	rule, err := duplicateRule(f.text("duplicates"))
	if err != nil {
		f.refuse("duplicates", wire.FieldInvalid, "%s", err.Error())
	}
	return rule
}

// format says how the rows of a file are written: as its type says, or else its name.
// Browsers call a CSV many things.
func (f *formReader) format(header *multipart.FileHeader) ingest.Format {
	if header == nil {
		return ingest.FormatCSV
	}
	kind, _, _ := mime.ParseMediaType(header.Header.Get(fiber.HeaderContentType)) // a type that is none says nothing
	lines := isJSONLines(kind)
	switch strings.ToLower(path.Ext(header.Filename)) {
	case ".jsonl", ".ndjson":
		lines = lines || !isCSV(kind)
	}
	if !lines {
		return ingest.FormatCSV
	}
	if len(f.form.Value["delimiter"]) > 0 {
		f.refuse("delimiter", wire.FieldInvalid, "is for a CSV; the file is JSON lines")
	}
	return ingest.FormatJSONLines
}

// file finds the one file.
func (f *formReader) file() *multipart.FileHeader {
	files := f.form.File["file"]
	switch {
	case len(f.form.Value["file"]) > 0:
		f.refuse("file", wire.FieldWrongType, "must be a file: the part needs a filename")
	case len(files) == 0:
		f.refuse("file", wire.FieldRequired, "is the CSV, or the JSON lines, to upload")
	case len(files) > 1:
		f.refuse("file", wire.FieldDuplicate, "is there %d times; a batch is one file", len(files))
	default:
		return files[0]
	}
	return nil
}

// unknown refuses the parts that nobody asked for.
func (f *formReader) unknown() {
	names := slices.Collect(maps.Keys(f.form.Value))
	names = slices.AppendSeq(names, maps.Keys(f.form.File))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !slices.Contains(formParts, name) {
			f.refuse(name, wire.FieldUnknown, "there is no such part; there are %s", joined(formParts))
		}
	}
}
