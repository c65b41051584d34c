package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ory/oathkeeper-maester/api/v1alpha1"
	"sigs.k8s.io/yaml"
)

// minimalRule leaves to Maester whatever can be left to it.
const minimalRule = `
apiVersion: oathkeeper.ory.sh/v1alpha1
kind: Rule
metadata: { name: minimal, namespace: default }
spec:
  configMapName: maester-rules
  match: { url: "http://minimal.localhost/<[a&b]+>", methods: [GET] }
`

// fullRule says everything that can be said.
const fullRule = `
apiVersion: oathkeeper.ory.sh/v1alpha1
kind: Rule
metadata: { name: full, namespace: shop }
spec:
  configMapName: maester-rules
  match: { url: "<https|http>://full.localhost/<(?!admin).*>", methods: [GET, POST] }
  upstream: { url: "http://full.shop:8080", stripPath: /api, preserveHost: false }
  authenticators:
    - handler: cookie_session
      config: { only: [a, b], check_session_url: "http://store/?a=1&b=2" }
    - handler: unauthorized
  authorizer: { handler: allow }
  mutators:
    - handler: header
      config: { headers: { X-User: "<{{ print .Subject }}> & more" } }
    - handler: noop
  errors:
    - handler: redirect
      config: { to: "http://login/?a=1&b=2" }
`

// resources are custom resources as the cluster hands them to Maester, which has found them valid.
func resources(t *testing.T, texts ...string) v1alpha1.RuleList {
	t.Helper()
	var list v1alpha1.RuleList
	valid := true
	for _, text := range texts {
		var rule v1alpha1.Rule
		if err := yaml.UnmarshalStrict([]byte(text), &rule); err != nil {
			t.Fatal(err)
		}
		rule.Status.Validation = &v1alpha1.Validation{Valid: &valid}
		list.Items = append(list.Items, rule)
	}
	return list
}

// maesterText is what Maester writes for custom resources.
func maesterText(t *testing.T, texts ...string) string {
	t.Helper()
	text, err := resources(t, texts...).FilterNotValid().ToOathkeeperRules()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func scenarioResource(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scenarioDir, "rule.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMaesterWritesTheScenario holds the scenario's file, which was written by hand, to what Maester makes of the
// custom resource.
func TestMaesterWritesTheScenario(t *testing.T) {
	t.Parallel()
	var want, got any
	for text, value := range map[string]*any{scenarioRules(t): &want, maesterText(t, scenarioResource(t)): &got} {
		if err := json.Unmarshal([]byte(text), value); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the scenario's rules (-file +Maester):\n%s", diff)
	}
}

// TestWhatMaesterWritesIsRead has the engine read what Maester writes, and compares what it then has in force.
func TestWhatMaesterWritesIsRead(t *testing.T) {
	t.Parallel()
	scenario := scenarioResource(t)
	for name, given := range map[string][]string{
		"no rules yet":                 nil,
		"the scenario's rule":          {scenario},
		"a rule that says nothing":     {minimalRule},
		"a rule that says everything":  {fullRule},
		"rules of different resources": {scenario, minimalRule, fullRule},
	} {
		for _, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s and strict is %v", name, strict), func(t *testing.T) {
				t.Parallel()
				written := maesterText(t, given...)
				dir, ports := t.TempDir(), freeListeners(t)
				mount := filepath.Join(dir, "rules")
				if err := swapConfigMap(mount, map[string]string{"access-rules.json": written}); err != nil {
					t.Fatal(err)
				}
				configs := maesterConfiguration(t, dir, mount, ports, strict, len(given))
				wanted := fmt.Sprintf("%d access rules from 1 repository", len(given))
				if len(given) == 1 {
					wanted = "1 access rule from 1 repository"
				}
				if printed := checked(t, configs); printed != "good     "+wanted+"\n" {
					t.Errorf("ostiary check prints\n%sexpected nothing but %s", printed, wanted)
				}
				e := startEngine(t, dir, ports, configs, nil)
				if err := e.awaitReady(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(asRead(t, strings.NewReader(written)), e.rulesInForce(t)); diff != "" {
					t.Errorf("the rules in force (-written +read):\n%s", diff)
				}
				e.stop(t)
			})
		}
	}
}

// maesterConfiguration is the scenario's with the handlers that Maester fills in, at these ports and for the rules in
// the mounted ConfigMap, of which the engine has to have as many before it is ready.
func maesterConfiguration(t *testing.T, dir, mount string, ports listeners, strict bool, minimum int) []string {
	t.Helper()
	overrides := map[string]any{}
	ports.bind(overrides)
	for stage, handler := range map[string]string{"authenticators": "unauthorized", "authorizers": "deny", "mutators": "noop"} {
		section(section(overrides, stage), handler)["enabled"] = true
	}
	rules := section(overrides, "access_rules")
	rules["strict"], rules["minimum"], rules["repositories"] = strict, minimum, []string{"file://" + filepath.Join(mount, "access-rules.json")}
	text, err := json.Marshal(overrides)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overrides.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := filepath.Abs(filepath.Join(scenarioDir, "config.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return []string{config, file}
}

// checked is what `ostiary check` prints.
func checked(t *testing.T, configs []string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"check"}
	for _, config := range configs {
		args = append(args, "--config", config)
	}
	command := exec.Command(path, args...)
	command.Env = environment(nil)
	printed, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("ostiary check: %v", err)
	}
	return string(printed)
}

// readRule is what GET /rules tells of a rule, as far as Maester can say it.
type readRule struct {
	ID    string `json:"id"`
	Match struct {
		URL     string   `json:"url"`
		Methods []string `json:"methods"`
	} `json:"match"`
	Upstream struct {
		URL          string `json:"url"`
		StripPath    string `json:"strip_path"`
		PreserveHost bool   `json:"preserve_host"`
	} `json:"upstream"`
	Authenticators []readHandler `json:"authenticators"`
	Authorizer     readHandler   `json:"authorizer"`
	Mutators       []readHandler `json:"mutators"`
	Errors         []readHandler `json:"errors"`
}

type readHandler struct {
	Handler string         `json:"handler"`
	Config  map[string]any `json:"config"`
}

// asRead are rules by their ids. What they are read into has no room for anything that got lost or was added.
func asRead(t *testing.T, text io.Reader) map[string]readRule {
	t.Helper()
	var list []readRule
	if err := json.NewDecoder(text).Decode(&list); err != nil {
		t.Fatal(err)
	}
	rules := map[string]readRule{}
	for _, rule := range list {
		if len(rule.Errors) == 0 {
			rule.Errors = nil // null, [] and nothing are the same
		}
		rules[rule.ID] = rule
	}
	return rules
}

// rulesInForce are the rules that GET /rules tells.
func (e *engine) rulesInForce(t *testing.T) map[string]readRule {
	t.Helper()
	answer, err := plainClient.Get("http://" + e.ports.address("api") + "/rules")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return asRead(t, answer.Body)
}
