package agent

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/minohq/mino/models/failure"
)

// problem is what the service says of something that went wrong: in the envelope of a
// refusal, or in a run that has failed.
type problem struct {
	code       string // upper case; may be one that is not known here
	category   string
	message    string
	retryAfter time.Duration
}

// Categories of problems of runs.
const (
	categoryBilling = "BILLING_FAILURE"
	categoryAgent   = "AGENT_FAILURE"
)

// classes of the codes that mean something here. A code decides before a category and a
// status: it says more.
var classes = map[string]failure.Class{
	CodeRateLimited:            failure.RateLimit,
	"SERVICE_BUSY":             failure.Transient,
	"INTERNAL_ERROR":           failure.Transient,
	"SYSTEM_FAILURE":           failure.Transient,
	"UNKNOWN":                  failure.Transient,
	"TIMEOUT":                  failure.Timeout,
	"INVALID_INPUT":            failure.Permanent,
	"CONTENT_POLICY_VIOLATION": failure.Permanent,
	CodeMissingAPIKey:          failure.Permanent,
	CodeInvalidAPIKey:          failure.Permanent,
	"UNAUTHORIZED":             failure.Permanent,
	"FORBIDDEN":                failure.Permanent,
	"NOT_FOUND":                failure.Permanent,
	"SITE_BLOCKED":             failure.Permanent,
	"MAX_STEPS_EXCEEDED":       failure.Permanent,
	CodeInsufficientCredits:    failure.Permanent,
	"CANCELLED":                failure.Transient,
}

// problemOf reads the error of an answer or a run: an object, or only a text.
func problemOf(d document) problem {
	if text := d.text("error"); text != "" {
		return problem{message: text}
	}
	e := d.object("error")
	return problem{
		code: spelled(e.text("code")), category: spelled(e.text("category")), message: e.text("message"),
		retryAfter: e.seconds("retry_after", "retryAfter"),
	}
}

func (p problem) none() bool { return p == problem{} }

// spelled gives a code in one spelling.
func spelled(code string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToUpper(strings.TrimSpace(code)))
}

var stableCode = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// money stands in messages about credits, which may come as FORBIDDEN.
var money = regexp.MustCompile(`(?i)\b(credits?|billing|payment|balance|subscription)\b`)

func (p problem) billing(status int) bool {
	return p.code == CodeInsufficientCredits || p.code == categoryBilling || p.category == categoryBilling ||
		status == http.StatusPaymentRequired || ((p.code == "FORBIDDEN" || status == http.StatusForbidden) && money.MatchString(p.message))
}

// refusal classifies an answer that is no success.
func (p problem) refusal(status int) *failure.Error {
	what := strings.TrimSpace(fmt.Sprintf("the agent service answered %d %s", status, http.StatusText(status)))
	if p.billing(status) {
		return p.broke(what)
	}
	class, known := classes[p.code]
	code := p.code
	if !known {
		class = statusClass(status)
	}
	if !stableCode.MatchString(code) {
		code = statusCode(status)
	}
	return p.failure(class, code, what)
}

// ofRun classifies the error of a run that has failed.
func (p problem) ofRun() *failure.Error {
	const what = "the agent's run failed"
	if p.billing(0) {
		return p.broke(what)
	}
	class, known := classes[p.code]
	if !known {
		class = failure.Transient
		if p.category == categoryAgent || p.code == categoryAgent {
			class = failure.Permanent
		}
	}
	code := CodeRunFailed
	for _, c := range []string{p.code, p.category} {
		if stableCode.MatchString(c) {
			code = c
			break
		}
	}
	return p.failure(class, code, what)
}

// broke is the failure that pauses the execution: until somebody pays, no row can do
// better.
func (p problem) broke(what string) *failure.Error {
	f := p.failure(failure.Permanent, CodeInsufficientCredits, what)
	f.Pause = true
	return f
}

func (p problem) failure(class failure.Class, code, what string) *failure.Error {
	if said := shortened(p.message); said != "" {
		what += ": " + said
	}
	f := failure.New(class, code, "%s", what)
	f.RetryAfter = p.retryAfter
	return f
}

// maxSaid bounds what is repeated of the service's message, in runes: enough for a
// sentence of it, too little for a page.
const maxSaid = 300

func shortened(message string) string {
	runes := []rune(strings.Join(strings.FieldsFunc(message, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " "))
	if len(runes) > maxSaid {
		return string(runes[:maxSaid]) + "…"
	}
	return string(runes)
}

func statusClass(status int) failure.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return failure.RateLimit
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return failure.Timeout
	case status >= 500, status < 300: // a success that says it is none
		return failure.Transient
	}
	return failure.Permanent
}

// statusCode is the code of an answer that has none of its own.
func statusCode(status int) string {
	switch status {
	case http.StatusTooManyRequests:
		return CodeRateLimited
	case http.StatusUnauthorized:
		return CodeInvalidAPIKey
	}
	return fmt.Sprintf("HTTP_%d", status)
}
