package authn

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	kratosclient "github.com/ory/kratos-client-go"
	"github.com/tidwall/gjson"
	"golang.org/x/net/http/httpguts"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/remote"
)

// kratosConfig are the keys of kratos_session that say where and how Kratos is
// asked, and what is made of its answers.
type kratosConfig struct {
	PublicURL      string             `json:"public_url"`
	TokenizeAs     string             `json:"tokenize_as"`
	TokenHeader    string             `json:"token_header"`
	SubjectFrom    string             `json:"subject_from"`
	ExtraFrom      string             `json:"extra_from"`
	Timeout        string             `json:"timeout"`
	Cache          sessionCacheConfig `json:"cache"`
	CircuitBreaker remote.Breaking    `json:"circuit_breaker"`
}

// kratos asks Ory Kratos about sessions. Rules that ask it in the same way share
// it, and with it what it remembers: what they demand of a login is their own.
type kratos struct {
	api         kratosclient.FrontendAPI
	tokenizeAs  string
	tokenHeader string // canonical; empty if there is no token for the upstream
	subjectFrom string // in Kratos' document, as the next
	extraFrom   string
	sessions    *sessionCache // nil: nothing is remembered
	now         func() time.Time
}

// kratosLogin is what is known about the login of a session.
type kratosLogin struct {
	level int       // of assurance
	at    time.Time // zero if Kratos does not say
}

// openKratos is the one of that configuration.
func openKratos(c kratosConfig, environment pipeline.Environment) (*kratos, error) {
	made, err := newKratos(c, environment)
	if err != nil {
		return nil, err
	}
	return sharedBy(environment, "kratos", c, made)
}

