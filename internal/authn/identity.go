package authn

import (
	"errors"
	"time"

	"github.com/minohq/mino/internal/ratelimit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

type Credentials struct{ Authorization, Organisation, IP string }
type Identity struct {
	Principal access.Principal
	Limits    models.Limits
	Until     time.Time
}

var (
	ErrMissing        = errors.New("missing")
	ErrInvalid        = errors.New("invalid")
	ErrNoOrganisation = errors.New("no organisation")
	ErrTooMany        = errors.New("too many")
)

type TooManyError struct{ Result ratelimit.Result }

func (e *TooManyError) Error() string        { return "too many" }
func (e *TooManyError) Is(target error) bool { return target == ErrTooMany }
