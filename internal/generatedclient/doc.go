package generatedclient //nolint:revive // the generated file has the comment of the package

// This package is what a client generator makes of the OpenAPI document, as anybody's
// would. It shows that the document serves for that: it compiles, and a test of the whole
// goes the main path with it. Nothing else uses it; MINO's own client is internal/client.
// After a change of api/openapi.yaml it is made anew by
//
//	go generate ./internal/generatedclient

//go:generate go tool oapi-codegen -config config.yaml ../../api/openapi.yaml
