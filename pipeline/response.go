package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
)

// Response is an answer to a client, as data. A front end writes it.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// errorDocument is the JSON form of an error (contract 8.2).
type errorDocument struct {
	ID      string `json:"id,omitempty"`
	Code    int    `json:"code"`
	Status  string `json:"status,omitempty"`
	Request string `json:"request,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message"`
}

// ErrorResponse answers an error with its JSON document (contract 8.2).
// Without verbose it tells the client nothing but the kind. With it, it tells
// the reason too, except where a service behind the engine is at fault: that
// is nobody's business outside (contract 14, verbose).
func ErrorResponse(err error, requestID string, verbose bool) Response {
	kind := KindOf(err)
	shown := documentOf(kind, requestID)
	var detailed *Error
	if !errors.As(err, &detailed) {
		detailed = &Error{}
	}
	if verbose && !kind.Outage() && kind != Internal {
		shown.Message, shown.Reason = kind.Error(), detailed.Reason
	}
	response := shown.response()
	for name, values := range detailed.Header {
		response.Header[name] = values
	}
	return response
}

// troubleResponse answers when the error handlers themselves are the trouble.
// It always tells the reason (contract 8.1).
func troubleResponse(reason, requestID string) Response {
	shown := documentOf(Misconfigured, requestID)
	shown.Reason = reason
	return shown.response()
}

// ids tell programs what is missing from a session that is good otherwise. They
// are what Ory Kratos calls the same in its own documents.
var ids = map[Kind]string{SecondFactor: "session_aal2_required", Outdated: "session_refresh_required"}

func documentOf(kind Kind, requestID string) errorDocument {
	return errorDocument{
		ID:      ids[kind],
		Code:    kind.Status(),
		Status:  http.StatusText(kind.Status()),
		Request: requestID,
		Message: kind.Generic(),
	}
}

func (d errorDocument) response() Response {
	var body bytes.Buffer
	// Encoding this struct cannot fail; it ends the line as the contract asks.
	_ = json.NewEncoder(&body).Encode(map[string]errorDocument{"error": d})
	return Response{
		Status: d.Code,
		Header: http.Header{
			"Content-Type": {"application/json"},
			"Ory-Error-Id": {""},
		},
		Body: body.Bytes(),
	}
}
