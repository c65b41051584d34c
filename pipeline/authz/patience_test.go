package authz

import (
	"testing"
	"time"

	"ostiary/pipeline/internal/remote"
)

func TestPatience(t *testing.T) {
	t.Parallel()
	const wait = longestWait
	text := func(s string) *string { return &s }
	tests := map[string]struct {
		maxDelay, giveUpAfter *string
		want                  remote.Patience
	}{
		"nothing configured: the timeout bounds everything": {
			nil, nil, remote.Patience{Total: 5 * time.Second, Attempt: 5 * time.Second, Retries: 4, Wait: wait},
		},
		"a give_up_after shorter than max_delay leaves one attempt its time": {
			text("200ms"), text("20ms"), remote.Patience{Total: 200 * time.Millisecond, Attempt: 200 * time.Millisecond, Retries: 0, Wait: wait},
		},
		"a longer give_up_after bounds all attempts": {
			text("200ms"), text("2s"), remote.Patience{Total: 2 * time.Second, Attempt: 200 * time.Millisecond, Retries: 4, Wait: wait},
		},
		"one that leaves time to ask twice": {
			text("50ms"), text("150ms"), remote.Patience{Total: 150 * time.Millisecond, Attempt: 50 * time.Millisecond, Retries: 1, Wait: wait},
		},
		"max_delay alone": {
			text("200ms"), nil, remote.Patience{Total: 5 * time.Second, Attempt: 200 * time.Millisecond, Retries: 4, Wait: wait},
		},
		"a max_delay longer than the timeout": {
			text("10s"), nil, remote.Patience{Total: 10 * time.Second, Attempt: 10 * time.Second, Retries: 4, Wait: wait},
		},
		"give_up_after alone": {
			nil, text("20ms"), remote.Patience{Total: 5 * time.Second, Attempt: 5 * time.Second, Retries: 0, Wait: wait},
		},
		"nothing is as good as not configured": {
			text("0s"), text("0ms"), remote.Patience{Total: 5 * time.Second, Attempt: 5 * time.Second, Retries: 4, Wait: wait},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := retryConfig{test.maxDelay, test.giveUpAfter}.patience("5s")
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}
