package pipeline

import (
	"errors"
	"fmt"
	"net/http"
)

// Kind says what sort of thing an error is, and so how it is answered. A kind
// is itself an error: errors.Is(err, pipeline.Forbidden). The zero value, and
// with it every error that has no kind, is Internal.
type Kind uint8

// The kinds of errors.
const (
	Internal      Kind = iota // a fault of the engine's own
	Misconfigured             // the rule or the configuration cannot work
	Malformed                 // the request cannot be understood without doubt
	NoCredential              // no authenticator found anything to judge
	BadCredential             // a credential was found and does not hold
	Forbidden                 // known, and not allowed
	NoRule                    // no rule matches
	ManyRules                 // more than one rule matches
	Limited                   // a dependency asks to slow down
	Unavailable               // a dependency is down
	Slow                      // a dependency did not answer in time
	ClientGone                // the client did not wait for the answer
	TooLarge                  // the body is longer than a handler may read, or a listener takes
	Absent                    // a dependency has nothing where it was asked (contract 5.6)
	SecondFactor              // the session is good, but for one factor only
	Outdated                  // the session is good, but its login is too long ago
	Unusable                  // a dependency's answer makes no sense
	HeaderTooLong             // a header has more lines than a listener takes
	TargetTooLong             // path and query are longer than a listener takes
	Overloaded                // as many requests are under way as a listener takes

	// NoRule, answered as a missing credential or a missing permission is.
	NoRuleUnauthorized
	NoRuleForbidden
)

// StatusClientGone is the status that is logged when nobody waits for the
// answer any more; nginx made it up and others follow.
const StatusClientGone = 499

// kinds is the one place that maps a kind to what a client is told. name is
// what `when` conditions call it (contract 8.5), verbose what a client reads
// that may know more, and generic what everybody else reads (contract 8.2).
var kinds = [...]struct {
	status                 int
	name, verbose, generic string
}{
	Internal:      {http.StatusInternalServerError, "internal_server_error", genericInternal, genericInternal},
	Misconfigured: {http.StatusInternalServerError, "internal_server_error", "The access rule that matches this request is misconfigured", genericInternal},
	Malformed:     {http.StatusBadRequest, "bad_request", genericMalformed, genericMalformed},
	NoCredential:  {http.StatusUnauthorized, "unauthorized", "Access credentials are invalid", genericUnauthorized},
	BadCredential: {http.StatusUnauthorized, "unauthorized", "Access credentials are invalid", genericUnauthorized},
	Forbidden:     {http.StatusForbidden, "forbidden", "Access credentials are not sufficient to access this resource", genericForbidden},
	NoRule:        {http.StatusNotFound, "not_found", verboseNoRule, genericAbsent},
	ManyRules:     {http.StatusInternalServerError, "internal_server_error", "Expected exactly one rule but found multiple rules", genericInternal},
	Limited:       {http.StatusTooManyRequests, "too_many_requests", "Too many requests", "Too many requests"},
	Unavailable:   {http.StatusServiceUnavailable, "service_unavailable", genericUnavailable, genericUnavailable},
	Slow:          {http.StatusGatewayTimeout, "gateway_timeout", genericSlow, genericSlow},
	TooLarge:      {http.StatusRequestEntityTooLarge, "request_entity_too_large", genericTooLarge, genericTooLarge},
	Absent:        {http.StatusNotFound, "not_found", "Upstream service not found", genericAbsent},
	SecondFactor:  {http.StatusUnauthorized, "second_factor_required", "The session needs a second factor", genericUnauthorized},
	Outdated:      {http.StatusUnauthorized, "reauthentication_required", "The login is too long ago for this", genericUnauthorized},
	Unusable:      {http.StatusBadGateway, "bad_gateway", genericUnusable, genericUnusable},
	HeaderTooLong: {http.StatusRequestHeaderFieldsTooLarge, "request_header_fields_too_large", genericHeaderTooLong, genericHeaderTooLong},
	TargetTooLong: {http.StatusRequestURITooLong, "uri_too_long", genericTooLong, genericTooLong},
	Overloaded:    {http.StatusServiceUnavailable, "service_unavailable", genericOverloaded, genericOverloaded},
	ClientGone:    {StatusClientGone, "client_closed_request", "The client closed the request", "The client closed the request"},

	NoRuleUnauthorized: {http.StatusUnauthorized, "unauthorized", verboseNoRule, genericUnauthorized},
	NoRuleForbidden:    {http.StatusForbidden, "forbidden", verboseNoRule, genericForbidden},
}

