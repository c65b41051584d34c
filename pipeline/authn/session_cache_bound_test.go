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

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
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
func flood(handler pipeline.Authenticator, many int, cookie string) (worst int) {
	const looks = 4
	before := heap()
	var sent atomic.Int64
	for look := range int64(looks) {
		var group sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() {
				request := pipelinetest.Request()
				for sent.Load() < (look+1)*int64(many)/looks {
					request.Header["Cookie"] = []string{cookie + "=" + strconv.FormatInt(sent.Add(1), 10)}
					// Whether it is allowed does not matter here.
					_ = handler.Authenticate(context.Background(), request, &pipeline.Session{})
				}
			})
		}
		group.Wait()
		worst = max(worst, heap()-before)
	}
	runtime.KeepAlive(handler)
	return worst
}

// TestAMillionCookiesTakeNoMoreMemoryThanTheCacheMay is not parallel, so that
// it measures nobody else.
func TestAMillionCookiesTakeNoMoreMemoryThanTheCacheMay(t *testing.T) {
	const room = 1 << 20
	always := func(status int, body string) answering {
		return func(*http.Request) (int, http.Header, string) { return status, nil, body }
	}
	fewer := distinctCookies / 50 // where one of them takes long; more than there is room for
	tests := map[string]struct {
		id, config string
		cookies    int
		answer     answering
	}{
		"sessions":                    {"cookie_session", `{"subject_from": "subject", "extra_from": "extra"}`, distinctCookies, always(200, `{"subject":"ada","extra":{"role":"editor"}}`)},
		"nothing but names":           {"cookie_session", `{"subject_from": "subject", "extra_from": "none"}`, fewer, always(200, `{"subject":"a"}`)},
		"large sessions":              {"cookie_session", `{}`, fewer, always(200, sessionOf("ada"))},
		"large sessions of Kratos":    {"kratos_session", `{}`, fewer, always(200, sessionOf("ada"))},
		"headers of a large answer":   {"cookie_session", `{"answer_headers": ["X-User"]}`, fewer, largeAnswer},
		"refusals":                    {"cookie_session", `{"cache": {"enabled": true, "max_cost": 1048576, "negative_ttl": "1h"}}`, fewer, always(401, "")},
		"sessions kept for an outage": {"cookie_session", `{"cache": {"enabled": true, "max_cost": 1048576, "stale": "1h"}}`, fewer, always(200, sessionOf("ada"))},
	}
	for name, test := range tests {
		environment := newWorld(t).Environment
		environment.Transport = test.answer
		c := checkers[test.id]
		handler := c.with(t, environment, "http://kratos.test", layered(t, cached(`"max_cost": 1048576`), test.config))
		if _, err := pass(t, handler, c.bearing("0")); err != nil && kindOf(t, err) != pipeline.BadCredential { //nolint:errorlint // kinds are values
			t.Fatalf("%s: %v", name, err)
		}
		if took := flood(handler, test.cookies, "ory_kratos_session"); took > room || took < room/8 {
			t.Errorf("%s: %d bytes, of %d", name, took, room)
		}
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
