package config_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/workflows/contract"
)

// settings is every part as one command line.
type settings struct {
	Database config.Database `embed:""`
	Temporal config.Temporal `embed:""`
	API      config.API      `embed:""`
	Auth     config.Auth     `embed:""`
	AuthKey  config.AuthKey  `embed:""`
	OIDC     config.OIDC     `embed:""`
	Worker   config.Worker   `embed:""`

	Executors config.Executors `embed:""`

	Log config.Log `embed:""`
	Dev config.Dev `embed:""`
}

func (s *settings) parts() []config.Part {
	return []config.Part{&s.Database, &s.Temporal, &s.API, &s.Auth, &s.AuthKey, &s.OIDC, &s.Worker, &s.Executors, &s.Log, &s.Dev}
}

// TestMain takes the settings out of the environment, so that what a developer has
// set there changes no outcome.
func TestMain(m *testing.M) {
	for _, setting := range config.Effective(new(settings).parts()...) {
		if setting.Env == "" {
			continue
		}
		if err := os.Unsetenv(setting.Env); err != nil {
			panic(err)
		}
	}
	m.Run()
}

func parse(t *testing.T, cli any, args ...string) {
	t.Helper()
	parser, err := kong.New(cli, kong.Name("mino"))
	require.NoError(t, err)
	_, err = parser.Parse(args)
	require.NoError(t, err)
}

