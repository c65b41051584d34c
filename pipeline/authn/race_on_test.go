//go:build race

package authn

// distinctCookies are as many as the race detector gets through in seconds;
// without it there are a million.
const distinctCookies = 50_000
