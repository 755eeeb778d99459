package standin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Codes of refusals.
const (
	codeMissingKey   = "MISSING_API_KEY"
	codeInvalidKey   = "INVALID_API_KEY"
	codeInvalidInput = "INVALID_INPUT"
	codeForbidden    = "FORBIDDEN"
	codeNoCredits    = "INSUFFICIENT_CREDITS"
	codeNotFound     = "NOT_FOUND"
	codeRateLimited  = "RATE_LIMIT_EXCEEDED"
	codeInternal     = "INTERNAL_ERROR"
	codeBusy         = "SERVICE_BUSY"
	codeTimeout      = "TIMEOUT"
)

// answer is what a call is answered; the body is marshalled.
type answer struct {
	status     int
	body       any
	retryAfter int
}

type envelope struct {
	Error envelopeError `json:"error"`
}

type envelopeError struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Details []detail `json:"details,omitempty"`
}

// detail says what is wrong with one member of a request.
type detail struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

func refusal(status int, code, message string, details ...detail) answer {
	return answer{status: status, body: envelope{envelopeError{code, message, details}}}
}

func invalid(details ...detail) answer {
	message := "Invalid request"
	if len(details) > 0 {
		message = details[0].Path + " " + details[0].Message
	}
	return refusal(http.StatusBadRequest, codeInvalidInput, message, details...)
}

// write sends an answer.
func (a answer) write(w http.ResponseWriter) {
	text := marshal(a.body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	w.WriteHeader(a.status)
	// A client that left has nobody to tell.
	_, _ = w.Write(text)
}

// wireRun is a run in lists.
type wireRun struct {
	RunID            string            `json:"run_id"`
	Status           Status            `json:"status"`
	Goal             string            `json:"goal"`
	CreatedAt        string            `json:"created_at"`
	StartedAt        *string           `json:"started_at"`
	FinishedAt       *string           `json:"finished_at"`
	NumOfSteps       *int              `json:"num_of_steps"`
	Result           json.RawMessage   `json:"result"`
	OutputSchema     json.RawMessage   `json:"output_schema"`
	SchemaValidation *schemaValidation `json:"schema_validation"`
	Error            *RunError         `json:"error"`
	StreamingURL     *string           `json:"streaming_url"`
	BrowserConfig    browserConfig     `json:"browser_config"`
}

type browserConfig struct {
	ProxyEnabled     bool    `json:"proxy_enabled"`
	ProxyCountryCode *string `json:"proxy_country_code"`
}

// wireRunDetail is a run that was asked for by its id.
type wireRunDetail struct {
	wireRun

	VideoURL *string    `json:"video_url"`
	Steps    []wireStep `json:"steps"`
}

type wireStep struct {
	ID         string  `json:"id"`
	Timestamp  string  `json:"timestamp"`
	Status     Status  `json:"status"`
	Action     string  `json:"action"`
	Screenshot *string `json:"screenshot"`
	// Duration is in seconds, such as "1.2s".
	Duration string `json:"duration"`
}

// wireOutcome is the answer of a blocking run.
type wireOutcome struct {
	RunID            *string           `json:"run_id"`
	Status           Status            `json:"status"`
	StartedAt        *string           `json:"started_at"`
	FinishedAt       *string           `json:"finished_at"`
	NumOfSteps       *int              `json:"num_of_steps"`
	Result           json.RawMessage   `json:"result"`
	SchemaValidation *schemaValidation `json:"schema_validation"`
	Error            *RunError         `json:"error"`
}

// stamp writes a time as the API does: UTC, three digits of a second.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// stamped is null for no time.
func stamped(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(stamp(t))
}

// orNull is JSON null for nothing.
func orNull(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage("null")
	}
	return text
}

// wire is the run in lists; base is the address that the client came by.
func (v view) wire(base string) wireRun {
	result, check := v.result()
	out := wireRun{
		RunID: v.id, Status: v.status(), Goal: v.req.Goal, CreatedAt: stamp(v.created),
		StartedAt: stamped(v.startedAt()), FinishedAt: stamped(v.finishedAt()),
		Result: orNull(result), OutputSchema: orNull(v.req.OutputSchema), SchemaValidation: check, Error: v.runError(),
		BrowserConfig: browserConfig{ProxyEnabled: v.req.proxyEnabled},
	}
	if v.req.proxyCountry != "" {
		out.BrowserConfig.ProxyCountryCode = &v.req.proxyCountry
	}
	if v.isOver() {
		out.NumOfSteps = new(v.stepsTaken())
	}
	if out.StartedAt != nil {
		out.StreamingURL = new(v.streamingURL(base))
	}
	return out
}

func (r *run) streamingURL(base string) string { return base + "/stand-in/live/" + r.id }

// videoFor is how long the address of a video can be used.
const videoFor = 15 * time.Minute

// detail is the run asked for by its id.
func (v view) detail(base string, screenshots bool) wireRunDetail {
	out := wireRunDetail{wireRun: v.wire(base), Steps: []wireStep{}}
	if v.isOver() && out.StartedAt != nil {
		expires := v.now.Add(videoFor).Unix()
		out.VideoURL = new(fmt.Sprintf("%s/stand-in/videos/%s?expires=%d", base, v.id, expires))
	}
	for n := range v.stepsTaken() {
		step := wireStep{
			ID: fmt.Sprintf("%s-%d", v.id, n+1), Timestamp: stamp(v.starts.Add(time.Duration(n+1) * v.stepTime)),
			Status: StatusCompleted, Action: action(n), Duration: fmt.Sprintf("%.1fs", v.stepTime.Seconds()),
		}
		if screenshots {
			step.Screenshot = new(base64.StdEncoding.EncodeToString(screenshot))
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

// actions are what steps say they did, over and over.
var actions = []string{"Open the page", "Read the page", "Scroll down", "Click a link", "Extract the values"}

func action(n int) string { return actions[n%len(actions)] }

// wireOutcome is what a blocking run is answered.
func (v view) wireOutcome() wireOutcome {
	full := v.wire("")
	return wireOutcome{
		RunID: &v.id, Status: full.Status, StartedAt: full.StartedAt, FinishedAt: full.FinishedAt, NumOfSteps: full.NumOfSteps,
		Result: full.Result, SchemaValidation: full.SchemaValidation, Error: full.Error,
	}
}
