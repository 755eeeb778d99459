package authn_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkAuthenticate says who is asking, as most requests have it: with what was found
// less than a second ago. The clock stands, so that the records are asked once.
func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b)
	a, r := w.process(b, nil)
	key, _ := w.key(b, nil)
	for name, text := range map[string]string{"Key": key, "Token": w.login(withRole("default", "member"))} {
		b.Run(name, func(b *testing.B) {
			sent := bearer(text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Authenticate(b.Context(), sent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("KeyAtOnce", func(b *testing.B) {
		sent := bearer(key)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := a.Authenticate(b.Context(), sent); err != nil {
					b.Error(err)
				}
			}
		})
	})
	require.EqualValues(b, 1, r.keys.Load())
	require.EqualValues(b, 1, r.logins.Load())
}
