//go:build e2e

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documentedClass is a line of the README about a class of targets.
var documentedClass = regexp.MustCompile(`(?m)^- \*\*([^*.]+)\*\*: `)

func TestE2EDifferentialClassesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(differentialDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var documented, generated []string
	for _, match := range documentedClass.FindAllSubmatch(text, -1) {
		documented = append(documented, string(match[1]))
	}
	for i := range targetClasses {
		generated = append(generated, targetClasses[i].name)
	}
	if diff := cmp.Diff(generated, documented); diff != "" {
		t.Errorf("the classes, -generated +documented:\n%s", diff)
	}
}

func TestE2EDifferentialTargetsCanBeHadAgain(t *testing.T) {
	t.Parallel()
	var targets []string
	for number := range 10 * len(targetClasses) {
		class, target := generatedTarget(number)
		if again, same := generatedTarget(number); again != class || same != target {
			t.Errorf("target %d is %q and then %q", number, target, same)
		}
		if target == "" {
			t.Errorf("target %d is empty", number)
		}
		targets = append(targets, target)
	}
	slices.Sort(targets)
	if different := len(slices.Compact(targets)); different < 8*len(targetClasses) {
		t.Errorf("only %d of %d targets are different ones", different, 10*len(targetClasses))
	}
}
