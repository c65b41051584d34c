package handlers

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// forwarded sends header lines through a proxy and returns those that came to
// the upstream, sorted. The request line and the Host header are left out.
func forwarded(t *testing.T, lines []string, decide func(upstream func(*pipeline.Decision)) ruling, changes ...func(*Proxy)) []string {
	t.Helper()
	upstream := record(t, plainAnswer)
	g := openGate(t, decide(to(t, upstream.here())), changes...)
	ask(t, g.address, strings.Join(append([]string{"GET /x?access_token=secret&q=1 HTTP/1.1", "Host: app.test"}, lines...), "\r\n")+"\r\n\r\n")
	head := strings.Split(strings.TrimSuffix(upstream.head(t), "\r\n\r\n"), "\r\n")
	return slices.Sorted(slices.Values(head[2:]))
}

func expectLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		t.Errorf("the upstream's header lines (-want +got):\n%s", diff)
	}
}

// plainly permits without touching anything.
func plainly(upstream func(*pipeline.Decision)) ruling { return permitted(upstream) }

func TestHeadersPassAsTheyAre(t *testing.T) {
	t.Parallel()
	expectLines(t, forwarded(t, []string{
		"Accept: a", "accept: b", "Authorization: Bearer T", "Cookie: a=1; b=\"2\"; {}", "X-Empty:", "Snake_case: 1", "Via: 1.0 x",
	}, plainly),
		"Accept: a", "Accept: b", "Authorization: Bearer T", "Cookie: a=1; b=\"2\"; {}", "Snake_case: 1", "Via: 1.0 x", "X-Empty: ",
	)
}

func TestTheProxyAddsNoHeaders(t *testing.T) {
	t.Parallel()
	expectLines(t, forwarded(t, nil, plainly)) // no User-Agent, no Accept-Encoding, no X-Forwarded-For
}

func TestHeadersOfTheConnectionDoNotPass(t *testing.T) {
	t.Parallel()
	expectLines(t, forwarded(t, []string{
		"Connection: X-Named, keep-alive", "Connection: x-also-named", "X-Named: 1", "X-Also-Named: 1", "Keep-Alive: timeout=5",
		"Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eA==", "Proxy-Authenticate: Basic", "TE: gzip", "Trailer: X-Trailer", "X-Stays: 1",
	}, plainly), "X-Stays: 1")
}

func TestTEPassesForTrailersOnly(t *testing.T) {
	t.Parallel()
	expectLines(t, forwarded(t, []string{"TE: trailers, deflate"}, plainly), "Te: trailers")
}

func TestForwardingHeadersOfStrangersDoNotPass(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, name := range append(forwardingNames, "X_forwarded_for", "X-Forwarded_proto", "X-Http-Method-Override") {
		lines = append(lines, name+": forged")
	}
	expectLines(t, forwarded(t, append(lines, "X-Stays: 1"), plainly), "X-Stays: 1")
}

func TestForwardingHeadersOfTrustedPeersPass(t *testing.T) {
	t.Parallel()
	expectLines(t, forwarded(t, []string{
		"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-Host: outside.test", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443",
		"X-Real-Ip: 1.1.1.1", "X_forwarded_for: 6.6.6.6", "Forwarded: for=1.1.1.1", "X-Method-Override: DELETE",
	}, plainly, trusting),
		"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-Host: outside.test", "X-Forwarded-Port: 443", "X-Forwarded-Proto: https",
		"X-Real-Ip: 1.1.1.1",
	)
}

func TestTheSessionsHeadersReplaceTheClients(t *testing.T) {
	t.Parallel()
	decide := func(upstream func(*pipeline.Decision)) ruling {
		return permitted(upstream, owns("X-User", "X-Roles"), sets(http.Header{
			"X-User": {"alice"}, "Authorization": {"Bearer engine"}, "X-Forwarded-For": {"engine"}, "X-Many": {"1", "2"},
			// Of these the connection makes its own.
			"Host": {"evil.test"}, "Content-Length": {"7"}, "Transfer-Encoding": {"chunked"}, "Connection": {"X-Stays"}, "Upgrade": {"x"}, "Te": {"x"},
		}))
	}
	expectLines(t, forwarded(t, []string{
		"X-User: root", "X-USER: root", "x_user: root", "X-Roles: admin", "X_Roles: admin", "x_roles: admin", "Authorization: Bearer T", "X-Stays: 1",
	}, decide),
		"Authorization: Bearer engine", "X-Forwarded-For: engine", "X-Many: 1", "X-Many: 2", "X-Stays: 1", "X-User: alice",
	)
}

func TestAClientCannotHaveTheSessionsHeadersRemoved(t *testing.T) {
	t.Parallel()
	decide := func(upstream func(*pipeline.Decision)) ruling {
		return permitted(upstream, owns("X-User"), sets(http.Header{"X-User": {"alice"}}))
	}
	expectLines(t, forwarded(t, []string{"Connection: X-User, close"}, decide), "X-User: alice")
}

