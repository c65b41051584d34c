//go:build e2e

package main_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// soakTime is how long hostile traffic lasts: OSTIARY_SOAK, or a while that shows what breaks at once.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text, set := os.LookupEnv("OSTIARY_SOAK")
	if !set {
		return 15 * time.Second
	}
	asked, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

// TestE2EGoodTrafficDoesNotMindBadTraffic sends what good clients send, alone and then beside all kinds of hostile clients and
// upstreams. The good ones see no error, and when the others are gone, memory and goroutines are back where they were. How
// long the good ones wait is told, not judged: the machine may have other things to do.
func TestE2EGoodTrafficDoesNotMindBadTraffic(t *testing.T) {
	s := startSoak(t)
	lasting := soakTime(t)
	s.good(t, 2*time.Second) // what is made once is made now
	alone := s.good(t, max(lasting/10, 5*time.Second))
	before := s.footprint(t)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for name, attack := range attacks {
		running.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(len(name))))
			for n := 0; ctx.Err() == nil; n++ {
				attack(ctx, s, random, n)
			}
		})
	}
	among := s.good(t, lasting)
	during := s.footprint(t)
	stop()
	running.Wait()
	t.Logf("alone: %s", alone)
	t.Logf("beside %d hostile requests: %s", s.hostile.Load(), among)
	if s.hostile.Load() < 100 {
		t.Error("there were hardly any hostile requests")
	}
	var after footprint
	// Connections to upstreams are kept for a minute and a half; caches keep what they are allowed to, and Go gives memory
	// back slowly.
	awaitFor(t, 5*time.Minute, "what the hostile clients left to be gone", func() bool {
		time.Sleep(time.Second)
		after = s.footprint(t)
		return after.goroutines <= before.goroutines+20 && after.memory <= before.memory+32<<20
	})
	t.Logf("before %v, during %v, after %v", before, during, after)
	last := s.good(t, max(lasting/10, 5*time.Second))
	t.Logf("alone again: %s", last)
	s.stop(t)
}

// soak is an engine with good and bad services around it.
type soak struct {
	*bastion
	hostile atomic.Int64
	slots   chan struct{} // hostile connections that may be open at a time
}

func startSoak(t *testing.T) *soak {
	t.Helper()
	sessions := new(sessionService)
	sessions.server = httptest.NewServer(sessions)
	t.Cleanup(sessions.server.Close)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys": []}`) }))
	t.Cleanup(keys.Close)
	g := startBastion(t, func(upstream, tenantService string) []object {
		rules := securityRules(upstream, tenantService)
		for id, handler := range map[string]string{"session": "cookie_session", "token": "jwt", "bad": "anonymous"} {
			rule := openRule(upstream)
			rule["id"], rule["authenticators"] = id, []object{{"handler": handler}}
			rule["match"] = object{"url": "http://app.test/" + id + "/<.*>", "methods": []string{"GET", "POST"}}
			if id == "bad" {
				rule["upstream"] = object{"url": upstream, "timeout": object{"response": "2s"}}
			}
			rules = append(rules, rule)
		}
		return rules
	}, func(config object) {
		authenticators := section(config, "authenticators")
		authenticators["cookie_session"] = object{"enabled": true, "config": object{"check_session_url": sessions.server.URL, "cache": object{"enabled": true, "ttl": "1m"}}}
		authenticators["jwt"] = object{"enabled": true, "config": object{"jwks_urls": []string{keys.URL}}}
		section(config, "log")["level"] = "warn"
	})
	g.upstream.mutex.Lock()
	g.upstream.forgets = true
	g.upstream.answers = misbehaving
	g.upstream.mutex.Unlock()
	return &soak{bastion: g, slots: make(chan struct{}, 400)}
}

