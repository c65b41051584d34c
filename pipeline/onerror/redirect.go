package onerror

import (
	_ "embed"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path"
	"strings"

	"ostiary/config/document"
	"ostiary/pipeline"
)

//go:embed redirect.schema.json
var redirectSchema []byte

var redirect = pipeline.Define("redirect", withWhen(redirectSchema), newRedirect)

type redirectConfig struct {
	To                 string         `json:"to"`
	Code               int            `json:"code"`
	ReturnToQueryParam string         `json:"return_to_query_param"`
	When               []clauseConfig `json:"when"`
}

// Redirect is the error handler `redirect` (contract 8.3): it sends the client
// to another address, with the address that it asked for in a parameter.
type Redirect struct {
	when
	to       string
	target   url.URL
	query    url.Values
	returnTo string // name of the parameter; empty: the address is not told
	code     int
}

func newRedirect(c redirectConfig, _ pipeline.Environment) (pipeline.ErrorHandler, error) {
	target, err := url.Parse(c.To)
	if err != nil || c.To == "" {
		return nil, &pipeline.Mistake{Path: document.Path{"to"}, Message: "is not a URL"}
	}
	w, err := newWhen(c.When, true)
	if err != nil {
		return nil, err
	}
	return &Redirect{
		when: w, to: c.To, target: *target, query: target.Query(), returnTo: c.ReturnToQueryParam, code: c.Code,
	}, nil
}

// Respond makes the redirect. Browsers get a link in the body as well, as
// RFC 9110 section 15.4 advises.
func (h *Redirect) Respond(request *pipeline.Request, _ error) pipeline.Response {
	location := h.location(request)
	response := pipeline.Response{Status: h.code, Header: http.Header{"Location": {location}}}
	if request.Method == http.MethodGet || request.Method == http.MethodHead {
		response.Header.Set("Content-Type", "text/html; charset=utf-8")
	}
	if request.Method == http.MethodGet {
		response.Body = fmt.Appendf(nil, "<a href=\"%s\">%s</a>.\n\n", html.EscapeString(location), http.StatusText(h.code))
	}
	return response
}

func (h *Redirect) location(request *pipeline.Request) string {
	location := h.to
	if h.returnTo != "" && request.Address != "" {
		query := make(url.Values, len(h.query)+1)
		for name, values := range h.query {
			query[name] = values
		}
		query.Set(h.returnTo, request.Address)
		target := h.target
		target.RawQuery = query.Encode()
		location = target.String()
	}
	if h.target.Scheme == "" && h.target.Host == "" && !strings.HasPrefix(location, "/") && h.target.Path != "" {
		// Relative to the directory of the request's path.
		location = strings.TrimSuffix(path.Dir(request.RawPath+"x"), "/") + "/" + location
	}
	return location
}
