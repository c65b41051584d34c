package rules

import (
	"fmt"
	"slices"
	"strings"

	"ostiary/config/document"
	"ostiary/rules/automaton"
)

var urlPath = document.Path{"match", "url"}

// checkAlive finds a template that matches no canonical request.
func checkAlive(r *inspected) []Finding {
	if !r.dead {
		return nil
	}
	return []Finding{r.finding(deadRule, "no request matches it: "+r.deadBecause(), "")}
}

// deadBecause guesses why no request matches.
func (r *inspected) deadBecause() string {
	template := r.definition.Match.URL
	if pattern := unfolded(template, r.read.strategy); pattern != "" {
		return fmt.Sprintf("the capitals in <%s> match no host; hosts are compared in lower case", pattern)
	}
	if !strings.Contains(template, "://") && !strings.HasPrefix(template, "<") {
		return "it has no scheme; begin it with http:// or https://"
	}
	path := r.literalPath()
	scheme, _, written := strings.Cut(r.pattern.segments[0].text, "://")
	switch {
	case strings.Contains(path, "//"):
		return "requests have no empty segments in their paths; write one slash where there are two"
	case strings.Contains(path+"/", "/./"), strings.Contains(path+"/", "/../"):
		return "requests have no dot segments in their paths; write the path that they lead to"
	case strings.ContainsAny(path, "\\"):
		return "requests have no backslashes in their paths"
	case written && !r.pattern.segments[0].pattern && !slices.Contains([]string{"http", "https", "ws", "wss"}, scheme):
		return fmt.Sprintf("the scheme %s is none of http, https, ws and wss", scheme)
	}
	if _, found, certain := automaton.Witness(r.pattern.expression, nil, maxPairs); !found && certain {
		return "it contradicts itself, and matches nothing at all"
	}
	return "requests have a host in lower case, and a path without empty segments, dot segments and backslashes"
}

// literalPath is what of the path is not in patterns, which stand as blanks.
func (r *inspected) literalPath() string {
	var b strings.Builder
	for i := r.end; i < len(r.pattern.segments); i++ {
		switch s := r.pattern.segments[i]; {
		case s.pattern:
			b.WriteByte(' ')
		case i == r.end:
			b.WriteString(s.text[r.endOffset:])
		default:
			b.WriteString(s.text)
		}
	}
	return b.String()
}

// checkTime finds patterns that only trying can decide on.
func checkTime(r *inspected) []Finding {
	doubts := r.pattern.expression.Doubts
	if len(doubts) == 0 {
		return nil
	}
	message := fmt.Sprintf("the pattern has %s, so that it is matched by trying, and a request that takes longer than %v is refused", doubts[0], matchTimeout)
	for _, s := range r.written {
		if s.pattern && r.read.strategy == Regexp && repeatsRepeats(s.text) {
			found := r.finding(superLinear, message+fmt.Sprintf("; the repeat inside of a repeat in <%s> makes that likely", s.text), "")
			found.Level = Warning
			return []Finding{found}
		}
	}
	return []Finding{r.finding(superLinear, message+"; see whether it can be written without", "")}
}

// repeatsRepeats reports whether a group that is repeated without end has a
// repeat without end in it, as in (a+)+.
func repeatsRepeats(pattern string) bool {
	repeats := []bool{false} // whether there is a repeat, in each group that is open
	inClass := false
	for at := 0; at < len(pattern); at++ {
		inner := false
		switch c := pattern[at]; {
		case c == '\\':
			at++
		case inClass:
			inClass = c != ']'
			if inClass {
				continue
			}
		case c == '[':
			inClass = true
			continue
		case c == '(':
			repeats = append(repeats, false)
			continue
		case c == ')' && len(repeats) > 1:
			inner = repeats[len(repeats)-1]
			repeats = repeats[:len(repeats)-1]
			repeats[len(repeats)-1] = repeats[len(repeats)-1] || inner
		}
		if at+1 < len(pattern) && isEndless(pattern[at+1:]) {
			if inner {
				return true
			}
			repeats[len(repeats)-1] = true
		}
	}
	return false
}

// isEndless reports whether a text begins with a repeat without an upper bound.
func isEndless(text string) bool {
	if text[0] == '+' || text[0] == '*' {
		return true
	}
	bounds, _, closed := strings.Cut(text, "}")
	return closed && strings.HasPrefix(bounds, "{") && strings.HasSuffix(bounds, ",")
}
