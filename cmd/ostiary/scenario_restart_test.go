package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// echoing is an upstream that answers with what it gets.
func echoing(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestARollingRestartLosesNoRequest stops and starts two instances in turn, behind a balancer that goes by their readiness
// and under a load of requests that nobody may send twice.
func TestARollingRestartLosesNoRequest(t *testing.T) {
	t.Parallel()
	upstream := echoing(t)
	// The balancer looks every 100 ms; the rest is for a machine that has other things to do.
	serve := object{"shutdown": object{"delay": "5s"}}
	instances := []*instance{newInstance(t, upstream, serve), newInstance(t, upstream, serve)}
	for _, i := range instances {
		i.startReady(t)
	}
	b := startBalancer(t, instances...)
	isReady := func(n int) func() bool { return b.backends[n].ready.Load }
	for n := range instances {
		await(t, "both to be ready", isReady(n))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	var total atomic.Int64
	for _, listener := range []string{"proxy", "api"} {
		path := map[string]string{"proxy": "/x", "api": "/decisions/x"}[listener]
		running.Go(func() {
			answered, problems := steadily(ctx, 10*time.Millisecond, 32, func(n int) error {
				return b.post(context.WithoutCancel(ctx), listener, path, fmt.Sprintf("request %d", n))
			})
			for _, problem := range problems[:min(len(problems), 10)] {
				t.Errorf("%d requests failed: %v", len(problems), problem)
			}
			total.Add(int64(answered))
		})
	}
	for round := 0; round < 3 && !t.Failed(); round++ {
		for n, i := range instances {
			i.stop(t)
			await(t, "the balancer to notice", func() bool { return !b.backends[n].ready.Load() })
			i.startReady(t)
			await(t, "it to be ready again", isReady(n))
		}
	}
	cancel()
	running.Wait()
	t.Logf("%d requests answered", total.Load())
	if total.Load() == 0 {
		t.Error("no request was answered")
	}
	for _, i := range instances {
		i.signal(t, syscall.SIGTERM)
	}
	for _, i := range instances {
		i.awaitEnd(t)
	}
}

// patientUpstream has a download that goes on until it is released, and a WebSocket that is in the test's hands.
type patientUpstream struct {
	*httptest.Server
	release    chan struct{}
	webSockets chan net.Conn
}

func startPatientUpstream(t testing.TB) *patientUpstream {
	t.Helper()
	u := &patientUpstream{release: make(chan struct{}), webSockets: make(chan net.Conn, 1)}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/download":
			_, _ = io.WriteString(w, "first half, ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-u.release:
			case <-r.Context().Done():
				return
			}
			_, _ = io.WriteString(w, "second half")
		case "/socket":
			connection, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			_ = connection.SetDeadline(time.Now().Add(lifeLimit))
			u.webSockets <- connection
		}
	}))
	t.Cleanup(u.CloseClientConnections)
	t.Cleanup(u.Close)
	return u
}

// beginDownload returns when the first half has come.
func beginDownload(t testing.TB, i *instance) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, i.url("proxy", "/download"), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	half := make([]byte, len("first half, "))
	if _, err := io.ReadFull(answer.Body, half); err != nil {
		t.Fatal(err)
	}
	return answer
}

