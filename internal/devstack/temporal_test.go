package devstack

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

func attributes() map[string]enums.IndexedValueType {
	return map[string]enums.IndexedValueType{
		"MinoTestId":    enums.INDEXED_VALUE_TYPE_KEYWORD,
		"MinoTestCount": enums.INDEXED_VALUE_TYPE_INT,
	}
}

func dial(t *testing.T, temporal *Temporal, namespace string) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: temporal.Address(), Namespace: namespace, Logger: silent{}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// startRun begins a workflow that nobody works on: it is there to be found again.
func startRun(t *testing.T, c client.Client, id string) {
	t.Helper()
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "nobody"}, "Kept")
	require.NoError(t, err)
}

func TestTemporal(t *testing.T) {
	t.Parallel()

	t.Run("RestartKeepsRunsAndPorts", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		withUI := func(c *TemporalConfig) { c.Headless = false; c.Namespace = "kept" }
		first := startTemporal(t, dir, withUI)
		startRun(t, dial(t, first, "kept"), "kept-run")
		require.NoError(t, first.Stop(t.Context()))

		second := startTemporal(t, dir, withUI)
		require.Equal(t, first.Address(), second.Address())
		require.Equal(t, first.UIURL(), second.UIURL())
		_, err := dial(t, second, "kept").DescribeWorkflowExecution(t.Context(), "kept-run", "")
		require.NoError(t, err)

		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, second.UIURL(), http.NoBody)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode)
	})

	t.Run("StopTwiceIsNothing", func(t *testing.T) {
		t.Parallel()
		temporal := startTemporal(t, openDir(t))
		require.Empty(t, temporal.UIURL())
		require.NoError(t, temporal.Stop(t.Context()))
		requireEnded(t, temporal.Done())
		require.NoError(t, temporal.Stop(t.Context()))
		require.NoError(t, temporal.Err())
		require.False(t, alive(temporal.Pid()))
	})

	t.Run("StopInMemoryIsImmediate", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		temporal := startTemporal(t, dir, func(c *TemporalConfig) { c.InMemory = true })
		require.NoError(t, temporal.Stop(t.Context()))
		require.NoFileExists(t, filepath.Join(dir, temporalFile))
	})

	t.Run("StopInsistsWhenItsTimeIsOver", func(t *testing.T) {
		t.Parallel()
		temporal := startTemporal(t, openDir(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorContains(t, temporal.Stop(ctx), "had to be ended by killed")
		requireEnded(t, temporal.Done())
	})

	t.Run("DeathIsNoticedAndRunsAreKept", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := startTemporal(t, dir)
		startRun(t, dial(t, first, "default"), "kept-run")
		require.NoError(t, syscall.Kill(first.Pid(), syscall.SIGKILL))
		requireEnded(t, first.Done())
		require.ErrorContains(t, first.Err(), "the Temporal dev server ended by itself (signal: killed)")

		second := startTemporal(t, dir)
		_, err := dial(t, second, "default").DescribeWorkflowExecution(t.Context(), "kept-run", "")
		require.NoError(t, err)
	})

	t.Run("OrphanOnTheFileIsStopped", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		first := startTemporal(t, dir)
		require.NoError(t, first.Stop(t.Context()))

		cfg, err := TemporalConfig{Binary: temporalCLI(t), Dir: dir, Headless: true}.withDefaults()
		require.NoError(t, err)
		start := temporalStart{TemporalConfig: cfg, state: first.state}
		args, err := start.arguments()
		require.NoError(t, err)
		orphan := exec.CommandContext(context.WithoutCancel(t.Context()), cfg.Binary, args...)
		orphan.Dir = dir
		require.NoError(t, orphan.Start())
		ended := make(chan struct{})
		go func() { _ = orphan.Wait(); close(ended) }()
		t.Cleanup(func() { _ = orphan.Process.Kill(); <-ended })
		up := func() bool { return answers(t.Context(), []int{first.state.Port}) }
		require.NoError(t, poll(startContext(t), readyTime, up))

		second := startTemporal(t, dir)
		requireEnded(t, ended)
		require.Equal(t, first.Address(), second.Address())
	})

	t.Run("HalfMadeFileIsPutAside", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		file := filepath.Join(dir, temporalFile)
		require.NoError(t, os.WriteFile(file, nil, 0o600)) // a database without any table
		startTemporal(t, dir)
		require.FileExists(t, file+".incomplete")
	})

	t.Run("RefusesADirectoryThatIsInUse", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		startTemporal(t, dir)
		_, err := StartTemporal(startContext(t), TemporalConfig{Binary: temporalCLI(t), Dir: dir})
		require.ErrorIs(t, err, ErrInUse)
	})

	t.Run("RefusesATakenPortThatWasAskedFor", func(t *testing.T) {
		t.Parallel()
		cli, port := temporalCLI(t), listenOn(t, 0)
		_, err := StartTemporal(startContext(t), TemporalConfig{Binary: cli, Dir: openDir(t), Headless: true, Port: port})
		require.ErrorIs(t, err, errPortTaken)
		require.ErrorContains(t, err, strconv.Itoa(port))
		_, err = StartTemporal(startContext(t), TemporalConfig{Binary: cli, Dir: openDir(t), UIPort: port})
		require.ErrorContains(t, err, "Web UI")
	})

	t.Run("TriesAnotherPortWhenSomebodyWasFaster", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		script := filepath.Join(t.TempDir(), "temporal")
		require.NoError(t, os.WriteFile(script, []byte(`#!/bin/sh
if mkdir "$PWD/once"; then echo "listen tcp: bind: address already in use" >&2; exit 1; fi
exec "`+temporalCLI(t)+`" "$@"
`), 0o700))
		startTemporal(t, dir, func(c *TemporalConfig) { c.Binary = script })
		require.DirExists(t, filepath.Join(dir, "once"))
	})

	t.Run("ShowsTheLogWhenItDoesNotStart", func(t *testing.T) {
		t.Parallel()
		_, err := StartTemporal(startContext(t), TemporalConfig{
			Binary: temporalCLI(t), Dir: openDir(t), DynamicConfig: map[string]any{"some.key": make(chan int)},
		})
		require.ErrorContains(t, err, "dynamic configuration some.key")

		broken := filepath.Join(t.TempDir(), "temporal")
		require.NoError(t, os.WriteFile(broken, []byte("#!/bin/sh\necho it hurts >&2\nexit 3\n"), 0o700))
		_, err = StartTemporal(startContext(t), TemporalConfig{Dir: openDir(t), Binary: broken})
		require.ErrorContains(t, err, "exit status 3")
		require.ErrorContains(t, err, "it hurts")
	})
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	temporal := startTemporal(t, openDir(t), func(c *TemporalConfig) { c.InMemory = true })

	t.Run("NewNamespaceAndAttributesCanBeUsedAtOnce", func(t *testing.T) {
		t.Parallel()
		c := dial(t, temporal, "fresh")
		require.NoError(t, EnsureNamespace(t.Context(), c, "fresh"))
		require.NoError(t, EnsureSearchAttributes(t.Context(), c, "fresh", attributes()))
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: "any", TaskQueue: "nobody",
			SearchAttributes: map[string]any{"MinoTestId": "x", "MinoTestCount": 1}, //nolint:staticcheck // by name, as they are registered
		}, "Any")
		require.NoError(t, err)
	})

	t.Run("CanBeRepeatedAndExtended", func(t *testing.T) {
		t.Parallel()
		c := dial(t, temporal, "extended")
		require.NoError(t, EnsureNamespace(t.Context(), c, "extended"))
		require.NoError(t, EnsureNamespace(t.Context(), c, "extended"))
		one := map[string]enums.IndexedValueType{"MinoTestId": enums.INDEXED_VALUE_TYPE_KEYWORD}
		for _, wanted := range []map[string]enums.IndexedValueType{nil, one, one, attributes()} {
			require.NoError(t, EnsureSearchAttributes(t.Context(), c, "extended", wanted))
			missing, err := missingAttributes(t.Context(), c, "extended", wanted)
			require.NoError(t, err)
			require.Empty(t, missing)
		}
	})

	t.Run("ManyAtOnceAgree", func(t *testing.T) {
		t.Parallel()
		errs := make([]error, 2*4)
		var all sync.WaitGroup
		for i := range 4 {
			c := dial(t, temporal, "shared")
			all.Go(func() {
				errs[2*i] = EnsureNamespace(t.Context(), c, "shared")
				errs[2*i+1] = EnsureSearchAttributes(t.Context(), c, "shared", attributes())
			})
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	})

	t.Run("AnotherTypeIsAnError", func(t *testing.T) {
		t.Parallel()
		c := dial(t, temporal, "typed")
		require.NoError(t, EnsureNamespace(t.Context(), c, "typed"))
		require.NoError(t, EnsureSearchAttributes(t.Context(), c, "typed", attributes()))
		err := EnsureSearchAttributes(t.Context(), c, "typed",
			map[string]enums.IndexedValueType{"MinoTestId": enums.INDEXED_VALUE_TYPE_INT})
		require.ErrorContains(t, err, "MinoTestId")
		require.ErrorContains(t, err, "Keyword instead of Int")
	})
}
