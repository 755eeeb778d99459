package cli

import (
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/term"
)

// Streams is what a command has of the outside.
type Streams struct {
	// In is read only to ask about Ctrl-C, and for a CSV named "-".
	In io.Reader
	// Out gets results, Err gets progress and questions.
	Out, Err io.Writer
	// Size gives the columns and rows of the terminal behind Err; nil when there is
	// none, and then progress is plain lines.
	Size func() (columns, rows int)
	// Interactive tells that In and Err are terminals, so that questions get answers.
	Interactive bool
	// Colour allows colours on Err, ColourOut on Out.
	Colour, ColourOut bool
	// OutTerminal tells that Out is a terminal.
	OutTerminal bool
	// Interrupts delivers Ctrl-C. The command's context must not end with it, or
	// there would be nothing left to ask about.
	Interrupts <-chan os.Signal

	// every is how often the API is asked where a run stands; 0 means pollEvery.
	every time.Duration
}

// OSStreams gives the process's own streams and takes over its interrupts until
// stop is called. NO_COLOR and TERM=dumb are honoured.
func OSStreams() (streams Streams, stop func()) {
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt)
	streams = Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Interactive: isTerminal(os.Stdin) && isTerminal(os.Stderr),
		ColourOut:   coloured(os.Stdout),
		OutTerminal: isTerminal(os.Stdout),
		Interrupts:  interrupts,
	}
	streams.onTerminal(os.Stderr)
	return streams, func() { signal.Stop(interrupts) }
}

// onTerminal has progress drawn in place when the file is a terminal that can.
func (s *Streams) onTerminal(file *os.File) {
	if !isTerminal(file) || dumb() {
		return
	}
	s.Size = func() (int, int) { return sizeOf(file) }
	s.Colour = coloured(file)
	if s.Out == s.Err {
		s.ColourOut = s.Colour
	}
}

func dumb() bool { return os.Getenv("TERM") == "dumb" }

func coloured(file *os.File) bool { return isTerminal(file) && !dumb() && os.Getenv("NO_COLOR") == "" }

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

func sizeOf(f *os.File) (columns, rows int) {
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return defaultColumns, defaultRows
	}
	return columns, rows
}

// columnsOf is the width of the terminal behind Err, or what is assumed of none.
func columnsOf(s Streams) int {
	if s.Size == nil {
		return defaultColumns
	}
	columns, _ := s.Size()
	return columns
}

// What is assumed of a terminal that does not say its size.
const (
	defaultColumns = 80
	defaultRows    = 24
)
