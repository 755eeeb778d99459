package fetch

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/failure"
)

// hidden is what a message holds and no record may: secrets. Servers repeat what they are
// sent, in addresses to which they redirect above all.
type hidden struct {
	values *regexp.Regexp  // as they may look in what is told; nil when there are none
	query  map[string]bool // names whose values hold a secret
}

const (
	mask = "***"
	// A shorter value is found everywhere by chance; it is hidden by its place only.
	minHidden = 4
)

func (p *plan) hide(secrets map[string]string) hidden {
	h := hidden{query: map[string]bool{}}
	var forms []string
	for _, value := range secrets {
		if len(value) < minHidden {
			continue
		}
		quoted := strconv.Quote(value)
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), quoted[1 : len(quoted)-1]} {
			if utf8.ValidString(form) {
				forms = append(forms, regexp.QuoteMeta(form))
			}
		}
	}
	if len(forms) > 0 {
		// The longest first: one secret may begin with another. Names of encodings, hosts
		// and the like come back in lower case.
		slices.SortFunc(forms, func(x, y string) int { return len(y) - len(x) })
		h.values = regexp.MustCompile("(?i:" + strings.Join(forms, "|") + ")")
	}
	for name, t := range p.query {
		if len(t.Secrets()) > 0 {
			h.query[name] = true
		}
	}
	return h
}

// text is a text without secrets.
func (h hidden) text(s string) string {
	if h.values == nil {
		return s
	}
	return h.values.ReplaceAllLiteralString(s, mask)
}

// address is a URL without secrets and without its user.
func (h hidden) address(u *url.URL) *url.URL {
	out := *u
	out.User = nil
	if path := h.text(u.Path); path != u.Path {
		out.Path, out.RawPath = path, ""
	}
	if fragment := h.text(u.Fragment); fragment != u.Fragment {
		out.Fragment, out.RawFragment = fragment, ""
	}
	if h.values == nil && len(h.query) == 0 || u.RawQuery == "" {
		return &out
	}
	parts := strings.Split(u.RawQuery, "&")
	for i, part := range parts {
		key, value, _ := strings.Cut(part, "=")
		switch name := unescaped(key); {
		case h.text(name) != name:
			parts[i] = mask
		case h.query[name] || h.text(unescaped(value)) != unescaped(value):
			parts[i] = key + "=" + mask
		}
	}
	out.RawQuery = strings.Join(parts, "&")
	return &out
}

// unescaped is a part of a query decoded, or as it is when it cannot be.
func unescaped(part string) string {
	if text, err := url.QueryUnescape(part); err == nil {
		return text
	}
	return part
}

// outcome takes secrets out of what is told of the page. What was found in the page stays
// as it is: a page that shows a secret was asked for it.
func (h hidden) outcome(o *executors.Outcome) {
	o.Evidence.Title = h.text(o.Evidence.Title)
	o.Evidence.ContentType = h.text(o.Evidence.ContentType)
}

// error takes secrets out of an error.
func (h hidden) error(err error) error {
	var known *failure.Error
	if !errors.As(err, &known) || h.text(known.Message) == known.Message {
		return err
	}
	clean := *known
	clean.Message, clean.Cause = h.text(known.Message), nil
	return &clean
}
