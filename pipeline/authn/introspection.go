package authn

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/oauth2"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/remote"
)

// introspectionConfig are the keys of oauth2_introspection that say where and
// how the endpoint is asked, and how long its answers are remembered.
type introspectionConfig struct {
	IntrospectionURL            string                 `json:"introspection_url"`
	IntrospectionRequestHeaders map[string]string      `json:"introspection_request_headers"`
	PreAuthorization            preAuthorizationConfig `json:"pre_authorization"`
	Retry                       remote.Retry           `json:"retry"`
	Timeout                     string                 `json:"timeout"`
	Cache                       struct {
		Enabled bool   `json:"enabled"`
		TTL     string `json:"ttl"`
		MaxCost int    `json:"max_cost"`
	} `json:"cache"`
}

// introspection asks an endpoint about tokens (RFC 7662). Rules that ask the
// same in the same way share it, and with it the answers: what they make of an
// answer is their own.
type introspection struct {
	client  *remote.Client
	url     url.URL
	header  http.Header
	scope   *string           // sent along, if there is one
	gate    *preAuthorization // nil: the endpoint lets everybody in
	answers *cache.Cache[*introspected]
	ttl     time.Duration
	now     func() time.Time
}

// openIntrospection is the one introspection of that configuration. A scope
// that is sent along is for the endpoint to compare, so the answers to it are
// not kept (contract 5.7).
func openIntrospection(c introspectionConfig, scope *string, environment pipeline.Environment) (*introspection, error) {
	made, err := newIntrospection(c, scope, environment)
	if err != nil {
		return nil, err
	}
	return sharedBy(environment, "oauth2_introspection", struct {
		introspectionConfig
		Scope *string
	}{c, scope}, made)
}

func newIntrospection(c introspectionConfig, scope *string, environment pipeline.Environment) (*introspection, error) {
	service, err := remote.ParseURL(c.IntrospectionURL, "introspection_url")
	if err != nil {
		return nil, err
	}
	patience, err := c.Retry.PatienceOnce(c.Timeout)
	if err != nil {
		return nil, err
	}
	i := &introspection{
		client: remote.NewPatient(environment, patience),
		url:    *service,
		header: make(http.Header, len(c.IntrospectionRequestHeaders)+1),
		scope:  scope,
		now:    environment.Now,
	}
	for _, name := range slices.Sorted(maps.Keys(c.IntrospectionRequestHeaders)) {
		value := c.IntrospectionRequestHeaders[name]
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, &pipeline.Mistake{Path: document.Path{"introspection_request_headers", name}, Message: "is no header"}
		}
		i.header.Set(name, value)
	}
	i.header.Set("Content-Type", "application/x-www-form-urlencoded")
	if i.gate, err = newPreAuthorization(c.PreAuthorization, patience, environment); err != nil {
		return nil, err
	}
	if i.ttl, err = lifetime(c.Cache.TTL, cache.Forever); err != nil {
		return nil, err
	}
	if c.Cache.Enabled && (scope == nil || *scope == "") {
		i.answers = cache.Weighed(environment.Now, c.Cache.MaxCost, (*introspected).weight)
	}
	return i, nil
}

// ask is what the endpoint says about a token; host is told to the endpoint
// unless it is empty. An answer that passes is remembered: until its token
// expires, and no longer than the configuration says.
func (i *introspection) ask(ctx context.Context, token, host string, passes func(*introspected) error) (*introspected, error) {
	if i.answers == nil {
		return i.call(ctx, token, host)
	}
	return i.answers.Load(ctx, cache.KeyOf(token, host), func(ctx context.Context) (*introspected, time.Duration, error) {
		answer, err := i.call(ctx, token, host)
		if err != nil || passes(answer) != nil {
			return answer, 0, err
		}
		return answer, min(i.ttl, answer.life(i.now())), nil
	})
}

func (i *introspection) call(ctx context.Context, token, host string) (*introspected, error) {
	question := i.question(token, host)
	var own *oauth2.Token
	if i.gate != nil {
		var err error
		if own, err = i.gate.token(ctx); err != nil {
			return nil, err
		}
		own.SetAuthHeader(question)
	}
	answer, err := i.client.Do(ctx, question)
	switch {
	case err != nil:
		return nil, err
	case answer.Status == http.StatusOK:
		read, err := parseIntrospected(answer.Body)
		if err != nil {
			return nil, pipeline.Internal.From(fmt.Errorf("the introspection endpoint's answer: %w", err))
		}
		return read, nil
	case answer.Status == http.StatusTooManyRequests:
		return nil, answer.Limited()
	case answer.Status >= http.StatusInternalServerError:
		return nil, pipeline.Unavailable.Because("the introspection endpoint answered %d", answer.Status)
	}
	if answer.Status == http.StatusUnauthorized && i.gate != nil {
		i.gate.forget(own)
	}
	return nil, pipeline.Internal.Because("the introspection endpoint answered %d", answer.Status)
}

// question is the request to the endpoint. Nothing of the client's own header
// is in it.
func (i *introspection) question(token, host string) *http.Request {
	form := url.Values{"token": {token}}
	if i.scope != nil {
		form.Set("scope", *i.scope)
	}
	body := form.Encode()
	header := i.header.Clone()
	if host != "" {
		header.Set("X-Forwarded-Host", host)
	}
	target := i.url
	return &http.Request{
		Method: http.MethodPost, URL: &target, Host: i.header.Get("Host"), Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
