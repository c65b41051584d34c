package authn

import (
	stdjson "encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/go-jose/go-jose/v4/json" // reads names with regard to case, and none twice

	"ostiary/pipeline/internal/cache"
)

// introspected is what an introspection endpoint says about a token (RFC 7662
// section 2.2, contract 5.7). It is shared between requests and never changed.
type introspected struct {
	active   bool
	tokenUse string
	subject  string
	username string
	client   string
	issuer   string
	audience []string
	scope    string
	scopes   []string // the scope, taken apart
	expires  int64    // in seconds since 1970; 0 and less if the answer does not say
	ext      []byte   // an object as JSON, read anew for each request; may be empty
}

// parseIntrospected reads an answer. One that says something twice, or of
// another type than it has, is none; null is none either.
func parseIntrospected(body []byte) (*introspected, error) {
	if !stdjson.Valid(body) { // which bounds how deep values nest
		return nil, errors.New("the answer is no JSON")
	}
	var said *struct {
		Active   bool            `json:"active"`
		TokenUse string          `json:"token_use"`
		Subject  string          `json:"sub"`
		Username string          `json:"username"`
		ClientID string          `json:"client_id"`
		Issuer   string          `json:"iss"`
		Audience audience        `json:"aud"`
		Scope    string          `json:"scope"`
		Expires  int64           `json:"exp"`
		Ext      json.RawMessage `json:"ext"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, err
	}
	if said == nil {
		return nil, errors.New("the answer is null")
	}
	read := &introspected{
		active: said.Active, tokenUse: said.TokenUse, subject: said.Subject, username: said.Username, client: said.ClientID,
		issuer: said.Issuer, audience: said.Audience, scope: said.Scope, scopes: strings.Split(said.Scope, " "),
		expires: said.Expires,
	}
	var ext map[string]any
	if len(said.Ext) > 0 {
		if err := stdjson.Unmarshal(said.Ext, &ext); err != nil {
			return nil, err
		}
	}
	if len(ext) > 0 {
		read.ext = slices.Clone(said.Ext) // not to keep the whole answer
	}
	return read, nil
}

// audience is a text or a list of texts; null is no audience (RFC 7662).
type audience []string

// UnmarshalJSON reads both forms.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one *string
	if json.Unmarshal(text, &one) == nil {
		if *a = nil; one != nil {
			*a = audience{*one}
		}
		return nil
	}
	var all []*string
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*a = make(audience, len(all))
	for i, one := range all {
		if one == nil {
			return errors.New("the audience has null in it")
		}
		(*a)[i] = *one
	}
	return nil
}

// life is how long the token lives from now on.
func (a *introspected) life(now time.Time) time.Duration {
	const longest = int64(cache.Forever / time.Second)
	left := a.expires - now.Unix()
	if a.expires <= 0 || left > longest {
		return cache.Forever
	}
	return time.Duration(left)*time.Second - time.Duration(now.Nanosecond())
}

// extra is what templates see of the answer: ext, and over it what it must not
// speak for (contract 5.7). It is the caller's own.
func (a *introspected) extra() map[string]any {
	extra := make(map[string]any, 8)
	if len(a.ext) > 0 {
		_ = stdjson.Unmarshal(a.ext, &extra) // it was read when the answer came
	}
	extra["username"] = a.username
	extra["client_id"] = a.client
	extra["scope"] = a.scope
	if len(a.audience) > 0 {
		extra["aud"] = slices.Clone(a.audience)
	}
	return extra
}

// weight is what the answer takes, in bytes.
func (a *introspected) weight() int {
	const self, text = int(unsafe.Sizeof(introspected{})), int(unsafe.Sizeof(""))
	weight := self + len(a.tokenUse) + len(a.subject) + len(a.username) + len(a.client) + len(a.issuer) + len(a.scope) + cap(a.ext)
	for _, audience := range a.audience {
		weight += text + len(audience)
	}
	return weight + text*len(a.scopes) // which are parts of the scope
}
