//go:build e2e

package main_test

import "strings"

// writtenClasses are made of pieces that somebody wrote down.
var writtenClasses = []targetClass{
	{"dot segments", dotSegments},
	{"encoded dots", encodedDots},
	{"doubly encoded", doublyEncoded},
	{"encoded slashes", encodedSlashes},
	{"backslashes", backslashes},
	{"path parameters", pathParameters},
	{"empty segments", emptySegments},
	{"control bytes", controlBytes},
	{"invalid UTF-8", invalidUTF8},
	{"look-alikes", lookAlikes},
	{"broken escapes", brokenEscapes},
	{"mixed case", mixedCase},
	{"absolute form", absoluteForm},
	{"queries and fragments", queriesAndFragments},
	{"blanks and line ends", blanksAndLineEnds},
	{"deep", deep},
	{"prefix strips", prefixStrips},
	{"scheme-relative", schemeRelative},
	{"backslash hosts", backslashHosts},
	{"trailing dots", trailingDots},
	{"escaped letters", escapedLetters},
}

// dotSegments are "." and ".." as RFC 3986 has them, in any number and place.
func dotSegments(d *dice) string {
	return d.route(spelling{up: []string{"..", "..", "..", ".", "./..", "../."}})
}

var dotSpellings = []string{"%2e%2e", "%2E%2E", "%2e%2E", ".%2e", "%2e.", ".%2E", "%2E.", "%2e", "%2E"}

// encodedDots are dot segments of which a decoder has to see the dots.
func encodedDots(d *dice) string {
	return d.route(spelling{up: mixed(dotSpellings, "..")})
}

// doublyEncoded are dots, slashes and backslashes that show when they are decoded twice or more often.
func doublyEncoded(d *dice) string {
	return d.route(spelling{
		up:    []string{"%252e%252e", "%252E%252E", ".%252e", "%25252e%25252e", "%252e%2e", "%%32e%%32e", "..", "..%252f..", "%252e%252e%252f"},
		slash: []string{"/", "/", "/", "%252f", "%252F", "%25252f", "%255c", "%252f/"},
	})
}

// encodedSlashes are slashes that only a decoder sees, with and without dots beside them.
func encodedSlashes(d *dice) string {
	return d.route(spelling{
		up:    []string{"..", ".", "..%2f", "%2f..", "..%2F..", "%2f", "a%2f..", "a%2fb", "%2e%2e%2f"},
		slash: []string{"/", "/", "/", "%2f", "%2F", "/%2f", "%2f/"},
	})
}

