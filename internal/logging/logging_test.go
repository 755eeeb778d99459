package logging_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minohq/mino/internal/logging"
)

// asProcess has this test binary log as a process of its own, since a logger writes
// to the standard error of its process.
const asProcess = "MINO_TEST_LOG_FORMAT"

func TestMain(m *testing.M) {
	format, child := os.LookupEnv(asProcess)
	if !child {
		m.Run()
		return
	}
	logger, err := logging.New("info", format)
	if err != nil {
		panic(err)
	}
	logger.Debug("hidden")
	for range 1000 {
		logger.Info("the same line", zap.Duration("took", 90*time.Second))
	}
	logger.Error("it broke", zap.Error(errors.New("no disk")))
}

// logged runs the process above and gives the lines it wrote to standard error.
func logged(t *testing.T, format string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asProcess+"="+format)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run())
	require.Empty(t, stdout.String(), "standard output is for answers")
	var lines []string
	for scanner := bufio.NewScanner(strings.NewReader(stderr.String())); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return lines
}

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("WritesJSONWithoutSampling", func(t *testing.T) {
		t.Parallel()
		lines := logged(t, logging.FormatJSON)
		require.Len(t, lines, 1001, "a thousand times the same line, one error, nothing below the level")
		var line struct {
			Time   time.Time
			Level  string
			Msg    string
			Took   string
			Caller string
		}
		require.NoError(t, json.Unmarshal([]byte(lines[0]), &line))
		require.Equal(t, "info", line.Level)
		require.Equal(t, "the same line", line.Msg)
		require.Equal(t, "1m30s", line.Took)
		require.Contains(t, line.Caller, "logging_test.go:")
		require.Equal(t, time.UTC, line.Time.Location())
		require.NotContains(t, lines[1000], "stacktrace")
	})

	t.Run("WritesLinesForPeople", func(t *testing.T) {
		t.Parallel()
		lines := logged(t, logging.FormatConsole)
		require.Len(t, lines, 1001)
		require.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3}\tERROR\tit broke\t\{"error": "no disk"\}$`, lines[1000])
	})

	t.Run("RefusesAnUnknownLevelOrFormat", func(t *testing.T) {
		t.Parallel()
		_, err := logging.New("loud", logging.FormatJSON)
		require.ErrorContains(t, err, `"loud"`)
		_, err = logging.New("info", "xml")
		require.ErrorContains(t, err, `"xml"`)
	})
}

func TestForTemporal(t *testing.T) {
	t.Parallel()

	setup := func() (log.Logger, *observer.ObservedLogs) {
		core, lines := observer.New(zapcore.DebugLevel)
		return logging.ForTemporal(zap.New(core, zap.AddCaller())), lines
	}

	t.Run("WritesEveryLevelWithItsFieldsAndCaller", func(t *testing.T) {
		t.Parallel()
		logger, lines := setup()
		logger.Debug("d")
		logger.Info("i", "Attempt", 3)
		logger.Warn("w")
		logger.Error("e", "Error", errors.New("no disk"))

		var levels []zapcore.Level
		for _, line := range lines.All() {
			levels = append(levels, line.Level)
			require.Equal(t, "temporal", line.LoggerName)
			require.Contains(t, line.Caller.File, "logging_test.go")
		}
		require.Equal(t, []zapcore.Level{zap.DebugLevel, zap.InfoLevel, zap.WarnLevel, zap.ErrorLevel}, levels)
		require.Equal(t, map[string]any{"Attempt": int64(3)}, lines.All()[1].ContextMap())
		require.Equal(t, map[string]any{"Error": "no disk"}, lines.All()[3].ContextMap())
	})

	t.Run("KeepsTheFieldsOfWithAndLeavesTheOriginalAlone", func(t *testing.T) {
		t.Parallel()
		logger, lines := setup()
		log.With(logger, "WorkflowID", "mino-execution-1").Info("child", "RunID", "r")
		logger.Info("parent")
		require.Equal(t, map[string]any{"WorkflowID": "mino-execution-1", "RunID": "r"}, lines.All()[0].ContextMap())
		require.Empty(t, lines.All()[1].ContextMap())
	})

	t.Run("SkipsTheCallersItIsToldTo", func(t *testing.T) {
		t.Parallel()
		logger, lines := setup()
		helper := func() { log.Skip(logger, 1).Info("from a helper") }
		helper()
		logger.Info("from here")
		all := lines.All()
		require.Equal(t, all[1].Caller.Line-1, all[0].Caller.Line, "the line that called the helper")
	})

	t.Run("WritesMalformedFieldsRatherThanDropThem", func(t *testing.T) {
		t.Parallel()
		logger, lines := setup()
		logger.Info("odd", 7, "seven", "alone")
		require.Equal(t, map[string]any{"7": "seven", "without_key": "alone"}, lines.All()[0].ContextMap())
	})
}
