package authn

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline/internal/cache"
)

func TestAnAnswerAboutATokenLivesAsLongAsTheToken(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 250_000_000)
	for expires, want := range map[int64]time.Duration{
		0:             cache.Forever,
		-1:            cache.Forever,
		math.MaxInt64: cache.Forever,
		1_700_000_001: 750 * time.Millisecond,
		1_700_000_000: -250 * time.Millisecond,
		1_700_003_600: time.Hour - 250*time.Millisecond,
	} {
		if got := (&introspected{expires: expires}).life(now); got != want {
			t.Errorf("exp %d: got %v, want %v", expires, got, want)
		}
	}
	if got := (&introspected{expires: 1}).life(time.Unix(math.MaxInt32, 0)); got >= 0 {
		t.Errorf("long after its end it lives for another %v", got)
	}
}

func TestAnAnswerAboutATokenIsEveryRequestsOwn(t *testing.T) {
	t.Parallel()
	answer, err := parseIntrospected([]byte(`{"active": true, "aud": ["a"], "ext": {"nested": {"k": "v"}, "list": [1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := answer.extra()
	first := answer.extra()
	first["new"] = true
	first["aud"].([]string)[0] = "other"
	first["nested"].(map[string]any)["k"] = "other"
	first["list"].([]any)[0] = 2.0
	if diff := cmp.Diff(want, answer.extra()); diff != "" {
		t.Errorf("what one request changes, the next one sees: %s", diff)
	}
}

func TestAnAnswerAboutATokenWeighsWhatIsInIt(t *testing.T) {
	t.Parallel()
	weigh := func(body string) int {
		answer, err := parseIntrospected([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return answer.weight()
	}
	const long = 10_000
	least := weigh(`{"active": true}`)
	for _, member := range []string{`"sub": "%"`, `"username": "%"`, `"client_id": "%"`, `"iss": "%"`, `"token_use": "%"`, `"scope": "%"`, `"aud": "%"`, `"aud": ["%"]`, `"ext": {"a": "%"}`} {
		body := `{"active": true, ` + strings.Replace(member, "%", strings.Repeat("x", long), 1) + `}`
		if got := weigh(body) - least; got < long || got > 2*long {
			t.Errorf("%s of %d bytes weighs %d", member, long, got)
		}
	}
	if got := weigh(`{"active": true, "token_type": "` + strings.Repeat("x", long) + `"}`); got != least {
		t.Errorf("what is not kept weighs %d", got-least)
	}
	if got := weigh(`{"active": true, "scope": "`+strings.Repeat("a ", long)+`"}`) - least; got < 10*long {
		t.Errorf("%d scopes weigh %d", long, got)
	}
}

// FuzzIntrospected: whatever an endpoint answers, nothing panics, only a JSON
// object with the very member "active" set to true makes a token good, and what
// templates get to see can be encoded again.
func FuzzIntrospected(f *testing.F) {
	for _, body := range []string{
		`{"active": true, "sub": "ada", "scope": "a b", "client_id": "c", "username": "u", "iss": "i", "exp": 4102444800, "aud": ["x"], "ext": {"a": {"b": [1, null]}}}`,
		`null`, ``, ` `, `true`, `[]`, `"active"`, `{}`, `{"active": null}`, `{"active": "true"}`, `{"ACTIVE": true}`, `{"active": true, "active": false}`,
		`{"active": true`, `{"active": true}{}`, `{"active": true, "aud": null}`, `{"active": true, "aud": ["a", null]}`, `{"active": true, "aud": {"a": 1}}`,
		`{"active": true, "exp": -9223372036854775808}`, `{"active": true, "exp": 9223372036854775807}`, `{"active": true, "exp": 1e3}`, `{"active": true, "exp": 1e400}`,
		`{"active": true, "ext": null}`, `{"active": true, "ext": {"a": 1e999}}`, `{"active": true, "ext": {"username": "root"}}`,
		"{\"active\": true, \"sub\": \"\xff\\u0000\"}", "\ufeff{\"active\": true}", `{"active": true, "ext": ` + strings.Repeat(`{"a":`, 500) + `1` + strings.Repeat(`}`, 500) + `}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := parseIntrospected(body)
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("an answer that is no object is accepted: %v", err)
		}
		if says := string(members["active"]) == "true"; says != answer.active {
			t.Errorf("active is %s and is taken for %t", members["active"], answer.active)
		}
		extra := answer.extra()
		for name, want := range map[string]any{"username": answer.username, "client_id": answer.client, "scope": answer.scope} {
			if extra[name] != want {
				t.Errorf("%s is %v, want %v", name, extra[name], want)
			}
		}
		if aud, _ := extra["aud"].([]string); len(answer.audience) > 0 && !slices.Equal(aud, answer.audience) {
			t.Errorf("aud is %v, want %v", extra["aud"], answer.audience)
		}
		if _, err := json.Marshal(extra); err != nil {
			t.Error(err)
		}
		if answer.weight() < len(answer.subject)+len(answer.ext) {
			t.Errorf("it weighs only %d", answer.weight())
		}
		if answer.life(launch) <= 0 && answer.expires > launch.Unix() {
			t.Errorf("exp %d counts as past", answer.expires)
		}
	})
}

func BenchmarkParseIntrospected(b *testing.B) {
	body := []byte(`{"active": true, "sub": "ada", "scope": "orders.read", "client_id": "app", "exp": 4102444800, "aud": ["a"], "ext": {"team": "red"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseIntrospected(body); err != nil {
			b.Fatal(err)
		}
	}
}
