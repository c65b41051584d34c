package handlers

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"ostiary/pipeline"
)

// FuzzCheckRequest has Envoy ask anything. There is always an answer, which the
// protocol can carry; what is decided on is canonical; and nothing that goes to
// the upstream or the client ends its line early.
func FuzzCheckRequest(f *testing.F) {
	f.Add("GET", "http", "app.test", "/health-app?x=1", "x-forwarded-proto", "https", ":path", []byte("/health-app?x=1"), "192.0.2.1", []byte("{}"))
	f.Add("GET", "https", "app.test", "/login", "cookie", "sid=1", "x_user", []byte("root\r\nx: y"), "", []byte(nil))
	f.Fuzz(func(t *testing.T, method, scheme, host, path, name, value, rawName string, rawValue []byte, source string, body []byte) {
		question := &auth.CheckRequest{Attributes: &auth.AttributeContext{
			Source: &auth.AttributeContext_Peer{Address: &core.Address{Address: &core.Address_SocketAddress{
				SocketAddress: &core.SocketAddress{Address: source},
			}}},
			Request: &auth.AttributeContext_Request{Http: &auth.AttributeContext_HttpRequest{
				Method: method, Scheme: scheme, Host: host, Path: path, Headers: map[string]string{name: value},
				HeaderMap: &core.HeaderMap{Headers: []*core.HeaderValue{{Key: rawName, RawValue: rawValue}}}, RawBody: body,
			}},
		}}
		if _, err := proto.Marshal(question); err != nil {
			return // it cannot be asked
		}
		decide := func(request *pipeline.Request) pipeline.Decision {
			checkRequest(t, request)
			if checkResolved(request.RawPath) != nil || slices.Contains(strings.Split(path, "/"), "..") {
				t.Errorf("%q is decided on for %q", request.RawPath, path)
			}
			if rawName == ":path" && string(rawValue) != path || rawName == ":authority" && string(rawValue) != host {
				t.Errorf("%q at %q is decided on, and the headers say that %s is %q", path, host, rawName, rawValue)
			}
			for seen := range request.Header {
				if tellsOfAnother(seen) && !extAuthz.believes(seen) {
					t.Errorf("handlers see the header %q", seen)
				}
			}
			decision := recordedDecision(request)
			if decision.Allowed && !httpguts.ValidHeaderFieldValue(decision.Session.Header.Get("X-Body")) {
				return pipeline.Decision{} // as every pipeline refuses it
			}
			return decision
		}
		checks := &Checks{Decider: ruling(decide), Recorder: Recorders{}, Trust: gateways, Log: quiet}
		ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4321}})
		answer := checks.check(ctx, question, nil)
		checkAnswer(t, answer)
		if distrusting := (&Checks{Decider: ruling(decide), Recorder: Recorders{}, Log: quiet}).check(ctx, question, nil); distrusting.GetOkResponse() != nil {
			t.Error("a stranger is answered")
		}
	})
}

func checkAnswer(t *testing.T, answer *auth.CheckResponse) {
	t.Helper()
	if _, err := proto.Marshal(answer); err != nil {
		t.Fatalf("the answer cannot be sent: %v", err)
	}
	allowed := answer.GetStatus().GetCode() == 0
	if allowed != (answer.GetOkResponse() != nil) || allowed == (answer.GetDeniedResponse() != nil) {
		t.Errorf("it is neither a yes nor a no: %v", answer)
	}
	if status := answer.GetDeniedResponse().GetStatus().GetCode(); !allowed && (status < http.StatusMultipleChoices || status > 599) {
		t.Errorf("it is denied with the status %d", status)
	}
	set := slices.Concat(answer.GetOkResponse().GetHeaders(), answer.GetDeniedResponse().GetHeaders(), answer.GetOkResponse().GetResponseHeadersToAdd())
	for _, option := range set {
		name, value := option.GetHeader().GetKey(), option.GetHeader().GetValue()
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || name != strings.ToLower(name) {
			t.Errorf("the header %q: %q", name, value)
		}
		if slices.Contains(answer.GetOkResponse().GetHeadersToRemove(), name) {
			t.Errorf("the header %q is set and removed", name)
		}
	}
}
