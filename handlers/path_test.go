package handlers

import (
	"strings"
	"testing"
)

func TestPathsInCanonicalFormStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"/", "/a", "/a/", "/a/b", "/a/b/", "/a.b", "/a..b", "/a.", "/a..", "/a/b.tar.gz", "/...", "/....", "/.a", "/..a", "/.../",
		"/UPPER/Lower", "/0-9_~", "/a;b", "/a;b=c/d", "/;", "/;a", "/a:b@c", "/!$&'()*+,=", "/{id}", `/"quoted"`, "/a|b", "/<a>", "/^`", "/[::1]",
	} {
		path, rawPath, err := canonicalPath(raw)
		if err != nil || path != raw || rawPath != raw {
			t.Errorf("canonicalPath(%q) = %q, %q, %v; want it untouched", raw, path, rawPath, err)
		}
	}
}

func TestPlainPathsCostNoAllocation(t *testing.T) {
	for _, raw := range []string{"/", "/users/42/orders", "/assets/app-3.1.min.js", "/a/"} {
		if n := testing.AllocsPerRun(100, func() { _, _, _ = canonicalPath(raw) }); n != 0 {
			t.Errorf("canonicalPath(%q) allocates %v times", raw, n)
		}
	}
}

func TestEmptyAndDotSegmentsAreResolved(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"//":                      "/",
		"///":                     "/",
		"/.":                      "/",
		"/./":                     "/",
		"/..":                     "/",
		"/../":                    "/",
		"/../../..":               "/",
		"//a":                     "/a",
		"/a//b":                   "/a/b",
		"/a///b//":                "/a/b/",
		"/./a":                    "/a",
		"/a/./b":                  "/a/b",
		"/a/.":                    "/a/",
		"/a/./":                   "/a/",
		"/a/..":                   "/",
		"/a/../":                  "/",
		"/a/b/..":                 "/a/",
		"/a/b/../":                "/a/",
		"/a/../b":                 "/b",
		"/../a":                   "/a",
		"/a/../../b":              "/b",
		"/a//../b":                "/b",
		"/public/../admin/x":      "/admin/x",
		"/public/./../admin/x":    "/admin/x",
		"/public/x/../../admin/x": "/admin/x",
		"/a;b/../c":               "/c",
		"/a%20b/../c":             "/c",
		"/.../..":                 "/",
	} {
		path, rawPath, err := canonicalPath(raw)
		if err != nil || path != want || rawPath != want {
			t.Errorf("canonicalPath(%q) = %q, %q, %v; want %q", raw, path, rawPath, err, want)
		}
	}
}

func TestEscapesAreDecodedOnceForMatchingAndKeptForForwarding(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"/%41dmin":                  "/Admin",
		"/files/a%2Fb":              "/files/a/b",
		"/files/a%2fb":              "/files/a/b",
		"/a%2F":                     "/a/",
		"/public/%252e%252e/admin":  "/public/%2e%2e/admin",
		"/a%252Fb":                  "/a%2Fb",
		"/a%20b":                    "/a b",
		"/a%3Fb":                    "/a?b",
		"/a%3fb":                    "/a?b",
		"/a%23b":                    "/a#b",
		"/a%3Bb":                    "/a;b",
		"/%C3%BC":                   "/ü",
		"/%c3%bc":                   "/ü",
		"/a%2eb":                    "/a.b",
		"/%2e%2e%2e":                "/...",
		"/%2ea":                     "/.a",
		"/a+b":                      "/a+b",
		"/100%25":                   "/100%",
		"/a%2Fb/c":                  "/a/b/c",
		"/%7Buser%7D":               "/{user}",
		"/%F0%9F%9A%AA":             "/🚪",
		"/%E2%80%AE":                "/\u202e",
		"/a%2Cb%21":                 "/a,b!",
		"/%61%2D%2E%5F%7E/%30":      "/a-._~/0",
		"/mixed%2Fcase%2fkept/%4a/": "/mixed/case/kept/J/",
	} {
		path, rawPath, err := canonicalPath(raw)
		if err != nil || path != want || rawPath != raw {
			t.Errorf("canonicalPath(%q) = %q, %q, %v; want %q and the bytes as they were", raw, path, rawPath, err, want)
		}
	}
}

func TestResolvingTouchesNoOtherByte(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][2]string{
		"/x/../a%2Fb":        {"/a/b", "/a%2Fb"},
		"//%41//%62":         {"/A/b", "/%41/%62"},
		"/./{id}/%7Bid%7D/.": {"/{id}/{id}/", "/{id}/%7Bid%7D/"},
		"/a//b;c=%2e":        {"/a/b;c=.", "/a/b;c=%2e"},
		"/a%2Fb/c/..":        {"/a/b/", "/a%2Fb/"},
		"/a%2Fb/c/../d":      {"/a/b/d", "/a%2Fb/d"},
	} {
		path, rawPath, err := canonicalPath(raw)
		if err != nil || path != want[0] || rawPath != want[1] {
			t.Errorf("canonicalPath(%q) = %q, %q, %v; want %q", raw, path, rawPath, err, want)
		}
	}
}

