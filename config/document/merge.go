package document

import "maps"

// Merge lays one value over another: maps merge key by key, everything else,
// lists included, is replaced as a whole. Neither argument is changed, but the
// result may share parts with both. Keys for which whole reports true are
// replaced as a whole even when both sides are maps.
func Merge(under, over any, whole func(Path) bool) any {
	return merge(under, over, nil, whole)
}

func merge(under, over any, at Path, whole func(Path) bool) any {
	below, ok1 := under.(map[string]any)
	above, ok2 := over.(map[string]any)
	if !ok1 || !ok2 || (whole != nil && len(at) > 0 && whole(at)) {
		return over
	}
	merged := make(map[string]any, len(below)+len(above))
	maps.Copy(merged, below)
	for key, value := range above {
		if old, there := merged[key]; there {
			value = merge(old, value, at.With(key), whole)
		}
		merged[key] = value
	}
	return merged
}
