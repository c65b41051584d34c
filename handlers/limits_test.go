package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"ostiary/pipeline"
)

// boundedGate is a listener with limits: the proxy's, or the API's.
type boundedGate struct {
	address string
	notes   notes
	door    *Door
}

func openBounded(t testing.TB, limits Limits, next http.Handler, recorded notes) boundedGate {
	t.Helper()
	g := boundedGate{notes: recorded, door: new(Door)}
	g.door.Limit(limits)
	socket := listen(t)
	server := NewServer(g.door.Handler(Frontend(quiet, CORS{}, next)), Timeouts{}, nil, quiet)
	limits.Bind(server)
	serveOn(t, Bounded(socket, limits.Connections), server)
	g.address = socket.Addr().String()
	return g
}

// boundedProxy forwards what it lets in.
func boundedProxy(t testing.TB, limits Limits, upstream http.HandlerFunc) boundedGate {
	t.Helper()
	behind := serve(t, upstream)
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	recorded := newNotes()
	return openBounded(t, limits, &Proxy{
		Decider: permitted(to(t, pipeline.UpstreamConfig{URL: "http://" + behind})), Recorder: recorded,
		Forwarder: &Forwarder{Transport: transport, Log: quiet},
	}, recorded)
}

// boundedAPI decides on what it lets in.
func boundedAPI(t testing.TB, limits Limits, decider Decider) boundedGate {
	t.Helper()
	recorded := newNotes()
	api := API{
		Decisions: []*Decisions{{Decider: decider, Recorder: recorded, Trust: gateways, Dialect: Oathkeeper, Path: "/decisions"}},
		Rulebook:  rulebook{ready: true}, Recorder: recorded, Admin: &Admin{Rulebook: rulebook{}, Recorder: recorded},
	}
	return openBounded(t, limits, api.Handler(), recorded)
}

// discarding is an upstream that reads whatever comes.
func discarding(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	_, _ = fmt.Fprint(w, n)
}

// clientOf is a client that speaks one version of HTTP.
func clientOf(t testing.TB, version int) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetUnencryptedHTTP2(version == 2)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// fetch asks and reads the whole answer.
func fetch(t testing.TB, client *http.Client, request *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

func newRequest(t testing.TB, method, url string, body io.Reader) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// TestAHeaderThatIsTooLongIsRefused for certain when it is longer by as much as
// net/http may have read already.
func TestAHeaderThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	const most = 16 << 10
	g := boundedAPI(t, Limits{HeaderBytes: most}, permitted())
	const line, end = "GET /decisions/x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nX-Long: ", "\r\n\r\n"
	for length, want := range map[int]int{most: http.StatusOK, most + headerSlack + 1: http.StatusRequestHeaderFieldsTooLarge, 20 * most: http.StatusRequestHeaderFieldsTooLarge} {
		text := line + strings.Repeat("x", length-len(line+end)) + end
		if response, _ := ask(t, g.address, text); response.StatusCode != want {
			t.Errorf("%d bytes: got %d, want %d", length, response.StatusCode, want)
		}
	}
	for length, fits := range map[int]bool{most / 2: true, 2 * most: false} {
		request := newRequest(t, http.MethodGet, "http://"+g.address+"/decisions/x", nil)
		request.Header.Set("X-Long", strings.Repeat("x", length))
		response, err := clientOf(t, 2).Do(request) // which may refuse by itself, because it is told of the limit
		if err == nil {
			_ = response.Body.Close()
		}
		if passes := err == nil && response.StatusCode == http.StatusOK; passes != fits {
			t.Errorf("%d bytes by HTTP/2: got %+v, %v", length, response, err)
		}
	}
}

