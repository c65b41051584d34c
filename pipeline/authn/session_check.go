package authn

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/net/http/httpguts"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/credential"
	"ostiary/pipeline/internal/remote"
)

// sessionCheckConfig are the keys that cookie_session and bearer_token share
// (contract 5.4).
type sessionCheckConfig struct {
	CheckSessionURL    string             `json:"check_session_url"`
	PreservePath       bool               `json:"preserve_path"`
	PreserveQuery      bool               `json:"preserve_query"`
	PreserveHost       bool               `json:"preserve_host"`
	ForceMethod        string             `json:"force_method"`
	ForwardHTTPHeaders []string           `json:"forward_http_headers"`
	AdditionalHeaders  map[string]string  `json:"additional_headers"`
	SubjectFrom        string             `json:"subject_from"`
	SubjectFromHeader  string             `json:"subject_from_header"`
	ExtraFrom          string             `json:"extra_from"`
	SessionFrom        string             `json:"session_from"`
	ExpiresFrom        string             `json:"expires_from"`
	AnswerHeaders      []string           `json:"answer_headers"`
	AllowEmptySubject  bool               `json:"allow_empty_subject"`
	ValidStatus        []int              `json:"valid_status"`
	ForbiddenStatus    []int              `json:"forbidden_status"`
	PassCredentials    bool               `json:"pass_credentials"`
	PassSetCookie      bool               `json:"pass_set_cookie"`
	Timeout            string             `json:"timeout"`
	Cache              sessionCacheConfig `json:"cache"`
	CircuitBreaker     remote.Breaking    `json:"circuit_breaker"`
}

// sessionCheck asks a session service whether the credentials of a request
// belong to a session, and whose. Handlers that ask the same in the same way
// have the same one, and with it what it remembers.
type sessionCheck struct {
	client     *remote.Client
	url        url.URL
	config     sessionCheckConfig
	forwarded  []string // canonical names of the headers that are sent along
	only       []string // the cookies that are sent along; all if empty
	additional http.Header
	reading    reading
	sessions   *sessionCache // nil: nothing is remembered
}

// openSessionCheck is the one check of that configuration. The header that
// holds the credential is always sent along; of cookies, only those, if there
// are any.
func openSessionCheck(c sessionCheckConfig, holder string, only []string, environment pipeline.Environment) (*sessionCheck, error) {
	c.PassCredentials = true // is not about the check
	made, err := newSessionCheck(c, holder, only, environment)
	if err != nil {
		return nil, err
	}
	return sharedBy(environment, "session check", struct {
		sessionCheckConfig
		Holder string
		Only   []string
	}{c, holder, only}, made)
}

