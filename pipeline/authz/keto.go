package authz

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
	"ostiary/pipeline/internal/template"
)

//go:embed keto.schema.json
var ketoSchema []byte

var keto = pipeline.Define("keto", ketoSchema, newKeto)

type ketoConfig struct {
	BaseURL    string            `json:"base_url"`
	Namespace  string            `json:"namespace"`
	Object     string            `json:"object"`
	Relation   string            `json:"relation"`
	SubjectID  *string           `json:"subject_id"`
	SubjectSet *subjectSetConfig `json:"subject_set"`
	MaxDepth   *int              `json:"max_depth"`
	Headers    map[string]string `json:"headers"`
	Timeout    string            `json:"timeout"`
}

type subjectSetConfig struct {
	Namespace string `json:"namespace"`
	Object    string `json:"object"`
	Relation  string `json:"relation"`
}

// Keto is the authorizer `keto`: it asks the read API of Keto whether a
// relation holds.
type Keto struct {
	client *remote.Client
	url    url.URL
	header outgoingHeader
	tuple  []relationPart
	set    []relationPart // of the tuple's subject, unless it is named by itself
}

// relationPart is a member of the question, made from a template.
type relationPart struct {
	name  string
	value *template.Template // nil: the part is meant to be empty
}

func newKeto(c ketoConfig, environment pipeline.Environment) (pipeline.Authorizer, error) {
	base, err := remote.ParseURL(c.BaseURL, "base_url")
	if err != nil {
		return nil, err
	}
	timeout, err := remote.ParseTimeout(c.Timeout, "timeout")
	if err != nil {
		return nil, err
	}
	header, err := newOutgoingHeader(c.Headers)
	if err != nil {
		return nil, err
	}
	a := &Keto{
		client: remote.NewPatient(environment, remote.Within(timeout)),
		// At this endpoint a no is a 200 as well, so that a 403 of something
		// in between is not taken for Keto's word.
		url:    *base.JoinPath("relation-tuples", "check", "openapi"),
		header: header,
	}
	if c.MaxDepth != nil {
		query := a.url.Query()
		query.Set("max-depth", strconv.Itoa(*c.MaxDepth))
		a.url.RawQuery = query.Encode()
	}
	return a, a.compile(c)
}

// compile compiles the templates of the relation.
func (a *Keto) compile(c ketoConfig) error {
	tuple := [][2]string{{"namespace", c.Namespace}, {"object", c.Object}, {"relation", c.Relation}}
	var set [][2]string
	switch {
	case c.SubjectID != nil && c.SubjectSet != nil:
		return &pipeline.Mistake{Path: document.Path{"subject_set"}, Message: "stands beside subject_id; a subject is one or the other"}
	case c.SubjectSet != nil:
		set = [][2]string{{"namespace", c.SubjectSet.Namespace}, {"object", c.SubjectSet.Object}, {"relation", c.SubjectSet.Relation}}
	case c.SubjectID != nil:
		tuple = append(tuple, [2]string{"subject_id", *c.SubjectID})
	default:
		tuple = append(tuple, [2]string{"subject_id", "{{ print .Subject }}"})
	}
	var err error
	if a.tuple, err = relationParts(nil, tuple); err != nil {
		return err
	}
	if a.set, err = relationParts(document.Path{"subject_set"}, set); err != nil {
		return err
	}
	// Keto has a subject such as User:ada as a set whose relation is empty.
	if c.SubjectSet != nil && c.SubjectSet.Relation == "" {
		a.set[len(a.set)-1].value = nil
	}
	return nil
}

func relationParts(at document.Path, named [][2]string) ([]relationPart, error) {
	var parts []relationPart
	for _, one := range named {
		compiled, err := compileTemplate(at.With(one[0]), one[1])
		if err != nil {
			return nil, err
		}
		parts = append(parts, relationPart{name: one[0], value: compiled})
	}
	return parts, nil
}

// Authorize asks Keto. A relation with an empty part, such as the subject of a
// request that nobody vouches for, is not asked about and does not hold.
func (a *Keto) Authorize(ctx context.Context, _ *pipeline.Request, session *pipeline.Session) error {
	question, err := render(a.tuple, session)
	if err != nil {
		return err
	}
	if a.set != nil {
		if question["subject_set"], err = render(a.set, session); err != nil {
			return err
		}
	}
	body, err := json.Marshal(question)
	if err != nil {
		return pipeline.Internal.From(fmt.Errorf("the question to Keto as JSON: %w", err))
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if err := a.header.set(header, session); err != nil {
		return err
	}
	answer, err := a.client.Do(ctx, post(a.url, header, body))
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK && answer.Status != http.StatusForbidden {
		return fault(answer)
	}
	if err := allowedBy(answer.Body); err != nil {
		return err
	}
	if answer.Status == http.StatusForbidden {
		return pipeline.Internal.From(errors.New("the answer of Keto is 403 and says that it is allowed"))
	}
	return nil
}

func render(parts []relationPart, session *pipeline.Session) (map[string]any, error) {
	question := make(map[string]any, len(parts)+1)
	for _, part := range parts {
		if part.value == nil {
			question[part.name] = ""
			continue
		}
		text, err := part.value.Render(session)
		if err != nil {
			return nil, pipeline.Misconfigured.From(fmt.Errorf("the template of %s: %w", part.name, err))
		}
		if text == "" {
			return nil, undecided("a part of the relation to ask Keto about is empty", fmt.Errorf("the template of %s renders nothing", part.name))
		}
		question[part.name] = text
	}
	return question, nil
}
