package rules

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"ostiary/pipeline"
)

// answering finds the rule that answers (see match), and makes sure that what
// stands behind cannot take the request for one that another rule answers for:
// some servers leave the parameters of path segments out (RFC 3986 section
// 3.3), some take a header's word for the method, some decode twice.
func (s *Set) answering(method, target, override string) (*compiled, error) {
	rule, err := s.match(method, target)
	if err != nil && pipeline.KindOf(err) != s.noMatch {
		return nil, err
	}
	bare := target
	if rule == nil || !rule.namesParameters() {
		bare = withoutParameters(target)
	}
	if bare != target {
		if other, ambiguity := s.match(method, bare); other != rule || ambiguity != nil && pipeline.KindOf(ambiguity) != s.noMatch {
			return nil, pipeline.Malformed.Because("a server that leaves path parameters out reads %q, and %s", bare, answerer(other, ambiguity))
		}
	}
	if override != "" && override != method && rule != nil {
		for _, read := range slices.Compact([]string{target, bare}) {
			if other, ambiguity := s.match(override, read); other != rule {
				return nil, pipeline.Malformed.Because("a header asks servers to take the method for %q, and %s", override, answerer(other, ambiguity))
			}
		}
	}
	if s.refusesDoubleEncoding && rule != nil && hasEscape(target) {
		return nil, pipeline.Malformed.Because("the path is escaped twice, and access_rules.double_encoding is refuse")
	}
	return rule, err
}

// answerer tells of the rule that answers for another reading.
func answerer(rule *compiled, err error) string {
	if err != nil {
		return reasonOf(err)
	}
	return fmt.Sprintf("rule %q answers for that", rule.id)
}

// withoutParameters is the target as servers read it that leave out what is
// behind a semicolon in each segment of the path, and empty segments then.
func withoutParameters(target string) string {
	if strings.IndexByte(target, ';') < 0 {
		return target
	}
	scheme, rest, _ := strings.Cut(target, "://")
	host, path, _ := strings.Cut(rest, "/")
	var bare strings.Builder
	bare.WriteString(scheme + "://" + host)
	last := ""
	for segment := range strings.SplitSeq(path, "/") {
		if last, _, _ = strings.Cut(segment, ";"); last != "" {
			bare.WriteString("/" + last)
		}
	}
	if last == "" {
		bare.WriteByte('/')
	}
	return bare.String()
}

// namesParameters reports whether the rule's author thought of path parameters:
// what the pattern says goes then.
func (c *compiled) namesParameters() bool {
	return strings.IndexByte(c.definition.Match.URL, ';') >= 0
}

// hasEscape reports whether something in a target that has been decoded still
// looks escaped.
func hasEscape(target string) bool {
	for at := 0; ; at++ {
		next := strings.IndexByte(target[at:], '%')
		if next < 0 || len(target) < at+next+3 {
			return false
		}
		at += next
		if _, err := url.PathUnescape(target[at : at+3]); err == nil {
			return true
		}
	}
}
