package keyset

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

const (
	ttl   = time.Minute
	never = time.Minute // longer than any test waits
)

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	weak   = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(1024) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
	edKey = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", 32))) })
)

func newRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

// key is a JSON Web Key for signatures.
func key(id string, of any) jose.JSONWebKey { return jose.JSONWebKey{Key: of, KeyID: id, Use: "sig"} }

// named is a public key of that id; which key it is does not matter.
func named(id string) jose.JSONWebKey { return key(id, edKey().Public()) }

func document(t testing.TB, keys ...jose.JSONWebKey) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": append([]jose.JSONWebKey{}, keys...)})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// clock is a clock that stands still until it is told to go on.
type clock struct {
	mutex sync.Mutex
	now   time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

func (c *clock) advance(by time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(by)
}

// place is a server of key sets, of which each test decides what it answers
// next.
type place struct {
	*pipelinetest.Service
	*clock
	answer atomic.Pointer[http.HandlerFunc]
}

func newPlace(t testing.TB, answer http.HandlerFunc) *place {
	p := &place{clock: newClock()}
	p.answers(answer)
	p.Service = pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { (*p.answer.Load())(w, r) })
	return p
}

func (p *place) answers(answer http.HandlerFunc) { p.answer.Store(&answer) }

// has makes the place answer with these keys.
func (p *place) has(t testing.TB, ids ...string) {
	p.answers(keysNamed(t, ids...))
}

func keysNamed(t testing.TB, ids ...string) http.HandlerFunc {
	var keys []jose.JSONWebKey
	for _, id := range ids {
		keys = append(keys, named(id))
	}
	return pipelinetest.Answer(http.StatusOK, document(t, keys...))
}

// held makes a handler wait until it is let go, or the test ends.
func held(t testing.TB, next http.HandlerFunc) (http.HandlerFunc, func()) {
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	return func(w http.ResponseWriter, r *http.Request) {
		<-gate
		next(w, r)
	}, open
}

func (p *place) environment(t testing.TB) pipeline.Environment {
	environment := pipelinetest.Environment(t)
	environment.Now = p.Now
	return environment
}

// open is the set at that path of the place. When the test is over, nothing is
// under way any more.
func (p *place) open(t testing.TB, path string) *Set {
	t.Helper()
	set, err := Open(p.environment(t), p.URL+path, ttl)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { settle(t, set) })
	return set
}

// settle waits until nothing is under way.
func settle(t testing.TB, set *Set) {
	t.Helper()
	if under := set.running.Load(); under != nil {
		select {
		case <-under.done:
		case <-time.After(10 * time.Second):
			t.Error("a reading does not end")
		}
	}
}

// eventually waits for something that happens in the background.
func eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not happen that %s", what)
		}
	}
}

// has reports whether the key is found, and why not.
func has(t testing.TB, set *Set, id string) error {
	t.Helper()
	_, err := Sets{set}.Verifying(t.Context(), id, never)
	return err
}
