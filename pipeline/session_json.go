package pipeline

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// MarshalJSON writes the session as services get to see it (contract 4.3). The
// URL is an object with the fields of Go's url.URL, as they know it.
func (s *Session) MarshalJSON() ([]byte, error) {
	type matchContext struct {
		RegexpCaptureGroups []string    `json:"regexp_capture_groups"`
		URL                 *url.URL    `json:"url"`
		Method              string      `json:"method"`
		Header              http.Header `json:"header"`
	}
	groups, err := s.MatchContext.RegexpCaptureGroups()
	if err != nil {
		return nil, err
	}
	extra, err := s.Extra()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(struct {
		Subject      string         `json:"subject"`
		Extra        map[string]any `json:"extra"`
		Header       http.Header    `json:"header"`
		MatchContext matchContext   `json:"match_context"`
	}{s.Subject, extra, s.Header, matchContext{
		groups, s.MatchContext.URL(), s.MatchContext.Method(), s.MatchContext.endToEnd(),
	}})
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return text, nil
}

// endToEnd is the request's header without what concerns one connection only
// (RFC 9110 section 7.6.1).
func (m MatchContext) endToEnd() http.Header {
	header := m.Header()
	for _, name := range [...]string{"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		header.Del(name)
	}
	return header
}
