package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

const (
	enough = 30 * time.Second      // for whatever is to succeed
	little = 50 * time.Millisecond // for whatever is to fail
)

// ask sends a question to the service.
func ask(ctx context.Context, t *testing.T, client *Client, method, address, body string) (*Answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return client.Do(ctx, request)
}

func TestDoReadsTheAnswerWhateverItsStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 301, 307, 400, 401, 403, 404, 429, 500, 503} {
		service := pipelinetest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("X-Said", "yes")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "answer")
		})
		answer, err := ask(t.Context(), t, New(pipelinetest.Environment(t), enough), "PUT", service.URL+"/a?b", "question")
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status != status || string(answer.Body) != "answer" || answer.Header.Get("X-Said") != "yes" {
			t.Errorf("%d: got %+v", status, answer)
		}
		questions := service.Asked()
		if len(questions) != 1 || questions[0].Method != "PUT" || questions[0].Target != "/a?b" || questions[0].Body != "question" {
			t.Errorf("%d: the service was asked %+v", status, questions)
		}
	}
}

func TestDoReadsAnswersUpToALimit(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]error{0: nil, maxBody: nil, maxBody + 1: pipeline.Unavailable} {
		service := pipelinetest.Serve(t, pipelinetest.Answer(200, strings.Repeat("x", length)))
		answer, err := ask(t.Context(), t, New(pipelinetest.Environment(t), enough), "GET", service.URL, "")
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, want %v", length, err, want)
		}
		if want == nil && (answer == nil || len(answer.Body) != length) {
			t.Errorf("%d bytes: they do not arrive", length)
		}
	}
}

func TestDoTellsWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	begin := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, "beginning")
		_ = http.NewResponseController(w).Flush()
	}
	tests := map[string]struct {
		timeout time.Duration
		answer  http.HandlerFunc
		want    pipeline.Kind
	}{
		"no answer in time":     {little, hang, pipeline.Slow},
		"no end in time":        {little, func(w http.ResponseWriter, r *http.Request) { begin(w); hang(w, r) }, pipeline.Slow},
		"no time at all":        {0, pipelinetest.Answer(200, ""), pipeline.Slow},
		"no answer":             {enough, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, pipeline.Unavailable},
		"no end":                {enough, func(w http.ResponseWriter, _ *http.Request) { begin(w); panic(http.ErrAbortHandler) }, pipeline.Unavailable},
		"no answer that is one": {enough, answerNoHTTP, pipeline.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, test.answer)
			answer, err := ask(t.Context(), t, New(pipelinetest.Environment(t), test.timeout), "POST", service.URL, "")
			if !errors.Is(err, test.want) || answer != nil {
				t.Errorf("got %+v, %v", answer, err)
			}
		})
	}
}

func answerNoHTTP(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(connection, "220 mail.test ESMTP\r\n")
	_ = connection.Close()
}

func TestDoEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	service := pipelinetest.Serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := ask(ctx, t, New(pipelinetest.Environment(t), enough), "GET", service.URL, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDoRefusesAnAddressItCannotCall(t *testing.T) {
	t.Parallel()
	client := New(pipelinetest.Environment(t), enough)
	for _, address := range []string{"gopher://service.test/", "http://"} {
		target, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Do(t.Context(), &http.Request{Method: "GET", URL: target, Header: http.Header{}}); !errors.Is(err, pipeline.Unavailable) {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

func TestFailureNamesTheServiceByItsHostAlone(t *testing.T) {
	t.Parallel()
	service, err := url.Parse("https://ada:secret@keys.test:8443/secret?key=secret")
	if err != nil {
		t.Fatal(err)
	}
	inner := errors.New("connection refused")
	for want, err := range map[string]error{
		pipeline.Unavailable.Error() + ": calling keys.test:8443: connection refused": &url.Error{Op: "Get", URL: service.String(), Err: inner},
		pipeline.Unavailable.Error() + ": calling keys.test:8443: unexpected EOF":     io.ErrUnexpectedEOF,
		pipeline.Slow.Error() + ": calling keys.test:8443: context deadline exceeded": context.DeadlineExceeded,
		pipeline.Unavailable.Error() + ": calling keys.test:8443: context canceled":   context.Canceled,
	} {
		if got := failure(service, err); got.Error() != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLimitedPassesOnWhatIsForClients(t *testing.T) {
	t.Parallel()
	answer := Answer{Status: 429, Header: http.Header{
		"Retry-After": {"17"}, "X-Ratelimit-Limit": {"100"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1", "2"}, "X-Ratelimit-Type": {"ip"},
		"Set-Cookie": {"sid=1"}, "X-Ratelimit-Secret": {"s"}, "Content-Type": {"text/html"}, "Www-Authenticate": {"Basic"},
	}}
	var refusal *pipeline.Error
	if err := answer.Limited(); !errors.Is(err, pipeline.Limited) || !errors.As(err, &refusal) {
		t.Fatalf("got %v", err)
	}
	want := http.Header{
		"Retry-After": {"17"}, "X-Ratelimit-Limit": {"100"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1", "2"}, "X-Ratelimit-Type": {"ip"},
	}
	if diff := cmp.Diff(want, refusal.Header); diff != "" {
		t.Error(diff)
	}
}
