package authn

import (
	"context"
	_ "embed"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/credential"
)

//go:embed kratos_session.schema.json
var kratosSessionSchema []byte

var kratosSession = pipeline.Define("kratos_session", kratosSessionSchema, newKratosSession)

type kratosSessionConfig struct {
	kratosConfig
	Cookie          string   `json:"cookie"`
	Credentials     []string `json:"credentials"`
	BearerPrefix    string   `json:"bearer_prefix"`
	RequiredAAL     string   `json:"required_aal"`
	MaxAuthAge      string   `json:"max_auth_age"`
	PassCredentials bool     `json:"pass_credentials"`
	PassSetCookie   bool     `json:"pass_set_cookie"`
}

// KratosSession is the authenticator `kratos_session`: it asks Ory Kratos whose
// session a request belongs to, and holds it against what the rule demands of
// the login.
type KratosSession struct {
	kratos        *kratos
	cookie        string
	credentials   []string // where to look for one, in this order
	bearerPrefix  string
	demand        kratosDemand
	forget        bool // keep the credential from the upstream
	passSetCookie bool
}

// kratosDemand is what a rule demands of the login.
type kratosDemand struct {
	level  int           // of assurance, at least
	maxAge time.Duration // 0: as old as Kratos allows
}

func newKratosSession(c kratosSessionConfig, environment pipeline.Environment) (pipeline.Authenticator, error) {
	store, err := openKratos(c.kratosConfig, environment)
	if err != nil {
		return nil, err
	}
	if !httpguts.ValidHeaderFieldName(c.Cookie) { // it is a token, as those are
		return nil, &pipeline.Mistake{Path: document.Path{"cookie"}, Message: "is no name for a cookie"}
	}
	a := &KratosSession{
		kratos:        store,
		cookie:        c.Cookie,
		credentials:   c.Credentials,
		bearerPrefix:  c.BearerPrefix,
		demand:        kratosDemand{level: levelOf(c.RequiredAAL)},
		forget:        !c.PassCredentials,
		passSetCookie: c.PassSetCookie,
	}
	if c.MaxAuthAge != "" {
		if a.demand.maxAge, err = pipeline.ParseDuration(c.MaxAuthAge, "max_auth_age"); err != nil {
			return nil, err
		}
		if a.demand.maxAge == 0 {
			return nil, &pipeline.Mistake{Path: document.Path{"max_auth_age"}, Message: "has to be longer than 0s, or every login is too old"}
		}
	}
	return a, nil
}

// SetsHeaders is the header that tells the upstream Kratos' own token.
func (a *KratosSession) SetsHeaders() []string {
	if a.kratos.tokenHeader == "" {
		return nil
	}
	return []string{a.kratos.tokenHeader}
}

// Authenticate asks Kratos, if the request has a credential of its own kind. The
// first that is found in the order of the configuration counts, and nothing
// else is sent to Kratos.
func (a *KratosSession) Authenticate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	found, err := a.find(request)
	if err != nil {
		return err
	}
	if found.value == "" {
		return pipeline.ErrNotResponsible
	}
	if a.forget {
		found.withhold(session)
	}
	return a.kratos.authenticate(ctx, found, a.demand, a.passSetCookie, session)
}

// kratosCredential is a session's cookie or token.
type kratosCredential struct {
	kind  string // as the configuration names it
	name  string // of the cookie
	value string
}

// The kinds of credentials.
const (
	byCookie       = "cookie"
	bySessionToken = "session_token"
	byBearer       = "bearer"
)

const sessionTokenHeader = "X-Session-Token"

func (a *KratosSession) find(request *pipeline.Request) (kratosCredential, error) {
	for _, kind := range a.credentials {
		var value string
		var err error
		switch kind {
		case byCookie:
			value, err = a.fromCookie(request.Header)
		case bySessionToken:
			value, err = credential.Single(request.Header, sessionTokenHeader)
		case byBearer:
			value, err = (*credential.Location)(nil).Token(request)
			if !strings.HasPrefix(value, a.bearerPrefix) {
				value = ""
			}
		}
		if value != "" || err != nil {
			return kratosCredential{kind, a.cookie, value}, err
		}
	}
	return kratosCredential{}, nil
}

// fromCookie finds the session cookie. Of two with different values the
// upstream may read the other one.
func (a *KratosSession) fromCookie(header http.Header) (string, error) {
	var value string
	for i, cookie := range (&http.Request{Header: header}).CookiesNamed(a.cookie) {
		if i > 0 && cookie.Value != value {
			return "", pipeline.BadCredential.Because("the request has session cookies with different values")
		}
		value = cookie.Value
	}
	return value, nil
}

// withhold marks the credential as not to be forwarded.
func (c kratosCredential) withhold(session *pipeline.Session) {
	switch c.kind {
	case byCookie:
		session.Withheld.Cookies = []string{c.name}
	case bySessionToken:
		session.Withheld.Headers = []string{sessionTokenHeader}
	case byBearer:
		session.Withheld.Headers = []string{"Authorization"}
	}
}
