package ingest

import "strings"

const (
	truthSeparator = '|'
	truthEscape    = '\\'
)

// acceptedValues gives the accepted values of a ground truth cell: trimmed, blanks
// dropped. Only the separator can be escaped, so that a backslash elsewhere stays
// what it is.
func acceptedValues(cell string, split bool) []string {
	if !split {
		return nonBlank(cell)
	}
	if strings.IndexByte(cell, truthSeparator) < 0 {
		return nonBlank(cell)
	}
	var values []string
	var value strings.Builder
	for i := 0; i < len(cell); i++ {
		switch {
		case cell[i] == truthEscape && i+1 < len(cell) && cell[i+1] == truthSeparator:
			value.WriteByte(truthSeparator)
			i++
		case cell[i] == truthSeparator:
			values = append(values, nonBlank(value.String())...)
			value.Reset()
		default:
			value.WriteByte(cell[i])
		}
	}
	return append(values, nonBlank(value.String())...)
}

func nonBlank(value string) []string {
	if value = strings.TrimSpace(value); value == "" {
		return nil
	}
	return []string{value}
}
