package generatedclient

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A change of the document that leaves the client as it was is found here.
func TestClientIsThatOfTheDocument(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "client.gen.go")
	config, err := os.ReadFile("config.yaml")
	require.NoError(t, err)
	// What the configuration says of the output goes before what the command line says.
	elsewhere := filepath.Join(t.TempDir(), "config.yaml")
	config = bytes.Replace(config, []byte("output: client.gen.go"), []byte("output: "+out), 1)
	require.NoError(t, os.WriteFile(elsewhere, config, 0o600))
	generate := exec.CommandContext(t.Context(), "go", "tool", "oapi-codegen", "-config", elsewhere, "../../api/openapi.yaml")
	printed, err := generate.CombinedOutput()
	require.NoError(t, err, "%s", printed)
	want, err := os.ReadFile(out)
	require.NoError(t, err)
	got, err := os.ReadFile("client.gen.go")
	require.NoError(t, err)
	// Not require.Equal: nobody wants to read both.
	require.True(t, bytes.Equal(want, got), "the document has changed: go generate ./internal/generatedclient")
}
