// Package ext has the two types that Traefik's configuration embeds, and nothing in them.
package ext

// HTTP is what is added to its HTTP configuration.
type HTTP struct{}

// Router is what is added to a router.
type Router struct{}
