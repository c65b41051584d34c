// Package cache remembers what services answered: bounded in size, each answer
// until its own end, and asked for once however many requests wait for it. It
// does not know what is asked or what the answers mean.
//
// A cache belongs to what fills it, and that to a configuration: nothing in it
// outlives either. It needs no closing. It starts no goroutine that stays, so
// that it is collected with its last user.
package cache
