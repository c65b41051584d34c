package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config"
	"ostiary/config/document"
)

// header loads a configuration in which a header has this value, and returns
// what it has become.
func header(t testing.TB, directory, value string, environ ...string) (string, error) {
	t.Helper()
	file := filepath.Join(directory, "c.toml")
	text := "[mutators.header]\nenabled = true\nconfig.headers.X = '''" + value + "'''\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := attempt(config.Source{Files: []string{file}, Environ: environ})
	if err != nil {
		return "", err
	}
	became, _ := document.Lookup(loaded.Mutators["header"].Config, document.Path{"headers", "X"})
	return became.(string), nil
}

// TestReferencesInATextAreReplaced and everything else stays as it is.
func TestReferencesInATextAreReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"secret": "s3cret-value", "line": "one line\n", "windows": "one line\r\n", "lines": "two\nlines\n\n",
		"return": "a\r", "reference": "${env:USER} $${file:x}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"USER=ada", "EMPTY=", "LINES=a\n", "_1=underscore"}
	for written, want := range map[string]string{
		"${file:" + dir + "/secret}":         "s3cret-value",
		"${file:secret}":                     "s3cret-value",
		"${file:./secret}":                   "s3cret-value",
		"${env:USER}":                        "ada",
		"${env:_1}":                          "underscore",
		"Basic ${env:USER}:${file:secret}!":  "Basic ada:s3cret-value!",
		"${env:USER}${env:USER}":             "adaada",
		"${file:line}":                       "one line",
		"${file:windows}":                    "one line",
		"${file:lines}":                      "two\nlines\n",
		"${file:return}":                     "a\r",
		"${env:LINES}":                       "a\n",
		"${file:reference}":                  "${env:USER} $${file:x}", // what it leads to is not looked at again
		"$${env:USER}":                       "${env:USER}",
		"$$${env:USER}":                      "$${env:USER}",
		"$${file:secret} and ${file:secret}": "${file:secret} and s3cret-value",
		"$${file:":                           "${file:",
		"$$":                                 "$$",
		"$${x} ${HOME} ${ENV:USER} ${ env:USER} $env": "$${x} ${HOME} ${ENV:USER} ${ env:USER} $env",
		"${FILE:x} ${files:x} {file:x} ${":            "${FILE:x} ${files:x} {file:x} ${",
		"":                                            "",
	} {
		if got, err := header(t, dir, written, environ...); err != nil || got != want {
			t.Errorf("%q becomes %q, want %q (%v)", written, got, want, err)
		}
	}
}

// TestReferencesLeadNowhere: nothing is ever empty instead.
func TestReferencesLeadNowhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "line": "\n", "long": strings.Repeat("x", 1<<20) + "\n", "latin": "caf\xe9"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	for written, want := range map[string]string{
		"${env:UNSET}":                    "${env:UNSET}: the environment variable is not set; set it to the value",
		"${env:EMPTY}":                    "${env:EMPTY}: the environment variable is empty; set it to the value",
		"${env:LATIN}":                    "${env:LATIN}: the environment variable is not text in UTF-8",
		"a ${env:USER} ${env:UNSET} b":    "${env:UNSET}: the environment variable is not set; set it to the value",
		"${file:empty}":                   "${file:empty}: the file is empty; write the value into it",
		"${file:line}":                    "${file:line}: the file is empty; write the value into it",
		"${file:long}":                    "${file:long}: the file cannot be read: it is longer than the 1048576 bytes that are read",
		"${file:latin}":                   "${file:latin}: the file is not text in UTF-8",
		"${file:loop}":                    "${file:loop}: the file cannot be read: too many levels of symbolic links",
		"${file:.}":                       "${file:.}: this is not a regular file; name one",
		"${file:gone}":                    "${file:gone}: the file cannot be read: no such file or directory; a relative path begins where the configuration file is",
		"${file:/gone}":                   "${file:/gone}: the file cannot be read: no such file or directory",
		"${file:/dev/zero}":               "${file:/dev/zero}: this is not a regular file; name one",
		"${env:USER":                      "a reference that begins with ${env: has no }; if it is meant as text, write $${env:",
		"${file:a${env:USER}}":            "the reference ${file:a${env:USER} has another one in it; a reference is one name, as it is written",
		"${env:}":                         "${env:} names no environment variable: its name has letters, digits and _ only, and there are no defaults",
		"${file:}":                        "${file:} names no file; write ${file:/path/to/it}",
		"${file:" + dir + "/empty}":       "${file:" + dir + "/empty}: the file is empty; write the value into it",
		"$${env:UNSET} and ${env:A B}":    "${env:A B} names no environment variable: its name has letters, digits and _ only, and there are no defaults",
		"${env:USER}/${file:empty}/${env": "${file:empty}: the file is empty; write the value into it",
	} {
		got, err := header(t, dir, written, "USER=ada", "EMPTY=", "LATIN=\xe9")
		if err == nil {
			t.Errorf("%q becomes %q", written, got)
			continue
		}
		if message := filepath.Join(dir, "c.toml") + ":3: mutators.header.config.headers.X: " + want; err.Error() != message {
			t.Errorf("%q\n got %s\nwant %s", written, err, message)
		}
	}
}

