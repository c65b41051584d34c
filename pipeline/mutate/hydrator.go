package mutate

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/remote"
)

//go:embed hydrator.schema.json
var hydratorSchema []byte

var hydrator = pipeline.Define("hydrator", hydratorSchema, newHydrator)

type hydratorConfig struct {
	API struct {
		URL  string `json:"url"`
		Auth struct {
			Basic *struct {
				Username string `json:"username"`
				Password string `json:"password"`
			} `json:"basic"`
		} `json:"auth"`
		Retry struct {
			GiveUpAfter string `json:"give_up_after"`
			MaxDelay    string `json:"max_delay"`
		} `json:"retry"`
	} `json:"api"`
	Cache struct {
		Enabled bool   `json:"enabled"`
		TTL     string `json:"ttl"`
		MaxCost int    `json:"max_cost"`
	} `json:"cache"`
}

// Hydrator is the mutator `hydrator` (contract 7.5): it sends the session to a
// service and takes over what the service adds to it.
type Hydrator struct {
	client  *remote.Client
	url     url.URL
	header  http.Header // set over the client's own
	answers *cache.Cache[[]byte]
	ttl     time.Duration // of an answer; 0: none is remembered
}

func newHydrator(c hydratorConfig, environment pipeline.Environment) (pipeline.Mutator, error) {
	service, err := remote.ParseURL(c.API.URL, "api", "url")
	if err != nil {
		return nil, err
	}
	giveUpAfter, err := remote.ParseTimeout(c.API.Retry.GiveUpAfter, "api", "retry", "give_up_after")
	if err != nil {
		return nil, err
	}
	maxDelay, err := pipeline.ParseDuration(c.API.Retry.MaxDelay, "api", "retry", "max_delay")
	if err != nil {
		return nil, err
	}
	h := &Hydrator{
		client: remote.NewPatient(environment, remote.Patience{Total: giveUpAfter, Retries: 4, Wait: maxDelay}),
		url:    *service,
		header: http.Header{"Content-Type": {"application/json"}},
	}
	if c.Cache.Enabled {
		if h.ttl, err = pipeline.ParseDuration(c.Cache.TTL, "cache", "ttl"); err != nil {
			return nil, err
		}
		if h.ttl == 0 {
			h.ttl = time.Minute
		}
		h.answers = cache.Weighed(environment.Now, c.Cache.MaxCost, func(answer []byte) int { return len(answer) })
	}
	if basic := c.API.Auth.Basic; basic != nil {
		credentials := &http.Request{Header: h.header}
		credentials.SetBasicAuth(basic.Username, basic.Password)
	}
	return h, nil
}

// Mutate asks the service and changes the session.
func (h *Hydrator) Mutate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	question, err := json.Marshal(session)
	if err != nil {
		return pipeline.Internal.From(fmt.Errorf("the session as JSON: %w", err))
	}
	answer, err := h.answer(ctx, request, question)
	if err != nil {
		return err
	}
	return hydrate(session, answer)
}

// answer is what the service says, or what it said to the same question: the
// session has in it everything that is sent, the request's headers and query
// included.
func (h *Hydrator) answer(ctx context.Context, request *pipeline.Request, question []byte) ([]byte, error) {
	if h.answers == nil {
		return h.ask(ctx, request, question)
	}
	return h.answers.Load(ctx, cache.KeyOf(string(question)), func(ctx context.Context) ([]byte, time.Duration, error) {
		answer, err := h.ask(ctx, request, question)
		return answer, h.ttl, err
	})
}

// ask sends the session with the headers and the query of the request.
func (h *Hydrator) ask(ctx context.Context, request *pipeline.Request, question []byte) ([]byte, error) {
	target := h.url
	target.RawQuery = request.URL().Query().Encode()
	asked, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(question))
	if err != nil {
		return nil, pipeline.Internal.From(err)
	}
	for name, values := range request.Header {
		if passesOn(name) {
			asked.Header[name] = values
		}
	}
	for name, values := range h.header {
		asked.Header[name] = values
	}
	answer, err := h.client.Do(ctx, asked)
	switch {
	case err != nil:
		return nil, err
	case answer.Status == http.StatusOK:
		return answer.Body, nil
	case answer.Status == http.StatusTooManyRequests:
		return nil, answer.Limited()
	case answer.Status >= http.StatusInternalServerError:
		return nil, pipeline.Unavailable.Because("the hydrator's service answered %d", answer.Status)
	default:
		return nil, pipeline.Internal.From(fmt.Errorf("the hydrator's service answered %d", answer.Status))
	}
}

// passesOn reports whether a header of the client may be sent to the service:
// not what is about its own connection and body, and not Accept-Encoding, lest
// the answer comes packed.
func passesOn(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Host", "Content-Length", "Content-Encoding", "Accept-Encoding", "Expect":
		return false
	}
	return true
}

// hydrated is what the service may say about a session. What it leaves out of
// header and match_context stays as it was (contract 14, hydrator).
type hydrated struct {
	Subject      *string             `json:"subject"`
	Extra        map[string]any      `json:"extra"`
	Header       map[string][]string `json:"header"`
	MatchContext struct {
		RegexpCaptureGroups []string `json:"regexp_capture_groups"`
	} `json:"match_context"`
}

// hydrate takes over an answer. One about somebody else is refused.
func hydrate(session *pipeline.Session, answer []byte) error {
	var said *hydrated
	if err := json.Unmarshal(answer, &said); err != nil {
		return pipeline.Internal.From(fmt.Errorf("the hydrator's service answered something else than a session: %w", err))
	}
	if said == nil || said.Subject == nil || *said.Subject != session.Subject {
		return pipeline.Internal.From(errors.New("the hydrator's service answered about another subject"))
	}
	header := make(http.Header, len(said.Header))
	for name, values := range said.Header {
		if len(values) == 0 {
			continue
		}
		name = http.CanonicalHeaderKey(name)
		if _, twice := header[name]; twice { // which of them counts would be up to chance
			return pipeline.Internal.From(fmt.Errorf("the hydrator's service answered with the header %q in two spellings", name))
		}
		header[name] = values
	}
	session.SetExtra(said.Extra)
	for name, values := range header {
		session.SetHeader(name, values...)
	}
	if said.MatchContext.RegexpCaptureGroups != nil {
		session.MatchContext = session.MatchContext.WithCaptureGroups(said.MatchContext.RegexpCaptureGroups)
	}
	return nil
}
