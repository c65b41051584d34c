package keyset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
)

const (
	// maxSize bounds a document, in bytes; over HTTP, remote has a bound too.
	maxSize = 1 << 20

	// maxRedirects bounds how often a server may send the reader elsewhere.
	maxRedirects = 3
)

// patience is how long a server has to answer. Nobody waits for all of it: see
// Sets.
var patience = remote.Patience{Total: 15 * time.Second, Attempt: 5 * time.Second, Retries: 2, Wait: 500 * time.Millisecond}

// source reads the document of a set, in whole.
type source func(context.Context) ([]byte, error)

// newSource understands the address of a set: http://, https:// or file://.
func newSource(address string, environment pipeline.Environment) (source, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	switch strings.ToLower(scheme) {
	case "http", "https":
		target, err := url.Parse(address)
		if err != nil || target.Host == "" {
			return nil, errors.New("is not a URL of the form https://host:port/path")
		}
		client := remote.NewPatient(environment, patience)
		return func(ctx context.Context) ([]byte, error) { return download(ctx, client, target) }, nil
	case "file":
		return newFile(rest)
	case "s3", "gs", "azblob":
		return nil, fmt.Errorf("%s:// is not supported by this version; use https:// or file://", scheme)
	default:
		return nil, errors.New("is not a URL of the form https://host/path or file:///path")
	}
}

// newFile names a file by what stands behind file://, which is a path and has
// no host: it may be relative to the working directory (contract 2.4).
func newFile(rest string) (source, error) {
	rest, _, _ = strings.Cut(rest, "?")
	path, err := url.PathUnescape(rest)
	if err != nil || path == "" {
		return nil, errors.New("is not a URL of the form file:///path")
	}
	path = filepath.Clean(path)
	return func(context.Context) ([]byte, error) { return readFile(path) }, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, pipeline.Unavailable.From(fmt.Errorf("reading a key set: %w", err))
	}
	if !info.Mode().IsRegular() { // reading a pipe might never end
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrUnusable, path)
	}
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, pipeline.Unavailable.From(fmt.Errorf("reading a key set: %w", err))
	}
	defer file.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	switch {
	case err != nil:
		return nil, pipeline.Unavailable.From(fmt.Errorf("reading a key set: %w", err))
	case len(content) > maxSize:
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrUnusable, path, maxSize)
	}
	return content, nil
}

// download reads the set from a server. The server may send the reader to
// another path of its own, or from http to https, and nowhere else: who can
// redirect somewhere could say there which keys are good.
func download(ctx context.Context, client *remote.Client, target *url.URL) ([]byte, error) {
	for range maxRedirects + 1 {
		answer, err := client.Do(ctx, &http.Request{
			Method: http.MethodGet, URL: target, Header: http.Header{"Accept": {"application/jwk-set+json, application/json"}},
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		})
		if err != nil {
			return nil, err
		}
		switch status := answer.Status; {
		case status >= 200 && status < 300:
			return answer.Body, nil
		case status == http.StatusTooManyRequests:
			return nil, answer.Limited()
		case status >= http.StatusInternalServerError:
			return nil, pipeline.Unavailable.From(fmt.Errorf("%s answered %d instead of a key set", target.Host, status))
		case status < 300 || status >= 400:
			return nil, fmt.Errorf("%w: %s answered %d", ErrUnusable, target.Host, status)
		}
		next, err := target.Parse(answer.Header.Get("Location"))
		if err != nil || !near(target, next) {
			return nil, fmt.Errorf("%w: %s redirects to another server", ErrUnusable, target.Host)
		}
		target = next
	}
	return nil, fmt.Errorf("%w: %s redirects more than %d times", ErrUnusable, target.Host, maxRedirects)
}

// near reports whether the server may send the reader there.
func near(from, to *url.URL) bool {
	if from.Scheme == to.Scheme {
		return strings.EqualFold(from.Host, to.Host)
	}
	return from.Scheme == "http" && to.Scheme == "https" && strings.EqualFold(from.Hostname(), to.Hostname())
}
