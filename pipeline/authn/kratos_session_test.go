package authn

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// What Kratos gets to see of a credential.
var (
	sawCookie = http.Header{"Cookie": {"ory_kratos_session=c"}}
	sawToken  = http.Header{"X-Session-Token": {"t"}}
	sawBearer = http.Header{"X-Session-Token": {"ory_st_b"}}
)

const (
	cookieC = "ory_kratos_session=c"
	bearerB = "Bearer ory_st_b"
)

func TestKratosSessionFindsTheCredential(t *testing.T) {
	t.Parallel()
	const anyBearer = `{"bearer_prefix": ""}`
	tests := map[string]struct {
		config  string
		headers []string
		want    http.Header // that Kratos sees; nil if it is not asked
		kind    error
		reason  string
	}{
		"none":                                  {`{}`, nil, nil, pipeline.ErrNotResponsible, ""},
		"the cookie":                            {`{}`, []string{"Cookie", cookieC}, sawCookie, nil, ""},
		"the cookie among others":               {`{}`, []string{"Cookie", "theme=dark; " + cookieC + "; csrf=x"}, sawCookie, nil, ""},
		"the cookie on a second line":           {`{}`, []string{"Cookie", "theme=dark", "Cookie", cookieC}, sawCookie, nil, ""},
		"the cookie in quotes":                  {`{}`, []string{"Cookie", `ory_kratos_session="c"`}, sawCookie, nil, ""},
		"the cookie twice":                      {`{}`, []string{"Cookie", cookieC + "; " + cookieC}, sawCookie, nil, ""},
		"a cookie of another name":              {`{"cookie": "sid"}`, []string{"Cookie", "sid=c; ory_kratos_session=x"}, http.Header{"Cookie": {"sid=c"}}, nil, ""},
		"no cookie of its name":                 {`{}`, []string{"Cookie", "ORY_KRATOS_SESSION=c; ory_kratos_session2=c; xory_kratos_session=c"}, nil, pipeline.ErrNotResponsible, ""},
		"an empty cookie":                       {`{}`, []string{"Cookie", "ory_kratos_session="}, nil, pipeline.ErrNotResponsible, ""},
		"two different cookies":                 {`{}`, []string{"Cookie", cookieC + "; ory_kratos_session=d"}, nil, pipeline.BadCredential, "the request has session cookies with different values"},
		"two different cookies on two lines":    {`{}`, []string{"Cookie", cookieC, "Cookie", "ory_kratos_session=d"}, nil, pipeline.BadCredential, "the request has session cookies with different values"},
		"an empty one after it":                 {`{}`, []string{"Cookie", cookieC + "; ory_kratos_session="}, nil, pipeline.BadCredential, "the request has session cookies with different values"},
		"an empty one before it":                {`{}`, []string{"Cookie", "ory_kratos_session=; " + cookieC}, nil, pipeline.BadCredential, "the request has session cookies with different values"},
		"the session token":                     {`{}`, []string{"X-Session-Token", "t"}, sawToken, nil, ""},
		"an empty session token":                {`{}`, []string{"X-Session-Token", ""}, nil, pipeline.ErrNotResponsible, ""},
		"two session tokens":                    {`{}`, []string{"X-Session-Token", "t", "X-Session-Token", "u"}, nil, pipeline.BadCredential, "the request has 2 X-Session-Token headers"},
		"two equal session tokens":              {`{}`, []string{"X-Session-Token", "t", "X-Session-Token", "t"}, nil, pipeline.BadCredential, "the request has 2 X-Session-Token headers"},
		"the bearer token":                      {`{}`, []string{"Authorization", bearerB}, sawBearer, nil, ""},
		"a bearer token, spelt otherwise":       {`{}`, []string{"Authorization", "bEARER ory_st_b"}, sawBearer, nil, ""},
		"another bearer token":                  {`{}`, []string{"Authorization", "Bearer eyJhbGciOiJub25lIn0"}, nil, pipeline.ErrNotResponsible, ""},
		"another bearer token, if any will do":  {anyBearer, []string{"Authorization", "Bearer t"}, sawToken, nil, ""},
		"a bearer token of another prefix":      {`{"bearer_prefix": "mine_"}`, []string{"Authorization", bearerB}, nil, pipeline.ErrNotResponsible, ""},
		"a prefix alone":                        {`{}`, []string{"Authorization", "Bearer ory_st_"}, http.Header{"X-Session-Token": {"ory_st_"}}, nil, ""},
		"basic credentials":                     {anyBearer, []string{"Authorization", "Basic eA=="}, nil, pipeline.ErrNotResponsible, ""},
		"two Authorization headers":             {`{}`, []string{"Authorization", bearerB, "Authorization", "Basic eA=="}, nil, pipeline.BadCredential, "the request has 2 Authorization headers"},
		"of all three, the session token first": {`{}`, []string{"Cookie", cookieC, "Authorization", bearerB, "X-Session-Token", "t"}, sawToken, nil, ""},
		"of two, the bearer token first":        {`{}`, []string{"Cookie", cookieC, "Authorization", bearerB}, sawBearer, nil, ""},
		"of two, the one that it judges":        {`{}`, []string{"Cookie", cookieC, "Authorization", "Bearer other"}, sawCookie, nil, ""},
		"in another order":                      {`{"credentials": ["cookie", "bearer", "session_token"]}`, []string{"Cookie", cookieC, "Authorization", bearerB, "X-Session-Token", "t"}, sawCookie, nil, ""},
		"cookies alone":                         {`{"credentials": ["cookie"]}`, []string{"Authorization", bearerB, "X-Session-Token", "t"}, nil, pipeline.ErrNotResponsible, ""},
		"session tokens alone":                  {`{"credentials": ["session_token"]}`, []string{"Cookie", cookieC + "; ory_kratos_session=d", "Authorization", bearerB, "X-Session-Token", "t"}, sawToken, nil, ""},
		"bearer tokens alone":                   {`{"credentials": ["bearer"]}`, []string{"X-Session-Token", "t", "X-Session-Token", "u", "Authorization", bearerB}, sawBearer, nil, ""},
		"the first, although another is bad":    {`{}`, []string{"X-Session-Token", "t", "Cookie", cookieC + "; ory_kratos_session=d"}, sawToken, nil, ""},
		"none, because the first is bad":        {`{}`, []string{"X-Session-Token", "t", "X-Session-Token", "u", "Cookie", cookieC}, nil, pipeline.BadCredential, "the request has 2 X-Session-Token headers"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, good("ada"))
			session, err := pass(t, atKratos(t, newWorld(t).Environment, kratos, test.config), pipelinetest.Request(test.headers...))
			if got := kindOf(t, err); got != test.kind || pipelinetest.ReasonOf(err) != test.reason || (session.Subject == "ada") != (test.kind == nil) { //nolint:errorlint // kinds are values
				t.Errorf("got %q, %v; want %v because %q", session.Subject, err, test.kind, test.reason)
			}
			var saw http.Header
			for _, asked := range kratos.Asked() {
				saw = asked.Header
				maps.DeleteFunc(saw, func(name string, _ []string) bool { return strings.HasPrefix(name, "Accept") || name == "User-Agent" })
			}
			if diff := cmp.Diff(test.want, saw); diff != "" {
				t.Errorf("Kratos saw (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKratosSessionKeepsTheCredentialFromTheUpstream(t *testing.T) {
	t.Parallel()
	const forgetful = `{"pass_credentials": false}`
	all := []string{"Cookie", cookieC, "Authorization", bearerB, "X-Session-Token", "t"}
	tests := map[string]struct {
		config  string
		headers []string
		want    pipeline.Withheld
	}{
		"not unless it is told to": {`{}`, all, pipeline.Withheld{}},
		"the cookie":               {forgetful, all[:2], pipeline.Withheld{Cookies: []string{"ory_kratos_session"}}},
		"a cookie of another name": {`{"pass_credentials": false, "cookie": "sid"}`, []string{"Cookie", "sid=1"}, pipeline.Withheld{Cookies: []string{"sid"}}},
		"the bearer token":         {forgetful, all[2:4], pipeline.Withheld{Headers: []string{"Authorization"}}},
		"the session token":        {forgetful, all[4:], pipeline.Withheld{Headers: []string{"X-Session-Token"}}},
		"the one that it judged":   {forgetful, all, pipeline.Withheld{Headers: []string{"X-Session-Token"}}},
		"none that it did not":     {forgetful, []string{"Cookie", "theme=dark"}, pipeline.Withheld{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, good("ada"))
			handler := atKratos(t, newWorld(t).Environment, kratos, test.config)
			for range 2 { // from Kratos, and remembered
				session, _ := pass(t, handler, pipelinetest.Request(test.headers...))
				if diff := cmp.Diff(test.want, session.Withheld); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestKratosSessionHoldsALoginAgainstTheRule(t *testing.T) {
	t.Parallel()
	const second, old, factor = "aal2", "2023-11-14T21:13:20Z", "the rule demands a second factor"
	level := func(name string) change { return change{"authenticator_assurance_level": name} }
	tests := map[string]struct {
		config  string
		changes change
		kind    error
		reason  string
	}{
		"one factor, if one will do":         {`{}`, nil, nil, ""},
		"two factors, if one will do":        {`{}`, level(second), nil, ""},
		"two factors, if two are needed":     {`{"required_aal": "aal2"}`, level(second), nil, ""},
		"three, if two are needed":           {`{"required_aal": "aal2"}`, level("aal3"), nil, ""},
		"one factor, if two are needed":      {`{"required_aal": "aal2"}`, nil, pipeline.SecondFactor, factor},
		"no level, if two are needed":        {`{"required_aal": "aal2"}`, change{"authenticator_assurance_level": nil}, pipeline.SecondFactor, factor},
		"a login just as old as it may be":   {`{"max_auth_age": "1h"}`, change{"authenticated_at": old}, nil, ""},
		"a login that is older":              {`{"max_auth_age": "3599s"}`, change{"authenticated_at": old}, pipeline.Outdated, "the rule demands a login that is less than 59m59s old"},
		"a login of any age":                 {`{"max_auth_age": ""}`, change{"authenticated_at": "2001-01-01T00:00:00Z"}, nil, ""},
		"a login of an unknown age":          {`{"max_auth_age": "1h"}`, change{"authenticated_at": nil}, pipeline.Outdated, "the rule demands a login that is less than 1h0m0s old"},
		"a login of tomorrow":                {`{"max_auth_age": "1h"}`, change{"authenticated_at": "2023-11-15T22:13:20Z"}, nil, ""},
		"one factor first, and then its age": {`{"required_aal": "aal2", "max_auth_age": "1m"}`, change{"authenticated_at": old}, pipeline.SecondFactor, factor},
		"the end first, and then the rest":   {`{"required_aal": "aal2", "max_auth_age": "1m"}`, change{"expires_at": old}, pipeline.BadCredential, "the session has expired"},
		"a login that has not begun":         {`{}`, change{"authenticator_assurance_level": "aal0"}, pipeline.BadCredential, "nobody has logged in to the session yet"},
		"no level, if one is enough":         {`{}`, change{"authenticator_assurance_level": nil}, nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, good("ada", test.changes))
			handler := atKratos(t, newWorld(t).Environment, kratos, test.config)
			for range 2 { // from Kratos, and remembered
				session, err := pass(t, handler, withCookie)
				if got := kindOf(t, err); got != test.kind || pipelinetest.ReasonOf(err) != test.reason { //nolint:errorlint // kinds are values
					t.Errorf("got %v (%q), want %v (%q)", err, pipelinetest.ReasonOf(err), test.kind, test.reason)
				}
				if err != nil && (session.Subject != "" || pipelinetest.Extra(&session) != nil) {
					t.Errorf("it leaves %+v in the session", session)
				}
			}
			if want := 1; test.reason != "the session has expired" && kratos.calls() != want {
				t.Errorf("%d calls", kratos.calls())
			}
		})
	}
}

func TestKratosSessionRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	const whole = `"public_url": "http://kratos"`
	tests := map[string]struct {
		config string
		want   []string
	}{
		"no address":                   {`{}`, []string{"public_url: is required"}},
		"an address without a scheme":  {`{"public_url": "kratos-public"}`, []string{`public_url: "kratos-public" is not a URL with a scheme, such as https://host/path`}},
		"an address of another scheme": {`{"public_url": "ftp://kratos"}`, []string{"public_url: is not a URL of the form http://host:port/path"}},
		"an address without a host":    {`{"public_url": "http:///"}`, []string{"public_url: is not a URL of the form http://host:port/path"}},
		"an address with a query":      {`{"public_url": "http://kratos/?a=b"}`, []string{"public_url: must not have a query: it is where the paths of Kratos begin"}},
		"an address with a fragment":   {`{"public_url": "http://kratos/#a"}`, []string{"public_url: must not have a query: it is where the paths of Kratos begin"}},
		"a cookie without a name":      {`{` + whole + `, "cookie": ""}`, []string{"cookie: must not be empty"}},
		"a cookie with a blank":        {`{` + whole + `, "cookie": "a b"}`, []string{"cookie: is no name for a cookie"}},
		"a cookie with more cookies":   {`{` + whole + `, "cookie": "a=1; b"}`, []string{"cookie: is no name for a cookie"}},
		"no credentials":               {`{` + whole + `, "credentials": []}`, []string{"credentials: must not be empty"}},
		"an unknown credential":        {`{` + whole + `, "credentials": ["token"]}`, []string{`credentials[0]: "token" is not one of "session_token", "bearer", "cookie"`}},
		"a credential twice":           {`{` + whole + `, "credentials": ["cookie", "cookie"]}`, []string{"credentials: has the same item twice"}},
		"an unknown level":             {`{` + whole + `, "required_aal": "aal3"}`, []string{`required_aal: "aal3" is not one of "aal1", "aal2"`}},
		"an age without a unit":        {`{` + whole + `, "max_auth_age": "12"}`, []string{`max_auth_age: "12" is not a duration such as 500ms, 5s or 10m`}},
		"an age of nothing":            {`{` + whole + `, "max_auth_age": "0s"}`, []string{"max_auth_age: has to be longer than 0s, or every login is too old"}},
		"an age past all counting":     {`{` + whole + `, "max_auth_age": "9999999999h"}`, []string{"max_auth_age: is not a duration such as 500ms, 5s or 10m"}},
		"a token without a header":     {`{` + whole + `, "tokenize_as": "jwt", "token_header": ""}`, []string{"token_header: must not be empty"}},
		"a header that is none":        {`{` + whole + `, "tokenize_as": "jwt", "token_header": "X Token"}`, []string{"token_header: is no name for a header"}},
		"a time-out of nothing":        {`{` + whole + `, "timeout": "0s"}`, []string{"timeout: has to be longer than 0s, or no answer comes in time"}},
		"a time-out past all counting": {`{` + whole + `, "timeout": "9999999999h"}`, []string{"timeout: is not a duration such as 500ms, 5s or 10m"}},
		"a ttl past all counting":      {`{` + whole + `, "cache": {"ttl": "9999999999h"}}`, []string{"cache.ttl: is not a duration such as 500ms, 5s or 10m"}},
		"a negative ttl as a number":   {`{` + whole + `, "cache": {"negative_ttl": 1}}`, []string{"cache.negative_ttl: 1 is not a duration such as 500ms, 5s or 10m"}},
		"no room":                      {`{` + whole + `, "cache": {"max_cost": 0}}`, []string{"cache.max_cost: 0 is less than 1"}},
		"a pause of nothing":           {`{` + whole + `, "circuit_breaker": {"pause": "0s"}}`, []string{"circuit_breaker.pause: has to be longer than 0s, or the service is never left alone"}},
		"a key of cookie_session":      {`{` + whole + `, "only": ["ory_kratos_session"]}`, []string{"only: unknown key"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, kratosSession, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
