package api

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/minohq/mino/api/wire"
)

// decode reads JSON into a request. encoding/json stops at the first thing it does
// not like and lets others pass (members twice, other spellings of a name, null where
// nothing is), so the shape is checked first and everything wrong with it is told at
// once, by path. Strings are checked for what PostgreSQL cannot keep.
func decode(raw []byte, into any) error {
	if err := wellFormed(raw); err != nil {
		return err
	}
	var c shapeChecker
	c.value("", bytes.TrimSpace(raw), reflect.TypeOf(into).Elem())
	if len(c.errors) > 0 {
		return invalid("the body has members that are not valid", c.errors...)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return invalid("the body is not valid", wire.FieldError{Field: "body", Code: wire.FieldInvalid, Message: err.Error()})
	}
	return nil
}

func wellFormed(raw []byte) error {
	invalidJSON := func(format string, args ...any) error {
		return &problem{
			status: http.StatusBadRequest, code: wire.CodeInvalidJSON,
			detail: "the body is not valid JSON: " + fmt.Sprintf(format, args...),
		}
	}
	if !utf8.Valid(raw) {
		return invalidJSON("it is not UTF-8")
	}
	var whole json.RawMessage
	err := json.Unmarshal(raw, &whole)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		before := raw[:max(min(int(syntax.Offset), len(raw))-1, 0)]
		line := bytes.Count(before, []byte{'\n'}) + 1
		column := len(before) - bytes.LastIndexByte(before, '\n')
		return invalidJSON("line %d, column %d: %s", line, column, syntax.Error())
	}
	if err != nil {
		return invalidJSON("%s", err.Error())
	}
	return nil
}

var (
	rawMessageType  = reflect.TypeFor[json.RawMessage]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	nullableType    = reflect.TypeFor[nullable]()
)

// nullable is what wire.Nullable is of.
type nullable interface{ TypeOfValue() reflect.Type }

// shapeChecker holds JSON against a Go type.
type shapeChecker struct {
	errors []wire.FieldError
}

func (c *shapeChecker) refuse(path, code, format string, args ...any) {
	if path == "" {
		path = "body"
	}
	c.errors = append(c.errors, wire.FieldError{Field: path, Code: code, Message: fmt.Sprintf(format, args...)})
}

// value checks one value, which is valid JSON without white space around it.
func (c *shapeChecker) value(path string, raw json.RawMessage, t reflect.Type) {
	switch {
	case t == rawMessageType || t.Kind() == reflect.Interface:
		return // its reader checks it
	case t.Implements(nullableType):
		if member, _ := reflect.TypeAssert[nullable](reflect.Zero(t)); raw[0] != 'n' {
			c.value(path, raw, member.TypeOfValue())
		}
		return
	case raw[0] == 'n':
		c.refuse(path, wire.FieldWrongType, "must not be null; leave it out instead")
		return
	case t.Kind() == reflect.Pointer:
		c.value(path, raw, t.Elem())
		return
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		c.text(path, raw, t)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		c.object(path, raw, t)
	case reflect.Map:
		c.members(path, raw, func(name string, value json.RawMessage) {
			c.value(joinPath(path, name), value, t.Elem())
		})
	case reflect.Slice:
		c.array(path, raw, t)
	case reflect.String:
		c.string(path, raw)
	case reflect.Bool:
		if raw[0] != 't' && raw[0] != 'f' {
			c.refuse(path, wire.FieldWrongType, "must be true or false, not %s", kindOf(raw))
		}
	default:
		c.number(path, raw, t)
	}
}

// object checks the members of a struct. Their names are matched exactly.
func (c *shapeChecker) object(path string, raw json.RawMessage, t reflect.Type) {
	types := make(map[string]reflect.Type, t.NumField())
	for member := range t.Fields() {
		name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
		types[name] = member.Type
	}
	c.members(path, raw, func(name string, value json.RawMessage) {
		if memberType, ok := types[name]; ok {
			c.value(joinPath(path, name), value, memberType)
			return
		}
		c.refuse(joinPath(path, name), wire.FieldUnknown, "there is no such member")
	})
}

// members calls f for every member of an object, in order, and refuses those that are
// there twice.
func (c *shapeChecker) members(path string, raw json.RawMessage, f func(name string, value json.RawMessage)) {
	if raw[0] != '{' {
		c.refuse(path, wire.FieldWrongType, "must be an object, not %s", kindOf(raw))
		return
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	seen := make(map[string]bool)
	_, err := dec.Token() // the opening brace
	for err == nil && dec.More() {
		var token json.Token
		if token, err = dec.Token(); err != nil {
			break
		}
		name, _ := token.(string)
		var value json.RawMessage
		if err = dec.Decode(&value); err != nil {
			break
		}
		switch {
		case seen[name]:
			c.refuse(joinPath(path, name), wire.FieldDuplicate, "is there twice")
		case strings.Contains(name, "\x00"):
			c.refuse(path, wire.FieldInvalid, "a member's name must not have a NUL character in it")
		default:
			f(name, value)
		}
		seen[name] = true
	}
	if err != nil {
		c.refuse(path, wire.FieldInvalid, "%s", err.Error())
	}
}

func (c *shapeChecker) array(path string, raw json.RawMessage, t reflect.Type) {
	if raw[0] != '[' {
		c.refuse(path, wire.FieldWrongType, "must be an array, not %s", kindOf(raw))
		return
	}
	if t.Elem() == rawMessageType {
		return
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		c.refuse(path, wire.FieldInvalid, "%s", err.Error())
		return
	}
	for i, item := range items {
		c.value(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())
	}
}

func (c *shapeChecker) string(path string, raw json.RawMessage) (text string, ok bool) {
	if raw[0] != '"' {
		c.refuse(path, wire.FieldWrongType, "must be a string, not %s", kindOf(raw))
		return "", false
	}
	if err := json.Unmarshal(raw, &text); err != nil {
		c.refuse(path, wire.FieldInvalid, "%s", err.Error())
		return "", false
	}
	if strings.Contains(text, "\x00") {
		c.refuse(path, wire.FieldInvalid, "must not have a NUL character in it")
		return "", false
	}
	return text, true
}

// text checks a type that is written as a string, such as a UUID.
func (c *shapeChecker) text(path string, raw json.RawMessage, t reflect.Type) {
	text, ok := c.string(path, raw)
	if !ok {
		return
	}
	value, _ := reflect.TypeAssert[encoding.TextUnmarshaler](reflect.New(t))
	if err := value.UnmarshalText([]byte(text)); err != nil {
		c.refuse(path, wire.FieldInvalid, "%s", err.Error())
	}
}

func (c *shapeChecker) number(path string, raw json.RawMessage, t reflect.Type) {
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		c.refuse(path, wire.FieldWrongType, "must be a number, not %s", kindOf(raw))
		return
	}
	if t.Kind() == reflect.Float64 {
		if f, err := strconv.ParseFloat(string(raw), 64); err != nil || math.IsInf(f, 0) {
			c.refuse(path, wire.FieldInvalid, "is too large a number")
		}
		return
	}
	if _, err := strconv.ParseInt(string(raw), 10, t.Bits()); err != nil {
		c.refuse(path, wire.FieldWrongType, "must be a whole number within %d bits", t.Bits())
	}
}

// kindOf names the type of a JSON value for people.
func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