const (
	verboseNoRule = "Requested url does not match any rules"

	genericInternal      = "An internal server error occurred, please contact the system administrator"
	genericMalformed     = "The request was malformed or contained invalid parameters"
	genericUnauthorized  = "The request could not be authorized"
	genericForbidden     = "The requested action was forbidden"
	genericAbsent        = "The requested resource could not be found"
	genericUnavailable   = "A service that this request depends on is not available"
	genericUnusable      = "A service that this request depends on gave an answer that is none"
	genericTooLarge      = "The body of the request is too large"
	genericHeaderTooLong = "The header of the request has too many lines"
	genericTooLong       = "The address of the request is too long"
	genericOverloaded    = "Too many requests are under way, try again in a moment"
	genericSlow          = "A service that this request depends on did not answer in time"
)

// Status is the HTTP status that answers an error of this kind.
func (k Kind) Status() int { return kinds[k.known()].status }

// Name is how `when` conditions of error handlers call the kind (contract 8.5).
func (k Kind) Name() string { return kinds[k.known()].name }

// Called reports whether `when` conditions may call the kind by this name. A
// session that lacks something is also unauthorized, as it was before anybody
// told these apart (contract 14, dependency failures).
func (k Kind) Called(name string) bool {
	return name == k.Name() || (k == SecondFactor || k == Outdated) && name == BadCredential.Name()
}

// Error is what a client may read that is told more than the generic message.
func (k Kind) Error() string { return kinds[k.known()].verbose }

// Generic is what any client may read.
func (k Kind) Generic() string { return kinds[k.known()].generic }

// Is makes NoRule of every kind that is one, however it is answered:
// errors.Is(err, pipeline.NoRule).
func (k Kind) Is(target error) bool {
	return target == NoRule && (k == NoRuleUnauthorized || k == NoRuleForbidden)
}

// Outage reports whether the kind means that a service is in trouble, or the
// engine itself, and not that the client did anything wrong: a login page is no
// answer to it (contract 14, outages).
func (k Kind) Outage() bool {
	return k == Limited || k == Unavailable || k == Slow || k == Unusable || k == Overloaded
}

// OnlyIfNamed reports whether a login page or a challenge is no answer to this
// kind unless its `when` says so: an outage, or a request that nobody
// understands.
func (k Kind) OnlyIfNamed() bool {
	return k.Outage() || k == Malformed || k == TooLarge || k == HeaderTooLong || k == TargetTooLong
}

func (k Kind) known() Kind {
	if int(k) >= len(kinds) {
		return Internal
	}
	return k
}

// Because makes an error of this kind with a reason. The reason may be shown
// to clients of handlers that are configured to be verbose, so it holds no
// credential, address or text from elsewhere.
func (k Kind) Because(format string, args ...any) *Error {
	return &Error{Kind: k, Reason: fmt.Sprintf(format, args...)}
}

// From makes an error of this kind out of what caused it. The cause is logged
// and never sent.
func (k Kind) From(cause error) *Error { return &Error{Kind: k, Cause: cause} }

// KindOf is the kind of an error, Internal if it has none.
func KindOf(err error) Kind {
	var kind Kind
	if errors.As(err, &kind) {
		return kind.known()
	}
	return Internal
}

// Error is an error with a kind, what may be said about it, and what may not.
type Error struct {
	Kind   Kind
	Reason string      // for clients of verbose handlers, and for the log
	Cause  error       // for the log alone
	Header http.Header // to be sent along, such as Retry-After (contract 4.7)

	// Continue is where a session service wants a browser to go on, such as to
	// be asked for a second factor; empty if it does not say.
	Continue string
}

// Error is the whole story, for the log.
func (e *Error) Error() string {
	text := e.Kind.Error()
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap gives errors.Is and errors.As the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// ErrNotResponsible is how an authenticator passes a request on to the next
// one: the request has nothing that this authenticator could judge.
var ErrNotResponsible = errors.New("the authenticator is not responsible for this request")
