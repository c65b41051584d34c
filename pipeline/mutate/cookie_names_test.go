package mutate

import "strings"

// cookieNames are the names of the cookies in a header, as a server that is
// not strict reads them.
func cookieNames(header string) []string {
	var names []string
	for pair := range strings.SplitSeq(header, ";") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, strings.TrimSpace(name))
	}
	return names
}
