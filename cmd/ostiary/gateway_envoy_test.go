package main_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bootstrap "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	extauthz "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3" // is named in the file
	manager "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3" // likewise
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
)

const gatewayFiles = "../../testdata/deploy/gateways"

// TestEnvoysConfigurationIsOne holds the file to Envoy's own definitions: there is no key in it that Envoy does not
// know, no value that it does not accept, and nothing passes without an answer.
func TestEnvoysConfigurationIsOne(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(gatewayFiles, "envoy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := yaml.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	var config bootstrap.Bootstrap
	if err := protojson.Unmarshal(document, &config); err != nil {
		t.Fatal(err)
	}
	if err := config.ValidateAll(); err != nil {
		t.Error(err)
	}
	var connections manager.HttpConnectionManager
	if err := config.GetStaticResources().GetListeners()[0].GetFilterChains()[0].GetFilters()[0].GetTypedConfig().UnmarshalTo(&connections); err != nil {
		t.Fatal(err)
	}
	if err := connections.ValidateAll(); err != nil {
		t.Error(err)
	}
	var filter extauthz.ExtAuthz
	if err := connections.GetHttpFilters()[0].GetTypedConfig().UnmarshalTo(&filter); err != nil {
		t.Fatal(err)
	}
	if err := filter.ValidateAll(); err != nil {
		t.Error(err)
	}
	if filter.GetFailureModeAllow() || filter.GetGrpcService().GetEnvoyGrpc().GetClusterName() != "ostiary" {
		t.Errorf("requests pass without an answer, or another one is asked: %v", &filter)
	}
}

// istioProvider is what Istio's configuration says about whom to ask, and with what.
type istioProvider struct {
	PathPrefix     string   `yaml:"pathPrefix"`
	FailOpen       bool     `yaml:"failOpen"`
	Included       []string `yaml:"includeRequestHeadersInCheck"`
	ToUpstream     []string `yaml:"headersToUpstreamOnAllow"`
	ToDownstream   []string `yaml:"headersToDownstreamOnDeny"`
	Service        string   `yaml:"service"`
	Port           int      `yaml:"port"`
	PatienceInText string   `yaml:"timeout"`
}

func readIstioProvider(t *testing.T) istioProvider {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(gatewayFiles, "istio.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	mesh, _, _ := strings.Cut(string(text), "\n---\n")
	var config struct {
		MeshConfig struct {
			ExtensionProviders []struct {
				Name string        `yaml:"name"`
				HTTP istioProvider `yaml:"envoyExtAuthzHttp"`
			} `yaml:"extensionProviders"`
		} `yaml:"meshConfig"`
	}
	decoder := yaml.NewDecoder(strings.NewReader(mesh))
	decoder.KnownFields(true)
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	return config.MeshConfig.ExtensionProviders[0].HTTP
}

// TestIstioAsks asks as one of its proxies does: with the request's own method, host and path behind the prefix, with
// the headers that the configuration names, and without a body. It hands on those that it names for that.
func TestIstioAsks(t *testing.T) {
	t.Parallel()
	g, provider := startFrontEnds(t), readIstioProvider(t)
	if provider.FailOpen {
		t.Error("requests pass without an answer")
	}
	for _, test := range []struct {
		name    string
		request question
		status  int
		told    map[string]string // what reaches the service, or the client of a refusal
	}{
		{
			"logged in",
			question{"GET", "app.test", "/admin/a%2Fb?q=1;z", map[string]string{"Cookie": "ory_kratos_session=good", "X-User": "mallory"}},
			http.StatusOK,
			map[string]string{"x-user": "u-1"},
		},
		{
			"a POST with a body",
			question{"POST", "app.test", "/admin/x", map[string]string{"Cookie": "ory_kratos_session=good", "Content-Length": "0"}},
			http.StatusOK,
			map[string]string{"x-user": "u-1"},
		},
		{
			"anonymous",
			question{"GET", "app.test", "/public/x", map[string]string{"X-User": "mallory", "X-Forwarded-Uri": "/admin", "X-Original-Url": "http://evil.test/"}},
			http.StatusOK,
			map[string]string{"x-user": "anonymous"},
		},
		{
			"not logged in",
			question{"GET", "app.test", "/admin/x", map[string]string{"X-Forwarded-Uri": "/public", "X-Forwarded-Host": "evil.test", "X-Forwarded-Method": "POST"}},
			http.StatusUnauthorized,
			map[string]string{"content-type": "application/json"},
		},
		{"no permission", question{"GET", "app.test", "/denied", nil}, http.StatusForbidden, map[string]string{"content-type": "application/json"}},
		{"no rule", question{"DELETE", "app.test", "/public/x", nil}, http.StatusNotFound, map[string]string{"content-type": "application/json"}},
		{"dots", question{"GET", "app.test", "/public/%2e%2e/admin/x", nil}, http.StatusBadRequest, map[string]string{"content-type": "application/json"}},
		{"plain dots", question{"GET", "app.test", "/admin/../public/x", nil}, http.StatusBadRequest, map[string]string{"content-type": "application/json"}},
	} {
		asked := question{test.request.method, test.request.host, provider.PathPrefix + test.request.target, map[string]string{}}
		for name, value := range test.request.header {
			if slices.Contains(provider.Included, strings.ToLower(name)) || name == "Content-Length" {
				asked.header[name] = value
			}
		}
		answer := g.answer(t, "api", asked, "istio", nil)
		handedOn := provider.ToUpstream
		if answer.StatusCode != http.StatusOK {
			handedOn = provider.ToDownstream
		}
		told := map[string]string{}
		for _, name := range handedOn {
			if values := answer.Header.Values(name); len(values) > 0 {
				told[name] = strings.Join(values, ", ")
			}
		}
		if diff := cmp.Diff(test.told, told); answer.StatusCode != test.status || diff != "" {
			t.Errorf("%s: got %d, want %d, and (-want +got):\n%s", test.name, answer.StatusCode, test.status, diff)
		}
	}
	g.stop(t)
}
