package config

// Tracing says where traces are sent (contract 11.8).
type Tracing struct {
	Provider              string    `json:"provider"` // jaeger, otel or zipkin; empty: none
	ServiceName           string    `json:"service_name"`
	DeploymentEnvironment string    `json:"deployment_environment"`
	Providers             Providers `json:"providers"`
}

// Providers are the receivers of traces. One of them is in use.
type Providers struct {
	Jaeger Jaeger `json:"jaeger"`
	Zipkin Zipkin `json:"zipkin"`
	OTLP   OTLP   `json:"otlp"`
}

// Jaeger is an agent.
type Jaeger struct {
	LocalAgentAddress string         `json:"local_agent_address"` // host:port or empty
	Sampling          JaegerSampling `json:"sampling"`
}

// JaegerSampling is asked for, or a fixed part of all traces.
type JaegerSampling struct {
	ServerURL    string  `json:"server_url"`     // may be empty
	TraceIDRatio float64 `json:"trace_id_ratio"` // 0 to 1
}

// Zipkin is a server.
type Zipkin struct {
	ServerURL string   `json:"server_url"` // may be empty
	Sampling  Sampling `json:"sampling"`
}

// OTLP is a receiver of the OpenTelemetry protocol over HTTP.
type OTLP struct {
	ServerURL           string   `json:"server_url"` // host:port, without a scheme, or empty
	Insecure            bool     `json:"insecure"`
	Sampling            Sampling `json:"sampling"`
	AuthorizationHeader string   `json:"authorization_header"` // secret
}

// Sampling sends a fixed part of all traces.
type Sampling struct {
	Ratio float64 `json:"sampling_ratio"` // 0 to 1
}
