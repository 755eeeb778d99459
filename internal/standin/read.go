package standin

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of lists.
const (
	defaultLimit = 20
	mostLimit    = 100
)

func (s *Server) serveGet(w http.ResponseWriter, r *http.Request) {
	screenshots := r.URL.Query().Get("screenshots")
	if !slices.Contains([]string{"", "none", "base64"}, screenshots) {
		invalid(detail{"screenshots", "must be none or base64"}).write(w)
		return
	}
	run, known := s.find(r.PathValue("id"))
	f, asked := s.nextFault(EndpointGet)
	if known && !asked {
		f = faultAt(run.behaviour.Poll, int(run.polls.Add(1)-1))
	}
	s.reply(w, r, EndpointGet, f, func() answer {
		if !known {
			return notFound()
		}
		return answer{status: http.StatusOK, body: run.at(s.now()).detail(base(r), screenshots == "base64")}
	})
}

func notFound() answer { return refusal(http.StatusNotFound, codeNotFound, "Run not found") }

func (s *Server) serveGetBatch(w http.ResponseWriter, r *http.Request) {
	ids, problem := readIDs(w, r)
	if problem != nil {
		problem.write(w)
		return
	}
	f, _ := s.nextFault(EndpointGetBatch)
	s.reply(w, r, EndpointGetBatch, f, func() answer {
		found, missing := s.findAll(ids)
		data := make([]wireRun, len(found))
		for i, run := range found {
			data[i] = run.at(s.now()).wire(base(r))
		}
		return answer{status: http.StatusOK, body: map[string]any{"data": data, "not_found": missing}}
	})
}

// readIDs reads the body of the calls that are about several runs.
func readIDs(w http.ResponseWriter, r *http.Request) ([]string, *answer) {
	text, problem := readBody(w, r)
	if problem != nil {
		return nil, problem
	}
	var in struct {
		RunIDs []string `json:"run_ids"`
	}
	if err := json.Unmarshal(text, &in); err != nil || len(in.RunIDs) < 1 || len(in.RunIDs) > maxBatch {
		return nil, new(invalid(detail{"run_ids", fmt.Sprintf("must be 1 to %d ids", maxBatch)}))
	}
	return in.RunIDs, nil
}

func (s *Server) findAll(ids []string) (found []*run, missing []string) {
	missing = []string{}
	for _, id := range ids {
		if run, ok := s.find(id); ok {
			found = append(found, run)
		} else {
			missing = append(missing, id)
		}
	}
	return found, missing
}

// listQuery is what a list is asked for.
type listQuery struct {
	status        Status
	goal          string
	after, before time.Time
	ascending     bool
	from          int // the place in the order of creation to go on from; -1 is the beginning
	limit         int
}

func (s *Server) serveList(w http.ResponseWriter, r *http.Request) {
	query, wrong := parseList(r.URL.Query())
	if len(wrong) > 0 {
		invalid(wrong...).write(w)
		return
	}
	f, _ := s.nextFault(EndpointList)
	s.reply(w, r, EndpointList, f, func() answer { return s.list(query, base(r)) })
}

func (s *Server) list(q listQuery, base string) answer {
	now, all := s.now(), s.all()
	data := []wireRun{}
	total, next := 0, -1
	for i := range all {
		place := i
		if !q.ascending {
			place = len(all) - 1 - i
		}
		if !q.matches(all[place], now) {
			continue
		}
		total++
		begun := q.from < 0 || (q.ascending && place >= q.from) || (!q.ascending && place <= q.from)
		switch {
		case !begun:
		case len(data) < q.limit:
			data = append(data, all[place].at(now).wire(base))
		case next < 0:
			next = place
		}
	}
	pagination := map[string]any{"total": total, "next_cursor": nil, "has_more": next >= 0}
	if next >= 0 {
		pagination["next_cursor"] = cursorOf(q.ascending, next)
	}
	return answer{status: http.StatusOK, body: map[string]any{"data": data, "pagination": pagination}}
}

// matches compares goals without regard to case, and times as they are written, in
// milliseconds: a run that was created in the very millisecond is not after it.
func (q listQuery) matches(r *run, now time.Time) bool {
	created := r.created.Truncate(time.Millisecond)
	return (q.status == "" || r.at(now).status() == q.status) &&
		(q.after.IsZero() || created.After(q.after)) &&
		(q.before.IsZero() || created.Before(q.before)) &&
		(q.goal == "" || strings.Contains(strings.ToLower(r.req.Goal), strings.ToLower(q.goal)))
}

func parseList(values url.Values) (listQuery, []detail) {
	q := listQuery{goal: values.Get("goal"), status: Status(values.Get("status")), from: -1, limit: defaultLimit}
	var wrong []detail
	if q.status != "" && !slices.Contains(statuses(), q.status) {
		wrong = append(wrong, detail{"status", "is unknown"})
	}
	for name, into := range map[string]*time.Time{"created_after": &q.after, "created_before": &q.before} {
		if text := values.Get(name); text != "" {
			moment, err := time.Parse(time.RFC3339, text)
			if err != nil {
				wrong = append(wrong, detail{name, "must be an ISO 8601 time"})
			}
			*into = moment
		}
	}
	switch values.Get("sort_direction") {
	case "", "desc":
	case "asc":
		q.ascending = true
	default:
		wrong = append(wrong, detail{"sort_direction", "must be asc or desc"})
	}
	if text := values.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > mostLimit {
			wrong = append(wrong, detail{"limit", fmt.Sprintf("must be 1 to %d", mostLimit)})
		}
		q.limit = limit
	}
	if text := values.Get("cursor"); text != "" {
		from, err := placeOf(text, q.ascending)
		if err != nil {
			wrong = append(wrong, detail{"cursor", "is not one of this list"})
		}
		q.from = from
	}
	return q, wrong
}

// A cursor is the place in the order of creation of the next run, and the direction.
const cursorForm = "%t %d"

func cursorOf(ascending bool, place int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, cursorForm, ascending, place))
}

func placeOf(cursor string, ascending bool) (place int, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	var direction bool
	if _, err := fmt.Sscanf(string(text), cursorForm, &direction, &place); err != nil {
		return 0, err
	}
	if direction != ascending || place < 0 {
		return 0, errors.New("the cursor is one of another list")
	}
	return place, nil
}
