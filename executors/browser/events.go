package browser

import (
	"context"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"

	"github.com/minohq/mino/internal/egress"
)

// document is a main document that was asked for.
type document struct {
	request network.RequestID
	url     string
	// status is 0 until there is an answer.
	status      int
	contentType string
	retryAfter  string
	// fromProxy says that it was the proxy that answered, in place of the server.
	fromProxy bool
	// failed is Chromium's word for why there is none, such as "net::ERR_CONNECTION_REFUSED".
	failed string
}

// view is what is known of the tab.
type view struct {
	// doc was asked for last, and shown is what the tab shows.
	doc, shown document
	// committed is the loader of the document that is shown, and reached what it has
	// reached: "DOMContentLoaded", "load", "networkIdle".
	committed cdp.LoaderID
	reached   map[string]bool
	// leaving says that another document has been asked for and has not come.
	leaving    bool
	downloaded bool
	crashed    bool
	documents  int // how many have been shown
}

// watcher follows the main frame of a tab by its events.
type watcher struct {
	frame cdp.FrameID

	mu      sync.Mutex
	now     view
	life    map[cdp.LoaderID]map[string]bool
	changed chan struct{} // closed and replaced at every change
}

// aborted is Chromium's word for a document that was not wanted any more.
const aborted = "net::ERR_ABORTED"

func newWatcher(frame cdp.FrameID) *watcher {
	return &watcher{frame: frame, life: map[cdp.LoaderID]map[string]bool{}, changed: make(chan struct{})}
}

// see takes an event of the tab.
func (w *watcher) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ev := event.(type) {
	case *network.EventRequestWillBeSent:
		if ev.Type != network.ResourceTypeDocument || ev.FrameID != w.frame {
			return
		}
		w.now.doc = document{request: ev.RequestID, url: ev.Request.URL}
		w.now.leaving = true
	case *network.EventResponseReceived:
		if ev.RequestID != w.now.doc.request {
			return
		}
		w.now.doc.status = int(ev.Response.Status)
		w.now.doc.contentType = header(ev.Response.Headers, "Content-Type")
		w.now.doc.fromProxy = header(ev.Response.Headers, egress.Header) != ""
		w.now.doc.retryAfter = header(ev.Response.Headers, "Retry-After")
	case *network.EventLoadingFailed:
		// A page that was cut off in the middle is no page; one that is left is.
		if ev.RequestID == w.now.shown.request && !ev.Canceled && ev.ErrorText != aborted {
			w.now.shown.failed = ev.ErrorText
		}
		if ev.RequestID == w.now.doc.request {
			w.now.doc.failed = ev.ErrorText
			w.now.leaving = false
		}
	case *page.EventFrameNavigated:
		if ev.Frame.ID != w.frame {
			return
		}
		w.now.committed, w.now.shown, w.now.leaving = ev.Frame.LoaderID, w.now.doc, false
		w.now.reached = w.life[ev.Frame.LoaderID]
		w.now.documents++
	case *page.EventNavigatedWithinDocument:
		if ev.FrameID != w.frame {
			return
		}
		w.now.leaving = false
	case *page.EventLifecycleEvent:
		if ev.FrameID != w.frame {
			return
		}
		w.mark(ev.LoaderID, ev.Name)
	case *page.EventFrameRequestedNavigation:
		// What is no page, such as mailto:, never arrives.
		if ev.FrameID != w.frame || ev.Disposition != page.ClientNavigationDispositionCurrentTab || !strings.HasPrefix(ev.URL, "http") {
			return
		}
		w.now.leaving = true
	default:
		return
	}
	w.announce()
}

func (w *watcher) mark(loader cdp.LoaderID, name string) {
	if w.life[loader] == nil {
		w.life[loader] = map[string]bool{}
	}
	w.life[loader][name] = true
	if loader == w.now.committed {
		w.now.reached = w.life[loader]
	}
}

// change is for what other events than the tab's tell.
func (w *watcher) change(how func(*view)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	how(&w.now)
	w.announce()
}

func (w *watcher) announce() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// wait waits until the view is as it should be.
func (w *watcher) wait(ctx context.Context, is func(view) bool) error {
	for {
		w.mu.Lock()
		yes, changed := is(w.now), w.changed
		w.mu.Unlock()
		if yes {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look gives the view of this moment, without what the page has reached.
func (w *watcher) look() view {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now
	now.reached = nil // which goes on changing
	return now
}

// header is a header of an answer; Chromium joins several of one name by line ends.
func header(headers network.Headers, name string) string {
	for key, value := range headers {
		if text, ok := value.(string); ok && strings.EqualFold(key, name) {
			first, _, _ := strings.Cut(text, "\n")
			return first
		}
	}
	return ""
}
