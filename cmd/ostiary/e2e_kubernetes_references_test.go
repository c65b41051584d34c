//go:build e2e

package main_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// selected checks that whatever selects pods finds some, and with them the ports that it names.
func (c cluster) selected(t *testing.T) {
	t.Helper()
	finds := func(name string, selector *metav1.LabelSelector, ports ...intstr.IntOrString) {
		t.Helper()
		chosen, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found := 0
		for of, pod := range c.pods() {
			if !chosen.Matches(labels.Set(pod.Labels)) {
				continue
			}
			found++
			for _, port := range ports {
				if !hasPort(pod.Spec, port) {
					t.Errorf("%s names port %s, which %s has not", name, port.String(), of)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s selects %s, and there is no such pod", name, chosen)
		}
	}
	for name, one := range each[*appsv1.Deployment](c) {
		c.makes(t, name, one.Spec.Selector, one.Spec.Template)
		for _, spread := range one.Spec.Template.Spec.TopologySpreadConstraints {
			finds(name+", to be spread,", spread.LabelSelector)
		}
	}
	for name, one := range each[*appsv1.StatefulSet](c) {
		c.makes(t, name, one.Spec.Selector, one.Spec.Template)
	}
	for name, one := range each[*corev1.Service](c) {
		var ports []intstr.IntOrString
		for _, port := range one.Spec.Ports {
			ports = append(ports, port.TargetPort)
		}
		finds(name, &metav1.LabelSelector{MatchLabels: one.Spec.Selector}, ports...)
	}
	for name, one := range each[*policyv1.PodDisruptionBudget](c) {
		finds(name, one.Spec.Selector)
	}
	for name, one := range each[*networkingv1.NetworkPolicy](c) {
		var ports []intstr.IntOrString
		for _, rule := range one.Spec.Ingress {
			if len(rule.From) == 0 {
				t.Errorf("%s lets everybody in", name)
			}
			for _, port := range rule.Ports {
				ports = append(ports, *port.Port)
			}
		}
		finds(name, &one.Spec.PodSelector, ports...)
	}
}

// makes checks that a workload finds the pods that it makes.
func (cluster) makes(t *testing.T, name string, selector *metav1.LabelSelector, pod corev1.PodTemplateSpec) {
	t.Helper()
	if chosen, err := metav1.LabelSelectorAsSelector(selector); err != nil || chosen.Empty() || !chosen.Matches(labels.Set(pod.Labels)) {
		t.Errorf("%s selects %v (%v), and its pods have the labels %v", name, chosen, err, pod.Labels)
	}
}

// connected checks that whatever names another object finds it.
func (c cluster) connected(t *testing.T) {
	t.Helper()
	for name, one := range each[*autoscalingv2.HorizontalPodAutoscaler](c) {
		to := one.Spec.ScaleTargetRef
		scaled, ok := c[to.Kind+"/"+to.Name].(*appsv1.Deployment)
		if !ok {
			t.Errorf("%s scales %s/%s, which is not there", name, to.Kind, to.Name)
		} else if scaled.Spec.Replicas != nil {
			t.Errorf("%s and %s both say how many pods there are", name, to.Name)
		}
	}
	for name, one := range each[*networkingv1.Ingress](c) {
		certified := map[string]bool{}
		for _, with := range one.Spec.TLS {
			for _, host := range with.Hosts {
				certified[host] = true
			}
		}
		for _, rule := range one.Spec.Rules {
			if !certified[rule.Host] {
				t.Errorf("%s has no certificate for %s", name, rule.Host)
			}
			for _, path := range rule.HTTP.Paths {
				to := path.Backend.Service
				service, ok := c["Service/"+to.Name].(*corev1.Service)
				if !ok || !slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == to.Port.Name }) {
					t.Errorf("%s leads to %s, which is not there", name, asJSON(t, to))
				}
			}
		}
	}
}
