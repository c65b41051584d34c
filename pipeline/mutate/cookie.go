package mutate

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/template"
)

//go:embed cookie.schema.json
var cookieSchema []byte

var cookie = pipeline.Define("cookie", cookieSchema, newCookie)

type cookieConfig struct {
	Cookies map[string]string `json:"cookies"`
}

// Cookie is the mutator `cookie` (contract 7.3): it puts cookies made from
// templates before those of the client, which loses its own of these names.
type Cookie struct {
	names     []string // sorted
	templates []*template.Template
}

func newCookie(c cookieConfig, _ pipeline.Environment) (pipeline.Mutator, error) {
	m := &Cookie{}
	for _, name := range slices.Sorted(maps.Keys(c.Cookies)) {
		if !httpguts.ValidHeaderFieldName(name) { // RFC 6265 section 4.1.1: both are tokens
			return nil, &pipeline.Mistake{Path: document.Path{"cookies", name}, Message: "is no name for a cookie"}
		}
		compiled, err := template.Compile(name, c.Cookies[name])
		if err != nil {
			return nil, &pipeline.Mistake{Path: document.Path{"cookies", name}, Message: "the template does not parse: " + err.Error()}
		}
		m.names = append(m.names, name)
		m.templates = append(m.templates, compiled)
	}
	return m, nil
}

// SetsHeaders names the header that the cookies travel in: the client's own
// only passes as far as this mutator keeps it.
func (m *Cookie) SetsHeaders() []string { return []string{"Cookie"} }

// Mutate makes the Cookie header for the upstream.
func (m *Cookie) Mutate(_ context.Context, request *pipeline.Request, session *pipeline.Session) error {
	pairs := make([]string, 0, len(m.names)+4)
	for i, name := range m.names {
		value, err := m.templates[i].Render(session)
		if err != nil {
			return pipeline.Misconfigured.From(fmt.Errorf("the template of the cookie %s: %w", name, err))
		}
		pairs = append(pairs, name+"="+cookieValue(value))
	}
	pairs = append(pairs, m.kept(request.Header, &session.Withheld)...)
	session.SetHeader("Cookie", strings.Join(pairs, "; "))
	return nil
}

// kept are the client's cookies that go on to the upstream, as it wrote them.
func (m *Cookie) kept(header http.Header, withheld *pipeline.Withheld) []string {
	if slices.Contains(withheld.Headers, "Cookie") {
		return nil
	}
	var pairs []string
	for _, line := range header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			name, _, _ := strings.Cut(pair, "=")
			name = strings.TrimSpace(name)
			if pair != "" && !slices.Contains(m.names, name) && !pipeline.CookiesCover(withheld.Cookies, name) {
				pairs = append(pairs, pair)
			}
		}
	}
	return pairs
}

// cookieValue leaves out what no cookie may hold (RFC 6265 section 4.1.1), so
// that a value never becomes a second cookie, and quotes blanks and commas.
func cookieValue(value string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == ';' || r == '\\' {
			return -1
		}
		return r
	}, value)
	if strings.ContainsAny(clean, " ,") {
		return `"` + clean + `"`
	}
	return clean
}
