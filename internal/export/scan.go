package export

import (
	"encoding/json"
	"errors"
)

// errMalformed is what JSON that PostgreSQL never gives comes to.
var errMalformed = errors.New("the JSON of a record is not well formed")

// PostgreSQL checked the JSON when it took it. To decode it into Go's values would cost
// more than everything else here together; finding where values begin and end is enough.

func blank(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

func skipBlank(raw []byte, i int) int {
	for i < len(raw) && blank(raw[i]) {
		i++
	}
	return i
}

// skipString gives the end of the string that begins at i.
func skipString(raw []byte, i int) (int, error) {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1, nil
		}
	}
	return 0, errMalformed
}

// skipValue gives the end of the value that begins at i.
func skipValue(raw []byte, i int) (int, error) {
	if i >= len(raw) {
		return 0, errMalformed
	}
	switch raw[i] {
	case '"':
		return skipString(raw, i)
	case '{', '[':
		return skipNested(raw, i)
	}
	start := i
	for i < len(raw) && !blank(raw[i]) && raw[i] != ',' && raw[i] != '}' && raw[i] != ']' {
		i++
	}
	if i == start {
		return 0, errMalformed
	}
	return i, nil
}

func skipNested(raw []byte, i int) (int, error) {
	depth := 0
	for i < len(raw) {
		switch raw[i] {
		case '"':
			end, err := skipString(raw, i)
			if err != nil {
				return 0, err
			}
			i = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, nil
			}
		}
		i++
	}
	return 0, errMalformed
}

// eachMember calls f with every member of an object. Keys come as they are written,
// without their quotes.
func eachMember(raw []byte, f func(key, value []byte)) error {
	i := skipBlank(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return errMalformed
	}
	i = skipBlank(raw, i+1)
	if i < len(raw) && raw[i] == '}' {
		return nil
	}
	for i < len(raw) && raw[i] == '"' {
		end, err := skipString(raw, i)
		if err != nil {
			return err
		}
		key := raw[i+1 : end-1]
		if i = skipBlank(raw, end); i >= len(raw) || raw[i] != ':' {
			return errMalformed
		}
		start := skipBlank(raw, i+1)
		if end, err = skipValue(raw, start); err != nil {
			return err
		}
		f(key, raw[start:end])
		i = skipBlank(raw, end)
		if i < len(raw) && raw[i] == '}' {
			return nil
		}
		if i >= len(raw) || raw[i] != ',' {
			return errMalformed
		}
		i = skipBlank(raw, i+1)
	}
	return errMalformed
}

// eachElement calls f with every element of an array.
func eachElement(raw []byte, f func(value []byte) error) error {
	i := skipBlank(raw, 0)
	if i >= len(raw) || raw[i] != '[' {
		return errMalformed
	}
	i = skipBlank(raw, i+1)
	if i < len(raw) && raw[i] == ']' {
		return nil
	}
	for i < len(raw) {
		end, err := skipValue(raw, i)
		if err != nil {
			return err
		}
		if err := f(raw[i:end]); err != nil {
			return err
		}
		i = skipBlank(raw, end)
		if i < len(raw) && raw[i] == ']' {
			return nil
		}
		if i >= len(raw) || raw[i] != ',' {
			return errMalformed
		}
		i = skipBlank(raw, i+1)
	}
	return errMalformed
}

// unquote appends the text of a string, given without its quotes.
func unquote(dst, inner []byte) ([]byte, error) {
	for _, b := range inner {
		if b != '\\' {
			continue
		}
		quoted := make([]byte, 0, len(inner)+2)
		quoted = append(append(append(quoted, '"'), inner...), '"')
		var text string
		if err := json.Unmarshal(quoted, &text); err != nil {
			return dst, errMalformed
		}
		return append(dst, text...), nil
	}
	return append(dst, inner...), nil
}
