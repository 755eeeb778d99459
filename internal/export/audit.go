package export

import "github.com/minohq/mino/models"

// Audit gives the columns of the audit log; there is no choice of them.
func Audit() *Table[models.AuditEntry] {
	type entry = models.AuditEntry
	return bind([]column[entry]{
		own("id", func(e *entry) Cell { return idCell(e.ID) }),
		own("created_at", func(e *entry) Cell { return timeCell(e.CreatedAt) }),
		own("actor_kind", func(e *entry) Cell { return textCell(string(e.ActorKind)) }),
		own("actor_id", func(e *entry) Cell { return textCell(e.ActorID) }),
		own("actor_name", func(e *entry) Cell { return textCell(e.ActorName) }),
		own("operation", func(e *entry) Cell { return textCell(e.Operation) }),
		own("target_type", func(e *entry) Cell { return textCell(e.TargetType) }),
		own("target_id", func(e *entry) Cell { return textCell(e.TargetID) }),
		own("outcome", func(e *entry) Cell { return textCell(string(e.Outcome)) }),
		own("before", func(e *entry) Cell { return jsonCell(e.Before) }),
		own("after", func(e *entry) Cell { return jsonCell(e.After) }),
		own("request_id", func(e *entry) Cell { return textCell(e.RequestID) }),
		own("ip", func(e *entry) Cell {
			if e.IP == nil {
				return Cell{}
			}
			return textCell(*e.IP)
		}),
		own("user_agent", func(e *entry) Cell { return textCell(e.UserAgent) }),
	})
}
