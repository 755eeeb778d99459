package orchestrator_test

import (
	"testing"

	"github.com/minohq/mino/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
