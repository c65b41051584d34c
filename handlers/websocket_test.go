package handlers

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"testing"
)

// webSocketFrame is a frame as it goes over the wire.
func webSocketFrame(opcode byte, asClient bool, payload []byte) []byte {
	text := []byte{final | opcode, 0}
	switch length := len(payload); {
	case length > 0xffff:
		text[1] = lengthOf64
		text = binary.BigEndian.AppendUint64(text, uint64(length))
	case length >= lengthOf16:
		text[1] = lengthOf16
		text = binary.BigEndian.AppendUint16(text, uint16(length))
	default:
		text[1] = byte(length)
	}
	if !asClient {
		return append(text, payload...)
	}
	text[1] |= masked
	mask := []byte{0x11, 0x22, 0x33, 0x44}
	text = append(text, mask...)
	for i, b := range payload {
		text = append(text, b^mask[i%4])
	}
	return text
}

// TestTheEndsOfFramesAreFound, in whatever pieces they come.
func TestTheEndsOfFramesAreFound(t *testing.T) {
	t.Parallel()
	var stream []byte
	var ends []int
	var opcodes []byte
	for _, length := range []int{0, 1, 125, 126, 127, 128, 0xffff, 0x10000, 100_000} {
		for _, asClient := range []bool{false, true} {
			opcode := byte(length % 3)
			if length == 125 {
				opcode = closing
			}
			stream = append(stream, webSocketFrame(opcode, asClient, make([]byte, length))...)
			ends, opcodes = append(ends, len(stream)), append(opcodes, opcode)
		}
	}
	for _, piece := range []int{1, 2, 3, 7, 1000, 4096, len(stream)} {
		var f frames
		found := 0
		for at := 0; at < len(stream); {
			n, opcode, ended := f.next(stream[at:min(at+piece, len(stream))])
			at += n
			if n == 0 {
				t.Fatalf("in pieces of %d: it stands still at %d", piece, at)
			}
			if ended != f.between() {
				t.Fatalf("in pieces of %d: at %d, the end is %t and between %t", piece, at, ended, f.between())
			}
			if !ended {
				continue
			}
			if at != ends[found] || opcode != opcodes[found] {
				t.Fatalf("in pieces of %d: frame %d ends at %d with the opcode %d, want %d and %d", piece, found, at, opcode, ends[found], opcodes[found])
			}
			found++
		}
		if found != len(ends) {
			t.Errorf("in pieces of %d: %d frames of %d", piece, found, len(ends))
		}
	}
}

// FuzzFrames: the same frames are found in whatever pieces they come, and no
// byte is lost or counted twice.
func FuzzFrames(f *testing.F) {
	f.Add(webSocketFrame(1, true, []byte("hello")), 3)
	f.Add([]byte{0x88, 0x02, 0x03, 0xe9}, 1)
	f.Add([]byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1}, 2)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		piece = max(1, piece&0xff)
		walk := func(piece int) (ends []int) {
			var f frames
			for at := 0; at < len(stream); {
				n, _, ended := f.next(stream[at:min(at+piece, len(stream))])
				if n <= 0 || at+n > len(stream) {
					t.Fatalf("at %d of %d it goes on by %d", at, len(stream), n)
				}
				if at += n; ended {
					ends = append(ends, at)
				}
			}
			return ends
		}
		whole, pieces := walk(max(1, len(stream))), walk(piece)
		if len(whole) != len(pieces) {
			t.Fatalf("frames end at %v, or at %v", whole, pieces)
		}
		for i := range whole {
			if whole[i] != pieces[i] {
				t.Fatalf("frames end at %v, or at %v", whole, pieces)
			}
		}
	})
}

func TestTheFarewellIsACloseFrame(t *testing.T) {
	t.Parallel()
	if got := farewell(false); !bytes.Equal(got, []byte{0x88, 2, 0x03, 0xe9}) {
		t.Errorf("to a client: % x", got)
	}
	one, other := farewell(true), farewell(true)
	for _, got := range [][]byte{one, other} {
		if len(got) != 8 || got[0] != 0x88 || got[1] != 0x82 || got[6]^got[2] != 0x03 || got[7]^got[3] != 0xe9 {
			t.Errorf("to an upstream: % x", got)
		}
	}
	if bytes.Equal(one[2:6], other[2:6]) {
		t.Error("two farewells have the same mask") // once in four billion runs by chance
	}
}

func TestWhatBecomesAWebSocket(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		upgrade string
		want    bool
	}{{"websocket", true}, {"WebSocket", true}, {" websocket ", true}, {"", false}, {"mqtt", false}, {"websocket2", false}} {
		if got := isWebSocket(http.Header{"Upgrade": {test.upgrade}}); got != test.want {
			t.Errorf("%q: got %t", test.upgrade, got)
		}
	}
}
