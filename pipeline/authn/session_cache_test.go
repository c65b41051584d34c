package authn

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// look is one request, at a time after the one before, and how many calls
// there were when it was answered.
type look struct {
	after time.Duration
	calls int
}

func TestSessionCacheIsOnWhereItIsExpected(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int{"cookie_session": 3, "bearer_token": 3, "kratos_session": 1} {
		c := checkers[id]
		kratos := serveKratos(t, good("ada"))
		byDefault := c.with(t, newWorld(t).Environment, kratos.URL, `{}`)
		for range 3 {
			expect(t, byDefault, c.bearing("1"), "ada", nil)
		}
		if calls := kratos.calls(); calls != want {
			t.Errorf("%s: %d calls, want %d", id, calls, want)
		}
		off := c.with(t, newWorld(t).Environment, kratos.URL, `{"cache": {"enabled": false}}`)
		for range 3 {
			expect(t, off, c.bearing("1"), "ada", nil)
		}
		if calls := kratos.calls(); calls != want+3 {
			t.Errorf("%s, off: %d calls, want %d", id, calls-want, 3)
		}
	}
}

func TestSessionCacheKeepsASessionNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	const hour = `"ttl": "1h"`
	until := func(end string) http.HandlerFunc { return good("ada", change{"expires_at": end}) }
	allowed := func(seconds string) http.HandlerFunc {
		return withHeader("Ory-Session-Cache-For", seconds, good("ada"))
	}
	tenSeconds := []look{{0, 1}, {10*time.Second - 1, 1}, {1, 2}}
	never := []look{{0, 1}, {0, 2}, {0, 3}}
	tests := map[string]struct {
		keys   string
		answer http.HandlerFunc
		looks  []look
	}{
		"than ten seconds, if nobody says more":    {``, good("ada"), tenSeconds},
		"than its ttl":                             {`"ttl": "3s"`, good("ada"), []look{{0, 1}, {3*time.Second - 1, 1}, {1, 2}}},
		"for those who ask again and again":        {``, good("ada"), []look{{0, 1}, {6 * time.Second, 1}, {3 * time.Second, 1}, {time.Second, 2}, {9 * time.Second, 2}, {time.Second, 3}}},
		"than a ttl of nothing":                    {`"ttl": "0s"`, good("ada"), never},
		"than to its end":                          {hour, until("2023-11-14T22:13:30Z"), []look{{0, 1}, {10*time.Second - 1, 1}}},
		"than to its end in another zone":          {hour, until("2023-11-14T23:13:30.000000+01:00"), []look{{0, 1}, {10*time.Second - 1, 1}}},
		"than its ttl if its end is later":         {``, until("2099-01-01T00:00:00Z"), tenSeconds},
		"than the service allows":                  {hour, allowed("10"), tenSeconds},
		"than the service allows, which is longer": {``, allowed("3600"), tenSeconds},
		"than the service allows, which is 5":      {``, allowed("5"), []look{{0, 1}, {5*time.Second - 1, 1}, {1, 2}}},
		"than the service allows, which is none":   {hour, allowed("0"), never},
		"than the service allows in words":         {hour, allowed("soon"), never},
		"than the service allows, less than none":  {hour, allowed("-5"), never},
		"than the service allows, with a fraction": {hour, allowed("1.5"), never},
		"than the service allows, with a unit":     {hour, allowed("5s"), never},
		"than the service allows, in a blank":      {hour, allowed(""), never},
		"than the service allows, past counting":   {hour, allowed("99999999999999999999"), never},
		"than the service allows first":            {hour, withHeader("Ory-Session-Cache-For", "10", allowed("3600")), tenSeconds},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyChecker(t, func(t *testing.T, c checker) {
				w := newWorld(t)
				kratos := serveKratos(t, test.answer)
				handler := c.with(t, w.Environment, kratos.URL, cached(test.keys))
				for i, l := range test.looks {
					w.clock.move(l.after)
					if expect(t, handler, c.bearing("1"), "ada", nil); kratos.calls() != l.calls {
						t.Errorf("look %d: %d calls, want %d", i, kratos.calls(), l.calls)
					}
				}
			})
		})
	}
}

// TestSessionCacheAsksAgainAtTheEndOfASession: it may have been prolonged.
func TestSessionCacheAsksAgainAtTheEndOfASession(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, good("ada", change{"expires_at": "2023-11-14T22:13:25Z"}))
		handler := c.with(t, w.Environment, kratos.URL, cached(`"ttl": "1h"`))
		expect(t, handler, c.bearing("1"), "ada", nil)
		w.clock.move(5 * time.Second)
		kratos.says(noSession)
		expect(t, handler, c.bearing("1"), "", pipeline.BadCredential)
		w.clock.move(time.Second)
		kratos.says(good("ada"))
		expect(t, handler, c.bearing("1"), "ada", nil)
	})
}