// TestReferencesAreReadAsTheSchemaAsks, wherever they stand.
func TestReferencesAreReadAsTheSchemaAsks(t *testing.T) {
	folder(t, map[string]string{"port": "8443\n", "ratio": "0.25\n", "switch": "true\n", "token": "correct-horse-battery\n", "status": "204"})
	yaml := `
serve: {proxy: {port: "${file:port}", cors: {enabled: "${file:switch}", allowed_origins: ["https://${env:NAME}.example"]}}}
sessions: {purge_token: "${file:token}"}
authenticators:
  anonymous: {enabled: "${file:switch}", config: {subject: "${file:port}"}}
  bearer_token: {enabled: true, config: {check_session_url: "https://${env:NAME}/", ratio: "${file:ratio}"}}
  cookie_session: {enabled: true, config: {check_session_url: "https://s/", valid_status: [200, "${file:status}"]}}
`
	toml := `
sessions.purge_token = "${file:token}"
[serve.proxy]
port = "${file:port}"
cors = {enabled = "${file:switch}", allowed_origins = ["https://${env:NAME}.example"]}
[authenticators]
anonymous = {enabled = "${file:switch}", config = {subject = "${file:port}"}}
bearer_token = {enabled = true, config = {check_session_url = "https://${env:NAME}/", ratio = "${file:ratio}"}}
cookie_session = {enabled = true, config = {check_session_url = "https://s/", valid_status = [200, "${file:status}"]}}
`
	json := `{"serve": {"proxy": {"port": "${file:port}", "cors": {"enabled": "${file:switch}", "allowed_origins": ["https://${env:NAME}.example"]}}},
"sessions": {"purge_token": "${file:token}"},
"authenticators": {
"anonymous": {"enabled": "${file:switch}", "config": {"subject": "${file:port}"}},
"bearer_token": {"enabled": true, "config": {"check_session_url": "https://${env:NAME}/", "ratio": "${file:ratio}"}},
"cookie_session": {"enabled": true, "config": {"check_session_url": "https://s/", "valid_status": [200, "${file:status}"]}}}}`
	variables := []string{
		"SERVE_PROXY_PORT=${file:port}", "SERVE_PROXY_CORS_ENABLED=${file:switch}", "SERVE_PROXY_CORS_ALLOWED_ORIGINS=https://${env:NAME}.example",
		"SESSIONS_PURGE_TOKEN=${file:token}", "AUTHENTICATORS_ANONYMOUS_ENABLED=${file:switch}", "AUTHENTICATORS_ANONYMOUS_CONFIG_SUBJECT=${file:port}",
		`AUTHENTICATORS_BEARER_TOKEN={"enabled":true,"config":{"check_session_url":"https://${env:NAME}/","ratio":"${file:ratio}"}}`,
		"AUTHENTICATORS_COOKIE_SESSION_ENABLED=true", "AUTHENTICATORS_COOKIE_SESSION_CONFIG_CHECK_SESSION_URL=https://s/",
		"AUTHENTICATORS_COOKIE_SESSION_CONFIG_VALID_STATUS=200", "AUTHENTICATORS_COOKIE_SESSION_CONFIG_VALID_STATUS_1=${file:status}",
	}
	for name, source := range map[string]config.Source{
		"c.yaml": {Files: []string{"c.yaml"}}, "c.toml": {Files: []string{"c.toml"}}, "c.json": {Files: []string{"c.json"}}, "variables": {Environ: variables},
	} {
		t.Run(name, func(t *testing.T) {
			text := map[string]string{"c.yaml": yaml, "c.toml": toml, "c.json": json}[name]
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			source.Environ = append(source.Environ, "NAME=gate")
			c := load(t, source)
			if diff := cmp.Diff(map[string]any{
				"port": 8443, "cors": true, "origins": []string{"https://gate.example"}, "token": "correct-horse-battery",
				"anonymous": true, "subject": "8443", "url": "https://gate/", "ratio": "0.25", "status": []string{"200", "204"},
			}, map[string]any{
				"port": c.Serve.Proxy.Port, "cors": c.Serve.Proxy.CORS.Enabled, "origins": c.Serve.Proxy.CORS.AllowedOrigins, "token": c.Sessions.PurgeToken,
				"anonymous": c.Authenticators["anonymous"].Enabled, "subject": c.Authenticators["anonymous"].Config["subject"],
				"url": c.Authenticators["bearer_token"].Config["check_session_url"], "ratio": numbers(c.Authenticators["bearer_token"].Config["ratio"])[0],
				"status": numbers(c.Authenticators["cookie_session"].Config["valid_status"].([]any)...),
			}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			want := []string{"port", "ratio", "status", "switch", "token"}
			if got := slices.Sorted(maps.Keys(c.Referred())); !slices.Equal(got, want) {
				t.Errorf("the files are %v, want %v", got, want)
			}
		})
	}
}

// TestReferencesAreFollowedFromTheirFile, and nobody needs those that a later
// layer replaces.
func TestReferencesAreFollowedFromTheirFile(t *testing.T) {
	folder(t, map[string]string{
		"over.json": `{"sessions": {"purge_token": "not-a-secret-at-all"}}`,
		"token":     "of-the-working-directory",
	})
	if err := os.MkdirAll("base/secrets", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"base/c.yaml":         "sessions: {purge_token: '${file:gone}'}\nauthenticators: {anonymous: {config: {subject: '${file:secrets/token}'}}}\n",
		"base/secrets/token":  "of-the-file",
		"base/secrets/unused": "",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, config.Source{Files: []string{"base/c.yaml", "over.json"}})
	if got := c.Authenticators["anonymous"].Config["subject"]; got != "of-the-file" {
		t.Errorf("the subject is %q", got)
	}
	c = load(t, config.Source{Files: []string{"base/c.yaml"}, Environ: []string{"SESSIONS_PURGE_TOKEN=${file:token}"}})
	if got := c.Sessions.PurgeToken; got != "of-the-working-directory" {
		t.Errorf("the token is %q", got)
	}
	_, err := attempt(config.Source{Files: []string{"over.json"}, Environ: []string{"SESSIONS_PURGE_TOKEN=${file:secrets/token}"}})
	wantError(t, err, "environment variable SESSIONS_PURGE_TOKEN: sessions.purge_token: ${file:secrets/token}: the file cannot be read: "+
		"no such file or directory; a relative path in a variable begins in the working directory")
	if _, err := attempt(config.Source{Files: []string{"over.json", "base/c.yaml"}}); err == nil {
		t.Error("what is in effect leads nowhere, and it loads")
	}
}

// TestFingerprintsTellContentsApart as long as they can be used.
func TestFingerprintsTellContentsApart(t *testing.T) {
	folder(t, map[string]string{"token": "the-first-of-the-tokens\n", "c.yaml": "sessions: {purge_token: '${file:token}'}\n"})
	c := load(t, config.Source{Files: []string{"c.yaml"}})
	first := config.Fingerprint("token")
	if got := c.Referred()["token"]; got != first || got == [32]byte{} {
		t.Errorf("what was read has the fingerprint %x, and the file %x", got, first)
	}
	for _, text := range []string{"the-second-of-the-tokens\n", "the-first-of-the-tokens"} {
		if err := os.WriteFile("token", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := config.Fingerprint("token"); got == first || got == [32]byte{} {
			t.Errorf("%q has the fingerprint %x", text, got)
		}
	}
	for _, text := range []string{"", "\n", "\xff"} {
		if err := os.WriteFile("token", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := config.Fingerprint("token"); got != [32]byte{} {
			t.Errorf("%q has the fingerprint %x", text, got)
		}
	}
}

// numbers are plain numbers as texts.
func numbers(values ...any) (texts []string) {
	for _, value := range values {
		texts = append(texts, document.Show(value))
	}
	return texts
}