func TestWithheldCredentialsDoNotPass(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		withheld    pipeline.Withheld
		lines, want []string
	}{
		"a header": {
			pipeline.Withheld{Headers: []string{"authorization", "X-Session-Token"}},
			[]string{"Authorization: Bearer T", "X-Session-Token: T", "Cookie: sid=1"},
			[]string{"Cookie: sid=1"},
		},
		"the only cookie":  {pipeline.Withheld{Cookies: []string{"sid"}}, []string{"Cookie: sid=1"}, nil},
		"one of many":      {pipeline.Withheld{Cookies: []string{"sid"}}, []string{"Cookie: a=1; sid=1; b=2"}, []string{"Cookie: a=1; b=2"}},
		"each of its name": {pipeline.Withheld{Cookies: []string{"sid"}}, []string{"Cookie: sid=1; sid=2; a=1; sid=3"}, []string{"Cookie: a=1"}},
		"on any line":      {pipeline.Withheld{Cookies: []string{"sid"}}, []string{"Cookie: a=1; sid=1", "Cookie: sid=2"}, []string{"Cookie: a=1"}},
		"however spaced":   {pipeline.Withheld{Cookies: []string{"sid"}}, []string{"Cookie: sid =1;sid= 2;\tsid=3; a=1"}, []string{"Cookie: a=1"}},
		"without a value":  {pipeline.Withheld{Cookies: []string{"sid"}}, []string{"Cookie: sid; a=1; sid="}, []string{"Cookie: a=1"}},
		"in quotes":        {pipeline.Withheld{Cookies: []string{"sid"}}, []string{`Cookie: sid="1"; a=1`}, []string{"Cookie: a=1"}},
		"cut into several": {pipeline.Withheld{Cookies: []string{"sid*"}}, []string{"Cookie: sid=1; sid_0=2; sid_1=3; a=1; xsid=4"}, []string{"Cookie: a=1; xsid=4"}},
		"not by its case":  {pipeline.Withheld{Cookies: []string{"sid"}}, []string{"Cookie: SID=1; sidx=2"}, []string{"Cookie: SID=1; sidx=2"}},
		"and other cookies keep their bytes": {
			pipeline.Withheld{Cookies: []string{"sid"}},
			[]string{`Cookie: json={"a":1,"b":"c d"}; sid=1; theme="dark"; odd name=1; ü=2; x=a=b`},
			[]string{`Cookie: json={"a":1,"b":"c d"}; theme="dark"; odd name=1; ü=2; x=a=b`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectLines(t, forwarded(t, test.lines, func(upstream func(*pipeline.Decision)) ruling {
				return permitted(upstream, withholds(test.withheld))
			}), test.want...)
		})
	}
}

func TestWithheldQueryParametersDoNotPass(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	g := openGate(t, permitted(to(t, upstream.here()), withholds(pipeline.Withheld{QueryParameters: []string{"token"}})))
	for query, want := range map[string]string{
		"?token=1":                    "",
		"?a=%zz;b&token=1&c=a+b":      "?a=%zz;b&c=a+b",
		"?%zz=1&token=1":              "?%zz=1",
		"?token=1&x&token=2":          "?x",
		"?%74oken=1&x":                "?x",
		"?token&x":                    "?x",
		"?Token=1&tokens=2":           "?Token=1&tokens=2",
		"?x=token=1":                  "?x=token=1",
		"?&&token=1&&":                "?&&&",
		`?{"token"}&token={"secret"}`: `?{"token"}`,
	} {
		ask(t, g.address, "GET /x"+query+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if line, _, _ := strings.Cut(upstream.head(t), "\r\n"); line != "GET /x"+want+" HTTP/1.1" {
			t.Errorf("%s: the upstream got %q, want the query %s", query, line, want)
		}
	}
}

func TestTheSessionMayReplaceAWithheldHeader(t *testing.T) {
	t.Parallel()
	decide := func(upstream func(*pipeline.Decision)) ruling {
		return permitted(upstream, withholds(pipeline.Withheld{Headers: []string{"Authorization"}}), sets(http.Header{"Authorization": {"Bearer engine"}}))
	}
	expectLines(t, forwarded(t, []string{"Authorization: Bearer T"}, decide), "Authorization: Bearer engine")
}

func TestForwardingHeadersAreAppendedOnRequest(t *testing.T) {
	t.Parallel()
	appending := func(p *Proxy) { p.Forwarder.AppendForwarded = true }
	t.Run("for a stranger they begin anew", func(t *testing.T) {
		t.Parallel()
		expectLines(t, forwarded(t, []string{
			"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil.test", "X-Forwarded-Proto: https", "Connection: X-Forwarded-For, X-Forwarded-Host",
		}, plainly, appending),
			"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: app.test", "X-Forwarded-Proto: http")
	})
	t.Run("for a trusted peer they go on", func(t *testing.T) {
		t.Parallel()
		expectLines(t, forwarded(t, []string{
			"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 9.9.9.9, 10.0.0.1", "X-Forwarded-Host: outside.test", "X-Forwarded-Proto: HTTPS",
		}, plainly, appending, trusting),
			"X-Forwarded-For: 1.1.1.1, 9.9.9.9, 10.0.0.1, 127.0.0.1", "X-Forwarded-Host: outside.test", "X-Forwarded-Proto: https")
	})
}
