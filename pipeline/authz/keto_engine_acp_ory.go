package authz

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
	"ostiary/pipeline/internal/template"
)

//go:embed keto_engine_acp_ory.schema.json
var ketoEngineSchema []byte

var ketoEngine = pipeline.Define("keto_engine_acp_ory", ketoEngineSchema, newKetoEngine)

type ketoEngineConfig struct {
	BaseURL          string `json:"base_url"`
	RequiredAction   string `json:"required_action"`
	RequiredResource string `json:"required_resource"`
	Subject          string `json:"subject"`
	Flavor           string `json:"flavor"`
	Timeout          string `json:"timeout"`
}

// KetoEngine is the authorizer `keto_engine_acp_ory` (contract 6.5): it asks
// the engine for access control policies that Keto was before version 0.6.
type KetoEngine struct {
	client                    *remote.Client
	url                       url.URL
	now                       func() time.Time
	subject, action, resource *template.Template // without a subject, the session's
}

func newKetoEngine(c ketoEngineConfig, environment pipeline.Environment) (pipeline.Authorizer, error) {
	if environment.Globs {
		return nil, &pipeline.Mistake{Message: "works with the matching strategy regexp only"}
	}
	base, err := remote.ParseURL(c.BaseURL, "base_url")
	if err != nil {
		return nil, err
	}
	timeout, err := remote.ParseTimeout(c.Timeout, "timeout")
	if err != nil {
		return nil, err
	}
	if c.Flavor == "" {
		c.Flavor = "regex"
	}
	a := &KetoEngine{
		client: remote.NewPatient(environment, remote.Within(timeout)),
		url:    *base.JoinPath("engines", "acp", "ory", c.Flavor, "allowed"),
		now:    environment.Now,
	}
	for _, part := range []struct {
		key, text string
		compiled  **template.Template
	}{
		{"required_action", c.RequiredAction, &a.action},
		{"required_resource", c.RequiredResource, &a.resource},
		{"subject", c.Subject, &a.subject},
	} {
		if *part.compiled, err = compileTemplate(document.Path{part.key}, part.text); err != nil {
			return nil, err
		}
	}
	if c.Subject == "" {
		a.subject = nil
	}
	return a, nil
}

// acpQuestion is what the engine is asked.
type acpQuestion struct {
	Action   string     `json:"action"`
	Context  acpContext `json:"context"`
	Resource string     `json:"resource"`
	Subject  string     `json:"subject"`
}

// acpContext is what the conditions of policies are about.
type acpContext struct {
	RemoteIPAddress string    `json:"remoteIpAddress"`
	RequestedAt     time.Time `json:"requestedAt"`
}

// Authorize asks Keto. The address in the question is the client's as far as
// trusted proxies tell it: a client cannot choose it.
func (a *KetoEngine) Authorize(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	question := acpQuestion{
		Subject: session.Subject,
		Context: acpContext{RemoteIPAddress: request.Client.String(), RequestedAt: a.now().UTC()},
	}
	for _, part := range []struct {
		name     string
		template *template.Template
		rendered *string
	}{
		{"required_action", a.action, &question.Action},
		{"required_resource", a.resource, &question.Resource},
		{"subject", a.subject, &question.Subject},
	} {
		if part.template == nil {
			continue
		}
		var err error
		if *part.rendered, err = part.template.Render(session); err != nil {
			return pipeline.Misconfigured.From(fmt.Errorf("the template of %s: %w", part.name, err))
		}
	}
	body, err := json.Marshal(question)
	if err != nil {
		return pipeline.Internal.From(fmt.Errorf("the question to Keto as JSON: %w", err))
	}
	answer, err := a.client.Do(ctx, post(a.url, http.Header{"Content-Type": {"application/json"}}, body))
	if err != nil {
		return err
	}
	switch answer.Status {
	case http.StatusOK:
		return allowedBy(answer.Body)
	case http.StatusForbidden:
		return pipeline.Forbidden.Because("no policy allows it")
	default:
		return fault(answer)
	}
}

// allowedBy reads Keto's answer. A document that does not say whether it
// allows is no permission; something that is no such document is a fault.
func allowedBy(body []byte) error {
	var verdict struct {
		Allowed *bool `json:"allowed"`
	}
	if err := json.Unmarshal(body, &verdict); err != nil {
		return pipeline.Internal.From(fmt.Errorf("the answer of Keto: %w", err))
	}
	switch {
	case verdict.Allowed == nil:
		return undecided("Keto does not say whether it is allowed", nil)
	case !*verdict.Allowed:
		return pipeline.Forbidden.Because("Keto does not allow it")
	default:
		return nil
	}
}
