package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/config"
)

// compose is what these tests read of docker-compose.yml.
type compose struct {
	Services map[string]service `yaml:"services"`
}

type service struct {
	Image       string            `yaml:"image"`
	Environment map[string]string `yaml:"environment"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Restart string   `yaml:"restart"`
	Ports   []string `yaml:"ports"`
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), name))
	require.NoError(t, err)
	return string(text)
}

func TestCompose(t *testing.T) {
	t.Parallel()
	var file compose
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "docker-compose.yml")), &file))
	for _, name := range []string{"postgres", "temporal", "temporal-ui", "migrate", "api", "worker"} {
		require.Contains(t, file.Services, name)
	}

	t.Run("PinsEveryImage", func(t *testing.T) {
		t.Parallel()
		pinned := regexp.MustCompile(`^(mino:local|[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z0-9]+)?)$`)
		for name, s := range file.Services {
			require.Regexp(t, pinned, s.Image, name)
		}
	})

	t.Run("WaitsForWhatCanBeAsked", func(t *testing.T) {
		t.Parallel()
		for name, s := range file.Services {
			require.NotEmpty(t, s.Restart, name)
			for on, wait := range s.DependsOn {
				require.Contains(t, file.Services, on, name)
				switch wait.Condition {
				case "service_healthy":
					require.NotEmpty(t, file.Services[on].Healthcheck.Test, "%s waits for the health of %s, which says nothing of it", name, on)
				case "service_completed_successfully":
					require.Contains(t, file.Services[on].Restart, "on-failure", "%s waits for the end of %s", name, on)
				default:
					require.Fail(t, "unknown condition", "%s on %s: %q", name, on, wait.Condition)
				}
			}
		}
	})

	t.Run("ListensOnLoopbackUnlessToldOtherwise", func(t *testing.T) {
		t.Parallel()
		for name, s := range file.Services {
			for _, port := range s.Ports {
				require.Regexp(t, `^\$\{MINO_BIND:-127\.0\.0\.1\}:`, port, name)
			}
		}
	})

	t.Run("SetsOnlyVariablesThatMINOReads", func(t *testing.T) {
		t.Parallel()
		known := map[string]bool{"PGPASSWORD": true} // read by the driver
		for _, s := range config.Effective(&config.Database{}, &config.Temporal{}, &config.API{}, &config.Auth{}, &config.AuthKey{}, &config.OIDC{}, &config.Worker{}, &config.Executors{}, &config.Log{}) {
			known[s.Env] = true
		}
		for _, name := range []string{"migrate", "api", "worker"} {
			require.NotEmpty(t, file.Services[name].Environment, name)
			require.NotEmpty(t, file.Services[name].Environment["DATABASE_URL"], name)
			for variable := range file.Services[name].Environment {
				require.True(t, known[variable], "%s sets %s, which nothing reads", name, variable)
			}
		}
	})
}

// TestEveryVariableOfComposeIsInTheExample holds docker-compose.yml and .env.example
// together.
func TestEveryVariableOfComposeIsInTheExample(t *testing.T) {
	t.Parallel()
	names := func(text string, pattern string) []string {
		var all []string
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, found[1])
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	used := names(read(t, "docker-compose.yml"), `\$\{([A-Z_]+)[:}]`)
	require.NotEmpty(t, used)
	require.Equal(t, used, names(read(t, ".env.example"), `(?m)^([A-Z_]+)=`))
}

func TestDockerfileBuildsWithTheGoOfTheModule(t *testing.T) {
	t.Parallel()
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))
	require.Len(t, version, 2)
	require.Contains(t, read(t, "Dockerfile"), "FROM golang:"+version[1]+"-")
}

func TestTemporalOfTheMakefileIsTheOneInTheHelp(t *testing.T) {
	t.Parallel()
	pin := regexp.MustCompile(`(github\.com/temporalio/cli/cmd/temporal) (v\S+)`).FindStringSubmatch(read(t, "Makefile"))
	require.Len(t, pin, 3)
	require.Contains(t, read(t, "internal/devstack/find.go"), pin[1]+"@"+pin[2])
}
