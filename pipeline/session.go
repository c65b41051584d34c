package pipeline

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Session is what a pipeline finds out about a request and hands on: from the
// authenticator to the authorizer to the mutators to the front end. Templates
// see it as their data (contract 4.3).
type Session struct {
	Subject      string
	Header       http.Header // what handlers add for the upstream; canonical names
	MatchContext MatchContext

	extra  map[string]any
	unread string // extra as JSON, until somebody asks for it

	captured []string // what MatchContext has computed

	// EchoHeader asks a decision to answer the request's own headers too, as
	// far as a gateway may copy them safely (contract 14, noop mutator).
	EchoHeader bool

	// Withheld are the credentials that must not go upstream (contract 14,
	// credentials).
	Withheld Withheld

	// SetCookie are lines of that name from a session service, for the client
	// of this request and for nobody else.
	SetCookie []string

	// Stale is how long ago the session service should have been asked again,
	// had it not been out of order; 0 if it was in time.
	Stale time.Duration
}

// Extra is what else is known about the subject: templates see it as .Extra.
// It belongs to the request. The method is not for concurrent use.
func (s *Session) Extra() (map[string]any, error) {
	if s.unread != "" {
		var extra map[string]any
		if err := json.Unmarshal([]byte(s.unread), &extra); err != nil {
			return nil, fmt.Errorf("extra: %w", err)
		}
		s.extra, s.unread = extra, ""
	}
	return s.extra, nil
}

// SetExtra replaces what else is known about the subject. The map is the
// session's own from now on.
func (s *Session) SetExtra(extra map[string]any) { s.extra, s.unread = extra, "" }

// SetExtraJSON does the same with a JSON object, which is read when somebody
// asks for it; most rules never do.
func (s *Session) SetExtraJSON(object string) { s.extra, s.unread = nil, object }

// Withheld names parts of the request that are not forwarded.
type Withheld struct {
	Headers         []string
	Cookies         []string // with a * at the end for any rest
	QueryParameters []string
}

// CookiesCover reports whether a cookie has one of these names. A * at the end
// of a name stands for any rest, as services that cut long cookies into several
// need it.
func CookiesCover(names []string, cookie string) bool {
	for _, name := range names {
		if prefix, open := strings.CutSuffix(name, "*"); cookie == name || open && strings.HasPrefix(cookie, prefix) {
			return true
		}
	}
	return false
}

// SetHeader sets a header for the upstream, or for the gateway that asked. The
// values are the session's own from now on.
func (s *Session) SetHeader(name string, values ...string) {
	if s.Header == nil {
		s.Header = make(http.Header)
	}
	s.Header[http.CanonicalHeaderKey(name)] = values
}

// MatchContext is the request as templates see it. Its methods read like
// fields there: .MatchContext.URL.Path. What a template never asks for is
// never computed.
type MatchContext struct {
	request  *Request
	captures Captures
	captured *[]string
}

// Captures tells what the pattern of a rule captured of a request. An error
// refuses the request: what a handler makes of the groups may be an identity.
type Captures func() ([]string, error)

// NewMatchContext ties a request to the groups that its rule's pattern
// captured, which are only computed when somebody asks.
func NewMatchContext(request *Request, captures Captures) MatchContext {
	return MatchContext{request: request, captures: captures, captured: new([]string)}
}

// WithCaptureGroups is the same context with other groups.
func (m MatchContext) WithCaptureGroups(groups []string) MatchContext {
	return NewMatchContext(m.request, func() ([]string, error) { return groups, nil })
}

// RegexpCaptureGroups are the groups of the rule's pattern (contract 3.3),
// never nil. They are computed once; the method is not for concurrent use.
func (m MatchContext) RegexpCaptureGroups() ([]string, error) {
	if m.captured == nil || m.captures == nil {
		return []string{}, nil
	}
	if *m.captured == nil {
		groups, err := m.captures()
		if err != nil {
			return nil, err
		}
		if *m.captured = groups; groups == nil {
			*m.captured = []string{}
		}
	}
	return *m.captured, nil
}

// URL is a copy of the request's URL, query included.
func (m MatchContext) URL() *url.URL { return m.request.URL() }

// Method is the request's method.
func (m MatchContext) Method() string { return m.request.Method }

// Header is a copy of the request's headers.
func (m MatchContext) Header() http.Header { return m.request.Header.Clone() }
