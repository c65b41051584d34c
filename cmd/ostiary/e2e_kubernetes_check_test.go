//go:build e2e

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// check runs `ostiary check` as the first container of a Deployment would see it: with its variables, and with the
// files of its volumes, below a directory. others are files that somebody else writes, by their path there.
func (c cluster) check(t *testing.T, deployment string, others map[string]string, want string) {
	t.Helper()
	pod, root := get[*appsv1.Deployment](t, c, deployment).Spec.Template.Spec, t.TempDir()
	of, files := pod.Containers[0], map[string]string{}
	// Only the places are others.
	var moved []string
	for _, mount := range of.VolumeMounts {
		moved = append(moved, mount.MountPath, filepath.Join(root, mount.MountPath))
		if err := os.MkdirAll(filepath.Join(root, mount.MountPath), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, volume := range pod.Volumes {
			if volume.Name != mount.Name || volume.ConfigMap == nil {
				continue
			}
			if from, ok := c["ConfigMap/"+volume.ConfigMap.Name].(*corev1.ConfigMap); ok {
				for file, text := range from.Data {
					files[filepath.Join(mount.MountPath, file)] = text
				}
			}
		}
	}
	for file, text := range others {
		files[file] = text
	}
	places := strings.NewReplacer(moved...)
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(root, file), []byte(places.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	variables := map[string]string{}
	for _, variable := range of.Env {
		variables[variable.Name] = places.Replace(variable.Value)
		if variable.ValueFrom != nil {
			from := variable.ValueFrom.SecretKeyRef
			variables[variable.Name] = string(get[*corev1.Secret](t, c, "Secret/"+from.Name).Data[from.Key])
		}
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if len(of.Args) != 3 || of.Args[0] != "serve" || of.Args[1] != "--config" {
		t.Fatalf("the container runs %q, expected serve --config FILE", of.Args)
	}
	command := exec.Command(path, "check", "--config", places.Replace(of.Args[2]))
	command.Env = environment(variables)
	if out, err := command.CombinedOutput(); err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), want) {
		t.Errorf("ostiary check: %v, expected %s\n%s", err, want, out)
	}
}
