//go:build e2e

package main_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func startHAProxy(t *testing.T, api, service string) (address string) {
	t.Helper()
	return startHAProxyWith(t, service, gatewayFile(t, "ostiary.lua", "ostiary:4456", api))
}

func startHAProxyWith(t *testing.T, service, script string) (address string) {
	t.Helper()
	path, err := exec.LookPath("haproxy")
	if err != nil {
		t.Fatalf("the package haproxy: %v", err)
	}
	address = freeAddress(t)
	haproxy := &server{name: "haproxy", path: path, dir: t.TempDir(), args: []string{"-db", "-f", "haproxy.cfg"}}
	startGateway(t, haproxy, map[string]string{
		"haproxy.cfg": gatewayFile(t, "haproxy.cfg", "app:8080", service, "bind :80", "bind "+address), "ostiary.lua": script,
	}, address)
	return address
}

func TestE2EGatewayHAProxy(t *testing.T) {
	t.Parallel()
	walkGateway(t, gateway{name: "haproxy", start: startHAProxy})
}

// TestE2EGatewayHAProxyFailsClosed: HAProxy would go on with a request for which a script fails.
func TestE2EGatewayHAProxyFailsClosed(t *testing.T) {
	t.Parallel()
	allow := func(http.ResponseWriter, *http.Request) {}
	answers := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	const check = "if decision.status ~= 200 then"
	for name, test := range map[string]struct {
		check  string // in the script
		answer http.HandlerFunc
		status int
	}{
		"as it is":                        {check, allow, http.StatusOK},
		"a script that fails":             {"if decision.none.status ~= 200 then", allow, http.StatusServiceUnavailable},
		"a success that is no permission": {check, answers(http.StatusNoContent), http.StatusServiceUnavailable},
		"a status that is none":           {check, answers(999), http.StatusServiceUnavailable},
		"no answer":                       {check, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := httptest.NewServer(test.answer)
			t.Cleanup(api.Close)
			script := gatewayFile(t, "ostiary.lua", "ostiary:4456", api.Listener.Addr().String(), check, test.check)
			s := &gatewaySite{service: startGatewayService(t)}
			s.address = startHAProxyWith(t, s.service.server.Listener.Addr().String(), script)
			answer, seen := s.ask(t, asked{target: "/"})
			if reached := len(seen) > 0; answer.status != test.status || reached != (test.status == http.StatusOK) {
				t.Errorf("answered with %d, and reached the service %d times; expected %d", answer.status, len(seen), test.status)
			}
		})
	}
}

// TestE2EGatewayHAProxyAsks: a question is not the request. It has no body, and its connection is another one.
func TestE2EGatewayHAProxyAsks(t *testing.T) {
	t.Parallel()
	api, s := startGatewayService(t), &gatewaySite{service: startGatewayService(t)}
	s.address = startHAProxy(t, api.server.Listener.Addr().String(), s.service.server.Listener.Addr().String())
	s.passes(t, asked{method: http.MethodPost, target: "/a%2Fb?c=d", body: "hello", lines: append([]string{
		captain, "Connection: Upgrade, TE", "Upgrade: nothing", "TE: trailers", "Trailer: X-End", "Keep-Alive: timeout=5",
		"User-Agent: somebody", "Accept: text/odd",
	}, impostor...)})
	seen := api.take()
	if len(seen) != 1 || seen[0].method != http.MethodGet || seen[0].target != "/auth/haproxy" || seen[0].body != "" {
		t.Fatalf("the engine was asked %+v", seen)
	}
	want := http.Header{
		"Cookie": {"session=captain"}, "X-Forwarded-Method": {"POST"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {gatewayHost},
		"X-Forwarded-Uri": {"/a%2Fb?c=d"}, "X-Forwarded-For": {"127.0.0.1"}, "User-Agent": {"somebody"}, "Accept": {"text/odd"},
	}
	if diff := cmp.Diff(want, seen[0].header); diff != "" {
		t.Errorf("the headers of the question, expected (-) and seen (+):\n%s", diff)
	}
}
