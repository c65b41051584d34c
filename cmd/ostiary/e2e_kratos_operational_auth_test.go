//go:build e2e

package main_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestE2EKratosOperationalAuth is the scenario with a real Kratos, and with its configuration and its rules unchanged.
func TestE2EKratosOperationalAuth(t *testing.T) {
	t.Parallel()
	const target = "/graph?g0.expr=up%7Bjob%3D%22a%22%7D"
	const address = "http://vmagent.localhost.com:8080" + target
	k, u := startKratos(t, "localhost.com:8080"), startUpstream(t)
	e := startOperationalAuth(t, k, u)
	ingress := startIngress(t, k, e)
	ask := func(t *testing.T, p *person) reply {
		t.Helper()
		u.take()
		return p.send(t, http.MethodGet, address, with(navigation, "x-user-id", "mallory"), "")
	}
	letThrough := func(t *testing.T, p *person, a account) {
		t.Helper()
		if got := ask(t, p); got.status != http.StatusOK || got.body != upstreamPage {
			t.Fatalf("the answer is %d %s, expected the page", got.status, got.body)
		}
		u.reachedBy(t, a, "X-User-Id", target)
	}
	sentToLogin := func(t *testing.T, p *person) {
		t.Helper()
		want := "http://auth.localhost.com:8080/login?return_to=" + url.QueryEscape(address)
		if got := ask(t, p); got.status != http.StatusFound || got.header.Get("Location") != want {
			t.Errorf("the answer is %d to %s, expected 302 to %s", got.status, got.header.Get("Location"), want)
		}
		if seen := u.take(); len(seen) > 0 {
			t.Errorf("the service was reached: %+v", seen)
		}
	}

	t.Run("somebody with a browser logs in, is back where they were, and logs out", func(t *testing.T) {
		b, alice := startBrowser(t, "MAP *.localhost.com:8080 "+ingress), k.create(t, "alice")
		b.open(t, address)
		b.isAsked(t, k.on("auth", ""), "Sign in")
		u.take()
		b.logIn(t, alice)
		b.arrives(t, address, upstreamPage)
		u.reachedBy(t, alice, "X-User-Id", target)
		b.open(t, k.on("auth", "/welcome"))
		b.follow(t, "Sign out")
		b.arrives(t, k.on("auth", "/welcome"), "You are not signed in")
		b.open(t, address)
		b.isAsked(t, k.on("auth", ""), "Sign in")
	})
	t.Run("a revoked session is sent to the login page at once", func(t *testing.T) {
		bob, visitor := k.register(t, "bob"), newPerson(t, ingress)
		sentToLogin(t, visitor)
		k.revoke(t, k.session(t, bob)) // that of the registration
		visitor.logIn(t, k, bob)
		letThrough(t, visitor, bob)
		k.revoke(t, k.session(t, bob))
		sentToLogin(t, visitor)
	})
	t.Run("so are the sessions of an account that is deactivated", func(t *testing.T) {
		carol, visitor := k.create(t, "carol"), newPerson(t, ingress)
		visitor.logIn(t, k, carol)
		letThrough(t, visitor, carol)
		k.deactivate(t, carol)
		sentToLogin(t, visitor)
	})
	t.Run("an outage of Kratos is no login, and leaves sessions as they are", func(t *testing.T) {
		dave, visitor := k.create(t, "dave"), newPerson(t, ingress)
		visitor.logIn(t, k, dave)
		k.kill()
		if got := ask(t, visitor); got.status != http.StatusServiceUnavailable || got.header.Get("Location") != "" {
			t.Errorf("the answer is %d to %q, expected 503", got.status, got.header.Get("Location"))
		}
		k.start(t)
		eventually(t, "the page", func() (string, bool) {
			got := ask(t, visitor)
			return got.body, got.status == http.StatusOK
		})
		letThrough(t, visitor, dave)
	})
	e.stop(t)
}

// startOperationalAuth starts the engine as the scenario has it. Where Kratos is comes from the environment.
func startOperationalAuth(t *testing.T, k *kratos, u *upstream) *engine {
	t.Helper()
	dir, ports, local := t.TempDir(), freeListeners(t), map[string]any{}
	ports.bind(local)
	listen := filepath.Join(dir, "listen.json")
	if err := os.WriteFile(listen, []byte(asJSON(t, local)), 0o600); err != nil {
		t.Fatal(err)
	}
	scenario, err := filepath.Abs(scenarioDir)
	if err != nil {
		t.Fatal(err)
	}
	e := startEngine(t, dir, ports, []string{filepath.Join(scenario, "config.yml"), listen}, map[string]string{
		"ACCESS_RULES_REPOSITORIES":                              "file://" + filepath.Join(scenario, "access-rules.json"),
		"AUTHENTICATORS_COOKIE_SESSION_CONFIG_CHECK_SESSION_URL": k.public("/sessions/whoami"),
		"HTTP_PROXY": u.server.URL, // stands in for the cluster's DNS
	})
	if err := e.awaitReady(); err != nil {
		t.Fatal(err)
	}
	return e
}

// startIngress stands in for what is in front of the cluster: the login page has a host that the engine does not
// see, and every other one is the engine's.
func startIngress(t *testing.T, k *kratos, e *engine) (address string) {
	t.Helper()
	to := func(address string) http.Handler {
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", strings.TrimPrefix(address, "http://")
			r.Out.Host = r.In.Host
		}}
	}
	mux := http.NewServeMux()
	mux.Handle("auth.localhost.com/self-service/", to(k.public("")))
	mux.Handle("auth.localhost.com/sessions/", to(k.public("")))
	mux.Handle("auth.localhost.com/", to(k.page.URL))
	mux.Handle("/", to(e.ports.address("proxy")))
	ingress := httptest.NewServer(mux)
	t.Cleanup(ingress.Close)
	return ingress.Listener.Addr().String()
}
