package ratelimit

import (
	"strconv"
	"time"
)

// Result says whether a request may go on. The numbers are those of its tightest bucket:
// the one that makes a refused request wait longest, or the one that has fewest tokens
// left after an allowed one.
type Result struct {
	Allowed bool
	// Limit is how many requests may come at once when nothing has been used, in tokens; 0
	// when the request was limited by nothing.
	Limit int
	// Remaining is how many more may come at once now.
	Remaining int
	// Reset is how long it takes until the bucket is full, when nothing comes.
	Reset time.Duration
	// RetryAfter is how long it takes until all buckets of a refused request have a token
	// for it, when nothing else comes; 0 when it was allowed.
	RetryAfter time.Duration
}

// tighter compares two results of buckets that allow a request.
func (r Result) tighter(than Result) bool {
	if r.Remaining != than.Remaining {
		return r.Remaining < than.Remaining
	}
	return r.Reset > than.Reset
}

// Headers are those that tell a client: X-RateLimit-Limit, -Remaining and -Reset, and
// Retry-After when the request was refused. Times are in whole seconds, rounded up, so
// that whoever waits as long as told does not come too early. There are none when nothing
// limited the request.
func (r Result) Headers() map[string]string {
	if r.Limit == 0 {
		return nil
	}
	headers := map[string]string{
		"X-RateLimit-Limit":     strconv.Itoa(r.Limit),
		"X-RateLimit-Remaining": strconv.Itoa(r.Remaining),
		"X-RateLimit-Reset":     seconds(r.Reset),
	}
	if !r.Allowed {
		headers["Retry-After"] = seconds(r.RetryAfter)
	}
	return headers
}

func seconds(d time.Duration) string {
	return strconv.FormatInt(divideUp(int64(d), int64(time.Second)), 10)
}
