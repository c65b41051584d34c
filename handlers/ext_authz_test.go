package handlers

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/protojson"

	"ostiary/pipeline"
)

// openExtAuthz serves ext_authz on loopback, and returns a connection to it.
func openExtAuthz(t *testing.T, checks *Checks, ready func() bool) *grpc.ClientConn {
	t.Helper()
	var decisions ExtAuthz
	if checks != nil {
		decisions.Set(checks)
	}
	server := NewGRPCServer(&decisions, ready, nil, Limits{})
	socket, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(socket) }()
	connection, err := grpc.NewClient(socket.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = connection.Close()
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return connection
}

func always() bool { return true }

// recordedDecision decides by the path: a gate with a rule for each kind of
// answer.
func recordedDecision(request *pipeline.Request) pipeline.Decision {
	decision := pipeline.Decision{
		Allowed: true, Rule: "app", Identity: pipeline.Names{"X-User", "X-Role"},
		Session: &pipeline.Session{Subject: "kim", Header: http.Header{"X-User": {"kim"}}},
	}
	refuse := func(status int, header http.Header, body string) pipeline.Decision {
		return pipeline.Decision{Rule: "app", Err: pipeline.Forbidden, Response: pipeline.Response{Status: status, Header: header, Body: []byte(body)}}
	}
	switch request.Path {
	case "/login":
		return refuse(302, http.Header{"Location": {"https://login.test/?return_to=" + request.Address}, "Set-Cookie": {"a=1", "b=2"}, "Content-Length": {"0"}}, "")
	case "/private":
		return refuse(401, http.Header{"Www-Authenticate": {`Basic realm="door"`}}, "no\n")
	case "/zero":
		return pipeline.Decision{}
	case "/withheld":
		decision.Session.Withheld = pipeline.Withheld{Headers: []string{"X-Api-Key"}, Cookies: []string{"session"}, QueryParameters: []string{"token"}}
		decision.Session.SetCookie = []string{"session=new; Path=/"}
	case "/body":
		body, err := request.Body.Bytes(100)
		if err != nil {
			return refuse(400, nil, err.Error())
		}
		decision.Session.Header["X-Body"] = []string{string(body)}
	case "/bytes": // the protocol cannot say it
		decision.Session.Header["X-Name"] = []string{"Ren\xe9"}
	case "/many":
		decision.Session.Header = http.Header{"X-Many": {"1", "2", ""}, "Connection": {"close"}, "Host": {"evil.test"}}
	}
	decision.Session.Header["X-Seen"] = []string{request.Method + " " + request.Address + " from " + request.Client.String()}
	return decision
}

// TestRecordedChecks plays questions as Envoy asks them, and holds the answers
// to those beside them.
func TestRecordedChecks(t *testing.T) {
	t.Parallel()
	decider := ruling(recordedDecision)
	connection := openExtAuthz(t, &Checks{Decider: decider, Recorder: Recorders{}, Trust: gateways, Log: quiet}, always)
	client := auth.NewAuthorizationClient(connection)
	questions, err := filepath.Glob("../testdata/ext_authz/*.request.json")
	if err != nil || len(questions) < 10 {
		t.Fatalf("%d questions: %v", len(questions), err)
	}
	for _, path := range questions {
		name := strings.TrimSuffix(filepath.Base(path), ".request.json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var question auth.CheckRequest
			if err := protojson.Unmarshal(readFile(t, path), &question); err != nil {
				t.Fatal(err)
			}
			answer, err := client.Check(t.Context(), &question)
			if err != nil {
				t.Fatal(err)
			}
			text, err := protojson.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			want := readFile(t, strings.Replace(path, ".request.json", ".response.json", 1))
			if diff := cmp.Diff(plain(t, want), plain(t, text)); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, text)
			}
		})
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// plain is JSON without the blanks, which protojson changes on purpose.
func plain(t *testing.T, text []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestNobodyButEnvoyGetsADecision(t *testing.T) {
	t.Parallel()
	recorded := newNotes()
	decider := permitted()
	connection := openExtAuthz(t, &Checks{Decider: decider, Recorder: recorded, Trust: Trust{}, Log: quiet}, always)
	var question auth.CheckRequest
	if err := protojson.Unmarshal(readFile(t, "../testdata/ext_authz/get.request.json"), &question); err != nil {
		t.Fatal(err)
	}
	answer, err := auth.NewAuthorizationClient(connection).Check(t.Context(), &question)
	if err != nil || answer.GetDeniedResponse().GetStatus().GetCode() != http.StatusBadRequest {
		t.Errorf("got %v, %v", answer, err)
	}
	got := recorded.next(t)
	if got.Service != ExtAuthzService || got.Status != http.StatusBadRequest || !strings.Contains(got.Decision.Err.Error(), "serve.grpc.trusted_proxies") {
		t.Errorf("recorded: %+v", got)
	}
}

// TestWhatGoesWrongIsADenial: an error would let the request pass where Envoy
// is configured to go on without an answer.
func TestWhatGoesWrongIsADenial(t *testing.T) {
	t.Parallel()
	panicking := ruling(func(*pipeline.Request) pipeline.Decision { panic("at the door") })
	for name, test := range map[string]struct {
		checks *Checks
		want   int32
	}{
		"a panic":           {&Checks{Decider: panicking, Recorder: Recorders{}, Trust: gateways, Log: quiet}, http.StatusInternalServerError},
		"nothing in force":  {nil, http.StatusServiceUnavailable},
		"an empty question": {&Checks{Decider: permitted(), Recorder: Recorders{}, Trust: gateways, Log: quiet}, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := auth.NewAuthorizationClient(openExtAuthz(t, test.checks, always))
			var question auth.CheckRequest
			if name != "an empty question" {
				if err := protojson.Unmarshal(readFile(t, "../testdata/ext_authz/get.request.json"), &question); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the server goes on
				answer, err := client.Check(t.Context(), &question)
				if err != nil || int32(answer.GetDeniedResponse().GetStatus().GetCode()) != test.want || answer.GetStatus().GetCode() == 0 {
					t.Errorf("got %v, %v", answer, err)
				}
			}
		})
	}
}

