package onerror

import (
	_ "embed"
	"net/http"
	"strings"

	"ostiary/pipeline"
)

//go:embed www_authenticate.schema.json
var wwwAuthenticateSchema []byte

var wwwAuthenticate = pipeline.Define("www_authenticate", withWhen(wwwAuthenticateSchema), newWWWAuthenticate)

type wwwAuthenticateConfig struct {
	Realm string         `json:"realm"`
	When  []clauseConfig `json:"when"`
}

// WWWAuthenticate is the error handler `www_authenticate` (contract 8.4): it
// asks the client for a name and a password, whatever the error was.
type WWWAuthenticate struct {
	when
	challenge string
}

func newWWWAuthenticate(c wwwAuthenticateConfig, _ pipeline.Environment) (pipeline.ErrorHandler, error) {
	w, err := newWhen(c.When, true)
	if err != nil {
		return nil, err
	}
	return &WWWAuthenticate{when: w, challenge: "Basic realm=" + quote(c.Realm)}, nil
}

// quote makes a quoted-string of RFC 9110 section 5.6.4, as RFC 7617 wants the
// realm to be.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// Respond makes the challenge.
func (h *WWWAuthenticate) Respond(*pipeline.Request, error) pipeline.Response {
	return pipeline.Response{
		Status: http.StatusUnauthorized,
		Header: http.Header{
			"Content-Type":           {"text/plain; charset=utf-8"},
			"Www-Authenticate":       {h.challenge},
			"X-Content-Type-Options": {"nosniff"},
		},
		Body: []byte("Unauthorized\n"),
	}
}
