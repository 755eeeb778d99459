package browser

import "testing"

func needProc(*testing.T) {}