func TestHealthOverGRPC(t *testing.T) {
	t.Parallel()
	ready := make(chan bool, 1)
	is := func() bool {
		now := <-ready
		ready <- now
		return now
	}
	ready <- false
	client := grpc_health_v1.NewHealthClient(openExtAuthz(t, nil, is))
	const serving, not = grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_NOT_SERVING
	check := func(service string, want grpc_health_v1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		answer, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil || answer.GetStatus() != want {
			t.Errorf("%q: %v, %v, want %v", service, answer, err, want)
		}
	}
	watching, stop := context.WithCancel(t.Context())
	defer stop()
	watch, err := client.Watch(watching, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	told := func(want grpc_health_v1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		if answer, err := watch.Recv(); err != nil || answer.GetStatus() != want {
			t.Errorf("watching: %v, %v, want %v", answer, err, want)
		}
	}
	check("", not)
	told(not)
	<-ready
	ready <- true
	check("", serving)
	check("envoy.service.auth.v3.Authorization", serving)
	told(serving)
	if answer, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "other"}); err == nil {
		t.Errorf("a service that is not there is %v", answer)
	}
}

// TestBytesThatAreNoTextAreADenial: gRPC would answer them with an error.
func TestBytesThatAreNoTextAreADenial(t *testing.T) {
	t.Parallel()
	connection := openExtAuthz(t, &Checks{Decider: permitted(), Recorder: Recorders{}, Trust: gateways, Log: quiet}, always)
	// CheckRequest{attributes: {request: {http: {path: "/\xff"}}}}
	question := mem.SliceBuffer("\x0a\x08\x22\x06\x12\x04\x22\x02/\xff")
	var answer auth.CheckResponse
	err := connection.Invoke(t.Context(), auth.Authorization_Check_FullMethodName, question, &answer, grpc.ForceCodecV2(asBytes{encoding.GetCodecV2("proto")}))
	if err != nil || answer.GetDeniedResponse().GetStatus().GetCode() != http.StatusBadRequest {
		t.Errorf("got %v, %v", &answer, err)
	}
}

// asBytes sends bytes as they are.
type asBytes struct{ encoding.CodecV2 }

func (asBytes) Marshal(value any) (mem.BufferSlice, error) {
	bytes, _ := value.(mem.SliceBuffer)
	return mem.BufferSlice{bytes}, nil
}

// TestAStopIsToldToThoseWhoWatch and waits for none of them.
func TestAStopIsToldToThoseWhoWatch(t *testing.T) {
	t.Parallel()
	server := NewGRPCServer(new(ExtAuthz), always, nil, Limits{})
	socket := listen(t)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(socket) }()
	connection, err := grpc.NewClient(socket.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	watch, err := grpc_health_v1.NewHealthClient(connection).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	stopping, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	server.Shutdown(stopping)
	if err := stopping.Err(); err != nil {
		t.Error(err)
	}
	if answer, err := watch.Recv(); err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("told: %v, %v", answer, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestReflectionNamesTheServices(t *testing.T) {
	t.Parallel()
	client := grpc_reflection_v1.NewServerReflectionClient(openExtAuthz(t, nil, always))
	stream, err := client.ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	question := &grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(question); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	for _, want := range []string{"envoy.service.auth.v3.Authorization", "grpc.health.v1.Health"} {
		if !strings.Contains(strings.Join(names, " "), want) {
			t.Errorf("%s is not among %v", want, names)
		}
	}
}

func TestHeadersThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	connection := openExtAuthz(t, &Checks{Decider: permitted(), Recorder: Recorders{}, Trust: gateways, Log: quiet}, always)
	client := auth.NewAuthorizationClient(connection)
	for _, test := range []struct {
		name, value string
		want        int32
	}{
		{"x-user", "Ren\u00e9\t1", 0},
		{"x-user", "root\r\nx-role: admin", http.StatusBadRequest},
		{"cookie", "sid=\x00", http.StatusBadRequest},
		{"x-user ", "root", http.StatusBadRequest},
		{"x-user\x0b", "root", http.StatusBadRequest},
		{"", "root", http.StatusBadRequest},
	} {
		answer, err := client.Check(t.Context(), &auth.CheckRequest{Attributes: &auth.AttributeContext{Request: &auth.AttributeContext_Request{
			Http: &auth.AttributeContext_HttpRequest{Method: "GET", Scheme: "http", Host: "app.test", Path: "/x", Headers: map[string]string{test.name: test.value}},
		}}})
		if got := int32(answer.GetDeniedResponse().GetStatus().GetCode()); err != nil || got != test.want {
			t.Errorf("%q: %q is answered %d, %v; want %d", test.name, test.value, got, err, test.want)
		}
	}
}
