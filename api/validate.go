package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
// cannot run; everything that is wrong is told at once. Its secrets are those that it has
// with the change.
func (s *server) validateProject(ctx context.Context, p *models.Project, secrets secretChange) error {
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
		"inputs":      validateInputs(p.Inputs),
		"politeness":  validation.Validate(p.Politeness),
		"secrets":     secrets.validate(p.SecretNames),
	}
	if errs["fields"] == nil {
		errs["fields"] = field.ValidateAll(p.Fields)
	}
	if settingsErr == nil {
		p.Settings = settings
		s.askExecutor(ctx, p, secrets.names(p.SecretNames), errs)
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
// say in them. What is wrong with the inputs or the secrets themselves comes first: it
// would be told once more for every reference to them.
func (s *server) askExecutor(ctx context.Context, p *models.Project, secrets []string, errs validation.Errors) {
	executor, ok := s.Executors[p.Executor]
	if !ok || errs["fields"] != nil || errs["inputs"] != nil || errs["secrets"] != nil {
		return
	}
	spec := specOf(p, secrets)
	spec.TaskQueues = taskQueues(ctx)
	err := executor.Validate(spec)
	var byMember validation.Errors
	switch {
	case err == nil:
	case errors.As(err, &byMember):
		maps.Copy(errs, byMember)
	default:
		errs["settings"] = err
	}
}

// specOf is what an executor is to know of a project with these secrets.
func specOf(p *models.Project, secrets []string) executors.Spec {
	return executors.Spec{
		Instruction: p.Instruction, Fields: p.Fields, Settings: p.Settings, Inputs: p.Inputs, Secrets: secrets,
	}
}

// validateInputs checks the names of input columns and gives them the form that headers
// have.
func validateInputs(inputs []string) error {
	if len(inputs) > wire.MaxInputs {
		return fmt.Errorf("must be at most %d", wire.MaxInputs)
	}
	errs := validation.Errors{}
	seen := make(map[string]bool, len(inputs))
	for i := range inputs {
		inputs[i] = strings.TrimSpace(inputs[i])
		errs[strconv.Itoa(i)] = checkInput(inputs[i], seen)
	}
	return errs.Filter()
}

// checkInput checks the name of an input column; seen are those before, whose case does
// not tell them apart, as in an upload.
func checkInput(name string, seen map[string]bool) error {
	err := validation.Validate(name, validation.Required, validation.RuneLength(1, wire.MaxInputLength))
	folded := strings.ToLower(name)
	if err == nil && seen[folded] {
		err = errors.New("is there twice")
	}
	seen[folded] = true
	return err
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
