package main_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	reportsTitle    = "\"reports\" (rules.json:1)\n"
	everythingTitle = "\"everything\" (rules.json:3)\n"
	unknownNearest  = "\nnearest\n\n  " + everythingTitle +
		"    http://a.test</?.*>\n" +
		"    https://a.test/reports/q3\n" +
		"        ^ it is for http, and the request for https\n\n  " + reportsTitle +
		"    https://a.test/reports/<[0-9]+>/<.*>\n" +
		"    https://a.test/reports/q3\n" +
		"                           ^ it goes on in another way here\n"
)

func TestMatchTellsWhichRuleAnswers(t *testing.T) {
	t.Parallel()
	dir := lintRoom(t)
	answers := result{stdout: "GET https://a.test/reports/2026/q3\nrule     " + reportsTitle +
		"  pattern   https://a.test/reports/<[0-9]+>/<.*>\n  captured  0: \"2026\"\n  captured  1: \"q3\"\n  pipeline  noop → allow → noop\n"}
	explained := answers
	explained.stdout += "\nnearest\n\n  " + everythingTitle + "    http://a.test</?.*>\n    https://a.test/reports/2026/q3\n" +
		"        ^ it is for http, and the request for https\n"
	for arguments, expected := range map[string]result{
		"GET https://A.test/reports/2026/q3 -c config.yaml":           answers,
		"GET https://a.test/reports/2026/q3 -c config.yaml --explain": explained,
		"GET https://a.test/reports/q3 -c config.yaml":                {1, "GET https://a.test/reports/q3\nrefused  with a 404: no rule matches\n" + unknownNearest, ""},
		"GET https://a.test/reports/q3 -c no_match.yaml":              {1, "GET https://a.test/reports/q3\nrefused  with a 403: no rule matches\n" + unknownNearest, ""},
		"get http://a.test/x -c config.yaml": {1, "get http://a.test/x\nrefused  with a 404: no rule matches\n\nnearest\n\n  " + everythingTitle +
			"    http://a.test</?.*>\n    http://a.test/x\n    the URL matches, the method get does not: it is for GET\n", ""},
		"GET http://a.test/x -c overlap.yaml": {1, "GET http://a.test/x\nrefused  with a 500: rules \"a\" and \"b\" both match\n" +
			"rule     \"a\" (overlap.json:1)\n  pattern   http://a.test/<.*>\n  pipeline  noop → allow → noop\n" +
			"rule     \"b\" (overlap.json:3)\n  pattern   http://<[ab]>.test/x\n  pipeline  noop → allow → noop\n", ""},
		"GET http://b.org/ -c config.yaml":        {1, "GET http://b.org/\nrefused  with a 404: no rule matches\n", ""},
		"GET http://a.test/%2e%2e -c config.yaml": {1, "GET http://a.test/%2e%2e\nrefused  with a 400: the path has a dot segment in disguise\n", ""},
		"GET http://a.test/ -c disturbed.yaml": {
			0, "GET http://a.test/\nrule     \"good\" (good.json:1)\n  pattern   http://a.test/<.*>\n  captured  0: \"\"\n  pipeline  noop → allow → noop\n",
			"problem  gone.json: no such file or directory\n",
		},
		"GET http://a.test/ -c unusable.yaml":            {1, "", "ostiary: the configuration cannot be used:\nunusable.yaml:4: access_rules.repositories[0]: there are no repositories of the kind gopher://; use file://, inline://, http://, https://, s3://, gs:// or azblob://\n"},
		"GET http://a.test/":                             {2, "", "ostiary: there are no rules to match; name a configuration by --config\nRun 'ostiary --help' for what there is.\n"},
		"GET -c config.yaml":                             {2, "", "ostiary: accepts 2 arg(s), received 1\nRun 'ostiary --help' for what there is.\n"},
		"GET http://a.test/ --format sarif -c good.yaml": {2, "", "ostiary: --format: \"sarif\" is none of text and json\nRun 'ostiary --help' for what there is.\n"},
	} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			if got := runCommand(t, dir, append([]string{"rules", "match"}, strings.Fields(arguments)...)...); got != expected {
				t.Errorf("got %+v\nexpected %+v", got, expected)
			}
		})
	}
}

func TestMatchAsJSON(t *testing.T) {
	t.Parallel()
	dir := lintRoom(t)
	type answer struct {
		Method, URL, Refusal string
		Status               int
		Captures             []string
		Rules, Near          []struct {
			ID, File, Reason string
			Line, Reach      int
		}
	}
	ask := func(status int, arguments ...string) (a answer) {
		t.Helper()
		got := runCommand(t, dir, append([]string{"rules", "match", "--format", "json", "--config", "config.yaml"}, arguments...)...)
		if err := json.Unmarshal([]byte(got.stdout), &a); err != nil || got.status != status {
			t.Fatalf("%v: %+v", err, got)
		}
		return a
	}
	a := ask(0, "GET", "http://a.test/x")
	if len(a.Rules) != 1 || a.Rules[0].ID != "everything" || a.Rules[0].File != "rules.json" || a.Rules[0].Line != 3 ||
		len(a.Captures) != 1 || a.Captures[0] != "/x" || a.Status != 0 || len(a.Near) != 0 {
		t.Errorf("%+v", a)
	}
	a = ask(1, "GET", "https://a.test/reports/q3")
	if a.Rules == nil || len(a.Rules) != 0 || a.Captures == nil || a.Status != 404 || a.Refusal != "no rule matches" ||
		len(a.Near) != 2 || a.Near[1].ID != "reports" || a.Near[1].Reach != 23 {
		t.Errorf("%+v", a)
	}
	a = ask(1, "GET,POST", "http://a.test/")
	if a.Status != 400 || a.Refusal != "the method is not a token" {
		t.Errorf("%+v", a)
	}
}
