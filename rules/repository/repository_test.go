package repository

import (
	"strings"
	"testing"
)

func TestRepositoriesStandInTheConfiguration(t *testing.T) {
	t.Parallel()
	r := opened(t, "inline://W10K") // []
	holds(t, r, "inline://: []\n")
	if r.Name != "inline://" || r.Key != "inline://W10K" || r.Files != nil || r.Remote || !r.Written() {
		t.Errorf("%+v", r)
	}
	holds(t, opened(t, "inline://"), "inline://: ")
	if r := opened(t, "file:///rules.json"); r.Written() {
		t.Errorf("%+v", r)
	}
	if r := opened(t, "http://example.com/rules.json"); r.Written() || !r.Remote || r.Files != nil {
		t.Errorf("%+v", r)
	}
}

func TestOtherRepositoriesAreRefused(t *testing.T) {
	t.Parallel()
	const (
		notURL      = " is not a URL such as file:///etc/rules/access-rules.json"
		notWeb      = " is not a URL such as https://rules.example.com/access-rules.json"
		notBase64   = "the text behind inline:// is not base64 (standard alphabet, with padding): illegal base64 data at input byte "
		others      = "; use file://, inline://, http://, https://, s3://, gs:// or azblob://"
		unreadable  = `"a URL that cannot be read"`
		notPatterns = " is no pattern of paths: a bracket is not closed, or nothing follows a backslash"
	)
	for url, want := range map[string]string{
		"":                               `""` + notURL,
		"/etc/rules.json":                `"/etc/rules.json"` + notURL,
		"file:/etc/rules.json":           `"file:/etc/rules.json"` + notURL,
		"https:/ada:secret@h/r?t=secret": `"https:/ada:secret@h/r?…"` + notURL, // where there is no host, there is no user
		"https:ada:secret@h/r":           `"https://"` + notURL,
		"file://":                        `"file://" names no file`,
		"file://?x":                      `"file://?x" names no file`,
		"file:///a%zz":                   `the path behind file:// has a bad escape: invalid URL escape "%zz"`,
		"file:///a*%z":                   `the path behind file:// has a bad escape: invalid URL escape "%z"`,
		"file:///a*[":                    `"file:///a*["` + notPatterns,
		"file:///a[/]b":                  `"file:///a[/]b"` + notPatterns,
		`file:///*\`:                     `"file:///*\\"` + notPatterns,
		"inline://W10":                   notBase64 + "0",
		"inline://W_-=":                  notBase64 + "1",
		"inline://[]":                    notBase64 + "0",
		"http://":                        `"http:"` + notWeb,
		"https:///rules.json?t=secret":   `"https:///rules.json?…"` + notWeb,
		"https://ada:secret@/r":          `"https:///r"` + notWeb,
		"https://ada:se%zzcret@h/r":      unreadable + notWeb,
		"http://[::1/r":                  unreadable + notWeb,
		"ftp://example.com/r":            "there are no repositories of the kind ftp://" + others,
		"FILE:///r":                      "there are no repositories of the kind FILE://" + others,
		"://r":                           "there are no repositories of the kind ://" + others,
	} {
		if r, err := Open(url, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %+v\n got %v\nwant %s", url, r, err, want)
		}
	}
}

func TestMaskedURLsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://h/rules.json":                      "https://h/rules.json",
		"https://ada:secret@h/rules.json":           "https://h/rules.json",
		"https://secret@h:8443/rules.json":          "https://h:8443/rules.json",
		"https://ada:sec%40ret@h/":                  "https://h/",
		"https://ada:secret@[::1]:1/":               "https://[::1]:1/",
		"https://h/r?token=secret":                  "https://h/r?…",
		"https://h/r?secret":                        "https://h/r?…",
		"https://h/r?":                              "https://h/r",
		"https://h/r?a=1?b=secret#secret":           "https://h/r?…",
		"https://h/r#secret":                        "https://h/r",
		"https://h/a%2Fb%20c":                       "https://h/a%2Fb%20c",
		"https://h?secret":                          "https://h?…",
		"https://ada:sec@ret@h/":                    "https://h/",
		"https://h:secret/":                         "a URL that cannot be read",
		"https://ada:secret@h/\x7f":                 "a URL that cannot be read",
		"https://ada:secret@h/%zz":                  "a URL that cannot be read",
		"https:ada:secret@h/":                       "https://",
		"//ada:secret@h/r":                          "//h/r",
		"inline://c2VjcmV0":                         "inline://",
		"inline://c2Vj/cmV0+secret==":               "inline://",
		"s3://bucket/r.json?region=x&token=secret":  "s3://bucket/r.json?…",
		"azblob://ada:secret@container/r.json":      "azblob://container/r.json",
		"file:///etc/rules.json":                    "file:///etc/rules.json",
		"/etc/rules.json":                           "/etc/rules.json",
		"HTTPS://ada:secret@H/R?SECRET":             "https://H/R?…",
		"https://h/r?t=secret\nhttps://u:secret@h2": "a URL that cannot be read",
	} {
		got := Masked(url)
		if got != want {
			t.Errorf("%q is shown as %q, want %q", url, got, want)
		}
		if strings.Contains(strings.ToLower(got), "secret") || strings.Contains(got, "c2Vj") {
			t.Errorf("%q is shown as %q", url, got)
		}
	}
}
