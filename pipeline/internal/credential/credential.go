// Package credential finds the token in a request: where it may stand is part
// of several authenticators' configuration (contract 5.4). What the token is
// worth it does not know.
package credential

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
)

// Location is where a token stands: exactly one of the fields is set. The nil
// Location is the Authorization header with a bearer token (RFC 6750).
type Location struct {
	Header         string `json:"header"`
	QueryParameter string `json:"query_parameter"`
	Cookie         string `json:"cookie"`
}

// Token is the token of the request, or nothing. It fails as [Authorization]
// does.
func (l *Location) Token(request *pipeline.Request) (string, error) {
	switch {
	case l == nil || strings.EqualFold(l.Header, "Authorization"):
		return bearer(request.Header)
	case l.Header != "":
		return request.Header.Get(l.Header), nil
	case l.QueryParameter != "":
		// Never the body: reading it would take it from the upstream.
		values, err := url.ParseQuery(request.RawQuery)
		if err != nil {
			return "", nil //nolint:nilerr // what cannot be read has no token in it
		}
		return values.Get(l.QueryParameter), nil
	case l.Cookie != "":
		return Cookie(request.Header, l.Cookie), nil
	default:
		return "", nil
	}
}

// Withhold marks the token as not to be forwarded.
func (l *Location) Withhold(from *pipeline.Session) {
	switch {
	case l == nil:
		from.Withheld.Headers = append(from.Withheld.Headers, "Authorization")
	case l.Header != "":
		from.Withheld.Headers = append(from.Withheld.Headers, l.Header)
	case l.QueryParameter != "":
		from.Withheld.QueryParameters = append(from.Withheld.QueryParameters, l.QueryParameter)
	case l.Cookie != "":
		from.Withheld.Cookies = append(from.Withheld.Cookies, l.Cookie)
	}
}

// Authorization is the value of that header, or nothing. It fails as [Single]
// does.
func Authorization(header http.Header) (string, error) { return Single(header, "Authorization") }

// Single is the value of a header with a credential, by its canonical name, or
// nothing. Of two such headers the upstream may read the one that was not
// checked, so that they are a bad credential, whatever is in them.
func Single(header http.Header, name string) (string, error) {
	values := header[name]
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", pipeline.BadCredential.Because("the request has %d %s headers", len(values), name)
	}
}

// bearer takes the token out of the Authorization header; the scheme is
// compared in any case (RFC 9110 section 11.1). What has blanks in it is no
// token.
func bearer(header http.Header) (string, error) {
	authorization, err := Authorization(header)
	if err != nil {
		return "", err
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "bearer") || strings.ContainsAny(token, " \t") {
		return "", nil
	}
	return token, nil
}

// Cookie is the value of the first cookie with that name, or nothing.
func Cookie(header http.Header, name string) string {
	cookie, err := (&http.Request{Header: header}).Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// OnlyCookies are the lines of the Cookie header with those cookies alone, byte
// for byte; a * at the end of a name stands for any rest.
func OnlyCookies(header http.Header, names []string) []string {
	var lines []string
	for _, line := range header["Cookie"] {
		var kept []string
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if name, _, _ := strings.Cut(pair, "="); pipeline.CookiesCover(names, strings.TrimSpace(name)) {
				kept = append(kept, pair)
			}
		}
		if len(kept) > 0 {
			lines = append(lines, strings.Join(kept, "; "))
		}
	}
	return lines
}

// HasCookie reports whether there is a cookie with one of those names, as
// net/http reads cookies; a * at the end of a name stands for any rest.
func HasCookie(header http.Header, names []string) bool {
	for _, line := range header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(textproto.TrimString(pair), "=")
			name = textproto.TrimString(name)
			if pipeline.CookiesCover(names, name) && httpguts.ValidHeaderFieldName(name) && isCookieValue(value) {
				return true
			}
		}
	}
	return false
}

func isCookieValue(value string) bool {
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
