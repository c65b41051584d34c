package pipeline

import (
	"context"
	"net/http"
)

// isTraceHeader reports whether a header carries a trace from hop to hop: W3C Trace Context and Baggage,
// B3 in both its forms, and Jaeger's own (contract 11.8).
func isTraceHeader(name string) bool {
	switch name {
	case "Traceparent", "Tracestate", "Baggage", "B3",
		"X-B3-Traceid", "X-B3-Spanid", "X-B3-Parentspanid", "X-B3-Sampled", "X-B3-Flags", "Uber-Trace-Id":
		return true
	}
	return false
}

type traceKey struct{}

// withTrace notes which trace a request belongs to, so that calls made on its
// behalf belong to it as well. A request without a trace costs nothing.
func withTrace(ctx context.Context, header http.Header) context.Context {
	var trace http.Header
	for name, values := range header { // fewer than there are names to look for, mostly
		if !isTraceHeader(name) {
			continue
		}
		if trace == nil {
			trace = make(http.Header)
		}
		trace[name] = values
	}
	if trace == nil {
		return ctx
	}
	return context.WithValue(ctx, traceKey{}, trace)
}

// TraceHeader is the trace that a call with this context belongs to, as the
// headers of the request that it is made for. It must not be changed.
func TraceHeader(ctx context.Context) http.Header {
	trace, _ := ctx.Value(traceKey{}).(http.Header)
	return trace
}
