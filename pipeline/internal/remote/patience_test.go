package remote

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// script answers one question after the other, the last one for ever.
func script(answers ...http.HandlerFunc) http.HandlerFunc {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		i := min(int(asked.Add(1)), len(answers)) - 1
		answers[i](w, r)
	}
}

func breakOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// slowDown asks for an hour.
func slowDown(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
	}
}

func TestAPatientClientAsksAgain(t *testing.T) {
	t.Parallel()
	fine := pipelinetest.Answer(200, "fine")
	status := func(code int) http.HandlerFunc { return pipelinetest.Answer(code, "") }
	twice := Patience{Total: enough, Retries: 2, Wait: time.Millisecond}
	tests := map[string]struct {
		patience Patience
		answer   http.HandlerFunc
		asked    int
		status   int
		err      error
	}{
		"not after a success":                     {twice, script(fine), 1, 200, nil},
		"not after a refusal":                     {twice, script(status(403), fine), 1, 403, nil},
		"not after a request to slow down":        {twice, script(slowDown(429), fine), 1, 429, nil},
		"after an outage":                         {twice, script(status(503), fine), 2, 200, nil},
		"after one that asks for more time":       {twice, script(slowDown(503), fine), 2, 200, nil},
		"after it broke off":                      {twice, script(breakOff, status(502), fine), 3, 200, nil},
		"until it is enough":                      {twice, script(status(500)), 3, 500, nil},
		"until it is enough of being cut off":     {twice, script(breakOff), 3, 0, pipeline.Unavailable},
		"but not without patience":                {Patience{Total: enough}, script(status(503), fine), 1, 503, nil},
		"but not what nobody offers to implement": {twice, script(status(501), fine), 1, 501, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, test.answer)
			answer, err := ask(t.Context(), t, NewPatient(pipelinetest.Environment(t), test.patience), "POST", service.URL, "question")
			if !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
			if test.err == nil && (answer == nil || answer.Status != test.status) {
				t.Errorf("got %+v, want %d", answer, test.status)
			}
			questions := service.Asked()
			if len(questions) != test.asked {
				t.Errorf("the service was asked %d times, want %d", len(questions), test.asked)
			}
			for _, question := range questions {
				if question.Body != "question" {
					t.Errorf("it was asked %q", question.Body)
				}
			}
		})
	}
}

// stalling is a service that does not answer the first questions, and the
// rest with 200. It answers in the caller's own time, which needs no clock.
type stalling struct{ questions, stalls int }

func (s *stalling) RoundTrip(request *http.Request) (*http.Response, error) {
	if s.questions++; s.questions <= s.stalls {
		<-request.Context().Done()
		return nil, request.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: request}, nil
}

func TestAPatientClientDoesNotWaitForOneAnswerOnly(t *testing.T) {
	t.Parallel()
	patience := Patience{Total: enough, Attempt: time.Second, Retries: 2, Wait: time.Millisecond}
	for stalls, want := range map[int]struct {
		questions int
		err       error
	}{
		0: {1, nil},
		1: {2, nil},
		2: {3, nil},
		3: {3, pipeline.Slow},
	} {
		synctest.Test(t, func(t *testing.T) {
			service := &stalling{stalls: stalls}
			began := time.Now()
			_, err := ask(t.Context(), t, NewPatient(pipeline.Environment{Transport: service}, patience), "POST", "http://service.test/", "question")
			if !errors.Is(err, want.err) || service.questions != want.questions {
				t.Errorf("%d answers do not come: %v after %d questions", stalls, err, service.questions)
			}
			waited := time.Duration(stalls) * patience.Attempt
			if took := time.Since(began); took < waited || took > waited+2*patience.Wait {
				t.Errorf("%d answers do not come: it took %s", stalls, took)
			}
		})
	}
}

