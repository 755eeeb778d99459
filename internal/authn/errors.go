package authn

import (
	"context"
	"errors"
	"fmt"

	"github.com/minohq/mino/internal/oidc"
	"github.com/minohq/mino/internal/ratelimit"
	"github.com/minohq/mino/models"
)

// What nobody is let in with. Their text has a reason, which is for logs and not for those
// who have sent the credentials.
var (
	// ErrMissing says that there are no credentials, or none of a kind that is known.
	ErrMissing = errors.New("there are no credentials")
	// ErrInvalid says that a key, a token or a ticket is wrong, unknown, or not good any
	// more.
	ErrInvalid = errors.New("the credentials are not valid")
	// ErrNoOrganisation says that a person is known, and is not a member of the
	// organisation that they have named, or of none, or of several and has named none.
	ErrNoOrganisation = errors.New("it is not known for which organisation")
	// ErrTooMany says that too much that was wrong has come from an address; see
	// TooManyError.
	ErrTooMany = errors.New("too many wrong credentials have come from the address")
)

// TooManyError says how long an address has to wait. It is ErrTooMany.
type TooManyError struct{ Result ratelimit.Result }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%v; it has to wait for %v", ErrTooMany, e.Result.RetryAfter)
}

// Is makes it ErrTooMany.
func (e *TooManyError) Is(target error) bool { return target == ErrTooMany }

// invalid wraps the reason as text: whoever asks for another error does not find it.
func invalid(reason any) error { return fmt.Errorf("%w: %v", ErrInvalid, reason) }

// NoOrganisationError says which organisations a person could have named, by their slugs:
// without one of them they could not ask for these either. It is ErrNoOrganisation.
type NoOrganisationError struct {
	Reason string
	// Choices are theirs alone, and may be none.
	Choices []string
}

func (e *NoOrganisationError) Error() string { return ErrNoOrganisation.Error() + ": " + e.Reason }

// Is makes it ErrNoOrganisation.
func (e *NoOrganisationError) Is(target error) bool { return target == ErrNoOrganisation }

func noOrganisation(reason string, choices ...models.Membership) error {
	slugs := make([]string, len(choices))
	for i, m := range choices {
		slugs[i] = m.Organisation.Slug
	}
	return &NoOrganisationError{Reason: reason, Choices: slugs}
}

// unanswered maps the error of a question: what took too long or could not be asked is
// models.ErrUnavailable.
func unanswered(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, oidc.ErrUnavailable) {
		return fmt.Errorf("%w: %w", models.ErrUnavailable, err)
	}
	return err
}
