package api

import (
	"bytes"
	"fmt"
	"maps"
	"mime/multipart"
	"reflect"
	"slices"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
)

// formParts are the parts that an upload may have.
var formParts = []string{"file", "project_id", "name", "columns", "charset"}

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
func (f *formReader) columns(up *upload) {
	text := bytes.TrimSpace([]byte(f.text("columns")))
	if len(text) == 0 {
		return
	}
	if err := wellFormed(text); err != nil {
		f.refuse("columns", wire.FieldInvalid, "must be a JSON object from header to role: %s", asProblem(err).detail)
		return
	}
	var checker shapeChecker
	checker.value("columns", text, reflect.TypeFor[map[string]string]())
	if len(checker.errors) > 0 {
		f.errors = append(f.errors, checker.errors...)
		return
	}
	if err := decode(text, &up.columns); err != nil {
		f.refuse("columns", wire.FieldInvalid, "must be a JSON object from header to role")
	}
}

// file finds the one file.
func (f *formReader) file() *multipart.FileHeader {
	files := f.form.File["file"]
	switch {
	case len(f.form.Value["file"]) > 0:
		f.refuse("file", wire.FieldWrongType, "must be a file: the part needs a filename")
	case len(files) == 0:
		f.refuse("file", wire.FieldRequired, "is the CSV to upload")
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
