package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/config"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	check := func(origins ...string) error {
		var cli struct {
			API config.API `embed:""`
		}
		parse(t, &cli)
		cli.API.Origins = origins
		return config.Verify(&cli.API)
	}
	require.NoError(t, check("https://app.example", "http://localhost:3000/"))
	for _, origin := range []string{"*", "https://*.example", "app.example", "https://app.example/path", "ftp://app.example", "null", "https://u@app.example"} {
		require.ErrorContains(t, check(origin), "--origins (MINO_ORIGINS): must be origins", origin)
	}
}
