package authn

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// at is a service that answers every call without a network.
type at string

func (a at) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(string(a))), ContentLength: int64(len(a)), Request: request,
	}, nil
}

// BenchmarkSession is what it costs to find out whose session a request
// belongs to, without the way to the session service.
func BenchmarkSession(b *testing.B) {
	environment := pipeline.Environment{Transport: at(sessionOf("ada", change{"expires_at": nil})), Now: time.Now, Revocations: pipeline.NewRevocations()}
	request := pipelinetest.Request("Cookie", "ory_kratos_session="+strings.Repeat("a", 400))
	const generic = `{"check_session_url": "http://kratos.test/sessions/whoami", "preserve_path": true, "subject_from": "identity.id", "extra_from": "@this"`
	for name, handler := range map[string]pipeline.Authenticator{
		"cookie_session/asked":      pipelinetest.New(b, cookieSession, generic+`}`, environment),
		"cookie_session/remembered": pipelinetest.New(b, cookieSession, generic+`, "cache": {"enabled": true, "ttl": "1h"}}`, environment),
		"kratos_session/asked":      pipelinetest.New(b, kratosSession, `{"public_url": "http://kratos.test", "cache": {"enabled": false}}`, environment),
		"kratos_session/remembered": pipelinetest.New(b, kratosSession, `{"public_url": "http://kratos.test", "cache": {"ttl": "1h"}}`, environment),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				session := pipeline.Session{}
				if err := handler.Authenticate(b.Context(), request, &session); err != nil || session.Subject != "ada" {
					b.Fatal(session.Subject, err)
				}
			}
		})
	}
}
