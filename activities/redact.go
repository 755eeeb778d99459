package activities

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/failure"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// minSecret is the least length of a secret that is looked for: shorter ones stand in
// every text by chance.
const minSecret = 4

// redactor takes secrets out of what an attempt brought, should an executor or a site have
// let them through: what is written here lies in records, histories and logs. nil takes
// nothing out.
type redactor struct{ replacer *strings.Replacer }

func newRedactor(secrets map[string]string) *redactor {
	var forms []string
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		quoted, err := json.Marshal(secret)
		if err != nil {
			continue
		}
		forms = append(forms, secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1:len(quoted)-1]))
	}
	if len(forms) == 0 {
		return nil
	}
	// Of two that begin alike the longer one first, or its end would stay.
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, redacted)
	}
	return &redactor{strings.NewReplacer(pairs...)}
}

func (r *redactor) text(s string) string {
	if r == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// outcome redacts in place.
func (r *redactor) outcome(o *executors.Outcome) {
	if r == nil {
		return
	}
	// Through JSON, which is what is kept: there are no other kinds of values in it, and no
	// two ways to write a text.
	if fields, ok := r.value(cleanJSON(o.Fields)).(map[string]any); ok {
		o.Fields = fields
	}
	o.Raw = r.raw(o.Raw)
	o.Blocked = r.text(o.Blocked)
	o.Evidence.FinalURL, o.Evidence.Title, o.Evidence.RunURL = r.text(o.Evidence.FinalURL), r.text(o.Evidence.Title), r.text(o.Evidence.RunURL)
	o.Evidence.ContentType = r.text(o.Evidence.ContentType)
	for name, source := range o.Evidence.Sources {
		o.Evidence.Sources[name] = r.text(source)
	}
}

// raw redacts JSON, however its texts are written. What is no JSON is redacted as a text.
func (r *redactor) raw(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return raw
	}
	if value := cleanJSON(raw); value != nil {
		return encoded(r.value(value))
	}
	return json.RawMessage(r.text(string(raw)))
}

// value redacts a value of JSON, names within it too.
func (r *redactor) value(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.value(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			out[r.text(name)] = r.value(value)
		}
		return out
	}
	return v
}

// failure redacts an error. Its cause, whose text is anybody's, is left out: it would go
// into the history.
func (r *redactor) failure(err error) error {
	if r == nil || err == nil {
		return err
	}
	classified := *failure.Classify(err)
	classified.Code, classified.Message, classified.Cause = r.text(classified.Code), r.text(classified.Message), nil
	return &classified
}
