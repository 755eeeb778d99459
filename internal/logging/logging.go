// Package logging makes the logger of a process and lets the Temporal SDK write to
// it.
//
// There is one zap logger per process, made by main and handed down; nothing here is
// global. Lines go to standard error, so that standard output stays free for what a
// command answers. Nothing is sampled: a line that is missing from a log must mean
// that it was not written.
//
// Failure: New refuses an unknown level or format. What cannot be written is lost
// silently, since there is nowhere to say so.
package logging

import (
	"fmt"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The formats of log lines.
const (
	FormatJSON    = "json"    // for machines
	FormatConsole = "console" // for people
)

// New makes a logger that writes to standard error. level is debug, info, warn or
// error; format is FormatJSON or FormatConsole.
func New(level, format string) (*zap.Logger, error) {
	atLeast, err := zap.ParseAtomicLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	encoding, err := encoderConfig(format)
	if err != nil {
		return nil, err
	}
	logger, err := zap.Config{
		Level:             atLeast,
		Encoding:          format,
		EncoderConfig:     encoding,
		DisableStacktrace: true, // errors here carry what happened; a stack says where it was logged
		OutputPaths:       []string{"stderr"},
		ErrorOutputPaths:  []string{"stderr"},
	}.Build()
	if err != nil {
		return nil, fmt.Errorf("make the logger: %w", err)
	}
	return logger, nil
}

func encoderConfig(format string) (zapcore.EncoderConfig, error) {
	config := zap.NewProductionEncoderConfig()
	config.TimeKey = "time"
	config.EncodeDuration = zapcore.StringDurationEncoder
	switch format {
	case FormatJSON:
		config.EncodeTime = utc(time.RFC3339Nano)
	case FormatConsole:
		config.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		config.EncodeLevel = zapcore.CapitalLevelEncoder
		config.CallerKey = zapcore.OmitKey // a person reads the message; the file is for the JSON
	default:
		return config, fmt.Errorf("log format %q is neither %s nor %s", format, FormatJSON, FormatConsole)
	}
	return config, nil
}

// utc writes times in UTC, so that the lines of several machines sort together.
func utc(layout string) zapcore.TimeEncoder {
	return func(t time.Time, to zapcore.PrimitiveArrayEncoder) {
		to.AppendString(t.UTC().Format(layout))
	}
}
