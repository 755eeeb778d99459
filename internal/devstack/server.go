package devstack

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

// stopTime bounds a stop whose context has no deadline.
const stopTime = 30 * time.Second

// server is what both servers are once they run: a process, the log that it writes and
// the directory that it has for itself.
type server struct {
	name     string
	proc     *process
	log      *logFile
	done     chan struct{}
	stopping atomic.Bool
	err      error // set before done is closed
}

// serve takes over a process that is ready. When it ends, the log is closed and the
// directory given free, before Done tells.
func serve(name string, proc *process, log *logFile, lock *dirLock) *server {
	s := &server{name: name, proc: proc, log: log, done: make(chan struct{})}
	go func() {
		<-proc.done
		if !s.stopping.Load() {
			s.err = log.withTail(fmt.Errorf("%s ended by itself (%s)", name, proc.cmd.ProcessState))
		}
		s.err = errors.Join(s.err, log.close(), lock.release())
		close(s.done)
	}()
	return s
}

// Done is closed when the server has ended, for whatever reason, and everything that
// it held is free again.
func (s *server) Done() <-chan struct{} { return s.done }

// Err returns why the server ended by itself; nil while it runs and when it was
// stopped.
func (s *server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Pid returns the process id of the server.
func (s *server) Pid() int { return s.proc.pid() }

func (s *server) stop(ctx context.Context, ask syscall.Signal, insist ...syscall.Signal) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	s.stopping.Store(true)
	err := s.proc.stop(ctx, ask, insist...)
	if s.proc.ended() {
		<-s.done
	}
	if err != nil {
		return s.log.withTail(fmt.Errorf("stop %s: %w", s.name, err))
	}
	return nil
}

// kill ends the server by a signal that leaves it no time, and waits until it is gone.
func (s *server) kill(sig syscall.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), reapTime)
	defer cancel()
	return s.stop(ctx, sig)
}
