package rules

import (
	"encoding/json"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// FuzzMask: a secret is never shown, wherever it stands and whatever stands
// around it.
func FuzzMask(f *testing.F) {
	f.Add("client_secret", "https", "user", "", "host/path")
	f.Add("Authorization", "redis", "", "%zz", "[::1")
	f.Add("x-PASSWORD-x", "http", "a%zz", "@/", "h:port?q=1#f")
	mask := newMasking(pipeline.Handlers{Authenticators: []pipeline.Definition[pipeline.Authenticator]{{ID: "vault", Schema: vault}}})
	f.Fuzz(func(t *testing.T, key, scheme, user, password, rest string) {
		const secret = "s3cr3t-of-the-test"
		config := map[string]any{
			"pin": secret, "doors": []any{map[string]any{"code": secret}}, "guards": map[string]any{key: secret},
			"deep": []any{map[string]any{"api_secret": map[string]any{key: []any{secret}}}},
		}
		if secretKey.MatchString(key) {
			config[key] = secret
		}
		if hasPassword(scheme, user, password, rest) {
			config["url"] = scheme + "://" + user + ":" + secret + password + "@" + rest
			config["urls"] = []any{config["url"]}
		}
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		shown := mask.step("authenticators", pipeline.Step{Handler: "vault", Config: text})
		if strings.Contains(string(shown.Config), secret) {
			t.Errorf("%s is shown as %s", text, shown.Config)
		}
		if !json.Valid(shown.Config) {
			t.Errorf("%s is no JSON", shown.Config)
		}
		if address, is := config["url"].(string); is {
			if upstream := mask.rule(&Rule{Upstream: pipeline.UpstreamConfig{URL: address}}).Upstream.URL; strings.Contains(upstream, secret) {
				t.Errorf("the upstream %q is shown as %q", address, upstream)
			}
		}
	})
}

// hasPassword reports whether people would say that there is a password in the
// address: what stands before the host, behind a colon.
func hasPassword(scheme, user, password, rest string) bool {
	letters := func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }
	return scheme != "" && !strings.ContainsFunc(scheme, letters) && !strings.ContainsAny(user+password, "/?#:@") && !strings.Contains(rest, "@")
}
