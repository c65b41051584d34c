package rules

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// TestIdentityHeaders is access_rules.identity_headers: which headers no
// client may set, at the rule that sets them or at all rules.
func TestIdentityHeaders(t *testing.T) {
	t.Chdir(t.TempDir())
	plain := strings.Replace(simple("plain", "plain.example.com"), `{"handler": "header"}`, `{"handler": "noop"}`, 1)
	role := strings.Replace(simple("role", "role.example.com"), `{"handler": "header"}`, `{"handler": "header", "config": {"headers": {"x-role": "r"}}}`, 1)
	broken := strings.Replace(simple("broken", "broken.example.com"), `"allow"`, `"nobody"`, 1)
	write(t, "rules", list(simple("user", "user.example.com"), plain, role, broken))
	engine := NewEngine()
	loader := NewLoader(engine)
	for _, test := range []struct {
		guard bool
		want  map[string]pipeline.Names
	}{
		{false, map[string]pipeline.Names{"user": {"X-User"}, "plain": {}, "role": {"X-Role", "X-User"}}},
		{true, map[string]pipeline.Names{"user": {"X-Role", "X-User"}, "plain": {"X-Role", "X-User"}, "role": {"X-Role", "X-User"}}},
	} {
		settings := from("rules")
		settings.GuardIdentity = test.guard
		if _, err := loader.Configure(t.Context(), settings); err != nil {
			t.Fatal(err)
		}
		for id, want := range test.want {
			decision := engine.Decide(context.Background(), request("GET", id+".example.com", "/"))
			if !decision.Allowed || !slices.Equal(want, decision.Identity) {
				t.Errorf("with guard %v, %s keeps %q from clients, want %q", test.guard, id, decision.Identity, want)
			}
		}
		if diff := cmp.Diff([]string{"X-Role", "X-User"}, engine.IdentityHeaders()); diff != "" {
			t.Error(diff)
		}
	}
	// A rule that sets a header and then breaks must not give it away at the others.
	settings := from("rules")
	settings.GuardIdentity = true
	write(t, "rules", list(simple("user", "user.example.com"), plain, strings.Replace(role, `"anonymous"`, `"nobody"`, 1)))
	report, err := loader.Configure(t.Context(), settings)
	if err != nil || report.Broken != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, id := range []string{"user", "plain"} {
		decision := engine.Decide(context.Background(), request("GET", id+".example.com", "/"))
		if want := (pipeline.Names{"X-Role", "X-User"}); !slices.Equal(want, decision.Identity) {
			t.Errorf("beside a broken rule, %s keeps %q from clients, want %q", id, decision.Identity, want)
		}
	}
}
