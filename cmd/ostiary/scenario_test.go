package main_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOperationalAuth walks through the deployment as a person, and the rule controller behind them, would.
func TestOperationalAuth(t *testing.T) {
	const loginPage = "http://auth.localhost.com:8080/login"
	const page = "http://vmagent.localhost.com:8080/targets?search=up%7Bjob%3D%22a%20b%22%7D&show=all"
	d := deploy(t, scenarioRules(t))
	ask := func(t *testing.T, method, target string, headers map[string]string, body string) reply {
		t.Helper()
		got, err := d.send(t.Context(), "proxy", method, target, headers, body)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	withSession := func(value string) map[string]string {
		return map[string]string{"Cookie": "theme=dark; ory_kratos_session=" + value, "x-user-id": "mallory"}
	}
	sentToLogin := func(t *testing.T, got reply, from string) {
		t.Helper()
		if want := loginPage + "?return_to=" + url.QueryEscape(from); got.status != http.StatusFound ||
			got.header.Get("Location") != want {
			t.Errorf("answer %d to %s, expected 302 to %s", got.status, got.header.Get("Location"), want)
		}
		if seen := d.upstream.take(); len(seen) > 0 {
			t.Errorf("the upstream was reached: %+v", seen)
		}
	}
	// letThrough checks that one request reached the upstream, as it was sent but for the identity.
	letThrough := func(t *testing.T, got reply, method, target, body string) {
		t.Helper()
		if got.status != http.StatusOK || got.body != upstreamPage {
			t.Fatalf("answer %d %q, expected the upstream's page", got.status, got.body)
		}
		seen := d.upstream.take()
		if len(seen) != 1 {
			t.Fatalf("the upstream was reached %d times, expected once", len(seen))
		}
		address, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		at := seen[0]
		if at.method != method || at.target != address.RequestURI() || at.host != address.Host || at.body != body {
			t.Errorf("the upstream got %s %s of %s with %q, expected %s %s with %q",
				at.method, at.target, at.host, at.body, method, target, body)
		}
		if users := at.header.Values("X-User-Id"); !slices.Equal(users, []string{"u-1"}) {
			t.Errorf("the upstream got x-user-id %q, expected u-1", users)
		}
	}

	t.Run("without a session people are sent to the login page, and back to where they were", func(t *testing.T) {
		sentToLogin(t, ask(t, "GET", page, nil, ""), page)
		other := map[string]string{"Cookie": "theme=dark"}
		sentToLogin(t, ask(t, "GET", "http://vmagent.localhost.com:8080/", other, ""), "http://vmagent.localhost.com:8080/")
		sentToLogin(t, ask(t, "GET", page, withSession("made-up"), ""), page)
	})
	t.Run("a valid session reaches the upstream", func(t *testing.T) {
		letThrough(t, ask(t, "GET", page, withSession("good"), ""), "GET", page, "")
	})
	t.Run("a POST goes through with its body and is checked with a GET", func(t *testing.T) {
		d.sessions.take()
		headers := withSession("good")
		headers["Content-Type"] = "text/plain"
		letThrough(t, ask(t, "POST", page, headers, "scrape"), "POST", page, "scrape")
		checks := d.sessions.take()
		if len(checks) != 1 {
			t.Fatalf("the session was checked %d times, expected once", len(checks))
		}
		if c := checks[0]; c.method != "GET" || c.target != "/sessions/whoami" || c.body != "" {
			t.Errorf("the session was checked by %s %s with %q", c.method, c.target, c.body)
		}
	})
	t.Run("a browser on another subdomain may ask", func(t *testing.T) {
		preflight := func(origin string) http.Header {
			got := ask(t, "OPTIONS", page, map[string]string{
				"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type",
			}, "")
			if got.status != http.StatusNoContent {
				t.Errorf("preflight of %s: %d, expected 204", origin, got.status)
			}
			return got.header
		}
		ours := preflight("http://app.localhost.com")
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "http://app.localhost.com", "Access-Control-Allow-Methods": "PUT",
			"Access-Control-Allow-Headers": "content-type", "Access-Control-Allow-Credentials": "true",
		} {
			if got := ours.Get(name); !strings.EqualFold(got, want) {
				t.Errorf("%s is %q, expected %q", name, got, want)
			}
		}
		for _, foreign := range []string{"http://app.localhost.com.evil.test", "https://app.localhost.com", "http://evil.test"} {
			if got := preflight(foreign).Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("%s is allowed as %q", foreign, got)
			}
		}

		headers := withSession("good")
		headers["Origin"] = "http://app.localhost.com"
		got := ask(t, "GET", page, headers, "")
		if origin := got.header.Get("Access-Control-Allow-Origin"); origin != "http://app.localhost.com" {
			t.Errorf("Access-Control-Allow-Origin is %q on the answer itself", origin)
		}
		letThrough(t, got, "GET", page, "")
	})
	t.Run("a new rule in the ConfigMap is in force without a restart", func(t *testing.T) {
		const alerts = "http://alertmanager.localhost.com:8080/alerts?active=true"
		if got := ask(t, "GET", alerts, withSession("good"), ""); got.status == http.StatusOK {
			t.Fatal("the page is reached before there is a rule for it")
		}
		both := withRule(t, scenarioRules(t), "alertmanager")
		d.publish(t, both)
		deadline := time.Now().Add(inForce)
		for ask(t, "GET", alerts, withSession("good"), "").status != http.StatusOK {
			if time.Now().After(deadline) {
				t.Fatalf("the rule is not in force after %v", inForce)
			}
			time.Sleep(20 * time.Millisecond)
		}
		d.upstream.take()
		letThrough(t, ask(t, "GET", alerts, withSession("good"), ""), "GET", alerts, "")
		letThrough(t, ask(t, "GET", page, withSession("good"), ""), "GET", page, "")
		sentToLogin(t, ask(t, "GET", alerts, nil, ""), alerts)
	})
	t.Run("a revoked session is sent to the login page again", func(t *testing.T) {
		d.sessions.revoke("good")
		sentToLogin(t, ask(t, "GET", page, withSession("good"), ""), page)
	})
	d.stop(t)
}
