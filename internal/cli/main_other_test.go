//go:build !linux

package cli

import (
	"testing"

	"github.com/minohq/mino/internal/testkit"
)

func TestMain(m *testing.M) {
	actAsCommand()
	testkit.Main(m)
}
