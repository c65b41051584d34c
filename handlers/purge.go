package handlers

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"ostiary/pipeline"
)

// Revoker ends sessions that handlers remember.
type Revoker interface {
	Revoke(session, subject string, all bool)
}

// Purge lets whoever keeps sessions tell that some have ended, so that no
// remembered answer counts for them any more: a webhook of Ory Kratos, or an
// operator. Without a token nobody is allowed to, and it is not there.
type Purge struct {
	Revoker Revoker
	Token   string // that callers have to bear (RFC 6750)
}

// maxPurge bounds the body of a request to purge, in bytes.
const maxPurge = 4 << 10

// ServeHTTP ends the sessions that the body names and answers 204. They are
// ended when the answer comes.
func (p *Purge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.Token == "" {
		notFound(w, r)
		return
	}
	if !bears(r, p.Token) {
		refuseBearer(w, r, "sessions")
		return
	}
	asked, err := readPurge(w, r)
	if err != nil {
		write(w, pipeline.ErrorResponse(err, r.Header.Get("X-Request-Id"), true))
		return
	}
	p.Revoker.Revoke(asked.Session, asked.Subject, asked.All)
	w.WriteHeader(http.StatusNoContent)
}

// purge names sessions by one of these.
type purge struct {
	Session string `json:"session"`
	Subject string `json:"subject"`
	All     bool   `json:"all"`
}

// readPurge reads the body, which names sessions in exactly one way: what is
// misspelt must not look as if it had worked.
func readPurge(w http.ResponseWriter, r *http.Request) (purge, error) {
	var asked purge
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return asked, pipeline.Malformed.Because("the Content-Type has to be application/json")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPurge))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&asked)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more than one document")
		}
	}
	named := 0
	for _, is := range []bool{asked.Session != "", asked.Subject != "", asked.All} {
		if is {
			named++
		}
	}
	if err != nil || named != 1 {
		refusal := pipeline.Malformed.Because(`the body has to be {"session": ID}, {"subject": SUBJECT} or {"all": true}`)
		refusal.Cause = err
		return asked, refusal
	}
	return asked, nil
}
