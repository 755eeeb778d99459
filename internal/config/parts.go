package config

import (
	"net"
	"net/netip"
	"time"

	"github.com/invopop/validation"
)

// Database says where the records are kept.
type Database struct {
	URL DatabaseURL `name:"database-url" env:"DATABASE_URL" placeholder:"URL" help:"PostgreSQL to use, such as postgres://user:password@host:5432/mino. Dev and demo start their own when it is not set."`
	// MaxConnections bounds the pool of this process.
	MaxConnections int `name:"database-max-connections" env:"MINO_DATABASE_MAX_CONNECTIONS" default:"20" help:"Most connections that this process opens to PostgreSQL, 2 to 1000."`

	// StartsOwn is set by commands that start a PostgreSQL of their own when URL is
	// empty; it makes an empty URL valid.
	StartsOwn bool `kong:"-"`
}

// Check implements Part.
func (d *Database) Check() error {
	return validation.ValidateStruct(d,
		validation.Field(&d.URL, unless(d.StartsOwn, required), validation.By(databaseURL)),
		validation.Field(&d.MaxConnections, between(2, 1000)),
	)
}

// Temporal says which Temporal service runs the workflows.
type Temporal struct {
	Address   string `name:"temporal-address" env:"TEMPORAL_ADDRESS" default:"${temporal_address=127.0.0.1:7233}" placeholder:"HOST:PORT" help:"Temporal service to use (default for api and worker: 127.0.0.1:7233). Dev and demo start their own when it is not set."`
	Namespace string `name:"temporal-namespace" env:"TEMPORAL_NAMESPACE" default:"default" help:"Temporal namespace."`
	APIKey    Secret `name:"temporal-api-key" env:"TEMPORAL_API_KEY" placeholder:"KEY" help:"API key for the Temporal service; switches TLS on."`
	TLS       bool   `name:"temporal-tls" env:"TEMPORAL_TLS" help:"Connect to Temporal over TLS."`
	TLSCA     string `name:"temporal-tls-ca" env:"TEMPORAL_TLS_CA" placeholder:"FILE" help:"PEM file with the authorities to trust instead of the system's; switches TLS on."`
	TLSCert   string `name:"temporal-tls-cert" env:"TEMPORAL_TLS_CERT" placeholder:"FILE" help:"PEM file with the client certificate; switches TLS on."`
	TLSKey    string `name:"temporal-tls-key" env:"TEMPORAL_TLS_KEY" placeholder:"FILE" help:"PEM file with the client certificate's key."`
	// TLSServerName is for a service that is reached under another name than its
	// certificate's.
	TLSServerName string `name:"temporal-tls-server-name" env:"TEMPORAL_TLS_SERVER_NAME" placeholder:"NAME" help:"Name expected in the server's certificate, when it is not the address's host."`

	// StartsOwn is set by commands that start a Temporal dev server of their own when
	// Address is empty; it makes an empty Address valid.
	StartsOwn bool `kong:"-"`
}

// Check implements Part.
func (t *Temporal) Check() error {
	return validation.ValidateStruct(t,
		validation.Field(&t.Address, unless(t.StartsOwn, required), validation.By(hostPort)),
		validation.Field(&t.Namespace, required),
		validation.Field(&t.TLSCA, validation.By(readableFile)),
		validation.Field(&t.TLSCert, validation.By(readableFile), pairedWith(t.TLSKey, "--temporal-tls-key")),
		validation.Field(&t.TLSKey, validation.By(readableFile), pairedWith(t.TLSCert, "--temporal-tls-cert")),
	)
}

// UsesTLS tells whether any setting asks for TLS.
func (t *Temporal) UsesTLS() bool {
	return t.TLS || t.APIKey != "" || t.TLSCA != "" || t.TLSCert != "" || t.TLSServerName != ""
}

