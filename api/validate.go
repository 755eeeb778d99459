package api

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/invopop/validation"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/field"
	"github.com/minohq/mino/models/retry"
)

// Bounds of what people write.
const (
	maxNameLength        = 200
	maxInstructionLength = 20_000
	minJobTimeoutMS      = 1_000
	maxJobTimeoutMS      = 3_600_000
)

// validateProject gives a project the form in which it is stored and refuses one that
// cannot run; everything that is wrong is told at once.
func (s *server) validateProject(p *models.Project) error {
	p.Name = strings.TrimSpace(p.Name)
	for i := range p.Fields {
		if p.Fields[i].Type == "" {
			p.Fields[i].Type = field.TypeText
		}
	}
	settings, settingsErr := canonical(p.Settings)
	errs := validation.Errors{
		"name":        validation.Validate(p.Name, validation.Required, validation.RuneLength(1, maxNameLength)),
		"instruction": validation.Validate(p.Instruction, validation.By(notBlank), validation.RuneLength(1, maxInstructionLength)),
		"fields":      validation.Validate(p.Fields, validation.Required, validation.Skip),
		"executor":    s.validateExecutor(p.Executor),
		"settings":    settingsErr,
		"defaults":    validateDefaults(p.Defaults),
	}
	if errs["fields"] == nil {
		errs["fields"] = field.ValidateAll(p.Fields)
	}
	if settingsErr == nil {
		p.Settings = settings
		s.askExecutor(p, errs)
	}
	if err := errs.Filter(); err != nil {
		return invalid("the project is not valid", fieldErrors(err)...)
	}
	return nil
}

func (s *server) validateExecutor(name string) error {
	if name == "" {
		return validation.ErrRequired
	}
	if _, ok := s.Executors[name]; ok {
		return nil
	}
	return fmt.Errorf("there is no executor %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(s.Executors)), ", "))
}

// askExecutor has the executor check its settings, and the fields as far as it has a
// say in them.
func (s *server) askExecutor(p *models.Project, errs validation.Errors) {
	executor, ok := s.Executors[p.Executor]
	if !ok || errs["fields"] != nil {
		return
	}
	err := executor.Validate(executors.Spec{Instruction: p.Instruction, Fields: p.Fields, Settings: p.Settings})
	var byMember validation.Errors
	switch {
	case err == nil:
	case errors.As(err, &byMember):
		maps.Copy(errs, byMember)
	default:
		errs["settings"] = err
	}
}

func notBlank(value any) error {
	if text, _ := value.(string); strings.TrimSpace(text) == "" {
		return validation.ErrRequired
	}
	return nil
}

func validateDefaults(d models.ExecutionDefaults) error {
	errs := validation.Errors{
		"concurrency":    validation.Validate(d.Concurrency, validation.Min(wire.MinConcurrency), validation.Max(wire.MaxConcurrency)),
		"job_timeout_ms": validation.Validate(d.JobTimeoutMS, validation.Min(int64(minJobTimeoutMS)), validation.Max(int64(maxJobTimeoutMS))),
	}
	validateRetry(errs, d.Preset, d.Retry)
	if d.Tolerance != nil {
		errs["failure_tolerance"] = d.Tolerance.Validate()
	}
	return errs.Filter()
}

// validateRetry checks a preset and an explicit policy, of which one may be given.
func validateRetry(errs validation.Errors, preset retry.Preset, policy *retry.Policy) {
	if preset != "" {
		if _, ok := preset.Policy(); !ok {
			errs["preset"] = fmt.Errorf("must be one of %s", joined(retry.Presets()))
		}
	}
	if policy == nil {
		return
	}
	if preset != "" {
		errs["retry"] = errors.New("cannot be given together with preset")
		return
	}
	errs["retry"] = policy.Validate()
}

// validatePreset is validateRetry for a preset that may be absent, but not blank.
func validatePreset(errs validation.Errors, preset *retry.Preset, policy *retry.Policy) {
	switch {
	case preset == nil:
		validateRetry(errs, "", policy)
	case *preset == "":
		errs["preset"] = fmt.Errorf("must be one of %s", joined(retry.Presets()))
	default:
		validateRetry(errs, *preset, policy)
	}
}
