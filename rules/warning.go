package rules

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"ostiary/config/document"
)

// checkIDs warns of rules that cannot be told apart by their ids. They work:
// rules share nothing through an id (contract 14, ids).
func checkIDs(definitions []*definition) document.Problems {
	var warnings document.Problems
	first := map[string]*definition{}
	for _, d := range definitions {
		if d.ID == "" {
			warnings = append(warnings, d.problem(document.Path{"id"}, "is missing; logs and metrics cannot name the rule"))
			continue
		}
		if other, ok := first[d.ID]; ok {
			warnings = append(warnings, d.problem(document.Path{"id"}, "is also the id of the rule at "+other.place()))
			continue
		}
		first[d.ID] = d
	}
	return warnings
}

// checkMatches warns of rules that match fewer requests than they seem to.
func checkMatches(definitions []*definition, strategy Strategy) document.Problems {
	var warnings document.Problems
	for _, d := range definitions {
		if d.Match == nil || d.Match.RPC || d.Match.URL == "" {
			continue // it matches no HTTP request, and is not meant to or has been reported
		}
		if pattern := unfolded(d.Match.URL, strategy); pattern != "" {
			warnings = append(warnings, d.problem(document.Path{"match", "url"}, "the capitals in <"+pattern+"> match no host: "+
				"hosts are compared in lower case, and a pattern that runs on into the path is left as it is"))
		}
		if len(d.Match.Methods) == 0 {
			warnings = append(warnings, d.problem(document.Path{"match", "methods"}, "there are none, so the rule matches no request"))
		}
	}
	return warnings
}

// checkUpstreams warns of upstreams that could be anybody.
func checkUpstreams(definitions []*definition) document.Problems {
	var warnings document.Problems
	for _, d := range definitions {
		if d.Upstream.TLS != nil && d.Upstream.TLS.SkipVerify {
			warnings = append(warnings, d.problem(document.Path{"upstream", "tls", "skip_verify"},
				"anybody who can answer in the upstream's place reads and writes everything; name its authority by ca instead"))
		}
	}
	return warnings
}

// checkSources warns of rules that somebody on the way could have written.
func checkSources(sources []*source) document.Problems {
	var warnings document.Problems
	for _, s := range sources {
		if address, err := url.Parse(s.Key); err == nil && address.Scheme == "http" && !isLoopback(address.Hostname()) {
			warnings = append(warnings, document.Problem{
				File: s.Name, Message: "is asked without TLS, so that anybody on the way to it can write rules; use https://",
			})
		}
	}
	return warnings
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// checkDoubts warns of rules that the automaton alone cannot decide on.
func checkDoubts(set *Set) document.Problems {
	var warnings document.Problems
	tooLarge := set.matcher.TooLarge()
	for i, rule := range set.rules {
		doubts := rule.pattern.expression.Doubts
		if slices.Contains(tooLarge, i) {
			doubts = append(slices.Clone(doubts), "a look-ahead with too many states")
		}
		if len(doubts) > 0 {
			warnings = append(warnings, rule.definition.problem(document.Path{"match", "url"}, fmt.Sprintf(
				"the pattern has %s, which only trying can decide: a request that takes longer than %v is refused", doubts[0], matchTimeout)))
		}
	}
	return warnings
}

// unfolded is the pattern with capitals that begins in the host and runs on
// into the path, so that it cannot be made to ignore case; empty if there is
// none.
func unfolded(template string, strategy Strategy) string {
	segments, err := splitTemplate(template)
	if err != nil {
		return "" // an error that is reported as one
	}
	end, _, _ := hostRange(segments, strategy)
	if end == len(segments) || !segments[end].pattern || strategy.fold(segments[end].text) == segments[end].text {
		return ""
	}
	return segments[end].text
}
