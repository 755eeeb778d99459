package api

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gofiber/fiber/v2"
	"github.com/invopop/validation"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/vault"
	"github.com/minohq/mino/models"
)

// secretChange is what a request makes of a project's secrets: values by name, nil for one
// that is dropped. A value must not get into an error, a log, an answer or a record in any
// other form than sealed.
type secretChange map[string]*string

// names are the names of the secrets after the change, in their order.
func (c secretChange) names(before []string) []string {
	var edit models.SecretEdit // unsealed: only names are asked of it
	for name, value := range c {
		if value == nil {
			edit.Drop = append(edit.Drop, name)
		} else {
			edit.Put = append(edit.Put, models.Secret{Name: name})
		}
	}
	return edit.Names(before)
}

// validate checks the names and the values. Errors are validation.Errors by name.
func (c secretChange) validate(before []string) error {
	errs := validation.Errors{}
	for name, value := range c {
		switch {
		case value == nil: // dropping what is not there is nothing
		case !models.ValidSecretName(name):
			errs[name] = errors.New("is no name of a secret: a letter, then letters, digits and underscores, at most 64")
		case *value == "":
			errs[name] = validation.ErrRequired
		case len(*value) > wire.MaxSecretBytes:
			errs[name] = fmt.Errorf("must be at most %d bytes", wire.MaxSecretBytes)
		}
	}
	if err := errs.Filter(); err != nil {
		return err
	}
	if n := len(c.names(before)); n > wire.MaxSecrets {
		return fmt.Errorf("would be %d; a project has at most %d", n, wire.MaxSecrets)
	}
	return nil
}

// seal makes the records of a change that is valid.
func (s *server) seal(p *models.Project, change secretChange) (edit models.SecretEdit, err error) {
	for _, name := range slices.Sorted(maps.Keys(change)) {
		value := change[name]
		if value == nil {
			edit.Drop = append(edit.Drop, name)
			continue
		}
		if s.Secrets == nil {
			return edit, noKey(vault.ErrNoKey)
		}
		secret, err := s.Secrets.Seal(p.OrganisationID, p.ID, name, *value)
		if err != nil {
			return edit, noKey(err)
		}
		edit.Put = append(edit.Put, secret)
	}
	return edit, nil
}

// marked is a request as its fingerprint is taken of: the records keep that, and nobody
// is to try values of secrets out on it. It is only looked at under a key.
func (s *server) marked(c *fiber.Ctx, req wire.ProjectRequest) (wire.ProjectRequest, error) {
	if c.Get(headerIdempotencyKey) == "" || len(req.Secrets) == 0 {
		return req, nil
	}
	if s.Secrets == nil {
		return req, noKey(vault.ErrNoKey)
	}
	marks := make(map[string]string, len(req.Secrets))
	for name, value := range req.Secrets {
		mark, err := s.Secrets.Mark(value)
		if err != nil {
			return req, noKey(err)
		}
		marks[name] = mark
	}
	req.Secrets = marks
	return req, nil
}

// noKey has a MINO without a key refuse secrets; any other error stays.
func noKey(err error) error {
	if !errors.Is(err, vault.ErrNoKey) {
		return err
	}
	return invalid("the project is not valid", wire.FieldError{
		Field: "secrets", Code: wire.FieldInvalid, Message: "cannot be kept: " + vault.ErrNoKey.Error(),
	})
}
