package agent

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/models/failure"
	"github.com/minohq/mino/models/field"
)

func TestTheSchemaOfFieldsIsOneThatTheServiceTakes(t *testing.T) {
	t.Parallel()
	var fields []field.Field
	for _, kind := range field.Types() {
		f := field.Field{Name: "f_" + string(kind), Type: kind, Required: kind == field.TypeText}
		if kind == field.TypeEnum {
			f.Values = []string{"new", "used"}
		}
		fields = append(fields, f)
	}
	schema := schemaOf(fields)
	require.NoError(t, checkSchema(schema))
	require.JSONEq(t, `{"type":"object","required":["f_text"],
		"propertyOrdering":["f_text","f_number","f_money","f_boolean","f_date","f_url","f_enum","f_list"],
		"properties":{
			"f_text":{"type":"string","nullable":true},
			"f_number":{"type":"number","nullable":true},
			"f_money":{"type":"object","nullable":true,"required":["amount"],"propertyOrdering":["amount","currency"],
				"properties":{"amount":{"type":"string"},"currency":{"type":"string","nullable":true}}},
			"f_boolean":{"type":"boolean","nullable":true},
			"f_date":{"type":"string","nullable":true},
			"f_url":{"type":"string","nullable":true},
			"f_enum":{"type":"string","nullable":true,"enum":["new","used"]},
			"f_list":{"type":"array","nullable":true,"items":{"type":"string"}}}}`, string(schema))
	require.Nil(t, schemaOf(nil))
}

func TestPaceSlowsDownAndVaries(t *testing.T) {
	t.Parallel()
	for elapsed, bounds := range map[time.Duration][2]time.Duration{
		0:                        {2 * time.Second, 3 * time.Second},
		59 * time.Second:         {2 * time.Second, 3 * time.Second},
		time.Minute:              {5 * time.Second, 10 * time.Second},
		5*time.Minute - 1:        {5 * time.Second, 10 * time.Second},
		5 * time.Minute:          {30 * time.Second, time.Minute},
		1_000_000 * time.Second:  {30 * time.Second, time.Minute},
		-1_000_000 * time.Second: {2 * time.Second, 3 * time.Second},
	} {
		seen := map[time.Duration]bool{}
		for range 100 {
			wait := pace(elapsed)
			require.GreaterOrEqual(t, wait, bounds[0])
			require.LessOrEqual(t, wait, bounds[1])
			seen[wait] = true
		}
		require.Greater(t, len(seen), 1)
	}
}

func TestCallsOfOneKeyShareAGate(t *testing.T) {
	t.Parallel()
	all := newGates(time.Hour, time.Nanosecond)
	one := all.of("https://a.example", "key")
	require.Same(t, one, all.of("https://a.example", "key"))
	require.NotSame(t, one, all.of("https://a.example", "other"))
	require.NotSame(t, one, all.of("https://b.example", "key"))

	require.NoError(t, one.wait(t.Context(), one.creates))
	require.NoError(t, one.wait(t.Context(), one.reads), "questions have a pace of their own")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, one.wait(ctx, one.creates), context.Canceled, "the second create has to wait an hour")
}

func TestAKeyRestsWhenTheServiceAsksForIt(t *testing.T) {
	t.Parallel()
	g := newGates(time.Nanosecond, time.Nanosecond).of("https://a.example", "key")
	g.rest(time.Hour)
	g.rest(time.Second)
	require.Greater(t, g.resting(), time.Minute, "a shorter rest does not end a longer one")
	require.LessOrEqual(t, g.resting(), maxRest)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := g.wait(ctx, g.reads)
	classified := failure.Classify(err)
	require.Equal(t, failure.RateLimit, classified.Class, "%v", err)
	require.Greater(t, classified.RetryAfter, time.Minute)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, g.wait(ended, g.reads), context.Canceled)
}

func TestACallWaitsForTheEndOfARest(t *testing.T) {
	t.Parallel()
	g := newGates(time.Nanosecond, time.Nanosecond).of("https://a.example", "key")
	g.rest(50 * time.Millisecond)
	require.NoError(t, g.wait(t.Context(), g.reads))
	require.LessOrEqual(t, g.resting(), time.Duration(0))
}

func TestGatesThatNobodyUsesAreForgotten(t *testing.T) {
	t.Parallel()
	all := newGates(time.Second, time.Second)
	idle := all.of("https://a.example", "idle")
	idle.touch(time.Now().Add(-2 * gateIdle))
	used := all.of("https://a.example", "used")
	require.Same(t, used, all.of("https://a.example", "used"))
	require.Len(t, all.byKey, 1)
	require.NotSame(t, idle, all.of("https://a.example", "idle"))
}

func TestLongerSecretsAreHiddenFirst(t *testing.T) {
	t.Parallel()
	hide := hiding("secret-1", "secret-1-longer", "", "short")
	require.Equal(t, "[redacted] [redacted] short", hide.Replace("secret-1 secret-1-longer short"))
}

func TestAPriceMayBeZero(t *testing.T) {
	t.Parallel()
	nothing, dear := int64(0), int64(5)
	for name, test := range map[string]struct {
		operator, project *int64
		want              int64
	}{
		"By default it is the service's": {nil, nil, defaultPrice},
		"The operator pays nothing":      {&nothing, nil, 0},
		"The project pays nothing":       {&dear, &nothing, 0},
		"The project pays":               {&nothing, &dear, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := New(Config{PricePerStepMicros: test.operator})
			t.Cleanup(e.Close)
			require.Equal(t, test.want, e.config.prices(Settings{PricePerStepMicros: test.project}).perStep)
		})
	}
}
