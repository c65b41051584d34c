// Package handlers holds the HTTP front ends: the proxy, the decision API, and
// the API about the engine itself. They turn a client's request into its one
// canonical form, have it decided, and carry out the decision.
//
// They know HTTP and nothing of how a decision comes about: rules and metrics
// are reached through small interfaces that are declared here. They are the
// only ones that write to a client.
package handlers
