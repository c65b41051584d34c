package rules

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ostiary/rules/repository"
)

// host is a web server with rules that can be told what to say.
type host struct {
	*httptest.Server
	asked  atomic.Int64
	mutex  sync.Mutex
	status int
	text   string
}

func serveRules(t *testing.T, text string) *host {
	t.Helper()
	h := &host{status: http.StatusOK, text: text}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h.asked.Add(1)
		h.mutex.Lock()
		defer h.mutex.Unlock()
		w.WriteHeader(h.status)
		_, _ = fmt.Fprint(w, h.text)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *host) says(status int, text string) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.status, h.text = status, text
}

// polled is an engine whose rules come from the hosts.
func polled(t *testing.T, every time.Duration, hosts ...*host) (*deployment, Settings) {
	t.Helper()
	settings := from()
	settings.Poll = Poll{Every: every, Timeout: patience}
	for _, h := range hosts {
		settings.Repositories = append(settings.Repositories, h.URL+"/rules.json?team=secret")
	}
	d := &deployment{engine: NewEngine()}
	d.loader = NewLoader(d.engine)
	if _, err := d.loader.Configure(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	return d, settings
}

// follow reloads whenever there is news, until the test ends.
func (d *deployment) follow(t *testing.T) (reports <-chan *Report) {
	t.Helper()
	told := make(chan *Report, 100)
	ctx, cancel := context.WithCancel(context.Background())
	var polling sync.WaitGroup
	polling.Go(func() { d.loader.Poll(ctx, func() { told <- d.loader.Reload(ctx) }) })
	t.Cleanup(func() {
		cancel()
		polling.Wait()
	})
	return told
}

func next(t *testing.T, reports <-chan *Report) *Report {
	t.Helper()
	select {
	case report := <-reports:
		return report
	case <-time.After(patience):
		t.Fatal("there is no news")
		return nil
	}
}

func TestRepositoriesOnTheNetworkArePolled(t *testing.T) {
	t.Parallel()
	a, b := serveRules(t, one), serveRules(t, two)
	d, settings := polled(t, 5*time.Millisecond, a, b)
	d.expect(t, &Report{Published: true, Generation: 1, Rules: 2}, true, "one two", "")
	reports := d.follow(t)

	a.says(http.StatusOK, three)
	d.expect(t, next(t, reports), true, "three two", "")
	a.says(http.StatusInternalServerError, "out of order")
	name := a.URL + "/rules.json?…"
	d.expect(t, next(t, reports), false, "three two", name+": the server answered 500 Internal Server Error\n")
	a.says(http.StatusOK, "<html>log in</html>")
	d.expect(t, next(t, reports), false, "three two", name+":1: expected an array of access rules, got string\n")
	a.says(http.StatusOK, "")
	d.expect(t, next(t, reports), false, "three two", name+": the file is empty\n")
	a.says(http.StatusOK, one)
	d.expect(t, next(t, reports), true, "one two", "")

	// A server says where its answer ends, so that a shorter one is believed.
	const yaml = "- id: x\n  match: {url: 'http://x.test/', methods: [GET]}\n  authenticators: [{handler: anonymous}]\n" +
		"  authorizer: {handler: allow}\n  mutators: [{handler: noop}]\n"
	a.says(http.StatusOK, yaml+strings.Replace(yaml, "id: x", "id: z", 1))
	if report := next(t, reports); d.inForce() != "x z two" {
		t.Errorf("%+v", report)
	}
	a.says(http.StatusOK, yaml)
	d.expect(t, next(t, reports), true, "x two", "")

	// A repository that the configuration does not name any more is left alone.
	settings.Repositories = settings.Repositories[:1]
	if _, err := d.loader.Configure(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	for before := a.asked.Load(); a.asked.Load() < before+3; { // by then the other is left
		time.Sleep(time.Millisecond)
	}
	asked := b.asked.Load()
	for before := a.asked.Load(); a.asked.Load() < before+3; {
		time.Sleep(time.Millisecond)
	}
	if again := b.asked.Load(); again != asked {
		t.Errorf("it was asked %d times more", again-asked)
	}
}

func TestHurryDoesNotWaitForTheNextTime(t *testing.T) {
	t.Parallel()
	a := serveRules(t, one)
	for _, every := range []time.Duration{never, 0} { // with 0 nobody asks otherwise
		a.says(http.StatusOK, one)
		d, _ := polled(t, every, a)
		reports := d.follow(t)
		a.says(http.StatusOK, two)
		d.loader.Hurry()
		d.expect(t, next(t, reports), true, "two", "")
	}
}

// TestOtherChangesDoNotPutOffAQuestion: the time goes on that is left until it.
func TestOtherChangesDoNotPutOffAQuestion(t *testing.T) {
	t.Parallel()
	a := serveRules(t, one)
	d, settings := polled(t, time.Second, a)
	reports := d.follow(t)
	a.says(http.StatusOK, two)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case report := <-reports:
			if !report.Published || d.inForce() != "two" {
				t.Errorf("in force are %s: %+v", d.inForce(), report)
			}
			return
		default:
		}
		if _, err := d.loader.Configure(t.Context(), settings); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("it was never asked")
}

// TestARepositoryThatIsOutOfOrderIsAskedAgain as often as there is a pause; one
// that has answered is not.
func TestARepositoryThatIsOutOfOrderIsAskedAgain(t *testing.T) {
	t.Parallel()
	for status, attempts := range map[int]int64{200: 1, 401: 1, 404: 1, 429: 4, 500: 4, 501: 1, 503: 4} {
		h := serveRules(t, one)
		h.says(status, one)
		opened, err := repository.Open(h.URL+"/rules?token=secret", nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &source{Repository: opened, post: &post{}}
		var waiting []string
		settings := Settings{Poll: Poll{Timeout: patience}, Waiting: func(reason string) { waiting = append(waiting, reason) }}
		const pause = time.Millisecond
		if news := s.fetch(t.Context(), settings, pause, pause, pause); !news || h.asked.Load() != attempts || len(waiting) != int(attempts)-1 {
			t.Errorf("%d: asked %d times, %q", status, h.asked.Load(), waiting)
		}
		if want := fmt.Sprintf("waiting for rules: %s/rules?…: the server answered %d %s; it is asked again in 1ms", h.URL, status, http.StatusText(status)); len(waiting) > 0 && waiting[0] != want {
			t.Errorf("got %q, want %q", waiting[0], want)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	nowhere, err := repository.Open("http://127.0.0.1:1/rules", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{Repository: nowhere, post: &post{}}
	if s.fetch(ended, Settings{}, time.Hour) && s.post.err == nil {
		t.Error("nobody waits any more, and there is no reason why there are no rules")
	}
}

// TestWhatANewRepositoryLacksIsAMistakeInTheConfiguration, which changes nothing.
func TestWhatANewRepositoryLacksIsAMistakeInTheConfiguration(t *testing.T) {
	t.Parallel()
	a, b := serveRules(t, one), serveRules(t, "{")
	d, settings := polled(t, never, a)
	settings.Repositories = append(settings.Repositories, b.URL+"/b", b.URL+"/c?token=secret")
	_, err := d.loader.Configure(t.Context(), settings)
	want := b.URL + "/b:1: invalid JSON: the file ends in the middle of a value\n" + b.URL + "/c?…:1: invalid JSON: the file ends in the middle of a value"
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	b.says(http.StatusNotFound, "")
	_, err = d.loader.Configure(t.Context(), settings)
	want = "access_rules.repositories[1]: " + b.URL + "/b: the server answered 404 Not Found\n" +
		"access_rules.repositories[2]: " + b.URL + "/c?…: the server answered 404 Not Found"
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	if d.inForce() != "one" || d.loader.generation != 1 {
		t.Errorf("in force are %s", d.inForce())
	}
}

// TestAStartWithoutTheNetworkBeginsWithWhatWasKept, and goes on when it is back.
func TestAStartWithoutTheNetworkBeginsWithWhatWasKept(t *testing.T) {
	t.Parallel()
	a := serveRules(t, one)
	kept := t.TempDir()
	start := func() (*deployment, *Report) {
		settings := from()
		settings.Repositories = []string{a.URL + "/rules.json"}
		settings.Poll = Poll{Every: 5 * time.Millisecond, Timeout: patience}
		settings.CacheDirectory = kept
		d := &deployment{engine: NewEngine()}
		d.loader = NewLoader(d.engine)
		report, err := d.loader.Configure(t.Context(), settings)
		if err != nil {
			t.Fatal(err)
		}
		return d, report
	}
	start()
	a.says(http.StatusBadGateway, "")
	d, report := start()
	d.expect(t, report, true, "one", a.URL+"/rules.json: the server answered 502 Bad Gateway\n")
	if report.Sources[0].State != Cached || !d.engine.Ready() {
		t.Errorf("%+v", report.Sources)
	}
	reports := d.follow(t)
	a.says(http.StatusOK, two)
	report = next(t, reports)
	d.expect(t, report, true, "two", "")
	if report.Sources[0].State != Live {
		t.Errorf("%+v", report.Sources)
	}
}
