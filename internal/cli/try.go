package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// TryCmd is `mino try`.
type TryCmd struct {
	Remote

	Project    string            `arg:"" help:"Id or name of the project."`
	URL        string            `arg:"" name:"url" help:"The page."`
	Input      map[string]string `short:"i" mapsep:"none" placeholder:"COLUMN=VALUE" help:"The value of an input column; may be given several times."`
	Truth      map[string]string `mapsep:"none" placeholder:"FIELD=VALUE" help:"The right value of a field, several accepted ones apart by |; may be given several times."`
	Timeout    time.Duration     `placeholder:"DURATION" help:"Longest time of the attempt, 1s to 5m; that of the project unless given, at most 2m."`
	Screenshot string            `placeholder:"FILE" complete:"@files" help:"Write the picture of the page to this file, when the attempt took one."`
}

// Help is what --help says beneath the flags.
func (*TryCmd) Help() string {
	return `Makes one attempt at one page, waits for its end and shows the values with where they
were found. It is left out of the lists of batches and executions, and of metrics.

Exit codes:

  0    the job completed; its verdict says what the result is worth
  1    wrong usage, a file that cannot be written, any other error
  2    the API could not be reached or is unavailable
  3    the API refused the input
  4    the job failed
  5    the job was cancelled, or did not end in time
  130  interrupted; the attempt goes on`
}

// Run tries.
func (c *TryCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		project, err := findProject(ctx, api, c.Project)
		if err != nil {
			return asked(err, "find the project")
		}
		req, err := c.request(project)
		if err != nil {
			return err
		}
		try, err := api.Try(ctx, project.ID, req)
		if err != nil {
			return asked(err, "try the project")
		}
		err = c.print(streams, try, func() []string { return renderTry(try, c.truths(project), style{colour: streams.ColourOut}) })
		if err == nil && c.Screenshot != "" {
			err = c.keepScreenshot(ctx, streams, api, try)
		}
		if err != nil {
			return err
		}
		return outcomeOf(try)
	})
}

func (c *TryCmd) request(project wire.Project) (wire.TryRequest, error) {
	req := wire.TryRequest{SiteURL: c.URL, Input: c.Input}
	for name := range c.Truth {
		if _, ok := fieldNamed(project, name); !ok {
			return req, &ExitError{Code: ExitRefused, Err: fmt.Errorf(
				"--truth: %q is no field of the project; there are: %s", name, fieldNames(project))}
		}
	}
	req.GroundTruth = c.truths(project)
	if c.Timeout != 0 {
		ms := c.Timeout.Milliseconds()
		if ms < wire.MinTryTimeoutMS || ms > wire.MaxTryTimeoutMS {
			return req, &ExitError{Code: ExitRefused, Err: fmt.Errorf("--timeout: must be 1s to 5m, is %s", c.Timeout)}
		}
		req.TimeoutMS = &ms
	}
	return req, nil
}

// truths are the accepted values by field, as far as the project has the fields.
func (c *TryCmd) truths(project wire.Project) map[string][]string {
	truths := map[string][]string{}
	for name, cell := range c.Truth {
		f, _ := fieldNamed(project, name)
		if values := acceptedValues(cell, f); len(values) > 0 {
			truths[name] = values
		}
	}
	return truths
}

// keepScreenshot writes the picture whole, or not at all.
func (c *TryCmd) keepScreenshot(ctx context.Context, streams Streams, api *client.Client, try wire.Try) (err error) {
	if try.Session == nil || !slices.Contains(try.Session.Files, "screenshot") {
		say(streams, "There is no screenshot")
		return nil
	}
	file, err := os.Create(c.Screenshot)
	if err != nil {
		return fmt.Errorf("write the screenshot: %w", err)
	}
	_, err = api.Screenshot(ctx, try.Session.ID, file)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(c.Screenshot)
		return asked(err, "write the screenshot")
	}
	say(streams, "Screenshot: %s", c.Screenshot)
	return nil
}

// outcomeOf gives a job that did not complete its exit code.
func outcomeOf(try wire.Try) error {
	switch try.Status {
	case statusCompleted:
		return nil
	case statusFailed:
		return &ExitError{Code: ExitRunFailed, Err: fmt.Errorf("the job failed: %s", plain(errorText(try.Error)))}
	}
	reason := ""
	if try.Reason != "" {
		reason = ": " + plain(try.Reason)
	}
	return &ExitError{Code: ExitRunStopped, Err: fmt.Errorf("the job is %s%s", try.Status, reason)}
}

// renderTry writes what came of a try, its values with where they were found.
func renderTry(try wire.Try, truths map[string][]string, s style) []string {
	took := ""
	if try.DurationMS > 0 {
		took = fmt.Sprintf("%.1fs", float64(try.DurationMS)/1000)
	}
	steps, cost := "", ""
	var evidence struct {
		FinalURL string            `json:"final_url"`
		Title    string            `json:"title"`
		RunURL   string            `json:"run_url"`
		Sources  map[string]string `json:"sources"`
	}
	session := ""
	if try.Session != nil {
		session = try.Session.ID.String()
		steps = costText(try.Session.Steps, 0, "")
		cost = costText(0, try.Session.CostMicros, try.Session.CostCurrency)
		_ = json.Unmarshal(try.Session.Evidence, &evidence) // what is no evidence shows nothing
	}
	lines := record(
		[2]string{"status", s.paint(statusColour(try.Status), try.Status)},
		[2]string{"verdict", try.Verdict},
		[2]string{"because", plain(try.VerdictNote)},
		[2]string{"failure", plain(errorText(try.Error))},
		[2]string{"took", took},
		[2]string{"steps", strings.TrimSuffix(strings.TrimSuffix(steps, " steps"), " step")},
		[2]string{"cost", cost},
		[2]string{"page", plain(evidence.FinalURL)},
		[2]string{"title", plain(evidence.Title)},
		[2]string{"run", plain(evidence.RunURL)},
		[2]string{"execution", try.ExecutionID.String()},
		[2]string{"job", try.JobID.String()},
		[2]string{"session", session},
	)
	return append(lines, titled(s, tryValues(try, truths, evidence.Sources))...)
}

func tryValues(try wire.Try, truths map[string][]string, sources map[string]string) [][]string {
	fields := map[string]bool{}
	for name := range try.Result {
		fields[name] = true
	}
	for name := range truths {
		fields[name] = true
	}
	rows := [][]string{{"field", "value", "source"}}
	if len(truths) > 0 {
		rows[0] = append(rows[0], "right", "match")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		row := []string{name, value(try.Result[name]), sources[name]}
		if len(truths) > 0 {
			row = append(row, strings.Join(truths[name], " | "), matchText(try.Comparison, name))
		}
		rows = append(rows, row)
	}
	return rows
}
