package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/minohq/mino/internal/client"
)

// The exit codes of the client commands. They are a promise to scripts.
const (
	ExitCompleted   = 0   // the run completed; some of its jobs may have failed
	ExitOther       = 1   // wrong usage, a file that cannot be read, any other error
	ExitUnreachable = 2   // the API could not be reached, or said that it is unavailable
	ExitRefused     = 3   // the API refused the input (4xx)
	ExitRunFailed   = 4   // the execution failed
	ExitRunStopped  = 5   // the execution was stopped before it was done
	ExitInterrupted = 130 // Ctrl-C or a termination signal; the run goes on
)

// exitHelp is what --help says of them.
const exitHelp = `Exit codes:

  0    the run completed (jobs may have failed: see the summary)
  1    wrong usage, a file that cannot be read, any other error
  2    the API could not be reached or is unavailable
  3    the API refused the input: the CSV, the project or an option
  4    the execution failed
  5    the execution was stopped
  130  interrupted; the execution goes on`

// ExitError is an error with the exit code that stands for it. It implements
// kong's ExitCoder.
type ExitError struct {
	Code int
	Err  error
}

// Error implements error.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode gives the code.
func (e *ExitError) ExitCode() int { return e.Code }

// withCode gives any error of a command its exit code; nil stays nil.
func withCode(err error) error {
	if err == nil {
		return nil
	}
	var exit *ExitError
	if errors.As(err, &exit) {
		return err
	}
	return &ExitError{Code: codeOf(err), Err: advised(err)}
}

// advised says beneath an answer of "who are you?" how to say so.
func advised(err error) error {
	var refusal *client.Error
	if errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized {
		return fmt.Errorf("%w\n  The key is taken from MINO_API_KEY, or --api-key; for the stack of mino dev on this machine, from .mino/%s", err, KeyFile)
	}
	return err
}

func codeOf(err error) int {
	var unreachable *client.UnreachableError
	var refusal *client.Error
	switch {
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &unreachable):
		return ExitUnreachable
	case errors.As(err, &refusal):
		if refusal.Problem.Code == client.CodeQuota {
			return ExitRefused // it does not pass by itself
		}
		return codeOfRefusal(refusal.Status)
	}
	return ExitOther
}

func codeOfRefusal(status int) int {
	switch {
	case outage(status):
		return ExitUnreachable
	case status < http.StatusInternalServerError:
		return ExitRefused
	}
	return ExitOther
}

// outage tells the statuses that say "not now" from those that say "not so".
func outage(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
