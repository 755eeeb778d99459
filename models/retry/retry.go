// Package retry holds the retry policies of executions: the presets, an explicit
// policy's bounds, and the delay before an attempt.
package retry

import (
	"math"
	"time"

	"github.com/invopop/validation"

	"github.com/minohq/mino/models/failure"
)

// RateLimitFloor is the least delay after a rate limit, whatever the policy says.
const RateLimitFloor = 5 * time.Second

// MaxRetryAfter bounds how long a far side can make an execution wait.
const MaxRetryAfter = 10 * time.Minute

// Policy is a retry policy. Delays are whole milliseconds, so that its JSON reads
// the same in every language.
type Policy struct {
	// MaxAttempts counts the first attempt too; 1–100.
	MaxAttempts int `json:"max_attempts"`
	// InitialIntervalMS is the delay before the second attempt, 1–3,600,000.
	InitialIntervalMS int64 `json:"initial_interval_ms"`
	// BackoffCoefficient multiplies the delay after every attempt, 1–10.
	BackoffCoefficient float64 `json:"backoff_coefficient"`
	// MaxIntervalMS is the longest delay; at least InitialIntervalMS.
	MaxIntervalMS int64 `json:"max_interval_ms"`
}

// Preset is the name of a policy.
type Preset string

// The presets.
const (
	Fast       Preset = "FAST"
	Standard   Preset = "STANDARD"
	Patient    Preset = "PATIENT"
	Aggressive Preset = "AGGRESSIVE"
)

// Presets lists every preset.
func Presets() []Preset { return []Preset{Fast, Standard, Patient, Aggressive} }

// Policy gives a preset's policy; ok is false for a name that is none.
func (p Preset) Policy() (policy Policy, ok bool) {
	switch p {
	case Fast:
		return Policy{3, 500, 2, 5_000}, true
	case Standard:
		return Policy{5, 1_000, 2, 30_000}, true
	case Patient:
		return Policy{5, 5_000, 2, 300_000}, true
	case Aggressive:
		return Policy{10, 250, 1.5, 10_000}, true
	}
	return Policy{}, false
}

// Validate checks an explicit policy.
func (p Policy) Validate() error {
	return validation.ValidateStruct(&p,
		validation.Field(&p.MaxAttempts, validation.Required, validation.Min(1), validation.Max(100)),
		validation.Field(&p.InitialIntervalMS, validation.Required, validation.Min(int64(1)), validation.Max(int64(3_600_000))),
		validation.Field(&p.BackoffCoefficient, validation.Required, validation.Min(1.0), validation.Max(10.0)),
		validation.Field(&p.MaxIntervalMS, validation.Required, validation.Min(p.InitialIntervalMS), validation.Max(int64(86_400_000))),
	)
}

// Delay is the time to wait after the given attempt (counted from 1) failed.
// random is uniform in [0,1) and spreads the delay over ±25 %, so that jobs that
// failed together do not come back together. A rate limit waits at least
// RateLimitFloor and at least what the far side asked for.
func (p Policy) Delay(attempt int, cause *failure.Error, random float64) time.Duration {
	base := float64(p.InitialIntervalMS) * math.Pow(p.BackoffCoefficient, float64(max(attempt, 1)-1))
	base = min(base, float64(p.MaxIntervalMS))
	delay := time.Duration(base * (0.75 + 0.5*random) * float64(time.Millisecond))
	if cause == nil {
		return delay
	}
	if cause.Class == failure.RateLimit {
		delay = max(delay, RateLimitFloor)
	}
	return max(delay, min(cause.RetryAfter, MaxRetryAfter))
}
