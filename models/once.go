package models

import (
	"crypto/sha256"

	"github.com/google/uuid"
)

// Once has a record be made once for a key that the caller chose, however often it asks:
// the key is kept with the answer, in the transaction that makes the record, for
// KeyLifetime.
type Once struct {
	OrganisationID uuid.UUID
	Key            string
	// Fingerprint tells one request from another under the same key.
	Fingerprint [sha256.Size]byte
	// Answer is asked when the record is as it will be stored.
	Answer func() (Answer, error)
}

// With gives the key its answer; no key stays none.
func (o *Once) With(answer func() (Answer, error)) *Once {
	if o != nil {
		o.Answer = answer
	}
	return o
}

// KeyLifetime is how long a key is kept, in hours.
const KeyLifetime = 24

// Answer is what a request that makes a record was answered.
type Answer struct {
	Status   int
	Location string
	ETag     string
	Body     []byte
}
