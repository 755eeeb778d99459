package apikey

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/internal/keylist"
	"github.com/minohq/mino/models"
)

// ErrNoKey says that there is no hash key to make anything with.
var ErrNoKey = errors.New("this MINO has no key to hash API keys with (MINO_AUTH_KEY)")

// What is hashed begins with what it is, so that a hash of one kind is none of another.
const (
	ofKeys    = "mino api key 1\x00"
	ofTickets = "mino ticket 1\x00"
)

// Keys are hash keys, by id; the first is for what is new. The zero value has none. It is
// safe for concurrent use.
type Keys struct {
	first string
	keys  map[string][]byte
}

// ParseKeys reads hash keys of 32 bytes in base64, separated by commas, the newest first.
// None is no key.
func ParseKeys(text string) (*Keys, error) {
	list, err := keylist.Parse(text, "mino auth key")
	if err != nil {
		return nil, err
	}
	k := &Keys{keys: map[string][]byte{}}
	for _, one := range list {
		k.keys[one.ID] = one.Secret
	}
	if len(list) > 0 {
		k.first = list[0].ID
	}
	return k, nil
}

// NewKey makes a hash key, in base64.
func NewKey() string {
	key := make([]byte, keylist.Size)
	_, _ = rand.Read(key) // which never fails, see Random
	return base64.StdEncoding.EncodeToString(key)
}

// KeyID names the hash key that is for what is new; empty when there is none.
func (k *Keys) KeyID() string { return k.first }

// New makes the key of a record: its text, to be shown once, and what the record keeps. The
// error is ErrNoKey.
func (k *Keys) New(id uuid.UUID) (text string, hash []byte, hashKeyID string, err error) {
	if k.first == "" {
		return "", nil, "", ErrNoKey
	}
	secret := Random()
	return write(id, secret), k.hash(k.first, ofKeys, id, secret), k.first, nil
}

// Verify tells whether a secret, from Parse, is that of a record. How long it takes says
// nothing of how much of it is right. Of a record whose hash key is not here, none is.
func (k *Keys) Verify(secret string, record *models.APIKey) bool {
	if _, ok := k.keys[record.HashKeyID]; !ok {
		return false
	}
	return hmac.Equal(k.hash(record.HashKeyID, ofKeys, record.ID, secret), record.Hash)
}

// NewTicket makes a text that nobody can make who does not have the hash keys, each time
// another one. The error is ErrNoKey.
func (k *Keys) NewTicket() (string, error) {
	if k.first == "" {
		return "", ErrNoKey
	}
	random := Random()
	return random + "_" + encoding.EncodeToString(k.hash(k.first, ofTickets, uuid.Nil, random)), nil
}

// IsTicket tells whether NewTicket has made a text, with a hash key that is here. It does
// not know whether it is still good.
func (k *Keys) IsTicket(text string) bool {
	random, mark, _ := strings.Cut(text, "_")
	if len(random) != secretLength || len(mark) != secretLength {
		return false
	}
	right := false
	for id := range k.keys {
		right = hmac.Equal([]byte(encoding.EncodeToString(k.hash(id, ofTickets, uuid.Nil, random))), []byte(mark)) || right
	}
	return right
}

// hash is of parts of fixed length, so that no two different ones run together.
func (k *Keys) hash(keyID, what string, id uuid.UUID, secret string) []byte {
	mac := hmac.New(sha256.New, k.keys[keyID])
	mac.Write([]byte(what))
	mac.Write(id[:])
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}
