package faults

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/testkit/rig"
)

const (
	gibibyte = 1 << 30
	// maxUploadMemory is what an API process may take of the machine's memory, whatever is
	// uploaded; it is less than the smallest upload here.
	maxUploadMemory = 96 << 20
	paddingBytes    = 100 << 10
)

// TestUpload sends an API process large uploads, whole and cut off: 1 GiB in the long form.
func TestUpload(t *testing.T) {
	t.Parallel()
	spooled := t.TempDir()
	s := newSystem(t, rig.FarSideConfig{}, "TMPDIR="+spooled, "MINO_BODY_LIMIT_MIB=1024", "MINO_MAX_ROWS=20000",
		"MINO_READ_TIMEOUT=10m", "MINO_REQUEST_TIMEOUT=10m")
	query := "?project_id=" + s.project.ID.String() + `&columns={"padding":"ignored"}`
	leftNothing := func(what string) {
		t.Helper()
		eventually(t, "the API is done with "+what, func() bool {
			files, err := os.ReadDir(spooled)
			require.NoError(t, err)
			busy := s.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()`)
			return len(files) == 0 && busy == 0
		})
		require.LessOrEqual(t, peakMemory(t, s.apiProc.Process.Pid), maxUploadMemory, what)
	}
	size := form(gibibyte/8, gibibyte)
	for _, kind := range []struct {
		contentType string
		size        int
		line        func(row int) string
		header      string
	}{
		{"text/csv", size, csvLine, "site_url,padding\n"},
		{"application/x-ndjson", size, jsonLine, ""},
	} {
		before := s.number(`SELECT count(*) FROM batches`)
		body := newRows(kind.size, kind.header, kind.line)
		cut := s.send(query, kind.contentType, body, kind.size, kind.size*99/100)
		require.Error(t, cut.err, "the answer to a client that has left")
		leftNothing("what was cut off")
		require.Equal(t, before, s.number(`SELECT count(*) FROM batches`))

		body = newRows(kind.size, kind.header, kind.line)
		whole := s.send(query, kind.contentType, body, kind.size, kind.size)
		require.NoError(t, whole.err)
		require.Equal(t, http.StatusCreated, whole.status, "%s", whole.body)
		leftNothing("what was taken")
		require.Equal(t, before+1, s.number(`SELECT count(*) FROM batches`))
		require.Equal(t, body.rows, s.number(`SELECT row_count FROM batches ORDER BY id DESC LIMIT 1`))
		t.Logf("%s: %d MiB in %d rows; the API took %d MiB at most",
			kind.contentType, kind.size>>20, body.rows, peakMemory(t, s.apiProc.Process.Pid)>>20)
	}
}

func csvLine(row int) string { return fmt.Sprintf("https://shop.example/%d,", row) }

func jsonLine(row int) string {
	return fmt.Sprintf(`{"site_url": "https://shop.example/%d", "padding": "`, row)
}

// rows is a file of an exact size, made as it is read: rows that are padded.
type rows struct {
	text io.Reader
	rows int
}

func newRows(size int, header string, line func(int) string) *rows {
	r := &rows{}
	end := "\n"
	if header == "" {
		end = "\"}\n"
	}
	parts := []io.Reader{strings.NewReader(header)}
	padding := strings.Repeat("x", 2*paddingBytes)
	for left := size - len(header); left > 0; r.rows++ {
		start := line(r.rows + 1)
		n := paddingBytes
		if left < 2*paddingBytes {
			n = left - len(start) - len(end)
		}
		parts = append(parts, strings.NewReader(start), strings.NewReader(padding[:n]), strings.NewReader(end))
		left -= len(start) + n + len(end)
	}
	r.text = io.MultiReader(parts...)
	return r
}

type uploaded struct {
	status int
	body   string
	err    error
}

var errLeft = errors.New("the client has left")

// send sends so many bytes of an upload and leaves, unless that was all.
func (s *system) send(query, contentType string, body *rows, size, sent int) uploaded {
	s.t.Helper()
	text := io.LimitReader(body.text, int64(sent))
	if sent < size {
		text = io.MultiReader(text, iotest.ErrReader(errLeft))
	}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.api.BaseURL()+"/api/batches"+strings.ReplaceAll(query, `"`, "%22"), text)
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", contentType)
	req.ContentLength = int64(size)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return uploaded{err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return uploaded{status: resp.StatusCode, body: string(answer), err: err}
}

// peakMemory is the most that a process has had of the machine's memory.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("memory of processes is measured on Linux only")
	}
	require.NoError(t, err)
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), "VmHWM:"); found {
			kibibytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(value, "kB")))
			require.NoError(t, err)
			return kibibytes << 10
		}
	}
	require.Fail(t, "the process has no peak")
	return 0
}
