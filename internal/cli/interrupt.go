package cli

import (
	"bufio"
	"io"
	"strings"
)

const stopQuestion = "Stop the run?  s  let running jobs finish, then stop\n" +
	"               c  cancel them too\n" +
	"               w  only stop watching (Ctrl-C again does the same)\n" +
	"               Enter  go on\n> "

// choice is what somebody answered to stopQuestion.
type choice int

const (
	goOn choice = iota
	stopDrain
	stopCancel
	stopWatching
)

// choiceOf reads an answer by its first letter; whatever is not understood goes on.
func choiceOf(answer string) choice {
	answer = strings.ToLower(strings.TrimSpace(answer))
	switch {
	case strings.HasPrefix(answer, "s"):
		return stopDrain
	case strings.HasPrefix(answer, "c"):
		return stopCancel
	case strings.HasPrefix(answer, "w"):
		return stopWatching
	}
	return goOn
}

// answers reads lines for whoever asks. The reading begins with the first question,
// so that a command that asks nothing takes nothing from its input, and it goes on
// until the input ends: a read of a terminal cannot be called off.
type answers struct {
	in    io.Reader
	lines chan string
}

// next gives the channel on which lines arrive; it is closed when the input ends.
func (a *answers) next() <-chan string {
	if a.lines == nil {
		lines := make(chan string)
		a.lines = lines
		go func() {
			defer close(lines)
			scanner := bufio.NewScanner(a.in)
			for scanner.Scan() {
				lines <- scanner.Text()
			}
		}()
	}
	return a.lines
}
