package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/scoring"
	"github.com/minohq/mino/workflows/contract"
)

const (
	// maxResult bounds the fields of one result in bytes of JSON.
	maxResult = 1 << 20
	// maxRaw bounds what is kept of an executor's raw result.
	maxRaw = 256 << 10
	// maxMessage bounds an error message, in bytes.
	maxMessage = 2_000
	// persistFor is how long an outcome is held for a database that is away, and
	// keepFilesFor the evidence before it. With releaseFor, which comes after, they stay
	// within the margin that the workflow leaves beyond the job's deadline.
	persistFor   = 45 * time.Second
	keepFilesFor = 5 * time.Second
)

// successOf scores an outcome and brings it into a form that PostgreSQL takes: JSON
// text there has no NUL and is valid UTF-8.
func successOf(a *store.Attempt, o executors.Outcome, used store.Used) (store.Success, error) {
	fields, ok := cleanJSON(o.Fields).(map[string]any)
	switch {
	case ok:
	case len(o.Fields) == 0:
		fields = map[string]any{}
	default:
		return store.Success{}, failure.New(failure.Permanent, "RESULT_NOT_STORABLE", "the result is not JSON")
	}
	if size := len(encoded(fields)); size > maxResult {
		return store.Success{}, failure.New(failure.Permanent, "RESULT_TOO_LARGE", "the result has %d bytes; %d are the most", size, maxResult)
	}
	score := scoring.Evaluate(scoring.Input{
		Fields: a.Snapshot.Fields, Result: fields, Truth: a.GroundTruth, Blocked: o.Blocked,
	})
	return store.Success{
		Result: fields, Raw: rawOf(o.Raw), Score: score, Note: message(noteOf(o, score)), Used: used,
	}, nil
}

// encoded gives anything as JSON that PostgreSQL takes; what is no JSON at all is null.
func encoded(v any) json.RawMessage {
	text, err := json.Marshal(cleanJSON(v))
	if err != nil {
		return nil
	}
	return text
}

// noteOf says why a verdict is what it is, where the comparison does not.
func noteOf(o executors.Outcome, score scoring.Score) string {
	if o.Blocked != "" {
		return o.Blocked
	}
	if len(score.Invalid) == 0 {
		return ""
	}
	notes := make([]string, 0, len(score.Invalid))
	for name, why := range score.Invalid {
		notes = append(notes, name+": "+why)
	}
	sort.Strings(notes)
	return strings.Join(notes, "; ")
}

// rawOf keeps a raw result when it is JSON and not too large.
func rawOf(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	if len(raw) > maxRaw {
		return json.RawMessage(fmt.Sprintf(`{"omitted":"larger than %d bytes","bytes":%d}`, maxRaw, len(raw)))
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return json.RawMessage(`{"omitted":"not JSON"}`)
	}
	encoded, err := json.Marshal(cleanJSON(value))
	if err != nil {
		return json.RawMessage(`{"omitted":"not JSON"}`)
	}
	return encoded
}

// cleanJSON takes any value through JSON and cleans every text in it. A value that
// is no JSON comes back as nil.
func cleanJSON(v any) any {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(string(encoded)))
	decoder.UseNumber() // digits as they were found
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil
	}
	return cleanValue(value)
}

func cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		return clean(v)
	case []any:
		for i := range v {
			v[i] = cleanValue(v[i])
		}
		return v
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[clean(key)] = cleanValue(value)
		}
		return out
	default:
		return v
	}
}

// clean makes text storable: no NUL, valid UTF-8.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// message makes text for people storable: clean, and at most maxMessage bytes, cut
// between characters.
func message(s string) string {
	s = clean(s)
	if len(s) <= maxMessage {
		return s
	}
	end := maxMessage
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

func completedOutcome(a *store.Attempt, s store.Success) contract.JobOutcome {
	return outcomeOf(&models.Job{
		ID: a.JobID, Status: models.JobCompleted, Verdict: s.Score.Verdict, Attempt: a.Number, Comparison: s.Score.Fields,
		Steps: a.Steps + s.Steps, CostMicros: a.CostMicros + s.CostMicros, CostCurrency: s.CostCurrency,
	})
}

// persist writes an outcome, again and again while the database is away, within a time: the
// work behind it is done and may have cost money. It outlives the cancellation of the
// attempt, which is one of the outcomes it writes.
func (r *jobRun) persist(ctx context.Context, within time.Duration, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 3*time.Second) {
		err := write(ctx)
		if err != nil && ctx.Err() != nil && !errors.Is(err, models.ErrStaleAttempt) {
			// A database that does not answer has refused nothing.
			return fmt.Errorf("%w: %w", models.ErrUnavailable, err)
		}
		if !errors.Is(err, models.ErrUnavailable) {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}