func newKratos(c kratosConfig, environment pipeline.Environment) (*kratos, error) {
	service, err := remote.ParseURL(c.PublicURL, "public_url")
	if err != nil {
		return nil, err
	}
	if service.RawQuery != "" || service.Fragment != "" {
		return nil, &pipeline.Mistake{Path: document.Path{"public_url"}, Message: "must not have a query: it is where the paths of Kratos begin"}
	}
	timeout, err := remote.ParseTimeout(c.Timeout, "timeout")
	if err != nil {
		return nil, err
	}
	client, err := remote.NewGuarded(environment, service, timeout, c.CircuitBreaker)
	if err != nil {
		return nil, err
	}
	k := &kratos{
		tokenizeAs: c.TokenizeAs, subjectFrom: c.SubjectFrom, extraFrom: c.ExtraFrom, now: environment.Now,
	}
	if k.sessions, err = newSessionCache(c.Cache, environment); err != nil {
		return nil, err
	}
	if c.TokenizeAs != "" {
		if !httpguts.ValidHeaderFieldName(c.TokenHeader) {
			return nil, &pipeline.Mistake{Path: document.Path{"token_header"}, Message: "is no name for a header"}
		}
		k.tokenHeader = http.CanonicalHeaderKey(c.TokenHeader)
	}
	k.api = kratosclient.NewAPIClient(&kratosclient.Configuration{
		Servers: kratosclient.ServerConfigurations{{URL: strings.TrimRight(service.String(), "/")}},
		HTTPClient: &http.Client{
			Transport: exchange{client},
			// Kratos' client would follow, with the session's token.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		UserAgent: "ostiary",
	}).FrontendAPI
	return k, nil
}

// authenticate fills in the session from what Kratos says about a credential,
// or said a moment ago. The login must be as is demanded. What lacks is looked
// at again before anybody is told: the user may just have made up for it.
func (k *kratos) authenticate(ctx context.Context, found kratosCredential, demand kratosDemand, passSetCookie bool, session *pipeline.Session) error {
	var heard hearing
	ask := func(ctx context.Context) (*verdict, error) {
		var err error
		heard.verdict, heard.setCookie, err = k.ask(ctx, found)
		return heard.verdict, err
	}
	enter := func(v *verdict) error {
		if passSetCookie && v == heard.verdict {
			session.SetCookie = heard.setCookie
		}
		return k.enter(v, demand, session)
	}
	if k.sessions == nil {
		v, err := ask(ctx)
		if err != nil {
			return err
		}
		return enter(v)
	}
	key := cache.KeyOf(found.kind, found.name, found.value)
	r, err := k.sessions.verdict(ctx, key, ask)
	if err != nil {
		return err
	}
	session.Stale = r.stale
	err = enter(r.verdict)
	kind := pipeline.KindOf(err)
	lacks := kind == pipeline.SecondFactor || kind == pipeline.Outdated
	if old := heard.verdict == nil && r.stale == 0 && k.now().Sub(r.asked) >= min(k.sessions.negativeTTL, lookAgain); !lacks || !old {
		return err
	}
	if r, err = k.sessions.again(ctx, key, r, ask); err != nil {
		return err
	}
	session.Stale = r.stale
	return enter(r.verdict)
}

// lookAgain is how old an answer is at the most when what a login lacks is not
// looked at again: nobody makes up for it any quicker.
const lookAgain = time.Second

// enter holds a verdict against the clock and what is demanded of the login,
// and puts it into the session.
func (k *kratos) enter(v *verdict, demand kratosDemand, session *pipeline.Session) error {
	switch {
	case v.refusal != nil:
		return v.refusal
	case !v.expires.IsZero() && !k.now().Before(v.expires):
		return pipeline.BadCredential.Because("the session has expired")
	case v.login.level < levelOf("aal1"):
		return pipeline.BadCredential.Because("nobody has logged in to the session yet")
	case v.login.level < demand.level:
		return pipeline.SecondFactor.Because("the rule demands a second factor")
	case demand.maxAge > 0 && k.now().Sub(v.login.at) > demand.maxAge:
		return pipeline.Outdated.Because("the rule demands a login that is less than %s old", demand.maxAge)
	}
	return v.enter(session)
}

// ask is what Kratos says now, with the cookies that it sets. An error is no
// verdict, but Kratos' trouble.
func (k *kratos) ask(ctx context.Context, found kratosCredential) (*verdict, []string, error) {
	question := k.api.ToSession(ctx)
	if found.kind == byCookie {
		question = question.Cookie(found.name + "=" + found.value)
	} else {
		question = question.XSessionToken(found.value)
	}
	if k.tokenizeAs != "" {
		question = question.TokenizeAs(k.tokenizeAs)
	}
	said, response, err := question.Execute()
	if response == nil {
		return nil, nil, failed(err)
	}
	defer response.Body.Close()               //nolint:errcheck // the client has read and closed it,
	body, unread := io.ReadAll(response.Body) // and put what it read into its place
	if unread != nil {
		return nil, nil, pipeline.Internal.From(unread)
	}
	v, err := k.judge(said, err, &remote.Answer{Status: response.StatusCode, Header: response.Header, Body: body})
	return v, response.Header["Set-Cookie"], err
}

// failed is the error of a call without an answer.
func failed(err error) error {
	var refusal *pipeline.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return pipeline.Internal.From(err)
}

// judge makes a verdict of an answer; unreadable says why the client made
// nothing of it.
func (k *kratos) judge(said *kratosclient.Session, unreadable error, answer *remote.Answer) (*verdict, error) {
	switch status := answer.Status; {
	case status == http.StatusOK && unreadable != nil:
		return nil, pipeline.Unusable.From(fmt.Errorf("the answer of Kratos is no session: %w", unreadable))
	case status == http.StatusOK:
		return k.read(said, answer)
	case status == http.StatusTooManyRequests:
		return nil, answer.Limited()
	case status >= http.StatusInternalServerError:
		return nil, pipeline.Unavailable.Because("Kratos answered %d", status)
	case status != http.StatusUnauthorized && status != http.StatusForbidden: // which are all that it says of sessions
		return nil, pipeline.Unusable.From(fmt.Errorf("the answer of Kratos is a %d; look whether public_url leads to it, and tokenize_as to a template of it", status))
	}
	if v := secondFactor(answer); v != nil {
		return v, nil
	}
	if len(answer.Body) > 0 && !gjson.GetBytes(answer.Body, "error").IsObject() {
		return nil, pipeline.Unusable.From(fmt.Errorf("a %d that is not in the form of Kratos': something before it refuses", answer.Status))
	}
	return &verdict{refusal: pipeline.BadCredential.Because("Kratos answered %d", answer.Status)}, nil
}

// read makes a verdict of a session. One without its state, an identity or a
// subject is none: whatever answered is not to be believed.
func (k *kratos) read(said *kratosclient.Session, answer *remote.Answer) (*verdict, error) {
	if said == nil || said.Active == nil || said.Identity == nil {
		return nil, pipeline.Unusable.From(errors.New("the answer of Kratos has no identity, or does not say whether the session is active"))
	}
	switch {
	case !*said.Active:
		return &verdict{refusal: pipeline.BadCredential.Because("the session is not active")}, nil
	case said.Identity.State != nil && *said.Identity.State != "active":
		return &verdict{refusal: pipeline.BadCredential.Because("the identity is not active")}, nil
	}
	body := string(answer.Body)
	subject, extra := gjson.Get(body, k.subjectFrom), gjson.Get(body, k.extraFrom)
	switch {
	case subject.Type != gjson.String || subject.Str == "":
		return nil, pipeline.Unusable.From(errors.New("subject_from does not lead to a text in the session"))
	case extra.Type != gjson.Null && !extra.IsObject():
		return nil, pipeline.Unusable.From(errors.New("extra_from does not lead to an object in the session"))
	}
	v := &verdict{id: said.Id, subject: subject.Str, person: said.Identity.Id, extra: extra.Raw, keep: cacheFor(answer.Header)}
	if said.ExpiresAt != nil {
		v.expires = *said.ExpiresAt
	}
	if said.AuthenticatedAt != nil {
		v.login.at = *said.AuthenticatedAt
	}
	v.login.level = levelOf("aal1") // or it would not be active
	if said.AuthenticatorAssuranceLevel != nil {
		v.login.level = levelOf(string(*said.AuthenticatorAssuranceLevel))
	}
	return v, k.tokenize(v, said.Tokenized)
}

// levelOf is how much assurance a level of Kratos' gives.
func levelOf(name string) int {
	return slices.Index([]string{"aal0", "aal1", "aal2", "aal3"}, name)
}

// tokenize adds Kratos' own token for the session, if it was asked for one. The
// verdict is kept for half of the token's life at most: the upstream needs some
// of it.
func (k *kratos) tokenize(v *verdict, token *string) error {
	if k.tokenizeAs == "" {
		return nil
	}
	if token == nil || *token == "" {
		return pipeline.Unusable.From(fmt.Errorf("the answer of Kratos has no token; there may be no template %q", k.tokenizeAs))
	}
	value := *token
	if k.tokenHeader == "Authorization" {
		value = "Bearer " + value
	}
	v.header = []header{{k.tokenHeader, []string{value}}}
	end := k.endOf(*token)
	v.keep = min(v.keep, end.Sub(k.now())/2)
	v.standsUntil = end // to the upstream, an old token is a session that has ended
	return nil
}

// endOf is when a token of Kratos ends: now, if it does not say. It is for the
// upstream to verify.
func (k *kratos) endOf(token string) time.Time {
	_, rest, _ := strings.Cut(token, ".")
	claims, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		return k.now()
	}
	return time.Unix(gjson.GetBytes(text, "exp").Int(), 0)
}
