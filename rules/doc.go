// Package rules reads access rules, compiles them into one immutable Set, and
// finds the rule that answers for a request. It keeps the Set up to date with
// the sources that the rules come from: a Loader builds the next one aside and
// publishes it behind one atomic pointer, or keeps the last good one and says
// why.
//
// Rules are found in one pass over the URL, by the automaton of all their
// patterns. The same automaton tells which rules overlap; Lint looks for more
// that is likely to be a mistake, and Explain tells why a rule answers or does
// not.
//
// It knows the documents (contract section 2), the URL patterns (section 3) and
// the sources. It does not know HTTP, configuration files, or what any handler
// in a rule's pipeline does.
package rules
