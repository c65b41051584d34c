// Package pipelinetest is what the tests of handlers share: it makes handlers
// as a rule would configure them, stands in for the services that they call,
// and holds whole lists of handlers to what the engine relies on. Only tests
// import it; it knows no handler by name.
package pipelinetest
