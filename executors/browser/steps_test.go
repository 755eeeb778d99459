package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/failure"
)

// shop has something for every step. What happens is written into its price.
const shop = `<!doctype html><title>Shop</title><body style="margin:0">
<form action="/search"><input id="q" name="q" value="old"><input id="key" name="key" type="password"><button id="go">Go</button></form>
<input id="locked" readonly>
<select id="size"><option value="s">Small</option><option value="l">Large</option></select>
<button id="late" style="display:none" onclick="show('1.00 EUR')">Late</button>
<button id="under" onclick="show('2.00 EUR')">Under</button>
<div id="cookies" style="position:fixed;inset:0;background:#fff8">We use cookies <button id="ok" onclick="this.parentNode.remove()">OK</button></div>
<button id="runs" onmousemove="this.style.display = 'none'" onclick="show('3.00 EUR')">Runs</button>
<a id="far" href="/lamp" style="position:absolute;top:6000px">Lamp</a><div style="height:7000px"></div>
<p class="price" id="price"></p>
<script>
function show(text) { document.getElementById('price').textContent = text; }
document.getElementById('size').onchange = e => show(e.target.value === 'l' ? '5.00 EUR' : '4.00 EUR');
document.getElementById('q').onkeydown = e => { if (e.key === 'Escape') show('6.00 EUR'); };
onscroll = () => { if (scrollY > 5000) show('8.00 EUR'); else if (scrollY > 100) show('7.00 EUR'); };
setTimeout(() => { document.getElementById('late').style.display = 'block'; }, 500);
</script>`

