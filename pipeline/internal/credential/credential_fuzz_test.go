package credential

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// FuzzToken: whatever a client writes, a token is what stands at its place and
// nothing else, and a bearer token could be read in one way only.
func FuzzToken(f *testing.F) {
	for _, authorization := range []string{"", "Bearer t", "bearer  t", "Bearer\tt", "Basic dTpw", "Bearer t, Bearer u", "\x00"} {
		f.Add(authorization, "", "a=b; token=t; token=u", "token=t&token=u")
	}
	f.Add("Bearer t", "u", `token="quoted"`, "token=%zz")
	f.Add("Bearer t", "u", "token", "a;b&token=t")
	f.Add("Bearer t", "u", "=;token=\x00", "token=%00%0a&Token=t")
	f.Fuzz(func(t *testing.T, authorization, other, cookie, query string) {
		request := &pipeline.Request{RawQuery: query, Header: http.Header{
			"Authorization": {authorization}, "X-Token": {other}, "Cookie": {cookie},
		}}
		from := func(place *Location) string {
			token, err := place.Token(request)
			if err != nil {
				t.Error(err)
			}
			return token
		}
		token := from(nil)
		if token != "" && (!strings.EqualFold(authorization, "bearer "+token) || strings.ContainsAny(token, " \t")) {
			t.Errorf("%q is taken out of %q", token, authorization)
		}
		if got := from(&Location{Header: "authorization"}); got != token {
			t.Errorf("the header in small letters holds %q, and not %q", got, token)
		}
		if got := from(&Location{Header: "X-Token"}); got != other {
			t.Errorf("%q is taken out of a header with %q", got, other)
		}
		if got := from(&Location{Cookie: "token"}); !strings.Contains(cookie, got) {
			t.Errorf("%q is taken out of the cookies %q", got, cookie)
		}
		if got := from(&Location{QueryParameter: "token"}); got != "" && !strings.Contains(query, "=") {
			t.Errorf("%q is taken out of the query %q", got, query)
		}
	})
}

// FuzzHasCookie: whoever reads cookies in the usual way finds the same ones.
func FuzzHasCookie(f *testing.F) {
	for _, line := range []string{
		"sid=1", " sid = 1 ", "sid", "sid=", `sid="1"`, `sid="1`, `a=b; sid=1`, "sid=\\1", "sid=a b", "sid=\x7f", "\tsid=1;", "sid=1,sid=2", "=1", ";;",
		"_oauth2_proxy_0=x", "s=1", "sid\t=1", "sid=\u00e9", `sid=""`, `sid="`,
	} {
		f.Add(line, "sid")
	}
	f.Add("_oauth2_proxy_0=x", "_oauth2_proxy*")
	f.Add("a b=1", "a b")
	f.Fuzz(func(t *testing.T, line, name string) {
		header := http.Header{"Cookie": {line}}
		want := slices.ContainsFunc((&http.Request{Header: header}).Cookies(), func(c *http.Cookie) bool {
			return pipeline.CookiesCover([]string{name}, c.Name)
		})
		if got := HasCookie(header, []string{name}); got != want {
			t.Errorf("%q in %q: got %v, net/http says %v", name, line, got, want)
		}
	})
}