func TestATargetThatIsTooLongIsRefusedUndecided(t *testing.T) {
	t.Parallel()
	const most = 2000
	undecided := ruling(func(*pipeline.Request) pipeline.Decision {
		t.Error("it was decided on")
		return pipeline.Decision{}
	})
	recorded := newNotes()
	for name, g := range map[string]boundedGate{
		"proxy": openBounded(t, Limits{TargetBytes: most}, &Proxy{Decider: undecided, Recorder: recorded, Forwarder: &Forwarder{Log: quiet}}, recorded),
		"api":   boundedAPI(t, Limits{TargetBytes: most}, undecided),
	} {
		for version := 1; version <= 2; version++ {
			target := "/decisions/" + strings.Repeat("x", most)
			status, _, body := fetch(t, clientOf(t, version), newRequest(t, http.MethodGet, "http://"+g.address+target[:most+1], nil))
			if status != http.StatusRequestURITooLong || !strings.Contains(body, `"code":414`) {
				t.Errorf("%s, HTTP/%d: got %d, %s", name, version, status, body)
			}
			got := g.notes.next(t)
			if got.Status != http.StatusRequestURITooLong || !errors.Is(got.Decision.Err, pipeline.TargetTooLong) || got.Decision.Allowed {
				t.Errorf("%s, HTTP/%d: recorded %d, %v", name, version, got.Status, got.Decision.Err)
			}
			if length := len(got.Request.RawPath); length == 0 || length > shownTarget {
				t.Errorf("%s, HTTP/%d: the record has %d bytes of the path", name, version, length)
			}
		}
	}
	fitting := boundedProxy(t, Limits{TargetBytes: most}, discarding)
	if status, _, _ := fetch(t, clientOf(t, 1), newRequest(t, http.MethodGet, "http://"+fitting.address+"/"+strings.Repeat("x", most-1), nil)); status != http.StatusOK {
		t.Errorf("a target that just fits: got %d", status)
	}
}

func TestAHeaderWithTooManyLinesIsRefusedUndecided(t *testing.T) {
	t.Parallel()
	const most = 50
	for name, g := range map[string]boundedGate{
		"proxy": boundedProxy(t, Limits{HeaderLines: most}, discarding),
		"api":   boundedAPI(t, Limits{HeaderLines: most}, permitted()),
	} {
		for version := 1; version <= 2; version++ {
			for extra, want := range map[int]int{most - 10: http.StatusOK, most: http.StatusRequestHeaderFieldsTooLarge} {
				request := newRequest(t, http.MethodGet, "http://"+g.address+"/decisions/x", nil)
				for range extra {
					request.Header.Add("X-Same", "x")
				}
				if status, _, body := fetch(t, clientOf(t, version), request); status != want {
					t.Errorf("%s, HTTP/%d, %d lines: got %d, %s", name, version, extra, status, body)
				}
				if got := g.notes.next(t); got.Status != want {
					t.Errorf("%s, HTTP/%d, %d lines: recorded %d, %v", name, version, extra, got.Status, got.Decision.Err)
				}
			}
		}
	}
}

// unannounced is a body of which nobody knows how long it is.
type unannounced struct{ io.Reader }

func TestABodyThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	const most = 100_000
	for version := 1; version <= 2; version++ {
		for name, test := range map[string]struct {
			length  int
			chunked bool
			want    int
		}{
			"announced and fitting":   {most, false, http.StatusOK},
			"announced and too large": {most + 1, false, http.StatusRequestEntityTooLarge},
			"fitting":                 {most, true, http.StatusOK},
			"too large":               {most + 1, true, http.StatusRequestEntityTooLarge},
			"far too large":           {20 * most, true, http.StatusRequestEntityTooLarge},
		} {
			t.Run(fmt.Sprintf("%s by HTTP/%d", name, version), func(t *testing.T) {
				t.Parallel()
				whole := make(chan bool, 1)
				g := boundedProxy(t, Limits{BodyBytes: most}, func(_ http.ResponseWriter, r *http.Request) {
					_, err := io.Copy(io.Discard, r.Body)
					whole <- err == nil
				})
				var body io.Reader = strings.NewReader(strings.Repeat("x", test.length))
				if test.chunked {
					body = unannounced{body}
				}
				status, _, _ := fetch(t, clientOf(t, version), newRequest(t, http.MethodPost, "http://"+g.address+"/x", body))
				if status != test.want {
					t.Errorf("got %d, want %d", status, test.want)
				}
				recorded := g.notes.next(t)
				if recorded.Status != test.want {
					t.Errorf("recorded: %d", recorded.Status)
				}
				switch {
				case test.want == http.StatusOK:
				case test.chunked: // it was allowed, and broke off then
					if !errors.Is(recorded.Failure, pipeline.TooLarge) || !recorded.Decision.Allowed {
						t.Errorf("recorded: %v, %v", recorded.Failure, recorded.Decision)
					}
				case !errors.Is(recorded.Decision.Err, pipeline.TooLarge):
					t.Errorf("recorded: %v", recorded.Decision.Err)
				}
				select {
				case got := <-whole:
					if got != (test.want == http.StatusOK) {
						t.Errorf("the upstream takes what it got for the whole body: %t", got)
					}
				default: // it has not noticed yet, or got nothing at all
				}
			})
		}
	}
}

// reading is a rule that needs the body.
var reading = ruling(func(request *pipeline.Request) pipeline.Decision {
	if _, err := request.Body.Bytes(1 << 20); err != nil {
		return refused(err)
	}
	return permitted()(request)
})