func TestBytesBeyondASCIIAreEscaped(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][2]string{
		"/ü":              {"/ü", "/%C3%BC"},
		"/a/ü/":           {"/a/ü/", "/a/%C3%BC/"},
		"/ü/%c3%bc":       {"/ü/ü", "/%C3%BC/%c3%bc"},
		"/x/../🚪":         {"/🚪", "/%F0%9F%9A%AA"},
		"/ü/../b":         {"/b", "/b"},
		"/a\u2215b":       {"/a\u2215b", "/a%E2%88%95b"},                // the division slash is no slash
		"/\uff0e\uff0e/a": {"/\uff0e\uff0e/a", "/%EF%BC%8E%EF%BC%8E/a"}, // full-width dots are no dots
	} {
		path, rawPath, err := canonicalPath(raw)
		if err != nil || path != want[0] || rawPath != want[1] {
			t.Errorf("canonicalPath(%q) = %q, %q, %v; want %q", raw, path, rawPath, err, want)
		}
	}
}

func TestAmbiguousPathsAreRefused(t *testing.T) {
	t.Parallel()
	const (
		noSlash   = "the path does not begin with a slash"
		escape    = "the path has an escape that is none"
		notUTF8   = "the path is not UTF-8"
		control   = "the path has a control byte"
		backslash = "the path has a backslash"
		blank     = "the path has a number sign or a blank that is not escaped"
		disguise  = "the path has a dot segment in disguise"
		behind    = "a dot segment stands behind an escaped slash"
		params    = "a dot segment stands behind path parameters of no segment"
		within    = "a path parameter has an escaped slash"
		slashes   = "the path has escaped slashes that make empty or dot segments"
	)
	for reason, paths := range map[string][]string{
		noSlash: {"", "a", "a/b", "*", "?a", ".", "http://app.test/a", "%2Fa"},
		escape:  {"/%", "/%4", "/%zz", "/a%2", "/%%41", "/a/%g0/../b", "/%u002e"},
		notUTF8: {
			"/%ff", "/\xff", "/%C3", "/\xc3", "/%c0%ae%c0%ae/admin", "/%c0%af", "/%e0%80%af", "/%ed%a0%80",
			"/%C3%2F%BC", "/public/%ff/../x", "/\xc0\xae\xc0\xae/admin",
		},
		control: {
			"/%00", "/a\x00", "/%0a", "/%0D%0AX:y", "/%1f", "/%7f", "/\x7f", "/%09", "/\t", "/a\r\nb",
			"/public/%00/../admin", "/%00/../a",
		},
		backslash: {`/\`, `/a\b`, "/%5c", "/%5C..", `/public/..\admin/x`, "/public/..%5cadmin/x", `/public\..\admin`, `/a\../b`},
		blank:     {"/a#b", "/a b", "/#", "/ ", "/a#/../b"},
		disguise: {
			"/%2e", "/%2e/a", "/%2E%2E", "/%2e%2e", "/.%2e", "/%2e.", "/a/%2e%2e/b", "/a/.%2E/", "/%2e%2E/",
			"/..;", "/..;a=b/x", "/.;/x", "/a/..;/b", "/..%3b", "/..%3Ba/b", "/%2e%2e;/b",
			"/a%2F..", "/a%2F../b", "/..%2Fb", "/..%2fb", "/a%2F.%2Fb", "/.%2Fb", "/a%2F%2e%2e%2Fb", "/%2e%2e%2fadmin", "/a%2f..;x%2fb",
			"/api%2f..%2fadmin", "/x/..%2f/../y",
		},
		behind:  {"/a%2Fb/..", "/a%2fb/../c", "/a%2F/../b", "/x/a%2Fb/c/../../d", "/%2F/.."},
		params:  {"/public/;/../protected", "/;/..", "/a/;b=c/../d", "/public/%3bx/../admin", "/a/%3B/.."},
		within:  {"/t;%2Fpublic/admin/x", "/;%2fpublic/admin", "/a;b=c%2Fd", "/a%2Fb;%2F"},
		slashes: {"/%2F", "/%2f", "/%2Fa", "/a%2F%2Fb", "/a/%2Fb", "/a%2F/", "/a%2F/b", "/a/%2F", "/a%2f%2f"},
	} {
		for _, raw := range paths {
			path, rawPath, err := canonicalPath(raw)
			if path != "" || rawPath != "" {
				t.Errorf("canonicalPath(%q) refuses and still gives %q, %q", raw, path, rawPath)
			}
			if err == nil {
				t.Errorf("canonicalPath(%q) is accepted, want: %s", raw, reason)
				continue
			}
			t.Run(raw, func(t *testing.T) { expectMalformed(t, err, reason) })
		}
	}
}

func TestQueriesAreTakenAsTheyAreUnlessTheirEndIsInDoubt(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "a=1&b=2", "a;b", "a=%zz", "?", "a=%00", `"{}|\^<>`, "ü=\xff", "a=b+c%20d", "//../.."} {
		if err := checkQuery(raw); err != nil {
			t.Errorf("checkQuery(%q) = %v, want it accepted", raw, err)
		}
	}
	for _, raw := range []string{"a b", "a\tb", "a\x00", "a\r\nX-Header: y", "a#b", "#", "\x7f", "\x1f"} {
		t.Run(raw, func(t *testing.T) {
			expectMalformed(t, checkQuery(raw), "the query has a control byte, a blank or a number sign that is not escaped")
		})
	}
}

func BenchmarkCanonicalPath(b *testing.B) {
	for name, raw := range map[string]string{
		"plain":    "/api/v1/users/42/orders",
		"escaped":  "/files/a%2Fb/%C3%BC%20x",
		"resolved": "/api//v1/./users/../orders/",
		"segments": "/" + strings.Repeat("a;/", 2000), // the most work that a target of this length can make
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := canonicalPath(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
