package onerror

import (
	"html"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// FuzzRedirect: whatever a client asks for, it is sent to the login page, which
// gets to know the very address; and nothing of it becomes a header or a part of
// the page in the body.
func FuzzRedirect(f *testing.F) {
	f.Add("/admin/x", "a=1&b=%2F", "", false)
	f.Add(`/"><script>alert(1)</script>`, "return_to=https://evil.test", "https://login.test/step?flow=1", true)
	f.Add("/%0d%0aSet-Cookie:x", "", "javascript:alert(1)", true)
	handler := pipelinetest.New(f, redirect, `{"to": "https://login.test/?own=1", "return_to_query_param": "return_to", "loop_guard": true}`, pipeline.Environment{})
	f.Fuzz(func(t *testing.T, path, query, continues string, tired bool) {
		request := pipelinetest.Request("Accept", "text/html")
		request.RawPath, request.RawQuery = path, query
		request.Address = "https://app.test" + path + "?" + query
		refusal := &pipeline.Error{Kind: pipeline.NoCredential}
		if continues != "" {
			page, err := url.Parse(continues)
			if err != nil || page.Scheme != "http" && page.Scheme != "https" {
				return // no session service is believed this
			}
			refusal = &pipeline.Error{Kind: pipeline.SecondFactor, Continue: continues}
		}
		if tired {
			request.RoundTrips = mostRoundTrips
		}
		response := handler.Respond(request, refusal)
		for name, values := range response.Header {
			for _, value := range values {
				if !httpguts.ValidHeaderFieldValue(value) || strings.ContainsAny(value, "\r\n") {
					t.Errorf("%s: %q", name, value)
				}
			}
		}
		location := response.Header.Get("Location")
		if body := string(response.Body); !tired && body != `<a href="`+html.EscapeString(location)+"\">Found</a>.\n\n" || strings.Count(body, `"`) > 4 || strings.Contains(body, "<script") {
			t.Errorf("the body is %q", response.Body)
		}
		if tired {
			if location != "" || response.Status == 302 {
				t.Errorf("sent away once more, to %q", location)
			}
			return
		}
		to, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		wanted := "login.test"
		if continues != "" {
			page, _ := url.Parse(continues)
			wanted = page.Host
		}
		if to.Host != wanted || to.Scheme != "https" && to.Scheme != "http" {
			t.Errorf("sent to %q", location)
		}
		if returns := to.Query()["return_to"]; len(returns) != 1 || returns[0] != request.Address {
			t.Errorf("%q is to come back to %q", request.Address, returns)
		}
	})
}

// FuzzNetworks: a network of a condition is one address and all below it, in one
// form.
func FuzzNetworks(f *testing.F) {
	for _, text := range []string{"10.0.0.0/8", "10.1.2.3/8", "::/0", "::ffff:10.0.0.0/104", "10.0.0.0/33", "fe80::1%eth0/64", "10.0.0.0/08", "010.0.0.0/8", "10/8"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, err := prefixes([]string{text}, nil)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") || read != nil {
				t.Errorf("%q: %v, %v", text, read, err)
			}
			return
		}
		network := read[0]
		address, bits, _ := strings.Cut(text, "/")
		if network != network.Masked() || !network.IsValid() || strings.Contains(address, "%") || strings.HasPrefix(bits, "+") || len(bits) > 1 && bits[0] == '0' {
			t.Errorf("%q is taken for %v", text, network)
		}
		if again, err := prefixes([]string{network.String()}, nil); err != nil || again[0] != network {
			t.Errorf("%q is %v, which is %v, %v", text, network, again, err)
		}
	})
}

// FuzzRealm: whatever the realm is called, the challenge has one parameter, and
// that is its name.
func FuzzRealm(f *testing.F) {
	f.Add(`reports "2026", admin="x`)
	f.Add(`\`)
	f.Add("a\r\nSet-Cookie: x")
	f.Fuzz(func(t *testing.T, realm string) {
		quoted := quote(realm)
		inner, opened := strings.CutPrefix(quoted, `"`)
		inner, closed := strings.CutSuffix(inner, `"`)
		if !opened || !closed {
			t.Fatalf("%q is quoted as %s", realm, quoted)
		}
		var read strings.Builder // as RFC 9110 section 5.6.4 has it
		for i := 0; i < len(inner); i++ {
			if inner[i] == '"' {
				t.Fatalf("%q is quoted as %s, which ends at %d", realm, quoted, i)
			}
			if inner[i] == '\\' {
				if i++; i == len(inner) {
					t.Fatalf("%q is quoted as %s, which does not end", realm, quoted)
				}
			}
			read.WriteByte(inner[i])
		}
		if read.String() != realm {
			t.Errorf("%q is read as %q", realm, read.String())
		}
	})
}
