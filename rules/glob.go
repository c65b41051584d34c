package rules

import (
	"errors"
	"regexp"
	"strings"
)

// globExpression makes one anchored expression of a template whose patterns
// are globs (contract 3.2): * and ? stop at dots and slashes, ** does not,
// [a-z], [!abc] and {one,two} are what they are elsewhere. Globs capture
// nothing.
func globExpression(segments []segment) (string, error) {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, s := range segments {
		if !s.pattern {
			b.WriteString(regexp.QuoteMeta(s.text))
			continue
		}
		if err := translateGlob(s.text, &b); err != nil {
			return "", err
		}
	}
	b.WriteString(`\z`)
	return b.String(), nil
}

func globWords(pattern string) []string {
	inner, open := strings.CutPrefix(pattern, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if open && closed {
		return plainWords(inner, ",")
	}
	if words := plainWords(pattern, ","); len(words) == 1 {
		return words
	}
	return nil // outside of braces a comma separates nothing
}

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

// translateGlob writes the regular expression that a glob means.
func translateGlob(glob string, b *strings.Builder) error {
	depth := 0
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*' && strings.HasPrefix(glob[i:], "**"):
			b.WriteString(`(?s:.*)`)
			i++
		case c == '*':
			b.WriteString(`[^./]*`)
		case c == '?':
			b.WriteString(`[^./]`)
		case c == '[':
			length, err := translateClass(glob[i:], b)
			if err != nil {
				return err
			}
			i += length - 1
		case c == '{':
			b.WriteString(`(?:`)
			depth++
		case c == '}' && depth > 0:
			b.WriteString(`)`)
			depth--
		case c == ',' && depth > 0:
			b.WriteString(`|`)
		case c == '\\':
			if i++; i == len(glob) {
				return errors.New(`the glob ends in a \ that escapes nothing`)
			}
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	if depth > 0 {
		return errors.New("the glob has a { that is not closed")
	}
	return nil
}

// translateClass writes the class that text begins with and tells its length.
func translateClass(text string, b *strings.Builder) (int, error) {
	i := 1
	b.WriteString("[")
	if strings.HasPrefix(text, "[!") {
		b.WriteString("^")
		i++
	}
	for first := i; i < len(text); i++ {
		c, quoted := text[i], `\^[&~`
		switch {
		case c == ']' && i == first:
			return 0, errors.New("the glob has an empty [ ]")
		case c == ']':
			b.WriteString("]")
			return i + 1, nil
		case c == '\\' && i+1 < len(text):
			i++
			c, quoted = text[i], `\^[&~]-`
		}
		if strings.IndexByte(quoted, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return 0, errors.New("the glob has a [ that is not closed")
}
