package remote

import (
	"net/http"

	"ostiary/pipeline"
)

// traced lets calls belong to the trace of the request that they are made for.
type traced struct{ next http.RoundTripper }

func (t traced) RoundTrip(request *http.Request) (*http.Response, error) {
	if trace := pipeline.TraceHeader(request.Context()); len(trace) > 0 {
		request = request.Clone(request.Context()) // a round-tripper must not change what it is given
		for name, values := range trace {
			if _, configured := request.Header[name]; !configured {
				request.Header[name] = values
			}
		}
	}
	next := t.next
	if next == nil {
		next = http.DefaultTransport // as http.Client does
	}
	return next.RoundTrip(request)
}
