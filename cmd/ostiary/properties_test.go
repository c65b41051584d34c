package main_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// How many sets of rules there are for each property, and how many requests for each set.
const (
	ruleSets       = 60
	requestsOfASet = 30
)

// holds looks for a set of rules and a request for which a property does not hold. violated says how, or nothing; it
// draws whatever else it needs from the source that it is given, which is the same for the same rules and request.
// Rules that have nothing to do with it are left out of what is shown.
func holds(t *testing.T, violated func(t *testing.T, r *rand.Rand, globs bool, rules []randomRule, q randomRequest) string) {
	t.Helper()
	t.Parallel()
	for seed := range uint64(ruleSets) {
		r := rand.New(rand.NewPCG(seed, 8))
		globs := r.IntN(3) == 0
		drawn := randomRules(r, globs)
		for i := range uint64(requestsOfASet) {
			q := drawRequest(r, drawn)
			how := violated(t, rand.New(rand.NewPCG(seed, i)), globs, drawn, q)
			if how == "" {
				continue
			}
			for at := 0; at < len(drawn) && len(drawn) > 1; { // as few as still do it
				fewer := slices.Delete(slices.Clone(drawn), at, at+1)
				if still := violated(t, rand.New(rand.NewPCG(seed, i)), globs, fewer, q); still != "" {
					drawn, how = fewer, still
				} else {
					at++
				}
			}
			t.Fatalf("seed %d, request %d, globs %t: %s\nfor %s", seed, i, globs, how, shown(drawn, q))
		}
	}
}

// gatesOfRules opens each gate once for all requests to the same rules.
type gatesOfRules struct {
	key   string
	gates []*gateInside
}

// of opens one gate for each list of sources that make draws.
func (g *gatesOfRules) of(t *testing.T, globs bool, rules []randomRule, others func() [][][]randomRule) []*gateInside {
	t.Helper()
	if key := shown(rules, randomRequest{}); key != g.key {
		g.key, g.gates = key, []*gateInside{openGateInside(t, globs, rules)}
		if others != nil {
			for _, sources := range others() {
				g.gates = append(g.gates, openGateInside(t, globs, sources...))
			}
		}
	}
	return g.gates
}

// TestOneMoreDenialLetsNothingThrough: a rule that denies, whatever it matches and whatever its priority, makes no pass of
// a refusal. Nor does it make one rule's pass another's.
func TestOneMoreDenialLetsNothingThrough(t *testing.T) {
	var known gatesOfRules
	counts := map[bool]int{}
	holds(t, func(t *testing.T, r *rand.Rand, globs bool, rules []randomRule, q randomRequest) string {
		gates := known.of(t, globs, rules, func() (with [][][]randomRule) {
			for range 3 {
				denying := drawRule(r, "one more", globs)
				denying.Authorizer.Handler, denying.Priority = "deny", r.IntN(5)-2
				with = append(with, [][]randomRule{slices.Insert(slices.Clone(rules), r.IntN(len(rules)+1), denying)})
			}
			return with
		})
		before := gates[0].throughProxy(t, q)
		counts[before.Allowed]++
		for _, gate := range gates[1:] {
			if after := gate.throughProxy(t, q); after.Allowed && after != before {
				return fmt.Sprintf("%+v became %+v with one more rule that denies", before, after)
			}
		}
		return ""
	})
	checkVaried(t, counts)
}

// TestFrontEndsRefuseAlike: what the proxy refuses, no gateway is told to let through, and the same rule answers. What a
// gateway would forward in another form than the proxy is refused everywhere but at the dialect that does not forward.
func TestFrontEndsRefuseAlike(t *testing.T) {
	var known gatesOfRules
	counts := map[bool]int{}
	holds(t, func(t *testing.T, _ *rand.Rand, globs bool, rules []randomRule, q randomRequest) string {
		gate := known.of(t, globs, rules, nil)[0]
		want := gate.throughProxy(t, q)
		counts[want.Allowed]++
		for name, got := range gate.throughGateways(t, q) {
			unresolved := strings.Contains(q.Path, "//") || strings.Contains(q.Path, "/.")
			if unresolved && !strings.HasPrefix(name, "oathkeeper") {
				if got.Allowed || got.Status != http.StatusBadRequest {
					return fmt.Sprintf("%s is told %+v about a path that is not canonical", name, got)
				}
				continue
			}
			if got != want {
				return fmt.Sprintf("%s is told %+v, and the proxy answers %+v", name, got, want)
			}
		}
		return ""
	})
	checkVaried(t, counts)
}

