package oidc

import "net/http"

// Client is the one that asks the issuer.
func (v *Verifier) Client() *http.Client { return v.keys.client }
