package api

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/minohq/mino/internal/authn"
)

// standing is whoever has opened a stream or begun an export, which goes on after they were
// let in: it is asked now and then whether they still would be. It belongs to one goroutine.
type standing struct {
	auth  Authenticator // nil asks nobody
	who   authn.Identity
	every time.Duration
	// checked is when it was last known that they were.
	checked time.Time
}

// standing is that of whose a request is, who was let in just now.
func (s *server) standing(c *fiber.Ctx) *standing {
	return &standing{auth: s.Auth, who: identity(c), every: s.Recheck, checked: time.Now()}
}

// due is how long they need not be asked for; false is for ever.
func (st *standing) due() (time.Duration, bool) {
	if st.auth == nil {
		return 0, false
	}
	wait := st.every - time.Since(st.checked)
	if until := st.who.Until; !until.IsZero() {
		wait = min(wait, time.Until(until))
	}
	return max(wait, 0), true
}

// check returns an error of the Authenticator when they would not be let in any more, or
// nobody can tell. It asks when that is due.
func (st *standing) check(ctx context.Context) error {
	if wait, ok := st.due(); !ok || wait > 0 {
		return nil
	}
	if until := st.who.Until; !until.IsZero() && !time.Now().Before(until) {
		return authn.ErrInvalid
	}
	asked := time.Now()
	if err := st.auth.Stands(ctx, st.who.Principal); err != nil {
		return err
	}
	st.checked = asked
	return nil
}

// watch asks until the context ends, and calls gone once when they would not be let in any
// more.
func (st *standing) watch(ctx context.Context, gone func(error)) {
	for {
		wait, ok := st.due()
		if !ok {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := st.check(ctx); err != nil {
			gone(err)
			return
		}
	}
}
