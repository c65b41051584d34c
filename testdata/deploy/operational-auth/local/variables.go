package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// workload is what a manifest says about the variables of its containers.
type workload struct {
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Name string
					Env  []variable
				}
			}
		}
	}
}

type variable struct {
	Name, Value string
	ValueFrom   struct {
		SecretKeyRef struct{ Key string } `yaml:"secretKeyRef"`
	} `yaml:"valueFrom"`
}

// variables are those that the container of that name has in Kubernetes, with secrets of this time: what is missing
// or misspelt there does not work here either. It sees nothing else of the shell that this was started from.
func (s *site) variables(container string) ([]string, error) {
	manifest := "kubernetes/" + container + ".yaml"
	text, err := fs.ReadFile(s.example, manifest)
	if err != nil {
		return nil, err
	}
	documents := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var found workload
		if err := documents.Decode(&found); errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s has no container %s", manifest, container)
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest, err)
		}
		for _, one := range found.Spec.Template.Spec.Containers {
			if one.Name == container {
				return s.expand(one.Env), nil
			}
		}
	}
}

// expand gives variables their values as the kubelet does: $(NAME) is the value of one before it.
func (s *site) expand(variables []variable) []string {
	expanded := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "SQA_OPT_OUT=true"}
	var known []string
	for _, v := range variables {
		value := v.Value
		if key := v.ValueFrom.SecretKeyRef.Key; key != "" {
			value = s.secret(key)
		}
		value = strings.NewReplacer(known...).Replace(value)
		known = append(known, "$("+v.Name+")", value)
		expanded = append(expanded, v.Name+"="+value)
	}
	return expanded
}
