package authn

import (
	"testing"
	"time"

	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/remote"
)

func TestPatience(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config retryConfig
		want   remote.Patience
	}{
		"is the timeout":                     {retryConfig{}, remote.Patience{Total: 5 * time.Second}},
		"bounds an answer alone":             {retryConfig{MaxDelay: "1s"}, remote.Patience{Total: 5 * time.Second, Attempt: time.Second}},
		"lasts until give_up_after":          {retryConfig{GiveUpAfter: "30s"}, remote.Patience{Total: 30 * time.Second, Attempt: 5 * time.Second, Retries: maxRetries}},
		"is up before the timeout":           {retryConfig{GiveUpAfter: "500ms"}, remote.Patience{Total: 500 * time.Millisecond, Attempt: 5 * time.Second, Retries: maxRetries}},
		"bounds an answer and all of them":   {retryConfig{MaxDelay: "200ms", GiveUpAfter: "1s"}, remote.Patience{Total: time.Second, Attempt: 200 * time.Millisecond, Retries: maxRetries}},
		"does not last longer for an answer": {retryConfig{MaxDelay: "9s", GiveUpAfter: "1s"}, remote.Patience{Total: time.Second, Attempt: 9 * time.Second, Retries: maxRetries}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.want.Wait = longestWait
			if got, err := test.config.patience("5s"); err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func TestPatienceHasToBeReadable(t *testing.T) {
	t.Parallel()
	const never = "has to be longer than 0s, or no answer comes in time"
	tests := map[string]struct {
		timeout string
		config  retryConfig
		want    string
	}{
		"no timeout":         {"", retryConfig{}, `timeout: time: invalid duration ""`},
		"a timeout of 0":     {"0s", retryConfig{}, "timeout: " + never},
		"a max_delay of 0":   {"1s", retryConfig{MaxDelay: "0ms"}, "retry.max_delay: " + never},
		"a limit of 0":       {"1s", retryConfig{GiveUpAfter: "0h"}, "retry.give_up_after: " + never},
		"a delay for ever":   {"1s", retryConfig{MaxDelay: "9999999h"}, `retry.max_delay: time: invalid duration "9999999h"`},
		"a limit in seconds": {"1s", retryConfig{GiveUpAfter: "7"}, `retry.give_up_after: time: missing unit in duration "7"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := test.config.patience(test.timeout); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": cache.Forever, "0s": 0, "10s": 10 * time.Second} {
		if got, err := lifetime(text, cache.Forever); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
	if _, err := lifetime("soon", 0); err == nil || err.Error() != `cache.ttl: time: invalid duration "soon"` {
		t.Errorf("got %v", err)
	}
}
