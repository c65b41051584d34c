package onerror

import (
	_ "embed"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"ostiary/pipeline"
)

//go:embed redirect.schema.json
var redirectSchema []byte

var redirect = pipeline.Define("redirect", withWhen(redirectSchema), newRedirect)

type redirectConfig struct {
	To                 string            `json:"to"`
	ToOn               map[string]string `json:"to_on"`
	Code               int               `json:"code"`
	ReturnToQueryParam string            `json:"return_to_query_param"`
	OnBrowserOnly      bool              `json:"on_browser_only"`
	LoopGuard          bool              `json:"loop_guard"`
	When               []clauseConfig    `json:"when"`
}

// Redirect is the error handler `redirect` (contract 8.3): it sends the client
// to another address, with the address that it asked for in a parameter. What
// is missing decides where: somebody to log in, or a second factor.
type Redirect struct {
	when
	to          *page
	on          map[string]*page // instead, for errors of that name
	again       *page            // for a login that is too long ago
	stepUp      *page            // for a second factor, if the session service names no other
	returnTo    string           // name of the parameter; empty: the address is not told
	code        int
	browserOnly bool // others are told what is wrong
	loopGuard   bool
}

// page is where clients are sent.
type page struct {
	text  string // as it is written
	url   url.URL
	query url.Values
}

func newPage(text string, at ...string) (*page, error) {
	target, err := url.Parse(text)
	if err != nil || text == "" {
		return nil, &pipeline.Mistake{Path: at, Message: "is not a URL"}
	}
	return &page{text: text, url: *target, query: target.Query()}, nil
}

// with is the page with one more parameter.
func (p *page) with(name, value string) *page {
	query := maps.Clone(p.query)
	query.Set(name, value)
	target := p.url
	target.RawQuery = query.Encode()
	return &page{text: target.String(), url: target, query: query}
}

func newRedirect(c redirectConfig, _ pipeline.Environment) (pipeline.ErrorHandler, error) {
	to, err := newPage(c.To, "to")
	if err != nil {
		return nil, err
	}
	w, err := newWhen(c.When, true)
	if err != nil {
		return nil, err
	}
	h := &Redirect{
		when: w, to: to, on: make(map[string]*page, len(c.ToOn)), returnTo: c.ReturnToQueryParam, code: c.Code,
		again: to.with("refresh", "true"), stepUp: to.with("aal", "aal2"), // as the login of Ory Kratos knows them
		browserOnly: c.OnBrowserOnly, loopGuard: c.LoopGuard,
	}
	for _, name := range slices.Sorted(maps.Keys(c.ToOn)) {
		if h.on[name], err = newPage(c.ToOn[name], "to_on", name); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Respond makes the redirect. Who is no browser is told what is wrong instead,
// if the configuration says so, and a browser that came back from where it was
// sent again and again is told so.
func (h *Redirect) Respond(request *pipeline.Request, refusal error) pipeline.Response {
	browser := (h.browserOnly || h.loopGuard) && isNavigation(request)
	if h.browserOnly && !browser {
		return pipeline.ErrorResponse(refusal, request.Header.Get("X-Request-Id"), false)
	}
	location := h.location(request, refusal)
	if h.loopGuard && browser {
		if request.RoundTrips >= mostRoundTrips {
			return roundInCircles(request, refusal, location)
		}
		response := h.send(request, location)
		response.Header.Set("Set-Cookie", pipeline.RoundTrips(request, request.RoundTrips+1))
		return response
	}
	return h.send(request, location)
}

// send makes the answer itself. Browsers get a link in the body as well, as
// RFC 9110 section 15.4 advises.
func (h *Redirect) send(request *pipeline.Request, location string) pipeline.Response {
	response := pipeline.Response{Status: h.code, Header: http.Header{"Location": {location}}}
	if request.Method == http.MethodGet || request.Method == http.MethodHead {
		response.Header.Set("Content-Type", "text/html; charset=utf-8")
	} else if h.code == http.StatusMovedPermanently {
		// What was refused once is not to become another request for ever.
		response.Header.Set("Cache-Control", "no-store")
	}
	if request.Method == http.MethodGet {
		response.Body = fmt.Appendf(nil, "<a href=\"%s\">%s</a>.\n\n", html.EscapeString(location), http.StatusText(h.code))
	}
	return response
}

// pageFor is where a client is sent for this error, and the parameter that tells
// there which address it asked for.
func (h *Redirect) pageFor(refusal error) (to *page, returnTo string) {
	kind := pipeline.KindOf(refusal)
	if named, ok := h.on[kind.Name()]; ok {
		return named, h.returnTo
	}
	switch kind {
	case pipeline.SecondFactor:
		var detailed *pipeline.Error
		if errors.As(refusal, &detailed) && detailed.Continue != "" {
			if own, err := newPage(detailed.Continue); err == nil {
				return own, "return_to" // as Ory Kratos calls it
			}
		}
		return h.stepUp, h.returnTo
	case pipeline.Outdated:
		return h.again, h.returnTo
	default:
		return h.to, h.returnTo
	}
}

func (h *Redirect) location(request *pipeline.Request, refusal error) string {
	to, returnTo := h.pageFor(refusal)
	location := to.text
	if h.returnTo != "" && request.Address != "" {
		location = to.with(returnTo, request.Address).text
	}
	if to.url.Scheme == "" && to.url.Host == "" && !strings.HasPrefix(location, "/") && to.url.Path != "" {
		// Relative to the directory of the request's path.
		location = strings.TrimSuffix(path.Dir(request.RawPath+"x"), "/") + "/" + location
	}
	return location
}

// mostRoundTrips is how often in a row a browser is sent away for one path.
const mostRoundTrips = 5

// roundInCircles tells a person that being sent to log in once more would not
// help, and begins to count anew for who wants to try.
func roundInCircles(request *pipeline.Request, refusal error, location string) pipeline.Response {
	response := pipeline.Response{
		Status: pipeline.KindOf(refusal).Status(),
		Header: http.Header{
			"Content-Type":  {"text/html; charset=utf-8"},
			"Cache-Control": {"no-store"},
			"Set-Cookie":    {pipeline.RoundTrips(request, 0)},
		},
	}
	if request.Method == http.MethodGet {
		response.Body = fmt.Appendf(nil, circlesPage, mostRoundTrips, html.EscapeString(location))
	}
	return response
}

const circlesPage = `<!DOCTYPE html>
<html lang="en">
<title>Logging in does not help</title>
<p>You were sent to log in %d times in a row, and came back without a session that counts here.
It may help to <a href="%s">log in once more</a> or to remove this site's cookies; if it does not, please tell its operator.
</html>
`
