package credential

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestToken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from    *Location
		headers []string
		query   string
		want    string
	}{
		"a bearer token":                      {nil, []string{"Authorization", "Bearer t"}, "", "t"},
		"the scheme in any case":              {nil, []string{"Authorization", "bEARER t"}, "", "t"},
		"every character that a token has":    {nil, []string{"Authorization", "Bearer aZ09-._~+/=="}, "", "aZ09-._~+/=="},
		"no header":                           {nil, nil, "", ""},
		"an empty header":                     {nil, []string{"Authorization", ""}, "", ""},
		"a scheme alone":                      {nil, []string{"Authorization", "Bearer"}, "", ""},
		"a scheme and a blank":                {nil, []string{"Authorization", "Bearer "}, "", ""},
		"another scheme":                      {nil, []string{"Authorization", "Basic t"}, "", ""},
		"a longer scheme":                     {nil, []string{"Authorization", "Bearers t"}, "", ""},
		"no scheme":                           {nil, []string{"Authorization", "t"}, "", ""},
		"two blanks":                          {nil, []string{"Authorization", "Bearer  t"}, "", ""},
		"a tab":                               {nil, []string{"Authorization", "Bearer\tt"}, "", ""},
		"two tokens":                          {nil, []string{"Authorization", "Bearer t u"}, "", ""},
		"not in the query":                    {nil, nil, "access_token=t", ""},
		"that header by its name":             {&Location{Header: "Authorization"}, []string{"Authorization", "Bearer t"}, "", "t"},
		"that header in small letters":        {&Location{Header: "authorization"}, []string{"Authorization", "Bearer t"}, "", "t"},
		"that header never without a scheme":  {&Location{Header: "authorization"}, []string{"Authorization", "t"}, "", ""},
		"another header":                      {&Location{Header: "X-Token"}, []string{"X-Token", "t"}, "", "t"},
		"another header in small letters":     {&Location{Header: "x-token"}, []string{"X-Token", "t"}, "", "t"},
		"another header as a whole":           {&Location{Header: "X-Token"}, []string{"X-Token", "Bearer t"}, "", "Bearer t"},
		"the first of two":                    {&Location{Header: "X-Token"}, []string{"X-Token", "t", "X-Token", "u"}, "", "t"},
		"another header that is not there":    {&Location{Header: "X-Token"}, []string{"Authorization", "Bearer t"}, "", ""},
		"a parameter":                         {&Location{QueryParameter: "token"}, nil, "a=b&token=t", "t"},
		"the first of two parameters":         {&Location{QueryParameter: "token"}, nil, "token=t&token=u", "t"},
		"a parameter with escapes":            {&Location{QueryParameter: "my token"}, nil, "my+token=a%2Bb+c", "a+b c"},
		"a parameter in another case":         {&Location{QueryParameter: "token"}, nil, "Token=t", ""},
		"a parameter that is empty":           {&Location{QueryParameter: "token"}, nil, "token=&token=t", ""},
		"a parameter that is not there":       {&Location{QueryParameter: "token"}, []string{"Token", "t"}, "", ""},
		"a cookie":                            {&Location{Cookie: "token"}, []string{"Cookie", "a=b; token=t"}, "", "t"},
		"the first of two cookies":            {&Location{Cookie: "token"}, []string{"Cookie", "token=t; token=u"}, "", "t"},
		"a cookie in a second header":         {&Location{Cookie: "token"}, []string{"Cookie", "a=b", "Cookie", "token=t"}, "", "t"},
		"a cookie in quotes":                  {&Location{Cookie: "token"}, []string{"Cookie", `token="t"`}, "", "t"},
		"a cookie in another case":            {&Location{Cookie: "token"}, []string{"Cookie", "Token=t"}, "", ""},
		"a cookie that is not there":          {&Location{Cookie: "token"}, nil, "token=t", ""},
		"a place that is none has no token":   {&Location{}, []string{"Authorization", "Bearer t", "", "t"}, "=t", ""},
		"a header counts before a parameter":  {&Location{Header: "X-Token", QueryParameter: "token"}, []string{"X-Token", "h"}, "token=q", "h"},
		"a header is not made up for by both": {&Location{Header: "X-Token", QueryParameter: "token"}, nil, "token=q", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := pipelinetest.Request(test.headers...)
			request.RawQuery = test.query
			got, err := test.from.Token(request)
			if got != test.want || err != nil {
				t.Errorf("got %q and %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestSeveralAuthorizationHeaders(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from    *Location
		headers []string
		refused bool
	}{
		"two tokens":             {nil, []string{"Authorization", "Bearer t", "Authorization", "Bearer u"}, true},
		"the same token twice":   {nil, []string{"Authorization", "Bearer t", "Authorization", "Bearer t"}, true},
		"one of another scheme":  {nil, []string{"Authorization", "Basic x", "Authorization", "Bearer t"}, true},
		"one that is empty":      {nil, []string{"Authorization", "Bearer t", "Authorization", ""}, true},
		"that header by name":    {&Location{Header: "authorization"}, []string{"Authorization", "Bearer t", "Authorization", "Bearer u"}, true},
		"the token is elsewhere": {&Location{Header: "X-Token"}, []string{"X-Token", "t", "Authorization", "a", "Authorization", "b"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := test.from.Token(pipelinetest.Request(test.headers...))
			if refused := errors.Is(err, pipeline.BadCredential); refused != test.refused || refused != (token == "") {
				t.Errorf("got %q and %v", token, err)
			}
		})
	}
}

func TestWithhold(t *testing.T) {
	t.Parallel()
	before := pipeline.Withheld{Headers: []string{"A"}, Cookies: []string{"b"}, QueryParameters: []string{"c"}}
	tests := map[string]struct {
		from *Location
		want pipeline.Withheld
	}{
		"the usual header": {nil, pipeline.Withheld{Headers: []string{"A", "Authorization"}, Cookies: []string{"b"}, QueryParameters: []string{"c"}}},
		"another header":   {&Location{Header: "X-Token"}, pipeline.Withheld{Headers: []string{"A", "X-Token"}, Cookies: []string{"b"}, QueryParameters: []string{"c"}}},
		"a cookie":         {&Location{Cookie: "t"}, pipeline.Withheld{Headers: []string{"A"}, Cookies: []string{"b", "t"}, QueryParameters: []string{"c"}}},
		"a parameter":      {&Location{QueryParameter: "t"}, pipeline.Withheld{Headers: []string{"A"}, Cookies: []string{"b"}, QueryParameters: []string{"c", "t"}}},
		"nothing":          {&Location{}, before},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session := pipeline.Session{Withheld: pipeline.Withheld{
				Headers: []string{"A"}, Cookies: []string{"b"}, QueryParameters: []string{"c"},
			}}
			test.from.Withhold(&session)
			if diff := cmp.Diff(test.want, session.Withheld); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCookie(t *testing.T) {
	t.Parallel()
	header := map[string][]string{"Cookie": {"a=1; b=2", "c=3; a=4; d"}}
	for name, want := range map[string]string{"a": "1", "b": "2", "c": "3", "d": "", "e": "", "": ""} {
		if got := Cookie(header, name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
