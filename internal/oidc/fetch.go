package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4/json"
)

const (
	// maxDocument bounds what is read of the issuer, in bytes.
	maxDocument  = 256 << 10
	maxRedirects = 3
)

// newClient makes the client that asks the issuer. The issuer's word is what everything
// stands on, so it is asked directly: HTTP_PROXY and the like are not heeded. Its address
// is the operator's choice and may be a private one.
func newClient() *http.Client {
	return &http.Client{
		Timeout: fetchTimeout, // the body included
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if first := via[0].URL; next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
				return errors.New("it redirects to another host")
			}
			if len(via) > maxRedirects {
				return errors.New("it redirects too often")
			}
			return nil
		},
		Transport: &http.Transport{
			Proxy:                  nil,
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true, // it is asked once in minutes
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// discover gives the address of the issuer's keys.
func (k *keyring) discover(ctx context.Context) (string, error) {
	document, err := k.get(ctx, strings.TrimSuffix(k.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var found struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(document, &found); err != nil {
		return "", err
	}
	if found.Issuer != k.issuer {
		return "", fmt.Errorf("it is that of the issuer %q, not of %q", found.Issuer, k.issuer)
	}
	address, err := url.Parse(found.Keys)
	if err != nil || !mayBeAsked(address) {
		return "", fmt.Errorf("its jwks_uri must be https, or http on this machine, and is %q", found.Keys)
	}
	if address.Scheme != "https" && strings.HasPrefix(strings.ToLower(k.issuer), "https:") {
		return "", fmt.Errorf("its jwks_uri must be https, as the issuer is, and is %q", found.Keys)
	}
	return found.Keys, nil
}

func (k *keyring) readKeys(ctx context.Context, address string) (keySet, error) {
	document, err := k.get(ctx, address)
	if err != nil {
		return nil, err
	}
	return readKeySet(document)
}

// get reads a document.
func (k *keyring) get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Cache-Control", "no-cache") // a proxy between must not keep dead keys alive
	response, err := k.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // read-only: nothing can be lost
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", address, response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", address, err)
	}
	if len(document) > maxDocument {
		return nil, fmt.Errorf("%s is larger than %d KiB", address, maxDocument>>10)
	}
	return document, nil
}
