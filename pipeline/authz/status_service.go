package authz

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
)

// statusServiceConfig are the keys that remote and remote_json share (contract
// 6.2 and 6.3).
type statusServiceConfig struct {
	Remote                           string            `json:"remote"`
	Headers                          map[string]string `json:"headers"`
	ForwardResponseHeadersToUpstream []string          `json:"forward_response_headers_to_upstream"`
	Retry                            remote.Retry      `json:"retry"`
	Timeout                          string            `json:"timeout"`
}

// statusService is a service that says by the status of its answer whether a
// request is allowed.
type statusService struct {
	client  *remote.Client
	url     url.URL
	header  outgoingHeader
	granted []string // canonical names of the answer's headers that the upstream gets
}

func newStatusService(c statusServiceConfig, environment pipeline.Environment) (*statusService, error) {
	address, err := remote.ParseURL(c.Remote, "remote")
	if err != nil {
		return nil, err
	}
	patience, err := c.Retry.Patience(c.Timeout)
	if err != nil {
		return nil, err
	}
	header, err := newOutgoingHeader(c.Headers)
	if err != nil {
		return nil, err
	}
	s := &statusService{client: remote.NewPatient(environment, patience), url: *address, header: header}
	for _, name := range c.ForwardResponseHeadersToUpstream {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, &pipeline.Mistake{
				Path:    document.Path{"forward_response_headers_to_upstream"},
				Message: "has an item that is no name for a header",
			}
		}
		if name = http.CanonicalHeaderKey(name); mayGrant(name) {
			s.granted = append(s.granted, name)
		}
	}
	return s, nil
}

// mayGrant reports whether an answer's header may go upstream. What is about
// the connection to the service, or about the answer's own body, would be
// untrue of the client's request, and may split it in two.
func mayGrant(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Http2-Settings", "Expect", "Host":
		return false
	}
	return !strings.HasPrefix(name, "Content-")
}

// ask sends a question and does as the answer says (contract 6.4). Of the
// client's header the service gets Authorization, and nothing else.
func (s *statusService) ask(
	ctx context.Context, request *pipeline.Request, session *pipeline.Session, contentType []string, body []byte,
) error {
	header := http.Header{"Content-Type": contentType}
	if credentials := request.Header["Authorization"]; len(credentials) > 0 {
		header["Authorization"] = credentials
	}
	if err := s.header.set(header, session); err != nil {
		return err
	}
	answer, err := s.client.Do(ctx, post(s.url, header, body))
	if err != nil {
		return err
	}
	switch answer.Status {
	case http.StatusOK:
		s.grant(session, answer.Header)
		return nil
	case http.StatusForbidden:
		return pipeline.Forbidden.Because("the authorization service does not allow it")
	default:
		return fault(answer)
	}
}

// grant sets the listed headers. One that the answer lacks is set empty, so
// that neither the engine nor a gateway lets the client's own through.
func (s *statusService) grant(session *pipeline.Session, answer http.Header) {
	for _, name := range s.granted {
		session.SetHeader(name, "")
		if values := answer[name]; len(values) > 0 {
			session.Header[name] = values
		}
	}
}
