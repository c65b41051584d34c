// Package pipeline is the waist of the engine: the values that a decision is
// made of, and the way from a Request to a Decision.
//
// A Pipeline is built once per access rule, by a Builder, out of handler
// Definitions and their configuration; then it runs for every request that the
// rule matches: authenticators until one is responsible, the authorizer, the
// mutators, and, when any of them refuses, the error handlers.
//
// The package knows nothing of HTTP servers, rule files, URL patterns or
// configuration files, and of no handler by name. What it is handed is
// canonical, what it returns is data: only the front ends write to a client.
//
// Everything fails closed. The zero Decision refuses, the zero Kind is an
// internal error, and an error of no known kind is one too.
package pipeline
