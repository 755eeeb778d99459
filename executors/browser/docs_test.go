package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/executors"
	"github.com/minohq/mino/models/field"
)

// TestExampleOfTheDocument runs the project that docs/browser.md shows on a shop that is
// as the project thinks.
func TestExampleOfTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/browser.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, block)
	var project struct {
		Executor, Instruction string
		Inputs                []string
		Fields                []field.Field
		Settings              json.RawMessage
	}
	require.NoError(t, json.Unmarshal(block[1], &project))
	require.Equal(t, Name, project.Executor)
	require.NoError(t, shared().Validate(executors.Spec{
		Instruction: project.Instruction, Fields: project.Fields, Settings: project.Settings, Inputs: project.Inputs,
	}))

	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/":
			_, _ = fmt.Fprint(w, `<div id="cookies"><button id="accept-cookies" onclick="this.parentNode.remove()">Fine</button></div><form action="/search"><input name="q"></form>`)
		case "/search":
			_, _ = fmt.Fprintf(w, `<ul><li class="result"><a target="_blank" href="/p/%s">Lamp</a></ul>`, r.URL.Query().Get("q"))
		case "/p/BL-1":
			_, _ = fmt.Fprint(w, `<title>Shop</title><h1>Blue Lamp</h1><select id="size"><option>Small<option>Large</select><p class="price" hidden></p>
				<script>document.getElementById('size').onchange = e => setTimeout(() => {
					const p = document.querySelector('.price'); p.textContent = e.target.value === 'Large' ? '29.50 EUR' : '19.50 EUR'; p.hidden = false; }, 300);</script>`)
		}
	})
	req := request(server.URL+"/", string(project.Settings))
	req.Fields, req.Inputs = project.Fields, map[string]string{"sku": "BL-1", "size": "Large"}
	outcome, err := execute(t, shared(), req)
	require.NoError(t, err)
	require.Equal(t, "Blue Lamp", found(t, outcome, "name"))
	require.Equal(t, "29.50 EUR", found(t, outcome, "price"))
	require.Equal(t, 6, outcome.Usage.Steps)
	require.Equal(t, server.URL+"/p/BL-1", outcome.Evidence.FinalURL)
}
