package models

import (
	"errors"

	"github.com/invopop/validation"
)

// What is done with an execution in which too many jobs have failed.
const (
	// TolerancePause pauses it, so that people can look; it is the default.
	TolerancePause = "pause"
	// ToleranceFail ends it as failed.
	ToleranceFail = "fail"
)

// Tolerance says how many failed jobs an execution bears. It is exceeded when more
// than either of the two maxima has failed.
type Tolerance struct {
	MaxFailed *int `json:"max_failed,omitempty"`
	// MaxFailedPercent is of the jobs that have ended, 0–100.
	MaxFailedPercent *float64 `json:"max_failed_percent,omitempty"`
	// After is how many jobs must have ended before either is looked at; 0 looks from
	// the first.
	After int `json:"after,omitempty"`
	// Action is TolerancePause or ToleranceFail; empty is TolerancePause.
	Action string `json:"action"`
}

// Validate checks a tolerance.
func (t Tolerance) Validate() error {
	if t.MaxFailed == nil && t.MaxFailedPercent == nil {
		return validation.Errors{"max_failed": errors.New("is required unless max_failed_percent is given")}
	}
	return validation.ValidateStruct(&t,
		validation.Field(&t.MaxFailed, validation.Min(0)),
		validation.Field(&t.MaxFailedPercent, validation.Min(0.0), validation.Max(100.0)),
		validation.Field(&t.After, validation.Min(0)),
		validation.Field(&t.Action, validation.In(TolerancePause, ToleranceFail).Error("must be pause or fail")),
	)
}

// InFull is the tolerance with its default action filled in.
func (t Tolerance) InFull() Tolerance {
	if t.Action == "" {
		t.Action = TolerancePause
	}
	return t
}
