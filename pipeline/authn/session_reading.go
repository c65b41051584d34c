package authn

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/tidwall/gjson"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
)

// reading says where in the answer of a session service is what. The places in
// its body are GJSON paths.
type reading struct {
	subject, extra, session, expires string

	subjectHeader string   // where the subject is instead of in the body; may be empty
	headers       []string // for the upstream; canonical names
	allowNobody   bool     // a session without a subject is one
	lasting       bool     // what is read is remembered
}

func newReading(c sessionCheckConfig) reading {
	r := reading{
		subject: c.SubjectFrom, extra: c.ExtraFrom, session: c.SessionFrom, expires: c.ExpiresFrom,
		subjectHeader: http.CanonicalHeaderKey(c.SubjectFromHeader), allowNobody: c.AllowEmptySubject,
		lasting: c.Cache.Enabled,
	}
	for _, name := range c.AnswerHeaders {
		r.headers = append(r.headers, http.CanonicalHeaderKey(name))
	}
	return r
}

// read makes a verdict of an answer that says that there is a session.
func (r *reading) read(answer *remote.Answer) *verdict {
	v := &verdict{}
	v.refusal = r.fill(v, answer)
	return v
}

// fill reads the answer into the verdict. One that is not about anybody is no
// session (contract 14, session answers).
func (r *reading) fill(v *verdict, answer *remote.Answer) error {
	body := "null"
	// The standard library's check, unlike gjson's, bounds how deep values nest.
	switch {
	case json.Valid(answer.Body):
		body = string(answer.Body)
	case r.subjectHeader != "", len(answer.Body) == 0 && r.allowNobody:
	default:
		return pipeline.BadCredential.Because("the session service answered with something that is not JSON")
	}
	switch subject := gjson.Get(body, r.subject); {
	case r.subjectHeader != "":
		v.subject = answer.Header.Get(r.subjectHeader)
	case subject.Type == gjson.String:
		v.subject = subject.String()
	case subject.Type != gjson.Null:
		return pipeline.Forbidden.Because("subject_from does not lead to a text in the session service's answer")
	}
	if v.subject == "" && !r.allowNobody {
		return pipeline.BadCredential.Because("the session service's answer names no subject")
	}
	switch extra := gjson.Get(body, r.extra); {
	case extra.IsObject():
		v.extra = extra.Raw
	case extra.Type != gjson.Null:
		return pipeline.Forbidden.Because("extra_from does not lead to an object in the session service's answer")
	}
	for _, name := range r.headers {
		if values := answer.Header[name]; len(values) > 0 {
			v.header = append(v.header, header{name, values})
		}
	}
	if r.lasting {
		v.id = gjson.Get(body, r.session).String()
		v.expires, v.keep = r.end(body, cacheFor(answer.Header))
	}
	return nil
}

// end is when the session ends, as far as the answer says so: in seconds since
// 1970 or in the form of RFC 3339. What cannot be read keeps the answer from
// being kept.
func (r *reading) end(body string, keep time.Duration) (time.Time, time.Duration) {
	switch end := gjson.Get(body, r.expires); end.Type {
	case gjson.Null:
		return time.Time{}, keep
	case gjson.Number:
		return time.Unix(end.Int(), 0), keep
	case gjson.String:
		if at, err := time.Parse(time.RFC3339, end.String()); err == nil {
			return at, keep
		}
	}
	return time.Time{}, 0
}

// secondFactor is the verdict of a service that asks for another factor, as Ory
// Kratos does; nil if it does not.
func secondFactor(answer *remote.Answer) *verdict {
	if answer.Status != http.StatusForbidden || gjson.GetBytes(answer.Body, "error.id").String() != "session_aal2_required" {
		return nil
	}
	needed := pipeline.SecondFactor.Because("the session service asks for a second factor")
	if at, err := url.Parse(gjson.GetBytes(answer.Body, "redirect_browser_to").String()); err == nil &&
		(at.Scheme == "http" || at.Scheme == "https") && at.Host != "" {
		needed.Continue = at.String()
	}
	return &verdict{refusal: needed, passing: true}
}
