package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"ostiary/config/document"
)

// confided is a text that a reference has led to, which nobody may read in
// place of the reference.
type confided struct{ text, reference string }

// leastConfided is how long a text has to be to be looked for wherever something
// is written: shorter ones occur by themselves.
const leastConfided = 6

func (r *references) confide(found []confided) {
	for _, c := range found {
		if len(c.text) >= leastConfided && !slices.Contains(r.confided, c) {
			r.confided = append(r.confided, c)
		}
	}
}

// redacting puts references in the place of what they have led to.
func (r *references) redacting() *strings.Replacer {
	var pairs [][2]string
	for _, c := range r.confided {
		for _, form := range c.forms() {
			pairs = append(pairs, [2]string{form, c.reference})
		}
	}
	// The longest come first, because others may be a part of them.
	slices.SortFunc(pairs, func(a, b [2]string) int {
		return cmp.Or(len(b[0])-len(a[0]), strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1]))
	})
	return strings.NewReplacer(slices.Concat(asLists(pairs)...)...)
}

func asLists(pairs [][2]string) (lists [][]string) {
	for _, pair := range pairs {
		lists = append(lists, pair[:])
	}
	return lists
}

// forms are the ways in which messages and logs write a text: as a part of a
// URL, on one line, in quotes, and in quotes within those of JSON.
func (c confided) forms() []string {
	plain := []string{
		c.text, document.Problem{Message: c.text}.String(),
		url.QueryEscape(c.text), url.PathEscape(c.text), (&url.URL{Path: c.text}).EscapedPath(),
	}
	var all []string
	for _, text := range plain {
		quoted := strconv.Quote(text)
		all = append(all, text, quoted[1:len(quoted)-1])
	}
	for _, text := range all {
		var written strings.Builder
		encoder := json.NewEncoder(&written)
		encoder.SetEscapeHTML(false)
		if encoder.Encode(text) == nil {
			all = append(all, written.String()[1:written.Len()-2])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// redacted is Redact while the configuration is on its way.
func (l *loading) redacted(text string) string { return l.referred.redacting().Replace(text) }

// Redact puts references in the place of what they have led to, wherever it
// stands in a text.
func (c *Config) Redact(text string) string {
	if c.redaction == nil {
		return text
	}
	return c.redaction.Replace(text)
}

// RedactAt is Redact for a message about the value at path, or about a part of
// it. It may quote a part of what was referred to, and is replaced then.
func (c *Config) RedactAt(path document.Path, message string) string {
	message = c.Redact(message)
	written, _ := document.Lookup(c.references.written, path)
	text, isText := written.(string)
	if isText && !refers(text) {
		return message
	}
	for _, secret := range c.references.confided {
		if !secret.partOf(message) {
			continue
		}
		if isText {
			return document.Show(text) + " leads to what cannot be used here"
		}
		return fmt.Sprintf("what %s leads to cannot be used here", secret.reference)
	}
	return message
}

// partOf tells whether a word of the text is in a message.
func (c confided) partOf(message string) bool {
	words := strings.FieldsFunc(c.text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	message = strings.ReplaceAll(message, c.reference, "")
	return slices.ContainsFunc(words, func(word string) bool {
		return len(word) > len("http") && word != "https" && strings.Contains(message, word)
	})
}
