package mutate

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// sessionOfAda is one with something for every template to show.
func sessionOfAda(request *pipeline.Request) *pipeline.Session {
	return pipelinetest.Knowing(map[string]any{"role": "editor", "teams": []any{"a", "b"}, "size": 3.0}, pipeline.Session{
		Subject: "ada",
		Header:  http.Header{"X-Role": {"before"}, "X-Kept": {"yes"}},
		MatchContext: pipeline.NewMatchContext(request, func() ([]string, error) {
			return []string{"orders", "7"}, nil
		}),
	})
}

func TestHeaderSets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		headers string
		want    http.Header
	}{
		"nothing if nothing is configured": {`{}`, http.Header{}},
		"a fixed text":                     {`{"X-Gate": "ostiary"}`, http.Header{"X-Gate": {"ostiary"}}},
		"the subject":                      {`{"X-User": "{{ .Subject }}"}`, http.Header{"X-User": {"ada"}}},
		"names in their usual spelling":    {`{"x-user-ID": "{{ .Subject }}"}`, http.Header{"X-User-Id": {"ada"}}},
		"what the session service said":    {`{"X-Role": "{{ .Extra.role }}", "X-Team": "{{ index .Extra.teams 1 }}"}`, http.Header{"X-Role": {"editor"}, "X-Team": {"b"}}},
		"what the pattern captured":        {`{"X-Id": "{{ printIndex .MatchContext.RegexpCaptureGroups 1 }}"}`, http.Header{"X-Id": {"7"}}},
		"what the request was": {
			`{"X-Was": "{{ .MatchContext.Method }} {{ .MatchContext.URL.Path }} {{ .MatchContext.Header.Get \"X-Client\" }}"}`,
			http.Header{"X-Was": {"GET /orders/a b/7 phone"}},
		},
		"what an earlier mutator set":         {`{"X-Seen": "{{ .Header.Get \"X-Role\" }}"}`, http.Header{"X-Seen": {"before"}}},
		"an empty header for an empty text":   {`{"X-Role": ""}`, http.Header{"X-Role": {""}}},
		"an empty header if nothing is there": {`{"X-Role": "{{ print .Extra.none }}"}`, http.Header{"X-Role": {""}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, header, `{"headers": `+test.headers+`}`, pipeline.Environment{})
			request := pipelinetest.Request("X-Client", "phone", "X-User", "mallory")
			s := sessionOfAda(request)
			if err := handler.Mutate(t.Context(), request, s); err != nil {
				t.Fatal(err)
			}
			want := http.Header{"X-Role": {"before"}, "X-Kept": {"yes"}}
			for name, values := range test.want {
				want[name] = values
			}
			if diff := cmp.Diff(want, s.Header); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHeaderStartsTheSessionsHeaders(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, header, `{"headers": {"X-User": "{{ .Subject }}"}}`, pipeline.Environment{})
	s := &pipeline.Session{}
	if err := handler.Mutate(t.Context(), pipelinetest.Request(), s); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(http.Header{"X-User": {""}}, s.Header); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderRefusesTheRequestIfATemplateFails(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"{{ .Extra.none.deeper }}", "{{ index .Extra.teams 9 }}", "{{ fail .Subject }}"} {
		handler := pipelinetest.New(t, header, `{"headers": {"X-User": "`+text+`"}}`, pipeline.Environment{})
		err := handler.Mutate(t.Context(), pipelinetest.Request(), sessionOfAda(pipelinetest.Request()))
		if !errors.Is(err, pipeline.Misconfigured) || pipelinetest.ReasonOf(err) != "" {
			t.Errorf("%s: got %v, want a misconfiguration without a reason for clients", text, err)
		}
	}
}

func TestHeaderAnnouncesItsHeaders(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, header, `{"headers": {"x-user": "", "A-B": "{{ .Subject }}"}}`, pipeline.Environment{})
	setter, ok := handler.(pipeline.HeaderSetter)
	if !ok {
		t.Fatalf("%T announces nothing", handler)
	}
	if diff := cmp.Diff([]string{"A-B", "X-User"}, setter.SetsHeaders()); diff != "" {
		t.Error(diff)
	}
}

func TestHeaderRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   []string
	}{
		"no headers":              {`{}`, []string{"headers: is required"}},
		"a list of headers":       {`{"headers": ["X-User"]}`, []string{"headers: expected object, got array"}},
		"a header that is a list": {`{"headers": {"X-User": ["ada"]}}`, []string{"headers.X-User: expected string, got array"}},
		"a name with a blank":     {`{"headers": {"X User": "ada"}}`, []string{`headers["X User"]: is no name for a header`}},
		"a name that ends a line": {`{"headers": {"X\r\nY": "ada"}}`, []string{`headers["X\r\nY"]: is no name for a header`}},
		"no name":                 {`{"headers": {"": "ada"}}`, []string{`headers[""]: is no name for a header`}},
		"a template that is open": {`{"headers": {"X-User": "{{ .Subject"}}`, []string{"headers.X-User: the template does not parse: X-User:1: unclosed action"}},
		"an unknown function":     {`{"headers": {"X-User": "{{ nope }}"}}`, []string{`headers.X-User: the template does not parse: X-User:1: function "nope" not defined`}},
		"another key":             {`{"headers": {}, "header": {}}`, []string{`header: unknown key; did you mean "headers"?`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, header, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
