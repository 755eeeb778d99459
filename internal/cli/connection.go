package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/minohq/mino/internal/client"
)

// KeyFile is the name of the file in the directory of a dev stack that holds an API key
// for it.
const KeyFile = "api-key"

// Connection says which API a command speaks to, and as whom.
type Connection struct {
	API          string `name:"api" env:"MINO_API_URL" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Base URL of the API."`
	APIKey       string `name:"api-key" env:"MINO_API_KEY" placeholder:"KEY" help:"API key, or bearer token, to ask the API with. Prefer the variable: others on this machine can see flags. An API on this machine is asked with the key of the dev stack when none is given."`
	Organisation string `name:"organisation" env:"MINO_ORGANISATION" placeholder:"ID|SLUG" help:"Organisation that is meant, for holders of tokens who are in several."`
	Dir          string `name:"dir" env:"MINO_DIR" default:".mino" hidden:"" help:"Directory of the dev stack."`
}

// client makes the client of the API that is meant.
func (c *Connection) client() (*client.Client, error) {
	key := strings.TrimSpace(c.APIKey)
	if key == "" {
		var err error
		if key, err = c.ownKey(); err != nil {
			return nil, err
		}
	}
	return client.New(client.Config{BaseURL: c.API, Key: key, Organisation: c.Organisation})
}

// ownKey is the key that a dev stack has left for its owner. It goes to this machine only.
func (c *Connection) ownKey() (string, error) {
	base, err := url.Parse(c.API)
	if err != nil || !loopback(base.Hostname()) || c.Dir == "" {
		return "", nil //nolint:nilerr // the client says what is wrong with the address
	}
	text, err := os.ReadFile(filepath.Join(c.Dir, KeyFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read the key of the dev stack: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
