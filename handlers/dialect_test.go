package handlers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func dialect(t *testing.T, name string) Dialect {
	t.Helper()
	d, known := DialectNamed(name)
	if !known {
		t.Fatalf("no dialect is called %q", name)
	}
	return d
}

func TestDialects(t *testing.T) {
	t.Parallel()
	const (
		forwarded = "X-Forwarded-Method: PUT\nX-Forwarded-Proto: https\nX-Forwarded-Host: app.test:8443\nX-Forwarded-Uri: /c%2Fd/?q=1;r&q=%2F\n"
		original  = "X-Original-Method: PUT\nX-Original-Url: https://app.test:8443/c%2Fd/?q=1;r&q=%2F\n"
	)
	for _, test := range []struct {
		name, dialect, text, want string
	}{
		{"forward auth", "traefik", "GET /auth/traefik HTTP/1.1\nHost: gate.test\n" + forwarded, ""},
		{"Caddy asks with the query, too", "caddy", "GET /auth/caddy?q=1;r&q=%2F HTTP/1.1\nHost: app.test:8443\n" + forwarded, ""},
		{"HAProxy", "haproxy", "GET /auth/haproxy HTTP/1.1\nHost: gate.test\n" + forwarded, ""},
		{"nginx", "nginx", "GET /auth/nginx HTTP/1.0\nHost: gate.test\n" + original, ""},
		{"Envoy", "envoy", "PUT /auth/envoy/c%2Fd/?q=1;r&q=%2F HTTP/1.1\nHost: app.test:8443\nX-Forwarded-Proto: https\n", ""},
		{"others' headers beside Traefik's", "traefik", "GET /auth/traefik HTTP/1.1\nHost: gate.test\n" + forwarded + "X-Original-Url: http://evil.test/\nX-Original-Method: GET\n", ""},
		{"others' headers beside nginx'", "nginx", "GET /auth/nginx HTTP/1.1\nHost: gate.test\nX-Forwarded-Uri: /evil\nX-Forwarded-Host: evil.test\nX-Forwarded-Method: GET\nX-Forwarded-Proto: http\n" + original, ""},
		{"others' headers beside Envoy's", "envoy", "PUT /auth/envoy/c%2Fd/?q=1;r&q=%2F HTTP/1.1\nHost: app.test:8443\nX-Forwarded-Uri: /evil\nX-Forwarded-Host: evil.test\nX-Forwarded-Method: GET\nX-Original-Url: http://evil.test/\nX-Envoy-Original-Path: /evil\nX-Forwarded-Proto: https\n", ""},
		{"Envoy on a connection of its own", "envoy", "GET /auth/envoy/ HTTP/1.1\nHost: app.test\n", "GET http://app.test/"},
		{"a scheme in capitals", "nginx", "GET /auth/nginx HTTP/1.1\nHost: gate.test\nX-Original-Method: GET\nX-Original-Url: HTTPS://App.TEST/\n", "GET https://app.test/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := dialect(t, test.dialect)
			request, err := d.request(received(t, gateway, test.text), "/auth/"+test.dialect, gateways)
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			if want == "" {
				want = "PUT https://app.test:8443/c%2Fd/?q=1;r&q=%2F"
			}
			if got := request.Method + " " + request.Address; got != want {
				t.Errorf("asked about %s", got)
			}
			for name := range request.Header {
				if isForwarding(name) && !d.believes(name) {
					t.Errorf("handlers see %s", name)
				}
			}
		})
	}
}

