package apikey_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/models"
)

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	keys := keysOf(t, apikey.NewKey())
	text, record := newKey(t, keys)
	_, secret := parse(t, text)
	otherText, other := newKey(t, keys)
	_, otherSecret := parse(t, otherText)

	t.Run("AWrongSecret", func(t *testing.T) {
		t.Parallel()
		for i := range secret {
			sign := byte('a')
			if secret[i] == sign {
				sign = 'b'
			}
			require.False(t, keys.Verify(secret[:i]+string(sign)+secret[i+1:], record))
		}
		require.False(t, keys.Verify("", record))
		require.False(t, keys.Verify(secret+"a", record))
	})

	t.Run("TheSecretOfAnotherKey", func(t *testing.T) {
		t.Parallel()
		require.True(t, keys.Verify(otherSecret, other))
		require.False(t, keys.Verify(otherSecret, record))
	})

	t.Run("AHashThatWasCopiedToAnotherRecord", func(t *testing.T) {
		t.Parallel()
		forged := *record
		forged.Hash = other.Hash
		require.False(t, keys.Verify(otherSecret, &forged))
	})

	t.Run("ARecordWithoutAHash", func(t *testing.T) {
		t.Parallel()
		require.False(t, keys.Verify(secret, &models.APIKey{ID: record.ID, HashKeyID: record.HashKeyID}))
	})

	t.Run("ARecordOfAHashKeyThatIsNotHere", func(t *testing.T) {
		t.Parallel()
		for _, id := range []string{"", "0123456789ab"} {
			stray := *record
			stray.HashKeyID = id
			require.False(t, keys.Verify(secret, &stray))
		}
		require.False(t, keysOf(t, apikey.NewKey()).Verify(secret, record))
	})
}

func TestHashKeysAreChangedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	oldKey, newerKey := apikey.NewKey(), apikey.NewKey()
	before := keysOf(t, oldKey)
	text, record := newKey(t, before)
	_, secret := parse(t, text)

	both := keysOf(t, newerKey, oldKey)
	require.True(t, both.Verify(secret, record), "the old hash key checks what it has hashed")
	require.NotEqual(t, before.KeyID(), both.KeyID())
	newText, newRecord := newKey(t, both)
	_, newSecret := parse(t, newText)
	require.Equal(t, both.KeyID(), newRecord.HashKeyID, "the first hash key is for what is new")

	after := keysOf(t, newerKey)
	require.True(t, after.Verify(newSecret, newRecord))
	require.False(t, after.Verify(secret, record), "what was hashed with a hash key that is gone is dead")
}

func TestParseKeys(t *testing.T) {
	t.Parallel()

	t.Run("TakesListsAsPeopleWriteThem", func(t *testing.T) {
		t.Parallel()
		first := apikey.NewKey()
		require.Equal(t, keysOf(t, first).KeyID(), keysOf(t, " "+first+" , ", apikey.NewKey()+"\n").KeyID())
	})

	t.Run("RefusesWhatIsNoKeyAndDoesNotQuoteIt", func(t *testing.T) {
		t.Parallel()
		for _, wrong := range []string{"swordfish", "c3dvcmRmaXNo", apikey.NewKey() + "AA", apikey.NewKey()[:40]} {
			_, err := apikey.ParseKeys(apikey.NewKey() + "," + wrong)
			require.ErrorContains(t, err, "key 2 must be 32 bytes in base64")
			require.NotContains(t, err.Error(), wrong)
		}
	})

	t.Run("WithoutAKeyNothingIsMadeAndNothingIsRight", func(t *testing.T) {
		t.Parallel()
		text, record := newKey(t, keysOf(t, apikey.NewKey()))
		_, secret := parse(t, text)
		for _, none := range []*apikey.Keys{keysOf(t), keysOf(t, " ", ""), {}} {
			require.Empty(t, none.KeyID())
			_, _, _, err := none.New(uuid.New())
			require.ErrorIs(t, err, apikey.ErrNoKey)
			_, err = none.NewTicket()
			require.ErrorIs(t, err, apikey.ErrNoKey)
			require.False(t, none.Verify(secret, record))
			record := *record
			record.HashKeyID = ""
			require.False(t, none.Verify(secret, &record))
		}
	})
}

func TestTicketsAreOfTheHashKeys(t *testing.T) {
	t.Parallel()
	oldKey, newerKey := apikey.NewKey(), apikey.NewKey()
	ticket, err := keysOf(t, oldKey).NewTicket()
	require.NoError(t, err)

	require.True(t, keysOf(t, oldKey).IsTicket(ticket))
	require.True(t, keysOf(t, newerKey, oldKey).IsTicket(ticket))
	require.False(t, keysOf(t, newerKey).IsTicket(ticket))

	keys := keysOf(t, oldKey)
	another, err := keys.NewTicket()
	require.NoError(t, err)
	require.NotEqual(t, ticket, another)
	for name, forged := range map[string]string{
		"Empty":         "",
		"Random":        apikey.Random() + "_" + apikey.Random(),
		"MarkOfAnother": ticket[:53] + another[53:],
		"NoMark":        ticket[:52],
		"EmptyMark":     ticket[:53],
		"CutOff":        ticket[:len(ticket)-1],
		"Longer":        ticket + "a",
		"UpperCase":     strings.ToUpper(ticket),
		"NotAscii":      ticket[:len(ticket)-2] + "ä",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.False(t, keys.IsTicket(forged))
		})
	}
}

// TestHashesAreComparedInConstantTime reads the source: a comparison that tells how much of
// a hash is right gives the same answers as one that does not.
func TestHashesAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "keys.go", nil, 0)
	require.NoError(t, err)
	constant := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		f, ok := n.(*ast.FuncDecl)
		if !ok {
			return true
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				x, _ := s.X.(*ast.Ident)
				if x != nil && x.Name+"."+s.Sel.Name == "hmac.Equal" {
					constant[f.Name.Name] = true
				}
				require.False(t, x != nil && x.Name == "bytes", "%s compares bytes", f.Name.Name)
			}
			return true
		})
		return false
	})
	require.True(t, constant["Verify"] && constant["IsTicket"], "both compare with hmac.Equal")
}

func BenchmarkVerify(b *testing.B) {
	keys := keysOf(b, apikey.NewKey())
	text, record := newKey(b, keys)
	b.ReportAllocs()
	for b.Loop() {
		_, secret, err := apikey.Parse(text)
		if err != nil || !keys.Verify(secret, record) {
			b.Fatal("the key is right")
		}
	}
}
