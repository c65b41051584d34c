package main_test

import (
	"os"
	"regexp"
	"testing"
)

// secrets are what credentials look like that engines of the tests are asked and configured with, those of the real session,
// token and authorization services among them.
var secrets = map[string]*regexp.Regexp{
	"a signed token":                regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]{20,}`),
	"a token of Ory's":              regexp.MustCompile(`ory_(st|at|rt|ac|lo)_[\w.-]{8,}`),
	"an Authorization header":       regexp.MustCompile(`(?i)\b(bearer|basic) +[\w+/.~-]{8,}=*([\s"\]\\,;]|$)`),
	"a session cookie":              regexp.MustCompile(`(?i)\b(ory_kratos_session|_oauth2_proxy[\w-]*|sessionid|session|sid)=[^\s;"&\\]{8,}`),
	"a private key":                 regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY`),
	"the private part of a key":     regexp.MustCompile(`"(d|p|q|dp|dq|qi|k)\\*": *\\*"[\w-]{20,}`),
	"a password in an address":      regexp.MustCompile(`://[^/\s:@"]+:[^/\s@"*]+@`),
	"a parameter that is a secret":  regexp.MustCompile(`(?i)\b(client_secret|password|access_token|refresh_token|id_token|assertion)=[^\s&"\\]{4,}`),
	"a member that is a secret":     regexp.MustCompile(`(?i)(client_secret|password|access_token|refresh_token|id_token)\\*": *\\*"[^"*\\]{4,}`),
	"a key of a cloud's own format": regexp.MustCompile(`\b(AKIA[A-Z0-9]{16}|ghp_\w{30,}|xox[bp]-[\w-]{10,})`),
}

// keepsSecrets fails the test if a credential is in what an engine has written.
func keepsSecrets(t testing.TB, log string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Error(err)
	}
	for what, form := range secrets {
		if at := form.FindIndex(text); at != nil {
			t.Errorf("the log has %s: …%s…", what, text[max(0, at[0]-400):min(len(text), at[1]+40)])
		}
	}
}

func TestSecretsAreKnownByTheirForm(t *testing.T) {
	t.Parallel()
	for what, written := range map[string][]string{
		"a signed token":                {"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw"},
		"a token of Ory's":              {"ory_at_4f8Kd82kdk.2k3", "token=ory_st_aB3dE6gH9"},
		"an Authorization header":       {`Authorization:[Bearer 4f8Kd82kdk]`, `"Basic YWRhOmxvdmVsYWNl"`, "bearer 4f8Kd82kdk=="},
		"a session cookie":              {"Cookie: a=b; ory_kratos_session=MTY3ODk4; c=d", "_oauth2_proxy_csrf=4f8Kd82kdk", "session=alice-of-acme"},
		"a private key":                 {"-----BEGIN RSA PRIVATE KEY-----", `-----BEGIN PRIVATE KEY-----\nMIIE`},
		"the private part of a key":     {`"kty":"RSA","d":"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJo"`, `\"k\":\"GawgguFyGrWKav7AX4VKUgqEdjQ\"`},
		"a password in an address":      {"https://ada:lovelace@rules.test/x"},
		"a parameter that is a secret":  {"grant_type=x&client_secret=4f8K&y=z"},
		"a member that is a secret":     {`"access_token":"4f8Kd8"`, `{\"password\": \"4f8Kd8\"}`},
		"a key of a cloud's own format": {"AKIAIOSFODNN7EXAMPLE"},
	} {
		for _, text := range written {
			if secrets[what] == nil || !secrets[what].MatchString(text) {
				t.Errorf("%s is not found in %s", what, text)
			}
		}
	}
	for _, plain := range []string{
		`"method":"GET","path":"/session/x","user_agent":"Bearer of news","subject":"ada"`,
		`"client_secret":"******"`, "https://ada:***@rules.test/x", `{"key":"serve.admin.token"}`, "token", "cookie_session: answered 401", "rule_id=bearer rules_generation=1",
	} {
		for what, form := range secrets {
			if form.MatchString(plain) {
				t.Errorf("%s is found in %s", what, plain)
			}
		}
	}
}
