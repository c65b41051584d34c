// Package automaton is for regular languages of texts: it parses patterns,
// compiles many of them into one automaton, tells in a single pass over a text
// which of them match all of it, and proves two of them apart or gives the
// shortest text that both match.
//
// Patterns are those of the regular part of the language that the engine for
// backtracking speaks, look-ahead included, and globs. What is not regular is
// taken for more than it matches, and a match that depends on it is reported
// as one that is not certain.
//
// The package knows nothing of rules, URLs and requests.
package automaton
