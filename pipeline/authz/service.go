package authz

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
)

// post is a question to a service, at its own address.
func post(address url.URL, header http.Header, body []byte) *http.Request {
	return &http.Request{
		Method: http.MethodPost, URL: &address, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// fault is the error for an answer that neither allows nor forbids: the
// service asks to slow down, is in trouble, or says something that nobody
// agreed on (contract 6.4, and 14, dependency failures). A redirect is among
// the last: whoever stands behind it was never asked.
func fault(answer *remote.Answer) error {
	switch {
	case answer.Status == http.StatusTooManyRequests:
		return answer.Limited()
	case answer.Status >= http.StatusInternalServerError:
		return pipeline.Unavailable.Because("the authorization service answered %d", answer.Status)
	default:
		return pipeline.Internal.From(fmt.Errorf("the authorization service answered %d", answer.Status))
	}
}

// undecided refuses a request on which an authorizer has no answer. The client
// reads that it is forbidden; none_of does not take it for a no.
func undecided(reason string, cause error) error {
	refusal := pipeline.Forbidden.Because("%s", reason)
	refusal.Cause = pipeline.ErrUndecided
	if cause != nil {
		refusal.Cause = fmt.Errorf("%w: %w", pipeline.ErrUndecided, cause)
	}
	return refusal
}
