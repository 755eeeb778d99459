package browser

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"go.uber.org/zap"

	"github.com/minohq/mino/models/failure"
)

// startTimeout is how long Chromium may take to start.
const startTimeout = 60 * time.Second

// process is one Chromium with all its helpers.
type process struct {
	// ctx is chromedp's of the browser; it ends with the process.
	ctx       context.Context //nolint:containedctx // chromedp keeps its browser in a context
	cancel    context.CancelFunc
	dir       string
	userAgent string
	group     int
	gone      chan struct{} // the connection to it has ended
	killed    sync.Once
	watched   sync.WaitGroup

	jobs  int
	unfit atomic.Bool // it is to be replaced after its job
}

// baseFlags make Chromium a program that shows pages and does nothing by itself.
var baseFlags = map[string]string{
	"headless": "new", "hide-scrollbars": "", "mute-audio": "", "disable-gpu": "",
	"no-first-run": "", "no-default-browser-check": "", "no-pings": "", "no-service-autorun": "",
	"disable-background-networking": "", "disable-component-update": "", "disable-component-extensions-with-background-pages": "",
	"disable-default-apps": "", "disable-extensions": "", "disable-sync": "", "disable-domain-reliability": "",
	"disable-client-side-phishing-detection": "", "safebrowsing-disable-auto-update": "", "disable-field-trial-config": "",
	"disable-breakpad": "", "disable-crash-reporter": "", "metrics-recording-only": "", "disable-print-preview": "",
	"disable-search-engine-choice-screen": "", "disable-notifications": "", "deny-permission-prompts": "",
	"disable-hang-monitor": "", "disable-prompt-on-repost": "",
	"disable-background-timer-throttling": "", "disable-backgrounding-occluded-windows": "", "disable-renderer-backgrounding": "",
	"password-store": "basic", "use-mock-keychain": "", "force-color-profile": "srgb", "lang": "en-US",
	// Containers give /dev/shm little room.
	"disable-dev-shm-usage": "",
	// Whatever would leave by another way than the proxy.
	"disable-quic": "", "dns-prefetch-disable": "", "force-webrtc-ip-handling-policy": "disable_non_proxied_udp",
	"webrtc-ip-handling-policy": "disable_non_proxied_udp", "proxy-bypass-list": "<-loopback>",
	"host-resolver-rules": "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
	"disable-features": "Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,InterestFeedContentSuggestions," +
		"CertificateTransparencyComponentUpdater,AutofillServerCommunication,AsyncDns,NetworkPrediction,Prerender2,GlobalMediaControls",
}

// noSandbox is what Chromium says when the system gives it no sandbox.
const noSandbox = "No usable sandbox"

// launch starts a Chromium that uses the proxy. The context is that of whoever needs it:
// when it ends, so does the start.
func (p *pool) launch(ctx context.Context) (*process, error) {
	program, err := p.program()
	if err != nil {
		return nil, failure.Wrap(err, failure.Permanent, CodeUnavailable, "there is no browser here: %v", err)
	}
	bare := p.config.NoSandbox || p.sandboxless.Load() || (os.Geteuid() == 0 && program.account == nil)
	b, err := p.start(ctx, program, bare)
	if err != nil && strings.Contains(err.Error(), noSandbox) && program.account != nil && !bare {
		// It runs as nobody, who owns nothing.
		p.config.Log.Warn("Chromium gets no sandbox on this system and runs without, as the user nobody")
		p.sandboxless.Store(true)
		b, err = p.start(ctx, program, true)
	}
	switch {
	case err == nil:
		return b, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case strings.Contains(err.Error(), noSandbox):
		return nil, failure.Wrap(err, failure.Permanent, CodeUnavailable,
			"Chromium gets no sandbox on this system, which has to allow unprivileged user namespaces")
	}
	p.config.Log.Warn("the browser did not start", zap.String("path", program.path), zap.Error(err))
	return nil, failure.Wrap(err, failure.Transient, CodeStart, "the browser did not start")
}

func (p *pool) start(ctx context.Context, program program, bare bool) (*process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := p.home.profile(program.account)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	options := p.options(program, dir, bare)
	root, stopAllocator := chromedp.NewExecAllocator(p.ctx, options...)
	quiet := func(string, ...any) {} // of messages that a newer Chromium adds
	tab, stopBrowser := chromedp.NewContext(root, chromedp.WithErrorf(quiet), chromedp.WithLogf(quiet))
	// It waits for a message that comes once: called twice, it would wait for ever.
	stopBrowser = sync.OnceFunc(stopBrowser)
	b := &process{
		ctx: tab, dir: dir, gone: make(chan struct{}),
		cancel: func() { stopBrowser(); stopAllocator() },
	}
	// The context of the first call is the life of the browser, so its start is bounded
	// from outside.
	limit, done := context.WithTimeout(ctx, startTimeout)
	stop := context.AfterFunc(limit, stopBrowser)
	err = chromedp.Do(tab)
	var version browser.GetVersionResult
	if err == nil {
		version, err = chromedp.CallBrowser(tab, browser.GetVersion, cdp.Empty{})
	}
	stop()
	done()
	if err != nil {
		b.cancel()
		return nil, errors.Join(err, removeAll(dir))
	}
	b.userAgent = p.config.UserAgent
	if b.userAgent == "" {
		b.userAgent = strings.Replace(version.UserAgent, "HeadlessChrome", "Chrome", 1) + " MINO/1.0 (+https://github.com/minohq/mino)"
	}
	chrome := chromedp.FromContext(tab).Browser
	b.group = chrome.Process().Pid
	b.watched.Go(func() {
		<-chrome.LostConnection
		b.end()
		close(b.gone)
	})
	p.config.Log.Debug("a browser has started", zap.Int("pid", b.group), zap.Duration("after", time.Since(began)), zap.Bool("sandbox", !bare))
	return b, nil
}

func (p *pool) options(program program, dir string, bare bool) []chromedp.ExecAllocatorOption {
	flags := maps.Clone(baseFlags)
	flags["user-data-dir"] = dir
	flags["proxy-server"] = "http://" + p.proxy.Addr()
	maps.Copy(flags, p.config.flags)
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program.path),
		chromedp.NoInheritEnv,
		chromedp.Env(environment(dir)...),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.Dir = dir
			// A group of its own can be ended as one, and is out of reach of Ctrl-C.
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: program.account}
			dieWithUs(cmd.SysProcAttr)
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		}),
		chromedp.Flag("no-sandbox", bare),
	}
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if flags[name] == "" {
			options = append(options, chromedp.Flag(name, true))
		} else {
			options = append(options, chromedp.Flag(name, flags[name]))
		}
	}
	return options
}

// spoil has the browser replaced after its job.
func (b *process) spoil(log *zap.Logger, why string) {
	if !b.unfit.Swap(true) {
		log.Debug("a browser is to be replaced", zap.Int("pid", b.group), zap.String("why", why))
	}
}

// end kills the browser with all its helpers. It may be called again.
func (b *process) end() {
	b.killed.Do(func() {
		b.unfit.Store(true)
		// The group cannot be another's yet: its leader has not been waited for, or has
		// only just been.
		_ = syscall.Kill(-b.group, syscall.SIGKILL) // there is nobody left to kill
	})
}

// remove kills the browser, waits for it and removes its directory.
func (b *process) remove() error {
	b.end()
	b.cancel()
	b.watched.Wait()
	if err := removeAll(b.dir); err != nil {
		return fmt.Errorf("remove the directory of a browser: %w", err)
	}
	return nil
}
