package authn

import (
	"context"
	_ "embed"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/credential"
)

//go:embed cookie_session.schema.json
var cookieSessionSchema []byte

var cookieSession = pipeline.Define("cookie_session", cookieSessionSchema, newCookieSession)

type cookieSessionConfig struct {
	sessionCheckConfig
	Only     []string `json:"only"`
	SendOnly bool     `json:"send_only"`
}

// CookieSession is the authenticator `cookie_session` (contract 5.4): it asks a
// session service about the cookies of a request.
type CookieSession struct {
	check  *sessionCheck
	judged []string // the cookies that make it responsible; * at the end of a name is any rest
	forget bool     // keep the cookies from the upstream
}

func newCookieSession(c cookieSessionConfig, environment pipeline.Environment) (pipeline.Authenticator, error) {
	var sent []string
	if c.SendOnly {
		sent = c.Only
	}
	check, err := openSessionCheck(c.sessionCheckConfig, "Cookie", sent, environment)
	if err != nil {
		return nil, err
	}
	judged := c.Only
	if len(judged) == 0 {
		judged = []string{"*"}
	}
	return &CookieSession{check: check, judged: judged, forget: !c.PassCredentials}, nil
}

// SetsHeaders are those of the answer that the upstream gets.
func (a *CookieSession) SetsHeaders() []string { return a.check.reading.headers }

// Authenticate asks the session service, if the request has a cookie to ask
// about.
func (a *CookieSession) Authenticate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	if !credential.HasCookie(request.Header, a.judged) {
		return pipeline.ErrNotResponsible
	}
	if a.forget {
		session.Withheld.Cookies = a.judged
	}
	return a.check.authenticate(ctx, request, session)
}
