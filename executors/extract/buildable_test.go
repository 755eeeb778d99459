package extract

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBuildable(t *testing.T) {
	t.Parallel()
	cut := func(body string) string { return string(buildable(&watch{}, []byte(body))) }

	t.Run("LeavesWhatPeopleReadAlone", func(t *testing.T) {
		t.Parallel()
		for _, body := range []string{
			"",
			"<p>plain</p>",
			strings.Repeat("<p><b>1 €</b> <i class=icon></i> <a href=/x>buy</a></p>", 20_000),
			strings.Repeat("<i class=icon><p>never closed, always alike</p>", 20_000),
		} {
			require.Equal(t, body, cut(body))
		}
	})

	t.Run("CutsWhereOpenElementsWouldBeMadeAnewWithoutEnd", func(t *testing.T) {
		t.Parallel()
		var open strings.Builder
		for i := range 250 {
			open.WriteString("<b id=" + strings.Repeat("x", i+1) + ">")
		}
		blocks := strings.Repeat("<p>x", 100_000)
		left := cut(open.String() + blocks)
		require.True(t, strings.HasPrefix(left, open.String()+"<p>x"))
		require.Less(t, len(left), open.Len()+len(blocks)/50)
		require.Equal(t, open.String()+strings.Repeat("</b>", 250)+blocks, cut(open.String()+strings.Repeat("</b>", 250)+blocks),
			"elements that were closed cost nothing")
	})
}
