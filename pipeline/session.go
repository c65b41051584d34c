package pipeline

import (
	"net/http"
	"net/url"
)

// Session is what a pipeline finds out about a request and hands on: from the
// authenticator to the authorizer to the mutators to the front end. Templates
// see it as their data (contract 4.3).
type Session struct {
	Subject      string
	Extra        map[string]any
	Header       http.Header // what mutators and authorizers add; canonical names
	MatchContext MatchContext

	// EchoHeader asks a decision to answer the request's own headers too, as
	// far as a gateway may copy them safely (contract 14, noop mutator).
	EchoHeader bool

	// Withheld are the credentials that must not go upstream (contract 14,
	// credentials).
	Withheld Withheld
}

// Withheld names parts of the request that are not forwarded.
type Withheld struct {
	Headers         []string
	Cookies         []string
	QueryParameters []string
}

// SetHeader sets a header for the upstream, or for the gateway that asked.
func (s *Session) SetHeader(name, value string) {
	if s.Header == nil {
		s.Header = make(http.Header)
	}
	s.Header.Set(name, value)
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