func TestVerify(t *testing.T) {
	t.Parallel()

	t.Run("AcceptsTheDefaultsOnceTheDatabaseAndTheKeyOfKeysAreNamed", func(t *testing.T) {
		t.Parallel()
		var s settings
		parse(t, &s, "--database-url=postgres://mino@localhost/mino", "--auth-key="+newKey(t))
		require.NoError(t, config.Verify(s.parts()...))
		require.Equal(t, "127.0.0.1:7233", s.Temporal.Address)
		require.Equal(t, "127.0.0.1:8080", s.API.Listen)
		require.Equal(t, contract.TaskQueue, s.Worker.TaskQueue)
		require.Equal(t, 30*time.Second, s.Worker.StopTimeout)
		require.Equal(t, 64<<20, s.API.BodyLimit())
	})

	t.Run("ReportsEverythingThatIsWrongByFlagAndVariableInOrder", func(t *testing.T) {
		t.Parallel()
		var s settings
		parse(t, &s,
			"--database-url=postgres://mino:hunter2@host:notaport/mino", "--database-max-connections=1",
			"--temporal-address=nowhere", "--temporal-namespace=", "--temporal-tls-cert="+os.Args[0],
			"--listen=127.0.0.1:99999", "--auth=maybe", "--auth-key=hunter2", "--oidc-issuer=http://issuer.example", "--max-rows=0", "--body-limit-mib=2000", "--request-timeout=0s",
			"--allowed-networks=10.0.0.0/8,10.1.2.3/8,home", "--page-size=0", "--jobs-per-chunk=5000",
			"--log-level=loud", "--log-format=xml", "--temporal-cli=no/such/file")
		err := config.Verify(s.parts()...)

		var wrong *config.Error
		require.ErrorAs(t, err, &wrong)
		messages := make([]string, 0, len(wrong.Problems))
		for _, p := range wrong.Problems {
			messages = append(messages, p.String())
		}
		require.Equal(t, []string{
			"--database-url (DATABASE_URL): is not the address of a PostgreSQL database, such as postgres://user:password@host:5432/mino",
			"--database-max-connections (MINO_DATABASE_MAX_CONNECTIONS): must be between 2 and 1000, is 1",
			`--temporal-address (TEMPORAL_ADDRESS): must be HOST:PORT, is "nowhere"`,
			"--temporal-namespace (TEMPORAL_NAMESPACE): is required",
			"--temporal-tls-cert (TEMPORAL_TLS_CERT): needs --temporal-tls-key as well",
			`--listen (MINO_LISTEN): must have a port between 0 and 65535, is "127.0.0.1:99999"`,
			"--max-rows (MINO_MAX_ROWS): must be between 1 and 1000000, is 0",
			"--body-limit-mib (MINO_BODY_LIMIT_MIB): must be between 1 and 1024, is 2000",
			"--request-timeout (MINO_REQUEST_TIMEOUT): must be between 1s and 10m0s, is 0s",
			`--auth (MINO_AUTH): must be one of required, off, is "maybe"`,
			"--auth-key (MINO_AUTH_KEY): key 1 must be 32 bytes in base64, as `openssl rand -base64 32` gives them",
			"--oidc-issuer (MINO_OIDC_ISSUER): must be https, or http on this machine",
			"--oidc-audience (MINO_OIDC_AUDIENCE): needs at least one",
			`--allowed-networks (MINO_ALLOWED_NETWORKS): must be networks such as 10.1.0.0/16, but "10.1.2.3/8", "home" is none`,
			"--page-size (MINO_PAGE_SIZE): must be between 1 and 1000, is 0",
			"--jobs-per-chunk (MINO_JOBS_PER_CHUNK): must be between 1 and 2500, is 5000",
			`--log-level (MINO_LOG_LEVEL): must be one of debug, info, warn, error, is "loud"`,
			`--log-format (MINO_LOG_FORMAT): must be one of json, console, is "xml"`,
			`--temporal-cli (MINO_TEMPORAL_CLI): cannot be run: exec: "no/such/file": stat no/such/file: no such file or directory`,
		}, messages)
		require.NotContains(t, err.Error(), "hunter2")
		require.Contains(t, err.Error(), "the configuration is not valid:\n  --database-url (DATABASE_URL): ")
	})

	t.Run("AsksForAddressesOnlyOfCommandsThatStartNoServersOfTheirOwn", func(t *testing.T) {
		t.Parallel()
		database, temporal := config.Database{MaxConnections: 5}, config.Temporal{Namespace: "default"}
		require.ErrorContains(t, config.Verify(&database), "--database-url (DATABASE_URL): is required")
		require.ErrorContains(t, config.Verify(&temporal), "--temporal-address (TEMPORAL_ADDRESS): is required")
		database.StartsOwn, temporal.StartsOwn = true, true
		require.NoError(t, config.Verify(&database, &temporal))
		database.URL = "postgres://host:notaport/"
		require.Error(t, config.Verify(&database), "an address that is given is checked all the same")
	})

	t.Run("RefusesWhatIsNoFileAndWhatIsNoProgram", func(t *testing.T) {
		t.Parallel()
		text := filepath.Join(t.TempDir(), "text")
		require.NoError(t, os.WriteFile(text, nil, 0o600))
		temporal := config.Temporal{Address: "host:7233", Namespace: "default", TLSCA: filepath.Dir(text)}
		require.ErrorContains(t, config.Verify(&temporal), "--temporal-tls-ca (TEMPORAL_TLS_CA): must be a file")
		temporal.TLSCA = text
		require.NoError(t, config.Verify(&temporal))
		dev := config.Dev{Dir: ".mino", TemporalCLI: text}
		require.ErrorContains(t, config.Verify(&dev), "--temporal-cli (MINO_TEMPORAL_CLI): cannot be run")
		dev.TemporalCLI = "go"
		require.NoError(t, config.Verify(&dev), "a name on the PATH will do")
	})
}

func TestDefaultsByCommand(t *testing.T) {
	t.Parallel()

	t.Run("ACommandCanSetAnotherDefault", func(t *testing.T) {
		t.Parallel()
		var cli struct {
			Dev struct {
				Temporal config.Temporal `embed:"" set:"temporal_address="`
				Log      config.Log      `embed:"" set:"log_format=console"`
			} `cmd:""`
			Worker struct {
				Temporal config.Temporal `embed:""`
				Log      config.Log      `embed:""`
			} `cmd:""`
		}
		parse(t, &cli, "dev")
		require.Empty(t, cli.Dev.Temporal.Address)
		require.Equal(t, "console", cli.Dev.Log.Format)
		parse(t, &cli, "worker")
		require.Equal(t, "127.0.0.1:7233", cli.Worker.Temporal.Address)
		require.Equal(t, "json", cli.Worker.Log.Format)
	})
}

