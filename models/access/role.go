// Package access says who may do what.
//
// A request is somebody's: a Principal, whom authentication has made known, in one
// organisation, with a role there. A role has permissions; a key may have fewer than its
// role, its scopes. What an operation of the API needs stands in one table, by the id that
// the operation has in the API's document, and an operation that is not in it is nobody's.
//
// This code is authoritative for roles, permissions and operations, and the database for
// who has which role. Nothing here is kept, and nothing fails.
package access

import "slices"

// Role is what somebody is in an organisation. Each has the permissions of those before it.
type Role string

// The roles, from the least to the most.
const (
	Viewer Role = "viewer"
	Member Role = "member"
	Admin  Role = "admin"
	Owner  Role = "owner"
)

// Roles lists the roles from the least to the most.
func Roles() []Role { return []Role{Viewer, Member, Admin, Owner} }

// Valid tells whether there is such a role.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Includes tells whether a role has all that another has. No role includes one that there
// is not.
func (r Role) Includes(other Role) bool {
	mine, theirs := slices.Index(Roles(), r), slices.Index(Roles(), other)
	return theirs >= 0 && mine >= theirs
}

// Permission is what an operation needs, and the scope of a key.
type Permission string

// The permissions.
const (
	ReadProjects      Permission = "projects:read"
	WriteProjects     Permission = "projects:write"
	ReadBatches       Permission = "batches:read"
	WriteBatches      Permission = "batches:write"
	ReadExecutions    Permission = "executions:read"
	RunExecutions     Permission = "executions:run"
	ControlExecutions Permission = "executions:control"
	ReadJobs          Permission = "jobs:read"
	WriteJobs         Permission = "jobs:write"
	ReadOrganisation  Permission = "organisation:read"
	WriteOrganisation Permission = "organisation:write"
	ReadMembers       Permission = "members:read"
	WriteMembers      Permission = "members:write"
	ReadKeys          Permission = "keys:read"
	WriteKeys         Permission = "keys:write"
	ReadAudit         Permission = "audit:read"
)

// least is the least role that has a permission.
var least = map[Permission]Role{
	ReadProjects:      Viewer,
	ReadBatches:       Viewer,
	ReadExecutions:    Viewer,
	ReadJobs:          Viewer,
	ReadOrganisation:  Viewer,
	WriteProjects:     Member,
	WriteBatches:      Member,
	RunExecutions:     Member,
	ControlExecutions: Member,
	WriteJobs:         Member,
	ReadMembers:       Admin,
	WriteMembers:      Admin,
	ReadKeys:          Admin,
	WriteKeys:         Admin,
	ReadAudit:         Admin,
	WriteOrganisation: Owner,
}

// Permissions lists all permissions, in the order of their names.
func Permissions() []Permission {
	all := make([]Permission, 0, len(least))
	for p := range least {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// Valid tells whether there is such a permission.
func (p Permission) Valid() bool {
	_, ok := least[p]
	return ok
}

// May tells whether a role has a permission.
func (r Role) May(p Permission) bool {
	role, ok := least[p]
	return ok && r.Includes(role)
}
