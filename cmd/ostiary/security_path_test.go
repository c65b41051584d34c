package main_test

import (
	"strings"
	"testing"
)

// malformed is what becomes of a target whose meaning depends on who reads it.
const malformed = 400

// refusesPaths makes a row of targets that do not get through, asked for by somebody who may see what is public only.
func refusesPaths(statuses []int, targets ...string) func(t *testing.T, g *bastion) {
	return func(t *testing.T, g *bastion) {
		for _, target := range targets {
			g.refuses(t, attempt{target: target}, nil, statuses...)
		}
	}
}

var securityPaths = []securityRow{
	{id: "PA-01", test: refusesPaths([]int{401, malformed}, "/public/../admin/x", "/public/./../admin/x", "/public/a/../../admin/x", "/public//../admin/x")},
	{id: "PA-02", test: refusesPaths([]int{malformed}, "/public/%2e%2e/admin/x", "/public/%2E%2E/admin/x", "/public/.%2e/admin/x", "/public/%2e./admin/x")},
	{id: "PA-04", test: refusesPaths([]int{malformed}, "/public/..%5cadmin/x", `/public/..\admin/x`, `/public\..\admin`, "/public%5C..%5Cadmin")},
	{id: "PA-05", test: func(t *testing.T, g *bastion) {
		const target = "/public/%252e%252e/admin/x"
		g.grants(t, attempt{target: target}, nil, target) // decoded once
		strict := startBastion(t, nil, func(config object) {
			section(config, "access_rules")["double_encoding"] = "refuse"
		})
		for _, target := range []string{target, "/public/%252Fadmin", "/public/%255cadmin", "/public/%2500"} {
			strict.refuses(t, attempt{target: target}, nil, malformed)
		}
		strict.grants(t, attempt{target: "/public/100%25"}, nil, "/public/100%25")
	}},
	{id: "PA-07", test: func(t *testing.T, g *bastion) {
		refusesPaths([]int{malformed}, "/public/..;/admin/x", "/public/..;a=b/admin/x", "/public/.;/../admin/x", "/public/%2e%2e;/admin/x", "/admin;x/y")(t, g)
		g.grants(t, attempt{target: "/public/a;b=c"}, nil, "/public/a;b=c")
		// What is open to all but for a path is not that path with parameters.
		guarded := startBastion(t, func(upstream, _ string) []object {
			all, admin := openRule(upstream), openRule(upstream)
			all["match"] = object{"url": "http://app.test/<(?!admin(/|$)).*>", "methods": []string{"GET"}}
			admin["id"], admin["authenticators"] = "admin", []object{{"handler": "unauthorized"}}
			admin["match"] = object{"url": "http://app.test/admin<(/.*)?>", "methods": []string{"GET"}}
			return []object{all, admin}
		}, nil)
		for _, target := range []string{"/admin;x", "/admin;x/y", "/admin;/y", "/;x/admin", "/a;b/../admin;c/y", "/admin%3bx/y"} {
			guarded.refuses(t, attempt{target: target}, nil)
		}
		guarded.grants(t, attempt{target: "/map;mode=edit/x;y"}, nil, "/map;mode=edit/x;y")
	}},
	{id: "PA-08", test: func(t *testing.T, g *bastion) {
		refusesPaths([]int{404}, "/ADMIN/x", "/Admin/x", "/%41dmin/x")(t, g)
		refusesPaths([]int{401}, "/%61dmin/x")(t, g)
		for _, target := range []string{"/PUBLIC/x", "/%50ublic/x"} {
			g.refuses(t, attempt{target: target}, nil, 404)
		}
		insensitive := startBastion(t, func(upstream, tenantService string) []object {
			rules := securityRules(upstream, tenantService)
			for _, rule := range rules {
				match := section(rule, "match")
				match["url"] = strings.Replace(strings.Replace(match["url"].(string), "app.test/", "app.test/<(?i:", 1), "<(/.*)?>", ")(/.*)?>", 1)
			}
			return rules[:3]
		}, nil)
		for _, target := range []string{"/ADMIN/x", "/Admin/x", "/%41dmin/x"} {
			insensitive.refuses(t, attempt{target: target}, nil, 401)
		}
	}},
	{id: "PA-10", test: refusesPaths([]int{malformed}, "/admin/x%00", "/public/%00/../admin", "/public/x\x00", "/public/%01", "/public/x%0d%0aX-User:%20root", "/public/%7f")},
	{id: "PA-11", test: refusesPaths([]int{malformed}, "/public/%c0%ae%c0%ae/admin/x", "/public/%ff", "/public/%e0%80%ae%e0%80%ae/x", "/public/%c0%2e/x", "/public/\xc0\xae\xc0\xae/x")},
	{id: "PA-13", test: func(t *testing.T, g *bastion) {
		for _, target := range []string{"/user/1/", "/user/1"} {
			g.grants(t, attempt{target: target, token: userToken}, nil, target)
		}
	}},
	{id: "PA-14", test: func(t *testing.T, g *bastion) {
		// Rules match the path that the escapes stand for, so that nobody passes by escaping a slash: the rule that
		// answers for a/b answers for a%2Fb, and the upstream gets what was written.
		for _, target := range []string{"/files/a%2Fb", "/files/a%2fb", "/files/a/b"} {
			g.grants(t, attempt{target: target}, nil, target)
		}
		refusesPaths([]int{malformed}, "/files/..%2fadmin", "/files/a%2F..%2Fb", "/files/a%2f/../b")(t, g)
		refusesPaths([]int{401}, "/admin%2Fx", "/user%2f1")(t, g)
	}},
	{id: "PA-16", test: refusesPaths([]int{401}, "/admin/x?/public/y", "/admin/x?a=/health-app", "/admin/x??/public", "/admin?/../public/")},
	{id: "PA-17", test: func(t *testing.T, g *bastion) {
		g.grants(t, attempt{target: "/health-app?x=1"}, nil, "/health-app?x=1")
		g.grants(t, attempt{target: "/health-app?"}, nil, "/health-app?")
		g.refuses(t, attempt{target: "/health-app%3Fx=1"}, nil, 404)
	}},
	{id: "PA-19", test: func(t *testing.T, g *bastion) {
		refusesPaths(nil, "/api../admin/x", "/api/../admin/x", "/api%2f..%2fadmin", "/apiadmin", "/apiadmin/x", "/api;/../admin")(t, g)
		g.grants(t, attempt{target: "/api/x"}, nil, "/x")
		g.grants(t, attempt{target: "/api"}, nil, "/")
	}},
	{id: "PA-20", test: func(t *testing.T, g *bastion) {
		// What is left without the prefix begins like the path of a host, or in the middle of a segment.
		for _, target := range []string{"/api//app.test/admin", "/api/%2Fadmin", "/api%2F%2Fadmin", "/api/%2f..%2fadmin", "/api%2fadmin/x"} {
			got := asProxied(t, g, attempt{target: target})
			for _, s := range got.upstream {
				if s.target != "/app.test/admin" && s.target != target {
					t.Errorf("%s: the upstream is asked for %s", target, s.target)
				}
			}
		}
	}},
	{id: "PA-22", test: func(t *testing.T, g *bastion) {
		// The authority of the target is the host (RFC 9112 section 3.2.2), to match by and to forward.
		g.refuses(t, attempt{target: "http://app.test/admin/x", host: "other"}, []string{"proxy"})
		g.refuses(t, attempt{target: "http://other/public/x", host: "app.test"}, []string{"proxy"})
		for _, s := range asProxied(t, g, attempt{target: "http://app.test/public/x", host: "other"}).upstream {
			if host := strings.Join(s.values("Host"), ","); strings.Contains(host, "other") || s.target != "/public/x" {
				t.Errorf("the upstream is told %s of host %s", s.target, host)
			}
		}
		refusesPaths([]int{malformed}, "http://app.test/public/../admin/%2e%2e/x")(t, g)
	}},
	{id: "PA-23", test: refusesPaths([]int{malformed}, "http://app.test@evil/public/x", "http://evil@app.test/public/x", "ftp://app.test/public/x", "*", "app.test:80", "public/x")},
	{id: "PA-25", test: func(t *testing.T, g *bastion) {
		short := startBastion(t, nil, func(config object) {
			for _, listener := range []string{"proxy", "api", "grpc"} {
				section(section(section(config, "serve"), listener), "limits")["target_bytes"] = 8 << 10
			}
		})
		long := "/public/" + strings.Repeat("a", 8<<10)
		short.refuses(t, attempt{target: long}, nil, 414)
		short.refuses(t, attempt{target: "/public/x?" + long}, nil, 414)
		g.grants(t, attempt{target: long}, nil, long) // the default is 16 KiB
		g.refuses(t, attempt{target: long + long}, nil, 414)
	}},
	{id: "PA-26", test: func(t *testing.T, _ *bastion) {
		wide := startBastion(t, func(upstream, _ string) []object {
			rule := openRule(upstream)
			rule["match"] = object{"url": "<https?>://<[^/]*>/public/<.*>", "methods": []string{"GET"}}
			return []object{rule}
		}, nil)
		wide.refuses(t, attempt{target: "/admin/public/x"}, nil, 404)
		wide.grants(t, attempt{target: "/public/x"}, nil, "/public/x")
	}},
	{id: "PA-28", test: func(t *testing.T, g *bastion) {
		g.refuses(t, attempt{target: "/public/x", host: "appXtest"}, nil, 404)
		g.refuses(t, attempt{target: "/health.app"}, nil, 404)
	}},
	{id: "PA-29", test: func(t *testing.T, g *bastion) {
		refusesPaths([]int{404}, "/apikeys", "/publicity", "/health-apps", "/adminx", "/health-app/", "/health-app/x")(t, g)
	}},
	{id: "PA-31", test: func(t *testing.T, g *bastion) {
		// A million of them: TestE2EDifferential. Here are those that one reader or another takes for /admin.
		for _, target := range []string{
			"/public/..%2f..%2fadmin/x", "/public/%2e%2e%2fadmin/x", "/public/..%252fadmin/x", "/public/..%c0%afadmin/x", "/public/..;/..;/admin/x",
			"/public/.../admin", "/public/..%00/admin/x", "/public/..%09/admin", "/public/..%20/admin/x", "/public/\t../admin", "//admin/x", "/public/..//admin/x",
			"///public/../admin/x", `/\admin/x`, "/public/..%ef%bc%8fadmin/x", "/public/%u002e%u002e/admin/x",
		} {
			for _, s := range asProxied(t, g, attempt{target: target}).upstream {
				if strings.Contains(s.target, "/../") || !strings.HasPrefix(s.target, "/public/") {
					t.Errorf("%s: the upstream is asked for %s", target, s.target)
				}
			}
		}
	}},
}
