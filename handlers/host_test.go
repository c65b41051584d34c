package handlers

import (
	"strings"
	"testing"

	"ostiary/pipeline"
)

func TestHostsAreBroughtToOneForm(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a.", 126) + "a"
	for raw, want := range map[string]string{
		"app.test":               "app.test",
		"app.test:8080":          "app.test:8080",
		"APP.TEST":               "app.test",
		"App.Test:80":            "app.test:80",
		"app.test.":              "app.test",
		"APP.test.:443":          "app.test:443",
		"localhost":              "localhost",
		"a":                      "a",
		"a_b.test":               "a_b.test",
		"-":                      "-",
		"127.0.0.1":              "127.0.0.1",
		"127.0.0.1:65535":        "127.0.0.1:65535",
		"app.test:0":             "app.test:0",
		"xn--bcher-kva.test":     "xn--bcher-kva.test",
		"[::1]":                  "[::1]",
		"[::1]:80":               "[::1]:80",
		"[0:0:0:0:0:0:0:1]:80":   "[::1]:80",
		"[2001:DB8::00ff]":       "[2001:db8::ff]",
		"[::ffff:127.0.0.1]":     "[::ffff:127.0.0.1]",
		"[::FFFF:7f00:1]":        "[::ffff:127.0.0.1]",
		"[2001:db8:0:0:1:0:0:1]": "[2001:db8::1:0:0:1]",
		longest:                  longest,
		longest + ".":            longest,
		strings.ToUpper(longest): longest,
		"1.2.3.4.5.6.7.8:1":      "1.2.3.4.5.6.7.8:1",
	} {
		if got, err := canonicalHost(raw); err != nil || got != want {
			t.Errorf("canonicalHost(%q) = %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestHostsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for reason, hosts := range map[string][]string{
		"the host is empty or has empty labels": {
			"", ".", "..", "a..b", ".a", "a..", "app.test..", ":80", ".:80", "a..:80", "app.test...", strings.Repeat("a.", 126) + "aa",
		},
		"the host has a character that no host name has": {
			"app test", "app.test ", " app.test", "user@app.test", "app.test@evil", "app.test/x", `app.test\`, "app.test?x", "app.test#x",
			"a,b", "app.test\x00", "bücher.test", "app.test%00", "a%2eb", "*", "*.app.test", "<app>", "app.test\t", "::1", "1::1", "app.test]",
			"user:secret@app.test:80", "app:80:80", "app[::1]",
		},
		"the host has a port that is none": {
			"app.test:", "app.test:http", "app.test:080", "app.test:65536", "app.test:-1", "app.test:+1", "app.test: 1", "app.test:1 ",
			"[::1]:", "[::1]:x", "app.test:80@evil", "app.test:99999999999999999999", "2001:db8::ff",
		},
		"the host has brackets without an IPv6 address in them": {
			"[]", "[::1", "[", "[app.test]", "[127.0.0.1]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[::1]x", "[[::1]]", "[::1].", "[::1]]", "[:80",
		},
	} {
		for _, raw := range hosts {
			t.Run(raw, func(t *testing.T) {
				got, err := canonicalHost(raw)
				if got != "" || err == nil {
					t.Fatalf("canonicalHost(%q) = %q, %v; want it refused", raw, got, err)
				}
				expectMalformed(t, err, reason)
			})
		}
	}
}

func TestCanonicalHostsCostNoAllocation(t *testing.T) {
	for _, raw := range []string{"app.test", "app.test:80", "127.0.0.1"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = canonicalHost(raw) }); n != 0 {
			t.Errorf("canonicalHost(%q) allocates %v times", raw, n)
		}
	}
}

// FuzzCanonicalHost holds every accepted host to what rules compare.
func FuzzCanonicalHost(f *testing.F) {
	for _, seed := range []string{
		"", "app.test", "APP.test.:80", "a..", "[::1]:80", "[::ffff:1.2.3.4]", "[fe80::1%25e]", "a:080", "a@b", "a b", "[", "]:1", "::1", "bücher",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		host, err := canonicalHost(raw)
		if err != nil {
			if kind := pipeline.KindOf(err); kind != pipeline.Malformed {
				t.Fatalf("%q is refused as %v", raw, kind)
			}
			return
		}
		if again, err := canonicalHost(host); err != nil || again != host {
			t.Errorf("%q is canonical as %q, but that as %q, %v", raw, host, again, err)
		}
		if other, err := canonicalHost(strings.ToUpper(raw)); err != nil || other != host {
			t.Errorf("%q is canonical as %q, and in upper case as %q, %v", raw, host, other, err)
		}
		if host == "" {
			t.Errorf("%q is canonical as nothing", raw)
		}
		for i := range len(host) {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_.:[]", rune(host[i])) {
				t.Errorf("%q is canonical as %q, which has a character that no host has", raw, host)
			}
		}
		if name, _, _ := strings.Cut(host, ":"); !strings.HasPrefix(host, "[") && strings.HasSuffix(name, ".") {
			t.Errorf("%q is canonical as %q, with a final dot", raw, host)
		}
	})
}
