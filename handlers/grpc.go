package handlers

import (
	"context"
	"crypto/tls"
	"time"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	protobuf "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

const (
	// maxQuestion bounds what Envoy asks with, in bytes: headers, and as much of
	// a body as it is configured to send.
	maxQuestion = 4 << 20

	// maxQuestions is how many questions one connection may have open.
	maxQuestions = 1000

	// grpcIdle is how long a connection is kept on which nothing is asked.
	grpcIdle = 15 * time.Minute
)

// GRPCServer is the server that Envoy asks, with gRPC's own health service and
// reflection beside it.
type GRPCServer struct {
	*grpc.Server
	health *health
}

// Shutdown lets questions that are under way be answered, and tells those who
// watch the health that it is over. It ends with the context at the latest,
// with its error.
func (s GRPCServer) Shutdown(ctx context.Context) error {
	close(s.health.over)
	stop := context.AfterFunc(ctx, s.Stop)
	defer stop()
	s.GracefulStop()
	return ctx.Err() //nolint:wrapcheck // it is the context's own
}

// NewGRPCServer makes the server; with a certificate it speaks TLS. ready tells
// whether there are rules to decide by.
func NewGRPCServer(decisions *ExtAuthz, ready func() bool, certificate *tls.Certificate) GRPCServer {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxQuestion),
		grpc.MaxConcurrentStreams(maxQuestions),
		grpc.ForceServerCodecV2(lenient{encoding.GetCodecV2(protobuf.Name)}),
		grpc.ConnectionTimeout(headerTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: grpcIdle}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
	if certificate != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(tlsConfig(certificate))))
	}
	server := GRPCServer{grpc.NewServer(options...), &health{ready: ready, pause: time.Second, over: make(chan struct{})}}
	auth.RegisterAuthorizationServer(server, decisions)
	grpc_health_v1.RegisterHealthServer(server, server.health)
	reflection.Register(server)
	return server
}

// lenient makes an empty question of one that is no protobuf, such as one with
// bytes in its path that are no text: that is refused by an answer, and not by
// an error that Envoy may be configured to go on after.
type lenient struct{ encoding.CodecV2 }

func (l lenient) Unmarshal(data mem.BufferSlice, into any) error {
	err := l.CodecV2.Unmarshal(data, into)
	if question, ok := into.(*auth.CheckRequest); ok && err != nil {
		question.Reset()
		return nil //nolint:nilerr // an empty question is refused
	}
	return err //nolint:wrapcheck // it is gRPC's own
}

// health is gRPC's health service (grpc.health.v1): for the server as a whole,
// and for the one service that it is for.
type health struct {
	grpc_health_v1.UnimplementedHealthServer
	ready func() bool
	pause time.Duration // between two looks for those who watch
	over  chan struct{} // closed when the server stops
}

func (h *health) Check(_ context.Context, question *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	state := h.state(question)
	if state == grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN {
		return nil, status.Errorf(codes.NotFound, "there is no service %q", question.GetService())
	}
	return &grpc_health_v1.HealthCheckResponse{Status: state}, nil
}

// Watch tells of the state now, and of every change until the client leaves.
func (h *health) Watch(question *grpc_health_v1.HealthCheckRequest, stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	tick := time.NewTicker(h.pause)
	defer tick.Stop()
	told := grpc_health_v1.HealthCheckResponse_UNKNOWN
	for {
		if state := h.state(question); state != told {
			if err := stream.Send(&grpc_health_v1.HealthCheckResponse{Status: state}); err != nil {
				return err //nolint:wrapcheck // it is gRPC's own
			}
			told = state
		}
		select {
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err() //nolint:wrapcheck // it is gRPC's own
		case <-h.over:
			_ = stream.Send(&grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_NOT_SERVING}) // who left need not know
			return status.Error(codes.Unavailable, "the server stops")
		case <-tick.C:
		}
	}
}

func (h *health) state(question *grpc_health_v1.HealthCheckRequest) grpc_health_v1.HealthCheckResponse_ServingStatus {
	switch name := question.GetService(); {
	case name != "" && name != auth.Authorization_ServiceDesc.ServiceName:
		return grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN
	case h.ready():
		return grpc_health_v1.HealthCheckResponse_SERVING
	default:
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
}
