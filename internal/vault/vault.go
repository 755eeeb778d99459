// Package vault seals the secrets of projects for the records and opens them for jobs.
//
// A value is sealed with AES-256-GCM under a key that comes from the environment and never
// reaches the database, and it is bound to its organisation, project and name: a row that
// is copied elsewhere does not open. Several keys may be given: the first seals, each
// opens what it has sealed, so that keys can be changed without a moment in which a secret
// cannot be read. The records are authoritative for what there is; nothing is kept here.
//
// Failure: without keys Seal returns ErrNoKey. A secret that none of the keys opens is a
// permanent *failure.Error that names it, and never its value.
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/keylist"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/failure"
)

// CodeSealed is the code of the failure of a secret that was sealed with a key which this
// process does not have, or whose record is damaged.
const CodeSealed = "SECRET_SEALED"

// ErrNoKey says that there is no key to seal secrets with.
var ErrNoKey = errors.New("this MINO has no key to keep secrets with (MINO_SECRETS_KEY)")

// Keys are keys, by id; the first seals.
type Keys struct {
	first string
	aeads map[string]cipher.AEAD
	// marks is the key of Mark, made of the first.
	marks []byte
}

// ParseKeys reads keys of 32 bytes in base64, separated by commas. None is no key.
func ParseKeys(text string) (*Keys, error) {
	list, err := keylist.Parse(text, "mino secrets key")
	if err != nil {
		return nil, err
	}
	keys := &Keys{aeads: map[string]cipher.AEAD{}}
	for _, one := range list {
		block, err := aes.NewCipher(one.Secret)
		if err != nil {
			return nil, fmt.Errorf("read a key: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("read a key: %w", err)
		}
		keys.aeads[one.ID] = aead
	}
	if len(list) > 0 {
		keys.first, keys.marks = list[0].ID, marksKey(list[0].Secret)
	}
	return keys, nil
}

// NewKey makes a key, in base64.
func NewKey() (string, error) {
	key := make([]byte, keylist.Size)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(key), nil
}

// Store is the records of secrets.
type Store interface {
	Secrets(ctx context.Context, org, projectID uuid.UUID, names []string) ([]models.Secret, error)
}

// Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	keys  *Keys
	store Store
}

// New makes a vault.
func New(keys *Keys, store Store) *Vault { return &Vault{keys: keys, store: store} }

// KeyID names the key that seals; empty when there is none.
func (v *Vault) KeyID() string { return v.keys.first }

// Seal makes the record of a secret.
func (v *Vault) Seal(org, projectID uuid.UUID, name, value string) (models.Secret, error) {
	aead, ok := v.keys.aeads[v.keys.first]
	if !ok {
		return models.Secret{}, ErrNoKey
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return models.Secret{}, fmt.Errorf("seal a secret: %w", err)
	}
	s := models.Secret{OrganisationID: org, ProjectID: projectID, Name: name, KeyID: v.keys.first}
	s.Sealed = aead.Seal(nonce, nonce, []byte(value), bound(s))
	return s, nil
}

// bound is what a sealed value is bound to. The ids have a fixed length, so that no two
// secrets share it.
func bound(s models.Secret) []byte {
	text := append([]byte("mino secret 1\x00"), s.OrganisationID[:]...)
	return append(append(text, s.ProjectID[:]...), s.Name...)
}

// Unseal gives the value of a record.
func (v *Vault) Unseal(s models.Secret) (string, error) {
	aead, ok := v.keys.aeads[s.KeyID]
	if !ok {
		return "", failure.New(failure.Permanent, CodeSealed,
			"the secret %q was sealed with key %s, which this process does not have (MINO_SECRETS_KEY)", s.Name, s.KeyID)
	}
	if len(s.Sealed) < aead.NonceSize() {
		return "", failure.New(failure.Permanent, CodeSealed, "the secret %q is damaged", s.Name)
	}
	value, err := aead.Open(nil, s.Sealed[:aead.NonceSize()], s.Sealed[aead.NonceSize():], bound(s))
	if err != nil {
		return "", failure.New(failure.Permanent, CodeSealed, "the secret %q is damaged", s.Name)
	}
	return string(value), nil
}

// Open returns those of the named secrets of a project that it has.
func (v *Vault) Open(ctx context.Context, org, projectID uuid.UUID, names []string) (map[string]string, error) {
	sealed, err := v.store.Secrets(ctx, org, projectID, names)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(names))
	for _, s := range sealed {
		if values[s.Name], err = v.Unseal(s); err != nil {
			return nil, err
		}
	}
	return values, nil
}