// API says how the REST API listens and what it takes.
type API struct {
	Listen string `name:"listen" env:"MINO_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address the API listens on; port 0 takes a free one. What leads there from beyond this machine should be TLS: MINO itself speaks HTTP."`
	// MaxRows is the most rows of an upload.
	MaxRows int `name:"max-rows" env:"MINO_MAX_ROWS" default:"10000" help:"Most rows of an upload, 1 to 1000000."`
	// BodyLimitMiB bounds a request's body, uploads included.
	BodyLimitMiB   int           `name:"body-limit-mib" env:"MINO_BODY_LIMIT_MIB" default:"64" help:"Largest request body in MiB, 1 to 1024."`
	ReadTimeout    time.Duration `name:"read-timeout" env:"MINO_READ_TIMEOUT" default:"60s" help:"Time to receive a whole request, 1s to 1h."`
	IdleTimeout    time.Duration `name:"idle-timeout" env:"MINO_IDLE_TIMEOUT" default:"60s" help:"Time an idle connection is kept, 1s to 1h."`
	RequestTimeout time.Duration `name:"request-timeout" env:"MINO_REQUEST_TIMEOUT" default:"30s" help:"Time to answer a request once it is received, 1s to 10m."`
	StopTimeout    time.Duration `name:"api-stop-timeout" env:"MINO_API_STOP_TIMEOUT" default:"15s" help:"Time that requests under way get to finish at shutdown, 0s to 10m."`
	// Origins are beside the API's own.
	Origins []string `name:"origins" env:"MINO_ORIGINS" placeholder:"ORIGIN,..." help:"Origins whose pages may use the API and open WebSockets beside the API's own, such as https://app.example."`
	// TrustedProxies stand before the API.
	TrustedProxies []string `name:"trusted-proxies" env:"MINO_TRUSTED_PROXIES" placeholder:"CIDR,..." help:"Networks of the proxies before the API, whose X-Forwarded-For says where a request comes from."`
	MaxStreams     int      `name:"max-streams" env:"MINO_MAX_STREAMS" default:"10000" help:"Most streams of events that are open at once, 1 to 100000."`
	// RequestsPerMinute is for each process.
	RequestsPerMinute int `name:"requests-per-minute" env:"MINO_REQUESTS_PER_MINUTE" default:"0" help:"Most requests of an organisation in a minute to this process, 0 to 100000000; 0 is any number. An organisation that has a limit of its own has that."`
	RequestsPerKey    int `name:"requests-per-key-minute" env:"MINO_REQUESTS_PER_KEY_MINUTE" default:"0" help:"Most requests with one API key, or of one person, in a minute to this process, 0 to 100000000; 0 is any number."`
	MaxExports        int `name:"max-exports" env:"MINO_MAX_EXPORTS" default:"4" help:"Most exports that run at once, 1 to 100; each has a connection to PostgreSQL of its own."`
}

// Check implements Part.
func (a *API) Check() error {
	return validation.ValidateStruct(a,
		validation.Field(&a.Listen, required, validation.By(hostPort)),
		validation.Field(&a.MaxRows, between(1, 1_000_000)),
		validation.Field(&a.BodyLimitMiB, between(1, 1024)),
		validation.Field(&a.ReadTimeout, between(time.Second, time.Hour)),
		validation.Field(&a.IdleTimeout, between(time.Second, time.Hour)),
		validation.Field(&a.RequestTimeout, between(time.Second, 10*time.Minute)),
		validation.Field(&a.StopTimeout, between(0, 10*time.Minute)),
		validation.Field(&a.Origins, validation.By(origins)),
		validation.Field(&a.TrustedProxies, validation.By(networks)),
		validation.Field(&a.MaxStreams, between(1, 100_000)),
		validation.Field(&a.RequestsPerMinute, between(0, 100_000_000)),
		validation.Field(&a.RequestsPerKey, between(0, 100_000_000)),
		validation.Field(&a.MaxExports, between(1, 100)),
	)
}

// Proxies gives TrustedProxies parsed, as Networks does.
func (a *API) Proxies() []netip.Prefix { return prefixes(a.TrustedProxies) }

// BodyLimit is BodyLimitMiB in bytes.
func (a *API) BodyLimit() int { return a.BodyLimitMiB << 20 }

// BeyondLoopback tells whether others than this machine can reach the API. A host
// that is a name counts as beyond, since what it resolves to can change.
func (a *API) BeyondLoopback() bool {
	host, _, err := net.SplitHostPort(a.Listen)
	if err != nil {
		return true
	}
	if host == "localhost" {
		return false
	}
	address, err := netip.ParseAddr(host)
	return err != nil || !address.IsLoopback()
}

// Worker says how jobs are done.
type Worker struct {
	TaskQueue               string        `name:"task-queue" env:"MINO_TASK_QUEUE" default:"mino" help:"Task queue of the workflow and its activities."`
	MaxConcurrentActivities int           `name:"max-concurrent-activities" env:"MINO_MAX_CONCURRENT_ACTIVITIES" default:"100" help:"Most jobs that this worker does at once, over all executions, 1 to 1000."`
	StopTimeout             time.Duration `name:"worker-stop-timeout" env:"MINO_WORKER_STOP_TIMEOUT" default:"30s" help:"Time that jobs under way get to finish at shutdown, 0s to 10m; the rest goes to other workers."`
	AllowedNetworks         []string      `name:"allowed-networks" env:"MINO_ALLOWED_NETWORKS" placeholder:"CIDR,..." help:"Networks that jobs may reach although they are not public, such as 10.1.0.0/16."`
	PageSize                int           `name:"page-size" env:"MINO_PAGE_SIZE" default:"200" help:"Jobs that a workflow reads at once, 1 to 1000."`
	JobsPerChunk            int           `name:"jobs-per-chunk" env:"MINO_JOBS_PER_CHUNK" default:"2000" help:"Jobs that one chunk of an execution takes, 1 to 2500; it takes fewer when its history is long."`
	MetricsListen           string        `name:"metrics-listen" env:"MINO_METRICS_LISTEN" placeholder:"HOST:PORT" help:"Address on which the process serves Prometheus metrics at /metrics; none are served without it."`
}

