// Package keylist reads the keys that an operator gives MINO: the newest first, and those
// that it takes the place of, so that a key can be changed while both are in use.
//
// The operator is authoritative, and nothing is kept here. A key is named by a digest of it
// and of what it is for, which tells nothing of the key, and nothing of another use of it.
//
// Failure: what is no key is an error that says which of the list it is, and not what it was.
package keylist

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Size is how long a key is, in bytes.
const Size = 32

// idSize is how many bytes of its digest name a key.
const idSize = 6

// Key is one of a list.
type Key struct {
	ID     string
	Secret []byte
}

// Parse reads keys of Size bytes in base64, separated by commas. None is no key. What they
// are for is a part of their ids.
func Parse(text, purpose string) ([]Key, error) {
	var keys []Key
	for i, one := range strings.Split(text, ",") {
		one = strings.TrimSpace(one)
		if one == "" {
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(one)
		if err != nil || len(secret) != Size {
			return nil, fmt.Errorf("key %d must be %d bytes in base64, as `openssl rand -base64 %d` gives them", i+1, Size, Size)
		}
		digest := sha256.Sum256(append([]byte(purpose+"\x00"), secret...))
		keys = append(keys, Key{ID: hex.EncodeToString(digest[:idSize]), Secret: secret})
	}
	return keys, nil
}
