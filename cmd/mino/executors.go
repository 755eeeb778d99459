package main

import (
	"context"

	"go.uber.org/zap"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/activity"
	"github.com/minohq/mino/executors/agent"
	"github.com/minohq/mino/executors/browser"
	"github.com/minohq/mino/executors/fetch"
	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/lifecycle"
	"github.com/minohq/mino/worker"
	"github.com/minohq/mino/workflows/contract"
)

// jobQueues are the task queues of jobs that are not done where the workflow is, by
// executor.
func jobQueues(taskQueue string, all executors.Registry) map[string]string {
	queues := map[string]string{}
	for name := range all {
		if queue := contract.JobTaskQueue(taskQueue, name); queue != "" {
			queues[name] = queue
		}
	}
	return queues
}

// ownQueues are the task queues of MINO itself, which no project may name.
func ownQueues(taskQueue string) []string {
	return []string{
		taskQueue, contract.JobTaskQueue(taskQueue, agent.Name), contract.JobTaskQueue(taskQueue, browser.Name),
	}
}

// openExecutors makes what jobs are done with; the stack closes it.
func openExecutors(stack *lifecycle.Stack, w config.Worker, x config.Executors, logger *zap.Logger) executors.Registry {
	fetcher := fetch.New(fetch.Config{AllowedPrefixes: w.Networks()})
	stack.Add("the fetch executor", func(context.Context) error { fetcher.Close(); return nil })
	agents := agent.New(agent.Config{
		BaseURL: x.AgentURL, APIKey: string(x.AgentKey), AllowedPrefixes: w.Networks(),
		PricePerStepMicros: &x.AgentPrice, Currency: x.AgentCurrency, CreateSpacing: x.AgentSpacing,
	})
	stack.Add("the agent executor", func(context.Context) error { agents.Close(); return nil })
	// It starts no browser before the first job; a process that does none checks settings.
	browsers := browser.New(browser.Config{
		Path: x.Chromium, NoSandbox: x.NoSandbox, AllowedPrefixes: w.Networks(), Browsers: x.BrowserSlots, Log: logger,
	})
	stack.Add("the browsers", func(context.Context) error { browsers.Close(); return nil })
	return executors.NewRegistry(fetcher, activity.New(ownQueues(w.TaskQueue)...), agents, browsers)
}

// ownJobs are the queues of which this worker does the jobs.
func (b *backend) ownJobs(x config.Executors, logger *zap.Logger) []worker.JobQueue {
	var queues []worker.JobQueue
	for name, slots := range map[string]int{agent.Name: x.AgentSlots, browser.Name: x.BrowserSlots} {
		if slots == 0 {
			continue
		}
		if able, ok := b.executors[name].(interface{ Available() error }); ok {
			if err := able.Available(); err != nil {
				logger.Warn("this worker does no jobs of an executor", zap.String("executor", name), zap.Error(err))
				continue
			}
		}
		queues = append(queues, worker.JobQueue{TaskQueue: b.queues[name], Slots: slots})
	}
	return queues
}
