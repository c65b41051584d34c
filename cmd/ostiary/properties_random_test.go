package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// randomRule is an access rule as its file has it, and how requests that it matches are made.
type randomRule struct {
	ID             string            `json:"id"`
	Priority       int               `json:"priority,omitempty"`
	Match          randomMatch       `json:"match"`
	Authenticators []randomStep      `json:"authenticators"`
	Authorizer     randomStep        `json:"authorizer"`
	Mutators       []randomStep      `json:"mutators"`
	Upstream       map[string]string `json:"upstream"`

	host  randomPart
	parts []randomPart
}

type randomMatch struct {
	URL     string   `json:"url"`
	Methods []string `json:"methods"`
}

type randomStep struct {
	Handler string         `json:"handler"`
	Config  map[string]any `json:"config,omitempty"`
}

// randomPart is a piece of a URL template with texts that it matches; some of them do not quite.
type randomPart struct {
	text  string
	texts []string
}

// These are few, so that rules overlap and requests hit them.
var (
	hostsOfRegexps = []randomPart{
		{"app.test", []string{"app.test"}},
		{"a.app.test", []string{"a.app.test"}},
		{"<[a-z]+>.test", []string{"app.test", "b.test"}},
		{"<[^/]*>app.test", []string{"app.test", "a.app.test", "evilapp.test"}},
		{"<(APP|b)\\.test>", []string{"app.test", "b.test"}},
	}
	hostsOfGlobs = []randomPart{
		{"app.test", []string{"app.test"}},
		{"<*>.app.test", []string{"a.app.test"}},
		{"<{app,b}>.test", []string{"app.test", "b.test"}},
		{"<*>", []string{"app.test", "evilapp.test"}},
	}
	segmentsOfRegexps = []randomPart{
		{"a", []string{"a"}},
		{"admin", []string{"admin", "Admin"}},
		{"public", []string{"public"}},
		{"<.*>", []string{"", "x", "a/b", "admin"}},
		{"<[^/]+>", []string{"x", "a", "x.y"}},
		{"<a|b>", []string{"a", "b"}},
		{"<(?!admin).*>", []string{"a", "x/y", "admin"}},
		{"a<b?>", []string{"a", "ab", "abb"}},
		{"<\\d{1,2}>", []string{"1", "42", "123"}},
	}
	segmentsOfGlobs = []randomPart{
		{"a", []string{"a"}},
		{"admin", []string{"admin", "Admin"}},
		{"public", []string{"public"}},
		{"<**>", []string{"", "x", "a/b", "admin"}},
		{"<*>", []string{"x", "a", "x.y"}},
		{"<{a,b*}>", []string{"a", "b", "bx"}},
		{"<[!a]>", []string{"b", "1", "a"}},
		{"<?>", []string{"a", "1", "ab"}},
	}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// randomRules are up to 5 rules of one matching strategy.
func randomRules(r *rand.Rand, globs bool) []randomRule {
	all := make([]randomRule, 1+r.IntN(5))
	ranked := r.IntN(3) > 0
	for i := range all {
		all[i] = drawRule(r, fmt.Sprint("rule ", i), globs)
		if ranked {
			all[i].Priority = r.IntN(4) - 1
		}
	}
	return all
}

func drawRule(r *rand.Rand, id string, globs bool) randomRule {
	hosts, segments := hostsOfRegexps, segmentsOfRegexps
	if globs {
		hosts, segments = hostsOfGlobs, segmentsOfGlobs
	}
	rule := randomRule{ID: id, host: pick(r, hosts), Upstream: map[string]string{"url": "http://upstream.test"}, Mutators: []randomStep{{Handler: "header"}}}
	rule.Match.URL = "http://" + rule.host.text
	for range 1 + r.IntN(3) {
		part := pick(r, segments)
		rule.parts = append(rule.parts, part)
		rule.Match.URL += "/" + part.text
	}
	rule.Match.Methods = pick(r, [][]string{{"GET"}, {"GET", "POST"}, {"GET", "POST", "DELETE"}, {"POST"}})
	introspected := randomStep{Handler: "oauth2_introspection", Config: map[string]any{"required_scope": []string{pick(r, []string{"a", "b"})}}}
	rule.Authenticators = pick(r, [][]randomStep{
		{{Handler: "anonymous"}}, {{Handler: "noop"}}, {{Handler: "noop"}}, {introspected}, {introspected}, {introspected, {Handler: "anonymous"}}, {{Handler: "unauthorized"}},
	})
	rule.Authorizer.Handler = pick(r, []string{"allow", "allow", "allow", "allow", "allow", "deny"})
	return rule
}

// randomRequest is a request as its client writes it.
type randomRequest struct {
	Method, Host, Path, Query, Token string
	Header                           map[string]string `json:",omitempty"`
}

func (q randomRequest) target() string {
	if q.Query == "" {
		return q.Path
	}
	return q.Path + "?" + q.Query
}

// drawRequest is mostly one that a rule was made for.
func drawRequest(r *rand.Rand, rules []randomRule) randomRequest {
	rule := pick(r, rules)
	q := randomRequest{
		Method: pick(r, rule.Match.Methods), Host: pick(r, rule.host.texts), Query: pick(r, []string{"", "", "q=/admin", "a=b&c"}),
		Token: pick(r, []string{"", "good", "good", "good", "weak", "bad"}),
	}
	if r.IntN(5) == 0 {
		q.Method = pick(r, []string{"GET", "POST", "DELETE", "get"})
	}
	for _, part := range rule.parts {
		q.Path += "/" + part.texts[max(0, r.IntN(len(part.texts)+2)-2)] // mostly the first one
	}
	switch r.IntN(14) {
	case 0:
		q.Path += "/"
	case 1:
		q.Path += "/x"
	case 2:
		q.Path = strings.Replace(q.Path, "/", "/public/../", 1)
	case 3:
		q.Path = strings.Replace(q.Path, "a", "%61", 1)
	case 4:
		q.Path += "%2Fb"
	}
	return q
}

// shown is what there is to know about rules and a request, for whoever looks for the mistake.
func shown(rules []randomRule, q randomRequest) string {
	text, err := json.MarshalIndent(rules, "", "  ")
	if err != nil {
		text = []byte(err.Error())
	}
	return fmt.Sprintf("%+v\nat the rules\n%s", q, text)
}
