package parse

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/minohq/mino/models/field"
)

// Value parses text as the field's type into the canonical JSON form: a string for
// text, date, URL and enum, json.Number, Money, bool, or []string. base resolves
// relative URLs and may be nil. Blank text is ErrEmpty, whatever the type.
func Value(f field.Field, s string, base *url.URL) (any, error) {
	if Text(s) == "" {
		return nil, ErrEmpty
	}
	switch f.Type {
	case field.TypeNumber:
		d, err := Number(s)
		if err != nil {
			return nil, err
		}
		return json.Number(d.String()), nil
	case field.TypeMoney:
		return orNil(ParseMoney(s))
	case field.TypeBoolean:
		return orNil(Boolean(s))
	case field.TypeDate:
		return orNil(Date(s))
	case field.TypeURL:
		return orNil(URL(s, base))
	case field.TypeEnum:
		return orNil(enum(f.Values, s))
	case field.TypeList:
		if list := List(s); len(list) > 0 {
			return list, nil
		}
		return nil, ErrEmpty
	case field.TypeText:
	}
	return Text(s), nil
}

// orNil keeps a zero value from being mistaken for a result.
func orNil[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// enum gives the member that text stands for, spelled as the field spells it. Case
// does not count, nor, if no member agrees otherwise, do spaces, hyphens and the
// address of schema.org. Members InStock and OutOfStock are found by Availability too.
func enum(members []string, s string) (string, error) {
	s = Text(s)
	for _, m := range members {
		if strings.EqualFold(Text(m), s) {
			return m, nil
		}
	}
	key := compact(schemaTerm(s))
	if found := memberOf(members, key); found != "" {
		return found, nil
	}
	in, out := memberOf(members, "instock"), memberOf(members, "outofstock")
	if in == "" || out == "" {
		return "", ErrEnum
	}
	switch a, err := Availability(s); {
	case err != nil:
		return "", ErrEnum
	case a == InStock:
		return in, nil
	}
	return out, nil
}

func memberOf(members []string, key string) string {
	if key == "" {
		return ""
	}
	if i := slices.IndexFunc(members, func(m string) bool { return compact(m) == key }); i >= 0 {
		return members[i]
	}
	return ""
}
