package document

import (
	"fmt"
	"strings"
)

// maxWord bounds the words that are compared, in bytes: no key that a schema
// knows is nearly as long. maxEdits bounds how different two of them may be.
const (
	maxWord  = 128
	maxEdits = 5
)

// Suggest is `; did you mean "x"?` if one of the known words is close to word,
// and nothing otherwise.
func Suggest(word string, known []string) string {
	if len(word) > maxWord {
		return ""
	}
	best, distance := "", min(1+len(word)/3, len(word)-1, maxEdits)
	for _, candidate := range known {
		if d := editDistance(strings.ToLower(word), strings.ToLower(candidate)); d <= distance {
			best, distance = candidate, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// SuggestOrList is Suggest or, if no word is close, the known words themselves
// unless they are too many for a message.
func SuggestOrList(word string, known []string) string {
	if suggestion := Suggest(word, known); suggestion != "" {
		return suggestion
	}
	if list := strings.Join(known, ", "); list != "" && len(list) <= 160 {
		return "; known are " + list
	}
	return ""
}

// editDistance counts the insertions, deletions and replacements between two
// words, with a row of the usual table at a time.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
