package orchestrator

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/minohq/mino/models"
	"github.com/minohq/mino/workflows/contract"
)

// Served returns models.ErrUnserved when no worker does jobs of an executor whose jobs have
// a task queue of their own: they would wait for one for ever. Temporal knows of a worker for
// some minutes after it has gone, and of one that comes at once.
func (o *Orchestrator) Served(ctx context.Context, executor string) error {
	queue := contract.JobTaskQueue(o.taskQueue, executor)
	if queue == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	description, err := o.client.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_ACTIVITY)
	if err != nil {
		return mapped(err)
	}
	if len(description.GetPollers()) == 0 {
		return fmt.Errorf("%w: nobody polls the task queue %s", models.ErrUnserved, queue)
	}
	return nil
}
