package export

import (
	"bytes"

	"github.com/minohq/mino/internal/parse"
)

const (
	separator = '|'
	escape    = '\\'
)

// appendValue appends the text of a JSON value.
func appendValue(dst, raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return dst, errMalformed
	}
	switch raw[0] {
	case 'n':
		return dst, nil
	case '"':
		if end, err := skipString(raw, 0); err != nil || end != len(raw) {
			return dst, errMalformed
		}
		from := len(dst)
		dst, err := unquote(dst, raw[1:len(raw)-1])
		return cleaned(dst, from), err
	case '[':
		return appendList(dst, raw, true)
	case '{':
		return appendObject(dst, raw)
	case 't', 'f':
		return append(dst, raw...), nil
	}
	return append(dst, plain(raw)...), nil
}

// plain drops the zeros at the end of a decimal, which its number does not have.
func plain(number []byte) []byte {
	if bytes.IndexByte(number, '.') < 0 || bytes.ContainsAny(number, "eE") {
		return number
	}
	return bytes.TrimSuffix(bytes.TrimRight(number, "0"), []byte("."))
}

// appendObject appends the text of an object: an amount of money as people write it,
// anything else as its JSON.
func appendObject(dst, raw []byte) ([]byte, error) {
	var amount, currency []byte
	others := 0
	err := eachMember(raw, func(key, value []byte) {
		switch string(key) {
		case "amount":
			amount = value
		case "currency":
			currency = value
		default:
			others++
		}
	})
	if err != nil {
		return dst, err
	}
	if others > 0 || !scalar(amount) || len(currency) > 0 && currency[0] != '"' {
		return cleaned(append(dst, raw...), len(dst)), nil
	}
	m := parse.Money{}
	if m.Amount, err = textOf(amount); err != nil {
		return dst, err
	}
	if len(currency) > 0 {
		if m.Currency, err = textOf(currency); err != nil {
			return dst, err
		}
	}
	return append(dst, m.String()...), nil
}

func textOf(raw []byte) (string, error) {
	out, err := appendValue(nil, raw)
	return string(out), err
}

// scalar reports whether a value is a string or a number.
func scalar(raw []byte) bool {
	return len(raw) > 0 && (raw[0] == '"' || raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
}

// appendList appends the elements of an array, separated. escaped has those that have
// the separator in them told apart, as uploads want them: only the separator can be
// escaped there, so that a backslash at the end of an element needs a space behind it,
// which reading drops.
func appendList(dst, raw []byte, escaped bool) ([]byte, error) {
	count := 0
	err := eachElement(raw, func(element []byte) error {
		if count++; count > 1 {
			if escaped && len(dst) > 0 && dst[len(dst)-1] == escape {
				dst = append(dst, ' ')
			}
			dst = append(dst, separator)
		}
		from := len(dst)
		var err error
		if element[0] == '[' {
			dst = append(dst, element...) // a list in a list is its JSON
		} else if dst, err = appendValue(dst, element); err != nil {
			return err
		}
		if escaped && bytes.IndexByte(dst[from:], separator) >= 0 {
			whole := bytes.ReplaceAll(dst[from:], []byte{separator}, []byte{escape, separator})
			dst = append(dst[:from], whole...)
		}
		return nil
	})
	return dst, err
}
