//go:build e2e

package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// site is the hosts of a domain behind the engine: that of the login page, which is open to everybody, and one for
// each rule that guards something.
type site struct {
	*engine
	upstream *upstream
	kratos   *kratos
}

func startSite(t *testing.T, guards ...guard) *site {
	t.Helper()
	k := startKratos(t, "ops.test")
	g := startGate(t, "kratos/engine.yaml", k.names, append(guards,
		open("kratos", "http://auth.ops.test/<(self-service|sessions)/.*>", k.public("")),
		open("login", "http://auth.ops.test/<(login|registration|settings|welcome|error)?>", k.page.URL),
		open("public", "http://public.ops.test/<.*>", ""),
	))
	return &site{g.engine, g.upstream, k}
}

// open is a rule that lets everybody through.
func open(id, address, upstream string) guard {
	return guard{
		id: id, match: fmt.Sprintf(`{"url": %q, "methods": ["GET", "POST"]}`, address),
		authenticators: `[{"handler": "noop"}]`, upstream: upstream,
	}
}

// guarded is a rule for the host of the same name, with an authenticator and its configuration.
func guarded(id, authenticator, config string) guard {
	return guard{
		id: id, match: fmt.Sprintf(`{"url": "http://%s.ops.test/<.*>", "methods": ["GET", "POST"]}`, id),
		authenticators: fmt.Sprintf(`[{"handler": %q, "config": {%s}}]`, authenticator, config),
	}
}

// visitor is a person to whom the engine's proxy answers.
func (s *site) visitor(t *testing.T) *person {
	t.Helper()
	return newPerson(t, s.ports.address("proxy"))
}

// fate is what becomes of a request: the status that the client gets, where it is sent, and the X-User that the
// service gets.
type fate struct {
	status int
	to     string
	user   string
}

// welcomed is the fate for the account's owner.
func welcomed(a account) fate { return fate{status: http.StatusOK, user: a.id} }

// turnedAway is an fate that sends nobody anywhere.
func turnedAway(status int) fate { return fate{status: status} }

// sentTo is a redirect that tells where the person wanted to go.
func (s *site) sentTo(path, from string, parameters ...string) fate {
	query := url.Values{"return_to": {from}}
	for _, one := range parameters {
		name, value, _ := strings.Cut(one, "=")
		query.Set(name, value)
	}
	return fate{status: http.StatusFound, to: s.kratos.on("auth", path) + "?" + query.Encode()}
}

// sentToLogin is what becomes of people without a session.
func (s *site) sentToLogin(from string) fate { return s.sentTo("/login", from) }

// expect has the person go to the address, both by the proxy and by the decision API.
func (s *site) expect(t *testing.T, p *person, address string, want fate) {
	t.Helper()
	s.expectFor(t, p, http.MethodGet, address, navigation, want)
}

// expectFor is an expect for any request.
func (s *site) expectFor(t *testing.T, p *person, method, address string, headers map[string]string, want fate) {
	t.Helper()
	if got := s.proxied(t, p, method, address, headers); got != want {
		t.Errorf("the proxy makes %+v of %s %s, expected %+v", got, method, address, want)
	}
	if got := s.decided(t, p, method, address, headers); got != want {
		t.Errorf("the decision API makes %+v of %s %s, expected %+v", got, method, address, want)
	}
}

// becomes waits until both ways agree on the fate, for what an outage or a time to live puts off.
func (s *site) becomes(t *testing.T, p *person, address string, want fate) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s becomes %+v", address, want), func() (string, bool) {
		got := [2]fate{
			s.proxied(t, p, http.MethodGet, address, navigation), s.decided(t, p, http.MethodGet, address, navigation),
		}
		return fmt.Sprintf("seen is %+v", got), got == [2]fate{want, want}
	})
}

// proxied claims to be mallory, which nobody may believe.
func (s *site) proxied(t *testing.T, p *person, method, address string, headers map[string]string) fate {
	t.Helper()
	s.upstream.take()
	answer := p.send(t, method, address, with(headers, "X-User", "mallory"), "")
	got := fate{status: answer.status, to: answer.header.Get("Location")}
	seen := s.upstream.take()
	if reached := len(seen) == 1; reached != (got.status == http.StatusOK) {
		t.Fatalf("%s answers %d, and %d requests reached the service", address, answer.status, len(seen))
	}
	if len(seen) == 1 {
		got.user = seen[0].header.Get("X-User")
	}
	return got
}

func (s *site) decided(t *testing.T, p *person, method, address string, headers map[string]string) fate {
	t.Helper()
	asked, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	headers = with(headers, "Cookie", p.cookies(t, address))
	for name, value := range map[string]string{
		"X-User": "mallory", "X-Forwarded-Method": method, "X-Forwarded-Proto": asked.Scheme,
		"X-Forwarded-Host": asked.Host, "X-Forwarded-Uri": asked.RequestURI(),
	} {
		headers[name] = value
	}
	answer := newPerson(t, s.ports.address("api")).send(t, http.MethodGet, "http://gateway.test/decisions", headers, "")
	return fate{answer.status, answer.header.Get("Location"), answer.header.Get("X-User")}
}

// with is a copy of the headers with one more.
func with(headers map[string]string, name, value string) map[string]string {
	all := map[string]string{name: value}
	for n, v := range headers {
		if n != name {
			all[n] = v
		}
	}
	return all
}