// What is sent again and again is made once: the good clients share this process.
var (
	longAnswer = "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 2<<20) + "\r\n\r\n"

	oversized = []string{
		"GET /user/1 HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer " + strings.Repeat("t", 1<<20) + "\r\n\r\n",
		"GET /public/" + strings.Repeat("a", 100<<10) + " HTTP/1.1\r\nHost: app.test\r\n\r\n",
		"GET /public/x HTTP/1.1\r\nHost: app.test\r\n" + strings.Repeat("X-Line: value\r\n", 10_000) + "\r\n",
		"GET /session/x HTTP/1.1\r\nHost: app.test\r\nCookie: " + strings.Repeat("a=b; ", 10_000) + "\r\n\r\n",
	}
)

// misbehaving upstreams answer garbage, cut answers off, and lie about lengths.
func misbehaving(s *testimony) string {
	switch {
	case strings.HasPrefix(s.target, "/bad/garbage"):
		return "\x00\xff not HTTP\r\n\r\n"
	case strings.HasPrefix(s.target, "/bad/length"):
		return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"
	case strings.HasPrefix(s.target, "/bad/header"):
		return longAnswer
	case strings.HasPrefix(s.target, "/bad/chunk"):
		return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"
	case strings.HasPrefix(s.target, "/bad/silent"):
		return "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx"
	}
	return ""
}

