package cache

import (
	"crypto/sha256"
	"encoding/binary"
)

// Key stands for everything that shapes an answer. It is a digest (SHA-256),
// so that the cache holds no token and no secret that it was asked about, and
// so that long ones take no more room than short ones. Equal keys are taken for
// equal questions without a further look.
type Key [sha256.Size]byte

// keyRoom is how long the parts of a key may be without a detour over the heap,
// in bytes: most tokens fit.
const keyRoom = 1 << 10

// KeyOf is the key for these parts, in this order. Each part counts with its
// length, so that ("ab", "c") is not ("a", "bc"), and an empty part counts too.
// A list among other parts has to be one part, namely its own key, see Part.
func KeyOf(parts ...string) Key {
	var room [keyRoom]byte
	text := room[:0]
	for _, part := range parts {
		text = binary.BigEndian.AppendUint64(text, uint64(len(part)))
		text = append(text, part...)
	}
	return sha256.Sum256(text)
}

// Part is the key as a part of another one.
func (k Key) Part() string { return string(k[:]) }
