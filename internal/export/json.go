package export

import "io"

// jsonWriter writes objects, whose members are the columns in their order: one a line,
// or all in an array.
type jsonWriter struct {
	w     io.Writer
	array bool
	keys  [][]byte // with what stands around them
	rows  int
	line  []byte
}

func (j *jsonWriter) Header(names []string) error {
	for i, name := range names {
		key := []byte{','}
		if i == 0 {
			key[0] = '{'
		}
		j.keys = append(j.keys, append(appendQuoted(key, name), ':'))
	}
	if !j.array {
		return nil
	}
	_, err := io.WriteString(j.w, "[")
	return err
}

func (j *jsonWriter) Row(cells []Cell) error {
	j.line = j.line[:0]
	if j.array {
		if j.rows > 0 {
			j.line = append(j.line, ',')
		}
		j.line = append(j.line, '\n')
	}
	j.rows++
	for i := range cells {
		var err error
		if j.line, err = cells[i].AppendJSON(append(j.line, j.keys[i]...)); err != nil {
			return err
		}
	}
	j.line = append(j.line, '}')
	if !j.array {
		j.line = append(j.line, '\n')
	}
	_, err := j.w.Write(j.line)
	return err
}

func (j *jsonWriter) Finish() error {
	if !j.array {
		return nil
	}
	_, err := io.WriteString(j.w, "\n]\n")
	return err
}

func (j *jsonWriter) Close() error { return nil }
