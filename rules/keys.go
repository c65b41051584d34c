package rules

import (
	"context"
	"encoding/json"
	"errors"
)

// PublicKeys are the public halves of the keys that any rule signs with, each
// of them once. A key set that cannot be had does not hide the others; only if
// none can be had is that an error (contract 11.5).
func (e *Engine) PublicKeys(ctx context.Context) ([]json.RawMessage, error) {
	keys := []json.RawMessage{}
	seen := map[string]bool{}
	var failures []error
	publishers := e.set.Load().publishers
	for _, publisher := range publishers {
		published, err := publisher.PublicKeys(ctx)
		if err != nil {
			failures = append(failures, err)
		}
		for _, key := range published {
			if !seen[string(key)] {
				seen[string(key)] = true
				keys = append(keys, key)
			}
		}
	}
	if len(failures) > 0 && len(failures) == len(publishers) {
		return nil, errors.Join(failures...)
	}
	return keys, nil
}