// TestOrderDecidesNothing: neither the order of rules in a document, nor that of sources, nor which source a rule is in.
func TestOrderDecidesNothing(t *testing.T) {
	var known gatesOfRules
	counts := map[bool]int{}
	holds(t, func(t *testing.T, r *rand.Rand, globs bool, rules []randomRule, q randomRequest) string {
		gates := known.of(t, globs, rules, func() [][][]randomRule {
			shuffled := slices.Clone(rules)
			r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			turned := slices.Clone(rules)
			slices.Reverse(turned)
			at := r.IntN(len(rules) + 1)
			return [][][]randomRule{{shuffled}, {turned}, {shuffled[:at], shuffled[at:]}, {shuffled[at:], shuffled[:at]}}
		})
		want := gates[0].throughProxy(t, q)
		counts[want.Allowed]++
		for _, gate := range gates[1:] {
			if got := gate.throughProxy(t, q); got != want {
				return fmt.Sprintf("%+v became %+v in another order", want, got)
			}
		}
		return ""
	})
	checkVaried(t, counts)
}

// TestEscapesOfPlainCharactersDecideNothing: RFC 3986 section 2.3 has unreserved characters mean the same with an escape
// and without. A dot segment is no dot segment any more in disguise, and stays out of this: it is refused.
func TestEscapesOfPlainCharactersDecideNothing(t *testing.T) {
	var known gatesOfRules
	counts := map[bool]int{}
	holds(t, func(t *testing.T, r *rand.Rand, globs bool, rules []randomRule, q randomRequest) string {
		gate := known.of(t, globs, rules, nil)[0]
		want, escaped := gate.throughProxy(t, q), q
		counts[want.Allowed]++
		escaped.Path = escapeSome(r, q.Path)
		if got := gate.throughProxy(t, escaped); got != want {
			return fmt.Sprintf("%+v became %+v with the path written %s", want, got, escaped.Path)
		}
		told, toldOfEscaped := gate.throughGateways(t, q), gate.throughGateways(t, escaped)
		for name := range told {
			if told[name] != toldOfEscaped[name] {
				return fmt.Sprintf("%s was told %+v, and is told %+v of the path written %s", name, told[name], toldOfEscaped[name], escaped.Path)
			}
		}
		return ""
	})
	checkVaried(t, counts)
}

// escapeSome escapes some of the unreserved characters, with either case of digits.
func escapeSome(r *rand.Rand, path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '%':
			b.WriteString(path[i : i+3])
			i += 2
		case c == '/' || c == '.' && (path[i-1] == '/' || path[i-1] == '.') || r.IntN(3) > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, pick(r, []string{"%%%02x", "%%%02X"}), c)
		}
	}
	return b.String()
}

// TestWhatStrangersSayDecidesNothing: nor does the case of the host.
func TestWhatStrangersSayDecidesNothing(t *testing.T) {
	var known gatesOfRules
	counts := map[bool]int{}
	holds(t, func(t *testing.T, r *rand.Rand, globs bool, rules []randomRule, q randomRequest) string {
		gate := known.of(t, globs, rules, nil)[0]
		want, wantBelow := gate.throughProxy(t, q), gate.below(t, strangerPeer, q)
		counts[want.Allowed]++
		forged := q
		forged.Host = pick(r, []string{q.Host, strings.ToUpper(q.Host), q.Host + ".", strings.ToUpper(q.Host[:1]) + q.Host[1:]})
		other := drawRequest(r, rules)
		forged.Header = map[string]string{
			"X-User": "root", "X_User": "root", "X-Forwarded-Uri": other.Path, "X-Forwarded-Method": other.Method, "X-Forwarded-Host": other.Host,
			"X-Forwarded-Proto": "https", "X-Original-URL": "http://" + other.Host + other.Path, "X-Original-Method": other.Method, "X-Rewrite-URL": other.Path,
			"X_Forwarded_Uri": other.Path, "Forwarded": "for=127.0.0.9;host=" + other.Host, "X-Forwarded-For": "127.0.0.9", "X-Envoy-Original-Path": other.Path,
		}
		if got := gate.throughProxy(t, forged); got != want {
			return fmt.Sprintf("%+v became %+v of %+v", want, got, forged)
		}
		if got := gate.below(t, strangerPeer, forged); got != wantBelow || got.Rule != want.Rule {
			return fmt.Sprintf("the decision %+v became %+v of %+v", wantBelow, got, forged)
		}
		return ""
	})
	checkVaried(t, counts)
}

// checkVaried: requests that are all refused, or all let through, would show nothing.
func checkVaried(t *testing.T, counts map[bool]int) {
	t.Helper()
	if least := ruleSets * requestsOfASet / 10; counts[true] < least || counts[false] < least {
		t.Errorf("only %d requests pass and %d do not", counts[true], counts[false])
	}
}
