package logging

import (
	"fmt"

	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
)

// adapterFrames is how many callers stand between the SDK's call and zap's: the
// method of the adapter.
const adapterFrames = 1

// temporalLogger writes what the Temporal SDK logs to zap.
type temporalLogger struct {
	zap *zap.Logger
}

var (
	_ log.Logger          = temporalLogger{}
	_ log.WithLogger      = temporalLogger{}
	_ log.WithSkipCallers = temporalLogger{}
)

// ForTemporal adapts a logger to the Temporal SDK, for client options; workflow and
// activity loggers derive from it.
func ForTemporal(logger *zap.Logger) log.Logger {
	return temporalLogger{zap: logger.Named("temporal").WithOptions(zap.AddCallerSkip(adapterFrames))}
}

// Debug implements log.Logger.
func (l temporalLogger) Debug(msg string, keyvals ...any) { l.zap.Debug(msg, fields(keyvals)...) }

// Info implements log.Logger.
func (l temporalLogger) Info(msg string, keyvals ...any) { l.zap.Info(msg, fields(keyvals)...) }

// Warn implements log.Logger.
func (l temporalLogger) Warn(msg string, keyvals ...any) { l.zap.Warn(msg, fields(keyvals)...) }

// Error implements log.Logger.
func (l temporalLogger) Error(msg string, keyvals ...any) { l.zap.Error(msg, fields(keyvals)...) }

// With implements log.WithLogger.
func (l temporalLogger) With(keyvals ...any) log.Logger {
	return temporalLogger{zap: l.zap.With(fields(keyvals)...)}
}

// WithCallerSkip implements log.WithSkipCallers.
func (l temporalLogger) WithCallerSkip(skip int) log.Logger {
	return temporalLogger{zap: l.zap.WithOptions(zap.AddCallerSkip(skip))}
}

// fields turns keys and values in turn into fields. Nothing is dropped: a last key
// without a value, and a key that is no string, are still written.
func fields(keyvals []any) []zap.Field {
	out := make([]zap.Field, 0, (len(keyvals)+1)/2)
	for i := 0; i < len(keyvals); i += 2 {
		key, ok := keyvals[i].(string)
		if !ok {
			key = fmt.Sprint(keyvals[i])
		}
		if i+1 == len(keyvals) {
			out = append(out, zap.Any("without_key", keyvals[i]))
			break
		}
		out = append(out, zap.Any(key, keyvals[i+1]))
	}
	return out
}