// beginWebSocket returns both of its ends.
func beginWebSocket(t testing.TB, i *instance, u *patientUpstream) (client *bufio.ReadWriter, upstream *bufio.ReadWriter) {
	t.Helper()
	connection, err := net.Dial("tcp", i.ports.address("proxy"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(lifeLimit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(connection, "GET /socket HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	client = bufio.NewReadWriter(bufio.NewReader(connection), bufio.NewWriterSize(connection, 0))
	answer, err := http.ReadResponse(client.Reader, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", answer, err)
	}
	behind := <-u.webSockets
	t.Cleanup(func() { behind.Close() })
	return client, bufio.NewReadWriter(bufio.NewReader(behind), bufio.NewWriter(behind))
}

// say sends bytes at once.
func say(t testing.TB, to *bufio.ReadWriter, text string) {
	t.Helper()
	if _, err := to.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := to.Flush(); err != nil {
		t.Fatal(err)
	}
}

// farewell reads a Close frame and returns its status.
func farewell(t testing.TB, from *bufio.ReadWriter) uint16 {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		t.Fatal(err)
	}
	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err := io.ReadFull(from, mask[:]); err != nil {
			t.Fatal(err)
		}
	}
	var status [2]byte
	if _, err := io.ReadFull(from, status[:]); err != nil {
		t.Fatal(err)
	}
	if head[0] != 0x88 || head[1]&0x7f != 2 {
		t.Fatalf("got a frame that begins with % x", head)
	}
	return uint16(status[0]^mask[0])<<8 | uint16(status[1]^mask[1])
}

// Close frames with the status 1001, of an upstream and of a client.
const goingAway, maskedGoingAway = "\x88\x02\x03\xe9", "\x88\x82\x00\x00\x00\x00\x03\xe9"

// TestAStopLetsWhatIsUnderWayEnd tells an instance to stop while it has a download and a WebSocket. It is unready at
// once, goes on serving for the delay, and then closes its ports, says farewell to both ends of the WebSocket, and waits
// for them and for the download.
func TestAStopLetsWhatIsUnderWayEnd(t *testing.T) {
	t.Parallel()
	upstream := startPatientUpstream(t)
	i := newInstance(t, upstream.URL, object{"shutdown": object{"delay": "1s", "timeout": "60s"}})
	i.startReady(t)
	download := beginDownload(t, i)
	client, behind := beginWebSocket(t, i, upstream)
	say(t, client, "\x81\x85\x00\x00\x00\x00hello")
	if hello := make([]byte, 11); !readsAs(behind, hello, "\x81\x85\x00\x00\x00\x00hello") {
		t.Errorf("the upstream got % x", hello)
	}

	i.signal(t, syscall.SIGTERM)
	i.awaitLogged(t, "msg=stopping", 1)
	ready, err := plainClient.Get(i.url("api", "/health/ready"))
	if err != nil {
		t.Fatal(err)
	}
	ready.Body.Close()
	if ready.StatusCode != http.StatusServiceUnavailable || !ready.Close {
		t.Errorf("ready: got %d; the connection is to be closed: %t", ready.StatusCode, ready.Close)
	}
	served, err := plainClient.Get(i.url("proxy", "/"))
	if err != nil {
		t.Fatal(err)
	}
	served.Body.Close()
	if served.StatusCode != http.StatusOK || !served.Close {
		t.Errorf("a request in the delay: got %d; the connection is to be closed: %t", served.StatusCode, served.Close)
	}

	if status := farewell(t, client); status != 1001 {
		t.Errorf("the client is told %d", status)
	}
	if status := farewell(t, behind); status != 1001 {
		t.Errorf("the upstream is told %d", status)
	}
	await(t, "the port to close", func() bool {
		connection, err := net.Dial("tcp", i.ports.address("proxy"))
		if err == nil {
			connection.Close()
		}
		return err != nil
	})
	say(t, client, maskedGoingAway)
	say(t, behind, goingAway)
	for name, end := range map[string]*bufio.ReadWriter{"client": client, "upstream": behind} {
		if rest, err := io.ReadAll(end); err != nil || len(rest) > 0 {
			t.Errorf("to the %s comes also % x, %v", name, rest, err)
		}
	}
	if i.hasEnded() {
		t.Error("it has ended before the download")
	}
	close(upstream.release)
	if rest, err := io.ReadAll(download.Body); err != nil || string(rest) != "second half" {
		t.Errorf("the download ends with %q, %v", rest, err)
	}
	i.awaitEnd(t)
	if cut := i.logged(t, "cut off"); cut != 0 {
		t.Error("it says that something was cut off")
	}
}

func readsAs(from io.Reader, into []byte, want string) bool {
	_, err := io.ReadFull(from, into)
	return err == nil && string(into) == want
}

// TestAStopDoesNotWaitForEver for a download that does not end and a WebSocket that does not answer: only until its time
// is over, or until it is told again.
func TestAStopDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		delay, timeout string
		again          bool
	}{
		"when its time is over":              {"0s", "500ms", false},
		"when it is told again":              {"0s", "10m", true},
		"when it is told again in the delay": {"10m", "10m", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream := startPatientUpstream(t)
			i := newInstance(t, upstream.URL, object{"shutdown": object{"delay": test.delay, "timeout": test.timeout}})
			i.env = map[string]string{"GORACE": "atexit_sleep_ms=0"} // or whoever is late has a second more to record
			i.startReady(t)
			download := beginDownload(t, i)
			client, _ := beginWebSocket(t, i, upstream)
			i.signal(t, syscall.SIGTERM)
			if test.again {
				i.awaitLogged(t, "msg=stopping", 1)
				i.signal(t, syscall.SIGTERM)
			}
			i.awaitEnd(t)
			if rest, err := io.ReadAll(download.Body); err == nil {
				t.Errorf("the download looks whole: %q", rest)
			}
			if _, err := io.ReadAll(client); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Error("the WebSocket is still open")
			}
			if i.logged(t, "was cut off") != 1 || i.logged(t, "requests=2") != 1 {
				t.Error("the log does not tell that two were cut off")
			}
			// Both are recorded, though they did not end by themselves.
			for _, path := range []string{"/download", "/socket"} {
				if i.logged(t, "http_request.path="+path) != 1 {
					t.Errorf("%s is not in the log", path)
				}
			}
		})
	}
}

// TestSIGHUPReloadsEverything even if nothing looks changed, and does not end the process.
func TestSIGHUPReloadsEverything(t *testing.T) {
	t.Parallel()
	i := newInstance(t, echoing(t), object{})
	i.startReady(t)
	for times := 1; times <= 3; times++ {
		i.signal(t, syscall.SIGHUP)
		i.awaitLogged(t, `msg="configuration reloaded"`, times)
	}
	answer, err := plainClient.Get(i.url("proxy", "/"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("got %d", answer.StatusCode)
	}
	i.stop(t)
}