func TestADecisionThatNeedsTheBodyIsToldThatItIsTooLarge(t *testing.T) {
	t.Parallel()
	const most = 1000
	g := boundedAPI(t, Limits{BodyBytes: most}, reading)
	for length, want := range map[int]int{most: http.StatusOK, most + 1: http.StatusRequestEntityTooLarge} {
		request := newRequest(t, http.MethodPost, "http://"+g.address+"/decisions/x", unannounced{strings.NewReader(strings.Repeat("x", length))})
		if status, _, _ := fetch(t, clientOf(t, 1), request); status != want {
			t.Errorf("%d bytes: got %d, want %d", length, status, want)
		}
	}
}

// TestMoreRequestsThanMayBeUnderWayAreRefused, but for those about health: an
// instance that has much to do is not to be ended for it.
func TestMoreRequestsThanMayBeUnderWayAreRefused(t *testing.T) {
	t.Parallel()
	const most = 2
	arrived, release := make(chan struct{}, most), make(chan struct{})
	g := boundedAPI(t, Limits{Requests: most}, ruling(func(request *pipeline.Request) pipeline.Decision {
		if request.Path == "/slow" {
			arrived <- struct{}{}
			<-release
		}
		return permitted()(request)
	}))
	answers := make(chan int, most)
	for range most {
		w := dial(t, g.address)
		w.send("GET /decisions/slow HTTP/1.1\r\nHost: app.test\r\n\r\n")
		go func() {
			response, err := http.ReadResponse(w.reader, nil)
			if err != nil {
				answers <- 0
				return
			}
			answers <- response.StatusCode
		}()
		<-arrived
	}
	if inside := g.door.Inside(); inside != most {
		t.Errorf("%d are under way", inside)
	}
	for _, target := range []string{"/decisions/x", "/rules", "/nowhere"} {
		status, header, body := fetch(t, clientOf(t, 1), newRequest(t, http.MethodGet, "http://"+g.address+target, nil))
		if status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" || !strings.Contains(body, `"code":503`) {
			t.Errorf("%s: got %d, %v, %s", target, status, header, body)
		}
		if got := g.notes.next(t); got.Status != http.StatusServiceUnavailable || got.Decision != nil && !errors.Is(got.Decision.Err, pipeline.Overloaded) {
			t.Errorf("%s: recorded: %+v", target, got)
		}
	}
	for _, target := range []string{"/health/alive", "/health/ready"} {
		if status, _, body := fetch(t, clientOf(t, 1), newRequest(t, http.MethodGet, "http://"+g.address+target, nil)); status != http.StatusOK {
			t.Errorf("%s: got %d, %s", target, status, body)
		}
	}
	close(release)
	for range most {
		if got := <-answers; got != http.StatusOK {
			t.Errorf("one of those that were under way: got %d", got)
		}
	}
	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := g.door.Empty(waiting); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := fetch(t, clientOf(t, 1), newRequest(t, http.MethodGet, "http://"+g.address+"/decisions/x", nil)); status != http.StatusOK {
		t.Errorf("when there is room again: got %d", status)
	}
}

// TestLimitsChangeWhileTheListenerServes as far as they are the door's.
func TestLimitsChangeWhileTheListenerServes(t *testing.T) {
	t.Parallel()
	g := boundedAPI(t, Limits{}, permitted())
	target := "http://" + g.address + "/decisions/" + strings.Repeat("x", 10_000)
	for _, test := range []struct{ most, want int }{{0, http.StatusOK}, {1000, http.StatusRequestURITooLong}, {20_000, http.StatusOK}} {
		g.door.Limit(Limits{TargetBytes: test.most})
		if status, _, _ := fetch(t, clientOf(t, 1), newRequest(t, http.MethodGet, target, nil)); status != test.want {
			t.Errorf("with at most %d bytes: got %d, want %d", test.most, status, test.want)
		}
	}
}

func TestAConnectionOfHTTP2IsToldHowManyStreamsItMayHave(t *testing.T) {
	t.Parallel()
	g := boundedAPI(t, Limits{Streams: 7}, permitted())
	connection, err := net.Dial("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if _, err := io.WriteString(connection, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(connection, connection)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	frame, err := framer.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	settings, ok := frame.(*http2.SettingsFrame)
	if !ok {
		t.Fatalf("got a %T", frame)
	}
	if got, told := settings.Value(http2.SettingMaxConcurrentStreams); !told || got != 7 {
		t.Errorf("got %d, %t", got, told)
	}
}
