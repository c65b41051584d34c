package pipeline_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"ostiary/pipeline"
)

// source is a client's body that knows whether it was closed.
type source struct {
	io.Reader
	closed bool
}

func (s *source) Close() error { s.closed = true; return nil }

func bodyOf(text string) *source {
	return &source{Reader: iotest.OneByteReader(strings.NewReader(text))}
}

func forwarded(t *testing.T, body *pipeline.Body) string {
	t.Helper()
	text, err := io.ReadAll(body.Forward())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBodyIsReadWholeAndStillForwarded(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "a=1&b=2"} {
		client := bodyOf(text)
		body := pipeline.NewBody(client)
		for range 2 { // a second handler sees the same
			got, err := body.Bytes(7)
			if err != nil || string(got) != text {
				t.Errorf("got %q, %v; want %q", got, err, text)
			}
		}
		if got := forwarded(t, body); got != text {
			t.Errorf("the upstream gets %q of %q", got, text)
		}
		if err := body.Forward().Close(); err != nil || !client.closed {
			t.Errorf("the client's body stays open: %v", err)
		}
	}
}

func TestBodyThatNobodyReadIsForwardedAsItComes(t *testing.T) {
	t.Parallel()
	client := bodyOf("a=1")
	if got := pipeline.NewBody(client).Forward(); got != io.ReadCloser(client) {
		t.Errorf("got %T", got)
	}
}

func TestBodyThatIsTooLongIsRefusedAndStillForwarded(t *testing.T) {
	t.Parallel()
	body := pipeline.NewBody(bodyOf("12345678"))
	for _, limit := range []int{7, 3, 0, 7} {
		got, err := body.Bytes(limit)
		if !errors.Is(err, pipeline.TooLarge) || got != nil {
			t.Errorf("limit %d: got %q, %v", limit, got, err)
		}
	}
	got, err := body.Bytes(8)
	if err != nil || string(got) != "12345678" {
		t.Errorf("got %q, %v", got, err)
	}
	if got := forwarded(t, body); got != "12345678" {
		t.Errorf("the upstream gets %q", got)
	}
}

// TestBodyThatIsTooLargeForItsSourceIsTooLarge: a listener may take less than a
// handler reads.
func TestBodyThatIsTooLargeForItsSourceIsTooLarge(t *testing.T) {
	t.Parallel()
	refusal := pipeline.TooLarge.Because("more than the listener takes")
	body := pipeline.NewBody(io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(refusal))))
	if got, err := body.Bytes(1 << 10); pipeline.KindOf(err) != pipeline.TooLarge || !errors.Is(err, refusal) || got != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestBodyThatBreaksOffIsMalformedAndBreaksOffForTheUpstream(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for want, end := range map[error]error{broken: broken, io.ErrUnexpectedEOF: io.ErrUnexpectedEOF} {
		body := pipeline.NewBody(io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(end))))
		for range 2 {
			if got, err := body.Bytes(100); !errors.Is(err, pipeline.Malformed) || !errors.Is(err, end) || got != nil {
				t.Errorf("got %q, %v", got, err)
			}
		}
		got, err := io.ReadAll(body.Forward())
		if string(got) != "half" || !errors.Is(err, want) {
			t.Errorf("the upstream gets %q, %v", got, err)
		}
	}
}

func TestNoBodyIsEmpty(t *testing.T) {
	t.Parallel()
	var none *pipeline.Body
	for name, body := range map[string]*pipeline.Body{"nil": none, "nobody's": pipeline.NewBody(nil)} {
		got, err := body.Bytes(0)
		if got != nil || err != nil || body.Forward() != http.NoBody {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}
