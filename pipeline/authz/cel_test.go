package authz

import (
	"encoding/json"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// expressing is the configuration with an expression.
func expressing(expression string) string {
	text, _ := json.Marshal(map[string]string{"expression": expression}) // a string map encodes
	return string(text)
}

// answers are what an expression may lead to.
const (
	yes       = "yes"
	no        = "no"
	undecides = "undecided"
)

func answerOf(err error) string {
	switch {
	case err == nil:
		return yes
	case pipeline.KindOf(err) != pipeline.Forbidden:
		return err.Error()
	case errors.Is(err, pipeline.ErrUndecided):
		return undecides
	default:
		return no
	}
}

func TestCELAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		// The request.
		`request.method == "GET"`:                        yes,
		`request.method in ["PUT", "POST"]`:              no,
		`request.scheme == "https"`:                      yes,
		`request.host == "api.example.test"`:             yes,
		`request.path == "/orders/a b/7"`:                yes,
		`request.path.startsWith("/admin")`:              no,
		`request.query.page == ["2"]`:                    yes,
		`"3" in request.query.page`:                      no,
		`"absent" in request.query`:                      no,
		`request.query.absent == ["2"]`:                  undecides,
		`request.query.page[1] == "2"`:                   undecides,
		`has(request.query.page) && has(request.method)`: yes,
		// Headers, with all their values and in any spelling.
		`"admin" in request.headers["x-role"]`:                               yes,
		`"user" in request.headers["X-Role"]`:                                yes,
		`"X-ROLE" in request.headers`:                                        yes,
		`!("X-ROLE" in request.headers)`:                                     no,
		`request.headers["x-role"] == ["user", "admin"]`:                     yes,
		`request.headers.all(name, name in ["accept", "x-role"])`:            yes,
		`request.headers.exists(name, name == "X-Role")`:                     no,
		`request.headers["x-none"] == ["1"]`:                                 undecides,
		`request.headers[?"X-Role"].orValue([]).exists(r, r == "admin")`:     yes,
		`request.headers[?"x-none"].orValue([]).exists(r, r == "admin")`:     no,
		`has(request.headers.accept)`:                                        yes,
		`size(request.headers) == 2`:                                         yes,
		`request.headers == {"accept": ["*/*"], "x-role": ["user","admin"]}`: yes,
		// The client's address.
		`request.client == "192.0.2.7"`:                   yes,
		`cidr("192.0.2.0/24").containsIP(request.client)`: yes,
		`cidr("10.0.0.0/8").containsIP(request.client)`:   no,
		`ip(request.client).family() == 4`:                yes,
		`cidr(extra.role).containsIP(request.client)`:     undecides,
		// The session.
		`subject == "ada"`:                          yes,
		`subject == "ADA"`:                          no,
		`extra.role == "editor"`:                    yes,
		`extra["role"] in ["viewer", "editor"]`:     yes,
		`extra.age >= 18 && extra.age == 41`:        yes,
		`"red" in extra.teams`:                      yes,
		`extra.teams.exists(t, t.startsWith("bl"))`: yes,
		`captures[1] == "7"`:                        yes,
		`captures[2] == "7"`:                        undecides,
		`size(captures) == 2`:                       yes,
		// What a session lacks is no permission, and no denial either.
		`extra.missing == "x"`:                                  undecides,
		`!(extra.missing == "x")`:                               undecides,
		`extra.missing != "x"`:                                  undecides,
		`has(extra.missing) && extra.missing == "x"`:            no,
		`extra.?missing.orValue("none") == "none"`:              yes,
		`extra.role.deeper == "x"`:                              undecides,
		`extra.role > 3`:                                        undecides,
		`"x" in extra.role`:                                     undecides,
		`int(extra.role) == 1`:                                  undecides,
		`extra.age / 0.0 > 1.0 || 1 / (size(subject) - 3) == 1`: yes,
		`1 / (size(subject) - 3) == 1`:                          undecides,
		// One side that decides is enough, as the language says.
		`extra.missing == "x" || subject == "ada"`: yes,
		`extra.missing == "x" || subject == "eve"`: undecides,
		`extra.missing == "x" && subject == "eve"`: no,
		`extra.missing == "x" && subject == "ada"`: undecides,
		// The request has fields, and is no value of its own.
		`request == request`:           undecides,
		`dyn(request).method == "GET"`: undecides,
	}
	for expression, want := range tests {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, celAuthorizer, expressing(expression), pipeline.Environment{})
			request := pipelinetest.Request("X-Role", "user", "X-Role", "admin", "Accept", "*/*")
			if got := answerOf(handler.Authorize(t.Context(), request, sessionFor(request))); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestCELKnowsNothingOfASessionThatIsEmpty(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`subject == ""`:                yes,
		`extra == {}`:                  yes,
		`"role" in extra`:              no,
		`extra.role == ""`:             undecides,
		`size(captures) == 0`:          yes,
		`size(request.headers) == 0`:   yes,
		`request.headers.none == [""]`: undecides,
	} {
		handler := pipelinetest.New(t, celAuthorizer, expressing(expression), pipeline.Environment{})
		request := pipelinetest.Request()
		session := &pipeline.Session{MatchContext: pipeline.NewMatchContext(request, func() ([]string, error) { return nil, nil })}
		if got := answerOf(handler.Authorize(t.Context(), request, session)); got != want {
			t.Errorf("%s: got %s, want %s", expression, got, want)
		}
	}
}

