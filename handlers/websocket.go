package handlers

import (
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"strings"
)

// isWebSocket reports whether a connection becomes a WebSocket (RFC 6455), by
// the header of the answer that agrees to it.
func isWebSocket(agreed http.Header) bool {
	return strings.EqualFold(strings.TrimSpace(agreed.Get("Upgrade")), "websocket")
}

// Of frames (RFC 6455 section 5.2).
const (
	closing       = 0x8  // the opcode of a Close frame
	final         = 0x80 // in the first byte: the frame is the last of its message
	masked        = 0x80 // in the second byte: the frame has a mask
	lengthOf16    = 126  // in the second byte: the length is in the two bytes that follow
	lengthOf64    = 127  // likewise, in eight
	maskBytes     = 4
	statusBytes   = 2
	goingAway     = 1001 // the status of an end that goes down (section 7.4.1)
	longestHeader = 2 + 8 + maskBytes
)

// farewell is a Close frame that says that this end is going away. A client has
// to mask what it sends, with what nobody can foresee.
func farewell(asClient bool) []byte {
	frame := []byte{final | closing, statusBytes}
	var mask [maskBytes]byte
	if asClient {
		_, _ = rand.Read(mask[:]) // it never fails
		frame[1] |= masked
		frame = append(frame, mask[:]...)
	}
	return append(frame, goingAway>>8^mask[0], goingAway&0xff^mask[1])
}

// frames follows the frames that pass in one direction of a WebSocket, to know
// where one ends and another can stand.
type frames struct {
	header [longestHeader]byte
	have   int    // bytes of the header
	left   uint64 // bytes of the payload that are to come; 0 as long as the header is not whole
}

// between reports whether the last frame is whole, and no other has begun.
func (f *frames) between() bool { return f.have == 0 }

// next goes on to the end of the frame, or of p if that comes first. It returns
// how many bytes that are, and the opcode of the frame if it ends with them.
func (f *frames) next(p []byte) (n int, opcode byte, ended bool) {
	for n < len(p) && !f.whole() {
		f.header[f.have] = p[n]
		f.have++
		n++
		if f.whole() {
			f.left = f.length()
		}
	}
	part := min(f.left, uint64(len(p)-n)) //nolint:gosec // n is within p
	f.left -= part
	n += int(part) //nolint:gosec // it is at most the length of p
	if !f.whole() || f.left > 0 {
		return n, 0, false
	}
	f.have = 0
	return n, f.header[0] & 0xf, true
}

// whole reports whether the header is.
func (f *frames) whole() bool {
	if f.have < 2 {
		return false
	}
	return f.have >= f.lengthEnd()+maskBytes*int(f.header[1]>>7)
}

// lengthEnd is where the header goes on behind the length.
func (f *frames) lengthEnd() int {
	switch f.header[1] &^ masked {
	case lengthOf16:
		return 2 + 2
	case lengthOf64:
		return 2 + 8
	default:
		return 2
	}
}

func (f *frames) length() uint64 {
	switch short := f.header[1] &^ masked; short {
	case lengthOf16:
		return uint64(binary.BigEndian.Uint16(f.header[2:]))
	case lengthOf64:
		return binary.BigEndian.Uint64(f.header[2:])
	default:
		return uint64(short)
	}
}
