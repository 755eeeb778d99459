package access

import (
	"maps"
	"slices"
)

// Operation is what one of the API needs of whoever asks for it.
type Operation struct {
	// Public says that anybody may, known or not.
	Public bool
	// Anyone says that everybody may who is known.
	Anyone bool
	// Permission is needed otherwise.
	Permission Permission
	// Audited says that it is written down who did it.
	Audited bool
}

// operations is everything that may be asked of the API, by operation id. What is not here
// is refused to everybody.
var operations = map[string]Operation{
	"livez":       {Public: true},
	"readyz":      {Public: true},
	"getDocument": {Public: true},
	"getDocs":     {Public: true},

	"getMe":             {Anyone: true},
	"listOrganisations": {Anyone: true},
	"createTicket":      {Permission: ReadExecutions},

	"createProject":     {Permission: WriteProjects, Audited: true},
	"listProjects":      {Permission: ReadProjects},
	"getProject":        {Permission: ReadProjects},
	"updateProject":     {Permission: WriteProjects, Audited: true},
	"deleteProject":     {Permission: WriteProjects, Audited: true},
	"getProjectMetrics": {Permission: ReadProjects},
	"listProjectJobs":   {Permission: ReadJobs},
	"execute":           {Permission: RunExecutions, Audited: true},
	"tryProject":        {Permission: RunExecutions, Audited: true},

	"createBatch":    {Permission: WriteBatches, Audited: true},
	"listBatches":    {Permission: ReadBatches},
	"previewBatch":   {Permission: WriteBatches},
	"getBatch":       {Permission: ReadBatches},
	"updateBatch":    {Permission: WriteBatches, Audited: true},
	"deleteBatch":    {Permission: WriteBatches, Audited: true},
	"setGroundTruth": {Permission: WriteJobs, Audited: true},
	"listJobs":       {Permission: ReadJobs},
	"exportJobs":     {Permission: ReadJobs, Audited: true},

	"listExecutions":            {Permission: ReadExecutions},
	"getExecution":              {Permission: ReadExecutions},
	"getStats":                  {Permission: ReadExecutions},
	"streamEvents":              {Permission: ReadExecutions},
	"streamEventsOverWebSocket": {Permission: ReadExecutions},
	"getExecutionMetrics":       {Permission: ReadExecutions},
	"listExecutionSessions":     {Permission: ReadJobs},
	"exportSessions":            {Permission: ReadJobs, Audited: true},
	"pause":                     {Permission: ControlExecutions, Audited: true},
	"resume":                    {Permission: ControlExecutions, Audited: true},
	"stop":                      {Permission: ControlExecutions, Audited: true},
	"setConcurrency":            {Permission: ControlExecutions, Audited: true},

	"bulkDeleteJobs": {Permission: WriteJobs, Audited: true},
	"bulkUpdateJobs": {Permission: WriteJobs, Audited: true},
	"bulkRerunJobs":  {Permission: RunExecutions, Audited: true},
	"getJob":         {Permission: ReadJobs},
	"updateJob":      {Permission: WriteJobs, Audited: true},
	"deleteJob":      {Permission: WriteJobs, Audited: true},
	"listSessions":   {Permission: ReadJobs},
	"getSession":     {Permission: ReadJobs},
	"getScreenshot":  {Permission: ReadJobs},

	"getOrganisation":    {Permission: ReadOrganisation},
	"updateOrganisation": {Permission: WriteOrganisation, Audited: true},
	"listMembers":        {Permission: ReadMembers},
	"addMember":          {Permission: WriteMembers, Audited: true},
	"updateMember":       {Permission: WriteMembers, Audited: true},
	"removeMember":       {Permission: WriteMembers, Audited: true},
	"listKeys":           {Permission: ReadKeys},
	"createKey":          {Permission: WriteKeys, Audited: true},
	"getKey":             {Permission: ReadKeys},
	"rotateKey":          {Permission: WriteKeys, Audited: true},
	"revokeKey":          {Permission: WriteKeys, Audited: true},
	"listAudit":          {Permission: ReadAudit},
	"exportAudit":        {Permission: ReadAudit, Audited: true},
}

// OperationOf gives what an operation needs; false when nobody may.
func OperationOf(id string) (Operation, bool) {
	o, ok := operations[id]
	return o, ok
}

// OperationIDs lists the ids of the table, in their order.
func OperationIDs() []string { return slices.Sorted(maps.Keys(operations)) }

// May tells whether a principal may do an operation. What is public is everybody's; the
// zero principal is nobody and may nothing else.
func (o Operation) May(p Principal) bool {
	switch {
	case o.Public:
		return true
	case !p.Known():
		return false
	case o.Anyone:
		return true
	}
	return p.May(o.Permission)
}
