package main_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// securityRow is a class of requests or of situations that must never get through, by its id.
type securityRow struct {
	id     string
	reason string // why there is nothing to test; empty if there is
	test   func(t *testing.T, common *bastion)
}

// securityRows are all of them.
func securityRows() []securityRow {
	return slices.Concat(
		securityPaths, securityHosts, securityForwarding, securityIdentity, securityMethods, securityFraming, securityCaches,
		securityRedirects, securityExhaustion, securityTokens, securityFailures, securityLeaks,
	)
}

// TestSecurity holds the engine to every row.
func TestSecurity(t *testing.T) {
	t.Parallel()
	common := startBastion(t, nil, nil) // by those that need nothing else
	for _, row := range securityRows() {
		t.Run(row.id, func(t *testing.T) {
			if row.reason != "" {
				t.Skip(row.reason)
			}
			t.Parallel()
			row.test(t, common)
		})
	}
}

// TestTheREADMECountsTheSecurityRows as they are.
func TestTheREADMECountsTheSecurityRows(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	byGroup, reasons := map[string]int{}, 0
	seen := map[string]bool{}
	for _, row := range securityRows() {
		if seen[row.id] {
			t.Errorf("%s is there twice", row.id)
		}
		seen[row.id] = true
		group, _, _ := strings.Cut(row.id, "-")
		if row.reason != "" {
			reasons++
			if !strings.Contains(string(readme), "`"+row.id+"`") {
				t.Errorf("the README does not say why %s has no test", row.id)
			}
		} else {
			byGroup[group]++
		}
	}
	for group, tests := range byGroup {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^\| %s \|.*\| %d \|$`, group, tests)).Match(readme) {
			t.Errorf("the README does not say that %s has %d tests", group, tests)
		}
	}
	if want := fmt.Sprintf("%d rows: %d by tests, %d by a reason", len(seen), len(seen)-reasons, reasons); !strings.Contains(string(readme), want) {
		t.Errorf("the README does not say %q", want)
	}
}
