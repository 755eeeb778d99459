package fetch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A proxy would dial in place of the safe dialer, so none may come from anywhere.
func TestTransportUsesNoProxy(t *testing.T) {
	t.Parallel()

	transport := newTransport(nil)
	require.Nil(t, transport.Proxy)
	require.NotNil(t, transport.DialContext)
}
