package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// world is the name of the JavaScript world of our own scripts. They see the page's
// elements, and none of its objects and functions.
const world = "mino"

// errScript is what a script of ours threw.
type scriptError struct{ text string }

func (e *scriptError) Error() string { return "the script failed: " + e.text }

// evaluate runs an expression on the page and reads its value, unless into is nil. A
// promise is waited for. The page may be left meanwhile: that is an error.
func evaluate(ctx context.Context, j *job, expression string, into any) error {
	if j.watcher == nil {
		return errors.New("there is no page yet")
	}
	made, err := chromedp.Call(ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: j.watcher.frame, WorldName: world})
	if err != nil {
		return err
	}
	yes := true
	result, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ContextID: made.ExecutionContextID, ReturnByValue: &yes, AwaitPromise: &yes, Silent: &yes, UserGesture: &yes,
	})
	if err != nil {
		return err
	}
	if result.ExceptionDetails != nil {
		text := result.ExceptionDetails.Text
		if result.ExceptionDetails.Exception != nil {
			text = result.ExceptionDetails.Exception.Description
		}
		return &scriptError{text: firstLine(text)}
	}
	if into == nil {
		return nil
	}
	if len(result.Result.Value) == 0 {
		return fmt.Errorf("the script gave no value but %s", result.Result.Type)
	}
	return json.Unmarshal([]byte(result.Result.Value), into)
}

// script makes a call of a function with arguments, which are written as JSON.
func script(function string, arguments ...any) string {
	texts := make([]string, len(arguments))
	for i, argument := range arguments {
		text, err := json.Marshal(argument)
		if err != nil {
			text = []byte("null") // strings and numbers have a form in JSON
		}
		texts[i] = string(text)
	}
	return "(" + function + ")(" + strings.Join(texts, ",") + ")"
}

// spot is an element as findScript saw it.
type spot struct {
	Found   bool    `json:"found"`
	Visible bool    `json:"visible"`
	Clear   bool    `json:"clear"` // nothing lies over it
	X       float64 `json:"x"`
	Y       float64 `json:"y"`
}

// findScript looks for the first element that matches and has it come into view.
const findScript = `(selector) => {
	const element = document.querySelector(selector);
	if (!element) return {found: false};
	if (!element.checkVisibility({visibilityProperty: true})) return {found: true, visible: false};
	let box = element.getBoundingClientRect();
	if (box.width === 0 || box.height === 0) return {found: true, visible: false};
	if (box.top < 0 || box.left < 0 || box.bottom > innerHeight || box.right > innerWidth) {
		element.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
		box = element.getBoundingClientRect();
	}
	const x = box.left + box.width / 2, y = box.top + box.height / 2;
	const top = document.elementFromPoint(x, y);
	return {found: true, visible: true, x, y, clear: !!top && (element.contains(top) || top.contains(element))};
}`

// armScript has the page's next click noted, with whether it met the element.
const armScript = `(selector) => {
	const element = document.querySelector(selector);
	globalThis.met = false;
	addEventListener('click', e => { globalThis.met = e.composedPath().includes(element); }, {capture: true, once: true});
}`

// metScript says what armScript has noted. A page that has been left has noted nothing.
const metScript = `() => globalThis.met ?? true`

// pressScript clicks an element that something lies over.
const pressScript = `(selector) => {
	const element = document.querySelector(selector);
	if (element) element.click();
}`

// focusScript gives an element the keyboard, and marks what is in it when it is to be
// replaced. It says whether the element takes text.
const focusScript = `(selector, replace) => {
	const element = document.querySelector(selector);
	if (!element) return false;
	element.focus();
	if (!replace) return true;
	if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
		if (element.disabled || element.readOnly) return false;
		element.select();
		return true;
	}
	if (!element.isContentEditable) return false;
	getSelection().selectAllChildren(element);
	return true;
}`

// chooseScript chooses an option by its value or its text, and tells the page.
const chooseScript = `(selector, wanted) => {
	const element = document.querySelector(selector);
	if (!(element instanceof HTMLSelectElement) || element.disabled) return "no list";
	const options = Array.from(element.options);
	const option = options.find(o => o.value === wanted) || options.find(o => o.text.trim() === wanted.trim());
	if (!option) return "no option";
	option.selected = true;
	element.dispatchEvent(new Event('input', {bubbles: true}));
	element.dispatchEvent(new Event('change', {bubbles: true}));
	return "";
}`

// oneWindowScript runs in the page's own world, before all else there. It keeps the page
// from opening windows, and has links and forms that would lead to one lead on in this.
const oneWindowScript = `(() => {
	window.open = () => null;
	const stay = (event) => {
		const element = event.composedPath().find(e => e instanceof Element && /^(a|area|form)$/.test(e.localName));
		if (!element) return;
		const base = document.querySelector('base[target]');
		const target = element.getAttribute('target') || (base && base.target) || '';
		if (target && !/^_(self|parent|top)$/i.test(target) && !window.frames[target]) element.setAttribute('target', '_self');
	};
	addEventListener('click', stay, true);
	addEventListener('submit', stay, true);
})()`

// refreshScript says whether the page sends its visitor on within some seconds.
const refreshScript = `(soon) => new Promise(done => setTimeout(() => {
	const refresh = document.querySelector('meta[http-equiv="refresh" i]');
	const parts = refresh ? /^\s*(\d+)[^;,]*[;,]\s*\S/.exec(refresh.content) : null;
	done(!!parts && Number(parts[1]) <= soon);
}, 0))`

// contentScript gives the page as it is now, unless it is longer than the limit. What is
// no HTML is shown in an element by the browser, and is given as it came.
const contentScript = `(limit) => {
	const root = document.documentElement;
	const type = document.contentType;
	const plain = /[/+]json$|^text\/plain$/.test(type);
	const text = !root ? '' : plain ? (document.body ? document.body.textContent : '') : root.outerHTML;
	const long = text.length > limit;
	return {type, plain, url: document.URL, text: long ? '' : text, long};
}`
