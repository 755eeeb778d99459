// Package setting reads and checks the settings of executors, so that an error names the
// member that is wrong, whichever executor it is of.
//
// Errors are validation.Errors by member, or one error where the whole is wrong. Nothing
// here is kept.
package setting

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/validation"
	"golang.org/x/net/http/httpguts"
)

// Bounds of headers.
const (
	MaxHeaders     = 50
	MaxHeaderBytes = 4096
	maxHeaderName  = 128
)

// Absent reports whether there is no value: none, or null.
func Absent(raw json.RawMessage) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) == 0 || string(trimmed) == "null"
}

// Decode reads an object into a struct, each member by itself, by the names of its JSON
// tags. Absent is an object without members; a member that the struct does not have is an
// error. A struct within reads its own members when its UnmarshalJSON is this function.
func Decode(raw json.RawMessage, into any) error {
	if Absent(raw) {
		return nil
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return errors.New("must be an object")
	}
	errs := validation.Errors{}
	target := reflect.ValueOf(into).Elem()
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		member, ok := members[name]
		if !ok {
			continue
		}
		delete(members, name)
		if err := json.Unmarshal(member, target.Field(i).Addr().Interface()); err != nil {
			errs[name] = unreadable(err, target.Type().Field(i).Type)
		}
	}
	for name := range members {
		errs[name] = errors.New("is not a setting of this executor")
	}
	return errs.Filter()
}

// unreadable says what a member must be. What reads its members itself has said it.
func unreadable(err error, t reflect.Type) error {
	var within validation.Errors
	if errors.As(err, &within) {
		return within
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return errors.New("must be a string")
	case reflect.Bool:
		return errors.New("must be true or false")
	case reflect.Map:
		return errors.New("must be an object of strings")
	case reflect.Slice:
		return errors.New("must be a list")
	case reflect.Struct:
		return errors.New("must be an object")
	default:
		return errors.New("must be a whole number")
	}
}

// Default gives a member that is absent a value.
func Default[T any](to **T, value T) {
	if *to == nil {
		*to = &value
	}
}

// Between checks a number that may be 0, which the library's own rules take for absent; nil
// is absent.
func Between(low, high int64) validation.Rule {
	return validation.By(func(v any) error {
		value := reflect.ValueOf(v)
		if value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		if !value.IsValid() {
			return nil
		}
		if !value.CanInt() || value.Int() < low || value.Int() > high {
			return fmt.Errorf("must be between %d and %d", low, high)
		}
		return nil
	})
}

// OneOf checks a word that may be absent.
func OneOf(words ...string) validation.Rule {
	return validation.By(func(v any) error {
		if word, ok := v.(string); !ok || word != "" && !slices.Contains(words, word) {
			return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
		}
		return nil
	})
}

// HeaderValue checks a *string that goes into a header.
func HeaderValue(v any) error {
	if text, ok := v.(*string); ok && text != nil {
		return headerValue(*text)
	}
	return nil
}

// IsHeaderValue reports whether a text can go into a header, and is short enough.
func IsHeaderValue(text string) bool {
	return len(text) <= MaxHeaderBytes && httpguts.ValidHeaderFieldValue(text)
}

func headerValue(text string) error {
	if !IsHeaderValue(text) {
		return fmt.Errorf("must be a header value of at most %d bytes", MaxHeaderBytes)
	}
	return nil
}

// connection are headers that belong to the connection, whoever makes the request.
var connection = map[string]bool{
	"Transfer-Encoding": true, "Connection": true, "Keep-Alive": true, "Upgrade": true, "Te": true, "Trailer": true, "Expect": true,
}

// Headers checks headers by name: own says, by canonical name or by a beginning that ends in
// a hyphen, why one may not be set, and read takes the value of each that may, by its
// canonical name.
func Headers(headers, own map[string]string, read func(name, value string) error) error {
	if len(headers) > MaxHeaders {
		return fmt.Errorf("at most %d headers", MaxHeaders)
	}
	errs := validation.Errors{}
	seen := map[string]bool{}
	for name, value := range headers {
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		beginning, _, _ := strings.Cut(canonical, "-")
		switch {
		case !httpguts.ValidHeaderFieldName(name) || len(name) > maxHeaderName:
			errs[name] = errors.New("is not the name of a header")
		case connection[canonical] || beginning == "Proxy":
			errs[name] = errors.New("belongs to the connection")
		case own[canonical] != "":
			errs[name] = errors.New(own[canonical])
		case own[beginning+"-"] != "":
			errs[name] = errors.New(own[beginning+"-"])
		case seen[canonical]:
			errs[name] = errors.New("stands twice")
		default:
			if errs[name] = headerValue(value); errs[name] == nil {
				errs[name] = read(canonical, value)
			}
		}
		seen[canonical] = true
	}
	return errs.Filter()
}
