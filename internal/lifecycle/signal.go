package lifecycle

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// signalExit is what shells add to a signal's number for the exit code.
const signalExit = 128

// Signalled is the cause of a context that a signal has cancelled.
type Signalled struct {
	Signal os.Signal
}

// Error implements error.
func (s Signalled) Error() string { return fmt.Sprintf("received %v", s.Signal) }

// ExitCode is the code that a process ended by this signal exits with.
func (s Signalled) ExitCode() int {
	if number, ok := s.Signal.(syscall.Signal); ok {
		return signalExit + int(number)
	}
	return 1
}

// Signals gives a context that the first SIGINT or SIGTERM cancels, with a Signalled
// as its cause. The second one ends the process at once, for the person who does not
// want to wait. stop gives the signals back to the system.
func Signals(parent context.Context) (ctx context.Context, stop func()) {
	received := make(chan os.Signal, 2)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := watch(parent, received, os.Exit) //nolint:forbidigo // the second signal is for leaving at once
	return ctx, func() {
		signal.Stop(received)
		cancel()
	}
}

// watch is Signals with its sources given.
func watch(parent context.Context, received <-chan os.Signal, exit func(int)) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	stopped, endWatch := context.WithCancel(context.Background())
	go func() {
		select {
		case first := <-received:
			cancel(Signalled{Signal: first})
		case <-stopped.Done():
			return
		}
		select {
		case second := <-received:
			exit(Signalled{Signal: second}.ExitCode())
		case <-stopped.Done():
		}
	}()
	return ctx, func() {
		endWatch()
		cancel(context.Canceled)
	}
}