func TestDialectsRefuse(t *testing.T) {
	t.Parallel()
	whole := map[string]string{
		"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "app.test", "X-Forwarded-Uri": "/x",
		"X-Original-Method": "GET", "X-Original-Url": "http://app.test/x",
	}
	for _, test := range []struct {
		name, dialect, header, value, want string
	}{
		{"no method", "traefik", "X-Forwarded-Method", "", "does not send the header X-Forwarded-Method"},
		{"no scheme", "caddy", "X-Forwarded-Proto", "", "does not send the header X-Forwarded-Proto"},
		{"no host", "haproxy", "X-Forwarded-Host", "", "does not send the header X-Forwarded-Host"},
		{"no path", "traefik", "X-Forwarded-Uri", "", "does not send the header X-Forwarded-Uri"},
		{"a query only", "traefik", "X-Forwarded-Uri", "?x", "a query without a path"},
		{"a path without a slash", "traefik", "X-Forwarded-Uri", "x", "does not begin with a slash"},
		{"another URL as a path", "traefik", "X-Forwarded-Uri", "http://evil.test/", "does not begin with a slash"},
		{"two hosts joined", "traefik", "X-Forwarded-Host", "app.test, evil.test", "the host has a character"},
		{"two methods joined", "traefik", "X-Forwarded-Method", "GET, POST", "not a token"},
		{"another scheme", "traefik", "X-Forwarded-Proto", "ftp", "neither http nor https"},
		{"dots", "traefik", "X-Forwarded-Uri", "/private/../public", "a gateway forwards it as it was written"},
		{"an empty segment in front", "traefik", "X-Forwarded-Uri", "//public/admin/x", "a gateway forwards it as it was written"},
		{"an empty segment", "nginx", "X-Original-Url", "http://app.test/a//b", "a gateway forwards it as it was written"},
		{"a dot", "nginx", "X-Original-Url", "http://app.test/public/.", "a gateway forwards it as it was written"},
		{"dots in disguise", "traefik", "X-Forwarded-Uri", "/public/%2e%2e/admin", "in disguise"},
		{"nginx without a method", "nginx", "X-Original-Method", "", "does not send the header X-Original-Method"},
		{"nginx without a URL", "nginx", "X-Original-Url", "", "does not send the header X-Original-Url"},
		{"a path for a URL", "nginx", "X-Original-Url", "/x", "neither http nor https"},
		{"a host that ends in a query", "nginx", "X-Original-Url", "http://app.test?/admin", "the host has a character"},
		{"a host that ends in a fragment", "nginx", "X-Original-Url", "http://app.test#/admin", "the host has a character"},
		{"a host with a user", "nginx", "X-Original-Url", "http://app.test@evil.test/", "the host has a character"},
		{"no host in the URL", "nginx", "X-Original-Url", "http:///x", "the host is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := "GET /auth/" + test.dialect + " HTTP/1.1\nHost: gate.test\n"
			for name, value := range whole {
				if name == test.header {
					value = test.value
				}
				text += name + ": " + value + "\n"
			}
			d := dialect(t, test.dialect)
			_, err := d.request(received(t, gateway, text), "/auth/"+test.dialect, gateways)
			if err == nil || pipeline.KindOf(err) != pipeline.Malformed || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			for _, header := range []string{"X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Original-Url"} {
				if test.dialect == "nginx" != strings.HasPrefix(header, "X-Original") {
					continue
				}
				twice := received(t, gateway, text)
				twice.Header[header] = []string{"app.test", "app.test"}
				if _, err := d.request(twice, "/auth/"+test.dialect, gateways); err == nil {
					t.Errorf("two headers %s are one too many", header)
				}
			}
		})
	}
}

// TestStrangersCannotAskInADialect: their headers count for nothing, and
// without them there is nothing to decide on.
func TestStrangersCannotAskInADialect(t *testing.T) {
	t.Parallel()
	const text = " HTTP/1.1\nHost: app.test\nX-Forwarded-Method: GET\nX-Forwarded-Proto: https\nX-Forwarded-Host: public.test\nX-Forwarded-Uri: /x\n" +
		"X-Original-Method: GET\nX-Original-Url: https://public.test/x\n"
	for _, name := range []string{"traefik", "caddy", "haproxy", "nginx"} {
		d := dialect(t, name)
		_, err := d.request(received(t, stranger, "GET /auth/"+name+text), "/auth/"+name, gateways)
		if pipeline.KindOf(err) != pipeline.Malformed || !strings.Contains(err.Error(), "serve.api.trusted_proxies") {
			t.Errorf("%s: %v", name, err)
		}
	}
	envoy := dialect(t, "envoy")
	request, err := envoy.request(received(t, stranger, "GET /auth/envoy/y"+text), "/auth/envoy", gateways)
	if err != nil || request.Address != "http://app.test/y" { // which is what they did ask for
		t.Errorf("envoy: %v about %v", err, request)
	}
}

func TestNginxReadsOnlyThreeStatuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status   int
		location string
		want     int
		header   http.Header
	}{
		{401, "", 401, http.Header{"X-Auth-Status": {"401"}}},
		{403, "", 403, http.Header{"X-Auth-Status": {"403"}}},
		{302, "https://login.test/?rd=a", 401, http.Header{"X-Auth-Status": {"302"}, "X-Auth-Redirect": {"https://login.test/?rd=a"}}},
		{303, "/login", 401, http.Header{"X-Auth-Status": {"303"}, "X-Auth-Redirect": {"/login"}}},
		{302, "", 403, http.Header{"X-Auth-Status": {"302"}}},
		{201, "/made", 403, http.Header{"X-Auth-Status": {"201"}, "Location": {"/made"}}},
		{200, "", 403, http.Header{"X-Auth-Status": {"200"}}},
		{400, "", 403, http.Header{"X-Auth-Status": {"400"}}},
		{404, "", 403, http.Header{"X-Auth-Status": {"404"}}},
		{429, "", 403, http.Header{"X-Auth-Status": {"429"}}},
		{500, "", 403, http.Header{"X-Auth-Status": {"500"}}},
		{503, "", 403, http.Header{"X-Auth-Status": {"503"}}},
		{0, "", 403, http.Header{"X-Auth-Status": {"500"}}},
	} {
		answer := pipeline.Response{Status: test.status, Body: []byte("body")}
		if test.location != "" {
			answer.Header = http.Header{"Location": {test.location}}
		}
		before := answer.Header.Clone()
		got := refuseToNginx(answer)
		if got.Status != test.want || string(got.Body) != "body" {
			t.Errorf("%d becomes %d", test.status, got.Status)
		}
		if diff := cmp.Diff(test.header, got.Header); diff != "" {
			t.Errorf("%d (-want +got):\n%s", test.status, diff)
		}
		if diff := cmp.Diff(before, answer.Header); diff != "" {
			t.Errorf("the error handler's own header was changed (-want +got):\n%s", diff)
		}
	}
}

// TestEachDialectIsAtAPathOfItsOwn and at no other: what looks like one is a
// 404, and no permission.
func TestEachDialectIsAtAPathOfItsOwn(t *testing.T) {
	t.Parallel()
	recorded := newNotes()
	api := API{Recorder: recorded, Rulebook: rulebook{}}
	decider := permitted(echoes, sets(http.Header{"X-User": {"kim"}}), owns("X-User", "X-Role"))
	for _, d := range append([]Dialect{Oathkeeper}, Dialects...) {
		api.Decisions = append(api.Decisions, &Decisions{Decider: decider, Recorder: recorded, Trust: gateways, Dialect: d, Path: "/auth/" + d.Name})
	}
	address := serve(t, Frontend(quiet, CORS{}, api.Handler()))
	const question = " HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: app.test\r\nX-Forwarded-Uri: /x\r\n" +
		"X-Original-Method: GET\r\nX-Original-Url: https://app.test/x\r\nX-Tenant: evil\r\nConnection: close\r\n\r\n"
	for target, want := range map[string]int{
		"/auth/oathkeeper": 200, "/auth/oathkeeper/x": 200, "/auth/envoy": 200, "/auth/envoy/x": 200, "/auth/envoy/%2e%2e/x": 400,
		"/auth/traefik": 200, "/auth/caddy": 200, "/auth/caddy?x=1": 200, "/auth/haproxy": 200, "/auth/nginx": 200,
		"/auth/envoy/a/../x": 400, "/auth/oathkeeper/a/../x": 200,
		"/auth/traefik/x": 404, "/auth/nginx/": 404, "/auth/nginxx": 404, "/auth/envoyx": 404, "/auth": 404, "/auth/": 404, "/auth/apache": 404, "/AUTH/nginx": 404, "/auth/%6eginx": 404,
	} {
		response, _ := ask(t, address, "GET "+target+question)
		if response.StatusCode != want {
			t.Errorf("%s: got %d, want %d", target, response.StatusCode, want)
		}
		user, role := response.Header["X-User"], response.Header["X-Role"]
		if want == http.StatusOK && (!cmp.Equal(user, []string{"kim"}) || !cmp.Equal(role, []string{""})) {
			t.Errorf("%s: X-User is %q, and X-Role, which the rule has nothing for, %q", target, user, role)
		}
		// Gateways have the client's headers already.
		if echoed := response.Header.Get("X-Tenant") != ""; echoed != (want == http.StatusOK && strings.HasPrefix(target, "/auth/oathkeeper")) {
			t.Errorf("%s: the client's header is answered: %v", target, echoed)
		}
		recorded.next(t)
	}
}
