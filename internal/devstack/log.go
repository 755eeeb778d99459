package devstack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const (
	tailBytes = 4 << 10
	tailLines = 20
)

// logFile takes what a server writes. The log of the run before is kept beside it
// with the suffix ".1": after a crash that is the one worth reading.
type logFile struct {
	path string
	file *os.File
}

func openLog(path string) (*logFile, error) {
	if err := os.Rename(path, path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("keep the previous log: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a log: %w", err)
	}
	return &logFile{path: path, file: file}, nil
}

// since returns what was written from offset on, at most the last few KiB of it. It
// works on a closed log too, and returns nothing when the log cannot be read: it only
// adds to errors that say something already.
func (l *logFile) since(offset int64) string {
	file, err := os.Open(l.path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // was only read
	size := l.size()
	from := max(offset, size-tailBytes)
	text, err := io.ReadAll(io.NewSectionReader(file, from, max(0, size-from)))
	if err != nil {
		return ""
	}
	return string(text)
}

func (l *logFile) size() int64 {
	info, err := os.Stat(l.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// withTail adds the last lines to an error, since the reason of a server's failure is
// usually only there.
func (l *logFile) withTail(err error) error {
	lines := strings.Split(strings.TrimSpace(l.since(0)), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	if len(lines) == 1 && lines[0] == "" {
		return err
	}
	return fmt.Errorf("%w\nlast lines of %s:\n  %s", err, l.path, strings.Join(lines, "\n  "))
}

func (l *logFile) close() error { return l.file.Close() }
