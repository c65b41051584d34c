//go:build !race

package authn

// distinctCookies is how many different cookies a cache is shown that has room
// for few of them.
const distinctCookies = 1_000_000
