//go:build e2e

package main_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// TestE2EOperationalAuthManifests looks at what Kubernetes would get.
func TestE2EOperationalAuthManifests(t *testing.T) {
	t.Parallel()
	all := render(t, exampleDir, "ops")

	t.Run("it would work, and no container can do more than it has to", func(t *testing.T) {
		all.sound(t)
		found := 0
		for _, pod := range all.pods() {
			found += len(pod.Spec.InitContainers) + len(pod.Spec.Containers)
		}
		if found != 6 {
			t.Errorf("there are %d containers, expected Ostiary, Kratos and its migration, the login page and two services", found)
		}
	})
	t.Run("the files are those that run here", func(t *testing.T) {
		for configMap, files := range map[string][]string{
			"ostiary": {"ostiary.yaml"}, "access-rules": {"access-rules.json"},
			"kratos": {"identity.schema.json", "kratos.yaml", "purge.jsonnet"}, "metrics": {"scrape.yaml"},
		} {
			want := map[string]string{}
			for _, file := range files {
				text, err := os.ReadFile(filepath.Join(exampleDir, file))
				if err != nil {
					t.Fatal(err)
				}
				want[file] = string(text)
			}
			if diff := cmp.Diff(want, get[*corev1.ConfigMap](t, all, "ConfigMap/"+configMap).Data); diff != "" {
				t.Errorf("the ConfigMap %s (-want +got):\n%s", configMap, diff)
			}
		}
	})
	t.Run("Ostiary accepts what it would find", func(t *testing.T) {
		all.check(t, "Deployment/ostiary", nil, "4 access rules from 1 repository")
	})
	t.Run("every host leads to Ostiary, and every rule to a service", func(t *testing.T) {
		var rules []struct {
			Match    struct{ URL string }
			Upstream struct{ URL string }
		}
		if err := json.Unmarshal([]byte(get[*corev1.ConfigMap](t, all, "ConfigMap/access-rules").Data["access-rules.json"]), &rules); err != nil {
			t.Fatal(err)
		}
		guarded := map[string]string{}
		for _, rule := range rules {
			host, _, _ := strings.Cut(strings.TrimPrefix(rule.Match.URL, "https://"), "/")
			guarded[host] = "ostiary"
			all.leadsTo(t, rule.Upstream.URL)
		}
		exposed := map[string]string{}
		for _, rule := range get[*networkingv1.Ingress](t, all, "Ingress/ops").Spec.Rules {
			exposed[rule.Host] = rule.HTTP.Paths[0].Backend.Service.Name
		}
		if diff := cmp.Diff(guarded, exposed); diff != "" {
			t.Errorf("the hosts of the rules and of the Ingress (-rules +ingress):\n%s", diff)
		}
	})
}

// leadsTo checks that there is a Service with that port.
func (c cluster) leadsTo(t *testing.T, address string) {
	t.Helper()
	upstream, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port := "80"
	if text := upstream.Port(); text != "" {
		port = text
	}
	ports := get[*corev1.Service](t, c, "Service/"+upstream.Hostname()).Spec.Ports
	if len(ports) != 1 || strconv.Itoa(int(ports[0].Port)) != port {
		t.Errorf("%s leads to the ports %v", address, ports)
	}
}
