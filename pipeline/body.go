package pipeline

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// Body is the body of a request. A handler that has to see it gets it whole or
// not at all; what was read still reaches the upstream (contract 14, client
// body). It belongs to one request and is not for concurrent use. The nil Body
// is empty.
type Body struct {
	source io.ReadCloser
	read   []byte
	ended  bool
	err    error
}

// NewBody is the body that the client sends.
func NewBody(source io.ReadCloser) *Body { return &Body{source: source} }

// Bytes reads the whole body, if it has at most limit bytes; a longer one is
// TooLarge, and so is one that is too large for its source. The result must not be changed.
func (b *Body) Bytes(limit int) ([]byte, error) {
	if b == nil || b.source == nil {
		return nil, nil
	}
	if missing := limit + 1 - len(b.read); !b.ended && b.err == nil && missing > 0 {
		more, err := io.ReadAll(io.LimitReader(b.source, int64(missing)))
		b.read = append(b.read, more...)
		b.ended, b.err = err == nil && len(more) < missing, err
	}
	switch {
	case len(b.read) > limit:
		return nil, TooLarge.Because("the body has more than %d bytes", limit)
	case errors.Is(b.err, TooLarge): // for the listener that it came by
		return nil, b.err
	case b.err != nil:
		return nil, Malformed.From(b.err)
	default:
		return b.read, nil
	}
}

// Forward is the body for the upstream: what was read already, and the rest as
// it comes.
func (b *Body) Forward() io.ReadCloser {
	if b == nil || b.source == nil {
		return http.NoBody
	}
	if len(b.read) == 0 && !b.ended && b.err == nil {
		return b.source
	}
	rest := []io.Reader{bytes.NewReader(b.read)}
	switch {
	case b.err != nil:
		rest = append(rest, failing{b.err})
	case !b.ended:
		rest = append(rest, b.source)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(rest...), b.source}
}

// failing breaks off where the client's body did.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if errors.Is(f.err, io.EOF) {
		return 0, io.ErrUnexpectedEOF
	}
	return 0, f.err
}
