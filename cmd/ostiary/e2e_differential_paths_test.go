//go:build e2e

package main_test

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// isProtected reports whether a path is in the part of the site that nobody may see.
func isProtected(path string) bool {
	return path == "/protected" || strings.HasPrefix(path, "/protected/")
}

func withoutFinalSlash(path string) string {
	if path == "/" {
		return path
	}
	return strings.TrimSuffix(path, "/")
}

// readAll makes an oracle of a function that is in here.
func readAll(read func(target string) []understood) func([]string) ([][]understood, error) {
	return func(targets []string) ([][]understood, error) {
		all := make([][]understood, len(targets))
		for i, target := range targets {
			all[i] = read(target)
		}
		return all, nil
	}
}

// withoutParameters reads a target as servers do to whom a path parameter is no part of a name: first of all, as Tomcat does,
// or after decoding. A backslash is a slash to it, as it has been to some of them.
func withoutParameters(target string) []understood {
	if _, rest, absolute := strings.Cut(target, "://"); absolute && !strings.HasPrefix(target, "/") {
		target = "/"
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			target = rest[slash:]
		}
	}
	if end := strings.IndexAny(target, "?#"); end >= 0 {
		target = target[:end]
	}
	if !strings.HasPrefix(target, "/") {
		return nil
	}
	first, err := url.PathUnescape(cutParameters(target))
	if err != nil {
		return nil
	}
	readings := []understood{{"parameters, then escapes", path.Clean(strings.ReplaceAll(first, `\`, "/"))}}
	if decoded, err := url.PathUnescape(target); err == nil {
		readings = append(readings, understood{"escapes, then parameters", path.Clean(cutParameters(strings.ReplaceAll(decoded, `\`, "/")))})
	}
	return readings
}

func cutParameters(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i], _, _ = strings.Cut(segment, ";")
	}
	return strings.Join(segments, "/")
}

// behindGate is the path that was decided on as the service has to see it, which has /public for /api. It is empty if that is
// not what is forwarded. A slash of /api that is escaped is none to strip_path, and the path is then kept as it is.
func behindGate(decided, forwarded string) string {
	path, _, _ := strings.Cut(forwarded, "?")
	decoded, err := url.PathUnescape(path)
	candidates := []string{decided}
	if rest, stripped := strings.CutPrefix(decided, "/api/"); stripped {
		candidates = []string{"/public/" + rest}
		if segments := strings.SplitN(path, "/", 4); len(segments) > 2 {
			if segment, err := url.PathUnescape(segments[2]); err == nil && strings.HasPrefix(segment, "api/") {
				candidates = append(candidates, "/public"+decided)
			}
		}
	}
	if err != nil || !slices.Contains(candidates, decoded) {
		return ""
	}
	return decoded
}

// asDecided is what a reader is expected to make of a target that the gate passed on: the path that was decided on, but for
// differences that each have a line in testdata/differential/README.md. told is false if there is nothing to expect.
func asDecided(by, decided string) (expected string, told bool) {
	switch by {
	case "nginx", "nginx without merge_slashes", "Go, decoded", "Node, new URL, decoded", "Node, url.parse, decoded":
		return decided, true
	case "Go, cleaned", "Python, http.server", "Python, urllib":
		return withoutFinalSlash(decided), true
	case "parameters, then escapes", "escapes, then parameters":
		return withoutFinalSlash(decided), !strings.Contains(decided, ";")
	default: // does not decode, or tells only in which part of the site a path is
		return "", false
	}
}

// reads reports whether a path that was read is the expected one.
func reads(by, path, expected string) bool {
	switch by {
	case "Python, http.server": // keeps a slash at the end, but not one that was escaped
		return withoutFinalSlash(path) == expected
	case "Python, urllib": // drops parameters that are empty
		return path == expected || path == withoutFinalSlash(strings.TrimSuffix(expected, ";"))
	default:
		return path == expected
	}
}
