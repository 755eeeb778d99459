package agent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/minohq/mino/executors"
)

// Bounds of screenshots. The answer holds one for every step, as text; only one step is
// in memory at a time.
const (
	maxScreenshots = 64 << 20
	maxScreenshot  = 1 << 20
)

// screenshot gets the picture of the last step that has one. It is evidence and no
// result: nil when there is none that can be had.
func (s *service) screenshot(ctx context.Context, id string) *executors.File {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	response, _, err := s.send(ctx, http.MethodGet, runPath(id), url.Values{"screenshots": {"base64"}}, nil)
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }() // read-only: nothing can be lost
	if response.StatusCode != http.StatusOK {
		return nil
	}
	counted := &io.LimitedReader{R: response.Body, N: maxScreenshots}
	last := lastScreenshot(json.NewDecoder(counted))
	s.bytes += maxScreenshots - counted.N
	if base64.StdEncoding.DecodedLen(len(last)) > maxScreenshot+2 {
		return nil
	}
	picture, err := base64.StdEncoding.DecodeString(last)
	if err != nil || len(picture) > maxScreenshot {
		return nil
	}
	contentType := http.DetectContentType(picture)
	if !strings.HasPrefix(contentType, "image/") {
		return nil
	}
	return &executors.File{Kind: executors.KindScreenshot, ContentType: contentType, Data: picture}
}

// lastScreenshot walks a run, member by member, to the steps and through them. What
// cannot be read ends the walk.
func lastScreenshot(decoder *json.Decoder) string {
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return ""
		}
		if name == "steps" {
			return lastOfSteps(decoder)
		}
		var skipped json.RawMessage
		if decoder.Decode(&skipped) != nil {
			return ""
		}
	}
	return ""
}

func lastOfSteps(decoder *json.Decoder) (last string) {
	if open, err := decoder.Token(); err != nil || open != json.Delim('[') {
		return ""
	}
	for decoder.More() {
		var step struct {
			Screenshot string `json:"screenshot"`
		}
		if err := decoder.Decode(&step); err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) {
			return last
		}
		if step.Screenshot == "" {
			continue
		}
		last = step.Screenshot
		if _, data, found := strings.Cut(last, ";base64,"); found {
			last = data
		}
	}
	return last
}
