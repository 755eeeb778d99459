// Package failure classifies what can go wrong with an attempt at a job.
//
// Every failure gets its class here and nowhere else. The class is the type of
// the Temporal ApplicationError, the error_class of the session and of the job,
// and the key of an execution's failure counts; it decides whether an attempt is
// retried. An executor returns an *Error when it knows the class; everything else
// is classified by Classify.
package failure

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// Class is the kind of a failure.
type Class string

// The classes.
const (
	Transient Class = "transient"  // the far side is unwell, or our worker died: worth another try
	RateLimit Class = "rate_limit" // asked to slow down: worth another try, later
	Timeout   Class = "timeout"    // a deadline passed
	Network   Class = "network"    // DNS, refused, reset, TLS handshake
	Permanent Class = "permanent"  // would fail the same way again
)

// Classes lists every class.
func Classes() []Class { return []Class{Transient, RateLimit, Timeout, Network, Permanent} }

// Retryable reports whether another attempt can help.
func (c Class) Retryable() bool { return c != Permanent }

// Error is a classified failure.
type Error struct {
	Class Class
	// Code is a stable, machine-readable cause, such as "HTTP_404".
	Code string
	// Message is for people; it holds no secret and no page content.
	Message string
	// RetryAfter is the least delay the far side asked for; 0 when it did not.
	RetryAfter time.Duration
	// Pause says that it is not the job that failed: nothing of the kind can be done
	// until somebody acts, such as pays. The execution is to pause, and no row to fail.
	Pause bool
	// Cause is kept for logs and errors.Is; it may be nil.
	Cause error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a classified failure.
func New(class Class, code, format string, args ...any) *Error {
	return &Error{Class: class, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes a classified failure that keeps its cause.
func Wrap(cause error, class Class, code, format string, args ...any) *Error {
	return &Error{Class: class, Code: code, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// Classify gives any error its class: an *Error keeps its own, transport errors
// are told apart, and the unknown is transient, since retrying what cannot succeed
// costs less than giving up what could.
func Classify(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Wrap(err, Timeout, "DEADLINE_EXCEEDED", "the deadline passed: %v", err)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return Wrap(err, Network, "DNS", "the name %q could not be resolved", dns.Name)
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return Wrap(err, Network, "TLS_CERTIFICATE", "the certificate was not accepted: %v", certificate.Err)
	}
	var record tls.RecordHeaderError
	var alert tls.AlertError
	if errors.As(err, &record) || errors.As(err, &alert) {
		return Wrap(err, Network, "TLS_HANDSHAKE", "the TLS handshake failed: %v", err)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Wrap(err, Network, "CONNECTION_REFUSED", "the connection was refused")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return Wrap(err, Network, "CONNECTION_RESET", "the connection was cut")
	}
	var netErr net.Error
	if errors.As(err, &netErr) {
		if netErr.Timeout() {
			return Wrap(err, Timeout, "DEADLINE_EXCEEDED", "the deadline passed: %v", err)
		}
		return Wrap(err, Network, "NETWORK", "the network failed: %v", err)
	}
	return Wrap(err, Transient, "UNKNOWN", "%v", err)
}
