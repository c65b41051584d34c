package authn

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

const passingCookies = `{"pass_set_cookie": true, "circuit_breaker": {"enabled": false}}`

// reissuing is a good answer that sets a numbered cookie each time.
func reissuing(subject string) http.HandlerFunc {
	var answers atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "ory_kratos_session=renewed-"+strconv.FormatInt(answers.Add(1), 10)+"; Path=/; HttpOnly")
		w.Header().Add("Set-Cookie", "csrf=x")
		good(subject)(w, r)
	}
}

func cookiesOf(number string) []string {
	return []string{"ory_kratos_session=renewed-" + number + "; Path=/; HttpOnly", "csrf=x"}
}

func expectCookies(t *testing.T, session pipeline.Session, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, session.SetCookie); diff != "" {
		t.Errorf("cookies for the client (-want +got):\n%s", diff)
	}
}

func TestCookiesOfASessionServiceAreForTheClientThatAsked(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, reissuing("ada"))
		handler := c.with(t, w.Environment, kratos.URL, layered(t, passingCookies, cached(``)))
		expectCookies(t, expect(t, handler, c.bearing("1"), "ada", nil), cookiesOf("1"))
		expectCookies(t, expect(t, handler, c.bearing("1"), "ada", nil), nil) // remembered
		expectCookies(t, expect(t, handler, c.bearing("2"), "ada", nil), cookiesOf("2"))
		w.clock.move(10 * time.Second)
		expectCookies(t, expect(t, handler, c.bearing("1"), "ada", nil), cookiesOf("3"))
	})
}

func TestCookiesOfASessionServiceArePassedWithoutACacheToo(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		kratos := serveKratos(t, reissuing("ada"))
		handler := c.with(t, newWorld(t).Environment, kratos.URL, layered(t, passingCookies, `{"cache": {"enabled": false}}`))
		expectCookies(t, expect(t, handler, c.bearing("1"), "ada", nil), cookiesOf("1"))
		expectCookies(t, expect(t, handler, c.bearing("1"), "ada", nil), cookiesOf("2"))
	})
}

func TestCookiesOfASessionServiceStayHereUnlessTheyAreToPass(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		for _, config := range []string{`{}`, cached(``), `{"cache": {"enabled": false}}`, `{"pass_set_cookie": false}`} {
			kratos := serveKratos(t, reissuing("ada"))
			handler := c.with(t, newWorld(t).Environment, kratos.URL, config)
			expectCookies(t, expect(t, handler, c.bearing("1"), "ada", nil), nil)
		}
	})
}

// TestCookiesOfASessionServiceAreForOneOfACrowd: of many equal requests one
// asks, and the others share all but the cookies.
func TestCookiesOfASessionServiceAreForOneOfACrowd(t *testing.T) {
	t.Parallel()
	const many = 50
	everyChecker(t, func(t *testing.T, c checker) {
		kratos := serveKratos(t, reissuing("ada"))
		handler := c.with(t, newWorld(t).Environment, kratos.URL, layered(t, passingCookies, cached(``)))
		sessions, errs := crowd(t.Context(), handler, many, func(int) *pipeline.Request { return c.bearing("1") })
		got := 0
		for i, session := range sessions {
			if errs[i] != nil || session.Subject != "ada" {
				t.Errorf("got %q, %v", session.Subject, errs[i])
			}
			if session.SetCookie != nil {
				got++
				expectCookies(t, session, cookiesOf("1"))
			}
		}
		if got != 1 || kratos.calls() != 1 {
			t.Errorf("%d clients got cookies of %d calls", got, kratos.calls())
		}
	})
}

// TestRulesThatPassNoCookiesGetNoneFromOnesThatDo share what is remembered.
func TestRulesThatPassNoCookiesGetNoneFromOnesThatDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, reissuing("ada"))
	environment := pipelinetest.Sharing(t, w.Environment)
	c := checkers["kratos_session"]
	passes, keeps := c.with(t, environment, kratos.URL, `{"pass_set_cookie": true}`), c.with(t, environment, kratos.URL, `{}`)
	expectCookies(t, expect(t, keeps, c.bearing("1"), "ada", nil), nil)
	expectCookies(t, expect(t, passes, c.bearing("1"), "ada", nil), nil)
	w.clock.move(10 * time.Second)
	expectCookies(t, expect(t, passes, c.bearing("1"), "ada", nil), cookiesOf("2"))
	expectCookies(t, expect(t, keeps, c.bearing("1"), "ada", nil), nil)
	if calls := kratos.calls(); calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

// TestCookiesOfAnAnswerThatIsNotUsedAreNotPassed: a session stands in for it.
func TestCookiesOfAnAnswerThatIsNotUsedAreNotPassed(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, reissuing("ada"))
		handler := c.with(t, w.Environment, kratos.URL, layered(t, passingCookies, cached(`"stale": "1h"`)))
		expect(t, handler, c.bearing("1"), "ada", nil)
		w.clock.move(time.Minute)
		kratos.says(withHeader("Set-Cookie", "route=broken", pipelinetest.Answer(503, "")))
		if got := expect(t, handler, c.bearing("1"), "ada", nil); got.Stale == 0 {
			t.Error("nothing stands in")
		} else {
			expectCookies(t, got, nil)
		}
	})
}

// TestCookiesOfASecondLookAreTheOnesThatCount: what the session lacked at
// first it has now, and the cookies are those of now.
func TestCookiesOfASecondLookAreTheOnesThatCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, reissuing("ada"))
	c := checkers["kratos_session"]
	handler := c.with(t, w.Environment, kratos.URL, layered(t, passingCookies, `{"required_aal": "aal2"}`))
	expect(t, handler, c.bearing("1"), "", pipeline.SecondFactor)
	w.clock.move(time.Second)
	kratos.says(withHeader("Set-Cookie", "ory_kratos_session=stepped-up", good("ada", change{"authenticator_assurance_level": "aal2"})))
	expectCookies(t, expect(t, handler, c.bearing("1"), "ada", nil), []string{"ory_kratos_session=stepped-up"})
}