func TestSteps(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/":
			_, _ = fmt.Fprint(w, shop)
		case "/lamp":
			_, _ = fmt.Fprint(w, lamp)
		case "/search":
			_, _ = fmt.Fprintf(w, `<title>%s</title><p class="name">found</p><p class="price">9.00 EUR</p>`, r.URL.Query().Get("q"))
		}
	})
	const accept = `{"action": "click", "selector": "#ok"}, `
	for name, test := range map[string]struct{ steps, price, name string }{
		"Click what is there at once":         {accept + `{"action": "click", "selector": "#under"}`, "2.00 EUR", ""},
		"Click what comes late":               {accept + `{"action": "click", "selector": "#late"}`, "1.00 EUR", ""},
		"Click what something lies over":      {`{"action": "click", "selector": "#under"}`, "2.00 EUR", ""},
		"Click what moves from the mouse":     {accept + `{"action": "click", "selector": "#runs"}`, "3.00 EUR", ""},
		"Click a link that is far down":       {accept + `{"action": "click", "selector": "#far"}`, "19.50 EUR", ""},
		"Choose by value":                     {`{"action": "select", "selector": "#size", "value": "l"}`, "5.00 EUR", ""},
		"Choose by text from the row":         {`{"action": "select", "selector": "#size", "value": "{{size}}"}`, "5.00 EUR", ""},
		"Press a key in a field":              {`{"action": "press", "selector": "#q", "key": "Escape"}`, "6.00 EUR", ""},
		"Scroll a little":                     {`{"action": "scroll", "pixels": 200}, {"action": "wait", "ms": 300}`, "7.00 EUR", ""},
		"Scroll to the end":                   {`{"action": "scroll"}, {"action": "wait", "ms": 300}`, "8.00 EUR", ""},
		"Scroll to an element":                {`{"action": "scroll", "selector": "#far"}, {"action": "wait", "ms": 300}`, "8.00 EUR", ""},
		"Wait for an element":                 {`{"action": "wait_for", "selector": "#late"}, {"action": "click", "selector": "#late"}`, "1.00 EUR", ""},
		"Leave out what is optional":          {`{"action": "click", "selector": "#nowhere", "optional": true, "timeout_ms": 200}, {"action": "click", "selector": "#under"}`, "2.00 EUR", ""},
		"Type from the row and press Enter":   {`{"action": "type", "selector": "#q", "text": "{{sku}} für 1 €"}, {"action": "press", "key": "Enter"}`, "9.00 EUR", "BL-1 für 1 €"},
		"Type, click, and go on where it led": {accept + `{"action": "type", "selector": "#q", "text": "x"}, {"action": "click", "selector": "#go"}, {"action": "wait_for", "selector": ".name"}`, "9.00 EUR", "x"},
		"Type nothing to empty a field":       {`{"action": "type", "selector": "#q", "text": ""}, {"action": "press", "key": "Enter"}`, "9.00 EUR", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(server.URL+"/", `{"steps": [`+test.steps+`]}`)
			req.Inputs = map[string]string{"sku": "BL-1", "size": "Large"}
			outcome, err := execute(t, shared(), req)
			require.NoError(t, err)
			require.Equal(t, test.price, found(t, outcome, "price"), "%s", outcome.Raw)
			require.Positive(t, outcome.Usage.Steps)
			if test.name != "" {
				require.Equal(t, test.name, found(t, outcome, "name"))
			}
		})
	}

	for name, test := range map[string]struct{ steps, code, message string }{
		"Nothing to click": {`{"action": "wait", "ms": 1}, {"action": "click", "selector": "#nowhere", "timeout_ms": 300}`, CodeNoSelector, "step 2 (click): the selector matches nothing after 300ms"},
		"Nothing to see":   {`{"action": "click", "selector": "#price", "timeout_ms": 300}`, CodeNoSelector, "step 1 (click): the selector matches nothing that can be seen after 300ms"},
		"No selector":      {`{"action": "click", "selector": "a[["}`, CodeInvalidSelector, "step 1 (click): the browser does not take the selector"},
		"No option":        {`{"action": "select", "selector": "#size", "value": "XXL"}`, CodeNoOption, "step 1 (select): there is no option of that value or text"},
		"No list":          {`{"action": "select", "selector": "#q", "value": "XXL"}`, CodeNoOption, "step 1 (select): there is no list of that value or text"},
		"Read only":        {`{"action": "type", "selector": "#locked", "text": "a"}`, CodeNotEditable, "step 1 (type): the element takes no text"},
		"No field":         {`{"action": "type", "selector": "#under", "text": "a"}`, CodeNotEditable, "step 1 (type): the element takes no text"},
		"No such column":   {`{"action": "type", "selector": "#q", "text": "{{colour}}"}`, CodeMissingColumn, `there is no column "colour"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := execute(t, shared(), request(server.URL+"/", `{"steps": [`+test.steps+`]}`))
			requireFailure(t, err, failure.Permanent, test.code)
			require.ErrorContains(t, err, test.message)
		})
	}

	t.Run("Secrets are typed and go nowhere else", func(t *testing.T) {
		t.Parallel()
		const secret = "canary s3cret/+"
		req := request(server.URL+"/", `{"headers": {"X-Key": "{{secret.key}}"}, "steps": [`+accept+`
			{"action": "type", "selector": "#key", "text": "{{secret.key}}"}, {"action": "press", "key": "Enter"}]}`)
		req.Secrets = map[string]string{"key": secret}
		var said []string
		req.Heartbeat = func(progress string) { said = append(said, progress) }
		outcome, err := execute(t, shared(), req)
		require.NoError(t, err)
		require.Equal(t, "9.00 EUR", found(t, outcome, "price"))
		require.Contains(t, outcome.Evidence.FinalURL, "key=xxxxx")
		outcome.Files = nil
		written, err := json.Marshal(outcome)
		require.NoError(t, err)
		require.NotContains(t, string(written)+fmt.Sprint(said), "s3cret")
	})
}

func TestHeadersStayWithTheSite(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 20)
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		w.Header().Set("Access-Control-Allow-Origin", "*")
	})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/page", http.StatusFound)
		case "/page":
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, `<body><script src="/a.js"></script><script>
				fetch(%q + '/api').then(() => { document.body.innerHTML += '<p class="price">' + navigator.languages[0] + '</p>'; });</script>`, other.URL)
		case "/a.js":
			http.Redirect(w, r, other.URL+"/b.js", http.StatusFound)
		}
	})
	_, err := execute(t, shared(), request(server.URL+"/",
		`{"headers": {"X-Key": "k", "accept": "text/html;q=0.7"}, "user_agent": "Tester/1", "accept_language": "de-AT,de", "wait": {"selector": ".price"}}`))
	require.NoError(t, err)
	ours, others := 0, 0
	for len(seen) > 0 {
		r := <-seen
		require.Equal(t, "Tester/1", r.UserAgent())
		require.Contains(t, r.Header.Get("Accept-Language"), "de-AT")
		require.Empty(t, r.Header.Get("Proxy-Authorization"))
		if "http://"+r.Host == server.URL {
			if r.URL.Path == "/favicon.ico" {
				continue
			}
			ours++
			require.Equal(t, "k", r.Header.Get("X-Key"), r.URL.Path)
			require.Equal(t, []string{"text/html;q=0.7"}, r.Header.Values("Accept"))
		} else {
			others++
			require.Empty(t, r.Header.Get("X-Key"), r.URL.Path)
		}
	}
	require.GreaterOrEqual(t, ours, 3)
	require.Equal(t, 2, others)
}
