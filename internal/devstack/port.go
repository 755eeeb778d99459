package devstack

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const loopback = "127.0.0.1"

// errPortTaken says that a server could not have its port. It is worth another try
// when the port was our choice.
var errPortTaken = errors.New("the port is taken")

// choosePort returns the port that the caller wants, or else the one remembered from
// the last start if it is free, or else any free one.
func choosePort(ctx context.Context, wanted, remembered int) (int, error) {
	if wanted != 0 {
		if err := portFree(ctx, wanted); err != nil {
			return 0, fmt.Errorf("%w: %w", errPortTaken, err)
		}
		return wanted, nil
	}
	if remembered != 0 && portFree(ctx, remembered) == nil {
		return remembered, nil
	}
	return freePort(ctx)
}

// Low ports are below those that Linux gives to whoever wants any, and above those of most
// services.
const (
	lowestLowPort  = 20_000
	highestLowPort = 32_767
	lowPortTries   = 100
)

// chooseLowPort returns the port remembered from the last start if it is free, or else any
// free one in the lower half.
func chooseLowPort(ctx context.Context, remembered int) (int, error) {
	port, err := remembered, error(nil)
	for range lowPortTries {
		if port != 0 {
			if err = portFree(ctx, port); err == nil {
				return port, nil
			}
		}
		port = lowestLowPort + rand.IntN(highestLowPort-lowestLowPort+1) //nolint:gosec // any will do
	}
	return 0, fmt.Errorf("find a free port below %d: %w", highestLowPort+1, err)
}

func portFree(ctx context.Context, port int) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address(port))
	if err != nil {
		return err
	}
	return listener.Close()
}

// freePort returns a port that nobody listens on and that the system will give to
// nobody else for a while: a connection closed from the listening side leaves the port
// in TIME_WAIT, where Linux keeps it out of the automatic choice but lets a server
// that asks for it (with SO_REUSEADDR, as they do) have it.
func freePort(ctx context.Context) (_ int, err error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address(0))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { err = errors.Join(err, listener.Close()) }()
	var dialer net.Dialer
	client, err := dialer.DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	accepted, err := listener.Accept()
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	if err := accepted.Close(); err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	tcp, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: unexpected address %v", listener.Addr())
	}
	return tcp.Port, nil
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
