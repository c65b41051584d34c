package handlers

import (
	"net/http"
	"strings"
	"testing"
)

// TestOperatorsBearTheirToken on the port of their own as on the API's.
func TestOperatorsBearTheirToken(t *testing.T) {
	t.Parallel()
	recorded := Recorders{}
	admin := &Admin{Rulebook: numbered(3), Recorder: recorded, Token: "of operators", Purge: Purge{Revoker: &ended{}, Token: purgeToken}}
	api := API{Rulebook: rulebook{ready: true}, Recorder: recorded, Admin: admin}
	for name, address := range map[string]string{
		"of its own":   serve(t, Frontend(quiet, CORS{}, admin.Handler())),
		"of the API's": serve(t, Frontend(quiet, CORS{}, api.Handler())),
	} {
		for _, path := range []string{"/rules", "/rules/1", "/rules/generations", "/rules/nowhere"} {
			for line, allowed := range map[string]bool{
				"Authorization: Bearer of operators": true, "authorization: bearer of operators": true, "X: ": false, "Authorization: Bearer of operator": false,
				"Authorization: Bearer": false, "Authorization: of operators": false, "Authorization: Basic of operators": false, bearing: false,
				"Authorization: Bearer of operators\r\nAuthorization: Bearer of operators": false,
			} {
				response, body := get(t, address, path, line)
				if (response.StatusCode != http.StatusUnauthorized) != allowed {
					t.Errorf("%s: %s with %s: got %d with %s", name, path, line, response.StatusCode, body)
				}
				if !allowed && (response.Header.Get("Www-Authenticate") != `Bearer realm="admin"` || strings.Contains(body, `"id"`)) {
					t.Errorf("%s: %s with %s: got %v with %s", name, path, line, response.Header, body)
				}
			}
		}
		if response, body := purgeWith(t, address, `{"all": true}`, bearing, asJSON); response.StatusCode != http.StatusNoContent {
			t.Errorf("%s: purging has a token of its own: got %d with %s", name, response.StatusCode, body)
		}
	}
}

// TestOperatorsHaveAPort where nothing is decided, and the API has no rules to show then.
func TestOperatorsHaveAPort(t *testing.T) {
	t.Parallel()
	recorded := Recorders{}
	admin := serve(t, Frontend(quiet, CORS{}, (&Admin{Rulebook: numbered(3), Recorder: recorded}).Handler()))
	api := API{Decisions: []*Decisions{{Decider: permitted(), Recorder: recorded, Dialect: Oathkeeper, Path: "/decisions"}}, Rulebook: rulebook{ready: true}, Recorder: recorded}
	alone := serve(t, Frontend(quiet, CORS{}, api.Handler()))
	for path, want := range map[string][2]int{
		"/rules": {200, 404}, "/rules/2": {200, 404}, "/rules/generations": {200, 404}, "/decisions": {404, 200}, "/health/ready": {404, 200}, "/version": {404, 200},
	} {
		for i, address := range []string{admin, alone} {
			if response, _ := get(t, address, path); response.StatusCode != want[i] {
				t.Errorf("%s: port %d answers %d, not %d", path, i, response.StatusCode, want[i])
			}
		}
	}
	if response, _ := purgeWith(t, alone, `{"all": true}`, bearing, asJSON); response.StatusCode != http.StatusNotFound {
		t.Errorf("purging through the API: got %d", response.StatusCode)
	}
}
