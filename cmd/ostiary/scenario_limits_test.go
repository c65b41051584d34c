package main_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// statusFor sends a request to a listener.
func (i *instance) statusFor(t testing.TB, listener, path string, header http.Header, body io.Reader) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.url(listener, path), body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	answer, err := plainClient.Do(request)
	for body == nil && errors.Is(err, syscall.ECONNRESET) {
		// A listener that does not read a request to its end closes the connection, and then the answer may be lost.
		answer, err = plainClient.Do(request)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode
}

// TestLimitsOfTheConfigurationHold for both listeners, each with its own.
func TestLimitsOfTheConfigurationHold(t *testing.T) {
	t.Parallel()
	limits := func(body int) object {
		return object{"limits": object{"header_bytes": 8192, "target_bytes": 1000, "body_bytes": body}}
	}
	i := newInstance(t, echoing(t), object{"proxy": limits(5000), "api": limits(2000)})
	i.startReady(t)
	for listener, of := range map[string]struct {
		path string
		body int
	}{"proxy": {"/", 5000}, "api": {"/decisions/", 2000}} {
		long := func(n int) string { return strings.Repeat("x", n) }
		for name, test := range map[string]struct {
			path   string
			header http.Header
			body   io.Reader
			want   int
		}{
			"all that fits":         {long(1000 - len(of.path)), http.Header{"X-Long": {long(6000)}}, strings.NewReader(long(of.body)), http.StatusOK},
			"a long target":         {long(1001 - len(of.path)), nil, nil, http.StatusRequestURITooLong},
			"a long header":         {"", http.Header{"X-Long": {long(13_000)}}, nil, http.StatusRequestHeaderFieldsTooLarge},
			"a large body":          {"", nil, strings.NewReader(long(of.body + 1)), http.StatusRequestEntityTooLarge},
			"a chunked body to fit": {"", nil, once{strings.NewReader(long(of.body))}, http.StatusOK},
		} {
			if got := i.statusFor(t, listener, of.path+test.path, test.header, test.body); got != test.want {
				t.Errorf("%s, %s: got %d, want %d", listener, name, got, test.want)
			}
		}
	}
	if got := i.statusFor(t, "proxy", "/", nil, once{strings.NewReader(strings.Repeat("x", 50_000))}); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a chunked body that is too large: got %d", got)
	}
	for _, want := range []string{
		`ostiary_decisions_total{error="uri_too_long",handler="",rule="",service="oathkeeper-proxy",stage="match",verdict="denied"} 1`,
		`ostiary_decisions_total{error="request_entity_too_large",handler="",rule="",service="oathkeeper-api",stage="match",verdict="denied"} 1`,
	} {
		if metrics := i.metrics(t); !strings.Contains(metrics, want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	if i.logged(t, "reason_id=request_too_large") != 4 {
		t.Errorf("the log has %d of 4 refusals", i.logged(t, "reason_id=request_too_large"))
	}
	i.stop(t)
}

// TestLimitsAreReloaded as far as they are no matter of the port itself: about those the log tells.
func TestLimitsAreReloaded(t *testing.T) {
	t.Parallel()
	i := newInstance(t, echoing(t), object{})
	i.startReady(t)
	target := "/" + strings.Repeat("x", 2000)
	if got := i.statusFor(t, "proxy", target, nil, nil); got != http.StatusOK {
		t.Errorf("at first: got %d", got)
	}
	i.configure(t, object{"proxy": object{"limits": object{"target_bytes": 1000, "connections": 7}}, "shutdown": object{"timeout": "3s"}})
	await(t, "the new limit", func() bool { return i.statusFor(t, "proxy", target, nil, nil) == http.StatusRequestURITooLong })
	i.awaitLogged(t, "needs a restart", 1)
	if i.logged(t, "key=serve.proxy.limits.connections") != 1 || i.logged(t, "needs a restart") != 1 {
		t.Error("the log does not tell what needs a restart, and that alone")
	}
	i.configure(t, object{})
	await(t, "the old limit", func() bool { return i.statusFor(t, "proxy", target, nil, nil) == http.StatusOK })
	i.awaitLogged(t, `msg="configuration reloaded"`, 2)
	if i.logged(t, "needs a restart") != 1 {
		t.Error("the log goes on about what is as it was")
	}
	i.stop(t)
}
