package devstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	// retention is how long a namespace registered here keeps closed runs.
	retention = 7 * 24 * time.Hour
	// visibleTime bounds how long the server may take to know what was registered.
	visibleTime = time.Minute
	// visibleInterval is between two questions whether it knows. A server as in production
	// takes ten queries a second of a namespace.
	visibleInterval = 150 * time.Millisecond
)

// prepareNamespace sets up a namespace on a server that was just started.
func prepareNamespace(ctx context.Context, address, namespace string, attributes map[string]enums.IndexedValueType) error {
	temporal, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: silent{}})
	if err != nil {
		return fmt.Errorf("connect to Temporal at %s: %w", address, err)
	}
	defer temporal.Close()
	if err := EnsureNamespace(ctx, temporal, namespace); err != nil {
		return err
	}
	return EnsureSearchAttributes(ctx, temporal, namespace, attributes)
}

// EnsureNamespace registers the namespace unless it is there, and returns when it can
// be used: a server learns of a new namespace with a delay. Any number of processes
// may call it at once. A namespace that is there keeps its settings.
func EnsureNamespace(ctx context.Context, temporal client.Client, namespace string) error {
	service := temporal.WorkflowService()
	_, err := service.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	if notFound := new(serviceerror.NamespaceNotFound); errors.As(err, &notFound) {
		_, err = service.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace:                        namespace,
			WorkflowExecutionRetentionPeriod: durationpb.New(retention),
		})
		if there := new(serviceerror.NamespaceAlreadyExists); errors.As(err, &there) {
			err = nil // another process was faster
		}
	}
	if err != nil {
		return fmt.Errorf("register Temporal namespace %q: %w", namespace, err)
	}
	return awaitQuery(ctx, temporal, namespace, "")
}

// EnsureSearchAttributes registers those search attributes of the namespace that are
// missing, and returns when all can be used in queries: a server learns of them with a
// delay. Any number of processes may call it at once. An attribute that is there with
// another type is an error, since it cannot be changed.
func EnsureSearchAttributes(
	ctx context.Context, temporal client.Client, namespace string, attributes map[string]enums.IndexedValueType,
) error {
	if len(attributes) == 0 {
		return nil
	}
	missing, err := missingAttributes(ctx, temporal, namespace, attributes)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		_, err := temporal.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
		// Another process may have registered some of them meanwhile, with which the
		// whole request fails: what counts is whether any is missing now.
		if err != nil {
			missing, listErr := missingAttributes(ctx, temporal, namespace, attributes)
			if listErr != nil || len(missing) > 0 {
				return attributesError(namespace, attributes, errors.Join(err, listErr))
			}
		}
	}
	return awaitQuery(ctx, temporal, namespace, attributesQuery(attributes))
}

// missingAttributes returns those that the namespace lacks.
func missingAttributes(
	ctx context.Context, temporal client.Client, namespace string, attributes map[string]enums.IndexedValueType,
) (map[string]enums.IndexedValueType, error) {
	list, err := temporal.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, attributesError(namespace, attributes, err)
	}
	missing := maps.Clone(attributes)
	for name, wanted := range attributes {
		found, there := list.GetCustomAttributes()[name]
		if there && found != wanted {
			return nil, fmt.Errorf("search attribute %s of Temporal namespace %q is of type %s instead of %s", name, namespace, found, wanted)
		}
		if there {
			delete(missing, name)
		}
	}
	return missing, nil
}

// attributesError says what to do where we may not register anything, as on a server
// that somebody else runs.
func attributesError(namespace string, attributes map[string]enums.IndexedValueType, err error) error {
	wanted := make([]string, 0, len(attributes))
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		wanted = append(wanted, fmt.Sprintf("%s (%s)", name, attributes[name]))
	}
	return fmt.Errorf("register search attributes in Temporal namespace %q: %w; it needs %s",
		namespace, err, strings.Join(wanted, ", "))
}

// attributesQuery is a visibility query that fails while any of the attributes is
// unknown.
func attributesQuery(attributes map[string]enums.IndexedValueType) string {
	conditions := make([]string, 0, len(attributes))
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		conditions = append(conditions, name+" IS NOT NULL")
	}
	return strings.Join(conditions, " AND ")
}

// awaitQuery repeats a query until the server accepts it.
func awaitQuery(ctx context.Context, temporal client.Client, namespace, query string) error {
	var err error
	accepted := func() bool {
		_, err = temporal.WorkflowService().CountWorkflowExecutions(ctx,
			&workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query})
		return err == nil || !learning(err)
	}
	if pollErr := pollEvery(ctx, visibleInterval, visibleTime, accepted); pollErr != nil {
		err = errors.Join(pollErr, err)
	}
	if err != nil {
		return fmt.Errorf("use Temporal namespace %q: %w", namespace, err)
	}
	return nil
}

// learning tells whether an error can come from a server that has yet to learn of a
// namespace or an attribute, or that is asked too often, maybe by others too.
func learning(err error) bool {
	var (
		noNamespace *serviceerror.NamespaceNotFound
		notFound    *serviceerror.NotFound
		invalid     *serviceerror.InvalidArgument
		unavailable *serviceerror.Unavailable
		exhausted   *serviceerror.ResourceExhausted
	)
	return errors.As(err, &noNamespace) || errors.As(err, &notFound) || errors.As(err, &invalid) ||
		errors.As(err, &unavailable) || errors.As(err, &exhausted)
}

// silent keeps the SDK from logging to the standard output: what matters of a start is
// in its error.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
