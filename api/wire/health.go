package wire

// HealthOK is the status of what works.
const HealthOK = "ok"

// Health is the answer of /livez and, while everything works, of /readyz; what does
// not answer is named by the Problem that /readyz answers instead, status 503.
type Health struct {
	Status string `json:"status"`
	// Parts are what the API depends on, each with its status.
	Parts map[string]string `json:"parts,omitempty"`
}
