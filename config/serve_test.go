package config_test

import (
	"testing"
	"time"

	"ostiary/config"
)

func TestAddress(t *testing.T) {
	for _, test := range []struct {
		host string
		port int
		want string
	}{
		{"", 4455, ":4455"},
		{"127.0.0.1", 0, "127.0.0.1:0"},
		{"localhost", 80, "localhost:80"},
		{"::1", 80, "[::1]:80"},
		{"[::1]", 80, "[::1]:80"},
		{"fe80::1%eth0", 80, "[fe80::1%eth0]:80"},
	} {
		if got := (config.Listener{Host: test.host, Port: test.port}).Address(); got != test.want {
			t.Errorf("listener on %q %d: %s, want %s", test.host, test.port, got, test.want)
		}
		if got := (config.Metrics{Host: test.host, Port: test.port}).Address(); got != test.want {
			t.Errorf("metrics on %q %d: %s, want %s", test.host, test.port, got, test.want)
		}
	}
}

func TestLimitsThatNobodySet(t *testing.T) {
	loaded, err := attempt(config.Source{})
	if err != nil {
		t.Fatal(err)
	}
	usual := config.Limits{HeaderBytes: 64 << 10, HeaderLines: 200, TargetBytes: 16 << 10, Connections: 8192, Requests: 4096, Streams: 250}
	asking, envoys := usual, usual
	asking.BodyBytes, envoys.BodyBytes, envoys.Streams = 1<<20, 4<<20, 1000
	serve := loaded.Serve
	if serve.Proxy.Limits != usual || serve.API.Limits != asking || serve.GRPC.Limits != envoys {
		t.Errorf("proxy %+v\nAPI   %+v\ngRPC  %+v", serve.Proxy.Limits, serve.API.Limits, serve.GRPC.Limits)
	}
	if serve.Shutdown != (config.Shutdown{Timeout: 25 * time.Second}) {
		t.Errorf("shutdown %+v", serve.Shutdown)
	}
}

func TestHosts(t *testing.T) {
	for host, good := range map[string]bool{
		"": true, "localhost": true, "my_host.internal": true, "10.0.0.1": true, "::": true, "::1": true, "[::1]": true,
		"fe80::1%eth0": true, "::ffff:10.0.0.1": true,
		"localhost:80": false, "10.0.0.1:80": false, ":80": false, "[::1]:80": false, "http://localhost": false, "a b": false,
	} {
		_, err := attempt(config.Source{Environ: []string{"SERVE_API_HOST=" + host}})
		if good != (err == nil) {
			t.Errorf("host %q: %v", host, err)
		}
	}
}

// TestTrustedProxies: what is compared with a peer's address, which must only
// be unmapped for it.
func TestTrustedProxies(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8":             "10.0.0.0/8",
		"10.1.2.3/8":             "10.0.0.0/8",
		"10.1.2.3":               "10.1.2.3/32",
		"::1":                    "::1/128",
		"fd00::1/8":              "fd00::/8",
		"::ffff:10.1.2.3":        "10.1.2.3/32",
		"::ffff:10.1.2.3/104":    "10.0.0.0/8",
		"0.0.0.0/1":              "0.0.0.0/1",
		"0.0.0.0/0":              "",
		"::/0":                   "",
		"::ffff:0:0/96":          "",
		"10.0.0.0/8,192.168.0.0": "10.0.0.0/8",
	} {
		loaded, err := attempt(config.Source{Environ: []string{"SERVE_PROXY_TRUSTED_PROXIES=" + text}})
		if want == "" {
			wantError(t, err, "would trust everybody")
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := loaded.Serve.Proxy.TrustedProxies[0].String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// TestConflicts: two listeners in each other's way are no mistake, as in
// Oathkeeper, but nothing to keep quiet about.
func TestConflicts(t *testing.T) {
	for _, test := range []struct {
		proxy, api string
		warnings   int
	}{
		{"", "", 1},
		{"127.0.0.1", "127.0.0.1", 1},
		{"127.0.0.1", "127.0.0.2", 0},
		{"127.0.0.1", "", 1},
		{"0.0.0.0", "localhost", 1},
		{"::1", "[::]", 1},
	} {
		loaded, err := attempt(config.Source{Environ: []string{
			"SERVE_PROXY_PORT=80", "SERVE_API_PORT=80", "SERVE_PROXY_HOST=" + test.proxy, "SERVE_API_HOST=" + test.api, "SERVE_PROMETHEUS_PORT=0",
		}})
		if err != nil {
			t.Fatal(err)
		}
		if len(loaded.Warnings) != test.warnings {
			t.Errorf("proxy on %q, API on %q: %v", test.proxy, test.api, loaded.Warnings)
		}
	}
}
