package pipeline

import "sync"

// Shared is what handlers of equal need have in common, such as a key set that
// several of them verify tokens with. Like the handlers themselves it is
// carried from one set of rules to the next as long as somebody asks for it,
// and forgotten when nobody does.
type Shared struct {
	mutex    sync.Mutex
	things   map[string]any
	previous map[string]any
}

func newShared(previous *Shared) *Shared {
	s := &Shared{things: make(map[string]any)}
	if previous != nil {
		previous.mutex.Lock()
		defer previous.mutex.Unlock()
		s.previous = previous.things
	}
	return s
}

// Share is the one thing of type T with the key; add makes it when it is the
// first time that anybody asks. The key names everything that the thing
// depends on.
func Share[T any](e Environment, key string, add func() T) T {
	if e.Shared == nil {
		return add()
	}
	e.Shared.mutex.Lock()
	defer e.Shared.mutex.Unlock()
	for _, known := range []map[string]any{e.Shared.things, e.Shared.previous} {
		if found, ok := known[key].(T); ok {
			e.Shared.things[key] = found
			return found
		}
	}
	made := add()
	e.Shared.things[key] = made
	return made
}
