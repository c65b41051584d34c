package repository

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzOpen: whatever an operator writes is a repository or a mistake, and no
// password that is in it is in what messages say.
func FuzzOpen(f *testing.F) {
	for _, text := range []string{
		"file:///etc/rules/a%2A.json", "file://rules/*.json?x", "file:///a[%zz]*", "file:///*%4", "inline://W10=", "https://u:s3cr3t@h/rules?token=s3cr3t",
		"http://u:s3cr3t%zz@h/", "s3://bucket/key?region=x", "u:s3cr3t@h://x", "http:u:s3cr3t@h", "", "://", "HTTP://h", "inline://s3cr3t!",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const secret = "s3cr3t"
		hides := userinfo(text, secret) && !strings.HasPrefix(text, "file://") // a path has none
		opened, err := Open(text, nil)
		if err != nil {
			if opened != nil || err.Error() == "" {
				t.Errorf("%q: %v, %v", text, opened, err)
			}
			if hides && strings.Contains(err.Error(), secret) {
				t.Errorf("%q: the mistake tells the password: %v", text, err)
			}
			return
		}
		if opened.Key == "" || opened.Name == "" || opened.Remote && len(opened.Files) > 0 || strings.ContainsAny(opened.Name, "\r\n") && opened.Remote {
			t.Errorf("%q is %+v", text, opened)
		}
		if hides && strings.Contains(opened.Name, secret) {
			t.Errorf("%q is called %q", text, opened.Name)
		}
		if again, err := Open(text, nil); err != nil || again.Key != opened.Key || again.Name != opened.Name {
			t.Errorf("%q is another repository each time", text)
		}
	})
}

// userinfo reports whether the secret stands where a password does, and nowhere
// else.
func userinfo(text, secret string) bool {
	scheme, rest, _ := strings.Cut(text, "://")
	authority, behind, found := strings.Cut(rest, "@")
	user, password, colon := strings.Cut(authority, ":")
	return found && colon && strings.Contains(password, secret) && !strings.ContainsAny(authority, "/?#") && !strings.ContainsAny(scheme, "/?#") &&
		!strings.Contains(user+behind+scheme, secret)
}

// FuzzServers: credentials are sent to the origin that they are for, and below
// the path that they are for, with whole segments compared.
func FuzzServers(f *testing.F) {
	f.Add("https://h/rules", "https://h/rules/a.json")
	f.Add("https://h/rules", "https://h/rules-of-others")
	f.Add("https://h:443/", "https://h.evil.test/")
	f.Add("http://h/a/", "http://H/a")
	f.Fuzz(func(t *testing.T, server, target string) {
		known, err := url.Parse(server)
		if err != nil {
			return
		}
		asked, err := url.Parse(target)
		if err != nil {
			return
		}
		found := Servers{{URL: known}}.of(asked)
		if found == nil {
			if server == target && known.Host != "" {
				t.Errorf("%q is not known to itself", server)
			}
			return
		}
		if !strings.EqualFold(known.Hostname(), asked.Hostname()) || !strings.EqualFold(known.Scheme, asked.Scheme) || known.Port() != asked.Port() && known.Port() != "" && asked.Port() != "" {
			t.Errorf("what is for %q is sent to %q", server, target)
		}
		above := strings.TrimSuffix(known.Path, "/")
		if rest, below := strings.CutPrefix(asked.Path, above); !below || rest != "" && rest[0] != '/' && above != "" {
			t.Errorf("what is for %q is sent to %q", server, target)
		}
	})
}
