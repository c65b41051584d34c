package main_test

import (
	"os"
	"path/filepath"
	"testing"
)

// identityRoom is a directory with a configuration whose rules set X-User, X-Role and Authorization, and of others
// that set nothing or cannot be read.
func identityRoom(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const (
		handlers = "authenticators: {noop: {enabled: true}, anonymous: {enabled: true}}\nauthorizers: {allow: {enabled: true}}\n" +
			"mutators: {noop: {enabled: true}, header: {enabled: true, config: {headers: {x-user: '{{ .Subject }}'}}}}\n"
		rule = `"authenticators": [{"handler": "noop"}], "authorizer": {"handler": "allow"}, "match": {"methods": ["GET"], "url": "http://`
	)
	for name, text := range map[string]string{
		"config.yaml":  handlers + "access_rules: {repositories: ['file://rules.json']}\n",
		"none.yaml":    handlers + "access_rules: {repositories: ['file://none.json']}\n",
		"missing.yaml": handlers + "access_rules: {repositories: ['file://rules.json', 'file://gone.json']}\n",
		"rules.json": `[{"id": "a", ` + rule + `a.test/"}, "mutators": [{"handler": "header"}]},
			{"id": "b", ` + rule + `b.test/"}, "mutators": [{"handler": "header", "config": {"headers": {"X-ROLE": "r", "X-User": "u", "authorization": "t"}}}]}]`,
		"none.json": `[{"id": "a", ` + rule + `a.test/"}, "mutators": [{"handler": "noop"}]}]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHeadersForGateways(t *testing.T) {
	t.Parallel()
	dir := identityRoom(t)
	lists := map[string]string{
		"traefik": "authResponseHeaders:\n  - Authorization\n  - X-Role\n  - X-User\n",
		"nginx": "auth_request_set $auth_authorization $upstream_http_authorization;\nauth_request_set $auth_x_role $upstream_http_x_role;\n" +
			"auth_request_set $auth_x_user $upstream_http_x_user;\n" +
			"proxy_set_header Authorization $auth_authorization;\nproxy_set_header X-Role $auth_x_role;\nproxy_set_header X-User $auth_x_user;\n",
		"caddy":   "copy_headers Authorization X-Role X-User\n",
		"haproxy": `local identity = { ["authorization"] = true, ["x-role"] = true, ["x-user"] = true }` + "\n",
		"envoy":   "allowed_upstream_headers:\n  patterns:\n    - exact: authorization\n    - exact: x-role\n    - exact: x-user\n",
		"istio":   `headersToUpstreamOnAllow: ["authorization", "x-role", "x-user"]` + "\n",
	}
	all := ""
	for _, gateway := range []string{"traefik", "nginx", "caddy", "haproxy", "envoy", "istio"} {
		if all += "# " + gateway + "\n" + lists[gateway]; gateway != "istio" {
			all += "\n"
		}
		arguments := []string{"rules", "headers", "--for", gateway, "-c", "config.yaml"}
		if got := runCommand(t, dir, arguments...); got != (result{0, lists[gateway], ""}) {
			t.Errorf("%s: got %+v", gateway, got)
		}
	}
	for name, expected := range map[string]result{
		"config.yaml":  {0, all, ""},
		"none.yaml":    {0, "", "No rule sets a header.\n"},
		"missing.yaml": {1, all, "problem  gone.json: no such file or directory\n"},
	} {
		if got := runCommand(t, dir, "rules", "headers", "-c", name); got != expected {
			t.Errorf("%s: got %+v\nexpected %+v", name, got, expected)
		}
	}
	usage := result{2, "", "ostiary: --for: \"apache\" is none of traefik, nginx, caddy, haproxy, envoy, istio\nRun 'ostiary --help' for what there is.\n"}
	if got := runCommand(t, dir, "rules", "headers", "--for", "apache"); got != usage {
		t.Errorf("got %+v\nexpected %+v", got, usage)
	}
}
