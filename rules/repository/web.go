package repository

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"ostiary/config/document"
)

// web is a document on a web server. The server is asked for it only if it is
// another one than the last (RFC 9110 section 13), as told by its entity tag, or
// by its date if it has none.
type web struct {
	url    *url.URL
	server *Server // nil: there is nothing to know about it

	last     Content
	tag      string
	modified string
}

// openWeb understands http:// and https://.
func openWeb(text string, servers Servers) (*Repository, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" {
		return nil, fmt.Errorf("%q is not a URL such as https://rules.example.com/access-rules.json", Masked(text))
	}
	server := servers.of(parsed)
	if _, err := server.client(parsed.User != nil); err != nil { // so that it is known at once
		return nil, err
	}
	w := &web{url: parsed, server: server}
	return &Repository{Key: text, Name: Masked(text), Remote: true, read: w.read}, nil
}

// Masked is a URL as it can be shown to anybody: without what stands for a
// password in it, and without the values of its query.
func Masked(text string) string {
	parsed, err := url.Parse(text)
	if err != nil {
		return "a URL that cannot be read"
	}
	if parsed.Opaque != "" || parsed.Scheme == "inline" {
		return parsed.Scheme + "://"
	}
	parsed.User = nil
	query := ""
	if parsed.RawQuery != "" {
		query = "?…"
	}
	parsed.RawQuery, parsed.Fragment, parsed.ForceQuery = "", "", false
	return parsed.String() + query
}

// A statusError is an answer that is no document.
type statusError struct{ status int }

func (e *statusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.status, http.StatusText(e.status))
}

func (w *web) read(ctx context.Context) (Content, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url.String(), nil)
	if err != nil {
		return Content{}, err //nolint:wrapcheck // the URL has been parsed
	}
	request.Header.Set("Accept", "application/json, application/yaml, */*;q=0.5")
	switch {
	case w.tag != "":
		request.Header.Set("If-None-Match", w.tag)
	case w.modified != "":
		request.Header.Set("If-Modified-Since", w.modified)
	}
	if user := w.url.User; user != nil { // of the URL itself, they would be left out where it redirects to
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	if err := w.server.authenticate(request); err != nil {
		return Content{}, err
	}
	client, err := w.server.client(w.url.User != nil)
	if err != nil {
		return Content{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return Content{}, notReached(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	conditional := w.tag != "" || w.modified != ""
	switch {
	case response.StatusCode == http.StatusNotModified && conditional:
		return w.last, nil
	case response.StatusCode != http.StatusOK:
		return Content{}, &statusError{response.StatusCode}
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, document.MaxSize+1))
	switch {
	case err != nil:
		return Content{}, brokenOff(err)
	case len(text) > document.MaxSize:
		return Content{}, fmt.Errorf("the answer has more than the %d bytes that are read", document.MaxSize)
	}
	w.tag, w.modified = response.Header.Get("ETag"), response.Header.Get("Last-Modified")
	w.last = Content{Documents: []Document{{Name: Masked(w.url.String()), Text: text}}, Position: w.tag}
	if w.tag == "" {
		w.last.Position = w.modified
	}
	return w.last, nil
}

// sameOrigin reports whether what is for one of the URLs is for the other too.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// maxRedirects bounds how often a server may say that the document is elsewhere.
const maxRedirects = 5

// A redirectError is why a redirect is not followed.
type redirectError struct{ reason string }

func (e *redirectError) Error() string { return e.reason }

// legible refuses redirects to what is no URL. A message of net/http would show
// it, and it may have what was asked for in it.
type legible struct{ http.RoundTripper }

func (l legible) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err //nolint:wrapcheck // as if it were not there
	}
	if _, err := request.URL.Parse(response.Header.Get("Location")); err != nil {
		_ = response.Body.Close()
		return nil, &redirectError{"it redirects to what is no URL"}
	}
	return response, nil
}

// follow lets a server say where the document is, but never so that somebody
// else gets to see the credentials, or that anybody can on the way.
func follow(credentials bool) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, before []*http.Request) error {
		first := before[0].URL
		switch {
		case len(before) > maxRedirects:
			return &redirectError{"it redirects too often"}
		case first.Scheme == "https" && next.URL.Scheme != "https":
			return &redirectError{"it redirects from https to http, which is not followed"}
		case credentials && !sameOrigin(first, next.URL):
			return &redirectError{"it redirects to another server, which the credentials are not for"}
		}
		next.Header.Del("Referer") // it has the query of the URL, which may be a password
		return nil
	}
}
