package authn

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/remote"
)

// saying is a server that gives one answer.
type saying struct {
	status      int
	contentType string
	body        []byte
}

func (s saying) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status, Header: http.Header{"Content-Type": {s.contentType}}, Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: -1,
		Request: request,
	}, nil
}

// FuzzTokenAnswer: whatever a token endpoint answers, there is a token that is
// one, or an error that says whose fault it is.
func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, "application/json", []byte(`{"access_token": "t", "expires_in": 60}`))
	f.Add(200, "application/x-www-form-urlencoded", []byte(`access_token=t&expires_in=1e9`))
	f.Add(401, "text/html", []byte(`{"error": "invalid_client"}`))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		if status %= 1000; status < 100 {
			return // no HTTP
		}
		environment := pipeline.Environment{Transport: saying{status, contentType, body}, Now: time.Now}
		endpoint := newTokenEndpoint(remote.Patience{Total: time.Minute}, environment)
		token, err := endpoint.grant(t.Context(), &clientcredentials.Config{
			ClientID: "id", ClientSecret: "secret", TokenURL: "http://tokens.test/", AuthStyle: oauth2.AuthStyleInHeader,
		})
		var said *oauth2.RetrieveError
		switch {
		case err == nil && (token.AccessToken == "" || status < 200 || status > 299):
			t.Errorf("%d, %q is taken for %+v", status, body, token)
		case err == nil && remaining(token) > cache.Forever:
			t.Errorf("%q lives for %v", body, remaining(token))
		case err == nil:
		case token != nil:
			t.Errorf("a token in spite of %v", err)
		case errors.As(err, &said):
			if bytes.Contains([]byte(refusal(said).Error()), []byte("\n")) {
				t.Errorf("the log says %q", refusal(said))
			}
		case pipeline.KindOf(err) == pipeline.Internal:
			t.Errorf("%d, %q: %v has no kind", status, body, err)
		}
	})
}
