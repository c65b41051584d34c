//go:build e2e

package main_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestE2EGatewayTraefik has Traefik ask the engine, with its example as operators get it.
func TestE2EGatewayTraefik(t *testing.T) {
	t.Parallel()
	walkGateway(t, gateway{name: "traefik", start: startTraefik})
}

// startTraefik starts Traefik as a gateway to a service, which asks the engine's API. Both are a host and a port.
func startTraefik(t *testing.T, api, service string) (address string) {
	t.Helper()
	return runTraefik(t, map[string]string{"ostiary:4456": api, "app:8080": service})
}

// runTraefik starts Traefik with the files in testdata/deploy/gateways, in which each of these pieces is changed.
func runTraefik(t *testing.T, changes map[string]string) (address string) {
	t.Helper()
	s := openServer(t, component{name: "traefik"}, nil)
	address = "127.0.0.1:" + strconv.Itoa(freePort(t))
	texts, all := map[string]string{}, map[string]string{":80\"": address + "\"", "/etc/traefik": s.dir}
	for piece, change := range changes {
		all[piece] = change
	}
	for _, name := range []string{"traefik.yml", "traefik-dynamic.yml"} {
		text, err := os.ReadFile(filepath.Join(gatewaysDir, name))
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	for piece, change := range all {
		found := 0
		for name, text := range texts {
			found += strings.Count(text, piece)
			texts[name] = strings.ReplaceAll(text, piece, change)
		}
		if found == 0 {
			t.Fatalf("the files of Traefik nowhere say %s", piece)
		}
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.args = []string{"--configFile=" + filepath.Join(s.dir, "traefik.yml")}
	s.start(t)
	awaitTraefik(t, s, address)
	return address
}

// awaitTraefik waits until Traefik has a router for requests. It listens before that, and answers that it knows nothing.
func awaitTraefik(t *testing.T, s *server, address string) {
	t.Helper()
	deadline := time.Now().Add(serverLimit)
	for seen := "nothing yet"; ; {
		response, err := plainClient.Get("http://" + address + "/")
		if err == nil {
			var body []byte
			body, err = io.ReadAll(response.Body)
			response.Body.Close()
			if seen = string(body); err == nil && (response.StatusCode != http.StatusNotFound || seen != "404 page not found\n") {
				return
			}
		}
		select {
		case <-s.ended:
			t.Fatalf("%s ended: %v", s.name, s.command.ProcessState)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has no router after %v: %q (%v)", s.name, serverLimit, seen, err)
		}
	}
}
