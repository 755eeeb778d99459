package failure_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/failure"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	dial := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://shop.example", Err: &net.OpError{Op: "dial", Net: "tcp", Err: err}}
	}
	for name, c := range map[string]struct {
		err   error
		class failure.Class
		code  string
	}{
		"ItsOwnClassIsKept":  {fmt.Errorf("wrapped: %w", failure.New(failure.RateLimit, "HTTP_429", "slow down")), failure.RateLimit, "HTTP_429"},
		"Deadline":           {dial(context.DeadlineExceeded), failure.Timeout, "DEADLINE_EXCEEDED"},
		"TimeoutOfTheSocket": {dial(os.ErrDeadlineExceeded), failure.Timeout, "DEADLINE_EXCEEDED"},
		"UnknownName":        {dial(&net.DNSError{Err: "no such host", Name: "shop.example", IsNotFound: true}), failure.Network, "DNS"},
		"Refused":            {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), failure.Network, "CONNECTION_REFUSED"},
		"Reset":              {dial(os.NewSyscallError("read", syscall.ECONNRESET)), failure.Network, "CONNECTION_RESET"},
		"CutOff":             {&url.Error{Op: "Get", Err: io.ErrUnexpectedEOF}, failure.Network, "CONNECTION_RESET"},
		"BadCertificate":     {dial(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), failure.Network, "TLS_CERTIFICATE"},
		"NotTLS":             {dial(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}), failure.Network, "TLS_HANDSHAKE"},
		"Unreachable":        {dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), failure.Network, "NETWORK"},
		"AnythingElse":       {errors.New("odd"), failure.Transient, "UNKNOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := failure.Classify(c.err)
			require.Equal(t, c.class, got.Class)
			require.Equal(t, c.code, got.Code)
			require.NotEmpty(t, got.Message)
		})
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	err := failure.Wrap(io.EOF, failure.Permanent, "HTTP_404", "there is no page at %s", "/x")
	require.EqualError(t, err, "HTTP_404: there is no page at /x")
	require.ErrorIs(t, err, io.EOF)
	require.EqualError(t, &failure.Error{Message: "no code"}, "no code")
	for _, class := range failure.Classes() {
		require.Equal(t, class != failure.Permanent, class.Retryable())
	}
}
