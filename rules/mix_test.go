package rules

import (
	"encoding/json"
	"fmt"

	"ostiary/pipeline"
)

// mixed makes a document of rules that no single trick finds: literal hosts,
// host wildcards, look-ahead, and plain addresses. hits are requests of which
// each has a rule, in the order of the rules.
func mixed(count int) (text []byte, hits []*pipeline.Request) {
	type step map[string]any
	type rule struct {
		ID             string `json:"id"`
		Match          step   `json:"match"`
		Authenticators []step `json:"authenticators"`
		Authorizer     step   `json:"authorizer"`
		Mutators       []step `json:"mutators"`
		Errors         []step `json:"errors"`
		Upstream       step   `json:"upstream"`
	}
	all := make([]rule, count)
	for i := range all {
		var url, host, path string
		switch i % 10 {
		default:
			url = fmt.Sprintf("<https|http>://svc%d.example.com/api/v1/<[a-z]+>/<[0-9]+>", i)
			host, path = fmt.Sprintf("svc%d.example.com", i), fmt.Sprintf("/api/v1/users/%d", i*7)
		case 6, 7:
			url = fmt.Sprintf("<https|http>://<[a-z0-9-]+>.tenant%d.example.com/<.*>", i)
			host, path = fmt.Sprintf("shop-7.tenant%d.example.com", i), "/cart/items/42"
		case 8:
			url = fmt.Sprintf("<https|http>://app%d.example.com/<(?!admin).*>", i)
			host, path = fmt.Sprintf("app%d.example.com", i), "/reports/2026/q3"
		case 9:
			url = fmt.Sprintf("http://static%d.example.com/robots.txt", i)
			host, path = fmt.Sprintf("static%d.example.com", i), "/robots.txt"
		}
		all[i] = rule{
			ID:             fmt.Sprintf("rule-%d", i),
			Match:          step{"url": url, "methods": []string{"GET", "POST"}},
			Authenticators: []step{{"handler": "anonymous"}},
			Authorizer:     step{"handler": "allow"},
			Mutators:       []step{{"handler": "header"}},
			Errors:         []step{{"handler": "json"}},
			Upstream:       step{"url": "http://127.0.0.1:18500"},
		}
		hits = append(hits, request("GET", host, path))
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // nothing in it that JSON cannot say
	}
	return text, hits
}
