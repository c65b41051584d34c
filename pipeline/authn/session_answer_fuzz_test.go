package authn

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/remote"
)

// FuzzCacheFor: only a plain number of seconds lets an answer be kept, and for
// no longer than it says.
func FuzzCacheFor(f *testing.F) {
	for _, value := range []string{"", "0", "60", "-1", "+5", "1e3", "060", "60, 70", "4294967296", "99999999999999999999", "６０"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := cacheFor(http.Header{"Ory-Session-Cache-For": {value, "3600"}})
		digits := value != "" && strings.Trim(value, "0123456789") == ""
		seconds, err := strconv.ParseInt(value, 10, 64)
		switch {
		case !digits || err != nil, seconds >= 1<<31:
			if got != 0 {
				t.Errorf("%q keeps an answer for %v", value, got)
			}
		case got != time.Duration(seconds)*time.Second || got >= cache.Forever:
			t.Errorf("%q keeps an answer for %v", value, got)
		}
	})
}

// FuzzSecondFactor: only an answer that asks for a second factor is taken for
// one, and where it sends people is a page of the web.
func FuzzSecondFactor(f *testing.F) {
	f.Add(403, []byte(`{"error": {"id": "session_aal2_required"}, "redirect_browser_to": "https://login.test/?aal=aal2"}`))
	f.Add(403, []byte(`{"error": {"id": "session_aal2_required"}, "redirect_browser_to": "javascript:alert(1)"}`))
	f.Add(422, []byte(`{"error.id": "session_aal2_required", "redirect_browser_to": "//evil.test\r\nx"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		v := secondFactor(&remote.Answer{Status: status, Body: body})
		if v == nil {
			return
		}
		var session pipeline.Session
		err := v.enter(&session)
		var needed *pipeline.Error
		if status != http.StatusForbidden || !errors.As(err, &needed) || needed.Kind != pipeline.SecondFactor || session.Subject != "" {
			t.Fatalf("%d, %q: %v and %+v", status, body, err, session)
		}
		if needed.Continue == "" {
			return
		}
		page, err := url.Parse(needed.Continue)
		if err != nil || page.Scheme != "http" && page.Scheme != "https" || page.Host == "" || strings.ContainsAny(needed.Continue, "\r\n\t\x00") {
			t.Errorf("people are sent to %q", needed.Continue)
		}
	})
}

// FuzzIntrospectedLife: an answer lives until its token expires, whatever
// number it names, and never forever if it names a time that is over.
func FuzzIntrospectedLife(f *testing.F) {
	f.Add(int64(0), int64(1700000000), int64(5))
	f.Add(int64(-1<<63), int64(1), int64(999999999))
	f.Add(int64(1<<63-1), int64(1<<32), int64(0))
	f.Fuzz(func(t *testing.T, expires, now, nanoseconds int64) {
		now, nanoseconds = now%(1<<33), nanoseconds%1e9 // some day of the next 200 years
		if now < 0 || nanoseconds < 0 {
			return
		}
		text, err := json.Marshal(map[string]any{"active": true, "exp": expires})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := parseIntrospected(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		at := time.Unix(now, nanoseconds)
		life := answer.life(at)
		switch {
		case expires <= 0:
			if life != cache.Forever {
				t.Errorf("%d at %v: lives for %v", expires, at, life)
			}
		case expires >= 1<<40:
			if life != cache.Forever {
				t.Errorf("expires at %d, lives for %v at %v", expires, life, at)
			}
		case !time.Unix(expires, 0).After(at):
			if life > 0 {
				t.Errorf("expired at %d, lives for %v at %v", expires, life, at)
			}
		case life <= 0, life != cache.Forever && at.Add(life).After(time.Unix(expires, 0)):
			t.Errorf("expires at %d, lives for %v at %v", expires, life, at)
		}
	})
}
