package authn

import (
	"bufio"
	"context"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
	"ostiary/pipeline/internal/remote"
)

// heap is how much memory is in use, in bytes.
func heap() int {
	runtime.GC()
	runtime.GC() // what the first one made free
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int(memory.HeapAlloc)
}

// flood sends as many requests, each with a cookie of its own, and measures
// how much memory they leave in use, at the worst of a few times.
func flood(many int, send func(*pipeline.Request)) (worst int) {
	const looks = 4
	before := heap()
	var sent atomic.Int64
	for look := range int64(looks) {
		var group sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() {
				request := pipelinetest.Request()
				for sent.Load() < (look+1)*int64(many)/looks {
					request.Header["Cookie"] = []string{"ory_kratos_session=" + strconv.FormatInt(sent.Add(1), 10)}
					send(request)
				}
			})
		}
		group.Wait()
		grown := heap() - before
		for deadline := time.Now().Add(20 * time.Second); grown > roomForSessions && time.Now().Before(deadline); grown = heap() - before {
			time.Sleep(time.Millisecond) // what is too much goes in the background
		}
		worst = max(worst, grown)
	}
	return worst
}

const (
	roomForSessions = 1 << 20
	inThatRoom      = `{"cache": {"enabled": true, "max_cost": 1048576}}`
)

func expectInRoom(t *testing.T, took int) {
	t.Helper()
	if took > roomForSessions || took < roomForSessions/8 {
		t.Errorf("%d bytes, of %d", took, roomForSessions)
	}
}

// TestAMillionCookiesTakeNoMoreMemoryThanTheCacheMay is not parallel, so that
// it measures nobody else. It leaves out the way to the session service, which
// takes most of the time.
func TestAMillionCookiesTakeNoMoreMemoryThanTheCacheMay(t *testing.T) {
	handler, _ := checkers["cookie_session"].with(t, newWorld(t).Environment, "http://kratos.test", inThatRoom).(*CookieSession)
	check := handler.check
	answer := &remote.Answer{Status: http.StatusOK, Body: []byte(`{"identity":{"id":"ada"}}`)}
	expectInRoom(t, flood(distinctCookies, func(request *pipeline.Request) {
		ask := func(context.Context) (*verdict, error) { return check.judge(answer) }
		if r, err := check.sessions.verdict(context.Background(), check.key(request), ask); err != nil || r.subject != "ada" {
			t.Errorf("got %+v, %v", r, err)
		}
	}))
	runtime.KeepAlive(handler)
}

// TestAnswersOfEveryKindTakeNoMoreMemoryThanTheCacheMay goes the whole way,
// with more cookies than there is room for. It is not parallel either.
func TestAnswersOfEveryKindTakeNoMoreMemoryThanTheCacheMay(t *testing.T) {
	always := func(status int, body string) answering {
		return func(*http.Request) (int, http.Header, string) { return status, nil, body }
	}
	tests := map[string]struct {
		id, config string
		answer     answering
	}{
		"small sessions":              {"cookie_session", `{"subject_from": "subject", "extra_from": "none"}`, always(200, `{"subject":"a"}`)},
		"large sessions":              {"cookie_session", `{}`, always(200, sessionOf("ada"))},
		"sessions of Kratos":          {"kratos_session", `{}`, always(200, sessionOf("ada"))},
		"headers of a large answer":   {"cookie_session", `{"answer_headers": ["X-User"]}`, largeAnswer},
		"refusals":                    {"cookie_session", `{"cache": {"enabled": true, "max_cost": 1048576, "negative_ttl": "1h"}}`, always(401, "")},
		"sessions kept for an outage": {"cookie_session", `{"cache": {"enabled": true, "max_cost": 1048576, "stale": "1h"}}`, always(200, sessionOf("ada"))},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			environment := newWorld(t).Environment
			environment.Transport = test.answer
			c := checkers[test.id]
			handler := c.with(t, environment, "http://kratos.test", layered(t, inThatRoom, test.config))
			if _, err := pass(t, handler, c.bearing("0")); err != nil && kindOf(t, err) != pipeline.BadCredential { //nolint:errorlint // kinds are values
				t.Fatal(err)
			}
			expectInRoom(t, flood(tooManyCookies, func(request *pipeline.Request) {
				// Whether it is allowed does not matter here.
				_ = handler.Authenticate(context.Background(), request, &pipeline.Session{})
			}))
			runtime.KeepAlive(handler)
		})
	}
}

// largeAnswer has much in its header that nobody asked for, as it comes from
// the network: in one piece.
func largeAnswer(request *http.Request) (int, http.Header, string) {
	head := "HTTP/1.1 200 OK\r\nX-User: ada\r\nX-Large: " + strings.Repeat("x", 4<<10) + "\r\nContent-Length: 0\r\n\r\n"
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head)), request)
	if err != nil {
		panic(err) // it is well formed
	}
	return 200, response.Header, sessionOf("ada")
}
