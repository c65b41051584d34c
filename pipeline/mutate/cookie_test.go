package mutate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestCookie(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config   string
		client   []string // Cookie headers
		withheld pipeline.Withheld
		cookie   string
	}{
		"is set from a template":                         {`{"cookies": {"user": "{{ .Subject }}"}}`, nil, pipeline.Withheld{}, "user=ada"},
		"stands before those of the client":              {`{"cookies": {"user": "{{ .Subject }}"}}`, []string{"theme=dark; lang=pt"}, pipeline.Withheld{}, "user=ada; theme=dark; lang=pt"},
		"takes the place of the client's own":            {`{"cookies": {"user": "x"}}`, []string{"a=1; user=root; b=2", " user = admin"}, pipeline.Withheld{}, "user=x; a=1; b=2"},
		"has a name with regard to case":                 {`{"cookies": {"user": "x"}}`, []string{"User=kept"}, pipeline.Withheld{}, "user=x; User=kept"},
		"comes in the order of the names":                {`{"cookies": {"b": "2", "a": "1"}}`, nil, pipeline.Withheld{}, "a=1; b=2"},
		"is empty when its template renders nothing":     {`{"cookies": {"theme": "{{ print .Extra.theme }}"}}`, []string{"theme=forged"}, pipeline.Withheld{}, "theme="},
		"is quoted when it has blanks or commas":         {`{"cookies": {"note": "red, blue"}}`, nil, pipeline.Withheld{}, `note="red, blue"`},
		"never becomes a second cookie":                  {`{"cookies": {"a": "1; admin=1\\\"\r\n\u00e9"}}`, nil, pipeline.Withheld{}, `a="1 admin=1"`},
		"leaves the client's when none is configured":    {`{"cookies": {}}`, []string{"a=1; b=2"}, pipeline.Withheld{}, "a=1; b=2"},
		"leaves nothing when there is none at all":       {`{"cookies": {}}`, nil, pipeline.Withheld{}, ""},
		"keeps a session cookie from the upstream":       {`{"cookies": {"a": "1"}}`, []string{"sid=secret; b=2"}, pipeline.Withheld{Cookies: []string{"sid"}}, "a=1; b=2"},
		"keeps the parts of one from it":                 {`{"cookies": {"a": "1"}}`, []string{"sid_0=sec; b=2; sid_1=ret"}, pipeline.Withheld{Cookies: []string{"sid_*"}}, "a=1; b=2"},
		"keeps every cookie that was judged from it":     {`{"cookies": {"a": "1"}}`, []string{"sid=secret; b=2"}, pipeline.Withheld{Cookies: []string{"*"}}, "a=1"},
		"keeps all of them from it when they are one":    {`{"cookies": {"a": "1"}}`, []string{"sid=secret; b=2"}, pipeline.Withheld{Headers: []string{"Cookie"}}, "a=1"},
		"passes on what the client wrote, byte for byte": {`{"cookies": {}}`, []string{`odd="x y"; bare; =nameless; c=a=b`}, pipeline.Withheld{}, `odd="x y"; bare; =nameless; c=a=b`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, cookie, test.config, pipeline.Environment{})
			request := pipelinetest.Request()
			for _, line := range test.client {
				request.Header.Add("Cookie", line)
			}
			session := pipeline.Session{Subject: "ada", Withheld: test.withheld}
			if err := handler.Mutate(t.Context(), request, &session); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.cookie}, session.Header.Values("Cookie")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCookieFailsWithItsTemplate(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, cookie, `{"cookies": {"a": "{{ index .MatchContext.RegexpCaptureGroups 2 }}"}}`, pipeline.Environment{})
	session := pipeline.Session{MatchContext: pipeline.NewMatchContext(pipelinetest.Request(), nil)}
	if err := handler.Mutate(t.Context(), pipelinetest.Request(), &session); pipeline.KindOf(err) != pipeline.Misconfigured {
		t.Errorf("got %v", err)
	}
	if session.Header != nil {
		t.Errorf("a failed template set %v", session.Header)
	}
}

func TestCookieRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config string
		want   []string
	}{
		"no cookies":                       {`{}`, []string{"cookies: is required"}},
		"a name that would be two cookies": {`{"cookies": {"a; b": "1"}}`, []string{`cookies["a; b"]: is no name for a cookie`}},
		"a template that does not parse":   {`{"cookies": {"a": "{{ end }}"}}`, []string{"cookies.a: the template does not parse: a:1: unexpected {{end}}"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, cookie, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzCookie looks for values and client cookies that make the upstream see a
// cookie of a configured name twice, or a broken header.
func FuzzCookie(f *testing.F) {
	f.Add("ada", "theme=dark; user=root")
	f.Add("a; user=b\r\nX: y", "user=1;user=2")
	f.Add("\x00\xff", ";;=;  user =x")
	handler := pipelinetest.New(f, cookie, `{"cookies": {"user": "{{ .Subject }}"}}`, pipeline.Environment{})
	f.Fuzz(func(t *testing.T, subject, client string) {
		request := pipelinetest.Request()
		request.Header["Cookie"] = []string{client}
		session := pipeline.Session{Subject: subject}
		if err := handler.Mutate(t.Context(), request, &session); err != nil {
			return // a template that renders too much
		}
		sent := pipelinetest.Request("Cookie", session.Header.Get("Cookie"))
		count := 0
		for _, name := range cookieNames(sent.Header.Get("Cookie")) {
			if name == "user" {
				count++
			}
		}
		if count != 1 {
			t.Errorf("the upstream sees %d cookies of that name: %q", count, session.Header.Get("Cookie"))
		}
	})
}
