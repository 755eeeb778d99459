package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

func TestUpload(t *testing.T) {
	t.Parallel()

	t.Run("TheFileIsStreamedAfterItsMembers", func(t *testing.T) {
		t.Parallel()
		project := uuid.New()
		var order []string
		var size int64
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			form, err := r.MultipartReader()
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			for {
				part, err := form.NextPart()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				if part.FileName() != "" {
					size, _ = io.Copy(io.Discard, part)
					order = append(order, part.FormName()+":"+part.FileName())
					continue
				}
				value, _ := io.ReadAll(part)
				order = append(order, part.FormName()+"="+string(value))
			}
			_ = json.NewEncoder(w).Encode(wire.Batch{Name: "b", RowCount: 5})
		})
		const mebibytes = 32 << 20
		batch, err := c.CreateBatchCSV(t.Context(), project, "b", io.LimitReader(zeros{}, mebibytes), "shop.csv")
		require.NoError(t, err)
		require.Equal(t, 5, batch.RowCount)
		require.Equal(t, []string{"project_id=" + project.String(), "name=b", "file:shop.csv"}, order)
		require.EqualValues(t, mebibytes, size)
	})

	t.Run("AFileThatCannotBeReadIsNotAnOutage", func(t *testing.T) {
		t.Parallel()
		c := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
		broken := errors.New("bad disk")
		_, err := c.CreateBatchCSV(t.Context(), uuid.New(), "", iotest.ErrReader(broken), "x.csv")
		require.ErrorIs(t, err, broken)
		var unreachable *client.UnreachableError
		require.NotErrorAs(t, err, &unreachable)
	})

	t.Run("AnEarlyRefusalEndsTheUpload", func(t *testing.T) {
		t.Parallel()
		// The bubble fails when a goroutine outlives the test: the copy must end.
		synctest.Test(t, func(t *testing.T) {
			c, err := client.New(client.Config{BaseURL: "http://api.test", HTTPClient: &http.Client{
				Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					_, _ = io.CopyN(io.Discard, r.Body, 1024)
					return answer(http.StatusRequestEntityTooLarge, nil, `{"code":"PAYLOAD_TOO_LARGE"}`), nil
				})}})
			require.NoError(t, err)
			_, err = c.CreateBatchCSV(t.Context(), uuid.New(), "", zeros{}, "x.csv")
			require.Equal(t, "PAYLOAD_TOO_LARGE", client.Code(err))
		})
	})
}

// zeros is endless.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
