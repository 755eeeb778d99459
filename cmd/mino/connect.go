package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/uptrace/bun"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"github.com/minohq/mino/internal/config"
	"github.com/minohq/mino/internal/devstack"
	"github.com/minohq/mino/internal/logging"
	"github.com/minohq/mino/migrations"
	"github.com/minohq/mino/models/store"
	"github.com/minohq/mino/workflows/contract"
)

// openMigrated opens a pool on a database that must be at this build's schema, with a login
// that can take the roles of MINO.
func openMigrated(ctx context.Context, c config.Database, logger *zap.Logger) (*bun.DB, error) {
	db, err := store.Open(string(c.URL), c.MaxConnections)
	if err != nil {
		return nil, err
	}
	login, err := store.DatabaseLoginOf(ctx, db)
	if errors.Is(err, store.ErrNoRoles) {
		err = fmt.Errorf("%w: %w", migrations.ErrPending, err)
	}
	if err == nil {
		err = migrations.Check(ctx, db)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("check the database: %w", err), db.Close())
	}
	if login.PastRows && !c.StartsOwn {
		logger.Warn("row-level security does not hold this login of PostgreSQL, a superuser or one with BYPASSRLS: nothing but the roles that MINO takes keeps organisations apart; give it a login of its own, see docs/security.md",
			zap.String("login", login.Name))
	}
	return db, nil
}

// dialTemporal connects to Temporal and has the search attributes registered.
func dialTemporal(ctx context.Context, c config.Temporal, logger *zap.Logger) (client.Client, error) {
	options := client.Options{
		HostPort:  c.Address,
		Namespace: c.Namespace,
		Logger:    logging.ForTemporal(logger),
		Identity:  identity(),
	}
	if c.APIKey != "" {
		options.Credentials = client.NewAPIKeyStaticCredentials(string(c.APIKey))
	}
	if c.UsesTLS() {
		settings, err := tlsOf(c)
		if err != nil {
			return nil, err
		}
		options.ConnectionOptions.TLS = settings
	} else {
		// A service in the clear is close by: compressing the small messages of jobs costs
		// both sides more than it saves the line between them.
		options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	temporal, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", c.Address, err)
	}
	if err := devstack.EnsureSearchAttributes(ctx, temporal, c.Namespace, searchAttributes()); err != nil {
		// Where an operator registers them there may be no right to look or to add; a run
		// that is started without them is refused by Temporal, which says so.
		logger.Warn("could not make sure of the search attributes", zap.Error(err))
	}
	return temporal, nil
}

func searchAttributes() map[string]enumspb.IndexedValueType {
	all := make(map[string]enumspb.IndexedValueType)
	for _, name := range contract.SearchAttributes() {
		all[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	return all
}

func tlsOf(c config.Temporal) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLSServerName}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("read --temporal-tls-ca: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--temporal-tls-ca: %s holds no certificate", c.TLSCA)
		}
	}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("read --temporal-tls-cert and --temporal-tls-key: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

// identity names this process in Temporal and in the sessions it makes.
func identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return fmt.Sprintf("mino@%s:%d", host, os.Getpid())
}
