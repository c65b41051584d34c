package rules

import (
	"fmt"
	"strings"

	"ostiary/rules/automaton"
)

// evil is the host that nobody means.
const evil = "evil.example"

// checkHost finds hosts that run on into others. Whatever it says is proved by
// a target that the rule matches.
func checkHost(r *inspected) []Finding {
	if r.usual == "" || !r.patternInHost() {
		return nil
	}
	scheme, name, port, path := cutTarget(r.usual)
	if target := scheme + evil + port + path; r.proves(target) {
		return []Finding{r.finding(anyHost, fmt.Sprintf("matches anybody's hosts, as in %s; name the host if it is meant for one", target), target)}
	}
	var findings []Finding
	crossing := func(message, target string) { findings = append(findings, r.finding(hostCrossing, message, target)) }
	if target, found := r.intoThePath(); found {
		crossing(fmt.Sprintf("what is meant for the beginning of the host runs on into the path, so that %s matches; write %s where it may not match a slash", target, r.withoutSlash()), target)
	}
	for _, rest := range []string{"/x", path} {
		if target := scheme + name + "." + evil + port + rest; r.proves(target) {
			crossing(fmt.Sprintf("the host %s runs on into others, so that %s matches; %s", name, target, r.endOfHost()), target)
			break
		}
	}
	if target, found := r.otherDomain(); found {
		crossing(fmt.Sprintf("the name in front of the host may end anywhere, so that %s matches, which is another domain; let it end in a dot, as in %s", target, r.endInDot()), target)
	}
	return findings
}

// endOfHost says how to end the host.
func (r *inspected) endOfHost() string {
	last := min(r.end, len(r.written)-1)
	switch {
	case last <= r.begin:
		return "let a slash follow it, if anything does"
	case r.end == last && !r.written[last].pattern: // there is a slash
		return "let it end in a name that is written out"
	}
	var b strings.Builder
	for _, s := range r.written[:last] {
		b.WriteString(s.String())
	}
	return "let a slash follow it, as in " + b.String() + "/" + r.everything()
}

// intoThePath is a target with another host, where a pattern for the host has
// matched that and the beginning of the path.
func (r *inspected) intoThePath() (target string, found bool) {
	if !r.mayCross() {
		return "", false
	}
	return r.witness(like(`(?:https?|wss?)://evil\.example(?::[0-9]+)?/.*`))
}

// cutTarget takes a canonical target apart: http://, a.test, :80, /x.
func cutTarget(target string) (scheme, name, port, path string) {
	scheme, rest, _ := strings.Cut(target, "://")
	name = rest
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		name, path = rest[:slash], rest[slash:]
	}
	if colon := strings.LastIndexByte(name, ':'); colon >= 0 && !strings.HasSuffix(name, "]") {
		name, port = name[:colon], name[colon:]
	}
	return scheme + "://", name, port, path
}

// otherDomain is a target with another domain that merely ends like the one in
// the template: http://evil-example.com/ for http://<.*>example.com/. A name in
// front of longer hosts, as in <[a-z]+>.shop.example.com, stays in the domain.
func (r *inspected) otherDomain() (target string, found bool) {
	segments := r.pattern.segments
	for i := r.begin; r.hasHost && i+1 < len(segments) && i < r.end; i++ {
		name := segments[i+1]
		if !segments[i].pattern || name.pattern || i == r.begin {
			continue
		}
		host, _, _ := strings.Cut(name.text, "/")
		host, _, _ = strings.Cut(host, ":")
		if host == "" || !isWordy(host[0]) {
			continue
		}
		if _, optional := r.witness(r.replaced(i, automaton.Literal(""))...); strings.Count(host, ".") > 1 && !optional {
			continue
		}
		if target, found := r.witness(r.replaced(i, automaton.Literal("evil-"))...); found {
			return target, true
		}
	}
	return "", false
}

// isWordy reports whether a byte is a letter or a digit.
func isWordy(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// How messages write patterns, in the language of the strategy.

func (r *inspected) withoutSlash() string { return r.either("<[^/]+>", "<*>") }
func (r *inspected) everything() string   { return r.either("<.*>", "<**>") }
func (r *inspected) endInDot() string     { return r.either(`<([a-z0-9-]+\.)?>`, "<{,*.}>") }
func (r *inspected) endInSlash() string   { return r.either("<(/.*)?>", "<{,/**}>") }

func (r *inspected) either(asRegexp, asGlob string) string {
	if r.read.strategy == Glob {
		return asGlob
	}
	return asRegexp
}
