package handlers

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"ostiary/pipeline"
)

// openBoundedExtAuthz serves ext_authz with limits.
func openBoundedExtAuthz(t *testing.T, limits Limits, decider Decider) (client auth.AuthorizationClient, door *Door, recorded notes) {
	t.Helper()
	var decisions ExtAuthz
	recorded = newNotes()
	decisions.Set(&Checks{Decider: decider, Recorder: recorded, Trust: gateways, Log: quiet})
	decisions.Door.Limit(limits)
	server := NewGRPCServer(&decisions, always, nil, limits)
	socket := listen(t)
	go func() { _ = server.Serve(socket) }()
	t.Cleanup(server.Stop)
	connection, err := grpc.NewClient(socket.Addr().(*net.TCPAddr).String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return auth.NewAuthorizationClient(connection), &decisions.Door, recorded
}

func questionAbout(path string) *auth.CheckRequest {
	return &auth.CheckRequest{Attributes: &auth.AttributeContext{Request: &auth.AttributeContext_Request{Http: &auth.AttributeContext_HttpRequest{
		Method: "GET", Scheme: "http", Host: "app.test", Path: path,
	}}}}
}

func TestEnvoyIsRefusedWhatIsTooLong(t *testing.T) {
	t.Parallel()
	const most = 2000
	client, _, recorded := openBoundedExtAuthz(t, Limits{TargetBytes: most, BodyBytes: 10_000}, permitted())
	for length, want := range map[int]int{most: 200, most + 1: 414} {
		answer, err := client.Check(t.Context(), questionAbout("/"+strings.Repeat("x", length-1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := int(answer.GetDeniedResponse().GetStatus().GetCode()); want == 200 && answer.GetOkResponse() == nil || want != 200 && got != want {
			t.Errorf("%d bytes: got %v", length, answer)
		}
		got := recorded.next(t)
		if got.Status != want || errors.Is(got.Decision.Err, pipeline.TargetTooLong) != (want != 200) || want != 200 && len(got.Request.RawPath) > shownTarget {
			t.Errorf("%d bytes: recorded %d, %v, and %d bytes of the path", length, got.Status, got.Decision.Err, len(got.Request.RawPath))
		}
	}
	question := questionAbout("/")
	question.Attributes.Request.Http.Body = strings.Repeat("x", 10_000)
	if _, err := client.Check(t.Context(), question); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a question that is too long: got %v", err)
	}
}

func TestEnvoyIsRefusedWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	client, door, recorded := openBoundedExtAuthz(t, Limits{Requests: 1}, ruling(func(request *pipeline.Request) pipeline.Decision {
		if request.Path == "/slow" {
			close(arrived)
			<-release
		}
		return permitted()(request)
	}))
	first := make(chan *auth.CheckResponse, 1)
	go func() {
		answer, _ := client.Check(t.Context(), questionAbout("/slow"))
		first <- answer
	}()
	<-arrived
	answer, err := client.Check(t.Context(), questionAbout("/x"))
	if err != nil {
		t.Fatal(err)
	}
	denied := answer.GetDeniedResponse()
	retryAfter := slices.IndexFunc(denied.GetHeaders(), func(h *core.HeaderValueOption) bool { return h.GetHeader().GetKey() == "retry-after" })
	if denied.GetStatus().GetCode() != 503 || retryAfter < 0 || denied.GetHeaders()[retryAfter].GetHeader().GetValue() != "1" {
		t.Errorf("got %v", answer)
	}
	if got := recorded.next(t); got.Status != 503 || !errors.Is(got.Decision.Err, pipeline.Overloaded) {
		t.Errorf("recorded %d, %v", got.Status, got.Decision.Err)
	}
	if door.Inside() != 1 {
		t.Errorf("%d are under way", door.Inside())
	}
	close(release)
	if answer := <-first; answer.GetOkResponse() == nil {
		t.Errorf("the one that was under way: got %v", answer)
	}
}
