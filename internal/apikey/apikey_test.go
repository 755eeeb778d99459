package apikey_test

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/models"
)

func keysOf(t testing.TB, texts ...string) *apikey.Keys {
	t.Helper()
	keys, err := apikey.ParseKeys(strings.Join(texts, ","))
	require.NoError(t, err)
	return keys
}

// newKey makes a key and its record.
func newKey(t testing.TB, keys *apikey.Keys) (string, *models.APIKey) {
	t.Helper()
	record := &models.APIKey{ID: uuid.Must(uuid.NewV7())}
	text, hash, hashKeyID, err := keys.New(record.ID)
	require.NoError(t, err)
	record.Hash, record.HashKeyID = hash, hashKeyID
	return text, record
}

func parse(t testing.TB, text string) (uuid.UUID, string) {
	t.Helper()
	id, secret, err := apikey.Parse(text)
	require.NoError(t, err)
	return id, secret
}

// withSum puts the right checksum behind a text, as whoever forges one does.
func withSum(text string) string {
	return fmt.Sprintf("%s_%08x", text, crc32.ChecksumIEEE([]byte(text)))
}

func TestAKeyIsTheOneThatWasMade(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, apikey.NewKey())
	text, record := newKey(t, keys)

	require.Regexp(t, `^mino_[0-9a-f]{32}_[a-z2-7]{52}_[0-9a-f]{8}$`, text)
	require.Len(t, record.Hash, 32)
	require.Equal(t, keys.KeyID(), record.HashKeyID)
	id, secret := parse(t, text)
	require.Equal(t, record.ID, id)
	require.True(t, keys.Verify(secret, record))
	require.NotContains(t, string(record.Hash)+hex.EncodeToString(record.Hash), secret, "what is kept does not hold the secret")
	require.Equal(t, text, withSum(text[:len(text)-9]), "the checksum is the CRC-32 that scanners know")
}

func TestNoTwoKeysAreAlike(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, apikey.NewKey())
	seen := map[string]bool{}
	id := uuid.New()
	for range 1000 {
		text, hash, _, err := keys.New(id)
		require.NoError(t, err)
		_, secret := parse(t, text)
		require.False(t, seen[secret] || seen[string(hash)])
		seen[secret], seen[string(hash)] = true, true
	}
}

func TestParseRefusesEveryOtherSpelling(t *testing.T) {
	t.Parallel()
	text, _ := newKey(t, keysOf(t, apikey.NewKey()))
	unsummed := text[:len(text)-9]
	id, secret := text[5:37], text[38:90]

	for name, other := range map[string]string{
		"Empty":              "",
		"PrefixAlone":        "mino_",
		"AnotherPrefix":      withSum("nimo_" + id + "_" + secret),
		"UpperCase":          strings.ToUpper(text),
		"UpperCaseID":        withSum("mino_" + strings.ToUpper(id) + "_" + secret),
		"UpperCaseSecret":    withSum("mino_" + id + "_" + strings.ToUpper(secret)),
		"UpperCaseChecksum":  unsummed + "_" + "DEADBEEF",
		"SpaceBefore":        " " + text,
		"SpaceAfter":         text + " ",
		"LineBreakAfter":     text + "\n",
		"NulAfter":           text + "\x00",
		"IDWithDashes":       withSum("mino_" + uuid.MustParse(id).String() + "_" + secret),
		"IDTooShort":         withSum("mino_" + id[1:] + "_" + secret + "a"),
		"SecretTooShort":     withSum("mino_" + id + "_" + secret[1:]),
		"SecretTooLong":      withSum("mino_" + id + "_" + secret + "a"),
		"SecretOfOtherSigns": withSum("mino_" + id + "_" + secret[1:] + "1"),
		"SecretOfLongSigns":  withSum("mino_" + id + "_" + secret[2:] + "ä"),
		"NoChecksum":         unsummed,
		"EmptyChecksum":      unsummed + "_",
		"ShortChecksum":      text[:len(text)-1],
		"LongChecksum":       text + "0",
		"OneMorePart":        text + "_",
		"PartsRunTogether":   withSum("mino_" + id + secret + "a"),
		"TwiceTheSame":       text + text,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := apikey.Parse(other)
			require.ErrorIs(t, err, apikey.ErrForm)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

// TestTheChecksumFindsEveryMistypedSign changes each sign of a key into every other that
// could stand there.
func TestTheChecksumFindsEveryMistypedSign(t *testing.T) {
	t.Parallel()
	text, _ := newKey(t, keysOf(t, apikey.NewKey()))
	alike := 0
	for i := len("mino_"); i < len(text); i++ {
		for _, sign := range "0123456789abcdefghijklmnopqrstuvwxyz_" {
			typed := text[:i] + string(sign) + text[i+1:]
			if typed == text {
				alike++
				continue
			}
			_, _, err := apikey.Parse(typed)
			require.ErrorIs(t, err, apikey.ErrForm, typed)
		}
	}
	require.Equal(t, len(text)-len("mino_"), alike)

	i := len("mino_") + 32 + 1
	swapped := []byte(text)
	for swapped[i] == swapped[i+1] {
		i++
	}
	swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
	_, _, err := apikey.Parse(string(swapped))
	require.ErrorIs(t, err, apikey.ErrChecksum)
}

func FuzzParse(f *testing.F) {
	keys := keysOf(f, apikey.NewKey())
	text, _ := newKey(f, keys)
	for _, seed := range []string{"", "mino_", text, text + "_", strings.ToUpper(text), strings.Repeat("_", len(text)), withSum(text)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, err := apikey.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, apikey.ErrForm)
			require.Zero(t, id)
			require.Empty(t, secret)
			return
		}
		require.Equal(t, text, withSum("mino_"+hex.EncodeToString(id[:])+"_"+secret), "a key has one spelling")
	})
}
