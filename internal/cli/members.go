package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/minohq/mino/api/wire"
	"github.com/minohq/mino/internal/client"
)

// MembersCmd is `mino members`.
type MembersCmd struct {
	List    MembersListCmd    `cmd:"" help:"List the members of the organisation, newest first."`
	Add     MembersAddCmd     `cmd:"" help:"Make somebody a member."`
	SetRole MembersSetRoleCmd `cmd:"" help:"Give a member another role."`
	Remove  MembersRemoveCmd  `cmd:"" help:"End somebody's membership."`
}

// MembersListCmd is `mino members list`.
type MembersListCmd struct {
	Listing
}

// Run lists.
func (c *MembersListCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		return list(streams, c.Listing, api.Members(ctx), []column[wire.Member]{
			{title: "id", cell: func(m wire.Member) string { return m.ID.String() }},
			{title: "name", most: nameWidth, cell: func(m wire.Member) string { return m.Name }},
			{title: "email", most: nameWidth, cell: func(m wire.Member) string { return m.Email }},
			{title: "subject", most: nameWidth, cell: func(m wire.Member) string { return m.Subject }},
			{title: "role", cell: func(m wire.Member) string { return m.Role }},
			{title: "last seen", cell: func(m wire.Member) string { return whenever(m.LastSeenAt) }},
		})
	})
}

// MembersAddCmd is `mino members add`.
type MembersAddCmd struct {
	Remote

	Member string `arg:"" help:"Address of mail, for somebody who has not come yet, or the subject of their tokens."`
	Role   string `default:"member" placeholder:"ROLE" complete:"viewer,member,admin,owner" help:"Role that they have, at most your own: viewer, member (the default), admin or owner."`
	// Subject is for subjects that look like addresses.
	Subject bool `help:"Take the argument for a subject, whatever it looks like."`
}

// Run adds.
func (c *MembersAddCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		req := wire.MemberRequest{Role: c.Role}
		if strings.Contains(c.Member, "@") && !c.Subject {
			req.Email = c.Member
		} else {
			req.Subject = c.Member
		}
		member, err := api.AddMember(ctx, req)
		if err != nil {
			return asked(err, "make "+c.Member+" a member")
		}
		return c.print(streams, member, func() []string { return renderMember(member) })
	})
}

// MembersSetRoleCmd is `mino members set-role`.
type MembersSetRoleCmd struct {
	Remote

	Member string `arg:"" help:"Id, address or subject of the member."`
	Role   string `arg:"" complete:"viewer,member,admin,owner" help:"Role: viewer, member, admin or owner."`
}

// Run sets.
func (c *MembersSetRoleCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		id, err := findMember(ctx, api, c.Member)
		if err != nil {
			return err
		}
		member, err := api.SetRole(ctx, id, c.Role)
		if err != nil {
			return asked(err, "give the member the role")
		}
		return c.print(streams, member, func() []string { return renderMember(member) })
	})
}

// MembersRemoveCmd is `mino members remove`.
type MembersRemoveCmd struct {
	Remote
	Confirm

	Member string `arg:"" help:"Id, address or subject of the member."`
}

// Run removes.
func (c *MembersRemoveCmd) Run(ctx context.Context, streams Streams) error {
	return c.with(ctx, streams, func(ctx context.Context, api *client.Client) error {
		id, err := findMember(ctx, api, c.Member)
		if err != nil {
			return err
		}
		if err := c.ask(ctx, streams, "Remove "+plain(c.Member)+" from the organisation?"); err != nil {
			return err
		}
		if err := api.RemoveMember(ctx, id); err != nil {
			return asked(err, "remove the member")
		}
		return c.deleted(streams, "the membership of "+plain(c.Member), id)
	})
}

// findMember finds a member by id, address or subject.
func findMember(ctx context.Context, api *client.Client, ref string) (uuid.UUID, error) {
	if id, err := uuid.Parse(ref); err == nil {
		return id, nil
	}
	var found []uuid.UUID
	for member, err := range api.Members(ctx) {
		if err != nil {
			return uuid.Nil, asked(err, "find the member")
		}
		if member.Subject == ref || strings.EqualFold(member.Email, ref) {
			found = append(found, member.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return uuid.Nil, &ExitError{Code: ExitRefused, Err: fmt.Errorf("there is no member %q", ref)}
	}
	return uuid.Nil, &ExitError{Code: ExitRefused, Err: fmt.Errorf("several members are called %q: give the id", ref)}
}

func renderMember(m wire.Member) []string {
	return record(
		[2]string{"id", m.ID.String()},
		[2]string{"name", m.Name},
		[2]string{"email", m.Email},
		[2]string{"subject", m.Subject},
		[2]string{"issuer", m.Issuer},
		[2]string{"role", m.Role},
		[2]string{"created", when(m.CreatedAt)},
		[2]string{"last seen", whenever(m.LastSeenAt)},
	)
}
