package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/audit"
)

func TestThereIsNoOperationThatNobodyMayDo(t *testing.T) {
	t.Parallel()
	s := &server{Config: Config{Logger: zap.NewNop()}}
	require.Panics(t, func() { s.operation("getNothing", func(*fiber.Ctx) error { return nil }) })
}

func TestWhatIsWrittenDownOfARequest(t *testing.T) {
	t.Parallel()
	s := &server{Config: Config{Logger: zap.NewNop()}}
	who := access.Principal{Kind: access.KindKey, ID: models.NewID().String(), Name: "Nightly", Organisation: models.NewID(), Role: access.Member}
	var noted *audit.Note
	app := fiber.New()
	app.Use(s.envelope, func(c *fiber.Ctx) error {
		c.SetUserContext(access.With(c.UserContext(), who))
		return c.Next()
	})
	keep := func(c *fiber.Ctx) error {
		noted = audit.From(c.UserContext())
		return nil
	}
	app.Post("/write", s.operation("createProject", keep))
	app.Post("/read", s.operation("getProject", keep))
	app.Post("/refused", s.operation("createKey", keep))
	send := func(path, agent string) int {
		noted = nil
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil)
		req.Header.Set("User-Agent", agent)
		req.Header.Set("X-Request-Id", "a-request")
		resp, err := app.Test(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}

	require.Equal(t, http.StatusOK, send("/write", "mino/1.0"))
	require.Equal(t, &audit.Note{Principal: who, Operation: "createProject", RequestID: "a-request", IP: "0.0.0.0", UserAgent: "mino/1.0"}, noted)
	require.Equal(t, http.StatusOK, send("/read", "mino/1.0"))
	require.Nil(t, noted)
	require.Equal(t, http.StatusForbidden, send("/refused", "mino/1.0"))
	require.Nil(t, noted)
}
