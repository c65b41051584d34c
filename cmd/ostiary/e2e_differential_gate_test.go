//go:build e2e

package main_test

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
)

// openHost is a host of which everybody may see everything, so that the gate tells where a target leads that it does not
// refuse.
const openHost = "open.test"

// startDifferentialGate starts the engine in front of the service: everybody may see what is below /public/, and below /api/,
// which is another name for it. Nobody may see what is protected, and nothing else is there.
func startDifferentialGate(t *testing.T, service string) *instance {
	t.Helper()
	guard := func(id, address, authenticator string, upstream object) object {
		return object{
			"id": id, "match": object{"url": address, "methods": []string{http.MethodGet}},
			"authenticators": []object{{"handler": authenticator}}, "authorizer": object{"handler": "allow"},
			"mutators": []object{{"handler": "header"}}, "upstream": upstream,
		}
	}
	const site = "http://" + gateHost + "<(:[0-9]+)?>"
	gate := newInstanceWith(t, object{}, []object{
		guard("public", site+"/public/<.*>", "anonymous", object{"url": service}),
		guard("stripped", site+"/api/<.*>", "anonymous", object{"url": service + "/public", "strip_path": "/api"}),
		guard("protected", site+"/protected<(/.*)?>", "unauthorized", object{"url": service}),
		guard("open", "http://"+openHost+"<.*>", "anonymous", object{"url": service}),
	})
	gate.write(t, "config.json", differentialSettings(gate))
	gate.startReady(t)
	return gate
}

func differentialSettings(gate *instance) object {
	settings := object{
		"log":            object{"level": "error"},
		"access_rules":   object{"repositories": []string{"file://" + gate.dir + "/rules.json"}},
		"authenticators": object{"anonymous": object{"enabled": true}, "unauthorized": object{"enabled": true}},
		"authorizers":    object{"allow": object{"enabled": true}},
		"mutators": object{"header": object{
			"enabled": true, "config": object{"headers": object{"X-Decided": "{{ b64enc .MatchContext.URL.Path }}"}},
		}},
	}
	gate.ports.bind(settings)
	return settings
}

// standing is what a target is to the gate.
type standing string

const (
	publicTarget     standing = "public"
	guardedTarget    standing = "guarded" // needs a login, which nobody has here
	absentTarget     standing = "nowhere" // has no rule
	refusedTarget    standing = "refused" // as malformed or too long
	oddTarget        standing = "strange" // is none of these
	unansweredTarget standing = "unstated"
)

func standingOf(answer wireAnswer) standing {
	switch answer.status {
	case http.StatusOK:
		return publicTarget
	case http.StatusUnauthorized:
		return guardedTarget
	case http.StatusNotFound:
		return absentTarget
	case http.StatusBadRequest, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return refusedTarget
	case 0:
		return unansweredTarget
	default:
		return oddTarget
	}
}

// resolvedByGo is where a path in the request line leads to, as net/http decodes it and a file server takes it.
func resolvedByGo(target string) (resolved string, served bool) {
	parsed, err := url.ParseRequestURI(target)
	if err != nil || !strings.HasPrefix(target, "/") {
		return "", false
	}
	return path.Clean("/" + parsed.Path), true
}
