package authz

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/net/http/httpguts"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/template"
)

// outgoingHeader is the part of a question's header that the configuration
// writes, as templates.
type outgoingHeader struct {
	names     []string // canonical
	templates []*template.Template
}

func newOutgoingHeader(configured map[string]string) (outgoingHeader, error) {
	var h outgoingHeader
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		if !httpguts.ValidHeaderFieldName(name) {
			return outgoingHeader{}, &pipeline.Mistake{Path: document.Path{"headers", name}, Message: "is no name for a header"}
		}
		compiled, err := compileTemplate(document.Path{"headers", name}, configured[name])
		if err != nil {
			return outgoingHeader{}, err
		}
		h.names = append(h.names, http.CanonicalHeaderKey(name))
		h.templates = append(h.templates, compiled)
	}
	return h, nil
}

// set renders the templates over what the header has already. What renders
// nothing is not sent (contract 6.2). A value with control characters would
// end its line early and so write another header: the question is not asked.
func (h outgoingHeader) set(header http.Header, session *pipeline.Session) error {
	for i, name := range h.names {
		value, err := h.templates[i].Render(session)
		if err != nil {
			return pipeline.Misconfigured.From(fmt.Errorf("the template of the header %s: %w", name, err))
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return pipeline.Internal.From(fmt.Errorf("the value for the header %s has control characters", name))
		}
		if value != "" {
			header[name] = []string{value}
		}
	}
	return nil
}

// compileTemplate compiles the template at a path of the configuration.
func compileTemplate(path document.Path, text string) (*template.Template, error) {
	compiled, err := template.Compile(path[len(path)-1], text)
	if err != nil {
		return nil, &pipeline.Mistake{Path: path, Message: "the template does not parse: " + err.Error()}
	}
	return compiled, nil
}
