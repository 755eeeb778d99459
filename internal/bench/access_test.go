package bench

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/internal/testkit"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
	"github.com/minohq/mino/models/store"
)

const (
	accessRounds = 4_000
	accessRows   = 10_000
)

// BenchmarkAccess asks for a page of jobs over HTTP: with a key, which is checked, under a
// role whose permission is checked, of tables whose rows are checked; in turn with the same
// page of the same database from an API that asks nobody who they are and whose login is not
// held to row-level security. Connections that serve two organisations in turns are told of
// it each time, which is the most that it can cost.
func BenchmarkAccess(b *testing.B) {
	for b.Loop() {
		db := testkit.Database(b)
		s := testkit.Store(b, db)
		keys, err := apikey.ParseKeys(apikey.NewKey())
		require.NoError(b, err)
		held := serve(b, api.Config{Store: s, Auth: authn.New(authn.Config{Records: s, Keys: keys})})
		bare := serve(b, api.Config{Store: store.New(db)})
		other := &models.Organisation{ID: models.NewID(), Slug: "other", Name: "Other"}
		require.NoError(b, s.CreateOrganisation(b.Context(), other))
		var paths []string
		for _, org := range []uuid.UUID{models.DefaultOrganisationID, other.ID} {
			p := testfactory.Project(b, s, func(p *models.Project) { p.OrganisationID = org })
			paths = append(paths, "/api/batches/"+testfactory.Batch(b, s, p, jobs(b, accessRows), nil).ID.String()+"/jobs")
		}
		_, err = db.ExecContext(b.Context(), "VACUUM (ANALYZE)")
		require.NoError(b, err)
		with, without := pageOf(b, held+paths[0], keyOf(b, s, keys, models.DefaultOrganisationID)), pageOf(b, bare+paths[0], "")
		others := pageOf(b, held+paths[1], keyOf(b, s, keys, other.ID))
		var guarded, turns, open []time.Duration
		for range jobs(b, accessRounds) {
			turns = append(turns, timed(others), timed(with))
			guarded = append(guarded, timed(with))
			without() // so that each of the two comes after another of its kind
			open = append(open, timed(without))
		}
		for name, took := range map[string][]time.Duration{"with": guarded, "with, organisations in turns": turns, "without": open} {
			b.Logf("%s: %.3f ms, 99 of 100 %.3f ms", name, milliseconds(median(took)), milliseconds(quantile(took, 0.99)))
		}
		accessTime.recordAgainst(b, milliseconds(median(guarded)), milliseconds(median(open)))
		accessTurns.recordAgainst(b, milliseconds(median(turns)), milliseconds(median(open)))
	}
}

// keyOf makes a key of a viewer.
func keyOf(b *testing.B, s *store.Store, keys *apikey.Keys, org uuid.UUID) string {
	b.Helper()
	id := models.NewID()
	text, hash, hashKeyID, err := keys.New(id)
	require.NoError(b, err)
	require.NoError(b, s.CreateAPIKey(b.Context(), &models.APIKey{
		ID: id, OrganisationID: org, Name: "bench", Role: access.Viewer,
		Hash: hash, HashKeyID: hashKeyID, CreatedBy: "operator",
	}))
	return text
}

// serve serves an API and gives its address.
func serve(b *testing.B, config api.Config) string {
	b.Helper()
	config.Logger = zap.NewNop()
	app := api.New(config)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the server
	require.NoError(b, err)
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener) }()
	b.Cleanup(func() {
		require.NoError(b, app.ShutdownWithTimeout(10*time.Second))
		require.NoError(b, <-served)
	})
	return "http://" + listener.Addr().String()
}

// pageOf gives a function that asks for a page, over one connection.
func pageOf(b *testing.B, address, key string) func() {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(b, err)
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	asking := &http.Client{Transport: &http.Transport{}}
	b.Cleanup(asking.CloseIdleConnections)
	return func() {
		answer, err := asking.Do(request)
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, answer.Body)
		require.NoError(b, err)
		require.NoError(b, answer.Body.Close())
		require.Equal(b, http.StatusOK, answer.StatusCode)
	}
}
