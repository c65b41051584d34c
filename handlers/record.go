package handlers

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"ostiary/pipeline"
)

// Decider decides on requests.
type Decider interface {
	Decide(ctx context.Context, request *pipeline.Request) pipeline.Decision
	// Refuse answers a request that is not fit to be decided on.
	Refuse(request *pipeline.Request, refusal error) pipeline.Decision
}

// Rulebook shows the rules in force: ids and JSON documents, and their keys.
type Rulebook interface {
	Rules() iter.Seq2[string, json.RawMessage]
	// Generation is how often the rules have changed, and what tells these from
	// others.
	Generation() (number uint64, digest string)
	// Generations are JSON documents about the last changes, the newest first.
	Generations() []json.RawMessage
	Ready() bool
	// Condition is a JSON document about what readiness depends on.
	Condition() json.RawMessage
	// PublicKeys are the keys that identity tokens are verified with.
	PublicKeys(ctx context.Context) ([]json.RawMessage, error)
}

// Service names a front end in logs and metrics, as dashboards for Oathkeeper
// know them (contract 11.7).
type Service string

// The front ends.
const (
	ProxyService Service = "oathkeeper-proxy"
	APIService   Service = "oathkeeper-api"

	// Those that Oathkeeper does not have.
	ExtAuthzService Service = "ostiary-ext-authz"
	AdminService    Service = "ostiary-admin"
)

// Record is what happened to one request: the one entry that it leaves in the
// log, and its one count in the metrics.
type Record struct {
	Service  Service
	HTTP     *http.Request      // nil if it came by gRPC
	Request  *pipeline.Request  // nil if nothing was decided
	Decision *pipeline.Decision // likewise
	Status   int                // what the client was answered
	Size     int64              // bytes of the body
	Took     time.Duration
	Failure  error // why the upstream did not answer an allowed request, or not to the end
}

// method is the client's, or the gateway's that asked for a decision.
func (r *Record) method() string {
	if r.HTTP != nil {
		return r.HTTP.Method
	}
	return r.Request.Method
}

// Recorder takes note of requests. It is called once for each, when it is
// over, and must not keep the record.
type Recorder interface{ Record(record *Record) }
