package authz

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestCELTakesNoExpressionThatIsTooLarge(t *testing.T) {
	t.Parallel()
	loop := "request.headers.all(%, true)"
	tests := map[string]string{
		"too long":           strings.Repeat(" ", maxExpressionLength) + "true",
		"too deep":           strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100),
		"too many loops":     strings.ReplaceAll(strings.Replace(strings.Replace(loop, "true", loop, 1), "true", loop, 1), "%", "h"),
		"too large a regexp": `subject.matches("(a{1000}){3}")`,
	}
	for name, expression := range tests {
		if got := pipelinetest.Mistakes(t, celAuthorizer, expressing(expression)); len(got) == 0 {
			t.Errorf("%s: it is taken", name)
		}
	}
}

func TestCELStopsAnExpressionThatCostsTooMuch(t *testing.T) {
	t.Parallel()
	tens := "[" + strings.Repeat("0,", 99) + "0]"
	tests := map[string]string{
		"loops in loops":                tens + ".all(a, " + tens + ".all(b, request.path != '' && subject != '' && subject != 'x' && subject != 'y'))",
		"a long text, over and over":    tens + ".all(a, !extra.long.contains('b'))",
		"a pattern for it":              tens + ".all(a, !extra.long.matches('b$'))",
		"a text that grows":             tens + ".map(a, extra.long + extra.long).size() == 1",
		"a list that is compared a lot": tens + ".all(a, extra.list == extra.list)",
		"lists in a list":               tens + ".all(a, extra.deep == extra.deep)",
		"a text that is looked for":     tens + ".all(a, !(extra.long in extra.texts))",
		"an order of texts":             tens + ".all(a, extra.long <= extra.long)",
	}
	for name, expression := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, celAuthorizer, expressing(expression), pipeline.Environment{})
			request := pipelinetest.Request()
			session := sessionFor(request)
			pipelinetest.Extra(session)["long"] = strings.Repeat("a", 20_000)
			pipelinetest.Extra(session)["list"] = make([]any, 2_000)
			pipelinetest.Extra(session)["deep"] = []any{[]any{make([]any, 1_000)}}
			pipelinetest.Extra(session)["texts"] = []string{pipelinetest.Extra(session)["long"].(string)[1:]}
			wantRefusal(t, handler.Authorize(t.Context(), request, session), pipeline.Internal, false)
		})
	}
}

func TestCELDoesNotGoThroughASessionWithoutEnd(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, celAuthorizer, expressing(`subject == "ada"`), pipeline.Environment{})
	many := make([]any, maxCost/2)
	tooMuch := map[string]map[string]any{
		"a long text": {"t": strings.Repeat("a", textPerWeight*maxCost)},
		"many values": {"a": many, "b": []any{many}},
		"a long name": {"a": map[string]any{strings.Repeat("a", textPerWeight*maxCost): nil}},
		"many scopes": {"scp": make([]string, maxCost)},
	}
	request := pipelinetest.Request()
	session := sessionFor(request)
	for name, extra := range tooMuch {
		t.Run(name, func(t *testing.T) {
			session := *session
			session.SetExtra(extra)
			wantRefusal(t, handler.Authorize(t.Context(), request, &session), pipeline.Internal, false)
		})
	}
	session.SetExtra(map[string]any{"a": many})
	if err := handler.Authorize(t.Context(), request, session); err != nil {
		t.Errorf("half of that is refused: %v", err)
	}
}

func TestCELDoesNotGoThroughARequestWithoutEnd(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", maxText)
	tests := map[string]struct {
		expression string
		request    func(*pipeline.Request, string)
	}{
		"the path":    {`request.path != "b"`, func(r *pipeline.Request, text string) { r.Path = text }},
		"the query":   {`request.query != {}`, func(r *pipeline.Request, text string) { r.RawQuery = text }},
		"the headers": {`request.headers != {}`, func(r *pipeline.Request, text string) { r.Header = http.Header{"A": {text[1:]}} }},
	}
	for name, test := range tests {
		for length, want := range map[string]string{long: yes, long + "a": undecides} {
			handler := pipelinetest.New(t, celAuthorizer, expressing(test.expression), pipeline.Environment{})
			request := pipelinetest.Request()
			test.request(request, length)
			if got := answerOf(handler.Authorize(t.Context(), request, sessionFor(request))); got != want {
				t.Errorf("%s with %d bytes: got %s, want %s", name, len(length), got, want)
			}
		}
	}
}

func TestCELBoundsPatternsOfTheRequest(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, celAuthorizer, expressing(`subject.matches(request.query.pattern[0])`), pipeline.Environment{})
	for pattern, want := range map[string]string{"a.a": yes, "b": no, "(": undecides, "((a{100}){9}){9}": undecides} {
		request := pipelinetest.Request()
		request.RawQuery = "pattern=" + pattern
		if got := answerOf(handler.Authorize(t.Context(), request, sessionFor(request))); got != want {
			t.Errorf("%s: got %s, want %s", pattern, got, want)
		}
	}
}

func TestCELStopsWhenTheClientIsGone(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, celAuthorizer, expressing(`extra.list.all(x, x != 'y')`), pipeline.Environment{})
	request := pipelinetest.Request()
	session := sessionFor(request)
	pipelinetest.Extra(session)["list"] = make([]any, 10_000)
	gone, leave := context.WithCancel(t.Context())
	leave()
	err := handler.Authorize(gone, request, session)
	wantRefusal(t, err, pipeline.Internal, false)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it does not say why: %v", err)
	}
}

// BenchmarkCELWorst is what an evaluation may take before it is stopped.
func BenchmarkCELWorst(b *testing.B) {
	for name, expression := range map[string]string{
		"loops":                 `extra.list.all(x, extra.list.all(y, y != "b"))`,
		"texts that are long":   `extra.list.all(x, !(extra.long in [extra.other]))`,
		"patterns that are":     `extra.list.all(x, !extra.long.matches("(a?){50}b$"))`,
		"lists that are equal":  `extra.list.all(x, extra.list == extra.list)`,
		"headers of the client": `extra.list.all(x, !("b" in request.headers.accept))`,
	} {
		b.Run(name, func(b *testing.B) {
			handler := pipelinetest.New(b, celAuthorizer, expressing(expression), pipeline.Environment{})
			request := pipelinetest.Request("Accept", "*/*", "User-Agent", "bench", "Cookie", "sid=1")
			session := sessionFor(request)
			pipelinetest.Extra(session)["list"] = make([]any, 6_000)
			pipelinetest.Extra(session)["long"], pipelinetest.Extra(session)["other"] = strings.Repeat("a", 20_000), strings.Repeat("a", 19_999)+"b"
			b.ReportAllocs()
			for b.Loop() {
				if err := handler.Authorize(b.Context(), request, session); pipeline.KindOf(err) != pipeline.Internal {
					b.Fatal(err)
				}
			}
		})
	}
}