// backslashes are slashes to Windows, and to browsers and new URL.
func backslashes(d *dice) string {
	return d.route(spelling{
		up:    []string{"..", "..", ".", `..\`, `\..`, "..%5c", "%5C..", `..\..`},
		slash: []string{"/", "/", `\`, "%5c", "%5C", `\/`, `/\`, `\\`, "%255c"},
	})
}

// pathParameters begin with a semicolon, and are no part of the name to servers that know them.
func pathParameters(d *dice) string {
	return d.route(spelling{
		up: []string{
			"..;", "..;a=b", ".;", ";", ";..", ";/..", "..;/", "%2e%2e;", "..%3b", "..%3Ba", ";a=b", "a;..", "a;/..", "..", "..;;", ";%2f..", "..;%2f", "..;a%2fb",
		},
		word: []string{"a;b", "public;", "protected;x=y", ";public", "a;b=c;d", "a%3bb", "a;%2fb", "public;/.."},
	})
}

// emptySegments stand between two slashes: some servers drop them, for others they are names.
func emptySegments(d *dice) string {
	return d.route(spelling{
		up:    []string{"..", "..", ".", "", "", "/", "//", "/..", "../"},
		slash: []string{"/", "/", "//", "///", "/./", "/%2f"},
	})
}

// controlBytes end a text for some, and are a part of it for others. They are there as bytes and as escapes.
func controlBytes(d *dice) string {
	control := d.one([]string{
		"%00", "%0a", "%0d", "%0d%0a", "%09", "%7f", "%1f", "%01", "%08", "%0b", "%0c", "\x00", "\x01", "\x08", "\x1b", "\x7f", "%00%2f..",
	})
	target := d.route(spelling{up: []string{"..", ".", ".." + control, control + "..", "." + control + ".", control}})
	if d.chance(2) {
		target = d.put(target, control)
	}
	return target
}

// invalidUTF8 is no text: overlong dots and slashes, halves of surrogates, pieces of sequences.
func invalidUTF8(d *dice) string {
	broken := []string{
		"%c0%ae", "%c0%af", "%C0%AE%C0%AE", "%e0%80%ae", "%e0%80%af", "%f0%80%80%ae", "%c1%1c", "%c1%9c", "%ed%a0%80", "%ff", "%fe", "%80", "%bf", "%c3", "%e2%80",
		"\xc0\xae", "\xc0\xae\xc0\xae", "\xc0\xaf", "\xe0\x80\xae", "\xff", "\x80", "\xc3", "\xae", "%f8%80%80%80%ae", "%c0.", "..%c0%af", ".%c0%ae",
	}
	return d.route(spelling{up: mixed(broken, ".."), slash: []string{"/", "/", "/", "%c0%af", "%e0%80%af", "\xc0\xaf"}})
}

// lookAlikes are characters that look like dots and slashes, or become them when they are normalised or narrowed.
func lookAlikes(d *dice) string {
	return d.route(spelling{
		up: []string{
			"\uff0e\uff0e", "%ef%bc%8e%ef%bc%8e", ".\uff0e", "\u2024\u2024", "%e2%80%a4%e2%80%a4", "\u2025", "%e2%80%a5", "\ufe52\ufe52", "\u3002\u3002", "..", ".",
			".\u200b.", ".%e2%80%8b.", "\ufeff..", "..%cc%81", "\u012e\u012e", "%c4%ae%c4%ae", "%u002e%u002e", ".\u00ad.", "\u202e..", "%c2%a0..",
		},
		slash: []string{"/", "/", "/", "\uff0f", "%ef%bc%8f", "\u2215", "%e2%88%95", "\u2044", "\uff3c", "%ef%bc%bc", "\u29f8", "%u002f", "%c4%af", "\u012f"},
		word:  []string{"\uff50ublic", "\u0440ublic", "protec\u0442ed", "%c5%bf", "\u017f", "\u212a", "public\u0307", "%ef%bd%90ublic"},
	})
}

// brokenEscapes are percent signs that do not begin an escape, or begin one that only some know.
func brokenEscapes(d *dice) string {
	broken := []string{
		"%", "%2", "%zz", "%%", "%%2e%%2e", "%2%65", "%%32%65", "%2g", "%-1", "% 2e", "%u002e", "%u2e", "%x2e", "..%", "%..", "%2e%2", "%0", "%25",
		"%2e%", "%\uff12e", "%+2e", "%2E%2",
	}
	return d.route(spelling{up: mixed(broken, "..", ".."), slash: []string{"/", "/", "/", "/", "/", "/", "/%", "%2", "%2/", "%f/", "%u2215"}})
}

// mixedCase are names that are others by their case, unless somebody folds it.
func mixedCase(d *dice) string {
	names := []string{"PUBLIC", "Public", "pUBLIC", "PROTECTED", "Protected", "protecteD", "API", "Api", "public", "protected"}
	return "/" + d.one(names) + d.route(spelling{word: names, up: []string{"..", "..", ".", "%2E%2e", "%2e%2E"}})
}

// absoluteForm is a whole URL where most requests have a path, with all that a URL may have before the path.
func absoluteForm(d *dice) string {
	usual := func(value string, others []string) string {
		if d.chance(3) {
			return d.one(others)
		}
		return value
	}
	scheme := usual("http://", []string{
		"HTTP://", "https://", "ftp://", "ws://", "http:/", "http:", "http:///", "//", "file://", `http:\\`, "h\ttp://", "http://http://",
		"javascript://", "://", ":",
	})
	user := usual("", []string{"a@", "a:b@", "@", "gate.test@", "gate.test:80@", "gate.test%40", "gate.test#@", "gate.test/@", `gate.test\@`, "a:b:c@"})
	host := usual(gateHost, []string{
		"GATE.test", "gate.test.", "gate.test..", "other.test", "", "[::1]", "[gate.test]", "gate.test;", "gate%2etest",
		"gate.test%00", "gate.test,other.test", "127.0.0.1", "2130706433", "gate\u3002test", "xn--gate.test", "gate.test%2fpublic", "gate.test/public",
	})
	port := usual("", []string{":80", ":8080", ":", ":0080", ":99999", ":a", ":80:80", ":-1", ": 80", ":%38%30"})
	path := d.one([]string{"", "?", "#", "/public/x", "/protected", "?/public/x", "#/public/x", ";/public/x", "%2fpublic/x"})
	if d.chance(2) {
		path = d.route(spelling{up: mixed(dotSpellings, "..", ".", "..;", `..\`)})
	}
	return scheme + user + host + port + path
}

// queriesAndFragments have paths in them, which are none of the target's.
func queriesAndFragments(d *dice) string {
	behind := d.one([]string{"?", "?", "#", "??", "?#", "#?", "%3f", "%3F", "%23", "?a=", ";?", "/?", "?a=b&c=", "?/..", "?../", "#/..", "?%2e%2e/", "&", "?http://gate.test"})
	target := d.route(spelling{up: []string{"..", ".", "a"}}) + behind + d.route(spelling{up: mixed(dotSpellings, "..")})
	if d.chance(3) {
		target += d.one([]string{"?", "#", "#x", "?#", "?x#y"})
	}
	return target
}

// blanksAndLineEnds are what new URL and Python take out of a URL, what ends a request line, and what is trimmed.
func blanksAndLineEnds(d *dice) string {
	blank := d.one([]string{"\t", "\r", "\n", "\r\n", " ", "\v", "\f", "%20", "%09", "%0d", "%0a", "\u00a0", "\u0085", "\u2028", "+"})
	target := d.route(spelling{
		up:    []string{"..", "." + blank + ".", ".." + blank, blank + "..", blank, "%2" + blank + "e%2e"},
		slash: []string{"/", "/", "/", "/" + blank, blank + "/"},
	})
	switch d.IntN(4) {
	case 0:
		return blank + target
	case 1:
		return target + blank
	default:
		return target
	}
}

// deep targets have many segments, some of them more than a server takes.
func deep(d *dice) string {
	depth := 1 + d.IntN(40)
	if d.chance(20) {
		depth = 1 + d.IntN(1200)
	}
	down, up := d.one([]string{"/a", "/a/b", "//a", "/a;b", "/a%2fb", "/%61"}), d.one([]string{"/..", "/..", "/../.", "/.//..", "/%2e%2e", "/x/../.."})
	target := "/public" + strings.Repeat(down, depth) + strings.Repeat(up, max(0, depth+d.IntN(4)-1))
	return target + "/" + d.one(destinations)
}

// prefixStrips are around a prefix that is taken away before a request is forwarded, and where it ends.
func prefixStrips(d *dice) string {
	prefix := d.one([]string{"/api", "/api", "/api/", "//api", "/./api", "/api/api", "/%61pi", "/ap%69", "/api;", "/API", "/x/../api", "/apiprotected", "/api%2f", "/api%2fapi"})
	between := d.one([]string{
		"", "../", "/../", "..%2f", "%2f..%2f", "/..%2f", "%2f../", ".", "/.", "..", "/..", ";/../", "..;/", "//", "///", "/%2f", `\`, `/..\`, "%5c..%5c", "/%2e%2e/", "%2e%2e/",
		"/./", "/a/../../", "/../api/../", "?", "#", "/api/..", "/protected/..", "/http://gate.test/",
	})
	return prefix + between + d.from([]string{"protected", "/protected", "public/x", "../protected", "/../", "/x", "api/"}, 3)
}

// schemeRelative targets begin with two slashes or more: to new URL and to Python what follows is a host.
func schemeRelative(d *dice) string {
	host := d.one([]string{"gate.test", "other.test", "public", "protected", "a@gate.test", "gate.test:80", "", ".", "..", "%2e%2e", "[::1]", "[", "a:b@c:d", "public@", "%00", "a b", ";"})
	rest := d.one([]string{"/public/x", "/protected", "/protected/x", "", "/", "?/public", "/../protected", "/public/../protected"})
	if d.chance(3) {
		rest = d.route(spelling{})
	}
	return d.one([]string{"//", "//", "///", "////", "/.//", "/a/..//", "/%2f", "//./", "/public//", "/public/..//", "/public/a/../..//"}) + host + rest
}

// backslashHosts are hosts to whom a backslash is a slash.
func backslashHosts(d *dice) string {
	return d.one([]string{`/\`, `\\`, `\/`, `\`, `/\/`, `//\`, `/\\`, `http:\\`, `http:/\`, `http:\`, `/%5c`, `%5c%5c`, `/public/\`, `/public\`, `/public\\`, `/public/..\`}) +
		d.one([]string{"gate.test", "other.test", "protected", "public", "", "..", "a@b"}) +
		d.one([]string{"/protected", `\protected`, "/public/x", `\public\x`, `/public/..\protected`, `\..\protected`, "", "%5cprotected"})
}

// trailingDots are segments that end in dots and blanks, which Windows drops, and such that are dots and more.
func trailingDots(d *dice) string {
	dots := []string{
		"...", "....", ". .", ".. ", "..%20", ".%20.", "..%20.", "..%09", "a..", "..a", ".a", "...;", "..:", "..::$DATA", "..+", "..~", "..,", "..*", "..%2e", "%2e%2e%2e",
	}
	return d.route(spelling{
		up:   mixed(dots, ".."),
		word: []string{"public.", "public..", "public%20", "protected.", "protected...", "a.", "b..", "protected::$DATA", "PROTEC~1"},
	})
}

// escapedLetters are names that are the same with and without their escapes.
func escapedLetters(d *dice) string {
	return "/" + d.one([]string{"%70ublic", "publi%63", "%70%75%62%6c%69%63", "%70rotected", "protecte%64", "%50ublic", "%61pi", "p%75blic", "public"}) + d.route(spelling{
		word: []string{"%61", "%70rotected", "%70ublic", "%7e", "%2d", "%41", "%5f", "%7E", "~"},
		up:   []string{"..", ".", "%61", "%70rotected", "..%61", "%2e%2e", "%70/.."},
	})
}
