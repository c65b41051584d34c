package authn

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/tidwall/gjson"
	"golang.org/x/net/http/httpguts"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
)

// sessionCheckConfig are the keys that cookie_session and bearer_token share
// (contract 5.4).
type sessionCheckConfig struct {
	CheckSessionURL    string            `json:"check_session_url"`
	PreservePath       bool              `json:"preserve_path"`
	PreserveQuery      bool              `json:"preserve_query"`
	PreserveHost       bool              `json:"preserve_host"`
	ForceMethod        string            `json:"force_method"`
	ForwardHTTPHeaders []string          `json:"forward_http_headers"`
	AdditionalHeaders  map[string]string `json:"additional_headers"`
	SubjectFrom        string            `json:"subject_from"`
	ExtraFrom          string            `json:"extra_from"`
	AllowEmptySubject  bool              `json:"allow_empty_subject"`
	ValidStatus        []int             `json:"valid_status"`
	PassCredentials    bool              `json:"pass_credentials"`
	Timeout            string            `json:"timeout"`
}

// sessionCheck asks a session service whether the credentials of a request
// belong to a session, and whose.
type sessionCheck struct {
	client     *remote.Client
	url        url.URL
	config     sessionCheckConfig
	forwarded  []string // canonical names of the headers that are sent along
	additional http.Header
}

// newSessionCheck prepares the check. The header that holds the credential is
// always sent along.
func newSessionCheck(c sessionCheckConfig, credential string, environment pipeline.Environment) (*sessionCheck, error) {
	service, err := remote.ParseURL(c.CheckSessionURL, "check_session_url")
	if err != nil {
		return nil, err
	}
	timeout, err := remote.ParseTimeout(c.Timeout, "timeout")
	if err != nil {
		return nil, err
	}
	check := &sessionCheck{
		client:     remote.New(environment, timeout),
		url:        *service,
		config:     c,
		additional: make(http.Header, len(c.AdditionalHeaders)),
	}
	for _, name := range append([]string{credential}, c.ForwardHTTPHeaders...) {
		name = http.CanonicalHeaderKey(name)
		if !neverForwarded[name] && !slices.Contains(check.forwarded, name) {
			check.forwarded = append(check.forwarded, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.AdditionalHeaders)) {
		value := c.AdditionalHeaders[name]
		at := document.Path{"additional_headers", name}
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, &pipeline.Mistake{Path: at, Message: "is no name for a header"}
		case !httpguts.ValidHeaderFieldValue(value):
			return nil, &pipeline.Mistake{Path: at, Message: "the value has control characters"}
		}
		check.additional.Set(name, value)
	}
	return check, nil
}

// neverForwarded are headers that describe the client's own connection and
// body, and Accept-Encoding: asking for an answer that is then not unpacked
// would find no session in it.
var neverForwarded = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Length": true, "Expect": true, "Host": true,
	"Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// ask calls the service and fills in the session from its answer.
func (c *sessionCheck) ask(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	answer, err := c.client.Do(ctx, c.question(request))
	if err != nil {
		return err
	}
	switch {
	case slices.Contains(c.config.ValidStatus, answer.Status):
		return c.read(answer.Body, session)
	case answer.Status == http.StatusTooManyRequests:
		return answer.Limited()
	case answer.Status >= http.StatusInternalServerError:
		return pipeline.Unavailable.Because("the session service answered %d", answer.Status)
	default:
		return pipeline.BadCredential.Because("the session service answered %d", answer.Status)
	}
}

// question is the request to the service: its own address, with the parts of
// the client's request that the configuration asks for, and without its body.
func (c *sessionCheck) question(request *pipeline.Request) *http.Request {
	target := c.url
	if !c.config.PreservePath {
		target.Path, target.RawPath = request.Path, request.RawPath
	}
	if !c.config.PreserveQuery {
		target.RawQuery = request.RawQuery
	}
	method := request.Method
	if c.config.ForceMethod != "" {
		method = c.config.ForceMethod
	}
	header := make(http.Header, len(c.forwarded)+len(c.additional)+1)
	for _, name := range c.forwarded {
		if values := request.Header[name]; len(values) > 0 {
			header[name] = values
		}
	}
	for name, values := range c.additional {
		header[name] = values
	}
	if c.config.PreserveHost {
		header["X-Forwarded-Host"] = []string{request.Host}
	}
	return &http.Request{
		Method: method, URL: &target, Host: c.additional.Get("Host"), Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// read takes subject and extra out of the service's answer. An answer that is
// not about anybody is no session (contract 14, session answers).
func (c *sessionCheck) read(body []byte, session *pipeline.Session) error {
	if len(body) == 0 && c.config.AllowEmptySubject {
		return nil
	}
	// The standard library's check, unlike gjson's, bounds how deep values nest.
	if !json.Valid(body) {
		return pipeline.BadCredential.Because("the session service answered with something that is not JSON")
	}
	switch subject := gjson.GetBytes(body, c.config.SubjectFrom); subject.Type {
	case gjson.String:
		session.Subject = subject.String()
	case gjson.Null:
	default:
		return pipeline.Forbidden.Because("subject_from does not lead to a text in the session service's answer")
	}
	if session.Subject == "" && !c.config.AllowEmptySubject {
		return pipeline.BadCredential.Because("the session service's answer names no subject")
	}
	extra := gjson.GetBytes(body, c.config.ExtraFrom)
	switch {
	case extra.Type == gjson.Null:
		return nil
	case !extra.IsObject():
		return pipeline.Forbidden.Because("extra_from does not lead to an object in the session service's answer")
	}
	session.SetExtraJSON([]byte(extra.Raw))
	return nil
}
