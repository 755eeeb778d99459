package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/internal/parse"
	"github.com/minohq/mino/models/field"
)

// Names that members of a run have had.
var (
	stepNames   = []string{"num_of_steps", "numOfSteps"}
	resultNames = []string{"result", "resultJson"}
)

// prices are what a step costs.
type prices struct {
	perStep  int64 // in millionths
	currency string
}

func (c Config) prices(s Settings) prices {
	p := prices{perStep: *c.PricePerStepMicros, currency: c.Currency}
	if s.PricePerStepMicros != nil {
		p.perStep = *s.PricePerStepMicros
	}
	if s.Currency != "" {
		p.currency = s.Currency
	}
	return p
}

// usage is what has been used, with what a run used that has ended. The service bills
// COMPLETED runs and names no cost: it is computed.
func (s *service) usage(run document, p prices) executors.Usage {
	u := executors.Usage{Requests: s.requests, Bytes: s.bytes}
	if !terminal(run.status()) {
		return u
	}
	u.Steps = run.count(stepNames...)
	if began, ended := run.moment("started_at", "startedAt"), run.moment("finished_at", "finishedAt"); !began.IsZero() && ended.After(began) {
		u.RemoteMS = ended.Sub(began).Milliseconds()
	}
	if run.status() == statusCompleted {
		u.CostMicros, u.Currency = int64(u.Steps)*p.perStep, p.currency
	}
	return u
}

func (a *attempt) usage() executors.Usage {
	return a.service.usage(a.seen, a.config.prices(a.settings))
}

// outcome is what a COMPLETED run brought.
func (a *attempt) outcome(run document) executors.Outcome {
	result := unwrapped(run.get(resultNames...), a.req.Fields)
	values := membersOf(result, a.req.Fields)
	fields := make(map[string]any, len(values))
	for _, f := range a.req.Fields {
		value, there := values[f.Name]
		if !there || parse.IsEmpty(value) {
			continue
		}
		fields[f.Name] = value
		if canonical, err := parse.Canonical(f, value); err == nil {
			fields[f.Name] = canonical
		}
	}
	return executors.Outcome{
		Fields: fields, Raw: rawOf(run), Blocked: blocked(result, fields),
		Usage: a.usage(), Evidence: evidence(run), RemoteEnded: true,
	}
}

// evidence is what there is to see of a run.
func evidence(run document) executors.Evidence {
	e := executors.Evidence{FetchedAt: run.moment("finished_at", "finishedAt").UTC()}
	address := run.text("streaming_url", "streamingUrl")
	if u, err := url.Parse(address); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		e.RunURL = address
	}
	return e
}

// maxRaw is how large a run is kept with its steps.
const maxRaw = 200 << 10

// rawOf is the run for people who debug: without pictures, and without an address that
// expires in minutes.
func rawOf(run document) json.RawMessage {
	kept := maps.Clone(run)
	delete(kept, "video_url")
	if steps, ok := kept["steps"].([]any); ok {
		bare := make([]any, 0, len(steps))
		for _, step := range steps {
			if object, ok := step.(map[string]any); ok {
				object = maps.Clone(object)
				delete(object, "screenshot")
				step = object
			}
			bare = append(bare, step)
		}
		kept["steps"] = bare
	}
	encoded, err := json.Marshal(kept)
	if err == nil && len(encoded) > maxRaw {
		delete(kept, "steps")
		encoded, err = json.Marshal(kept)
	}
	if err != nil {
		return nil // what was decoded always has a JSON form
	}
	return encoded
}

// maxWraps bounds how deep a result may be wrapped up.
const maxWraps = 4

// unwrapped gives what an agent means by a result that is a text of JSON, an object
// within an object, or an array of one.
func unwrapped(v any, fields []field.Field) any {
	for range maxWraps {
		switch t := v.(type) {
		case string:
			decoded, ok := decodedText(t)
			if !ok {
				return v
			}
			v = decoded
		case []any:
			if len(t) != 1 {
				return v
			}
			v = t[0]
		case map[string]any:
			inner, wraps := t["result"]
			if !wraps || wantsAny(t, fields) {
				return v
			}
			v = inner
		default:
			return v
		}
	}
	return v
}

func wantsAny(object map[string]any, fields []field.Field) bool {
	return len(membersOf(object, fields)) > 0
}

// decodedText reads an object or array from a text, which may stand in a code fence.
func decodedText(text string) (any, bool) {
	text = strings.TrimSpace(text)
	if fenced, ok := strings.CutPrefix(text, "```"); ok {
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(fenced, "json"), "```"))
	}
	if text == "" || (text[0] != '{' && text[0] != '[') {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return v, errors.Is(err, io.EOF)
}

// membersOf finds the fields' values in a result: by name, else by a name that differs
// in case and in marks between words only.
func membersOf(result any, fields []field.Field) map[string]any {
	object, ok := result.(map[string]any)
	if !ok {
		return nil
	}
	found := make(map[string]any, len(fields))
	taken := make(map[string]bool, len(fields))
	for _, f := range fields {
		if v, ok := object[f.Name]; ok {
			found[f.Name], taken[f.Name] = v, true
		}
	}
	names := sorted(object)
	for _, alike := range []func(a, b string) bool{strings.EqualFold, sameWords} {
		for _, f := range fields {
			if _, ok := found[f.Name]; ok {
				continue
			}
			at := slices.IndexFunc(names, func(name string) bool { return !taken[name] && alike(name, f.Name) })
			if at >= 0 {
				found[f.Name], taken[names[at]] = object[names[at]], true
			}
		}
	}
	return found
}

func sameWords(a, b string) bool { return strings.EqualFold(squeezed(a), squeezed(b)) }

var squeeze = strings.NewReplacer("_", "", "-", "", " ", "")

func squeezed(name string) string { return squeeze.Replace(name) }
