package rules

import (
	"fmt"
	"slices"
	"strings"

	"ostiary/config/document"
)

// checkNames finds rules that cannot be told apart, or named at all.
func checkNames(definitions []*definition) []Finding {
	var findings []Finding
	first := map[string]*definition{}
	at := document.Path{"id"}
	for _, d := range definitions {
		other, taken := first[d.ID]
		switch {
		case d.ID == "":
			findings = append(findings, missingID.at(d, at, "has no id, so that logs and metrics cannot name it; give it one"))
		case taken:
			findings = append(findings, duplicateID.at(d, at, "has the id of the rule at "+other.place()+", so that logs and metrics cannot tell them apart; give it another one"))
		default:
			first[d.ID] = d
		}
	}
	return findings
}

// usualMethods are those that rules are mostly about (RFC 9110 section 9, RFC 5789).
var usualMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

// moreMethods are others that are in use: those of the IANA registry, and
// those of caches.
var moreMethods = []string{
	"ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY",
	"MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PRI", "PROPFIND", "PROPPATCH", "QUERY",
	"REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF",
	"VERSION-CONTROL", "BAN", "PURGE",
}

// checkMethods finds methods that requests do not have.
func checkMethods(d *definition) []Finding {
	if d.Match == nil || d.Match.RPC {
		return nil
	}
	at := document.Path{"match", "methods"}
	if len(d.Match.Methods) == 0 {
		return []Finding{noMethods.at(d, at, "has no methods, so that it matches no request; list those that it is for")}
	}
	var findings []Finding
	for i, method := range d.Match.Methods {
		if message := oddMethod(method); message != "" {
			findings = append(findings, unknownMethod.at(d, at.With(fmt.Sprint(i)), message))
		}
	}
	return findings
}

// oddMethod says what is odd about a method of a rule; empty if nothing is. A
// rule may write a method in any case, a request may not.
func oddMethod(method string) string {
	written := upper(method)
	switch {
	case slices.Contains(usualMethods, written), slices.Contains(moreMethods, written):
		return ""
	case !isToken(method):
		return fmt.Sprintf("the method %q is none, and a request with it is refused; each method is an item of its own, such as \"GET\"", method)
	case written == "*" || written == "ALL" || written == "ANY":
		return fmt.Sprintf("the method %q stands for no others; list those that the rule is for", method)
	}
	if suggestion := document.Suggest(written, usualMethods); suggestion != "" {
		return fmt.Sprintf("the method %q is not a usual one%s", method, suggestion)
	}
	if written != method {
		return fmt.Sprintf("the method %q is read as %q, and a request with it in small letters does not match", method, written)
	}
	return ""
}

// isToken reports whether a text is a token (RFC 9110 section 5.6.2).
func isToken(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return text != ""
}