func TestPatienceHasAnEnd(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, slowDown(503))
	for name, patience := range map[string]Patience{
		"between attempts":    {Total: enough, Retries: 1, Wait: time.Hour},
		"whatever the number": {Total: little, Retries: 1 << 20, Wait: 5 * time.Millisecond},
	} {
		answer, err := ask(t.Context(), t, NewPatient(pipelinetest.Environment(t), patience), "GET", service.URL, "")
		if (err != nil || answer.Status != 503) && !errors.Is(err, pipeline.Slow) {
			t.Errorf("%s: got %+v, %v", name, answer, err)
		}
		if name == "between attempts" && err != nil {
			t.Errorf("the answer is lost in waiting for a better one: %v", err)
		}
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	const once = true
	tests := map[string]struct {
		retry Retry
		once  bool
		want  Patience
	}{
		"nothing configured: the timeout bounds everything": {
			Retry{}, !once, Patience{Total: 5 * time.Second, Attempt: 5 * time.Second, Retries: 4},
		},
		"nothing configured, and it is asked once": {
			Retry{}, once, Patience{Total: 5 * time.Second, Attempt: 5 * time.Second},
		},
		"a give_up_after shorter than max_delay leaves one attempt its time": {
			Retry{"200ms", "20ms"}, !once, Patience{Total: 200 * time.Millisecond, Attempt: 200 * time.Millisecond},
		},
		"a longer give_up_after bounds all attempts": {
			Retry{"200ms", "2s"}, !once, Patience{Total: 2 * time.Second, Attempt: 200 * time.Millisecond, Retries: 4},
		},
		"a give_up_after has it asked again": {
			Retry{"200ms", "2s"}, once, Patience{Total: 2 * time.Second, Attempt: 200 * time.Millisecond, Retries: 4},
		},
		"one that leaves time to ask twice": {
			Retry{"50ms", "150ms"}, !once, Patience{Total: 150 * time.Millisecond, Attempt: 50 * time.Millisecond, Retries: 1},
		},
		"max_delay alone": {
			Retry{"200ms", ""}, !once, Patience{Total: 5 * time.Second, Attempt: 200 * time.Millisecond, Retries: 4},
		},
		"max_delay alone, and it is asked once": {
			Retry{"200ms", ""}, once, Patience{Total: 5 * time.Second, Attempt: 200 * time.Millisecond},
		},
		"a max_delay longer than the timeout": {
			Retry{"10s", ""}, !once, Patience{Total: 10 * time.Second, Attempt: 10 * time.Second, Retries: 4},
		},
		"give_up_after alone": {
			Retry{"", "20ms"}, !once, Patience{Total: 5 * time.Second, Attempt: 5 * time.Second},
		},
		"nothing is as good as not configured": {
			Retry{"0s", "0ms"}, !once, Patience{Total: 5 * time.Second, Attempt: 5 * time.Second, Retries: 4},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := test.retry.Patience
			if test.once {
				read = test.retry.PatienceOnce
			}
			test.want.Wait = longestWait
			if got, err := read("5s"); err != nil || got != test.want {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestRetryHasToBeReadable(t *testing.T) {
	t.Parallel()
	const none = " is not a duration such as 500ms, 5s or 10m"
	tests := map[string]struct {
		timeout string
		retry   Retry
		want    string
	}{
		"no timeout":         {"", Retry{}, "timeout:" + none},
		"a timeout of 0":     {"0s", Retry{}, "timeout: has to be longer than 0s, or no answer comes in time"},
		"a timeout below 0":  {"-1s", Retry{}, "timeout:" + none},
		"a delay for ever":   {"1s", Retry{MaxDelay: "9999999h"}, "retry.max_delay:" + none},
		"a limit in seconds": {"1s", Retry{GiveUpAfter: "7"}, "retry.give_up_after:" + none},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, read := range []func(string) (Patience, error){test.retry.Patience, test.retry.PatienceOnce} {
				if _, err := read(test.timeout); err == nil || err.Error() != test.want {
					t.Errorf("got %v, want %s", err, test.want)
				}
			}
		})
	}
}

func TestNothingIsFollowed(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	answer, err := ask(t.Context(), t, New(pipelinetest.Environment(t), enough), "GET", service.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != http.StatusFound || len(service.Asked()) != 1 {
		t.Errorf("got %d after %d questions", answer.Status, len(service.Asked()))
	}
}
