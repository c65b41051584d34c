package remote

import "testing"

func TestParseURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://a":               "http://a/",
		"https://u:p@a:8/b?c=d":  "https://u:p@a:8/b?c=d",
		"":                       "",
		"a:80":                   "",
		"//a/b":                  "",
		"ftp://a/":               "",
		"http:///b":              "",
		"http://a:b/":            "",
		"http://a/\x7f":          "",
		"http://a/?b c":          "",
		"file:///etc/passwd":     "",
		"unix:///run/a.sock":     "",
		"http+unix://%2Frun%2Fa": "",
	} {
		service, err := ParseURL(text, "api", "url")
		switch {
		case want == "" && (err == nil || err.Error() != "api.url: is not a URL of the form http://host:port/path"):
			t.Errorf("%q: got %v, %v", text, service, err)
		case want != "" && (err != nil || service.String() != want):
			t.Errorf("%q: got %v, %v", text, service, err)
		}
	}
}
