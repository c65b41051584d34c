//go:build race

package authn

// As many cookies as the race detector gets through in seconds; without it
// there are more.
const (
	distinctCookies = 100_000
	tooManyCookies  = 5_000
)
