package api

import (
	_ "embed"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// document is the contract of the API, which the routes are held against by a test.
//
//go:embed openapi.yaml
var document []byte

// Document is the OpenAPI document of the API, in YAML.
func Document() []byte { return document }

const (
	documentPath = "/openapi.yaml"
	docsPath     = "/docs"
)

func (s *server) getDocument(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "application/yaml")
	// A new version of MINO has a new one.
	c.Set(fiber.HeaderCacheControl, "no-cache")
	return c.Send(document)
}

// docsPolicy keeps the page to what this process serves. The page has a script of its
// own inside.
const docsPolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docs serves Swagger UI, which is part of the program.
func docs() fiber.Handler {
	page := v5emb.NewWithConfig(swgui.Config{
		ShowTopBar: false,
		SettingsUI: map[string]string{"docExpansion": `"list"`, "defaultModelsExpandDepth": "0"},
	})("MINO", documentPath, docsPath+"/")
	serve := adaptor.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", docsPolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		page.ServeHTTP(w, r)
	}))
	return func(c *fiber.Ctx) error {
		if err := serve(c); err != nil {
			return err
		}
		if c.Response().StatusCode() == http.StatusNotFound {
			return fiber.ErrNotFound
		}
		if strings.HasPrefix(c.Path(), docsPath+"/") {
			c.Set(fiber.HeaderCacheControl, "max-age=3600")
		}
		return nil
	}
}
