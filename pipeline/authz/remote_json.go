package authz

import (
	"context"
	_ "embed"
	"fmt"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/plainjson"
	"ostiary/pipeline/internal/template"
)

//go:embed remote_json.schema.json
var remoteJSONSchema []byte

var remoteJSON = pipeline.Define("remote_json", remoteJSONSchema, newRemoteJSON)

type remoteJSONConfig struct {
	statusServiceConfig
	Payload string `json:"payload"`
}

// RemoteJSON is the authorizer `remote_json` (contract 6.3): it sends a
// document made from a template to a service, which allows the request or not.
type RemoteJSON struct {
	service *statusService
	payload *template.Template
}

func newRemoteJSON(c remoteJSONConfig, environment pipeline.Environment) (pipeline.Authorizer, error) {
	service, err := newStatusService(c.statusServiceConfig, environment)
	if err != nil {
		return nil, err
	}
	payload, err := compileTemplate(document.Path{"payload"}, c.Payload)
	if err != nil {
		return nil, err
	}
	return &RemoteJSON{service: service, payload: payload}, nil
}

// SetsHeaders names the headers of the service's answer that go upstream.
func (a *RemoteJSON) SetsHeaders() []string { return a.service.granted }

// Authorize asks the service.
func (a *RemoteJSON) Authorize(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	payload, err := a.payload.Render(session)
	if err != nil {
		return pipeline.Misconfigured.From(fmt.Errorf("the template of the payload: %w", err))
	}
	if err := plainjson.Check([]byte(payload)); err != nil {
		return pipeline.Internal.From(fmt.Errorf("the payload: %w", err))
	}
	return a.service.ask(ctx, request, session, []string{"application/json"}, []byte(payload))
}
