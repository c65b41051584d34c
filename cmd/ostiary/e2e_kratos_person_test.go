//go:build e2e

package main_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// person is somebody with cookies, to whom one address answers for every host. Redirects are answers like any other.
type person struct {
	client *http.Client
}

func newPerson(t *testing.T, address string) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	client := *plainClient
	client.Transport, client.Jar = transport, jar
	return &person{&client}
}

// navigation is what a browser tells about itself when somebody follows a link.
var navigation = map[string]string{
	"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
}

func (p *person) send(t *testing.T, method, address string, headers map[string]string, body string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(content)}
}

// follow is where an address leads a browser to in the end.
func (p *person) follow(t *testing.T, address string) reply {
	t.Helper()
	for range 10 {
		got := p.send(t, http.MethodGet, address, navigation, "")
		to := got.header.Get("Location")
		if to == "" {
			return got
		}
		from, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		next, err := from.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		address = next.String()
	}
	t.Fatalf("no end of redirects at %s", address)
	return reply{}
}

// cookies are what the person's requests for an address have in the Cookie header.
func (p *person) cookies(t *testing.T, address string) string {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, cookie := range p.client.Jar.Cookies(parsed) {
		all = append(all, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(all, "; ")
}

// logIn gives the person a session of the account, which has one factor, as a page with scripts does.
func (p *person) logIn(t *testing.T, k *kratos, a account) {
	t.Helper()
	want := http.StatusOK
	if a.secret != "" {
		want = http.StatusUnprocessableEntity // there is a session, and Kratos tells where to go for the second factor
	}
	p.submit(t, k, "", a.login(), want)
}

// logInAgain is what somebody does who has a session of some age.
func (p *person) logInAgain(t *testing.T, k *kratos, a account) {
	t.Helper()
	p.submit(t, k, "?refresh=true", a.login(), http.StatusOK)
}

// stepUp adds the second factor to the session.
func (p *person) stepUp(t *testing.T, k *kratos, a account) {
	t.Helper()
	p.submit(t, k, "?aal=aal2", map[string]any{"method": "totp", "totp_code": totp(t, a.secret)}, http.StatusOK)
}

func (p *person) submit(t *testing.T, k *kratos, query string, fields map[string]any, want int) {
	t.Helper()
	headers := map[string]string{"Accept": "application/json", "Content-Type": "application/json"}
	var flow selfService
	begun := p.send(t, http.MethodGet, k.on("auth", "/self-service/login/browser"+query), headers, "")
	if err := json.Unmarshal([]byte(begun.body), &flow); err != nil || begun.status != http.StatusOK {
		t.Fatalf("the login answers %d %s", begun.status, begun.body)
	}
	fields["csrf_token"] = flow.field(t, "csrf_token")
	done := p.send(t, http.MethodPost, k.on("auth", "/self-service/login?flow="+flow.ID), headers, asJSON(t, fields))
	if done.status != want {
		t.Fatalf("the login ends with %d %s, expected %d", done.status, done.body, want)
	}
}
