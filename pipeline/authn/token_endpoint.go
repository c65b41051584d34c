package authn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/remote"
)

// tokenEndpoint asks an OAuth2 server for tokens by the grant of client
// credentials (RFC 6749 section 4.4).
type tokenEndpoint struct {
	http    *http.Client
	timeout time.Duration // for a whole grant, in however many ways it is tried
}

func newTokenEndpoint(patience remote.Patience, environment pipeline.Environment) *tokenEndpoint {
	return &tokenEndpoint{
		http: &http.Client{
			Transport: exchange{remote.NewPatient(environment, patience)},
			// A redirect would carry the client's secret somewhere the
			// operator did not name.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: patience.Total,
	}
}

// grant gets a token for the client. If the endpoint says that there is none
// for it, the error is an oauth2.RetrieveError; every other error has its kind:
// of a failure of the endpoint (contract 14, dependency failures), of an answer
// that is no token, or pipeline.Limited.
func (e *tokenEndpoint) grant(ctx context.Context, client *clientcredentials.Config) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	token, err := client.Token(context.WithValue(ctx, oauth2.HTTPClient, e.http))
	var failed *pipeline.Error
	var said *oauth2.RetrieveError
	switch {
	case err == nil:
		return token, nil
	case errors.As(err, &failed):
		return nil, failed
	case !errors.As(err, &said):
		return nil, pipeline.Unavailable.From(fmt.Errorf("the token endpoint's answer is no token: %w", err))
	case said.Response.StatusCode == http.StatusTooManyRequests:
		return nil, (&remote.Answer{Header: said.Response.Header}).Limited()
	case said.Response.StatusCode >= http.StatusInternalServerError:
		return nil, pipeline.Unavailable.Because("the token endpoint answered %d", said.Response.StatusCode)
	default:
		return nil, said
	}
}

// maxErrorCode bounds what is logged of an error code, in bytes.
const maxErrorCode = 64

// refusal is what the log says about a grant that the endpoint refused. The
// answer itself is left out: nobody knows what it repeats.
func refusal(said *oauth2.RetrieveError) error {
	return fmt.Errorf("the token endpoint answered %d, with the error code %.*q", said.Response.StatusCode, maxErrorCode, said.ErrorCode)
}

// remaining is how long a token that was just granted lives. The library has
// added the token's lifetime to its own clock; that is undone here.
func remaining(token *oauth2.Token) time.Duration {
	if token.Expiry.IsZero() {
		return cache.Forever
	}
	return time.Until(token.Expiry)
}

// exchange lets a library call a service the way that all services are called:
// with a time-out, a bounded body, and errors that have a kind.
type exchange struct{ client *remote.Client }

func (e exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		defer request.Body.Close() //nolint:errcheck // it was only read
	}
	answer, err := e.client.Do(request.Context(), request)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: answer.Status, Status: http.StatusText(answer.Status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.Header, Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)),
		Request: request,
	}, nil
}
