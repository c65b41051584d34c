//go:build e2e

package main_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const manifestsDir = "../../testdata/deploy/kubernetes"

// TestE2EKubernetesManifests looks at what Kubernetes would get of each overlay.
func TestE2EKubernetesManifests(t *testing.T) {
	t.Parallel()
	const maesterFile = "/etc/maester/access-rules.json"
	maester := map[string]string{maesterFile: maesterText(t, minimalRule)}
	for _, overlay := range []struct {
		dir    string
		others map[string]string // files that somebody else writes
		check  string
		admits map[string][]string // by port, the namespaces that reach it
	}{
		{"base", nil, "1 access rule from 1 repository", map[string][]string{"metrics": {"monitoring"}}},
		{"proxy", nil, "1 access rule from 1 repository", map[string][]string{"metrics": {"monitoring"}, "proxy": {"ingress-nginx"}}},
		{"decisions", nil, "1 access rule from 1 repository", map[string][]string{"metrics": {"monitoring"}, "api": {"ingress-nginx", "traefik"}}},
		{"maester", maester, "2 access rules from 2 repositories", map[string][]string{"metrics": {"monitoring"}, "proxy": {"ingress-nginx"}}},
		{"maester-sidecar", maester, "2 access rules from 2 repositories", map[string][]string{"metrics": {"monitoring"}, "proxy": {"ingress-nginx"}}},
	} {
		t.Run(overlay.dir, func(t *testing.T) {
			t.Parallel()
			all := render(t, filepath.Join(manifestsDir, overlay.dir), "ostiary")
			all.sound(t)
			all.lives(t)
			all.check(t, "Deployment/ostiary", overlay.others, overlay.check)
			if diff := cmp.Diff(overlay.admits, all.admits()); diff != "" {
				t.Errorf("who reaches which port (-want +got):\n%s", diff)
			}
			_, forwards := overlay.admits["proxy"]
			if has := all["Service/ostiary"] != nil && all["Ingress/ostiary"] != nil; has != forwards {
				t.Errorf("that there are a Service and an Ingress for the proxy is %v, expected %v", has, forwards)
			}
		})
	}
}

// lives checks how a pod of Ostiary is started, is told about, changes its rules and ends.
func (c cluster) lives(t *testing.T) {
	t.Helper()
	deployment := get[*appsv1.Deployment](t, c, "Deployment/ostiary")
	if unavailable := deployment.Spec.Strategy.RollingUpdate.MaxUnavailable; unavailable.IntValue() != 0 {
		t.Errorf("while it is rolled out %v pods may be missing", unavailable)
	}
	pod := deployment.Spec.Template.Spec
	if links := pod.EnableServiceLinks; links == nil || *links {
		t.Error("each Service would make variables, which are configuration here")
	}
	of := pod.Containers[0]
	for path, probe := range map[string]*corev1.Probe{"/health/ready": of.ReadinessProbe, "/health/alive": of.LivenessProbe} {
		if probe == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "api" {
			t.Errorf("a probe is %+v, expected %s of the API", probe, path)
		}
	}
	if start := of.StartupProbe; start == nil || start.HTTPGet.Path != "/health/ready" {
		t.Errorf("the startup probe is %+v", start)
	}
	if cpu, memory := of.Resources.Limits.Cpu().String(), of.Resources.Limits.Memory().String(); cpu != "100m" || memory != "128Mi" {
		t.Errorf("the limits are %s and %s", cpu, memory)
	}

	var config struct {
		AccessRules struct {
			CacheDir string `yaml:"cache_dir"`
		} `yaml:"access_rules"`
		Serve struct {
			Shutdown struct{ Delay, Timeout time.Duration }
		}
	}
	if err := yaml.Unmarshal([]byte(get[*corev1.ConfigMap](t, c, "ConfigMap/ostiary").Data["ostiary.yaml"]), &config); err != nil {
		t.Fatal(err)
	}
	delay, ending := config.Serve.Shutdown.Delay, config.Serve.Shutdown.Delay+config.Serve.Shutdown.Timeout
	grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	if grace < ending+5*time.Second {
		t.Errorf("the pod is killed after %v, and may take %v to end", grace, ending)
	}
	ready := of.ReadinessProbe
	if noticed := time.Duration((ready.PeriodSeconds+ready.TimeoutSeconds)*ready.FailureThreshold) * time.Second; noticed > delay {
		t.Errorf("that the pod is not ready is noticed after %v, and its ports close after %v", noticed, delay)
	}
	for _, mount := range of.VolumeMounts {
		i := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		switch volume := pod.Volumes[i]; {
		case mount.MountPath == config.AccessRules.CacheDir:
			if mount.ReadOnly || volume.EmptyDir == nil || volume.EmptyDir.SizeLimit.IsZero() {
				t.Errorf("the cache is %s, mounted as %s", asJSON(t, volume), asJSON(t, mount))
			}
		case !mount.ReadOnly:
			t.Errorf("%s can be written", mount.MountPath)
		case volume.ConfigMap != nil && *volume.ConfigMap.DefaultMode != 0o400:
			t.Errorf("the files in %s have the mode %o", mount.MountPath, *volume.ConfigMap.DefaultMode)
		}
	}
	if !slices.ContainsFunc(of.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == config.AccessRules.CacheDir }) {
		t.Errorf("there is no volume for the cache in %q", config.AccessRules.CacheDir)
	}
}

// admits are the namespaces from which each port is reached.
func (c cluster) admits() map[string][]string {
	admitted := map[string][]string{}
	for _, policy := range each[*networkingv1.NetworkPolicy](c) {
		for _, rule := range policy.Spec.Ingress {
			for _, port := range rule.Ports {
				for _, from := range rule.From {
					name := "its own"
					if from.NamespaceSelector != nil {
						name = from.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"]
					}
					admitted[port.Port.String()] = append(admitted[port.Port.String()], name)
				}
			}
		}
	}
	for _, namespaces := range admitted {
		slices.Sort(namespaces)
	}
	return admitted
}

// TestE2EKubernetesMonitor holds what is scraped to the Service that there is.
func TestE2EKubernetesMonitor(t *testing.T) {
	t.Parallel()
	base, monitoring := render(t, manifestsDir+"/base", "ostiary"), render(t, manifestsDir+"/monitoring", "ostiary")
	monitor := get[*monitoringv1.ServiceMonitor](t, monitoring, "ServiceMonitor/ostiary")
	chosen, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
	if err != nil || len(monitor.Spec.Endpoints) != 1 {
		t.Fatalf("%v, and there are the endpoints %v", err, monitor.Spec.Endpoints)
	}
	var scraped []string
	for name, service := range each[*corev1.Service](base) {
		for _, port := range service.Spec.Ports {
			if chosen.Matches(labels.Set(service.Labels)) && port.Name == monitor.Spec.Endpoints[0].Port {
				scraped = append(scraped, name+" "+port.TargetPort.String())
			}
		}
	}
	if diff := cmp.Diff([]string{"Service/ostiary-api metrics"}, scraped); diff != "" {
		t.Errorf("what is scraped (-want +got):\n%s", diff)
	}
}