// TestSessionCacheReadsTheEndOfASession in the forms that services of other
// kinds write it.
func TestSessionCacheReadsTheEndOfASession(t *testing.T) {
	t.Parallel()
	const ttl = time.Hour
	for end, want := range map[string]time.Duration{
		`1700000010`:                  10 * time.Second,
		`1700000010.9`:                10 * time.Second,
		`1.70000001e9`:                10 * time.Second,
		`"2023-11-14T22:13:30Z"`:      10 * time.Second,
		`"2023-11-14T22:13:30.5Z"`:    10500 * time.Millisecond,
		`"2023-11-14T20:13:30-02:00"`: 10 * time.Second,
		`null`:                        ttl,
		`4102444800`:                  ttl,
		// What cannot be read, and what is over, is not kept.
		`""`: 0, `"soon"`: 0, `"1700000010"`: 0, `"2023-11-14 22:13:30"`: 0, `true`: 0, `{"at": 1700000010}`: 0, `[1700000010]`: 0, `0`: 0, `-1`: 0, `1699999999`: 0,
	} {
		w := newWorld(t)
		kratos := serveKratos(t, pipelinetest.Answer(200, `{"subject": "ada", "session": {"end": `+end+`}}`))
		handler := pipelinetest.New(t, cookieSession, layered(t, `{"check_session_url": "`+kratos.URL+`", "expires_from": "session.end"}`, cached(`"ttl": "1h"`)), w.Environment)
		request := pipelinetest.Request("Cookie", "sid=1")
		expect(t, handler, request, "ada", nil)
		calls := 1
		if want == 0 {
			calls = 2
		} else {
			w.clock.move(want - 1)
		}
		if expect(t, handler, request, "ada", nil); kratos.calls() != calls {
			t.Errorf("%s: %d calls before its end, want %d", end, kratos.calls(), calls)
		}
		w.clock.move(1)
		if expect(t, handler, request, "ada", nil); kratos.calls() != calls+1 {
			t.Errorf("%s: %d calls after its end, want %d", end, kratos.calls(), calls+1)
		}
	}
}

func TestSessionCacheKeepsRefusalsForAMoment(t *testing.T) {
	t.Parallel()
	oneSecond := []look{{0, 1}, {time.Second - 1, 1}, {1, 2}}
	never := []look{{0, 1}, {0, 2}}
	tests := map[string]struct {
		keys    string
		answer  http.HandlerFunc
		kind    pipeline.Kind
		generic []look
		kratos  []look
	}{
		"of a second":            {`"ttl": "1h"`, noSession, pipeline.BadCredential, oneSecond, oneSecond},
		"that may be longer":     {`"negative_ttl": "1m"`, noSession, pipeline.BadCredential, []look{{0, 1}, {time.Minute - 1, 1}, {1, 2}}, []look{{0, 1}, {time.Minute - 1, 1}, {1, 2}}},
		"that may be none":       {`"negative_ttl": "0s"`, noSession, pipeline.BadCredential, never, never},
		"for a bare 403":         {``, pipelinetest.Answer(403, ""), pipeline.BadCredential, oneSecond, oneSecond},
		"but no step-up":         {``, lacksFactor, pipeline.SecondFactor, never, never},
		"but no fault":           {``, pipelinetest.Answer(500, ""), pipeline.Unavailable, never, never},
		"but no limit":           {``, busy, pipeline.Limited, never, never},
		"but no broken answer":   {``, breakOff, pipeline.Unavailable, never, never},
		"for a session inactive": {``, good("ada", change{"active": false}), pipeline.BadCredential, nil, oneSecond},
		"but no nonsense":        {``, html(200), pipeline.Unusable, nil, never},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyChecker(t, func(t *testing.T, c checker) {
				w := newWorld(t)
				kratos := serveKratos(t, test.answer)
				handler := c.with(t, w.Environment, kratos.URL, cached(test.keys))
				looks := test.generic
				if c.definition.ID == "kratos_session" {
					looks = test.kratos
				}
				for i, l := range looks {
					w.clock.move(l.after)
					if expect(t, handler, c.bearing("1"), "", test.kind); kratos.calls() != l.calls {
						t.Errorf("look %d: %d calls, want %d", i, kratos.calls(), l.calls)
					}
				}
			})
		})
	}
}

// TestSessionCacheGivesEveryRequestItsOwn: what a request does to its session
// does not stay.
func TestSessionCacheGivesEveryRequestItsOwn(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		kratos := serveKratos(t, withHeader("X-Role", "editor", good("ada")))
		keys := `{}`
		if c.definition.ID != "kratos_session" {
			keys = `{"answer_headers": ["X-Role"]}`
		}
		handler := c.with(t, newWorld(t).Environment, kratos.URL, layered(t, cached(``), keys))
		first := expect(t, handler, c.bearing("1"), "ada", nil)
		if keys != `{}` && first.Header.Get("X-Role") != "editor" {
			t.Errorf("got the headers %v", first.Header)
		}
		wanted, header := fmt.Sprint(pipelinetest.Extra(&first)), first.Header.Clone()
		extra := pipelinetest.Extra(&first)
		extra["subject"] = "mallory"
		extra["identity"].(map[string]any)["id"] = "mallory" //nolint:forcetypeassert // a panic fails the test as well
		first.SetHeader("X-Role", "owner")
		first.SetHeader("X-More", "1")
		second := expect(t, handler, c.bearing("1"), "ada", nil)
		if got := fmt.Sprint(pipelinetest.Extra(&second)); got != wanted || len(wanted) < 100 {
			t.Errorf("got the extra %s, want %s", got, wanted)
		}
		if diff := cmp.Diff(header, second.Header); diff != "" {
			t.Errorf("got other headers: %s", diff)
		}
		if calls := kratos.calls(); calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}
