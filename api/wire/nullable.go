package wire

import (
	"encoding/json"
	"reflect"
)

// Nullable is a member of a request that may be left out, be null, or have a value. Its
// zero value is left out.
type Nullable[T any] struct {
	// Given says that the member is there.
	Given bool
	// Value is nil for null.
	Value *T
}

// Null is a member that is there and null.
func Null[T any]() Nullable[T] { return Nullable[T]{Given: true} }

// Given is a member with a value.
func Given[T any](value T) Nullable[T] { return Nullable[T]{Given: true, Value: &value} }

// IsZero has encoding/json leave out what is not given.
func (n Nullable[T]) IsZero() bool { return !n.Given }

// MarshalJSON implements json.Marshaler.
func (n Nullable[T]) MarshalJSON() ([]byte, error) { return json.Marshal(n.Value) }

// UnmarshalJSON implements json.Unmarshaler.
func (n *Nullable[T]) UnmarshalJSON(raw []byte) error {
	n.Given = true
	return json.Unmarshal(raw, &n.Value)
}

// TypeOfValue is the type that a value must have, for readers that check it first.
func (Nullable[T]) TypeOfValue() reflect.Type { return reflect.TypeFor[T]() }
