package rules

import (
	"regexp"
	"strings"
)

// globExclusion is a class of what is not to be matched.
var globExclusion = regexp.MustCompile(`\[!(?:\\.|[^\]\\])*\]`)

// foldGlob lowers a glob for hosts. What a class excludes stays: no host has
// capitals, and it may well have the small letters.
func foldGlob(glob string) string {
	var b strings.Builder
	from := 0
	for _, class := range globExclusion.FindAllStringIndex(glob, -1) {
		b.WriteString(strings.ToLower(glob[from:class[0]]) + glob[class[0]:class[1]])
		from = class[1]
	}
	return b.String() + strings.ToLower(glob[from:])
}
