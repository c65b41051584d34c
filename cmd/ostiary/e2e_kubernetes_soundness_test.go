//go:build e2e

package main_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// sound checks what the API would accept and what would not work, or would not be safe.
func (c cluster) sound(t *testing.T) {
	t.Helper()
	for name, pod := range c.pods() {
		confined(t, name, pod.Spec)
		c.supplied(t, name, pod.Spec)
		for _, of := range pod.Spec.Containers {
			for probe, at := range map[string]*corev1.Probe{"startup": of.StartupProbe, "readiness": of.ReadinessProbe, "liveness": of.LivenessProbe} {
				if at != nil && !hasPort(corev1.PodSpec{Containers: []corev1.Container{of}}, at.HTTPGet.Port) {
					t.Errorf("%s: the %s probe of container %s asks at port %s, which it has not", name, probe, of.Name, at.HTTPGet.Port.String())
				}
			}
		}
	}
	c.selected(t)
	c.connected(t)
}

// confined checks that no container can do more than it has to.
func confined(t *testing.T, name string, pod corev1.PodSpec) {
	t.Helper()
	no, yes, nobody := false, true, int64(65534)
	security := pod.SecurityContext
	if security == nil || security.RunAsNonRoot == nil || !*security.RunAsNonRoot ||
		security.SeccompProfile == nil || security.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s has %+v, expected no root and the default seccomp profile", name, security)
	}
	if token := pod.AutomountServiceAccountToken; token == nil || *token {
		t.Errorf("the containers of %s get a token for the cluster", name)
	}
	want := &corev1.SecurityContext{
		RunAsUser: &nobody, ReadOnlyRootFilesystem: &yes, AllowPrivilegeEscalation: &no,
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	for _, of := range slices.Concat(pod.InitContainers, pod.Containers) {
		if diff := cmp.Diff(want, of.SecurityContext); diff != "" {
			t.Errorf("container %s of %s (-want +got):\n%s", of.Name, name, diff)
		}
		if of.Resources.Limits.Cpu().IsZero() || of.Resources.Limits.Memory().IsZero() {
			t.Errorf("container %s of %s has no limits", of.Name, name)
		}
	}
}

// supplied checks that what a pod mounts or is told is there.
func (c cluster) supplied(t *testing.T, name string, pod corev1.PodSpec) {
	t.Helper()
	if account := pod.ServiceAccountName; account != "" && c["ServiceAccount/"+account] == nil {
		t.Errorf("%s runs as %s, which is not there", name, account)
	}
	volumes := map[string]bool{}
	for _, volume := range pod.Volumes {
		volumes[volume.Name] = true
		from := volume.ConfigMap
		if from == nil || from.Optional != nil && *from.Optional {
			continue
		}
		if of, ok := c["ConfigMap/"+from.Name].(*corev1.ConfigMap); !ok || len(of.Data) == 0 {
			t.Errorf("%s mounts the ConfigMap %s, which is not there", name, from.Name)
		}
		if mode := from.DefaultMode; mode != nil && *mode&0o044 == 0 && pod.SecurityContext.FSGroup == nil {
			t.Errorf("%s cannot read the ConfigMap %s: with mode %o and no fsGroup only root can", name, from.Name, *mode)
		}
	}
	if set, ok := c[name].(*appsv1.StatefulSet); ok {
		for _, claim := range set.Spec.VolumeClaimTemplates {
			volumes[claim.Name] = true
		}
	}
	for _, of := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, variable := range of.Env {
			if variable.ValueFrom == nil || variable.ValueFrom.SecretKeyRef == nil {
				continue
			}
			from := variable.ValueFrom.SecretKeyRef
			if secret, ok := c["Secret/"+from.Name].(*corev1.Secret); !ok || len(secret.Data[from.Key]) == 0 {
				t.Errorf("%s of container %s is from %s of the Secret %s, which is not there", variable.Name, of.Name, from.Key, from.Name)
			}
		}
		for _, mount := range of.VolumeMounts {
			if !volumes[mount.Name] {
				t.Errorf("container %s of %s mounts %s, which is no volume", of.Name, name, mount.Name)
			}
			if mount.SubPath != "" || mount.SubPathExpr != "" {
				t.Errorf("container %s of %s would not see changes of %s", of.Name, name, mount.MountPath)
			}
		}
	}
}

func hasPort(pod corev1.PodSpec, port intstr.IntOrString) bool {
	for _, of := range pod.Containers {
		for _, has := range of.Ports {
			if port.Type == intstr.String && has.Name == port.StrVal || port.Type == intstr.Int && has.ContainerPort == port.IntVal {
				return true
			}
		}
	}
	return false
}
