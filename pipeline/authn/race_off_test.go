//go:build !race

package authn

const (
	// distinctCookies is how many different cookies a cache is shown that has
	// room for few of them.
	distinctCookies = 1_000_000
	// tooManyCookies is the same where one of them takes longer.
	tooManyCookies = 20_000
)
