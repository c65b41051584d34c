package main_test

import (
	"net/http"
	"testing"
)

var securityMethods = []securityRow{
	{id: "ME-01", test: func(t *testing.T, g *bastion) {
		for _, method := range []string{"get", "Get", "gET", "GETX", "G ET"} {
			g.refuses(t, attempt{method: method, target: "/public/x"}, nil, malformed, http.StatusNotFound, http.StatusNotImplemented)
		}
	}},
	{id: "ME-03", test: func(t *testing.T, g *bastion) {
		for _, name := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "x_http_method_override"} {
			line := []string{name + ": DELETE"}
			// The proxy and Envoy take the header away.
			g.grants(t, attempt{target: "/public/x", lines: line}, []string{"proxy", "envoy"}, "/public/x")
			for _, s := range asProxied(t, g, attempt{target: "/public/x", lines: line}).upstream {
				if values := s.values(name); len(values) > 0 {
					t.Errorf("%s reaches the upstream: %q", name, values)
				}
			}
			answer, err := g.check(t, trustedGateway, attempt{target: "/public/x", lines: line}.filled())
			if removed := answer.GetOkResponse().GetHeadersToRemove(); err != nil || len(removed) == 0 {
				t.Errorf("envoy: is to remove %q, %v", removed, err)
			}
			// Another gateway forwards it: both methods have to be the rule's.
			g.refuses(t, attempt{target: "/public/x", lines: line}, []string{"decisions"}, malformed)
			g.grants(t, attempt{method: "POST", target: "/user/x", token: userToken, lines: line}, []string{"decisions"}, "")
		}
		// In a query it is data: a service that takes it for the method has rules about its query to write.
		g.grants(t, attempt{target: "/public/x?_method=DELETE"}, nil, "/public/x?_method=DELETE")
	}},
	{id: "ME-04", test: func(t *testing.T, g *bastion) {
		g.refuses(t, attempt{method: "HEAD", target: "/health-app"}, nil, 404)
		g.grants(t, attempt{method: "HEAD", target: "/public/x"}, nil, "/public/x")
	}},
	{id: "ME-06", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, allowCORS)
		preflight := attempt{method: "OPTIONS", target: "/admin/x", lines: []string{"Origin: http://page.test", "Access-Control-Request-Method: PUT"}}
		got := asProxied(t, g, preflight)
		if got.status != http.StatusNoContent && got.status != http.StatusOK || len(got.upstream) > 0 || got.header.Get("Access-Control-Allow-Origin") != "http://page.test" {
			t.Errorf("got %d with %v; the upstream %+v", got.status, got.header, got.upstream)
		}
		preflight.lines[0] = "Origin: http://evil.test"
		if got := asProxied(t, g, preflight); len(got.upstream) > 0 || got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("another origin: got %d with %v; the upstream %+v", got.status, got.header, got.upstream)
		}
	}},
	{id: "ME-07", test: func(t *testing.T, g *bastion) {
		open := startBastion(t, nil, allowCORS)
		for _, g := range []*bastion{g, open} {
			for _, lines := range [][]string{nil, {"Origin: http://page.test"}} {
				g.refuses(t, attempt{method: "OPTIONS", target: "/admin/x", lines: lines}, nil, 401)
			}
			g.grants(t, attempt{method: "OPTIONS", target: "/admin/x", token: adminToken}, nil, "/admin/x")
		}
	}},
}

// allowCORS lets pages of one origin ask the proxy.
func allowCORS(config object) {
	section(section(config, "serve"), "proxy")["cors"] = object{
		"enabled": true, "allowed_origins": []string{"http://page.test"}, "allowed_methods": []string{"GET", "PUT"},
	}
}
