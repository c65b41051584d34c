package handlers

import (
	"context"
	"errors"
	"log/slog"

	"ostiary/pipeline"
)

// DecisionLog writes one entry for each decision (contract 11.9): who asked for
// what, which rule answered and how, and why if it was refused. No header, no
// query and no credential is in it.
type DecisionLog struct{ Log *slog.Logger }

// Record writes the entry.
func (l DecisionLog) Record(record *Record) {
	d := record.Decision
	if d == nil {
		return
	}
	ctx := context.Background()
	level, message := slog.LevelInfo, "Access request granted"
	if !d.Allowed {
		level, message = slog.LevelWarn, "Access request denied"
	}
	if !l.Log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{
		slog.Bool("granted", d.Allowed),
		slog.String("service", string(record.Service)),
		slog.String("rule_id", d.Rule),
		slog.Uint64("rules_generation", d.Generation),
		slog.Group("http_request",
			slog.String("method", record.Request.Method),
			slog.String("scheme", record.Request.Scheme),
			slog.String("host", record.Request.Host),
			slog.String("path", record.Request.RawPath),
			slog.String("remote", record.Request.Peer.String()),
			slog.String("client", record.Request.Client.String()),
			slog.String("user_agent", record.Request.Header.Get("User-Agent")),
		),
		slog.Group("http_response",
			slog.Int("status", record.Status),
			slog.Int64("size", record.Size),
			slog.Duration("took", record.Took),
		),
	}
	if d.Allowed {
		attributes = append(attributes, slog.String("subject", d.Session.Subject))
		if d.Session.Stale > 0 {
			attributes = append(attributes, slog.Duration("session_stale", d.Session.Stale))
		}
	} else {
		attributes = append(attributes,
			slog.String("reason_id", reasonID(d)),
			slog.String("stage", string(d.Stage)),
			slog.String("handler", d.Handler),
			slog.String("error", textOf(d.Err)),
		)
	}
	if record.Failure != nil {
		attributes = append(attributes, slog.String("upstream_error", record.Failure.Error()))
	}
	l.Log.LogAttrs(ctx, level, message, attributes...)
}

// textOf is empty for the zero decision, which refuses without a reason.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// reasonID names the reason of a refusal as Oathkeeper's logs do (contract
// 11.9).
func reasonID(d *pipeline.Decision) string {
	switch d.Stage {
	case pipeline.Authenticate:
		if d.Handler == "" {
			return "authentication_handler_no_match"
		}
		return "authentication_handler_error"
	case pipeline.Authorize:
		return "authorization_handler_error"
	case pipeline.Mutate:
		return "mutation_handler_error"
	case pipeline.Matching, pipeline.Forwarding, pipeline.HandleError:
	}
	// No handler refused: these have no name there.
	kind := pipeline.KindOf(d.Err)
	if errors.Is(kind, pipeline.NoRule) { // whatever its status
		return "no_rule"
	}
	switch kind {
	case pipeline.ManyRules:
		return "several_rules"
	case pipeline.Malformed:
		return "malformed_request"
	case pipeline.TooLarge, pipeline.HeaderTooLong, pipeline.TargetTooLong:
		return "request_too_large"
	case pipeline.Overloaded:
		return "overloaded"
	case pipeline.Misconfigured:
		return "invalid_rule"
	default:
		return "internal_error"
	}
}

// Recorders are several recorders that each take note of every request.
type Recorders []Recorder

// Record passes the record on.
func (r Recorders) Record(record *Record) {
	for _, each := range r {
		each.Record(record)
	}
}
