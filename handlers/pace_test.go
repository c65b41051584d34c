package handlers

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ostiary/pipeline"
)

// The tests of this file run in virtual time, over a network in memory: however
// long somebody waits, they take none, and what happens has its exact moment.
// The time-outs are those that the engine has unless it is told otherwise.
const (
	patienceToRead  = 5 * time.Second
	patienceToWrite = 2 * time.Minute
	long            = 10 * time.Minute // far beyond both

	patienceOfClients = time.Hour // which ends a test that would wait for ever
)

// hurried is a gate with time-outs, in the bubble of the test that asks for it.
func hurried(t *testing.T, timeouts Timeouts, upstream http.HandlerFunc) (front *memoryListener, recorded notes) {
	t.Helper()
	t.Cleanup(func() { time.Sleep(time.Hour) }) // when all is closed: whoever sleeps wakes, finds it so, and ends
	behind, front := listenInMemory(t), listenInMemory(t)
	serveOn(t, behind, NewServer(upstream, Timeouts{}, nil, quiet))
	recorded = newNotes()
	proxy := &Proxy{
		Decider: permitted(to(t, pipeline.UpstreamConfig{URL: "http://upstream.test"})), Recorder: recorded,
		Forwarder: &Forwarder{Transport: behind.transport(t, nil), Log: quiet}, Timeouts: timeouts,
	}
	serveOn(t, front, NewServer(Frontend(quiet, CORS{}, proxy), timeouts, nil, quiet))
	return front, recorded
}

// inBothVersions runs a test for a client of each version of HTTP, in a bubble
// of its own: their deadlines work in different ways.
func inBothVersions(t *testing.T, test func(t *testing.T, protocols *http.Protocols)) {
	t.Helper()
	one, two := new(http.Protocols), new(http.Protocols)
	one.SetHTTP1(true)
	two.SetUnencryptedHTTP2(true)
	for version, protocols := range map[string]*http.Protocols{"HTTP/1.1": one, "HTTP/2": two} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, protocols) })
		})
	}
}

// begin sends a request and returns the answer when its header has come. A
// length of -1 is one that nobody knows yet.
func begin(t *testing.T, client *http.Transport, header http.Header, upload io.Reader, length int64) *http.Response {
	t.Helper()
	ctx, giveUp := context.WithTimeout(t.Context(), patienceOfClients)
	t.Cleanup(giveUp)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://app.test/x", upload)
	if err != nil {
		t.Fatal(err)
	}
	request.Header, request.ContentLength = header, length
	response, err := client.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// expectWhole reads an answer to its end.
func expectWhole(t *testing.T, response *http.Response, status int, body string) {
	t.Helper()
	got, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || string(got) != body {
		t.Errorf("got %d, %q, %v; want %d, %q", response.StatusCode, got, err, status, body)
	}
}

// trickle waits before each piece that it gives.
type trickle struct {
	pieces int
	piece  string
	pause  time.Duration
}

func (t *trickle) Read(p []byte) (int, error) {
	if t.pieces == 0 {
		return 0, io.EOF
	}
	t.pieces--
	time.Sleep(t.pause)
	return copy(p, t.piece), nil
}

// slow is an upload that is a little faster than the slowest one: it sends
// 20 KiB within each time-out.
var slow = trickle{int(long / time.Second), strings.Repeat("x", 4<<10), time.Second}

func TestAnUploadMayTakeLongerThanTheTimeOut(t *testing.T) {
	t.Parallel()
	inBothVersions(t, func(t *testing.T, protocols *http.Protocols) {
		front, recorded := hurried(t, Timeouts{Read: patienceToRead}, func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprint(w, n, err)
		})
		upload := slow
		response := begin(t, front.transport(t, protocols), http.Header{}, &upload, -1)
		expectWhole(t, response, http.StatusOK, fmt.Sprint(slow.pieces*len(slow.piece), nil))
		if got := recorded.next(t); got.Took != long || got.Failure != nil {
			t.Errorf("recorded: %v, %v", got.Took, got.Failure)
		}
	})
}

