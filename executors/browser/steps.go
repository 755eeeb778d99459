package browser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/minohq/mino/models/failure"
)

// step does one step. Its place, counted from 1, is in the message when it fails.
func (j *job) step(ctx context.Context, i int, s Step) error {
	where := fmt.Sprintf("step %d (%s)", i+1, s.Action)
	j.say(where)
	if s.Action == actionWait {
		return pause(ctx, milliseconds(s.MS))
	}
	var at spot
	if s.Selector != "" {
		patience := defaultStepWaitMS * time.Millisecond
		if s.TimeoutMS != nil {
			patience = milliseconds(s.TimeoutMS)
		}
		var err error
		at, err = j.find(ctx, where, s.Selector, patience)
		if err != nil {
			if s.Optional && failure.Classify(err).Code == CodeNoSelector {
				j.note(where + " was left out: its selector matches nothing")
				return nil
			}
			return err
		}
	}
	if err := j.act(ctx, where, s, at); err != nil {
		return err
	}
	if s.Action == actionWaitFor {
		return nil
	}
	return j.settle(ctx)
}

func (j *job) act(ctx context.Context, where string, s Step, at spot) error {
	switch s.Action {
	case actionClick:
		return j.click(ctx, s.Selector, at)
	case actionType:
		return j.write(ctx, where, s.Selector, *s.Text)
	case actionSelect:
		return j.choose(ctx, where, s.Selector, *s.Value)
	case actionPress:
		if s.Selector != "" {
			if err := evaluate(ctx, j, script(focusScript, s.Selector, false), nil); err != nil {
				return err
			}
		}
		return chromedp.Do(ctx, chromedp.KeyEvent(keys[s.Key]))
	case actionScroll:
		return j.scroll(ctx, s)
	}
	return nil // wait_for has waited
}

// find waits until a selector matches something visible.
func (j *job) find(ctx context.Context, where, selector string, patience time.Duration) (spot, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	expression := script(findScript, selector)
	var seen bool
	for {
		var at spot
		err := evaluate(waiting, j, expression, &at)
		var threw *scriptError
		if errors.As(err, &threw) {
			return at, failure.Wrap(err, failure.Permanent, CodeInvalidSelector, "%s: the browser does not take the selector", where)
		}
		if err == nil && at.Visible {
			return at, nil
		}
		seen = seen || at.Found
		// An error means that the page is being left for another.
		select {
		case <-ticker.C:
		case <-waiting.Done():
			if ctx.Err() != nil {
				return at, ctx.Err()
			}
			if err := j.check(); err != nil {
				return at, err
			}
			what := "matches nothing"
			if seen {
				what = "matches nothing that can be seen"
			}
			return at, failure.New(failure.Permanent, CodeNoSelector, "%s: the selector %s after %v", where, what, patience)
		}
	}
}

// click moves the mouse to the middle of an element and presses its button. When that
// does not meet the element, because something lies over it or it has moved, the click is
// given to the element itself.
func (j *job) click(ctx context.Context, selector string, at spot) error {
	if !at.Clear {
		return evaluate(ctx, j, script(pressScript, selector), nil)
	}
	if err := evaluate(ctx, j, script(armScript, selector), nil); err != nil {
		return err
	}
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		event := input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y}
		if kind != input.DispatchMouseEventTypeMouseMoved {
			event.Button, event.ClickCount = input.MouseButtonLeft, 1
		}
		if err := call(ctx, input.DispatchMouseEvent, event); err != nil {
			return err
		}
	}
	met := true
	if err := evaluate(ctx, j, script(metScript), &met); err != nil && ctx.Err() != nil {
		return err // any other means that the click has led elsewhere
	}
	if met {
		return nil
	}
	return evaluate(ctx, j, script(pressScript, selector), nil)
}

// write replaces what is in a field.
func (j *job) write(ctx context.Context, where, selector, text string) error {
	var takes bool
	if err := evaluate(ctx, j, script(focusScript, selector, true), &takes); err != nil {
		return err
	}
	if !takes {
		return failure.New(failure.Permanent, CodeNotEditable, "%s: the element takes no text", where)
	}
	if text == "" {
		return chromedp.Do(ctx, chromedp.KeyEvent(keys["Delete"]))
	}
	return call(ctx, input.InsertText, input.InsertTextParams{Text: text})
}

func (j *job) choose(ctx context.Context, where, selector, value string) error {
	var wrong string
	if err := evaluate(ctx, j, script(chooseScript, selector, value), &wrong); err != nil {
		return err
	}
	if wrong != "" {
		return failure.New(failure.Permanent, CodeNoOption, "%s: there is %s of that value or text", where, wrong)
	}
	return nil
}

func (j *job) scroll(ctx context.Context, s Step) error {
	switch {
	case s.Selector != "":
		return nil // finding it has scrolled there
	case s.Pixels != nil:
		return evaluate(ctx, j, script(`(n) => { scrollBy({top: n, behavior: 'instant'}); }`, *s.Pixels), nil)
	default:
		return evaluate(ctx, j, script(`() => { scrollTo({top: document.documentElement.scrollHeight, behavior: 'instant'}); }`), nil)
	}
}

func pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
