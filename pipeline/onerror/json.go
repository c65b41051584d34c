package onerror

import (
	_ "embed"

	"ostiary/pipeline"
)

//go:embed json.schema.json
var jsonSchema []byte

var jsonDocument = pipeline.Define("json", withWhen(jsonSchema), newJSON)

type jsonConfig struct {
	Verbose bool           `json:"verbose"`
	When    []clauseConfig `json:"when"`
}

// JSON is the error handler `json` (contract 8.2): it answers with a document
// that names the error.
type JSON struct {
	when
	verbose bool
}

func newJSON(c jsonConfig, _ pipeline.Environment) (pipeline.ErrorHandler, error) {
	w, err := newWhen(c.When, false)
	if err != nil {
		return nil, err
	}
	return &JSON{when: w, verbose: c.Verbose}, nil
}

// Respond makes the document.
func (h *JSON) Respond(request *pipeline.Request, refusal error) pipeline.Response {
	return pipeline.ErrorResponse(refusal, request.Header.Get("X-Request-Id"), h.verbose)
}
