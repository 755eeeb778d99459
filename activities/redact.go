package activities

import (
	"encoding/json"
	"net/url"
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
	var pairs []string
	seen := map[string]bool{}
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		quoted, err := json.Marshal(secret)
		if err != nil {
			continue
		}
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1 : len(quoted)-1])} {
			if !seen[form] {
				seen[form] = true
				pairs = append(pairs, form, redacted)
			}
		}
	}
	if len(pairs) == 0 {
		return nil
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
	for name, value := range o.Fields {
		o.Fields[name] = r.value(value)
	}
	if len(o.Raw) > 0 {
		o.Raw = json.RawMessage(r.text(string(o.Raw)))
	}
	o.Blocked = r.text(o.Blocked)
	o.Evidence.FinalURL, o.Evidence.Title, o.Evidence.RunURL = r.text(o.Evidence.FinalURL), r.text(o.Evidence.Title), r.text(o.Evidence.RunURL)
	o.Evidence.ContentType = r.text(o.Evidence.ContentType)
	for name, source := range o.Evidence.Sources {
		o.Evidence.Sources[name] = r.text(source)
	}
}

func (r *redactor) value(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.value(v[i])
		}
	case []string:
		for i := range v {
			v[i] = r.text(v[i])
		}
	case map[string]any:
		for name, value := range v {
			v[name] = r.value(value)
		}
	case map[string]string:
		for name, value := range v {
			v[name] = r.text(value)
		}
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
	classified.Message, classified.Cause = r.text(classified.Message), nil
	return &classified
}