func newSessionCheck(c sessionCheckConfig, holder string, only []string, environment pipeline.Environment) (*sessionCheck, error) {
	service, err := remote.ParseURL(c.CheckSessionURL, "check_session_url")
	if err != nil {
		return nil, err
	}
	timeout, err := remote.ParseTimeout(c.Timeout, "timeout")
	if err != nil {
		return nil, err
	}
	check := &sessionCheck{
		url:        *service,
		config:     c,
		only:       only,
		additional: make(http.Header, len(c.AdditionalHeaders)),
		reading:    newReading(c),
	}
	if check.client, err = remote.NewGuarded(environment, service, timeout, c.CircuitBreaker); err != nil {
		return nil, err
	}
	if !c.PreservePath { // clients could choose paths that fail, and have nobody served for a while
		check.client = remote.New(environment, timeout)
	}
	if check.sessions, err = newSessionCache(c.Cache, environment); err != nil {
		return nil, err
	}
	for _, name := range append([]string{holder}, c.ForwardHTTPHeaders...) {
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
	if name := c.SubjectFromHeader; name != "" && !httpguts.ValidHeaderFieldName(name) {
		return nil, &pipeline.Mistake{Path: document.Path{"subject_from_header"}, Message: "is no name for a header"}
	}
	for i, name := range c.AnswerHeaders {
		at := document.Path{"answer_headers", strconv.Itoa(i)}
		switch name = http.CanonicalHeaderKey(name); {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, &pipeline.Mistake{Path: at, Message: "is no name for a header"}
		case name == "Set-Cookie":
			return nil, &pipeline.Mistake{Path: at, Message: "is for the client that asks alone; set pass_set_cookie: true"}
		case neverForwarded[name]:
			return nil, &pipeline.Mistake{Path: at, Message: "is about the connection to the session service alone"}
		}
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

// authenticate fills in the session from what the service says about the
// request, or said about another one that put the same question.
func (c *sessionCheck) authenticate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	var heard hearing
	ask := func(ctx context.Context) (*verdict, error) {
		answer, err := c.client.Do(ctx, c.question(request))
		if err != nil {
			return nil, err
		}
		heard.setCookie = answer.Header["Set-Cookie"]
		heard.verdict, err = c.judge(answer)
		return heard.verdict, err
	}
	enter := func(v *verdict) error {
		if c.config.PassSetCookie && v == heard.verdict {
			session.SetCookie = heard.setCookie
		}
		return v.enter(session)
	}
	if c.sessions == nil {
		v, err := ask(ctx)
		if err != nil {
			return err
		}
		return enter(v)
	}
	r, err := c.sessions.verdict(ctx, c.key(request), ask)
	if err != nil {
		return err
	}
	session.Stale = r.stale
	return enter(r.verdict)
}

// question is the request to the service: its own address, with the parts of
// the client's request that the configuration asks for, and without its body.
func (c *sessionCheck) question(request *pipeline.Request) *http.Request {
	target := c.url
	target.Path, target.RawPath, target.RawQuery = c.target(request)
	header := make(http.Header, len(c.forwarded)+len(c.additional)+1)
	for _, name := range c.forwarded {
		if values := c.sent(request, name); len(values) > 0 {
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
		Method: c.method(request), URL: &target, Host: c.additional.Get("Host"), Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// sent is what is sent along of a header of the request.
func (c *sessionCheck) sent(request *pipeline.Request, name string) []string {
	if name == "Cookie" && len(c.only) > 0 {
		return credential.OnlyCookies(request.Header, c.only)
	}
	return request.Header[name]
}

func (c *sessionCheck) target(request *pipeline.Request) (path, rawPath, rawQuery string) {
	path, rawPath, rawQuery = c.url.Path, c.url.RawPath, c.url.RawQuery
	if !c.config.PreservePath {
		path, rawPath = request.Path, request.RawPath
	}
	if !c.config.PreserveQuery {
		rawQuery = request.RawQuery
	}
	return path, rawPath, rawQuery
}

func (c *sessionCheck) method(request *pipeline.Request) string {
	if c.config.ForceMethod != "" {
		return c.config.ForceMethod
	}
	return request.Method
}

// key stands for the question that a request leads to: for the credentials in
// it, byte for byte, and for everything else that is sent and not the same for
// all requests.
func (c *sessionCheck) key(request *pipeline.Request) cache.Key {
	var room [16]string
	path, rawPath, rawQuery := c.target(request)
	parts := append(room[:0], c.method(request), path, rawPath, rawQuery)
	for _, name := range c.forwarded {
		values := c.sent(request, name)
		parts = append(parts, strconv.Itoa(len(values)))
		parts = append(parts, values...)
	}
	if c.config.PreserveHost {
		parts = append(parts, request.Host)
	}
	return cache.KeyOf(parts...)
}

// judge makes a verdict of an answer. An error is no verdict, but the trouble
// of the service.
func (c *sessionCheck) judge(answer *remote.Answer) (*verdict, error) {
	switch {
	case slices.Contains(c.config.ValidStatus, answer.Status):
		return c.reading.read(answer), nil
	case answer.Status == http.StatusTooManyRequests:
		return nil, answer.Limited()
	case answer.Status >= http.StatusInternalServerError:
		return nil, pipeline.Unavailable.Because("the session service answered %d", answer.Status)
	}
	if v := secondFactor(answer); v != nil {
		return v, nil
	}
	if slices.Contains(c.config.ForbiddenStatus, answer.Status) {
		return &verdict{refusal: pipeline.Forbidden.Because("the session service answered %d", answer.Status)}, nil
	}
	return &verdict{refusal: pipeline.BadCredential.Because("the session service answered %d", answer.Status)}, nil
}
