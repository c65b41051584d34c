package authn

import (
	"encoding/json"
	"fmt"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
)

// sharedBy is the one thing of its kind for that configuration: the one that
// was made first, or else this one.
func sharedBy[T any](environment pipeline.Environment, kind string, config any, made T) (T, error) {
	text, err := json.Marshal(config)
	if err != nil {
		return made, fmt.Errorf("the configuration as JSON: %w", err)
	}
	key := kind + " " + cache.KeyOf(string(text)).Part()
	return pipeline.Share(environment, key, func() T { return made }), nil
}
