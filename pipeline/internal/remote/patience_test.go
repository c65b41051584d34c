package remote

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
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

func hangOn(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

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
		"after an attempt that took too long":     {Patience{Total: enough, Attempt: little, Retries: 2, Wait: time.Millisecond}, script(hangOn, fine), 2, 200, nil},
		"until it is enough":                      {twice, script(status(500)), 3, 500, nil},
		"until it is enough of being cut off":     {twice, script(breakOff), 3, 0, pipeline.Unavailable},
		"until it is enough of waiting":           {Patience{Total: enough, Attempt: little, Retries: 1, Wait: time.Millisecond}, script(hangOn), 2, 0, pipeline.Slow},
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

func TestPatienceHasAnEnd(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, slowDown(503))
	for name, patience := range map[string]Patience{
		"between attempts":    {Total: little, Retries: 1, Wait: time.Hour},
		"whatever the number": {Total: little, Retries: 1 << 20, Wait: time.Millisecond},
	} {
		if answer, err := ask(t.Context(), t, NewPatient(pipelinetest.Environment(t), patience), "GET", service.URL, ""); !errors.Is(err, pipeline.Slow) {
			t.Errorf("%s: got %+v, %v", name, answer, err)
		}
	}
}

func TestLibrariesGetAClientThatFollowsNothing(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := New(pipelinetest.Environment(t), enough).HTTP().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusFound || len(service.Asked()) != 1 {
		t.Errorf("got %d after %d questions", response.StatusCode, len(service.Asked()))
	}
}
