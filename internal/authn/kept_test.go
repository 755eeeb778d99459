package authn

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// interrupted is a question, of one name, in the way to which something comes: what is
// called runs after somebody has seen that there is no answer and before they ask.
type interrupted struct{ by *func() }

func (i interrupted) String() string {
	if call := *i.by; call != nil {
		*i.by = nil
		call()
	}
	return "it"
}

// TestWhoComesToAskJustAfterTheAnswerTakesIt has a whole question come and go between two
// steps of another one.
func TestWhoComesToAskJustAfterTheAnswerTakesIt(t *testing.T) {
	t.Parallel()
	start := time.Now()
	k := newKept[interrupted, int](1, 0, func() time.Time { return start })
	asked := 0
	ask := func(ctx context.Context) (int, error) {
		asked++
		return asked, ctx.Err()
	}

	var first int
	by := new(func())
	it := interrupted{by}
	*by = func() {
		var err error
		first, err = k.get(t.Context(), it, ask)
		require.NoError(t, err)
	}
	second, err := k.get(t.Context(), it, ask)
	require.NoError(t, err)
	require.Equal(t, 1, first)
	require.Equal(t, 1, second)
	require.Equal(t, 1, asked)
}
