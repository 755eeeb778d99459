package browser

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// blockable says what kind of request a setting keeps from being made.
var blockable = map[network.ResourceType]string{
	network.ResourceTypeImage: blockImages, network.ResourceTypeMedia: blockMedia, network.ResourceTypeFont: blockFont,
}

// onEvent answers what the tab asks, and hands all else to the watcher. It is called
// where messages are read, so that commands need goroutines of their own; their errors
// are those of a tab that is closing.
func (j *job) onEvent(event any) {
	switch ev := event.(type) {
	case *fetch.EventRequestPaused:
		j.answer(func() { j.onRequest(ev) })
	case *fetch.EventAuthRequired:
		j.answer(func() { j.onChallenge(ev) })
	case *page.EventJavascriptDialogOpening:
		// Dismissed; but a page that asks not to be left is left.
		leave := ev.Type == page.DialogTypeBeforeunload
		j.answer(func() {
			_, _ = chromedp.Call(j.tab, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: leave})
		})
	case *inspector.EventTargetCrashed:
		j.watcher.change(func(v *view) { v.crashed = true })
	default:
		j.watcher.see(event)
	}
}

// onBrowserEvent sees to what happens beside the tab.
func (j *job) onBrowserEvent(event any) {
	switch ev := event.(type) {
	case *target.EventTargetCreated:
		info := ev.TargetInfo
		if info.Type == "page" && info.BrowserContextID == j.context && info.TargetID != j.target {
			j.answer(func() {
				_, _ = chromedp.CallBrowser(j.tab, target.CloseTarget, target.CloseTargetParams{TargetID: info.TargetID})
			})
		}
	case *browser.EventDownloadWillBegin:
		if ev.FrameID == j.watcher.frame {
			j.watcher.change(func(v *view) { v.downloaded = true })
		}
	}
}

// onRequest lets a request go, with the project's headers when it is for its site.
func (j *job) onRequest(ev *fetch.EventRequestPaused) {
	address, err := url.Parse(ev.Request.URL)
	if err == nil && isWeb(address.Scheme) {
		if kind, ok := blockable[ev.ResourceType]; ok && slices.Contains(j.settings.Block, kind) {
			j.deny(ev.RequestID)
			return
		}
		j.requests.Add(1)
	} else if ev.ResourceType == network.ResourceTypeDocument && ev.FrameID == j.watcher.frame {
		j.deny(ev.RequestID) // no page that MINO reads
		return
	}
	params := fetch.ContinueRequestParams{RequestID: ev.RequestID}
	if err == nil && len(j.settings.Headers) > 0 && sameHost(address, j.address) {
		params.Headers = withHeaders(ev.Request.Headers, j.settings.Headers)
	}
	_, _ = chromedp.Call(j.tab, fetch.ContinueRequest, params)
}

func (j *job) deny(id fetch.RequestID) {
	_, _ = chromedp.Call(j.tab, fetch.FailRequest, fetch.FailRequestParams{RequestID: id, ErrorReason: network.ErrorReasonBlockedByClient})
}

// sameHost compares with the port: another one is another server.
func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}

func withHeaders(own network.Headers, ours map[string]string) []*fetch.HeaderEntry {
	var all []*fetch.HeaderEntry
	for _, name := range slices.Sorted(maps.Keys(own)) {
		overridden := slices.ContainsFunc(slices.Collect(maps.Keys(ours)), func(o string) bool { return strings.EqualFold(o, name) })
		if value, ok := own[name].(string); ok && !overridden {
			all = append(all, &fetch.HeaderEntry{Name: name, Value: value})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		all = append(all, &fetch.HeaderEntry{Name: name, Value: ours[name]})
	}
	return all
}

// onChallenge logs in at the proxy, and nowhere else.
func (j *job) onChallenge(ev *fetch.EventAuthRequired) {
	answer := &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}
	if ev.AuthChallenge.Source == fetch.AuthChallengeSourceProxy {
		answer = &fetch.AuthChallengeResponse{
			Response: fetch.AuthChallengeResponseResponseProvideCredentials,
			Username: j.grant.User, Password: j.grant.Password,
		}
	}
	_, _ = chromedp.Call(j.tab, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: ev.RequestID, AuthChallengeResponse: answer})
}

// prepare makes a tab of its own for the job, in which nothing of another job is left.
func (j *job) prepare(ctx context.Context) error {
	c := chromedp.FromContext(j.tab)
	j.context, j.target = c.BrowserContextID, c.Target.TargetID
	tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return err
	}
	j.watcher = newWatcher(tree.FrameTree.Frame.ID)
	if err := errors.Join(chromedp.Listen(j.tab, j.onEvent), chromedp.ListenBrowser(j.tab, j.onBrowserEvent)); err != nil {
		return err
	}
	yes := true
	if _, err := chromedp.CallBrowser(ctx, target.SetDiscoverTargets, target.SetDiscoverTargetsParams{Discover: true}); err != nil {
		return err
	}
	if _, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorDeny, BrowserContextID: j.context, EventsEnabled: &yes,
	}); err != nil {
		return err
	}
	return j.emulate(ctx)
}

// answer does in the background what an event asks for, unless the job is over.
func (j *job) answer(do func()) {
	j.answering.Lock()
	defer j.answering.Unlock()
	if !j.over {
		j.answers.Go(do)
	}
}

// noMoreAnswers waits for those that are under way.
func (j *job) noMoreAnswers() {
	j.answering.Lock()
	j.over = true
	j.answering.Unlock()
	j.answers.Wait()
}
