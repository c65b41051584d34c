package handlers

import (
	"context"
	"crypto/tls"
	"time"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

const (
	// maxQuestion bounds what Envoy asks with, in bytes: headers, and as much of
	// a body as it is configured to send.
	maxQuestion = 4 << 20

	// grpcIdle is how long a connection is kept on which nothing is asked.
	grpcIdle = 15 * time.Minute
)

// NewGRPCServer makes the server that Envoy asks, with gRPC's own health
// service and reflection beside it; with a certificate it speaks TLS. ready
// tells whether there are rules to decide by.
func NewGRPCServer(decisions *ExtAuthz, ready func() bool, certificate *tls.Certificate) *grpc.Server {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxQuestion),
		grpc.ConnectionTimeout(headerTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: grpcIdle}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
	if certificate != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(tlsConfig(certificate))))
	}
	server := grpc.NewServer(options...)
	auth.RegisterAuthorizationServer(server, decisions)
	grpc_health_v1.RegisterHealthServer(server, &health{ready: ready, pause: time.Second})
	reflection.Register(server)
	return server
}

// health is gRPC's health service (grpc.health.v1): for the server as a whole,
// and for the one service that it is for.
type health struct {
	grpc_health_v1.UnimplementedHealthServer
	ready func() bool
	pause time.Duration // between two looks for those who watch
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
