package browser

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/chromedp/chromedp/kb"
	"github.com/invopop/validation"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/setting"
	"github.com/minohq/mino/executors/template"
)

// Step is one thing that is done on a page.
type Step struct {
	// Action is one of click, type, select, press, scroll, wait_for and wait.
	Action string `json:"action"`
	// Selector is a CSS selector. The first element that it matches is acted on, once it is
	// visible.
	Selector string `json:"selector,omitempty"`
	// Text is what type writes in place of what is there: a template, in which secrets may
	// stand.
	Text *string `json:"text,omitempty"`
	// Value is what select chooses: the value or the text of an option; a template.
	Value *string `json:"value,omitempty"`
	// Key is what press presses, such as "Enter".
	Key string `json:"key,omitempty"`
	// Pixels is how far scroll goes down; negative is up. Without it and a selector it
	// goes to the end of the page.
	Pixels *int64 `json:"pixels,omitempty"`
	// MS is how long wait waits: 1–10,000.
	MS *int64 `json:"ms,omitempty"`
	// TimeoutMS is how long the selector may match nothing: 100–120,000, default 10,000.
	TimeoutMS *int64 `json:"timeout_ms,omitempty"`
	// Optional leaves the step out when its selector matches nothing in its time.
	Optional bool `json:"optional,omitempty"`
}

// Actions of steps.
const (
	actionClick, actionType, actionSelect, actionPress = "click", "type", "select", "press"
	actionScroll, actionWaitFor, actionWait            = "scroll", "wait_for", "wait"
)

const (
	maxSteps          = 50
	maxStepText       = 10_000
	maxScroll         = 100_000
	maxPauseMS        = 10_000
	defaultStepWaitMS = 10_000
)

// keys are those that press knows.
var keys = map[string]string{
	"Enter": kb.Enter, "Tab": kb.Tab, "Escape": kb.Escape, "Backspace": kb.Backspace, "Delete": kb.Delete, "Space": " ",
	"ArrowUp": kb.ArrowUp, "ArrowDown": kb.ArrowDown, "ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight,
	"Home": kb.Home, "End": kb.End, "PageUp": kb.PageUp, "PageDown": kb.PageDown,
}

// uses says which members an action has beside those of every action: needed ones are
// true.
var uses = map[string]map[string]bool{
	actionClick:   {"selector": true},
	actionType:    {"selector": true, "text": true},
	actionSelect:  {"selector": true, "value": true},
	actionPress:   {"selector": false, "key": true},
	actionScroll:  {"selector": false, "pixels": false},
	actionWaitFor: {"selector": true},
	actionWait:    {"ms": true},
}

func checkSteps(steps []Step, spec executors.Spec) error {
	if len(steps) > maxSteps {
		return fmt.Errorf("at most %d steps", maxSteps)
	}
	errs := validation.Errors{}
	for i, step := range steps {
		if err := step.validate(spec); err != nil {
			errs[strconv.Itoa(i)] = err
		}
	}
	return errs.Filter()
}

func (s Step) validate(spec executors.Spec) error {
	wanted, known := uses[s.Action]
	if !known {
		return validation.Errors{"action": fmt.Errorf("must be one of %s", strings.Join(slices.Sorted(maps.Keys(uses)), ", "))}
	}
	errs := validation.Errors{}
	for member, there := range map[string]bool{
		"selector": s.Selector != "", "text": s.Text != nil, "value": s.Value != nil, "key": s.Key != "",
		"pixels": s.Pixels != nil, "ms": s.MS != nil,
	} {
		needed, usable := wanted[member]
		switch {
		case there && !usable:
			errs[member] = fmt.Errorf("does not belong to %s", s.Action)
		case !there && needed:
			errs[member] = fmt.Errorf("is needed by %s", s.Action)
		}
	}
	if len(errs) == 0 {
		errs = validation.Errors{
			"selector":   validation.Validate(s.Selector, validation.Length(0, maxSelector)),
			"text":       checkText(s.Text, spec),
			"value":      checkText(s.Value, spec),
			"pixels":     validation.Validate(s.Pixels, setting.Between(-maxScroll, maxScroll)),
			"ms":         validation.Validate(s.MS, setting.Between(1, maxPauseMS)),
			"timeout_ms": validation.Validate(s.TimeoutMS, setting.Between(minWaitMS, maxWaitMS)),
		}
		if s.Key != "" && keys[s.Key] == "" {
			errs["key"] = fmt.Errorf("must be one of %s", strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
		}
		if s.Selector == "" && (s.Optional || s.TimeoutMS != nil) {
			errs["selector"] = errors.New("is needed by optional and timeout_ms")
		}
	}
	return errs.Filter()
}

func checkText(text *string, spec executors.Spec) error {
	if text == nil {
		return nil
	}
	if len(*text) > maxStepText {
		return fmt.Errorf("at most %d bytes", maxStepText)
	}
	_, err := template.Check(*text, spec.Inputs, spec.Secrets, true)
	return err
}

// templates are all templates of the settings, which must be valid.
func (s Settings) templates() []template.Template {
	texts := slices.Collect(maps.Values(s.Headers))
	for _, step := range s.Steps {
		for _, text := range []*string{step.Text, step.Value} {
			if text != nil {
				texts = append(texts, *text)
			}
		}
	}
	parsed := make([]template.Template, 0, len(texts))
	for _, text := range texts {
		if t, err := template.Parse(text); err == nil {
			parsed = append(parsed, t)
		}
	}
	return parsed
}

// expanded are the settings for one row: references are replaced by what it has.
func (s Settings) expanded(values template.Values) (Settings, error) {
	expand := func(text string) (string, error) {
		t, err := template.Parse(text)
		if err != nil {
			return "", err
		}
		return t.Expand(values, nil)
	}
	out := s
	out.Headers, out.Steps = make(map[string]string, len(s.Headers)), slices.Clone(s.Steps)
	var err error
	for name, text := range s.Headers {
		if out.Headers[name], err = expand(text); err != nil {
			return s, err
		}
	}
	for i := range out.Steps {
		for _, text := range []**string{&out.Steps[i].Text, &out.Steps[i].Value} {
			if *text == nil {
				continue
			}
			written, err := expand(**text)
			if err != nil {
				return s, err
			}
			*text = &written
		}
	}
	return out, nil
}
