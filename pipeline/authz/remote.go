package authz

import (
	"context"
	_ "embed"

	"ostiary/pipeline"
)

//go:embed remote.schema.json
var remoteSchema []byte

var remoteAuthorizer = pipeline.Define("remote", remoteSchema, newRemote)

type remoteConfig struct {
	statusServiceConfig
	MaxRequestBody int `json:"max_request_body"`
}

// Remote is the authorizer `remote` (contract 6.2): it shows the body of the
// request to a service, which allows it or not.
type Remote struct {
	service *statusService
	maxBody int // of the client, in bytes
}

func newRemote(c remoteConfig, environment pipeline.Environment) (pipeline.Authorizer, error) {
	service, err := newStatusService(c.statusServiceConfig, environment)
	if err != nil {
		return nil, err
	}
	return &Remote{service: service, maxBody: c.MaxRequestBody}, nil
}

// SetsHeaders names the headers of the service's answer that go upstream.
func (a *Remote) SetsHeaders() []string { return a.service.granted }

// Authorize asks the service. A body that is too long to be shown as a whole
// is not shown at all, and the request is refused.
func (a *Remote) Authorize(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	body, err := request.Body.Bytes(a.maxBody)
	if err != nil {
		return err
	}
	contentType := request.Header["Content-Type"]
	if len(contentType) == 0 {
		contentType = []string{""} // sent nevertheless (contract 6.2)
	}
	return a.service.ask(ctx, request, session, contentType, body)
}
