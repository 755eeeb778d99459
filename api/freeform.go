package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxNumberLength bounds the text of a number in free-form JSON.
const maxNumberLength = 64

// canonical gives a free-form object the form in which it is stored. What PostgreSQL
// cannot keep (NUL, half surrogates, numbers out of its range) is refused or replaced
// here, where it can still be told from a fault of ours.
func canonical(raw json.RawMessage) (json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return json.RawMessage(`{}`), nil
	}
	if raw[0] != '{' {
		return nil, fmt.Errorf("must be an object, not %s", kindOf(raw))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, err
	}
	if err := keepable(value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

func keepable(value any) error {
	switch v := value.(type) {
	case string:
		if strings.Contains(v, "\x00") {
			return errors.New("must not have a NUL character in it")
		}
	case json.Number:
		return keepableNumber(v.String())
	case []any:
		for _, item := range v {
			if err := keepable(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, item := range v {
			if err := errors.Join(keepable(name), keepable(item)); err != nil {
				return err
			}
		}
	}
	return nil
}

func keepableNumber(text string) error {
	f, err := strconv.ParseFloat(text, 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	vanished := f == 0 && strings.ContainsAny(mantissa, "123456789")
	if err != nil || vanished || len(text) > maxNumberLength {
		return errors.New("has a number in it that is too large, too small or too long")
	}
	return nil
}
