package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"ostiary/pipeline"
)

const (
	internalText      = "An internal server error occurred, please contact the system administrator"
	malformedText     = "The request was malformed or contained invalid parameters"
	unauthorizedText  = "The request could not be authorized"
	unavailableText   = "A service that this request depends on is not available"
	slowText          = "A service that this request depends on did not answer in time"
	tooLargeText      = "The body of the request is too large"
	headerTooLongText = "The header of the request has too many lines"
	tooLongText       = "The address of the request is too long"
	overloadedText    = "Too many requests are under way, try again in a moment"
	goneText          = "The client closed the request"
	unusableText      = "A service that this request depends on gave an answer that is none"
)

// everyKind says what clients and conditions get to see of each kind.
var everyKind = map[pipeline.Kind]struct {
	status                 int
	name, generic, verbose string
	outage, onlyIfNamed    bool
}{
	pipeline.Internal:      {500, "internal_server_error", internalText, internalText, false, false},
	pipeline.Misconfigured: {500, "internal_server_error", internalText, "The access rule that matches this request is misconfigured", false, false},
	pipeline.Malformed:     {400, "bad_request", malformedText, malformedText, false, true},
	pipeline.NoCredential:  {401, "unauthorized", unauthorizedText, "Access credentials are invalid", false, false},
	pipeline.BadCredential: {401, "unauthorized", unauthorizedText, "Access credentials are invalid", false, false},
	pipeline.Forbidden:     {403, "forbidden", "The requested action was forbidden", "Access credentials are not sufficient to access this resource", false, false},
	pipeline.NoRule:        {404, "not_found", "The requested resource could not be found", "Requested url does not match any rules", false, false},
	pipeline.ManyRules:     {500, "internal_server_error", internalText, "Expected exactly one rule but found multiple rules", false, false},
	pipeline.Limited:       {429, "too_many_requests", "Too many requests", "Too many requests", true, true},
	pipeline.Unavailable:   {503, "service_unavailable", unavailableText, unavailableText, true, true},
	pipeline.Slow:          {504, "gateway_timeout", slowText, slowText, true, true},
	pipeline.ClientGone:    {499, "client_closed_request", goneText, goneText, false, false},
	pipeline.TooLarge:      {413, "request_entity_too_large", tooLargeText, tooLargeText, false, true},
	pipeline.Absent:        {404, "not_found", "The requested resource could not be found", "Upstream service not found", false, false},
	pipeline.SecondFactor:  {401, "second_factor_required", unauthorizedText, "The session needs a second factor", false, false},
	pipeline.Outdated:      {401, "reauthentication_required", unauthorizedText, "The login is too long ago for this", false, false},
	pipeline.HeaderTooLong: {431, "request_header_fields_too_large", headerTooLongText, headerTooLongText, false, true},
	pipeline.TargetTooLong: {414, "uri_too_long", tooLongText, tooLongText, false, true},
	pipeline.Overloaded:    {503, "service_unavailable", overloadedText, overloadedText, true, true},
	pipeline.Unusable:      {502, "bad_gateway", unusableText, unusableText, true, true},

	pipeline.NoRuleUnauthorized: {401, "unauthorized", unauthorizedText, "Requested url does not match any rules", false, false},
	pipeline.NoRuleForbidden:    {403, "forbidden", "The requested action was forbidden", "Requested url does not match any rules", false, false},
}

func TestKind(t *testing.T) {
	t.Parallel()
	if len(everyKind) != pipeline.NumberOfKinds {
		t.Errorf("the table has %d kinds of %d", len(everyKind), pipeline.NumberOfKinds)
	}
	for kind, want := range everyKind {
		got := want
		got.status, got.name, got.generic, got.verbose = kind.Status(), kind.Name(), kind.Generic(), kind.Error()
		got.outage, got.onlyIfNamed = kind.Outage(), kind.OnlyIfNamed()
		if got != want {
			t.Errorf("kind %d:\ngot  %+v\nwant %+v", kind, got, want)
		}
	}
}

// TestASessionThatLacksSomethingIsAlsoUnauthorized: conditions that were
// written before these kinds were told apart go on to hold for them.
func TestASessionThatLacksSomethingIsAlsoUnauthorized(t *testing.T) {
	t.Parallel()
	for kind, known := range everyKind {
		for _, other := range everyKind {
			want := other.name == known.name || other.name == "unauthorized" && (kind == pipeline.SecondFactor || kind == pipeline.Outdated)
			if got := kind.Called(other.name); got != want {
				t.Errorf("%s is called %s: %t", known.name, other.name, got)
			}
		}
		for _, name := range []string{"", "Unauthorized", known.name + " "} {
			if kind.Called(name) {
				t.Errorf("%s is called %q", known.name, name)
			}
		}
	}
	if !pipeline.Kind(200).Called("internal_server_error") || pipeline.Kind(200).Called("unauthorized") {
		t.Error("a kind nobody knows is no internal error")
	}
}

