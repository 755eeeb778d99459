package api_test

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/api"
	"github.com/minohq/mino/api/wire"
)

type documented struct {
	document *openapi3.T
	router   routers.Router
}

var readDocument = sync.OnceValues(func() (*documented, error) {
	document, err := openapi3.NewLoader().LoadFromData(api.Document())
	if err != nil {
		return nil, err
	}
	if err := document.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, err
	}
	allowNull(document)
	document.Servers = nil // those of the tests have addresses of their own
	router, err := legacy.NewRouter(document)
	return &documented{document: document, router: router}, err
})

// allowNull has properties without a type take null, as JSON Schema has it: the validator
// knows null only where a type names it, and generators of clients do not know such types.
func allowNull(document *openapi3.T) {
	for _, schema := range document.Components.Schemas {
		for _, property := range schema.Value.Properties {
			if v := property.Value; property.Ref == "" && v.Type == nil && v.OneOf == nil && v.AnyOf == nil && v.AllOf == nil {
				v.Type = &openapi3.Types{"object", "array", "string", "number", "boolean", "null"}
			}
		}
	}
}

// keep gives a copy of a request whose body can be read after it was sent.
func keep(t *testing.T, req *http.Request) *http.Request {
	t.Helper()
	sent := req.Clone(context.WithoutCancel(req.Context()))
	if req.Body == nil || req.Body == http.NoBody || req.GetBody == nil {
		return sent
	}
	body, err := req.GetBody()
	require.NoError(t, err)
	sent.Body = body
	return sent
}

// checkDocumented holds an answer of the API against the document: its status, its
// headers and its body; and a request that was taken, since the document must not refuse
// what the API takes.
func checkDocumented(t *testing.T, req *http.Request, resp *http.Response, body []byte) {
	t.Helper()
	c, err := readDocument()
	require.NoError(t, err)
	require.NoError(t, c.check(req, resp, body), "%s %s: %s", req.Method, req.URL, body)
}

func (c *documented) check(req *http.Request, resp *http.Response, body []byte) error {
	if !c.has(req) {
		return nil
	}
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		return err
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: options}
	// A body that could not be kept was read while it was sent; a CSV has no schema.
	kind, _, _ := strings.Cut(req.Header.Get("Content-Type"), ";")
	options.ExcludeRequestBody = req.Body != nil && req.GetBody == nil || kind != "application/json"
	if resp.StatusCode < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
			return fmt.Errorf("a request was taken that is not documented: %w", err)
		}
	}
	switch req.URL.Path {
	case "/docs", "/openapi.yaml":
		options.ExcludeResponseBody = true
	}
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		options.ExcludeResponseBody = true // its messages are checked one by one
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	}
	if err := openapi3filter.ValidateResponse(req.Context(), out); err != nil {
		return fmt.Errorf("the answer is not as documented: %w", err)
	}
	return nil
}

// has reports whether the path of a request is documented with its method.
func (c *documented) has(req *http.Request) bool {
	for path, item := range c.document.Paths.Map() {
		pattern := "^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, `[^/]+`) + "$"
		if regexp.MustCompile(pattern).MatchString(req.URL.Path) && item.GetOperation(req.Method) != nil {
			return true
		}
	}
	return false
}

func TestDocument(t *testing.T) {
	t.Parallel()
	c, err := readDocument()
	require.NoError(t, err)

	t.Run("RoutesAreThoseServed", func(t *testing.T) {
		t.Parallel()
		parameter := regexp.MustCompile(`:(\w+)`)
		var served, documented []string
		for _, route := range api.New(api.Config{}).GetRoutes(true) {
			if route.Method != fiber.MethodHead && route.Path != "/docs/*" {
				served = append(served, route.Method+" "+parameter.ReplaceAllString(route.Path, "{$1}"))
			}
		}
		for path, item := range c.document.Paths.Map() {
			for method := range item.Operations() {
				documented = append(documented, method+" "+path)
			}
		}
		slices.Sort(served)
		slices.Sort(documented)
		require.Equal(t, served, documented)
	})

	t.Run("AnswersAreHeldAgainstIt", func(t *testing.T) {
		t.Parallel()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/api/executions/"+uuid.NewString()+"/stats", nil)
		require.NoError(t, err)
		resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}}
		require.ErrorContains(t, c.check(req, resp, []byte(`{"status": "running"}`)), "not as documented")
		resp.StatusCode = http.StatusTeapot
		require.ErrorContains(t, c.check(req, resp, []byte(`{}`)), "not as documented")
	})

	t.Run("HasEveryCode", func(t *testing.T) {
		t.Parallel()
		source, err := parser.ParseFile(token.NewFileSet(), "wire/codes.go", nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		var codes []any
		ast.Inspect(source, func(node ast.Node) bool {
			if spec, ok := node.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Code") {
				code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				codes = append(codes, code)
			}
			return true
		})
		require.Contains(t, codes, wire.CodeUnavailable)
		require.ElementsMatch(t, codes, c.document.Components.Schemas["ProblemCode"].Value.Enum)
	})

	t.Run("IsServedAndReadable", func(t *testing.T) {
		t.Parallel()
		b := setup(t, nil)
		served := b.get("/openapi.yaml").is(http.StatusOK)
		require.Equal(t, string(api.Document()), string(served.body))
		page := b.get("/docs").is(http.StatusOK)
		require.Contains(t, string(page.body), "/openapi.yaml")
		own := regexp.MustCompile(`(?:src|href)="([^"]+)"`)
		links := own.FindAllStringSubmatch(string(page.body), -1)
		require.NotEmpty(t, links)
		for _, link := range links {
			require.True(t, strings.HasPrefix(link[1], "/docs/"), "%s is of another host", link[1])
			require.NotEmpty(t, b.get(link[1]).is(http.StatusOK).body)
		}
		b.get("/docs/none").problem(http.StatusNotFound, wire.CodeNotFound)
	})
}
