package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/minohq/mino/workflows/contract"
)

// A site may take fewer jobs than there are slots. What it takes is decided where its jobs
// are done, over all executions, by deferring those that are too many; a chunk only learns
// from it which jobs are not worth dispatching yet, so that others have the slots, and that
// not every job of a site is dispatched for nothing once a minute.
const (
	// firstPause is how long a site is left alone, at the least, after it deferred a job
	// while none of its jobs ran; it doubles up to maxPause.
	firstPause = time.Second
	maxPause   = time.Minute
	// maxAhead is how many jobs are read ahead to find some whose sites take them.
	maxAhead = 500
)

// site is what a chunk has learned of a site that deferred a job.
type site struct {
	// running counts its jobs that are dispatched.
	running int
	// window is how many may be; 0 is any number. Every job that ends widens it by one,
	// and one that is deferred sets it to what was running then.
	window int
	// paused says that it is left alone for now; pauses counts how often in a row.
	paused bool
	pauses int
}

func (s *site) takes() bool {
	return s == nil || !s.paused && (s.window == 0 || s.running < s.window)
}

// nextQueued is the place in the queue of the first job whose site takes it; -1 when there
// is none.
func (c *chunk) nextQueued(queue []contract.JobRef) int {
	for i := range queue {
		if c.sites[queue[i].Site].takes() {
			return i
		}
	}
	return -1
}

// enterSite counts a job that is dispatched; leaveSite one that has ended.
func (c *chunk) enterSite(name string) {
	s := c.sites[name]
	if s == nil {
		s = &site{}
		c.sites[name] = s
	}
	s.running++
}

func (c *chunk) leaveSite(name string) {
	s := c.sites[name]
	s.running--
	if s.window > 0 {
		s.window++
		s.pauses = 0
	}
	if s.running == 0 && s.window == 0 && !s.paused {
		delete(c.sites, name)
	}
}

// deferJob puts a job back that its site did not take, and leaves the site alone for a
// while, unless a job of it runs still: the end of that one makes room.
func (c *chunk) deferJob(ctx workflow.Context, ref contract.JobRef, wait time.Duration) {
	s := c.sites[ref.Site]
	s.running--
	s.window = max(s.running, 1)
	if c.spent {
		c.giveBack(ref)
		return
	}
	c.again = append(c.again, ref)
	if s.paused {
		return
	}
	s.paused = true
	if s.running == 0 {
		wait = max(wait, min(firstPause<<min(s.pauses, 10), maxPause))
		s.pauses++
	}
	_ = workflow.Sleep(ctx, min(wait, maxPause)) // a cancelled context has nothing dispatched any more
	s.paused = false
}