// TestAClientThatStopsSendingIsCutOff within a time-out of the last part that
// came, of which a quarter may be over already, or when it is too far behind
// the slowest upload.
func TestAClientThatStopsSendingIsCutOff(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		upload           trickle
		earliest, latest time.Duration
	}{
		"at once":                    {trickle{1, "x", 0}, patienceToRead, patienceToRead},
		"after a while":              {slow, long + patienceToRead*3/4, long + patienceToRead},
		"and sends next to nothing":  {trickle{1000, "x", time.Second}, patienceToRead, 2 * patienceToRead},
		"and sends a bit too little": {trickle{1000, strings.Repeat("x", 3<<10), time.Second}, 2 * patienceToRead, long / 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothVersions(t, func(t *testing.T, protocols *http.Protocols) {
				front, recorded := hurried(t, Timeouts{Read: patienceToRead}, func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
				})
				say, answer := beginUpload(t, front, protocols)
				upload, began := test.upload, time.Now()
				said := make(chan error, 1)
				go func() { // it tries once more, when it is too late
					_, err := io.Copy(say, io.MultiReader(&upload, &trickle{1, "x", long}))
					said <- err
				}()
				response := answer()
				if took := time.Since(began); response.StatusCode/100 != 4 || took < test.earliest || took > test.latest {
					t.Errorf("got %d after %v; want one of the client's faults between %v and %v", response.StatusCode, took, test.earliest, test.latest)
				}
				if got := recorded.next(t); got.Status != response.StatusCode || got.Failure == nil {
					t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
				}
				if err := <-said; err == nil {
					t.Error("the client may go on after that")
				}
			})
		})
	}
}

// beginUpload begins a request whose body is what is said. Over HTTP/1.1 a
// client library may miss the answer if it still sends when the engine hangs up.
func beginUpload(t *testing.T, front *memoryListener, protocols *http.Protocols) (say io.Writer, answer func() *http.Response) {
	t.Helper()
	const length = 10_000_000
	if protocols.HTTP1() {
		w := front.dial(t, patienceOfClients)
		w.send(fmt.Sprintf("POST /x HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n", length))
		return w.Conn, func() *http.Response { return w.answer(http.MethodPost) }
	}
	said, say := io.Pipe()
	return say, func() *http.Response { return begin(t, front.transport(t, protocols), http.Header{}, said, length) }
}

func TestADownloadMayTakeLongerThanTheTimeOut(t *testing.T) {
	t.Parallel()
	inBothVersions(t, func(t *testing.T, protocols *http.Protocols) {
		const events = 60
		front, recorded := hurried(t, Timeouts{Write: patienceToWrite}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range events {
				_, _ = io.WriteString(w, "data: x\n\n")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(long / events)
			}
		})
		response := begin(t, front.transport(t, protocols), http.Header{}, nil, 0)
		expectWhole(t, response, http.StatusOK, strings.Repeat("data: x\n\n", events))
		if got := recorded.next(t); got.Took != long || got.Failure != nil {
			t.Errorf("recorded: %v, %v", got.Took, got.Failure)
		}
	})
}

// TestAClientThatStopsReadingIsCutOff within a time-out of the last part that
// it took, of which a quarter may be over already.
func TestAClientThatStopsReadingIsCutOff(t *testing.T) {
	t.Parallel()
	const pause = time.Minute
	for name, test := range map[string]struct {
		parts            int
		earliest, latest time.Duration
	}{
		"at once":       {0, patienceToWrite, patienceToWrite + time.Second},
		"after a while": {int(long / pause), long + patienceToWrite*3/4, long + patienceToWrite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothVersions(t, func(t *testing.T, protocols *http.Protocols) {
				front, recorded := hurried(t, Timeouts{Write: patienceToWrite}, func(w http.ResponseWriter, r *http.Request) {
					_ = http.NewResponseController(w).Flush()
					// A timer of httputil's has the header flushed, and waits for a
					// mutex if a write of the body is first and blocks: no virtual
					// time passes then.
					time.Sleep(time.Second)
					for r.Context().Err() == nil {
						_, _ = w.Write(make([]byte, 64<<10))
					}
				})
				response := begin(t, front.transport(t, protocols), http.Header{}, nil, 0)
				for range test.parts {
					time.Sleep(pause)
					if _, err := io.CopyN(io.Discard, response.Body, 256<<10); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(long)
				if got := recorded.next(t); got.Took < test.earliest || got.Took > test.latest { // or else the request never ends
					t.Errorf("it took %v; want it between %v and %v", got.Took, test.earliest, test.latest)
				}
				if _, err := io.Copy(io.Discard, response.Body); err == nil {
					t.Error("the client takes what it got for a whole answer")
				}
			})
		})
	}
}

