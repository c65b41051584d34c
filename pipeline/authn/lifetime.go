package authn

import (
	"time"

	"ostiary/pipeline"
)

// lifetime reads how long something is kept; nothing is configured if it is
// empty, and then otherwise counts.
func lifetime(text string, otherwise time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	return pipeline.ParseDuration(text, "cache", "ttl")
}
