package authn

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json" // reads names with regard to case, and none twice

	"ostiary/pipeline"
	"ostiary/pipeline/internal/scope"
)

const (
	// maxNesting bounds how deep the claims of a token nest.
	maxNesting = 32

	// maxTime is the last second of the year 9999: what lies behind it is no
	// date.
	maxTime = 253402300799
)

// expectation is what a rule asks of the claims of a token.
type expectation struct {
	audience []string // all of these
	issuers  []string // one of these, if there are any
	scope    []string
	strategy scope.Strategy
	now      func() time.Time
}

// read checks the claims of a token whose signature holds, and fills in the
// session from them. Every refusal is a pipeline.BadCredential (contract 5.5).
func (e *expectation) read(payload []byte, session *pipeline.Session) error {
	claims, err := parseClaims(payload)
	if err != nil {
		return pipeline.BadCredential.Because("the claims of the token cannot be read")
	}
	if err := checkTimes(claims, e.now()); err != nil {
		return pipeline.BadCredential.Because("%s", err)
	}
	audience := audienceOf(claims["aud"])
	for _, wanted := range e.audience {
		if !slices.Contains(audience, wanted) {
			return pipeline.BadCredential.Because("the token is not meant for this audience")
		}
	}
	if len(e.issuers) > 0 {
		if issuer, ok := claims["iss"].(string); !ok || !slices.Contains(e.issuers, issuer) {
			return pipeline.BadCredential.Because("the issuer of the token is not trusted")
		}
	}
	granted := takeScope(claims)
	if !e.strategy.Satisfied(granted, e.scope) {
		return pipeline.BadCredential.Because("the token lacks a scope that the rule requires")
	}
	subject, err := subjectOf(claims)
	if err != nil {
		return pipeline.BadCredential.Because("%s", err)
	}
	claims["scp"] = granted
	session.Subject = subject
	session.SetExtra(claims)
	return nil
}

// parseClaims reads a JSON object without names that come twice, text that is
// not UTF-8 and values that nest too deep: different readers make different
// things of these.
func parseClaims(payload []byte) (map[string]any, error) {
	if !utf8.Valid(payload) || tooDeep(payload) {
		return nil, errors.New("bad text")
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		return nil, err
	}
	if claims == nil {
		return nil, errors.New("null")
	}
	return claims, nil
}

func tooDeep(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{', c == '[':
			if depth++; depth > maxNesting {
				return true
			}
		case c == '}', c == ']':
			depth--
		}
	}
	return false
}

// checkTimes compares the claims that are there with the clock, without any
// leeway. Fractions of seconds count.
func checkTimes(claims map[string]any, now time.Time) error {
	at := float64(now.Unix()) + float64(now.Nanosecond())/1e9
	for _, check := range []struct {
		claim, refusal string
		holds          func(float64) bool
	}{
		{"exp", "the token has expired", func(exp float64) bool { return at < exp }},
		{"nbf", "the token is not valid yet", func(nbf float64) bool { return at >= nbf }},
		{"iat", "the token was issued in the future", func(iat float64) bool { return at >= iat }},
	} {
		value, there := claims[check.claim]
		if !there {
			continue
		}
		seconds, ok := value.(float64)
		if !ok || seconds < 0 || seconds > maxTime {
			return errors.New("the " + check.claim + " of the token is no point in time")
		}
		if !check.holds(seconds) {
			return errors.New(check.refusal)
		}
	}
	return nil
}

// audienceOf is whom a token is meant for: a text, or a list of nothing else.
func audienceOf(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []any:
		audience := make([]string, len(claim))
		for i, one := range claim {
			text, ok := one.(string)
			if !ok {
				return nil
			}
			audience[i] = text
		}
		return audience
	default:
		return nil
	}
}

// takeScope removes the claim that holds the scope, the first one that is
// there of scp, scope and scopes, and gives the scopes as a list: a text is
// taken apart at single blanks, and what is no text in a list is an empty one.
func takeScope(claims map[string]any) []string {
	for _, name := range []string{"scp", "scope", "scopes"} {
		claim, there := claims[name]
		if !there {
			continue
		}
		delete(claims, name)
		switch claim := claim.(type) {
		case string:
			return strings.Split(claim, " ")
		case []any:
			granted := make([]string, len(claim))
			for i, one := range claim {
				granted[i], _ = one.(string)
			}
			return granted
		default:
			return []string{}
		}
	}
	return []string{}
}

// subjectOf is whom the token is about: nobody, if it does not say. What is no
// text, or cannot be told to an upstream in a header, names nobody either, but
// was meant to.
func subjectOf(claims map[string]any) (string, error) {
	claim, there := claims["sub"]
	if !there {
		return "", nil
	}
	subject, ok := claim.(string)
	if !ok || strings.ContainsFunc(subject, unicode.IsControl) {
		return "", errors.New("the subject of the token is no text for a name")
	}
	return subject, nil
}
