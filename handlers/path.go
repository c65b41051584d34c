package handlers

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"ostiary/pipeline"
)

// canonicalPath brings the path of a request target to its one form (contract
// 14, trailing slash and encoded tricks): empty, "." and ".." segments that
// are written plainly are resolved, everything else stays as the client
// escaped it. path is the result decoded once, which is what rules match;
// rawPath is the result as it is forwarded.
//
// A path that two servers could take for two different ones is refused: dot
// segments and slashes that only a decoder sees, path parameters on dot
// segments, backslashes, control bytes, and bytes that are not UTF-8.
func canonicalPath(raw string) (path, rawPath string, err error) {
	if raw == "" || raw[0] != '/' {
		return "", "", pipeline.Malformed.Because("the path does not begin with a slash")
	}
	if isPlain(raw) {
		return raw, raw, nil
	}
	rawPath, err = resolve(raw)
	if err != nil {
		return "", "", err
	}
	if path, err = decode(rawPath); err != nil {
		return "", "", err
	}
	if !isResolved(path) {
		return "", "", pipeline.Malformed.Because("the path has escaped slashes that make empty or dot segments")
	}
	return path, rawPath, nil
}

// isPlain reports whether a path is canonical beyond doubt, as nearly all are:
// letters, digits and hyphens between single slashes, dots inside of segments.
func isPlain(raw string) bool {
	for i := range len(raw) {
		switch c := raw[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '~':
		case c == '/':
			if i > 0 && raw[i-1] == '/' {
				return false
			}
		case c == '.':
			if raw[i-1] == '/' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// resolve takes away empty segments and dot segments (RFC 3986 section 5.2.4).
func resolve(raw string) (string, error) {
	var segments []string
	last := ""
	for segment := range strings.SplitSeq(raw[1:], "/") {
		last = segment
		decoded, err := decode(segment)
		if err != nil {
			return "", err
		}
		switch {
		case segment == "" || segment == ".":
		case segment == "..":
			if len(segments) == 0 {
				continue
			}
			switch above := segments[len(segments)-1]; {
			case hasEscapedSlash(above):
				// How far up this leads depends on who decodes first.
				return "", pipeline.Malformed.Because("a dot segment stands behind an escaped slash")
			case above[0] == ';', len(above) >= 3 && strings.EqualFold(above[:3], "%3b"):
				// To who leaves path parameters out this segment is empty.
				return "", pipeline.Malformed.Because("a dot segment stands behind path parameters of no segment")
			}
			segments = segments[:len(segments)-1]
		case isHiddenDot(decoded):
			return "", pipeline.Malformed.Because("the path has a dot segment in disguise")
		case hasEscapedSlash(parametersOf(segment)):
			// How much is a parameter depends on who decodes first.
			return "", pipeline.Malformed.Because("a path parameter has an escaped slash")
		default:
			segments = append(segments, escapeHigh(segment))
		}
	}
	resolved := "/" + strings.Join(segments, "/")
	if len(segments) > 0 && (last == "" || last == "." || last == "..") {
		resolved += "/"
	}
	return resolved, nil
}

// parametersOf is what servers leave out of a segment that know path parameters
// (RFC 3986 section 3.3).
func parametersOf(segment string) string {
	_, parameters, _ := strings.Cut(segment, ";")
	return parameters
}

func hasEscapedSlash(segment string) bool {
	return strings.Contains(segment, "%2f") || strings.Contains(segment, "%2F")
}

// isHiddenDot reports whether a decoded segment that is no plain dot segment
// would be one to somebody: behind an escape, an escaped slash, or before a
// path parameter (RFC 3986 section 3.3).
func isHiddenDot(decoded string) bool {
	for part := range strings.SplitSeq(decoded, "/") {
		name, _, _ := strings.Cut(part, ";")
		if name == "." || name == ".." {
			return true
		}
	}
	return false
}

// decode takes the escapes away, once, and refuses what is no text.
func decode(raw string) (string, error) {
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return "", pipeline.Malformed.Because("the path has an escape that is none")
	}
	if !utf8.ValidString(decoded) {
		return "", pipeline.Malformed.Because("the path is not UTF-8")
	}
	for i := range len(decoded) {
		switch c := decoded[i]; {
		case c < ' ' || c == 0x7f:
			return "", pipeline.Malformed.Because("the path has a control byte")
		case c == '\\':
			return "", pipeline.Malformed.Because("the path has a backslash")
		}
	}
	if strings.ContainsAny(raw, "# ") {
		return "", pipeline.Malformed.Because("the path has a number sign or a blank that is not escaped")
	}
	return decoded, nil
}

// escapeHigh escapes bytes that may not stand in a URL as they are (RFC 3986
// section 2.1) and that servers accept all the same.
func escapeHigh(segment string) string {
	if strings.IndexFunc(segment, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return segment
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(segment) {
		if c := segment[i]; c >= utf8.RuneSelf {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isResolved reports whether a decoded path has no empty and no dot segments.
func isResolved(path string) bool {
	if path == "/" {
		return true
	}
	trimmed := strings.TrimSuffix(path[1:], "/")
	for segment := range strings.SplitSeq(trimmed, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// checkQuery refuses bytes that end a query for some and not for others. The
// query is otherwise forwarded as it is.
func checkQuery(raw string) error {
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c == 0x7f || c == '#' {
			return pipeline.Malformed.Because("the query has a control byte, a blank or a number sign that is not escaped")
		}
	}
	return nil
}
