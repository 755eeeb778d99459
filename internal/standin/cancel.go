package standin

import (
	"net/http"
	"time"
)

// cancellation is the answer to a cancel.
type cancellation struct {
	RunID       string  `json:"run_id"`
	Status      Status  `json:"status"`
	CancelledAt *string `json:"cancelled_at"`
	Message     *string `json:"message"`
}

func (s *Server) serveCancel(w http.ResponseWriter, r *http.Request) {
	f, _ := s.nextFault(EndpointCancel)
	s.reply(w, r, EndpointCancel, f, func() answer {
		run, ok := s.find(r.PathValue("id"))
		if !ok {
			return notFound()
		}
		if run.endpoint == EndpointRun {
			return invalid(detail{"run_id", "is that of a blocking run, which cannot be cancelled"})
		}
		return answer{status: http.StatusOK, body: run.cancelAt(s.now())}
	})
}

func (s *Server) serveCancelBatch(w http.ResponseWriter, r *http.Request) {
	ids, problem := readIDs(w, r)
	if problem != nil {
		problem.write(w)
		return
	}
	f, _ := s.nextFault(EndpointCancelBatch)
	s.reply(w, r, EndpointCancelBatch, f, func() answer {
		found, missing := s.findAll(ids)
		results := []cancellation{}
		for _, run := range found {
			if run.endpoint == EndpointRun {
				// As if it were not there: it is none of those that can be cancelled.
				missing = append(missing, run.id)
				continue
			}
			results = append(results, run.cancelAt(s.now()))
		}
		return answer{status: http.StatusOK, body: map[string]any{"results": results, "not_found": missing}}
	})
}

// cancelAt cancels a run that has not ended, and says how it stands.
func (r *run) cancelAt(now time.Time) cancellation {
	already := r.at(now).isOver()
	r.cancel(now)
	v := r.at(now)
	out := cancellation{RunID: r.id, Status: v.status()}
	if out.Status == StatusCancelled {
		out.CancelledAt = stamped(v.finishedAt())
	}
	if already {
		out.Message = new("The run had ended already")
	}
	return out
}
