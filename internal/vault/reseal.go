package vault

import (
	"context"

	"github.com/minohq/mino/models"
)

// Resealer is the records of secrets of every project.
type Resealer interface {
	SecretsNotOf(ctx context.Context, keyID string, limit int) ([]models.Secret, error)
	// Reseal does nothing when the secret was changed meanwhile.
	Reseal(ctx context.Context, old, sealed models.Secret) error
}

// Reseal seals every secret anew that another key than the first has sealed, a page at a
// time, and says how many there were. One that does not open ends it.
func (v *Vault) Reseal(ctx context.Context, records Resealer, page int) (n int, err error) {
	if v.keys.first == "" {
		return 0, ErrNoKey
	}
	for {
		old, err := records.SecretsNotOf(ctx, v.keys.first, page)
		if err != nil || len(old) == 0 {
			return n, err
		}
		for _, secret := range old {
			value, err := v.Unseal(secret)
			if err != nil {
				return n, err
			}
			sealed, err := v.Seal(secret.OrganisationID, secret.ProjectID, secret.Name, value)
			if err != nil {
				return n, err
			}
			if err := records.Reseal(ctx, secret, sealed); err != nil {
				return n, err
			}
			n++
		}
	}
}
