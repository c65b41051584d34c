//go:build e2e

package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// object is what is looked at of an object of Kubernetes.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name, Namespace string }
	Data       map[string]string
	Spec       struct {
		Template struct{ Spec pod }
		Ports    []struct{ Port int }
		Rules    []struct {
			Host string
			HTTP struct {
				Paths []struct {
					Backend struct{ Service struct{ Name string } }
				}
			}
		}
	}
}

type pod struct {
	AutomountServiceAccountToken *bool `yaml:"automountServiceAccountToken"`
	SecurityContext              struct {
		RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Containers     []container
	InitContainers []container `yaml:"initContainers"`
	Volumes        []struct {
		Name      string
		ConfigMap struct{ Name string } `yaml:"configMap"`
	}
}

type container struct {
	Name string
	Args []string
	Env  []struct {
		Name      string
		ValueFrom struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	Resources struct {
		Limits struct{ CPU, Memory string }
	}
	SecurityContext confinement `yaml:"securityContext"`
	VolumeMounts    []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		SubPath   string `yaml:"subPath"`
	} `yaml:"volumeMounts"`
}

type confinement struct {
	RunAsUser                int   `yaml:"runAsUser"`
	ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
	AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
	Capabilities             struct{ Drop []string }
}

// cluster is what the manifests make, by kind and name.
type cluster map[string]object

// render is what kubectl sends to a cluster.
func render(t *testing.T) cluster {
	t.Helper()
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Fatalf("%v: it is in Debian's package kubernetes-client, which `make e2e` installs", err)
	}
	command := exec.Command("kubectl", "kustomize", exampleDir)
	var warnings bytes.Buffer
	command.Stderr = &warnings
	text, err := command.Output()
	if err != nil {
		t.Fatalf("kubectl kustomize: %v\n%s", err, warnings.String())
	}
	all, documents := cluster{}, yaml.NewDecoder(bytes.NewReader(text))
	for {
		var one object
		if err := documents.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("what kubectl kustomize prints: %v", err)
		}
		name := one.Kind + "/" + one.Metadata.Name
		if one.APIVersion == "" || one.Kind == "" || one.Metadata.Name == "" {
			t.Errorf("%s of %q is no object", name, one.APIVersion)
		}
		if _, twice := all[name]; twice {
			t.Errorf("there are two of %s", name)
		}
		if one.Kind != "Namespace" && one.Metadata.Namespace != "ops" {
			t.Errorf("%s is in namespace %q, expected ops", name, one.Metadata.Namespace)
		}
		all[name] = one
	}
}

// TestE2EOperationalAuthManifests looks at what Kubernetes would get.
func TestE2EOperationalAuthManifests(t *testing.T) {
	t.Parallel()
	all := render(t)
	no := false

	t.Run("every container is confined", func(t *testing.T) {
		found := 0
		for name, one := range all {
			pod := one.Spec.Template.Spec
			if len(pod.Containers) > 0 && (!pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != "RuntimeDefault" ||
				pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken) {
				t.Errorf("%s has %+v, expected no root, no token and the default seccomp profile", name, pod)
			}
			for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
				found++
				want := confinement{RunAsUser: 65534, ReadOnlyRootFilesystem: true, AllowPrivilegeEscalation: &no}
				want.Capabilities.Drop = []string{"ALL"}
				if diff := cmp.Diff(want, c.SecurityContext); diff != "" {
					t.Errorf("container %s of %s (-want +got):\n%s", c.Name, name, diff)
				}
				if c.Resources.Limits.CPU == "" || c.Resources.Limits.Memory == "" {
					t.Errorf("container %s of %s has no limits", c.Name, name)
				}
			}
		}
		if found != 6 {
			t.Errorf("there are %d containers, expected Ostiary, Kratos and its migration, the login page and two services", found)
		}
	})
	t.Run("what a container needs is there", func(t *testing.T) {
		for name, one := range all {
			pod := one.Spec.Template.Spec
			for _, volume := range pod.Volumes {
				if of := volume.ConfigMap.Name; of != "" && len(all["ConfigMap/"+of].Data) == 0 {
					t.Errorf("%s mounts the ConfigMap %s, which is not there", name, of)
				}
			}
			for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
				for _, variable := range c.Env {
					if from := variable.ValueFrom.SecretKeyRef; from.Name != "" && all["Secret/"+from.Name].Data[from.Key] == "" {
						t.Errorf("%s of container %s is from %+v, which is not there", variable.Name, c.Name, from)
					}
				}
				for _, mount := range c.VolumeMounts {
					if mount.SubPath != "" {
						t.Errorf("container %s would not see changes of %s", c.Name, mount.MountPath)
					}
				}
			}
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
			if diff := cmp.Diff(want, all["ConfigMap/"+configMap].Data); diff != "" {
				t.Errorf("the ConfigMap %s (-want +got):\n%s", configMap, diff)
			}
		}
	})
	t.Run("Ostiary accepts what it would find", func(t *testing.T) { all.check(t) })
	t.Run("every host leads to Ostiary, and every rule to a service", func(t *testing.T) {
		var rules []struct {
			Match    struct{ URL string }
			Upstream struct{ URL string }
		}
		if err := json.Unmarshal([]byte(all["ConfigMap/access-rules"].Data["access-rules.json"]), &rules); err != nil {
			t.Fatal(err)
		}
		guarded := map[string]string{}
		for _, rule := range rules {
			host, _, _ := strings.Cut(strings.TrimPrefix(rule.Match.URL, "https://"), "/")
			guarded[host] = "ostiary"
			all.leadsTo(t, rule.Upstream.URL)
		}
		exposed := map[string]string{}
		for _, rule := range all["Ingress/ops"].Spec.Rules {
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
	port := 80
	if text := upstream.Port(); text != "" {
		port, _ = strconv.Atoi(text)
	}
	ports := c["Service/"+upstream.Hostname()].Spec.Ports
	if len(ports) != 1 || ports[0].Port != port {
		t.Errorf("%s leads to the ports %v", address, ports)
	}
}

// check runs `ostiary check` with the files where the container has them, below a directory, and its variables.
func (c cluster) check(t *testing.T) {
	t.Helper()
	pod, root := c["Deployment/ostiary"].Spec.Template.Spec, t.TempDir()
	of := pod.Containers[0]
	for _, mount := range of.VolumeMounts {
		for _, volume := range pod.Volumes {
			for file, text := range c["ConfigMap/"+volume.ConfigMap.Name].Data {
				path := filepath.Join(root, mount.MountPath, file)
				if volume.Name != mount.Name {
					continue
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				// Only the place of the rules is another one.
				text = strings.ReplaceAll(text, "file:///", "file://"+root+"/")
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	variables := map[string]string{}
	for _, variable := range of.Env {
		from := variable.ValueFrom.SecretKeyRef
		value, err := base64.StdEncoding.DecodeString(c["Secret/"+from.Name].Data[from.Key])
		if err != nil {
			t.Fatal(err)
		}
		variables[variable.Name] = string(value)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if len(of.Args) != 3 || of.Args[0] != "serve" || of.Args[1] != "--config" {
		t.Fatalf("the container runs %q, expected serve --config FILE", of.Args)
	}
	command := exec.Command(path, "check", "--config", filepath.Join(root, of.Args[2]))
	command.Env = environment(variables)
	if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "4 access rules from 1 repository") {
		t.Errorf("ostiary check: %v\n%s", err, out)
	}
}
