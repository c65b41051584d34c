package authn

import (
	"context"
	_ "embed"
	"net/http"

	"ostiary/pipeline"
)

//go:embed cookie_session.schema.json
var cookieSessionSchema []byte

var cookieSession = pipeline.Define("cookie_session", cookieSessionSchema, newCookieSession)

type cookieSessionConfig struct {
	sessionCheckConfig
	Only []string `json:"only"`
}

// CookieSession is the authenticator `cookie_session` (contract 5.4): it asks a
// session service about the cookies of a request.
type CookieSession struct {
	check  *sessionCheck
	only   []string // the cookies that make it responsible; any if empty
	forget bool     // keep the cookies from the upstream
}

func newCookieSession(c cookieSessionConfig, environment pipeline.Environment) (pipeline.Authenticator, error) {
	check, err := newSessionCheck(c.sessionCheckConfig, "Cookie", environment)
	if err != nil {
		return nil, err
	}
	return &CookieSession{check: check, only: c.Only, forget: !c.PassCredentials}, nil
}

// Authenticate asks the session service, if the request has a cookie to ask
// about.
func (a *CookieSession) Authenticate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	if !a.responsible(request) {
		return pipeline.ErrNotResponsible
	}
	if a.forget {
		if session.Withheld.Cookies = a.only; len(a.only) == 0 {
			session.Withheld.Headers = []string{"Cookie"}
		}
	}
	return a.check.ask(ctx, request, session)
}

func (a *CookieSession) responsible(request *pipeline.Request) bool {
	cookies := (&http.Request{Header: request.Header}).Cookies()
	if len(a.only) == 0 {
		return len(cookies) > 0
	}
	for _, cookie := range cookies {
		for _, name := range a.only {
			if cookie.Name == name {
				return true
			}
		}
	}
	return false
}
