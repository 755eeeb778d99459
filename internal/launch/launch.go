// Package launch makes the record of an execution out of a project, a batch and what a
// caller asks for: one place for the defaults, whether the REST API starts it or a
// workflow.
//
// It is pure. What a caller asks for comes before the project's defaults, and those
// before MINO's own.
package launch

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/invopop/validation"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/retry"
)

// MINO's own defaults, and the bounds.
const (
	DefaultConcurrency = 10
	MinConcurrency     = 1
	MaxConcurrency     = 50
	DefaultSampleSize  = 10
	MinSampleSize      = 1
	MaxSampleSize      = 1_000
	DefaultJobTimeout  = 2 * time.Minute
)

// Options are what a caller asks for; nil and zero members were not asked for.
type Options struct {
	Type        models.ExecutionType
	SampleSize  *int
	SampleSeed  int64
	Concurrency *int
	Preset      *retry.Preset
	Retry       *retry.Policy
	Tolerance   *models.Tolerance
}

// Validate checks the options. Errors are validation.Errors by the names that the
// members have in JSON.
func (o Options) Validate() error {
	errs := validation.Errors{
		"type": validation.Validate(o.Type, validation.Required,
			validation.In(models.ExecutionTest, models.ExecutionProduction).Error("must be test or production")),
		"sample_size": within(o.SampleSize, MinSampleSize, MaxSampleSize),
		"concurrency": within(o.Concurrency, MinConcurrency, MaxConcurrency),
	}
	if o.Type == models.ExecutionProduction {
		if o.SampleSize != nil {
			errs["sample_size"] = errors.New("is for a test; production takes every job")
		}
		if o.SampleSeed != 0 {
			errs["sample_seed"] = errors.New("is for a test; production takes every job")
		}
	}
	if o.Preset != nil {
		if _, known := o.Preset.Policy(); !known {
			errs["preset"] = fmt.Errorf("must be one of %v", retry.Presets())
		}
		if o.Retry != nil {
			errs["retry"] = errors.New("a preset and a policy are one setting; give one of them")
		}
	}
	if o.Retry != nil && errs["retry"] == nil {
		errs["retry"] = o.Retry.Validate()
	}
	if o.Tolerance != nil {
		errs["failure_tolerance"] = o.Tolerance.Validate()
	}
	return errs.Filter()
}

// within checks a number that may be absent but not out of bounds; zero is a value.
func within(value *int, least, most int) error {
	if value == nil || *value >= least && *value <= most {
		return nil
	}
	return validation.NewError("validation_out_of_range", fmt.Sprintf("must be between %d and %d", least, most))
}

// New makes a pending execution of a batch, with the snapshot of the project that it
// will run under. Its id is for the caller to choose.
func New(id uuid.UUID, project *models.Project, batch *models.Batch, o Options) *models.Execution {
	defaults := project.Defaults
	e := &models.Execution{
		ID:             id,
		OrganisationID: project.OrganisationID,
		ProjectID:      project.ID,
		BatchID:        batch.ID,
		Type:           o.Type,
		Status:         models.ExecutionPending,
		SampleSeed:     o.SampleSeed,
		Concurrency:    firstOf(o.Concurrency, defaults.Concurrency, DefaultConcurrency),
		Tolerance:      o.Tolerance,
		Snapshot: models.Snapshot{
			ProjectName:  project.Name,
			BatchName:    batch.Name,
			Instruction:  project.Instruction,
			Fields:       project.Fields,
			Executor:     project.Executor,
			Settings:     project.Settings,
			JobTimeoutMS: firstOf(nil, defaults.JobTimeoutMS, DefaultJobTimeout.Milliseconds()),
		},
	}
	if e.Tolerance == nil {
		e.Tolerance = defaults.Tolerance
	}
	if e.Tolerance != nil {
		full := e.Tolerance.InFull()
		e.Tolerance = &full
	}
	if e.Type == models.ExecutionTest {
		e.SampleSize = firstOf(o.SampleSize, 0, DefaultSampleSize)
	}
	e.Preset, e.Retry = retryOf(o, defaults)
	return e
}

// firstOf gives the first value that is there: asked for, the project's, MINO's own.
func firstOf[T int | int64](asked *T, projects, own T) T {
	switch {
	case asked != nil:
		return *asked
	case projects != 0:
		return projects
	}
	return own
}

// retryOf finds the policy of an execution: what is asked for, else what the project
// says, else the standard preset. A preset and a policy are one setting.
func retryOf(o Options, defaults models.ExecutionDefaults) (retry.Preset, retry.Policy) {
	preset, policy := defaults.Preset, defaults.Retry
	switch {
	case o.Preset != nil:
		preset, policy = *o.Preset, nil
	case o.Retry != nil:
		preset, policy = "", o.Retry
	}
	if policy != nil {
		return "", *policy
	}
	if preset == "" {
		preset = retry.Standard
	}
	own, _ := preset.Policy()
	return preset, own
}
