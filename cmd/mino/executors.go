package main

import (
	"context"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/executors/activity"
	"github.com/minohq/mino/executors/agent"
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

// openExecutors makes what jobs are done with; the stack closes it.
func openExecutors(stack *lifecycle.Stack, w config.Worker, x config.Executors) executors.Registry {
	fetcher := fetch.New(fetch.Config{AllowedPrefixes: w.Networks()})
	stack.Add("the fetch executor", func(context.Context) error { fetcher.Close(); return nil })
	agents := agent.New(agent.Config{
		BaseURL: x.AgentURL, APIKey: string(x.AgentKey), AllowedPrefixes: w.Networks(),
		PricePerStepMicros: x.AgentPrice, Currency: x.AgentCurrency, CreateSpacing: x.AgentSpacing,
	})
	stack.Add("the agent executor", func(context.Context) error { agents.Close(); return nil })
	return executors.NewRegistry(fetcher, activity.New(), agents)
}

// ownJobs are the queues of which this worker does the jobs.
func (b *backend) ownJobs(x config.Executors) []worker.JobQueue {
	var queues []worker.JobQueue
	for name, slots := range map[string]int{"agent": x.AgentSlots, "browser": x.BrowserSlots} {
		if _, ok := b.executors[name]; ok && slots > 0 {
			queues = append(queues, worker.JobQueue{TaskQueue: b.queues[name], Slots: slots})
		}
	}
	return queues
}
