// Package worker runs BatchWorkflow and its activities on a task queue.
//
// A worker owns nothing but its connections; any number of them share a queue. It
// stops in order: it takes no new task, lets running activities go on for the
// configured time, and hands the rest back to Temporal, which gives them to another
// worker. A worker that dies without a word is noticed by its missing heartbeats.
package worker

import (
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/activities"
	"github.com/minohq/mino/workflows"
	"github.com/minohq/mino/workflows/contract"
)

// Config says how a worker runs.
type Config struct {
	// TaskQueue is polled; empty means contract.TaskQueue.
	TaskQueue string
	// Identity names the worker in Temporal and in the sessions.
	Identity string
	// MaxConcurrentActivities bounds the jobs this worker does at once; 0 means 100.
	MaxConcurrentActivities int
	// Jobs are the task queues beside it of which this worker does the jobs.
	Jobs []JobQueue
	// StopTimeout is how long Stop waits for running activities; 0 means 30 s. It has
	// to be longer than the activities' own grace.
	StopTimeout time.Duration
}

// JobQueue is a task queue for the jobs of one kind of executor: it has slots of its own, so
// that jobs which wait for somebody else, or need much of the machine, keep no others from
// theirs.
type JobQueue struct {
	TaskQueue string
	// Slots is how many of its jobs this worker does at once.
	Slots int
}

// heartbeatThrottle is the longest the SDK holds a heartbeat back, and so bounds how
// late an activity learns of its cancellation.
const heartbeatThrottle = 2 * time.Second

// deadlockDetection is how long workflow code may go without yielding. The SDK's second is
// short for a result of somebody's activity, of up to Temporal's 2 MiB, that is read on a
// busy machine; it stays within the time that a workflow task has.
const deadlockDetection = 8 * time.Second

// Worker polls a task queue, and those of jobs beside it.
type Worker struct {
	workers []sdkworker.Worker
	started []sdkworker.Worker
	start   sync.Once
	stop    sync.Once
	err     error
}

// Options are those that a worker with this configuration gives the SDK.
func (config Config) Options() sdkworker.Options {
	config = config.withDefaults()
	return sdkworker.Options{
		Identity:                           config.Identity,
		MaxConcurrentActivityExecutionSize: config.MaxConcurrentActivities,
		WorkerStopTimeout:                  config.StopTimeout,
		DeadlockDetectionTimeout:           deadlockDetection,
		MaxHeartbeatThrottleInterval:       heartbeatThrottle,
		DefaultHeartbeatThrottleInterval:   heartbeatThrottle,
		// A workflow task that panics blocks its run until a good build comes, rather
		// than failing every run there is.
		WorkflowPanicPolicy: sdkworker.BlockWorkflow,
		Interceptors:        []interceptor.WorkerInterceptor{workflows.Interceptor()},
	}
}

func (config Config) withDefaults() Config {
	if config.TaskQueue == "" {
		config.TaskQueue = contract.TaskQueue
	}
	if config.MaxConcurrentActivities <= 0 {
		config.MaxConcurrentActivities = 100
	}
	if config.StopTimeout <= 0 {
		config.StopTimeout = 30 * time.Second
	}
	return config
}

// New makes a worker; Start starts it.
func New(c client.Client, config Config, a *activities.Activities) *Worker {
	config = config.withDefaults()
	w := sdkworker.New(c, config.TaskQueue, config.Options())
	RegisterWorkflows(w)
	RegisterActivities(w, a)
	all := &Worker{workers: []sdkworker.Worker{w}}
	for _, queue := range config.Jobs {
		own := config
		own.MaxConcurrentActivities = queue.Slots
		options := own.Options()
		options.DisableWorkflowWorker = true
		jobs := sdkworker.New(c, queue.TaskQueue, options)
		jobs.RegisterActivityWithOptions(a.RunJob, activity.RegisterOptions{Name: contract.ActivityRunJob})
		all.workers = append(all.workers, jobs)
	}
	return all
}

// RegisterWorkflows registers the workflows under the names of the contract.
func RegisterWorkflows(r sdkworker.WorkflowRegistry) {
	for name, f := range map[string]any{
		contract.BatchWorkflow: workflows.BatchWorkflow,
		contract.BatchChunk:    workflows.BatchChunk,
		contract.ActivityJob:   workflows.ActivityJob,
	} {
		r.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
	}
}

// RegisterActivities registers the activities under the names of the contract.
func RegisterActivities(r sdkworker.ActivityRegistry, a *activities.Activities) {
	for name, f := range map[string]any{
		contract.ActivityPrepare:     a.Prepare,
		contract.ActivityBegin:       a.Begin,
		contract.ActivityNextJobs:    a.NextJobs,
		contract.ActivityRunJob:      a.RunJob,
		contract.ActivityBeginCall:   a.BeginCall,
		contract.ActivityEndCall:     a.EndCall,
		contract.ActivityRecordLost:  a.RecordLost,
		contract.ActivityRecordState: a.RecordState,
		contract.ActivityFinish:      a.Finish,
		contract.ActivityResults:     a.Results,
	} {
		r.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

// Start begins to poll. A second Start does nothing.
func (w *Worker) Start() error {
	w.start.Do(func() {
		for _, one := range w.workers {
			if err := one.Start(); err != nil {
				w.err = fmt.Errorf("start the worker: %w", err)
				return
			}
			w.started = append(w.started, one)
		}
	})
	return w.err
}

// Stop stops polling, on all queues at once, and waits for running activities, at most for
// the configured time. A second Stop, or a Stop before Start, does nothing.
func (w *Worker) Stop() {
	w.start.Do(func() {})
	w.stop.Do(func() {
		var stopping sync.WaitGroup
		for _, one := range w.started {
			stopping.Go(one.Stop)
		}
		stopping.Wait()
	})
}