func TestCELSeesAddressesInTheirShortestForm(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"::ffff:10.0.0.1": "10.0.0.1", "fe80::1%eth0": "fe80::1", "2001:db8:0:0::1": "2001:db8::1",
	} {
		handler := pipelinetest.New(t, celAuthorizer, expressing(`request.client == "`+want+`"`), pipeline.Environment{})
		request := pipelinetest.Request()
		request.Client = netip.MustParseAddr(address)
		if err := handler.Authorize(t.Context(), request, sessionFor(request)); err != nil {
			t.Errorf("%s is not %s: %v", address, want, err)
		}
	}
}

func TestCELJudgesNoQueryThatIsReadInTwoWays(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"a=1;admin=1", "admin%=1", "%zz"} {
		for expression, want := range map[string]string{
			`!("admin" in request.query)`:                     undecides,
			`"admin" in request.query`:                        undecides,
			`request.method == "GET"`:                         yes,
			`subject == "ada" || !("admin" in request.query)`: yes,
		} {
			handler := pipelinetest.New(t, celAuthorizer, expressing(expression), pipeline.Environment{})
			request := pipelinetest.Request()
			request.RawQuery = query
			if got := answerOf(handler.Authorize(t.Context(), request, sessionFor(request))); got != want {
				t.Errorf("%s: %s: got %s, want %s", query, expression, got, want)
			}
		}
	}
}

func TestCELSaysAtLoadWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`request.metod == "GET"`:                        `expression: 1:8: undefined field 'metod'`,
		"subject == 'ada' &&\n  request.metod == 'GET'": `expression: 2:10: undefined field 'metod'`,
		`user == "ada"`:                                 `expression: 1:1: undeclared reference to 'user'`,
		`user == "ada" || group == "b"`:                 `expression: 1:1: undeclared reference to 'user'; 1:18: undeclared reference to 'group'`,
		`request.headers["x-role"] == "admin"`:          `expression: 1:27: found no matching overload for '_==_' applied to '(list(string), string)'`,
		`request.method == 1`:                           `expression: 1:16: found no matching overload for '_==_' applied to '(string, int)'`,
		`subject`:                                       `expression: gives string; it has to give bool, so compare it with something`,
		`extra.admin`:                                   `expression: gives dyn; it has to give bool, so compare it with something`,
		`subject.matches("(")`:                          `expression: 1:17: invalid matches argument`,
		`duration("soon") < duration("1s")`:             `expression: 1:10: invalid duration argument`,
		`now() > timestamp("2026-01-01T00:00:00Z")`:     `expression: 1:4: undeclared reference to 'now'`,
		``: `expression: must not be empty`,
	}
	for expression, want := range tests {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{want}, pipelinetest.Mistakes(t, celAuthorizer, expressing(expression))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func BenchmarkCEL(b *testing.B) {
	for name, expression := range map[string]string{
		"a claim":                 `extra.role == "editor"`,
		"a claim and the request": `extra.role == "editor" && request.method in ["GET", "PUT"] && request.path.startsWith("/orders/")`,
		"a header":                `request.headers["x-role"].exists(r, r == "admin")`,
	} {
		b.Run(name, func(b *testing.B) {
			handler := pipelinetest.New(b, celAuthorizer, expressing(expression), pipeline.Environment{})
			request := pipelinetest.Request("X-Role", "user", "X-Role", "admin", "Accept", "*/*", "User-Agent", "bench", "Cookie", "sid=1")
			session := sessionFor(request)
			b.ReportAllocs()
			for b.Loop() {
				if err := handler.Authorize(b.Context(), request, session); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