func TestKindOfNothingKnownRefusesWithoutDetail(t *testing.T) {
	t.Parallel()
	var zero pipeline.Kind
	for name, kind := range map[string]pipeline.Kind{"the zero kind": zero, "a kind nobody knows": 200} {
		if kind.Status() != http.StatusInternalServerError || kind.Generic() != internalText || kind.Error() != internalText {
			t.Errorf("%s: %d, %q, %q", name, kind.Status(), kind.Generic(), kind.Error())
		}
	}
	for name, err := range map[string]error{
		"no error":                 nil,
		"an error of no kind":      io.ErrUnexpectedEOF,
		"the zero error":           &pipeline.Error{},
		"a kind nobody knows":      pipeline.Kind(200),
		"an error of such a kind":  pipeline.Kind(200).Because("a reason"),
		"a context that has ended": context.Canceled,
		"not being responsible":    pipeline.ErrNotResponsible,
	} {
		if got := pipeline.KindOf(err); got != pipeline.Internal {
			t.Errorf("%s: got kind %d", name, got)
		}
	}
}

func TestKindOfAnErrorIsThatOfTheOutermost(t *testing.T) {
	t.Parallel()
	inner := pipeline.Forbidden.Because("inside")
	for name, test := range map[string]struct {
		err  error
		want pipeline.Kind
	}{
		"a kind itself":            {pipeline.Slow, pipeline.Slow},
		"with a reason":            {inner, pipeline.Forbidden},
		"with a cause":             {pipeline.Limited.From(io.EOF), pipeline.Limited},
		"with a cause of its own":  {pipeline.Unavailable.From(inner), pipeline.Unavailable},
		"wrapped":                  {fmt.Errorf("at the door: %w", inner), pipeline.Forbidden},
		"wrapped beside another":   {fmt.Errorf("%w and %w", io.EOF, inner), pipeline.Forbidden},
		"one of several":           {errors.Join(io.EOF, pipeline.Malformed, inner), pipeline.Malformed},
		"with one inside a reason": {pipeline.NoRule.Because("%v", inner), pipeline.NoRule},
	} {
		if got := pipeline.KindOf(test.err); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}

func TestErrorIsItsKindAndItsCause(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("reading: %w", io.ErrUnexpectedEOF)
	err := fmt.Errorf("at the door: %w", pipeline.Unavailable.From(cause))
	for _, target := range []error{pipeline.Unavailable, cause, io.ErrUnexpectedEOF} {
		if !errors.Is(err, target) {
			t.Errorf("it is not %v", target)
		}
	}
	for _, target := range []error{pipeline.Internal, pipeline.Slow, io.EOF} {
		if errors.Is(err, target) {
			t.Errorf("it is %v", target)
		}
	}
	var detailed *pipeline.Error
	if !errors.As(err, &detailed) || detailed.Cause != cause { //nolint:errorlint // the very same
		t.Errorf("got %+v", detailed)
	}
}

// TestNoRuleIsNoRuleWhateverItsStatus: how it is answered is a matter of the
// configuration.
func TestNoRuleIsNoRuleWhateverItsStatus(t *testing.T) {
	t.Parallel()
	for kind := range everyKind {
		want := kind == pipeline.NoRule || kind == pipeline.NoRuleUnauthorized || kind == pipeline.NoRuleForbidden
		if got := errors.Is(kind.From(io.EOF), pipeline.NoRule); got != want {
			t.Errorf("%v: %v", kind, got)
		}
	}
	if errors.Is(pipeline.NoRuleForbidden, pipeline.Forbidden) || errors.Is(pipeline.NoRule, pipeline.NoRuleForbidden) {
		t.Error("it is not the other way round")
	}
}

func TestErrorTellsTheLogTheWholeStory(t *testing.T) {
	t.Parallel()
	withAll := pipeline.Forbidden.Because("rule %q", "x")
	withAll.Cause = io.EOF
	for want, err := range map[string]error{
		"Access credentials are invalid":               &pipeline.Error{Kind: pipeline.NoCredential},
		"Access credentials are invalid: no token":     pipeline.NoCredential.Because("no token"),
		slowText + ": EOF":                             pipeline.Slow.From(io.EOF),
		pipeline.Forbidden.Error() + `: rule "x": EOF`: withAll,
		internalText: &pipeline.Error{},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
