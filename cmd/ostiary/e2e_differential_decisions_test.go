//go:build e2e

package main_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// decisionComparison asks the decision API about some of the targets.
type decisionComparison struct {
	tally   *differentialTally
	oracles []oracle
	// The gate itself, in the dialect that resolves paths and in one that refuses those that would have to be; and where it
	// says that a path leads.
	resolving, strict, open *pipelined
}

func newDecisionComparison(t *testing.T, address string, oracles []oracle, tally *differentialTally) *decisionComparison {
	t.Helper()
	ask := func(path, host string) *pipelined {
		p := &pipelined{address: address, fixed: path, lines: func(target string) string {
			return "Host: gateway\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: " + host + "\r\nX-Forwarded-Uri: " + target + "\r\n"
		}}
		t.Cleanup(p.close)
		return p
	}
	return &decisionComparison{tally, oracles, ask("/decisions", gateHost), ask("/auth/traefik", gateHost), ask("/decisions", openHost)}
}

// asHeader reports whether a gateway can write a target into a header and the gate gets those bytes: a line ends there, blanks
// at its ends are none of the value.
func asHeader(target string) bool {
	return strings.HasPrefix(target, "/") && !strings.ContainsAny(target, "\r\n\x00") && strings.Trim(target, " \t") == target
}

// compare asks about one in so many of the targets. through are those of them that passed as requests.
func (d *decisionComparison) compare(all []generated, standings []standing, through []passed) error {
	decided := map[int]string{}
	for i := range through {
		decided[through[i].number] = string(through[i].Decided)
	}
	var asked []generated
	var targets []string
	var proxied []standing
	for i, g := range all {
		if g.number/len(targetClasses)%decisionShare == 0 && asHeader(g.target) {
			asked, targets, proxied = append(asked, g), append(targets, g.target), append(proxied, standings[i])
		}
	}
	if err := d.alike(asked, targets, proxied, decided); err != nil {
		return fmt.Errorf("decisions: %w", err)
	}
	if err := d.unresolved(asked, targets, decided); err != nil {
		return fmt.Errorf("decisions in a gateway's dialect: %w", err)
	}
	return d.anywhere(asked, targets)
}

// alike demands the verdict, and the path, that there was for the same target in a request.
func (d *decisionComparison) alike(asked []generated, targets []string, proxied []standing, decided map[int]string) error {
	answers, err := d.resolving.ask(targets)
	if err != nil {
		return err
	}
	var permitted []passed
	for i, answer := range answers {
		d.tally.note("a gateway asked as well")
		if standingOf(answer) == publicTarget {
			permitted = append(permitted, passed{generated: asked[i]})
		}
		if got := standingOf(answer); got != proxied[i] {
			d.tally.disagree(asked[i].class, "the decision API", fmt.Sprintf("%v is %s in a request, and %s (%d) to a gateway", asked[i], proxied[i], got, answer.status))
		} else if path := decidedIn(answer); path != decided[asked[i].number] {
			d.tally.disagree(asked[i].class, "the decision API", fmt.Sprintf("%v was decided on as %q, and for a gateway as %q", asked[i], decided[asked[i].number], path))
		}
	}
	return d.writtenOut(permitted, func(p passed, u understood) {
		d.tally.example(u.by+" would see what is protected if the gateway passed on what was written", p.String())
	})
}

// unresolved is about a gateway that passes on what its client wrote: that is then what the oracles see.
func (d *decisionComparison) unresolved(asked []generated, targets []string, decided map[int]string) error {
	answers, err := d.strict.ask(targets)
	if err != nil {
		return err
	}
	var permitted []passed
	for i, answer := range answers {
		if standingOf(answer) != publicTarget {
			continue
		}
		d.tally.note("a strict gateway may pass on what was written")
		p := passed{generated: asked[i], arrived: arrived{Target: []byte(targets[i]), Decided: []byte(decidedIn(answer))}}
		if was, passes := decided[p.number]; !passes || was != string(p.Decided) {
			d.tally.disagree(p.class, "the decision API", fmt.Sprintf("%v is permitted to a strict gateway as %q, and as %q in a request", p.generated, p.Decided, was))
		}
		permitted = append(permitted, p)
	}
	return d.writtenOut(permitted, func(p passed, u understood) {
		d.tally.disagree(p.class, u.by, fmt.Sprintf("%v is public to a strict gateway and %q to %s", p.generated, u.path, u.by))
	})
}

// writtenOut calls found for each reader to whom one of these targets, as it was written, is what is protected.
func (d *decisionComparison) writtenOut(permitted []passed, found func(passed, understood)) error {
	written := make([]string, len(permitted))
	for i := range permitted {
		written[i] = permitted[i].target
	}
	for _, o := range d.oracles {
		all, err := o.read(written)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		for i, readings := range all {
			for _, u := range readings {
				if isProtected(u.path) {
					found(permitted[i], u)
				}
			}
		}
	}
	return nil
}

// anywhere compares where the gate says that a target leads with where Go says so, also for what is not public.
func (d *decisionComparison) anywhere(asked []generated, targets []string) error {
	answers, err := d.open.ask(targets)
	if err != nil {
		return fmt.Errorf("decisions about everything: %w", err)
	}
	for i, answer := range answers {
		if standingOf(answer) != publicTarget {
			continue
		}
		d.tally.note("the path of any target was compared with Go's")
		// Go takes a number sign for a fragment's only in the URLs of a page, and so does the gate, by refusing it.
		path, _, _ := strings.Cut(targets[i], "?")
		if resolved, served := resolvedByGo(path); !served || resolved != withoutFinalSlash(decidedIn(answer)) {
			d.tally.disagree(asked[i].class, "the decision API", fmt.Sprintf("%v was decided on as %q, and leads to %q in Go", asked[i], decidedIn(answer), resolved))
		}
	}
	return nil
}

func decidedIn(answer wireAnswer) string {
	decided, err := base64.StdEncoding.DecodeString(answer.header.Get("X-Decided"))
	if err != nil {
		return err.Error()
	}
	return string(decided)
}
