// Package activity is the executor of projects whose jobs are done by somebody's own
// Temporal activity, on their own task queue, in any language.
//
// It does nothing itself: BatchWorkflow calls the activity with the documented payload
// (contract.ActivityRequest) and records what it returns (contract.ActivityResult). This
// package checks a project's settings and says whom to call.
//
// Failure: Execute always fails, since a worker of MINO's is never given such a job.
package activity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/invopop/validation"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/failure"
)

// Name is the executor of such projects.
const Name = "activity"

// Bounds of the settings.
const (
	maxName    = 200
	maxInput   = 64 << 10
	minTimeout = 1_000
	maxTimeout = 24 * 60 * 60 * 1_000
)

// Settings are a project's settings for this executor.
type Settings struct {
	// ActivityType is the name under which the activity is registered.
	ActivityType string `json:"activity_type"`
	// TaskQueue is polled by the worker that has it.
	TaskQueue string `json:"task_queue"`
	// HeartbeatTimeoutMS is how long the activity may go without a heartbeat before its
	// worker is taken for dead: 1,000–86,400,000. Without it the activity need not
	// send any, a dead worker is noticed at the job's deadline, and a stop that cancels
	// does not wait for the activity.
	HeartbeatTimeoutMS *int64 `json:"heartbeat_timeout_ms,omitempty"`
	// StartTimeoutMS is how long a job may wait for a worker of the task queue:
	// 1,000–86,400,000. Without it a job waits until one comes.
	StartTimeoutMS *int64 `json:"start_timeout_ms,omitempty"`
	// Input is given to every call as it is; an object of at most 64 KiB. It lies in
	// workflow histories: no place for secrets.
	Input json.RawMessage `json:"input,omitempty"`
}

// Executor implements executors.Executor and executors.Caller.
type Executor struct{ reserved []string }

// New makes the executor. Reserved are the task queues that no project may name: on those
// of MINO itself an activity could be called that writes the records of others.
func New(reserved ...string) *Executor { return &Executor{reserved: reserved} }

// Name implements executors.Executor.
func (*Executor) Name() string { return Name }

// Validate implements executors.Executor.
func (e *Executor) Validate(spec executors.Spec) error {
	errs := validation.Errors{}
	if s, err := parseSettings(spec.Settings); err != nil {
		errs["settings"] = err
	} else if err := e.mayCall(s.TaskQueue, spec.TaskQueues); err != nil {
		errs["settings"] = err
	}
	rules := validation.Errors{}
	for i, f := range spec.Fields {
		if f.Extract != nil {
			rules[strconv.Itoa(i)] = validation.Errors{"extract": errors.New("is for the fetch executor; an activity returns its fields by name")}
		}
	}
	if len(rules) > 0 {
		errs["fields"] = rules
	}
	return errs.Filter()
}

// Needs implements executors.Executor.
func (*Executor) Needs(executors.Spec) executors.Needs { return executors.Needs{} }

// Execute implements executors.Executor.
func (*Executor) Execute(context.Context, executors.Request) (executors.Outcome, error) {
	return executors.Outcome{}, failure.New(failure.Permanent, "EXECUTOR_UNAVAILABLE",
		"jobs of the %s executor are done by the worker that its project names", Name)
}

// Call implements executors.Caller.
func (e *Executor) Call(raw json.RawMessage, queues []string) (executors.Call, error) {
	s, err := parseSettings(raw)
	if err != nil {
		return executors.Call{}, err
	}
	if err := e.mayCall(s.TaskQueue, queues); err != nil {
		return executors.Call{}, err
	}
	return executors.Call{
		ActivityType: s.ActivityType, TaskQueue: s.TaskQueue, Input: s.Input,
		HeartbeatTimeout: milliseconds(s.HeartbeatTimeoutMS), StartTimeout: milliseconds(s.StartTimeoutMS),
	}, nil
}

// mayCall refuses queues that are not the organisation's to name. The error is keyed by
// setting.
func (e *Executor) mayCall(queue string, allowed []string) error {
	switch {
	case slices.Contains(e.reserved, queue):
		return validation.Errors{"task_queue": validation.NewError("validation_forbidden", "is one of MINO's own")}
	case allowed != nil && !slices.Contains(allowed, queue):
		return validation.Errors{"task_queue": validation.NewError("validation_forbidden", "is not one that the organisation may use: the operator names those")}
	}
	return nil
}

func milliseconds(n *int64) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(*n) * time.Millisecond
}

// parseSettings reads and checks settings. Errors are validation.Errors keyed by
// setting.
func parseSettings(raw json.RawMessage) (Settings, error) {
	var s Settings
	if len(raw) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&s); err != nil {
			return s, decodeError(err)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return s, errors.New("must be one object")
		}
	}
	return s, validation.ValidateStruct(&s,
		validation.Field(&s.ActivityType, validation.Required, validation.RuneLength(1, maxName), validation.By(trimmed)),
		validation.Field(&s.TaskQueue, validation.Required, validation.RuneLength(1, maxName), validation.By(trimmed)),
		validation.Field(&s.HeartbeatTimeoutMS, validation.By(timeout)),
		validation.Field(&s.StartTimeoutMS, validation.By(timeout)),
		validation.Field(&s.Input, validation.By(object)),
	)
}

// decodeError names the setting that is not known or of the wrong type.
func decodeError(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return validation.Errors{wrongType.Field: fmt.Errorf("must not be a %s", wrongType.Value)}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return validation.Errors{strings.Trim(name, `"`): errors.New("is not a setting of this executor")}
	}
	return errors.New("must be an object")
}

func trimmed(v any) error {
	if s, ok := v.(string); ok && (s != strings.TrimSpace(s) || strings.ContainsAny(s, "\x00\r\n")) {
		return errors.New("must not begin or end with white space, nor hold line breaks")
	}
	return nil
}

func timeout(v any) error {
	if n, ok := v.(*int64); ok && n != nil && (*n < minTimeout || *n > maxTimeout) {
		return fmt.Errorf("must be between %d and %d", minTimeout, maxTimeout)
	}
	return nil
}

func object(v any) error {
	raw, ok := v.(json.RawMessage)
	if !ok || len(raw) == 0 {
		return nil
	}
	if len(raw) > maxInput {
		return fmt.Errorf("must be at most %d bytes long", maxInput)
	}
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return errors.New("must be an object")
	}
	return nil
}
