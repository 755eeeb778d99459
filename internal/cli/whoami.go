package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/minohq/mino/internal/client"
)

// WhoamiCmd is `mino whoami`.
type WhoamiCmd struct {
	Remote
}

// Run says whom the API takes the caller for.
func (c *WhoamiCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		me, err := api.Me(ctx)
		if err != nil {
			return asked(err, "ask who you are")
		}
		return c.print(streams, me, func() []string {
			return record(
				[2]string{"kind", me.Kind},
				[2]string{"id", me.ID},
				[2]string{"name", me.Name},
				[2]string{"organisation", fmt.Sprintf("%s (%s, %s)", me.Organisation.Name, me.Organisation.Slug, me.Organisation.ID)},
				[2]string{"role", me.Role},
				[2]string{"may", strings.Join(me.Permissions, ", ")},
			)
		})
	})
}
