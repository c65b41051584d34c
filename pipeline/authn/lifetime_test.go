package authn

import (
	"testing"
	"time"

	"ostiary/pipeline/internal/cache"
)

func TestLifetime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": cache.Forever, "0s": 0, "10s": 10 * time.Second} {
		if got, err := lifetime(text, cache.Forever); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	if _, err := lifetime("soon", 0); err == nil || err.Error() != `cache.ttl: is not a duration such as 500ms, 5s or 10m` {
		t.Errorf("got %v", err)
	}
}
