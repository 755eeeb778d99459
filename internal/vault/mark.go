package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// marksKey makes the key of marks out of one that seals: a key has one use.
func marksKey(key []byte) []byte {
	digest := sha256.Sum256(append([]byte("mino secrets mark\x00"), key...))
	return digest[:]
}

// Mark stands for a value where it must be told from another one and must not be
// guessed, such as in the fingerprint of a request: whoever does not have the key cannot
// try values out. After a change of the first key it is another one. Without keys it
// returns ErrNoKey.
func (v *Vault) Mark(value string) (string, error) {
	if v.keys.marks == nil {
		return "", ErrNoKey
	}
	mac := hmac.New(sha256.New, v.keys.marks)
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil)), nil
}
