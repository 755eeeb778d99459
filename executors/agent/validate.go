package agent

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/validation"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/template"
	"github.com/minohq/mino/models/field"
)

// Validate implements executors.Executor.
func (e *Executor) Validate(spec executors.Spec) error {
	errs := validation.Errors{}
	settings, err := parseSettings(spec.Settings)
	if err == nil {
		err = settings.checkReferences(spec)
	}
	if err != nil {
		errs["settings"] = err
	}
	if settings.Goal == nil {
		if err := checkInstruction(spec); err != nil {
			errs["instruction"] = err
		}
	}
	if err := checkFields(spec.Fields); err != nil {
		errs["fields"] = err
	}
	if err := e.checkKey(settings, spec.Secrets); err != nil {
		errs["secrets"] = validation.Errors{SecretAPIKey: err}
	}
	return errs.Filter()
}

// checkReferences checks what the settings' templates refer to.
func (s Settings) checkReferences(spec executors.Spec) error {
	errs := validation.Errors{}
	if s.Goal != nil {
		// The goal is read by people and kept by the service: no place for secrets.
		if _, err := template.Check(*s.Goal, spec.Inputs, spec.Secrets, false); err != nil {
			errs["goal"] = err
		}
	}
	if s.Proxy != nil {
		proxy := validation.Errors{}
		for name, text := range map[string]string{"username": s.Proxy.Username, "password": s.Proxy.Password} {
			if _, err := template.Check(text, spec.Inputs, spec.Secrets, true); err != nil {
				proxy[name] = err
			}
		}
		if len(proxy) > 0 {
			errs["proxy"] = proxy
		}
	}
	return errs.Filter()
}

func checkInstruction(spec executors.Spec) error {
	if strings.TrimSpace(spec.Instruction) == "" {
		return errors.New("is what the agent is told to do; it must not be blank")
	}
	_, err := template.Check(spec.Instruction, spec.Inputs, spec.Secrets, false)
	return err
}

func checkFields(fields []field.Field) error {
	rules := validation.Errors{}
	for i, f := range fields {
		if f.Extract != nil {
			rules[strconv.Itoa(i)] = validation.Errors{"extract": errors.New("is for executors that read pages; an agent is told what is wanted by the field's description")}
		}
	}
	if len(rules) > 0 {
		return rules
	}
	if size := len(schemaOf(fields)); size > maxSchema {
		return fmt.Errorf("make an output_schema of %d bytes; the service takes %d", size, maxSchema)
	}
	return nil
}

// checkKey checks that there is a key to go with the address: the operator's goes to the
// operator's address only.
func (e *Executor) checkKey(s Settings, secrets []string) error {
	switch {
	case slices.Contains(secrets, SecretAPIKey):
		return nil
	case s.BaseURL != "":
		return errors.New("is needed by a project that has a base_url of its own")
	case e.config.APIKey == "":
		return errors.New("is needed: the operator has no key to the agent service")
	}
	return nil
}

// Needs implements executors.Executor.
func (e *Executor) Needs(spec executors.Spec) executors.Needs {
	// The key is named always: a project that has none is served with the operator's.
	needs := executors.Needs{Secrets: []string{SecretAPIKey}}
	settings, err := parseSettings(spec.Settings)
	if err != nil {
		return needs
	}
	texts := []string{settings.goal(spec.Instruction)}
	if settings.Proxy != nil {
		texts = append(texts, settings.Proxy.Username, settings.Proxy.Password)
	}
	for _, text := range texts {
		t, err := template.Parse(text)
		if err != nil {
			continue
		}
		needs.Columns = append(needs.Columns, t.Columns()...)
		needs.Secrets = append(needs.Secrets, t.Secrets()...)
	}
	slices.Sort(needs.Columns)
	slices.Sort(needs.Secrets)
	needs.Columns, needs.Secrets = slices.Compact(needs.Columns), slices.Compact(needs.Secrets)
	return needs
}
