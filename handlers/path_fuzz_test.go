package handlers

import (
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"ostiary/pipeline"
)

// FuzzCanonicalPath holds every accepted path to what rules and upstreams rely
// on, and to where the standard library's own resolving leads.
func FuzzCanonicalPath(f *testing.F) {
	for _, seed := range []string{
		"", "/", "a", "/a/b/", "//a/./b/../c", "/public/%2e%2e/admin", "/public/%252e%252e/admin", "/a%2Fb/../c", "/..;/a", "/a;b/../c",
		"/%5c", `/\`, "/%00", "/%ff", "/ü/%c3%bc", "/a%2F%2Fb", "/%2F", "/x/%2F../..", "/a#b", "/a b", "/{a}|\"", "/%", "/.%2e/", "/a%2f.%2fb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		raw, _, _ := strings.Cut(target, "?")
		decoded, rawPath, err := canonicalPath(raw)
		if err != nil {
			if kind := pipeline.KindOf(err); kind != pipeline.Malformed {
				t.Fatalf("%q is refused as %v", raw, kind)
			}
			return
		}
		againDecoded, againRaw, err := canonicalPath(rawPath)
		if err != nil || againDecoded != decoded || againRaw != rawPath {
			t.Errorf("%q is canonical as %q, but that as %q, %v", raw, rawPath, againRaw, err)
		}
		if unescaped, err := url.PathUnescape(rawPath); err != nil || unescaped != decoded {
			t.Errorf("%q: the raw path %q decodes to %q, %v and not to %q", raw, rawPath, unescaped, err, decoded)
		}
		checkCanonical(t, decoded)
		for i := range len(rawPath) {
			if rawPath[i] >= utf8.RuneSelf || rawPath[i] <= ' ' {
				t.Errorf("%q: the raw path %q has a byte that no URL has", raw, rawPath)
			}
		}

		unescaped, err := url.PathUnescape(raw)
		if err != nil {
			t.Fatalf("%q is accepted though its escapes are wrong", raw)
		}
		if want := path.Clean(unescaped); want != withoutFinalSlash(decoded) {
			t.Errorf("%q leads to %q, and to %q when it is decoded first", raw, decoded, want)
		}
		parsed, err := url.ParseRequestURI(rawPath)
		if err != nil || parsed.Path != decoded {
			t.Errorf("%q: the raw path %q is %v, %v to net/url", raw, rawPath, parsed, err)
		}
	})
}

func withoutFinalSlash(path string) string {
	if path == "/" {
		return path
	}
	return strings.TrimSuffix(path, "/")
}

// checkCanonical checks what a decoded canonical path never has.
func checkCanonical(t *testing.T, decoded string) {
	t.Helper()
	rest, slash := strings.CutPrefix(decoded, "/")
	if !slash || !utf8.ValidString(decoded) {
		t.Errorf("the path %q does not begin with a slash or is no text", decoded)
	}
	if i := strings.IndexFunc(decoded, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }); i >= 0 {
		t.Errorf("the path %q has a control byte or a backslash", decoded)
	}
	if rest == "" {
		return
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(rest, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			t.Errorf("the path %q has the segment %q", decoded, segment)
		}
	}
}
