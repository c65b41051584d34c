//go:build e2e

package main_test

import (
	"encoding/json"
	"fmt"
	"testing"
)

// comparison is what one goroutine needs to compare the gate with the oracles.
type comparison struct {
	tally     *differentialTally
	proxy     *pipelined
	decisions *decisionComparison
	oracles   []oracle
	servers   map[string]servedOracle // by the names of those that are asked in bulk
}

// servedOracle is an oracle that is asked with real requests, about one in so many targets.
type servedOracle struct {
	share int
	read  func([]string) ([][]understood, error)
}

func newComparison(t *testing.T, gate *instance, behind *backends, tally *differentialTally) *comparison {
	t.Helper()
	proxy := &pipelined{address: gate.ports.address("proxy"), lines: toGate}
	t.Cleanup(proxy.close)
	oracles := behind.oracles(t)
	return &comparison{
		tally: tally, proxy: proxy, oracles: oracles,
		decisions: newDecisionComparison(t, gate.ports.address("api"), oracles, tally),
		servers: map[string]servedOracle{
			"Node":   {nodeShare, listOracle(t, behind.nodeHTTP, nodeReaders)},
			"Python": {pythonShare, listOracle(t, behind.pythonHTTP, pythonReaders)},
		},
	}
}

// passed is a target that the gate let pass.
type passed struct {
	generated
	arrived
	expected string // the path that everybody behind the gate has to see
}

// generated is a target with its number.
type generated struct {
	number        int
	class, target string
}

func (g generated) String() string {
	return fmt.Sprintf("target %d (%s) %q", g.number, g.class, g.target)
}

// compare compares what is made of the targets with these numbers.
func (c *comparison) compare(start, end int) error {
	all, targets := make([]generated, 0, end-start), make([]string, 0, end-start)
	for number := start; number < end; number++ {
		class, target := generatedTarget(number)
		all, targets = append(all, generated{number, class, target}), append(targets, target)
	}
	answers, err := c.proxy.ask(targets)
	if err != nil {
		return err
	}
	var through []passed
	standings := make([]standing, len(all))
	for i, answer := range answers {
		standings[i] = standingOf(answer)
		c.tally.count(all[i].class, standings[i])
		switch standings[i] {
		case unansweredTarget:
			c.tally.example("closed without an answer", all[i].String())
		case oddTarget:
			c.tally.disagree(all[i].class, "the gate", fmt.Sprintf("%v is answered with %d", all[i], answer.status))
		case publicTarget:
			p := passed{generated: all[i]}
			if err := json.Unmarshal(answer.body, &p.arrived); err != nil {
				return fmt.Errorf("what arrived of %v: %w", all[i], err)
			}
			if p.expected = behindGate(string(p.Decided), string(p.Target)); p.expected == "" {
				c.tally.disagree(p.class, "the gate", fmt.Sprintf("%v was decided on as %q, and is passed on as %q", p.generated, p.Decided, p.Target))
			}
			through = append(through, p)
		}
	}
	if err := c.judge(through); err != nil {
		return err
	}
	return c.decisions.compare(all, standings, through)
}

// judge asks the oracles about what arrived behind the gate.
func (c *comparison) judge(through []passed) error {
	forwarded := make([]string, len(through))
	for i := range through {
		forwarded[i] = string(through[i].Target)
	}
	for _, o := range c.oracles {
		all, err := o.read(forwarded)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		for i, readings := range all {
			c.judgeOne(o.name, &through[i], readings)
		}
		if server, served := c.servers[o.name]; served {
			if err := c.judgeServed(o.name, server, forwarded, all, through); err != nil {
				return fmt.Errorf("%s as a server: %w", o.name, err)
			}
		}
	}
	return nil
}

func (c *comparison) judgeOne(name string, p *passed, readings []understood) {
	if len(readings) == 0 {
		c.tally.unread(name)
	}
	for _, r := range readings {
		expected, told := asDecided(r.by, p.expected)
		switch {
		case isProtected(r.path):
			c.tally.disagree(p.class, name, fmt.Sprintf("%v is public to the gate and %q to %s, which sees %q", p.generated, r.path, r.by, p.Target))
		case told && !reads(r.by, r.path, expected):
			c.tally.disagree(p.class, name, fmt.Sprintf("%v was decided on as %q and is %q to %s, which sees %q", p.generated, p.Decided, r.path, r.by, p.Target))
		}
	}
}

// judgeServed sends some of the targets as requests, of which the program has to make the same.
func (c *comparison) judgeServed(name string, server servedOracle, forwarded []string, all [][]understood, through []passed) error {
	var sent []string
	var at []int
	for i := range forwarded {
		if through[i].number/len(targetClasses)%server.share == 0 {
			sent, at = append(sent, forwarded[i]), append(at, i)
		}
	}
	served, err := server.read(sent)
	if err != nil {
		return err
	}
	for i, readings := range served {
		if readings == nil {
			c.tally.example(name+" as a server refused what had passed", fmt.Sprintf("%q", sent[i]))
			continue
		}
		c.tally.served(name)
		if fmt.Sprint(readings) != fmt.Sprint(all[at[i]]) {
			c.tally.disagree(through[at[i]].class, name, fmt.Sprintf("%q is %v to the server and %v otherwise", sent[i], readings, all[at[i]]))
		}
	}
	return nil
}
