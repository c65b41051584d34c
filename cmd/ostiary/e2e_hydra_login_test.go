//go:build e2e

package main_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
)

// registerForPeople makes a client known that people may give tokens of this form to.
func (h *hydra) registerForPeople(t *testing.T, id, form string) oauthClient {
	t.Helper()
	return h.register(t, oauthClient{
		ID: id, Grants: []string{"authorization_code", "refresh_token"}, Scope: "offline", TokenForm: form,
		RedirectTo: []string{"http://127.0.0.1/" + id},
	})
}

// logIn has a person log in and give the client tokens, which come with extra, by the grant of an authorization
// code. It does what their browser and the pages for login and consent would do.
func (h *hydra) logIn(t *testing.T, client oauthClient, person string, extra map[string]string) tokens {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := *plainClient
	browser.Jar = jar
	// follow is a parameter of the address that the browser is sent to.
	follow := func(address, parameter string) string {
		t.Helper()
		response, err := browser.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		to, err := response.Location()
		if err != nil || to.Query().Get(parameter) == "" {
			t.Fatalf("%s answers %s and leads to %v, expected one with %s", address, response.Status, to, parameter)
		}
		return to.Query().Get(parameter)
	}
	accept := func(what, challenge string, with map[string]any) string {
		t.Helper()
		var next struct {
			To string `json:"redirect_to"`
		}
		query := url.Values{what + "_challenge": {challenge}}.Encode()
		fetchJSON(t, http.MethodPut, h.admin("/admin/oauth2/auth/requests/"+what+"/accept?"+query), with, http.StatusOK, &next)
		return next.To
	}
	start := h.public("/oauth2/auth?" + url.Values{
		"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": client.RedirectTo,
		"scope": {client.Scope}, "state": {"long-enough"},
	}.Encode())

	loggedIn := accept("login", follow(start, "login_challenge"), map[string]any{"subject": person})
	consented := accept("consent", follow(loggedIn, "consent_challenge"), map[string]any{
		"grant_scope": []string{client.Scope}, "session": map[string]any{"access_token": extra},
	})
	granted := h.grant(t, client, "authorization_code", url.Values{
		"code": {follow(consented, "code")}, "redirect_uri": client.RedirectTo,
	})
	if granted.Refresh == "" {
		t.Fatal("Hydra granted no refresh token")
	}
	return granted
}
