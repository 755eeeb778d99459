package browser

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/minohq/mino/executors"
)

const (
	// maxShotHeight bounds a picture of a whole page, in CSS pixels.
	maxShotHeight = 10_000
	// shotTimeout is how long a picture may take.
	shotTimeout = 10 * time.Second
)

// fineness is how a picture is taken: first as well as possible, then as small as it
// needs to be.
var fineness = []struct {
	quality int64
	scale   float64
}{{80, 1}, {50, 1}, {40, 0.5}, {30, 0.25}}

// shoot takes the picture that the project wants. Without one the attempt is as good.
func (j *job) shoot(ctx context.Context) {
	if j.settings.Screenshot == shotNone || len(j.outcome.Files) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, shotTimeout)
	defer cancel()
	data, err := j.picture(ctx)
	switch {
	case err != nil:
		j.note("the browser gave no screenshot")
	case data == nil:
		j.note(fmt.Sprintf("the screenshot was left out: it is larger than %d bytes", j.executor.config.MaxScreenshot))
	default:
		j.outcome.Files = append(j.outcome.Files, executors.File{Kind: executors.KindScreenshot, ContentType: "image/jpeg", Data: data})
	}
}

// picture gives the best JPEG that is small enough, or nil.
func (j *job) picture(ctx context.Context) ([]byte, error) {
	metrics, err := chromedp.Call(ctx, page.GetLayoutMetrics, cdp.Empty{})
	if err != nil {
		return nil, err
	}
	whole := j.settings.Screenshot == shotPage
	clip := page.Viewport{Width: float64(j.settings.Viewport.Width), Height: float64(j.settings.Viewport.Height)}
	if whole {
		clip.Height = max(clip.Height, min(metrics.CSSContentSize.Height, maxShotHeight))
	} else {
		clip.X, clip.Y = float64(metrics.CSSVisualViewport.PageX), float64(metrics.CSSVisualViewport.PageY)
	}
	for _, f := range fineness {
		clip.Scale = f.scale
		shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Format: page.CaptureScreenshotFormatJpeg, Quality: &f.quality, Clip: &clip, CaptureBeyondViewport: &whole,
		})
		if err != nil {
			return nil, err
		}
		if len(shot.Data) <= j.executor.config.MaxScreenshot {
			return shot.Data, nil
		}
	}
	return nil, nil
}
