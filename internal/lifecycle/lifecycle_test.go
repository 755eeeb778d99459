package lifecycle

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal records the order of what happens.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) write(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) closer(name string, err error) func(context.Context) error {
	return func(context.Context) error {
		j.write(name)
		return err
	}
}

func TestStack(t *testing.T) {
	t.Parallel()
	errDisk := errors.New("no disk")

	t.Run("ClosesLastInFirstOutWhateverFails", func(t *testing.T) {
		t.Parallel()
		var j journal
		stack := NewStack(zaptest.NewLogger(t), time.Minute)
		stack.Add("database", j.closer("database", nil))
		stack.Add("worker", j.closer("worker", errDisk))
		stack.Add("metrics", func(context.Context) error { panic("nil map") })
		stack.Add("api", j.closer("api", nil))

		err := stack.Close()
		require.Equal(t, []string{"api", "worker", "database"}, j.lines)
		require.ErrorIs(t, err, errDisk)
		require.EqualError(t, err, "close metrics: panic: nil map\nclose worker: no disk")
	})

	t.Run("ClosesOnceForAllCallersAndGivesThemOneResult", func(t *testing.T) {
		t.Parallel()
		var j journal
		stack := NewStack(zap.NewNop(), time.Minute)
		stack.Add("database", j.closer("database", errDisk))
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				if !errors.Is(stack.Close(), errDisk) {
					j.write("another result")
				}
			})
		}
		callers.Wait()
		require.Equal(t, []string{"database"}, j.lines)
	})

	t.Run("ClosesWithNothingOnIt", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, NewStack(zap.NewNop(), time.Minute).Close())
	})

	t.Run("ClosesAPartAtOnceThatComesTooLate", func(t *testing.T) {
		t.Parallel()
		var j journal
		stack := NewStack(zap.NewNop(), time.Minute)
		require.NoError(t, stack.Close())
		stack.Add("api", j.closer("api", errDisk))
		require.Equal(t, []string{"api"}, j.lines)
	})

	t.Run("GivesAllPartsOneDeadlineAndTheRestAMomentAfterIt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var j journal
			release := make(chan struct{})
			stack := NewStack(zap.NewNop(), time.Minute)
			stack.Add("database", func(ctx context.Context) error {
				require.Error(t, ctx.Err(), "it is told that there is no time left")
				j.write("database by force")
				return nil
			})
			stack.Add("worker", func(context.Context) error {
				<-release // deaf to its context
				return nil
			})
			stack.Add("api", func(ctx context.Context) error {
				deadline, ok := ctx.Deadline()
				require.True(t, ok)
				require.Equal(t, time.Minute, time.Until(deadline))
				return nil
			})

			began := time.Now()
			err := stack.Close()
			require.EqualError(t, err, "close worker: did not close in time")
			require.Equal(t, time.Minute+grace, time.Since(began))
			require.Equal(t, []string{"database by force"}, j.lines)
			close(release)
		})
	})
}

func TestSignals(t *testing.T) {
	t.Parallel()

	t.Run("TheFirstCancelsAndTheSecondExits", func(t *testing.T) {
		t.Parallel()
		received, exited := make(chan os.Signal), make(chan int)
		ctx, stop := watch(context.Background(), received, func(code int) { exited <- code })
		defer stop()
		require.NoError(t, ctx.Err())

		received <- syscall.SIGTERM
		<-ctx.Done()
		var by Signalled
		require.ErrorAs(t, context.Cause(ctx), &by)
		require.Equal(t, syscall.SIGTERM, by.Signal)
		require.Equal(t, 143, by.ExitCode())

		received <- os.Interrupt
		require.Equal(t, 130, <-exited)
	})

	t.Run("StopCancelsWithoutASignalAndMayBeRepeated", func(t *testing.T) {
		t.Parallel()
		ctx, stop := watch(context.Background(), make(chan os.Signal), nil)
		stop()
		stop()
		<-ctx.Done()
		require.Equal(t, context.Canceled, context.Cause(ctx))
	})

	t.Run("StopAfterASignalEndsTheWatch", func(t *testing.T) {
		t.Parallel()
		received := make(chan os.Signal)
		ctx, stop := watch(context.Background(), received, nil)
		received <- os.Interrupt
		<-ctx.Done()
		stop() // goleak sees to it that nothing waits on
	})
}

//nolint:paralleltest // it signals the whole process
func TestSignalsOfTheProcess(t *testing.T) {
	ctx, stop := Signals(context.Background())
	defer stop()
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	<-ctx.Done()
	require.Equal(t, Signalled{Signal: syscall.SIGTERM}, context.Cause(ctx))
}
