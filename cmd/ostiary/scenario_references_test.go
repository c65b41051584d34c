package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// authorization is an OAuth2 server that wants to know who asks it. It tells everybody who is known that every token is
// alice's.
type authorization struct {
	*httptest.Server
	wanted atomic.Value // the client's secret
	served atomic.Int64 // tokens for the client
}

func startAuthorization(t testing.TB, secret string) *authorization {
	t.Helper()
	a := &authorization{}
	a.wanted.Store(secret)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, given, _ := r.BasicAuth()
		switch {
		case r.URL.Path == "/introspect" && r.Header.Get("Authorization") == "Bearer of-"+a.wanted.Load().(string):
			_, _ = io.WriteString(w, `{"active": true, "sub": "alice"}`)
		case r.URL.Path == "/token" && given == a.wanted.Load():
			a.served.Add(1)
			_, _ = fmt.Fprintf(w, `{"access_token": "of-%s", "token_type": "bearer", "expires_in": 3600}`, given)
		default:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error": "invalid_client"}`)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

// referring is an instance whose secrets are in a mounted Secret of Kubernetes and in its environment.
type referring struct {
	*instance
	mount   string
	secrets []string // all that there were
}

// tenant is what the environment of the instance holds.
const tenant = "tenant-0c8e51f7"

func newReferring(t testing.TB, oauth2 string) *referring {
	t.Helper()
	dir := t.TempDir()
	r := &referring{mount: filepath.Join(dir, "secrets"), secrets: []string{tenant}}
	r.instance = &instance{dir: dir, ports: freeListeners(t), config: filepath.Join(dir, "config.json"), env: map[string]string{
		"TENANT": tenant, "SESSIONS_PURGE_TOKEN": "${file:secrets/purge}",
	}}
	rule := func(id, authenticator string, config object) object {
		return object{
			"id": id, "match": object{"url": "http://<[^/]+>/" + id, "methods": []string{"GET"}},
			"authenticators": []object{{"handler": authenticator, "config": config}}, "authorizer": object{"handler": "allow"},
			"mutators": []object{{"handler": "header", "config": object{"headers": object{"X-Rule": "${file:" + r.mount + "/purge} ${env:TENANT}"}}}},
			"upstream": object{"url": headersShown(t)},
		}
	}
	r.write(t, "rules.json", []object{
		rule("introspected", "oauth2_introspection", nil), rule("open", "anonymous", nil),
		rule("down", "bearer_token", nil), rule("broken", "bearer_token", object{"token_from": object{"header": "A", "cookie": "b"}}),
	})
	// What is said about a source, and about what is wrong there, names it.
	r.write(t, tenant+".json", []object{rule("elsewhere", "bearer_token", object{"token_from": object{"header": "A", "cookie": "b"}})})
	settings := object{
		"access_rules": object{"repositories": []string{"file://" + filepath.Join(dir, "rules.json"), "file://" + dir + "/${env:TENANT}.json"}},
		"authenticators": object{
			"anonymous": object{"enabled": "${file:secrets/switch}", "config": object{"subject": "${env:TENANT}"}},
			"bearer_token": object{"enabled": true, "config": object{
				"check_session_url": fmt.Sprintf("http://127.0.0.1:%d/${env:TENANT}/whoami", freePort(t)),
			}},
			"oauth2_introspection": object{"enabled": true, "config": object{
				"introspection_url": oauth2 + "/introspect",
				"pre_authorization": object{
					"enabled": true, "client_id": "${env:TENANT}", "client_secret": "${file:secrets/client}", "token_url": oauth2 + "/token",
				},
			}},
		},
		"authorizers": object{"allow": object{"enabled": true}},
		"mutators":    object{"header": object{"enabled": true, "config": object{"headers": object{"X-Operator": "{{ ${file:secrets/template} }}"}}}},
	}
	r.ports.bind(settings)
	r.write(t, "config.json", settings)
	return r
}

// headersShown is an upstream that answers with what it was told in X-Rule.
func headersShown(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("X-Rule"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// publish makes these the secrets.
func (r *referring) publish(t testing.TB, secrets map[string]string) {
	t.Helper()
	files := map[string]string{"switch": "true\n", "template": "print .Subject\n"}
	for name, secret := range secrets {
		files[name] = secret + "\n"
		if secret != "" {
			r.secrets = append(r.secrets, secret)
		}
	}
	if err := swapConfigMap(r.mount, files); err != nil {
		t.Fatal(err)
	}
}

// ask sends a request and returns what it was answered.
func (r *referring) ask(t testing.TB, method, listener, path, bearer string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, r.url(listener, path), strings.NewReader(`{"all": true}`))
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := plainClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// purges tells whether a token may purge.
func (r *referring) purges(t testing.TB, token string) bool {
	t.Helper()
	status, _ := r.ask(t, http.MethodPost, "api", "/sessions/purge", token)
	return status == http.StatusNoContent
}

// mustTellNothing fails the test if a text has one of the secrets in it.
func (r *referring) mustTellNothing(t testing.TB, what, text string) {
	t.Helper()
	for _, secret := range r.secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%s tells %s: …%s…", what, secret, text[max(0, at-200):min(len(text), at+200)])
		}
	}
}

// TestSecretsAreRotated: what stands in a file is in force as soon as it is another one, and as long as it cannot be used
// what was in force before still is.
func TestSecretsAreRotated(t *testing.T) {
	t.Parallel()
	oauth2 := startAuthorization(t, "client-secret-of-spring")
	r := newReferring(t, oauth2.URL)
	r.publish(t, map[string]string{"client": "client-secret-of-spring", "purge": "purge-token-of-spring"})
	r.startReady(t)
	introspected := func() bool {
		status, _ := r.ask(t, http.MethodGet, "proxy", "/introspected", "anything")
		return status == http.StatusOK
	}
	if !r.purges(t, "purge-token-of-spring") || r.purges(t, "${file:secrets/purge}") || !introspected() {
		t.Fatal("the first secrets are not in force")
	}

	oauth2.wanted.Store("client-secret-of-summer")
	r.publish(t, map[string]string{"client": "client-secret-of-summer", "purge": "purge-token-of-summer"})
	await(t, "the rotated token", func() bool { return r.purges(t, "purge-token-of-summer") })
	await(t, "the rotated client secret", introspected)
	if r.purges(t, "purge-token-of-spring") {
		t.Error("the token from before is in force")
	}
	if served := oauth2.served.Load(); served != 2 {
		t.Errorf("%d tokens for the client, want one for each secret", served)
	}

	for n, bad := range []struct{ purge, problem string }{
		{"", "environment variable SESSIONS_PURGE_TOKEN: sessions.purge_token: ${file:secrets/purge}: the file is empty"},
		{"too-short:-)", "environment variable SESSIONS_PURGE_TOKEN: sessions.purge_token: "},
	} {
		r.publish(t, map[string]string{"client": "client-secret-of-autumn", "purge": bad.purge})
		r.awaitLogged(t, "a change is not in force", n+1)
		if r.logged(t, bad.problem) == 0 {
			t.Errorf("the log does not say %s", bad.problem)
		}
	}
	if err := os.RemoveAll(r.mount); err != nil { // as if somebody had deleted the Secret
		t.Fatal(err)
	}
	r.awaitLogged(t, "config.json:1: authenticators.oauth2_introspection.config.pre_authorization.client_secret: ${file:secrets/client}: "+
		"the file cannot be read: no such file or directory", 1)
	if !r.purges(t, "purge-token-of-summer") || !introspected() {
		t.Error("what was in force before the secrets could not be used is not any more")
	}
	_, refusals := r.ask(t, http.MethodGet, "api", "/rules/generations", "")
	if !strings.Contains(refusals, "${file:secrets/client}") {
		t.Errorf("/rules/generations does not tell why: %s", refusals)
	}

	r.publish(t, map[string]string{"client": "client-secret-of-summer", "purge": "purge-token-of-winter"})
	await(t, "the token after all the bad ones", func() bool { return r.purges(t, "purge-token-of-winter") })

	// A rule that refers says just that: its author is not to read the operator's files.
	status, told := r.ask(t, http.MethodGet, "proxy", "/open", "")
	if want := "${file:" + r.mount + "/purge} ${env:TENANT}"; status != http.StatusOK || told != want {
		t.Errorf("the upstream is told %q with %d, want %q", told, status, want)
	}
	if status, body := r.ask(t, http.MethodGet, "proxy", "/down", "anything"); status != http.StatusServiceUnavailable {
		t.Errorf("a service that is down is answered with %d %s", status, body)
	}
	r.awaitLogged(t, "subject=${env:TENANT}", 1)
	for _, path := range []string{"/rules", "/rules/broken", "/rules/elsewhere", "/rules/generations", "/health/ready?verbose", "/version"} {
		_, body := r.ask(t, http.MethodGet, "api", path, "")
		r.mustTellNothing(t, path, body)
	}
	r.mustTellNothing(t, "/metrics", r.metrics(t))
	r.stop(t)
	log, err := os.ReadFile(r.log)
	if err != nil {
		t.Fatal(err)
	}
	r.mustTellNothing(t, "the log", string(log))
}

// TestASecretThatIsNotThereIsNoStart, and no command tells of those that are.
func TestASecretThatIsNotThereIsNoStart(t *testing.T) {
	t.Parallel()
	const at = "config.json:1: authenticators.oauth2_introspection.config.pre_authorization.client_secret: ${file:secrets/client}: "
	for name, test := range map[string]struct {
		secrets map[string]string
		problem string
	}{
		"gone":  {map[string]string{"purge": "purge-token-of-spring"}, at + "the file cannot be read: no such file or directory; a relative path begins where the configuration file is"},
		"empty": {map[string]string{"purge": "purge-token-of-spring", "client": ""}, at + "the file is empty; write the value into it"},
		"no template": {
			map[string]string{"purge": "purge-token-of-spring", "client": "client-secret-of-spring", "template": "notafunction .Subject"},
			`config.json:1: mutators.header.config.headers.X-Operator: "{{ ${file:secrets/template} }}" leads to what cannot be used here`,
		},
		"unfit": {map[string]string{"purge": "purge token of spring", "client": "client-secret-of-spring"}, `environment variable SESSIONS_PURGE_TOKEN: sessions.purge_token: `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReferring(t, "http://127.0.0.1:1")
			r.publish(t, test.secrets)
			path, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			for _, arguments := range [][]string{{"serve"}, {"check"}, {"rules", "lint"}, {"rules", "match", "GET", "http://x/open"}, {"rules", "headers"}} {
				command := exec.CommandContext(t.Context(), path, append(arguments, "--config", "config.json")...)
				command.Dir, command.Env = r.dir, environment(r.env)
				output, _ := command.CombinedOutput() // the status is looked at
				if status := command.ProcessState.ExitCode(); arguments[0] != "rules" && (status != 1 || !strings.Contains(string(output), test.problem)) {
					t.Errorf("%v ends with %d and %s", arguments, status, output)
				}
				r.mustTellNothing(t, strings.Join(arguments, " "), string(output))
			}
		})
	}
}
