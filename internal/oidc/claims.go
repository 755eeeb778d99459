package oidc

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-jose/go-jose/v4/jwt"
)

// maxText bounds what is handed on of a claim, in bytes. The standard has subjects of 255.
const maxText = 255

// plain tells whether a text can be stored and shown as it is. The decoder writes the
// replacement character for what is no text, so that two subjects would become one.
func plain(text string) bool {
	return len(text) <= maxText && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == unicode.ReplacementChar
	})
}

// claims picks what is handed on. What is not of the form that is wanted is as if it was
// not there.
func (v *Verifier) claims(standard jwt.Claims, all map[string]any) Claims {
	c := Claims{
		Issuer:       standard.Issuer,
		Subject:      standard.Subject,
		Name:         only(all["name"]),
		Organisation: only(find(all, v.config.OrganisationClaim)),
		Roles:        v.roles(texts(find(all, v.config.RolesClaim))),
		Expiry:       standard.Expiry.Time(),
	}
	if isTrue(find(all, cmp.Or(v.config.EmailVerifiedClaim, DefaultEmailVerifiedClaim))) {
		c.Email = only(all["email"])
	}
	return c
}

// roles are those that values of the claim stand for.
func (v *Verifier) roles(values []string) []string {
	var roles []string
	for _, value := range values {
		role := value
		if len(v.config.RoleMap) > 0 {
			role = v.config.RoleMap[value]
		}
		if role != "" && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	return roles
}

// isTrue reads a claim that says yes or no. Some issuers write it as text.
func isTrue(value any) bool { return value == true || value == "true" }

// texts are the strings of a claim that is one or a list of them.
func texts(value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var found []string
	for _, one := range list {
		if text, ok := one.(string); ok && text != "" && plain(text) {
			found = append(found, text)
		}
	}
	return found
}

// only gives the text of a claim that is one or a list of one; which of several is meant
// nobody can say, whether or not each could be handed on.
func only(value any) string {
	if list, ok := value.([]any); ok && len(list) != 1 {
		return ""
	}
	found := texts(value)
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// find gives the claim at a path; nil when there is none.
func find(claims map[string]any, path string) any {
	if path == "" {
		return nil
	}
	if value, ok := claims[path]; ok {
		return value
	}
	for end := strings.LastIndexByte(path, '.'); end >= 0; end = strings.LastIndexByte(path[:end], '.') {
		inner, ok := claims[path[:end]].(map[string]any)
		if !ok {
			continue
		}
		if value := find(inner, path[end+1:]); value != nil {
			return value
		}
	}
	return nil
}
