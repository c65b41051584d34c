package automaton

// The functions here make nodes, and fewer of them where that means the same.

func oneOf(c class) *node {
	if len(c) == 0 {
		return &node{kind: matchNothing}
	}
	return &node{kind: matchOne, class: c}
}

// inTurn is what its parts match, one behind the other.
func inTurn(parts ...*node) *node {
	var flat []*node
	for _, part := range parts {
		switch {
		case part == nil || part.kind == matchEmpty:
		case part.kind == matchEach:
			flat = append(flat, part.parts...)
		default:
			flat = append(flat, part)
		}
	}
	switch len(flat) {
	case 0:
		return &node{kind: matchEmpty}
	case 1:
		return flat[0]
	default:
		return &node{kind: matchEach, parts: flat}
	}
}

// eitherOf is what one of its parts matches.
func eitherOf(parts ...*node) *node {
	var flat []*node
	var characters []span
	empty := false
	var add func(parts []*node)
	add = func(parts []*node) {
		for _, part := range parts {
			switch part.kind {
			case matchNothing:
			case matchEmpty:
				if !empty {
					empty, flat = true, append(flat, part)
				}
			case matchOne:
				characters = append(characters, part.class...)
			case matchEither: // of which no part is one
				add(part.parts)
			default:
				flat = append(flat, part)
			}
		}
	}
	add(parts)
	if len(characters) > 0 {
		flat = append(flat, oneOf(normal(characters)))
	}
	switch len(flat) {
	case 0:
		return &node{kind: matchNothing}
	case 1:
		return flat[0]
	default:
		return &node{kind: matchEither, parts: flat}
	}
}

// repeated is what the part matches, that many times.
func repeated(part *node, least, most int) *node {
	switch {
	case most == 0 || part.kind == matchEmpty:
		return &node{kind: matchEmpty}
	case least == 1 && most == 1:
		return part
	}
	switch part.kind {
	case matchNothing, lookAhead, lookAheadNot, atBegin, atEnd, atLineBegin, atBoundary, notAtBoundary, inDoubt:
		// Once is as good as many times.
		if least == 0 {
			return &node{kind: matchEmpty}
		}
		return part
	case matchRepeated:
		if merged := multiplied(part, least, most); merged != nil {
			return merged
		}
	}
	return &node{kind: matchRepeated, parts: []*node{part}, min: least, max: most}
}

// multiplied is a repeat of a repeat as one repeat, or nil if it is none.
func multiplied(inner *node, least, most int) *node {
	switch {
	case inner.max == unlimited && inner.min == 0: // (x*){a,b}
		return inner
	case inner.max == unlimited && inner.min == 1: // (x+){a,b}
		return repeated(inner.parts[0], least, unlimited)
	case inner.max == 1 && inner.min == 0: // (x?){a,b}
		return repeated(inner.parts[0], 0, most)
	default:
		return nil
	}
}

// growth tells how many more places a part takes when its repeats are written
// out.
func growth(part *node) int {
	written, all := size(part)
	return all - written
}

// size counts the places that a part takes, as it is written and with repeats
// written out: those for characters, and those that match the empty text, of
// which hostile patterns have no fewer. The latter number is no more than one
// that is more than enough.
func size(part *node) (written, all int) {
	const enough = 1 << 30
	written, all = 1, 1
	for _, inner := range part.parts {
		w, a := size(inner)
		written, all = written+w, all+a
	}
	if part.kind == matchRepeated {
		all *= max(part.min, part.max, 1) // neither is large enough to overflow
	}
	return written, min(all, enough)
}
