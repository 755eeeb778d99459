package rig

import "fmt"

// The far side as a judge of concurrency. While a limit is in force, no more calls than
// that may be under way; those that may have been under way when it was lowered are
// allowed until they end. A job is under way a little before its call comes, so what
// was allowed before counts, less the calls that have ended since.

// Raise says that a limit may be in force from now on: it was asked for.
func (f *FarSide) Raise(limit int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = max(f.limit, limit)
	f.carried = max(f.carried, f.limit)
}

// Lower says that a limit is in force: it was acknowledged.
func (f *FarSide) Lower(limit int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = limit
	f.carried = max(f.carried, limit)
}

// Excess are the calls that came above the limit.
func (f *FarSide) Excess() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.excess...)
}

func (f *FarSide) judge(path string) {
	if f.limit > 0 && f.inFlight > f.carried {
		f.excess = append(f.excess, fmt.Sprintf("%s made %d calls at once; the limit is %d, and %d were allowed", path, f.inFlight, f.limit, f.carried))
	}
}