func TestEnvironment(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://mino@db/mino")
	t.Setenv("MINO_ALLOWED_NETWORKS", "10.0.0.0/8,fd00::/8")
	t.Setenv("MINO_LISTEN", "127.0.0.1:1")
	t.Setenv("MINO_AUTH", "off")
	t.Setenv("MINO_OIDC_PROVISION", "false")
	t.Setenv("MINO_OIDC_ROLE_MAP", "org:admin=admin,org:member=member")
	var s settings
	s.AuthKey.NotNeeded = true
	parse(t, &s, "--listen=127.0.0.1:2")
	require.NoError(t, config.Verify(s.parts()...))
	require.Equal(t, config.DatabaseURL("postgres://mino@db/mino"), s.Database.URL)
	require.Equal(t, "127.0.0.1:2", s.API.Listen, "a flag wins over its variable")
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		s.Worker.Networks())
}

func TestBeyondLoopback(t *testing.T) {
	t.Parallel()
	for listen, beyond := range map[string]bool{
		"127.0.0.1:8080":   false,
		"127.8.8.8:8080":   false,
		"[::1]:8080":       false,
		"localhost:8080":   false,
		":8080":            true,
		"0.0.0.0:8080":     true,
		"[::]:8080":        true,
		"192.0.2.1:8080":   true,
		"mino.example:443": true,
	} {
		api := config.API{Listen: listen}
		require.Equal(t, beyond, api.BeyondLoopback(), listen)
	}
}

func TestUsesTLS(t *testing.T) {
	t.Parallel()
	for _, temporal := range []config.Temporal{
		{TLS: true}, {APIKey: "k"}, {TLSCA: "f"}, {TLSCert: "f"}, {TLSServerName: "n"},
	} {
		require.True(t, temporal.UsesTLS(), "%+v", temporal)
	}
	require.False(t, (&config.Temporal{Address: "127.0.0.1:7233"}).UsesTLS())
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	const password = "hunter2"

	t.Run("AreRedactedHoweverTheyArePrinted", func(t *testing.T) {
		t.Parallel()
		for _, url := range []config.DatabaseURL{
			"postgres://mino:hunter2@db:5432/mino?sslmode=disable",
			"postgresql://db/mino?user=mino&password=hunter2",
			"host=db user=mino password=hunter2 dbname=mino",
			"host=db user=mino password = 'hunter2 \\' hunter2' dbname=mino",
			"host=db sslpassword=hunter2",
			"postgres://mino:hunter2@[broken/mino",
		} {
			whole := struct {
				URL config.DatabaseURL
				Key config.Secret
			}{url, password}
			asJSON, err := json.Marshal(whole)
			require.NoError(t, err)
			for _, shown := range []string{
				fmt.Sprint(whole), fmt.Sprintf("%+v", whole), fmt.Sprintf("%#v", whole),
				fmt.Sprintf("%s %v %q", url, url, url), string(asJSON),
			} {
				require.NotContains(t, shown, password)
			}
		}
	})

	t.Run("LeaveTheRestReadable", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "postgres://mino:xxxxx@db:5432/mino?sslmode=disable",
			config.DatabaseURL("postgres://mino:hunter2@db:5432/mino?sslmode=disable").String())
		require.Equal(t, "host=db password=[redacted] dbname=mino",
			config.DatabaseURL("host=db password=hunter2 dbname=mino").String())
		require.Empty(t, config.Secret("").String(), "a secret that is not set looks like it")
	})

	t.Run("StayOutOfTheLoggedConfiguration", func(t *testing.T) {
		t.Parallel()
		var s settings
		parse(t, &s, "--database-url=postgres://mino:hunter2@db/mino", "--temporal-api-key=hunter2")
		core, lines := observer.New(zap.InfoLevel)
		zap.New(core).Info("configuration", config.Fields(s.parts()...)...)
		logged := lines.All()[0].ContextMap()
		require.Equal(t, "postgres://mino:xxxxx@db/mino", logged["database-url"])
		require.Equal(t, "[redacted]", logged["temporal-api-key"])
		require.Equal(t, "10000", logged["max-rows"])
		require.NotContains(t, fmt.Sprint(logged), password)
	})
}
