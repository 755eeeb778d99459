package authn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/minohq/mino/internal/apikey"
	"github.com/minohq/mino/internal/authn"
	"github.com/minohq/mino/internal/testfactory"
	"github.com/minohq/mino/models"
	"github.com/minohq/mino/models/access"
)

func TestAKeyIsWhoItsRecordSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, nil)
	most := 7
	o := testfactory.Organisation(t, w.store, func(o *models.Organisation) { o.RequestsPerMinute = &most })
	ends := w.now().Add(time.Hour).Truncate(time.Microsecond)
	text, record := w.key(t, func(k *models.APIKey) {
		k.OrganisationID, k.Role, k.ExpiresAt = o.ID, access.Admin, &ends
		k.Scopes = []access.Permission{access.ReadJobs}
	})

	who, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	require.True(t, ends.Equal(who.Until))
	require.Equal(t, access.Principal{
		Kind: access.KindKey, ID: record.ID.String(), Name: record.Name, Organisation: o.ID,
		Role: access.Admin, Scopes: record.Scopes, Until: who.Until,
	}, who.Principal)
	require.Equal(t, most, *who.Limits.RequestsPerMinute)

	t.Run("WhateverTheCaseOfTheScheme", func(t *testing.T) {
		t.Parallel()
		for _, header := range []string{"bearer " + text, "BEARER  " + text, " Bearer " + text + " "} {
			_, err := a.Authenticate(t.Context(), authn.Credentials{Authorization: header})
			require.NoError(t, err, header)
		}
	})

	t.Run("AndOfNoOtherOrganisation", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{o.Slug, o.ID.String(), strings.ToUpper(o.ID.String())} {
			sent := bearer(text)
			sent.Organisation = name
			_, err := a.Authenticate(t.Context(), sent)
			require.NoError(t, err, name)
		}
		for _, name := range []string{"default", models.DefaultOrganisationID.String(), "nobody"} {
			sent := bearer(text)
			sent.Organisation = name
			_, err := a.Authenticate(t.Context(), sent)
			require.ErrorIs(t, err, authn.ErrNoOrganisation, name)
		}
	})
}

func TestTheRecordSaysWhenAKeyWasUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, nil)
	text, record := w.key(t, nil)
	for range 5 {
		_, err := a.Authenticate(t.Context(), bearer(text))
		require.NoError(t, err)
		w.advance(11 * time.Second)
	}
	require.EqualValues(t, 1, r.uses.Load(), "once a minute, however often it is used")
	used, err := w.store.APIKey(t.Context(), models.DefaultOrganisationID, record.ID)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), *used.LastUsedAt, time.Minute)
	require.Equal(t, "192.0.2.1", *used.LastUsedIP)

	w.advance(5 * time.Second)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	require.EqualValues(t, 2, r.uses.Load())
}

func TestAKeyOfNoScopesMayNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, nil)
	text, _ := w.key(t, func(k *models.APIKey) { k.Role, k.Scopes = access.Owner, []access.Permission{} })
	who, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	require.Empty(t, who.Principal.Permissions())

	ticket, _, err := a.Ticket(t.Context(), who.Principal)
	require.NoError(t, err)
	again, err := a.Redeem(t.Context(), ticket)
	require.NoError(t, err)
	require.Empty(t, again.Principal.Permissions(), "a ticket does not give what the key had not")
}

func TestCredentialsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, r := w.process(t, func(c *authn.Config) { c.FailuresPerMinute = -1 })
	text, record := w.key(t, nil)
	_, err := a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	another, _ := w.key(t, nil)
	unknown, _, _, err := w.keys.New(uuid.New())
	require.NoError(t, err)
	forged, _, _, err := w.keys.New(record.ID) // its id, and a secret of the forger's
	require.NoError(t, err)
	revoked, revokedRecord := w.key(t, nil)
	_, err = w.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, revokedRecord.ID)
	require.NoError(t, err)
	past := w.now().Add(-time.Second)
	expired, _ := w.key(t, func(k *models.APIKey) { k.ExpiresAt = &past })
	justNow := w.now()
	ending, _ := w.key(t, func(k *models.APIKey) { k.ExpiresAt = &justNow })

	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"NoHeader":          {"", authn.ErrMissing},
		"Spaces":            {"   ", authn.ErrMissing},
		"Basic":             {"Basic " + text, authn.ErrMissing},
		"TheKeyAlone":       {text, authn.ErrMissing},
		"SchemeRunTogether": {"Bearer" + text, authn.ErrMissing},
		"SchemeAlone":       {"Bearer", authn.ErrInvalid},
		"TwoKeys":           {"Bearer " + text + " " + another, authn.ErrInvalid},
		"TwoKeysWithAComma": {"Bearer " + text + ", Bearer " + another, authn.ErrInvalid},
		"PrefixAlone":       {"Bearer mino_", authn.ErrInvalid},
		"CutOff":            {"Bearer " + text[:len(text)-1], authn.ErrInvalid},
		"WrongChecksum":     {"Bearer " + text[:len(text)-8] + "00000000", authn.ErrInvalid},
		"WrongSecret":       {"Bearer " + forged, authn.ErrInvalid},
		"UnknownID":         {"Bearer " + unknown, authn.ErrInvalid},
		"Revoked":           {"Bearer " + revoked, authn.ErrInvalid},
		"Expired":           {"Bearer " + expired, authn.ErrInvalid},
		"ExpiringNow":       {"Bearer " + ending, authn.ErrInvalid},
		"NoToken":           {"Bearer eyJ.eyJ.c2ln", authn.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // the second time with what is remembered of the first
				who, err := a.Authenticate(t.Context(), authn.Credentials{Authorization: c.header})
				require.ErrorIs(t, err, c.want)
				require.NotErrorIs(t, err, models.ErrNotFound, "it would be answered with 404")
				require.Zero(t, who)
				if _, secret, ok := strings.Cut(c.header, "mino_"); ok && len(secret) > 33 {
					require.NotContains(t, err.Error(), secret[33:])
				}
			}
		})
	}
	t.Cleanup(func() { require.EqualValues(t, 1, r.uses.Load(), "nothing of that is a use") })
}

func TestTheSecretOfAnotherKeyDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, nil)
	mine, _ := w.key(t, nil)
	theirs, theirRecord := w.key(t, nil)
	_, secret, err := apikey.Parse(mine)
	require.NoError(t, err)
	mixed := sealed("mino_" + strings.ReplaceAll(theirRecord.ID.String(), "-", "") + "_" + secret)

	for range 2 { // before anything is known of the key, and after
		_, err = a.Authenticate(t.Context(), bearer(mixed))
		require.ErrorIs(t, err, authn.ErrInvalid)
		_, err = a.Authenticate(t.Context(), bearer(theirs))
		require.NoError(t, err)
	}
}

func TestARevokedKeyIsDeadInEveryProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, _ := w.process(t, nil)
	there, asked := w.process(t, nil)
	text, record := w.key(t, nil)
	who, err := here.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	_, err = there.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)

	_, err = w.store.RevokeAPIKey(t.Context(), models.DefaultOrganisationID, record.ID)
	require.NoError(t, err)
	// What is believed is believed for a second; a stream asks every 3.
	w.advance(time.Second)
	for _, process := range []*authn.Authenticator{here, there} {
		_, err = process.Authenticate(t.Context(), bearer(text))
		require.ErrorIs(t, err, authn.ErrInvalid)
		require.ErrorIs(t, process.Stands(t.Context(), who.Principal), authn.ErrInvalid)
	}

	before := asked.keys.Load()
	w.advance(time.Hour)
	_, err = there.Authenticate(t.Context(), bearer(text))
	require.ErrorIs(t, err, authn.ErrInvalid)
	require.Equal(t, before, asked.keys.Load(), "what has ended is not asked for again")
}

func TestARotatedKeyHasItsGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, _ := w.process(t, nil)
	old, oldRecord := w.key(t, nil)
	_, err := a.Authenticate(t.Context(), bearer(old))
	require.NoError(t, err)

	next := &models.APIKey{ID: models.NewID(), CreatedBy: "operator"}
	var text string
	text, next.Hash, next.HashKeyID, err = w.keys.New(next.ID)
	require.NoError(t, err)
	require.NoError(t, w.store.RotateAPIKey(t.Context(), models.DefaultOrganisationID, oldRecord.ID, next, w.now().Add(time.Hour)))

	w.advance(59 * time.Minute)
	for _, one := range []string{old, text} {
		_, err = a.Authenticate(t.Context(), bearer(one))
		require.NoError(t, err)
	}
	w.advance(time.Minute)
	_, err = a.Authenticate(t.Context(), bearer(old))
	require.ErrorIs(t, err, authn.ErrInvalid)
	_, err = a.Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
}

func TestHashKeysAreChangedWhileKeysAreInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	oldKey, newKey := apikey.NewKey(), apikey.NewKey()
	using := func(list string) *authn.Authenticator {
		keys, err := apikey.ParseKeys(list)
		require.NoError(t, err)
		w.keys = keys
		a, _ := w.process(t, nil)
		return a
	}
	using(oldKey)
	text, _ := w.key(t, nil)

	_, err := using(newKey+","+oldKey).Authenticate(t.Context(), bearer(text))
	require.NoError(t, err)
	_, err = using(newKey).Authenticate(t.Context(), bearer(text))
	require.ErrorIs(t, err, authn.ErrInvalid)
}
