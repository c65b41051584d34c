//go:build e2e

package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os/exec"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// resource is an object of Kubernetes, of the type that its API group gives it.
type resource interface {
	metav1.Object
	runtime.Object
}

// cluster is what manifests make, by kind and name, such as Service/ostiary.
type cluster map[string]resource

// clusterWide are the kinds that are in no namespace.
var clusterWide = map[string]bool{"Namespace": true, "ClusterRole": true, "ClusterRoleBinding": true}

// render is what kubectl sends to a cluster for a directory: everything in one namespace, and nothing that the API
// would not know.
func render(t *testing.T, dir, namespace string) cluster {
	t.Helper()
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Fatalf("%v: it is in Debian's package kubernetes-client, which `make e2e` installs", err)
	}
	command := exec.Command("kubectl", "kustomize", dir)
	var warnings bytes.Buffer
	command.Stderr = &warnings
	text, err := command.Output()
	if err != nil {
		t.Fatalf("kubectl kustomize %s: %v\n%s", dir, err, warnings.String())
	}
	decoder := strictDecoder(t)
	all, documents := cluster{}, yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("what kubectl kustomize prints for %s: %v", dir, err)
		}
		decoded, kind, err := decoder.Decode(document, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", dir, err, document)
		}
		one, ok := decoded.(resource)
		if !ok {
			t.Fatalf("%s: %T has no name", dir, decoded)
		}
		name := kind.Kind + "/" + one.GetName()
		if _, twice := all[name]; twice {
			t.Errorf("%s: there are two of %s", dir, name)
		}
		if !clusterWide[kind.Kind] && one.GetNamespace() != namespace {
			t.Errorf("%s: %s is in namespace %q, expected %s", dir, name, one.GetNamespace(), namespace)
		}
		all[name] = one
	}
}

// strictDecoder makes objects of text, in which a key that the API does not know is a mistake, and one that is there
// twice as well.
func strictDecoder(t *testing.T) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, corev1.AddToScheme, monitoringv1.AddToScheme,
		networkingv1.AddToScheme, policyv1.AddToScheme, rbacv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
}

// get is the object of that kind and name.
func get[T resource](t *testing.T, c cluster, name string) T {
	t.Helper()
	one, ok := c[name].(T)
	if !ok {
		t.Fatalf("there is no %s but %T", name, c[name])
	}
	return one
}

// each are all objects of a type.
func each[T resource](c cluster) map[string]T {
	found := map[string]T{}
	for name, one := range c {
		if typed, ok := one.(T); ok {
			found[name] = typed
		}
	}
	return found
}

// pods are the templates of all pods, by the name of what makes them.
func (c cluster) pods() map[string]corev1.PodTemplateSpec {
	found := map[string]corev1.PodTemplateSpec{}
	for name, one := range each[*appsv1.Deployment](c) {
		found[name] = one.Spec.Template
	}
	for name, one := range each[*appsv1.StatefulSet](c) {
		found[name] = one.Spec.Template
	}
	return found
}
