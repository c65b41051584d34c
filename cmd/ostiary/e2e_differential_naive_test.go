//go:build e2e

package main_test

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

// naiveTargets is within how many targets a naive gate has to be found out.
const naiveTargets = 20_000

var everyOracle = []string{"nginx", "nginx without merge_slashes", "Go", "Node", "Python", "path parameters"}

// naiveGate is a gate as people have built them.
type naiveGate struct {
	name   string
	passes func(target string) bool
	// foundBy are the oracles that see what is protected where this gate sees what is public.
	foundBy []string
	// forwards is what a request becomes that passes; nil: nothing else than it was.
	forwards func(target string) string
}

var naiveGates = []naiveGate{
	{
		name:    "by the beginning of the target",
		passes:  func(target string) bool { return strings.HasPrefix(target, "/public/") },
		foundBy: everyOracle,
	},
	{
		name: "by the beginning, without plain dot segments",
		passes: func(target string) bool {
			return strings.HasPrefix(target, "/public/") && !strings.Contains(target, "/../") && !strings.HasSuffix(target, "/..")
		},
		foundBy: everyOracle,
	},
	{
		name: "by the resolved path, which is not decoded",
		passes: func(target string) bool {
			raw, _, _ := strings.Cut(target, "?")
			return strings.HasPrefix(path.Clean(raw), "/public/")
		},
		foundBy: everyOracle,
	},
	{
		name: "by the path that net/url decodes and that is resolved then",
		passes: func(target string) bool {
			parsed, err := url.ParseRequestURI(target)
			return err == nil && strings.HasPrefix(path.Clean("/"+parsed.Path), "/public/")
		},
		// It is right for a file server in Go, though not for a ServeMux. Others take slashes, hosts and parameters differently.
		foundBy: []string{"nginx without merge_slashes", "Node", "Python", "path parameters"},
	},
	{
		name: "by the path that is decoded twice",
		passes: func(target string) bool {
			raw, _, _ := strings.Cut(target, "?")
			once, err := url.PathUnescape(raw)
			if err != nil {
				return false
			}
			twice, err := url.PathUnescape(once)
			return err == nil && strings.HasPrefix(path.Clean(twice), "/public/")
		},
		// Those who decode once.
		foundBy: everyOracle,
	},
	{
		name:     "by the beginning, of which it takes away a prefix",
		passes:   func(target string) bool { return strings.HasPrefix(target, "/api") },
		foundBy:  everyOracle,
		forwards: func(target string) string { return "/public" + strings.TrimPrefix(target, "/api") },
	},
}

// TestE2EDifferentialFindsNaiveGates holds the comparison itself to what it is for: the same targets and the same oracles
// find out gates that are as wrong as others have been.
func TestE2EDifferentialFindsNaiveGates(t *testing.T) {
	behind := startBackends(t)
	findings := naiveFindings{first: map[string]int{}, contested: map[string]bool{}}
	oracles := behind.oracles(t)
	for start := 0; start < naiveTargets && !findings.complete(); start += differentialChunk {
		for _, gate := range naiveGates {
			for _, o := range oracles {
				if err := findings.look(&gate, o, start, min(start+differentialChunk, naiveTargets)); err != nil {
					t.Fatalf("%s: %v", o.name, err)
				}
			}
		}
	}
	for _, gate := range naiveGates {
		for _, name := range gate.foundBy {
			if number, found := findings.first[gate.name+name]; found {
				t.Logf("a gate that decides %s is found out by %s with target %d", gate.name, name, number)
			} else {
				t.Errorf("a gate that decides %s is not found out by %s", gate.name, name)
			}
		}
	}
	for i := range targetClasses {
		if name := targetClasses[i].name; !findings.contested[name] {
			t.Errorf("no target of the class %s finds out any gate", name)
		}
	}
}

// naiveFindings are what has been found out about the naive gates.
type naiveFindings struct {
	first     map[string]int  // the number of the first target, by gate and oracle
	contested map[string]bool // the classes of which a target has found out a gate
}

// complete reports whether there is nothing left to find.
func (f *naiveFindings) complete() bool {
	for _, gate := range naiveGates {
		for _, name := range gate.foundBy {
			if _, found := f.first[gate.name+name]; !found {
				return false
			}
		}
	}
	return len(f.contested) == len(targetClasses)
}

// look asks an oracle about what a gate lets pass of the targets with these numbers, as far as it could find anything new.
func (f *naiveFindings) look(gate *naiveGate, o oracle, start, end int) error {
	var forwarded, classes []string
	var numbers []int
	_, found := f.first[gate.name+o.name]
	for number := start; number < end; number++ {
		class, target := generatedTarget(number)
		if found && f.contested[class] || !gate.passes(target) {
			continue
		}
		if gate.forwards != nil {
			target = gate.forwards(target)
		}
		forwarded, classes, numbers = append(forwarded, target), append(classes, class), append(numbers, number)
	}
	all, err := o.read(forwarded)
	if err != nil {
		return err
	}
	for i, readings := range all {
		if !seesProtected(readings) {
			continue
		}
		f.contested[classes[i]] = true
		if _, found := f.first[gate.name+o.name]; !found {
			f.first[gate.name+o.name] = numbers[i]
		}
	}
	return nil
}

// seesProtected leaves out the path that Go has decoded and not resolved yet, on which none of its servers decides.
func seesProtected(all []understood) bool {
	for _, u := range all {
		if u.by != "Go, decoded" && isProtected(u.path) {
			return true
		}
	}
	return false
}
