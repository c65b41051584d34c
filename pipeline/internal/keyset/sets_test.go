package keyset

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// several is a place with a set at each path.
func several(t testing.TB, answers map[string]http.HandlerFunc) *place {
	t.Helper()
	return newPlace(t, func(w http.ResponseWriter, r *http.Request) { answers[r.URL.Path](w, r) })
}

func (p *place) openAll(t testing.TB, paths string) Sets {
	t.Helper()
	var sets Sets
	for path := range strings.FieldsSeq(paths) {
		sets = append(sets, p.open(t, path))
	}
	return sets
}

func TestOneSetDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	for _, paths := range []string{
		"/good", "/other /good", "/none /good", "/gone /good", "/busy /good", "/hangs /good", "/good /hangs",
		"/hangs /busy /gone /other /none /good",
	} {
		t.Run(paths, func(t *testing.T) {
			t.Parallel()
			hangs, release := held(t, gone)
			p := several(t, map[string]http.HandlerFunc{
				"/good": keysNamed(t, "a"), "/other": keysNamed(t, "b"), "/none": keysNamed(t),
				"/gone": gone, "/busy": busy, "/hangs": hangs,
			})
			sets := p.openAll(t, paths)
			t.Cleanup(release)
			for range 2 {
				key, err := sets.Verifying(t.Context(), "a", never)
				if err != nil {
					t.Fatal(err)
				}
				if key == nil {
					t.Error("there is no key")
				}
			}
		})
	}
}

func TestTheFirstSetThatHasTheKeyCounts(t *testing.T) {
	t.Parallel()
	p := several(t, map[string]http.HandlerFunc{
		"/1": pipelinetest.Answer(http.StatusOK, document(t, key("a", rsaKey().Public()))),
		"/2": pipelinetest.Answer(http.StatusOK, document(t, key("a", ecKey().Public()), key("b", ecKey().Public()))),
	})
	sets := p.openAll(t, "/1 /2")
	if _, err := sets.Verifying(t.Context(), "b", never); err != nil { // both are at hand now
		t.Fatal(err)
	}
	eventually(t, "the first set comes in", func() bool { return sets[0].fresh() != nil })
	got, err := sets.Verifying(t.Context(), "a", never)
	if err != nil {
		t.Fatal(err)
	}
	if !rsaKey().PublicKey.Equal(got) {
		t.Errorf("got %T", got)
	}
}

func TestWhyThereIsNoKey(t *testing.T) {
	t.Parallel()
	tests := map[string]error{
		"":                        ErrNoKey,
		"/other":                  ErrNoKey,
		"/other /gone":            ErrNoKey,
		"/busy /other":            ErrNoKey,
		"/hangs /other":           ErrNoKey,
		"/gone":                   ErrUnusable,
		"/gone /gone":             ErrUnusable,
		"/busy":                   pipeline.Unavailable,
		"/breaks":                 pipeline.Unavailable,
		"/gone /busy":             pipeline.Unavailable,
		"/busy /gone":             pipeline.Unavailable,
		"/busy /hangs":            pipeline.Unavailable,
		"/hangs":                  pipeline.Slow,
		"/gone /hangs":            pipeline.Slow,
		"/limited":                pipeline.Limited,
		"/gone /limited":          pipeline.Limited,
		"/other /limited /breaks": ErrNoKey,
	}
	for paths, want := range tests {
		t.Run(paths, func(t *testing.T) {
			t.Parallel()
			hangs, release := held(t, gone)
			p := several(t, map[string]http.HandlerFunc{
				"/other": keysNamed(t, "b"), "/gone": gone, "/busy": busy, "/hangs": hangs,
				"/limited": pipelinetest.Answer(http.StatusTooManyRequests, ""),
				"/breaks":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			})
			sets := p.openAll(t, paths)
			t.Cleanup(release)
			wait := never
			if strings.Contains(paths, "/hangs") {
				wait = time.Millisecond
				for i, path := range strings.Fields(paths) {
					if path != "/hangs" {
						_, _ = sets[i].Keys(t.Context(), never) // how it went is known from here on
					}
				}
			}
			key, err := sets.Verifying(t.Context(), "a", wait)
			if !errors.Is(err, want) || key != nil {
				t.Errorf("got %v, %v; want %v", key, err, want)
			}
		})
	}
}

func TestOldKeysServeWhenOnlyOtherSourcesAnswer(t *testing.T) {
	t.Parallel()
	for _, paths := range []string{"/fails /other", "/other /fails", "/hangs /fails", "/fails /hangs"} {
		t.Run(paths, func(t *testing.T) {
			t.Parallel()
			hangs, release := held(t, gone)
			p := several(t, map[string]http.HandlerFunc{"/fails": keysNamed(t, "a"), "/other": keysNamed(t, "b"), "/hangs": hangs})
			sets := p.openAll(t, paths)
			t.Cleanup(release)
			if _, err := sets.Verifying(t.Context(), "a", never); err != nil {
				t.Fatal(err)
			}
			p.answers(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/fails":
					gone(w, r)
				case "/hangs":
					hangs(w, r)
				default:
					keysNamed(t, "b")(w, r)
				}
			})
			p.advance(ttl)
			if _, err := sets.Verifying(t.Context(), "a", never); err != nil {
				t.Errorf("got %v", err)
			}
			for i, path := range strings.Fields(paths) {
				if path == "/hangs" && sets[i].running.Load() == nil {
					t.Error("it has waited for the one that hangs")
				}
			}
		})
	}
}

func BenchmarkVerifying(b *testing.B) {
	var keys []jose.JSONWebKey
	for _, id := range ids(16) {
		keys = append(keys, named(id))
	}
	p := several(b, map[string]http.HandlerFunc{
		"/other": keysNamed(b, "b"), "/good": pipelinetest.Answer(http.StatusOK, document(b, keys...)),
	})
	sets := p.openAll(b, "/other /good")
	if _, err := sets.Verifying(b.Context(), "key-007", never); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sets.Verifying(b.Context(), "key-007", never); err != nil {
			b.Fatal(err)
		}
	}
}
