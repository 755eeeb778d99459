// Package apikey makes the keys with which programs come to the API, and checks them.
//
// A key is text, `mino_<id>_<secret>_<checksum>`:
//
//   - The id is that of the record, as 32 hexadecimal digits. It is no secret.
//   - The secret has 256 random bits, in base32 of small letters.
//   - The checksum is the CRC-32 of all before it, as 8 hexadecimal digits. Whoever looks
//     for keys in what should hold none can tell one from text that looks like one, and a
//     key that was mistyped or cut off is refused without asking anybody. It protects
//     against mistakes and not against forgery.
//
// A key has one spelling. It is given away once, when it is made. What is kept of it is a
// hash, HMAC-SHA256 of the id and the secret under a hash key that comes from the
// environment and never reaches the database: who reads the records can neither use a key
// nor tell whether a guess is right, and a hash that is copied to the record of another key
// is not that key's. A slow hash is for secrets that people think of, which have too few
// bits to stand guessing; nobody guesses 256.
//
// Several hash keys may be given: the first is for new keys, and each checks what it has
// hashed. So a hash key is changed by putting a new one in front; the old one is taken away
// when the keys that were made under it have been rotated or revoked, and those that have
// not are dead from then on.
//
// The records are authoritative for whose a key is and whether it has ended; nothing is
// kept here.
//
// Failure: without hash keys nothing can be made, ErrNoKey, and nothing is right. Parse says
// what is wrong with the form of a key, and never quotes it.
package apikey

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/google/uuid"
)

// Prefix begins every key.
const Prefix = "mino_"

const (
	secretBytes  = 32
	secretLength = 52 // of as many bytes, in base32
	idLength     = 32
	sumLength    = 8

	// length is of every key.
	length = len(Prefix) + idLength + 1 + secretLength + 1 + sumLength

	alphabet = "abcdefghijklmnopqrstuvwxyz234567"
)

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// ErrForm says that a text is no key, without asking whether there is such a key.
var ErrForm = errors.New("it does not have the form of an API key")

// ErrChecksum says that a text has the form of a key and is damaged. It is ErrForm.
var ErrChecksum = fmt.Errorf("%w: its checksum is wrong", ErrForm)

// write makes the text of a key.
func write(id uuid.UUID, secret string) string {
	text := Prefix + hex.EncodeToString(id[:]) + "_" + secret
	return text + "_" + checksum(text)
}

func checksum(text string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text))) }

// Parse takes a key apart. The error is ErrForm.
func Parse(text string) (id uuid.UUID, secret string, err error) {
	rest, ok := strings.CutPrefix(text, Prefix)
	if !ok || len(text) != length {
		return uuid.Nil, "", ErrForm
	}
	idText, rest, _ := strings.Cut(rest, "_")
	secret, sum, _ := strings.Cut(rest, "_")
	if len(idText) != idLength || len(secret) != secretLength || len(sum) != sumLength {
		return uuid.Nil, "", ErrForm
	}
	if strings.Trim(idText, "0123456789abcdef") != "" || strings.Trim(secret, alphabet) != "" {
		return uuid.Nil, "", ErrForm
	}
	if checksum(text[:length-1-sumLength]) != sum {
		return uuid.Nil, "", ErrChecksum
	}
	if id, err = uuid.Parse(idText); err != nil {
		return uuid.Nil, "", ErrForm
	}
	return id, secret, nil
}

// Random makes text of 256 random bits, in small letters and digits.
func Random() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // which never fails: the process ends when there is no randomness
	return encoding.EncodeToString(secret)
}