// Check implements Part.
func (w *Worker) Check() error {
	return validation.ValidateStruct(w,
		validation.Field(&w.TaskQueue, required),
		validation.Field(&w.MaxConcurrentActivities, between(1, 1000)),
		validation.Field(&w.StopTimeout, between(0, 10*time.Minute)),
		validation.Field(&w.AllowedNetworks, validation.By(networks)),
		validation.Field(&w.PageSize, between(1, 1000)),
		validation.Field(&w.JobsPerChunk, between(1, 2500)),
		validation.Field(&w.MetricsListen, unless(w.MetricsListen == "", validation.By(hostPort))),
	)
}

// Networks gives AllowedNetworks parsed. Call it after Verify: what does not parse
// is an error there and left out here.
func (w *Worker) Networks() []netip.Prefix { return prefixes(w.AllowedNetworks) }

func prefixes(texts []string) []netip.Prefix {
	parsed := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		if prefix, err := parseNetwork(text); err == nil {
			parsed = append(parsed, prefix)
		}
	}
	return parsed
}

// Executors says what the executors of jobs need.
type Executors struct {
	// SecretsKey is one or more keys; see package internal/vault.
	SecretsKey Secret `name:"secrets-key" env:"MINO_SECRETS_KEY" placeholder:"KEY,..." help:"Key that secrets of projects are kept under, 32 bytes in base64; older keys may follow, separated by commas. Without one there are no secrets."`
	AgentURL   string `name:"agent-url" env:"MINO_AGENT_URL" default:"https://agent.tinyfish.ai" placeholder:"URL" help:"Web-agent service of projects that name none."`
	AgentKey   Secret `name:"agent-api-key" env:"MINO_AGENT_API_KEY" placeholder:"KEY" help:"Key to that service for projects that have no key of their own."`
	// AgentPrice is in millionths of AgentCurrency.
	AgentPrice    int64  `name:"agent-price-per-step-micros" env:"MINO_AGENT_PRICE_PER_STEP_MICROS" default:"16000" help:"Price of a step of an agent's run in millionths of the currency, unless a project says otherwise, 0 to 1000000000."`
	AgentCurrency string `name:"agent-currency" env:"MINO_AGENT_CURRENCY" default:"USD" help:"Currency of that price, an ISO 4217 code."`
	// AgentSpacing is for each key.
	AgentSpacing time.Duration `name:"agent-create-spacing" env:"MINO_AGENT_CREATE_SPACING" default:"1s" help:"Least time between two starts of agents' runs in this process under one key, 1ms to 1m."`
	AgentSlots   int           `name:"agent-slots" env:"MINO_AGENT_SLOTS" default:"200" help:"Most agent jobs that this worker does at once, 0 to 1000; 0 leaves them to other workers."`
	BrowserSlots int           `name:"browser-slots" env:"MINO_BROWSER_SLOTS" default:"2" help:"Most browsers that this worker runs at once, 0 to 9; 0 leaves their jobs to other workers."`
	Chromium     string        `name:"chromium" env:"MINO_CHROMIUM" placeholder:"FILE" help:"Chromium to use; otherwise the PATH is searched."`
	// NoSandbox is for systems that let no process have one.
	NoSandbox bool `name:"chromium-no-sandbox" env:"MINO_CHROMIUM_NO_SANDBOX" help:"Run Chromium without its sandbox: for systems that give it none, such as containers without user namespaces."`
}

// Check implements Part.
func (e *Executors) Check() error {
	return validation.ValidateStruct(e,
		validation.Field(&e.SecretsKey, validation.By(secretsKey)),
		validation.Field(&e.AgentURL, required, validation.By(httpURL)),
		validation.Field(&e.AgentPrice, between(int64(0), 1_000_000_000)),
		validation.Field(&e.AgentCurrency, validation.By(currency)),
		validation.Field(&e.AgentSpacing, between(time.Millisecond, time.Minute)),
		validation.Field(&e.AgentSlots, between(0, 1000)),
		validation.Field(&e.BrowserSlots, between(0, 9)),
		validation.Field(&e.Chromium, validation.By(program)),
	)
}

// Log says what is logged and how it looks.
type Log struct {
	Level  string `name:"log-level" env:"MINO_LOG_LEVEL" default:"${log_level=info}" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error."`
	Format string `name:"log-format" env:"MINO_LOG_FORMAT" default:"${log_format=json}" placeholder:"FORMAT" help:"How log lines look: json or console."`
}

// Check implements Part.
func (l *Log) Check() error {
	return validation.ValidateStruct(l,
		validation.Field(&l.Level, oneOf("debug", "info", "warn", "error")),
		validation.Field(&l.Format, oneOf("json", "console")),
	)
}

// Dev says how the dev stack finds its servers and where it keeps their data.
type Dev struct {
	Dir         string `name:"dir" env:"MINO_DIR" default:".mino" placeholder:"DIR" help:"Directory of the dev stack's data and logs."`
	TemporalCLI string `name:"temporal-cli" env:"MINO_TEMPORAL_CLI" placeholder:"FILE" help:"Temporal command line tool to start the dev server with; otherwise DIR/bin and the PATH are searched."`
}

// Check implements Part.
func (d *Dev) Check() error {
	return validation.ValidateStruct(d,
		validation.Field(&d.Dir, required),
		validation.Field(&d.TemporalCLI, validation.By(program)),
	)
}
