package mutate

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/net/http/httpguts"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/template"
)

//go:embed header.schema.json
var headerSchema []byte

var header = pipeline.Define("header", headerSchema, newHeader)

type headerConfig struct {
	Headers map[string]string `json:"headers"`
}

// Header is the mutator `header` (contract 7.2): it sets headers from
// templates. A template that renders nothing sets an empty header, so that
// none of the client's takes its place.
type Header struct {
	names     []string // canonical, sorted
	templates []*template.Template
}

func newHeader(c headerConfig, _ pipeline.Environment) (pipeline.Mutator, error) {
	h := &Header{}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, &pipeline.Mistake{Path: document.Path{"headers", name}, Message: "is no name for a header"}
		}
		compiled, err := template.Compile(name, c.Headers[name])
		if err != nil {
			return nil, &pipeline.Mistake{Path: document.Path{"headers", name}, Message: "the template does not parse: " + err.Error()}
		}
		h.names = append(h.names, http.CanonicalHeaderKey(name))
		h.templates = append(h.templates, compiled)
	}
	return h, nil
}

// SetsHeaders names the headers that only this mutator may set.
func (h *Header) SetsHeaders() []string { return h.names }

// Mutate sets the headers.
func (h *Header) Mutate(_ context.Context, _ *pipeline.Request, session *pipeline.Session) error {
	for i, name := range h.names {
		value, err := h.templates[i].Render(session)
		if err != nil {
			return pipeline.Misconfigured.From(fmt.Errorf("the template of the header %s: %w", name, err))
		}
		session.SetHeader(name, value)
	}
	return nil
}