// TestAClientThatStopsReadingEventsIsCutOff although each of them is short, and
// flushed.
func TestAClientThatStopsReadingEventsIsCutOff(t *testing.T) {
	t.Parallel()
	inBothVersions(t, func(t *testing.T, protocols *http.Protocols) {
		front, recorded := hurried(t, Timeouts{Write: patienceToWrite}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 1<<10))
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Millisecond) // so that none is sent along with the next
			}
		})
		response := begin(t, front.transport(t, protocols), http.Header{}, nil, 0)
		time.Sleep(long)
		if got := recorded.next(t); got.Took > patienceToWrite+time.Minute { // or else the request never ends
			t.Errorf("it took %v", got.Took)
		}
		if _, err := io.Copy(io.Discard, response.Body); err == nil {
			t.Error("the client takes what it got for a whole answer")
		}
	})
}

// TestAStreamOverHTTP2MayBeSilent in both directions, as those of gRPC are.
func TestAStreamOverHTTP2MayBeSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		front, _ := hurried(t, Timeouts{Read: patienceToRead, Write: patienceToWrite}, func(w http.ResponseWriter, r *http.Request) {
			if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			if _, err := io.Copy(w, r.Body); err != nil {
				t.Error(err)
			}
		})
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		said, say := io.Pipe()
		header := http.Header{"Content-Type": {"application/grpc+proto"}}
		response := begin(t, front.transport(t, protocols), header, said, -1)
		time.Sleep(long) // there is nothing to say
		if _, err := io.WriteString(say, "after all"); err != nil {
			t.Fatal(err)
		}
		_ = say.Close()
		expectWhole(t, response, http.StatusOK, "after all")
	})
}

// TestAnUpstreamMayTakeItsTime while the client has nothing to do: the time-outs
// are about clients.
func TestAnUpstreamMayTakeItsTime(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		upstream http.HandlerFunc
		length   int64
		status   int
		body     string
	}{
		"to answer": {func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(long)
			_, _ = io.WriteString(w, "at last")
		}, 0, http.StatusOK, "at last"},
		"to answer with nothing": {func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(long)
			w.WriteHeader(http.StatusNoContent)
		}, 0, http.StatusNoContent, ""},
		"to break off": {func(http.ResponseWriter, *http.Request) {
			time.Sleep(long)
			panic(http.ErrAbortHandler)
		}, 0, http.StatusBadGateway, ""},
		"between two events": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 2 {
				_, _ = io.WriteString(w, "data: x\n\n")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(long)
			}
		}, 0, http.StatusOK, "data: x\n\ndata: x\n\n"},
		"to answer a body that came late": {func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			time.Sleep(long)
			_, _ = fmt.Fprint(w, n)
		}, 1024, http.StatusOK, "1024"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBothVersions(t, func(t *testing.T, protocols *http.Protocols) {
				front, _ := hurried(t, Timeouts{Read: patienceToRead, Write: patienceToWrite}, test.upstream)
				var upload io.Reader
				if test.length > 0 {
					upload = &trickle{1, strings.Repeat("x", int(test.length)), patienceToRead / 2}
				}
				response := begin(t, front.transport(t, protocols), http.Header{}, upload, test.length)
				expectWhole(t, response, test.status, test.body)
			})
		})
	}
}

// TestAnUploadWaitsForItsUpstream over HTTP/2 too, whose deadlines do not wait
// for anybody to read.
func TestAnUploadWaitsForItsUpstream(t *testing.T) {
	t.Parallel()
	const size = 20 << 20
	inBothVersions(t, func(t *testing.T, protocols *http.Protocols) {
		front, _ := hurried(t, Timeouts{Read: patienceToRead, Write: patienceToWrite}, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(long)
			n, err := io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprint(w, n, err)
		})
		response := begin(t, front.transport(t, protocols), http.Header{}, strings.NewReader(strings.Repeat("x", size)), size)
		expectWhole(t, response, http.StatusOK, fmt.Sprint(size, nil))
	})
}
