package ingest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/ingest"
	"github.com/minohq/mino/internal/ingest/corpus"
)

func TestCorpusComesToWhatItMust(t *testing.T) {
	t.Parallel()
	for _, file := range corpus.Files() {
		t.Run(file.Name, func(t *testing.T) {
			t.Parallel()
			opt := options()
			opt.Charset = file.Charset
			text := file.Content()
			_, rows, err := readAll(strings.NewReader(text), opt)
			requireFit(t, rows, err)
			table, _ := ingest.CSV(strings.NewReader(text), opt)
			require.NotNil(t, table)
			preview, previewErr := table.Preview(t.Context(), 100)
			require.NoError(t, previewErr)
			require.Equal(t, file.Good(), preview.CanBeCreated(), "%+v", preview.Problems)
			if file.Good() {
				require.NoError(t, err)
				require.Len(t, rows, file.Rows)
				require.Equal(t, rows, preview.Rows)
				require.True(t, preview.Complete)
				return
			}
			var refused *ingest.Error
			require.ErrorAs(t, err, &refused)
			require.Len(t, refused.Problems, 1, "%v", err)
			require.Equal(t, file.Place, refused.Problems[0].Place())
			require.Equal(t, file.Code, refused.Problems[0].Code)
			require.Equal(t, refused.Problems[0], preview.Problems[0])
		})
	}
}
