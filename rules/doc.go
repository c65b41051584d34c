// Package rules reads access rules, compiles them into one immutable Set, and
// finds the rule that answers for a request. It keeps the Set up to date with
// the sources that the rules come from: a Loader builds the next one aside and
// publishes it behind one atomic pointer, or keeps the last good one and says
// why.
//
// It knows the documents (contract section 2), the URL patterns (section 3) and
// the sources. It does not know HTTP, configuration files, or what any handler
// in a rule's pipeline does.
package rules