// attacks are kinds of hostile traffic. Each call is one blow, with a pause that keeps the machine's processors from being
// what good clients wait for.
var attacks = map[string]func(ctx context.Context, s *soak, random *rand.Rand, n int){
	"slow headers": func(ctx context.Context, s *soak, _ *rand.Rand, _ int) {
		s.drip(ctx, "GET /public/x HTTP/1.1\r\nHost: app.test\r\nX-A: ", "b", 30)
	},
	"slow bodies": func(ctx context.Context, s *soak, _ *rand.Rand, _ int) {
		s.drip(ctx, "POST /user/1 HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer TU\r\nContent-Length: 100000\r\n\r\n", "x", 30)
	},
	"oversized": func(ctx context.Context, s *soak, _ *rand.Rand, n int) {
		s.strike(ctx, oversized[n%len(oversized)])
	},
	"malformed": func(ctx context.Context, s *soak, random *rand.Rand, _ int) {
		noise := make([]byte, random.IntN(2000))
		for i := range noise {
			noise[i] = byte(random.UintN(256))
		}
		s.strike(ctx, "GET /public/%2e%2e/"+string(noise)+" HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: x\r\n\r\n"+string(noise))
	},
	"unknown keys": func(ctx context.Context, s *soak, random *rand.Rand, _ int) {
		token := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":"%d"}`, random.Uint64())) + "." +
			base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"mallory"}`)) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256))
		s.strike(ctx, "GET /token/x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nAuthorization: Bearer "+token+"\r\n\r\n")
	},
	"unknown cookies": func(ctx context.Context, s *soak, random *rand.Rand, _ int) {
		s.strike(ctx, "GET /session/x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nCookie: session="+strconv.FormatUint(random.Uint64(), 36)+"\r\n\r\n")
	},
	"bad upstreams": func(ctx context.Context, s *soak, _ *rand.Rand, n int) {
		kind := []string{"garbage", "length", "header", "chunk", "silent"}[n%5]
		s.strike(ctx, "GET /bad/"+kind+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
	},
	"streams begun and reset": func(ctx context.Context, s *soak, _ *rand.Rand, _ int) {
		s.resets(ctx)
	},
}

const blow = 60 * time.Millisecond

// strike sends bytes, waits for what is answered, for a while, and hangs up.
func (s *soak) strike(ctx context.Context, text string) {
	pause(ctx, blow)
	s.connect(func(connection net.Conn) {
		_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(connection, text)
		_, _ = io.Copy(io.Discard, connection)
	})
}

// drip sends a text, and then a bit more every now and then.
func (s *soak) drip(ctx context.Context, text, more string, times int) {
	pause(ctx, 5*blow)
	s.connect(func(connection net.Conn) {
		_, err := io.WriteString(connection, text)
		for range times {
			pause(ctx, time.Second)
			if err != nil || ctx.Err() != nil {
				return
			}
			_, err = io.WriteString(connection, more)
		}
	})
}

// connect lets a hostile client of its own have a connection, when there is room for one.
func (s *soak) connect(use func(net.Conn)) {
	s.slots <- struct{}{}
	go func() {
		defer func() { <-s.slots }()
		connection, err := dialerOf(stranger).Dial("tcp", s.ports.address("proxy"))
		if err != nil {
			return
		}
		defer connection.Close()
		s.hostile.Add(1)
		use(connection)
	}()
}

// resets begins streams of HTTP/2 and takes them back at once.
func (s *soak) resets(ctx context.Context) {
	pause(ctx, 10*blow)
	connection, err := net.Dial("tcp", s.ports.address("proxy"))
	if err != nil {
		return
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(connection, http2.ClientPreface)
	framer := http2.NewFramer(connection, connection)
	_ = framer.WriteSettings()
	var block strings.Builder
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "app.test"}, {":path", "/public/x"}} {
		_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	for stream := uint32(1); stream < 200 && err == nil; stream += 2 {
		s.hostile.Add(1)
		err = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte(block.String()), EndStream: true, EndHeaders: true})
		_ = framer.WriteRSTStream(stream, http2.ErrCodeCancel)
	}
}

func pause(ctx context.Context, how time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(how):
	}
}

// waits are how long good clients waited for their answers.
type waits []time.Duration

func (w waits) String() string {
	slices.Sort(w)
	at := func(part float64) time.Duration { return w[int(float64(len(w)-1)*part)].Round(10 * time.Microsecond) }
	return fmt.Sprintf("%d good requests, p50 %v, p99 %v, at most %v", len(w), at(.5), at(.99), at(1))
}

// good sends good requests for a while, all of which have to be answered as they are to be.
func (s *soak) good(t *testing.T, lasting time.Duration) waits {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), lasting)
	defer stop()
	client := &http.Client{Timeout: lifeLimit, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	var mutex sync.Mutex
	var all waits
	ask := func(n int) error {
		listener, path := "proxy", "/user/1"
		switch n % 4 {
		case 1:
			path = "/public/x"
		case 2:
			path = "/session/x"
		case 3:
			listener, path = "api", "/decisions/user/1"
		}
		request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, "http://"+s.ports.address(listener)+path, nil)
		if err != nil {
			return err
		}
		request.Host = "app.test"
		if path != "/public/x" && path != "/session/x" {
			request.Header.Set("Authorization", "Bearer "+userToken)
		}
		if path == "/session/x" {
			request.Header.Set("Cookie", "session=alice")
		}
		began := time.Now()
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", path, answer.Status)
		}
		mutex.Lock()
		defer mutex.Unlock()
		all = append(all, time.Since(began))
		return nil
	}
	_, problems := steadily(ctx, 5*time.Millisecond, 64, ask)
	for _, problem := range problems[:min(len(problems), 10)] {
		t.Errorf("%d good requests failed: %v", len(problems), problem)
	}
	if len(all) == 0 {
		t.Fatal("no good request was answered")
	}
	return all
}

// footprint is what the engine takes up.
type footprint struct {
	memory     int // that Go has from the system, in bytes: the race detector never gives its own back
	goroutines int
}

func (f footprint) String() string {
	return fmt.Sprintf("%d MiB, %d goroutines", f.memory>>20, f.goroutines)
}

func (s *soak) footprint(t *testing.T) footprint {
	t.Helper()
	answer, err := plainClient.Get("http://" + s.ports.address("prometheus") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var f footprint
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		number, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil:
		case name == "go_goroutines":
			f.goroutines = int(number)
		case name == "go_memstats_sys_bytes":
			f.memory += int(number)
		case name == "go_memstats_heap_released_bytes":
			f.memory -= int(number)
		}
	}
	if f.goroutines == 0 || f.memory == 0 {
		t.Fatal("the metrics do not tell what the engine takes up")
	}
	return f
}
