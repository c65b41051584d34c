package handlers

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	kinds "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"ostiary/pipeline"
)

// permission lets Envoy forward the request as the proxy would: the session's
// headers replace the client's, and what only the rule may set and what is not
// to go upstream is removed.
func permission(from arrival, decision *pipeline.Decision) *auth.CheckResponse {
	session := decision.Session
	for _, values := range session.Header {
		if !utf8.ValidString(strings.Join(values, "")) {
			// The protocol has no room for it, and half an identity is none.
			return denial(&pipeline.Decision{Rule: decision.Rule, Response: pipeline.ErrorResponse(pipeline.Internal, "", false)})
		}
	}
	ok := &auth.OkHttpResponse{
		HeadersToRemove:         removals(from.header, decision),
		QueryParametersToRemove: session.Withheld.QueryParameters,
	}
	for _, name := range sortedNames(session.Header) {
		if !isConnectionHeader(name) {
			ok.Headers = append(ok.Headers, replacing(name, session.Header[name])...)
		}
	}
	if _, replaced := session.Header["Cookie"]; !replaced && (len(from.roundTrips) > 0 || len(session.Withheld.Cookies) > 0) {
		if kept := keptCookies(from.header, session.Withheld.Cookies); len(kept) > 0 {
			ok.Headers = append(ok.Headers, replacing("Cookie", kept)...)
		} else if !slices.Contains(ok.HeadersToRemove, "cookie") {
			ok.HeadersToRemove = append(ok.HeadersToRemove, "cookie")
		}
	}
	for _, line := range session.SetCookie {
		ok.ResponseHeadersToAdd = append(ok.ResponseHeadersToAdd, headerOption("Set-Cookie", line, core.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD))
	}
	return &auth.CheckResponse{
		Status:          &status.Status{Code: int32(codes.OK)},
		HttpResponse:    &auth.CheckResponse_OkResponse{OkResponse: ok},
		DynamicMetadata: metadata(decision),
	}
}

// removals are the client's headers that must not reach the upstream, as they
// are spelled, and those that the rule alone may set and does not.
func removals(header http.Header, decision *pipeline.Decision) []string {
	withheld := pipeline.Names(decision.Session.Withheld.Headers)
	var names []string
	for _, name := range slices.Concat(decision.Identity, withheld) {
		names = append(names, http.CanonicalHeaderKey(name))
	}
	for name := range header {
		if decision.Identity.Cover(name) || withheld.Cover(name) || isDisguise(name) {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		_, set := decision.Session.Header[name]
		return set || isConnectionHeader(name)
	})
	for i := range names {
		names[i] = strings.ToLower(names[i])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func keptCookies(header http.Header, withheld []string) []string {
	without := http.Header{"Cookie": header["Cookie"]}
	removeCookies(without, withheld)
	return without["Cookie"]
}

// denial has Envoy answer its client as the error handlers say.
func denial(decision *pipeline.Decision) *auth.CheckResponse {
	response := decision.Response
	code := cmp.Or(response.Status, http.StatusInternalServerError) // the zero response refuses
	denied := &auth.DeniedHttpResponse{
		Status: &kinds.HttpStatus{Code: kinds.StatusCode(code)}, //nolint:gosec // three digits
		Body:   strings.ToValidUTF8(string(response.Body), "\uFFFD"),
	}
	for _, name := range sortedNames(response.Header) {
		if !isConnectionHeader(name) {
			denied.Headers = append(denied.Headers, replacing(name, response.Header[name])...)
		}
	}
	refused := codes.PermissionDenied
	if code == http.StatusUnauthorized {
		refused = codes.Unauthenticated
	}
	return &auth.CheckResponse{
		Status:          &status.Status{Code: int32(refused)},
		HttpResponse:    &auth.CheckResponse_DeniedResponse{DeniedResponse: denied},
		DynamicMetadata: metadata(decision),
	}
}

// metadata is what Envoy's filters, logs and rate limits may know about the
// decision.
func metadata(decision *pipeline.Decision) *structpb.Struct {
	fields := map[string]*structpb.Value{"rule_id": structpb.NewStringValue(strings.ToValidUTF8(decision.Rule, "\uFFFD"))}
	if decision.Allowed {
		fields["subject"] = structpb.NewStringValue(strings.ToValidUTF8(decision.Session.Subject, "\uFFFD"))
	}
	return &structpb.Struct{Fields: fields}
}

// replacing overwrites a header with these values.
func replacing(name string, values []string) []*core.HeaderValueOption {
	options := make([]*core.HeaderValueOption, len(values))
	action := core.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD
	for i, value := range values {
		options[i] = headerOption(name, value, action)
		action = core.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD
	}
	return options
}

func headerOption(name, value string, action core.HeaderValueOption_HeaderAppendAction) *core.HeaderValueOption {
	line := &core.HeaderValue{Key: strings.ToLower(name), Value: strings.ToValidUTF8(value, "\uFFFD")}
	return &core.HeaderValueOption{Header: line, AppendAction: action, KeepEmptyValue: value == ""}
}

func sortedNames(header http.Header) []string {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
