package standin

import (
	"io"
	"net/http"
)

// nextFault is the fault that was asked for the next call of an endpoint.
func (s *Server) nextFault(endpoint Endpoint) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeFault(endpoint)
}

// takeFault is nextFault with the lock held.
func (s *Server) takeFault(endpoint Endpoint) (Fault, bool) {
	queue := s.failing[endpoint]
	if len(queue) == 0 {
		return Fault{Kind: None}, false
	}
	s.failing[endpoint] = queue[1:]
	return queue[0], true
}

// refuses tells what a fault answers instead of doing what was asked; with abort, it
// answers nothing.
func (f Fault) refuses(endpoint Endpoint) (a answer, abort, refused bool) {
	switch f.Kind {
	case RateLimited:
		a = refusal(http.StatusTooManyRequests, codeRateLimited, "Too many requests")
		a.retryAfter = f.RetryAfter
	case Busy:
		a = refusal(http.StatusServiceUnavailable, codeBusy, "The service is busy; nothing was started")
		a.retryAfter = f.RetryAfter
	case Internal:
		a = internalError()
	case Forbidden:
		a = refusal(http.StatusForbidden, codeForbidden, "Insufficient credits for this operation")
	case NoCredits:
		a = noCredits()
	case Unauthorized:
		a = refusal(http.StatusUnauthorized, codeInvalidKey, "The API key is not valid")
	case BadRequest:
		a = invalid()
	case NotFound:
		a = refusal(http.StatusNotFound, codeNotFound, "Run not found")
	case CutBefore:
		return answer{}, true, true
	case RunNotCreated:
		if endpoint != EndpointRun {
			return internalError(), false, true
		}
		a = answer{status: http.StatusInternalServerError, body: wireOutcome{
			Status: StatusFailed, Result: orNull(nil),
			Error: &RunError{Code: codeInternal, Message: "The run could not be created", Category: "SYSTEM_FAILURE"},
		}}
	case RunFailed:
		if endpoint == EndpointRun {
			return answer{}, false, false
		}
		a = internalError()
	case None, CutAfter, Timeout, Gateway, Garbled, Delayed:
		return answer{}, false, false
	}
	return a, false, true
}

func internalError() answer {
	return refusal(http.StatusInternalServerError, codeInternal, "Something went wrong")
}

func noCredits() answer {
	return refusal(http.StatusForbidden, codeNoCredits, "There are not enough credits")
}

// reply answers a call: it does what was asked, unless the fault refuses that, and
// spoils the answer as the fault says.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, endpoint Endpoint, f Fault, do func() answer) {
	if a, abort, refused := f.refuses(endpoint); refused {
		if abort {
			cut()
		}
		a.write(w)
		return
	}
	a := do()
	if !s.spoil(w, r, f, a) {
		a.write(w)
	}
}

// gatewayPage is what a proxy between answers in the API's stead.
const gatewayPage = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"

// spoil tells whether it has answered in another way than asked for.
func (s *Server) spoil(w http.ResponseWriter, r *http.Request, f Fault, a answer) (answered bool) {
	switch f.Kind {
	case CutAfter:
		cut()
	case Timeout:
		refusal(http.StatusGatewayTimeout, codeTimeout, "The request took too long").write(w)
		return true
	case Gateway:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, gatewayPage) // a client that left has nobody to tell
		return true
	case Garbled:
		text := marshal(a.body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(text[:len(text)/2]) // a client that left has nobody to tell
		return true
	case Delayed:
		if s.waitUntil(r.Context(), s.now().Add(s.scaled(first(f.Delay, defaultDelay))), nil) != nil {
			cut()
		}
	case None, RateLimited, Busy, Internal, Forbidden, NoCredits, Unauthorized, BadRequest, NotFound, CutBefore, RunNotCreated,
		RunFailed:
	}
	return false
}
