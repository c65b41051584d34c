package authn

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestJWTPlaces(t *testing.T) {
	t.Parallel()
	const (
		inHeader = `{"token_from": {"header": "X-Id-Token"}}`
		inQuery  = `{"token_from": {"query_parameter": "jwt"}}`
		inCookie = `{"token_from": {"cookie": "id_token"}}`
	)
	good, bad := issuedJWT(lena), issuedJWT(`{"exp":1}`)
	headers := pipelinetest.Request
	query := func(query string) *pipeline.Request {
		request := headers()
		request.RawQuery = query
		return request
	}
	tests := map[string]struct {
		config  string
		request *pipeline.Request
		want    error
	}{
		"behind Bearer":                    {`{}`, headers("Authorization", "Bearer "+good), nil},
		"behind bearer":                    {`{}`, headers("Authorization", "bearer "+good), nil},
		"in a header of its own":           {inHeader, headers("x-id-token", good), nil},
		"in the query":                     {inQuery, query("a=1&jwt=" + good), nil},
		"in a cookie":                      {inCookie, headers("Cookie", "a=1; id_token="+good), nil},
		"no token":                         {`{}`, headers(), pipeline.ErrNotResponsible},
		"another scheme":                   {`{}`, headers("Authorization", "Token "+good), pipeline.ErrNotResponsible},
		"Basic":                            {`{}`, headers("Authorization", "Basic "+good), pipeline.ErrNotResponsible},
		"two Authorization headers":        {`{}`, headers("Authorization", "Bearer "+good, "Authorization", "Bearer "+bad), pipeline.BadCredential},
		"two words":                        {`{}`, headers("Authorization", "Bearer "+good+" "+good), pipeline.ErrNotResponsible},
		"one part":                         {`{}`, headers("Authorization", "Bearer opaque"), pipeline.ErrNotResponsible},
		"two parts":                        {`{}`, headers("Authorization", "Bearer a.b"), pipeline.ErrNotResponsible},
		"four parts":                       {`{}`, headers("Authorization", "Bearer "+good+".x"), pipeline.ErrNotResponsible},
		"five parts, as of encrypted ones": {`{}`, headers("Authorization", "Bearer a.b.c.d.e"), pipeline.ErrNotResponsible},
		"in all the wrong places":          {`{}`, headers("X-Id-Token", good, "Cookie", "id_token="+good), pipeline.ErrNotResponsible},
		"another header than configured":   {inHeader, headers("Authorization", "Bearer "+good), pipeline.ErrNotResponsible},
		"Bearer in a header of its own":    {inHeader, headers("X-Id-Token", "Bearer "+good), pipeline.BadCredential},
		"a bad one in a header of its own": {inHeader, headers("X-Id-Token", bad), pipeline.BadCredential},
		"a bad one in the query":           {inQuery, query("jwt=" + bad), pipeline.BadCredential},
		"one with a line break":            {inQuery, query("jwt=" + url.QueryEscape(good[:9]+"\r\n"+good[9:])), pipeline.BadCredential},
		"one with a NUL":                   {inQuery, query("jwt=" + good + "%00"), pipeline.BadCredential},
		"a bad one in a cookie":            {inCookie, headers("Cookie", "id_token="+bad), pipeline.BadCredential},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, issuerKeys()))
			handler := newVerifier(t, service, test.config, newJWTClock())
			if err := handler.Authenticate(t.Context(), test.request, &pipeline.Session{}); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestJWTKeepsTheTokenFromTheUpstream(t *testing.T) {
	t.Parallel()
	token := issuedJWT(lena)
	request := pipelinetest.Request("Authorization", "Bearer "+token, "X-Id-Token", token, "Cookie", "id_token="+token)
	request.RawQuery = "jwt=" + token
	tests := map[string]pipeline.Withheld{
		`{}`:                          {},
		`{"pass_credentials": true}`:  {},
		`{"pass_credentials": false}`: {Headers: []string{"Authorization"}},
		`{"pass_credentials": false, "token_from": {"header": "X-Id-Token"}}`:   {Headers: []string{"X-Id-Token"}},
		`{"pass_credentials": false, "token_from": {"query_parameter": "jwt"}}`: {QueryParameters: []string{"jwt"}},
		`{"pass_credentials": false, "token_from": {"cookie": "id_token"}}`:     {Cookies: []string{"id_token"}},
	}
	for config, want := range tests {
		service := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, issuerKeys()))
		handler := newVerifier(t, service, config, newJWTClock())
		var session pipeline.Session
		if err := handler.Authenticate(t.Context(), request, &session); err != nil {
			t.Errorf("%s: %v", config, err)
		}
		if diff := cmp.Diff(want, session.Withheld); diff != "" {
			t.Errorf("%s: %s", config, diff)
		}
	}
}

func TestJWTMistakes(t *testing.T) {
	t.Parallel()
	with := func(more string) string { return `{"jwks_urls": ["http://k.test/"], ` + more + `}` }
	const noDuration = "is not a duration such as 500ms, 5s or 10m"
	tests := map[string][]string{
		`{}`:                               {"jwks_urls: is required"},
		`{"jwks_urls": []}`:                {"jwks_urls: must not be empty"},
		`{"jwks_urls": "http://k.test/"}`:  {"jwks_urls: expected array, got string"},
		`{"jwks_urls": ["ftp://k.test/"]}`: {"jwks_urls[0]: is not a URL of the form https://host/path or file:///path"},
		`{"jwks_urls": ["/etc/k.json"]}`:   {`jwks_urls[0]: "/etc/k.json" is not a URL with a scheme, such as https://host/path`},
		`{"jwks_urls": ["https://k.test/", "s3://bucket/keys.json"]}`: {"jwks_urls[1]: s3:// is not supported by this version; use https:// or file://"},

		with(`"jwks_ttl": "30"`):                             {"jwks_ttl: " + noDuration},
		with(`"jwks_ttl": "-1s"`):                            {"jwks_ttl: " + noDuration},
		with(`"jwks_max_wait": "soon"`):                      {"jwks_max_wait: " + noDuration},
		with(`"jwks_max_wait": 1`):                           {"jwks_max_wait: expected string, got integer"},
		with(`"scope_strategy": "fuzzy"`):                    {`scope_strategy: "fuzzy" is not one of "hierarchic", "exact", "wildcard", "none"`},
		with(`"required_scope": [""]`):                       {"required_scope[0]: must not be empty"},
		with(`"token_from": {"header": "a", "cookie": "b"}`): {"token_from: names exactly one of header, query_parameter and cookie"},
		with(`"jwks_url": "x"`):                              {"jwks_url: unknown key; did you mean \"jwks_urls\"?"},
		with(`"jwks_ttl": "1m30s", "jwks_max_wait": "0s"`):   nil,
	}
	for config, want := range tests {
		if diff := cmp.Diff(want, pipelinetest.Mistakes(t, jwt, config)); diff != "" {
			t.Errorf("%s: %s", config, diff)
		}
	}
}
