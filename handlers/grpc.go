package handlers

import (
	"context"
	"math"
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

// grpcIdle is how long a connection is kept on which nothing is asked.
const grpcIdle = 15 * time.Minute

// GRPCServer is the server that Envoy asks, with gRPC's own health service and
// reflection beside it.
type GRPCServer struct {
	*grpc.Server
	health *health
}

// Shutdown lets questions that are under way be answered, and tells those who
// watch the health that it is over. What is under way when the context ends is
// cut off.
func (s GRPCServer) Shutdown(ctx context.Context) {
	close(s.health.over)
	stop := context.AfterFunc(ctx, s.Stop)
	defer stop()
	s.GracefulStop()
}

// NewGRPCServer makes the server; with a certificate it speaks TLS. ready tells
// whether there are rules to decide by. Of the limits these are the server's to
// keep: of headers, of questions, and of the streams of a connection.
func NewGRPCServer(decisions *ExtAuthz, ready func() bool, certificate *Certificate, limits Limits) GRPCServer {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(lenient{encoding.GetCodecV2(protobuf.Name)}),
		grpc.ConnectionTimeout(headerTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: grpcIdle}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
	if limits.BodyBytes > 0 {
		options = append(options, grpc.MaxRecvMsgSize(limits.BodyBytes))
	} else {
		options = append(options, grpc.MaxRecvMsgSize(math.MaxInt32))
	}
	if limits.HeaderBytes > 0 {
		options = append(options, grpc.MaxHeaderListSize(uint32(limits.HeaderBytes))) //nolint:gosec // the configuration bounds it
	}
	if limits.Streams > 0 {
		options = append(options, grpc.MaxConcurrentStreams(uint32(limits.Streams))) //nolint:gosec // likewise
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
