package cache

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ostiary/pipeline"
)

const crowd = 200

// gate is a source that answers when the test lets it.
type gate struct {
	calls    atomic.Int32
	open     chan struct{}
	lifetime time.Duration
	err      error
}

func (g *gate) load(ctx context.Context) (string, time.Duration, error) {
	call := g.calls.Add(1)
	select {
	case <-g.open:
		return strconv.Itoa(int(call)), g.lifetime, g.err
	case <-ctx.Done():
		return "", 0, pipeline.Unavailable.From(ctx.Err())
	}
}

// answers are what many callers got.
type answers struct {
	mutex  sync.Mutex
	values map[string]int
	errors []error
}

func (a *answers) add(value string, err error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if err != nil {
		a.errors = append(a.errors, err)
		return
	}
	if a.values == nil {
		a.values = make(map[string]int)
	}
	a.values[value]++
}

func TestEqualQuestionsAreAskedOnce(t *testing.T) {
	t.Parallel()
	down := pipeline.Unavailable.Because("down")
	tests := map[string]struct {
		gate   *gate
		values int
		errors int
	}{
		"and the answer is everybody's":               {&gate{lifetime: time.Hour}, crowd, 0},
		"even if it is not kept":                      {&gate{}, crowd, 0},
		"and so is the failure, which keeps its kind": {&gate{err: down}, 0, crowd},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				test.gate.open = make(chan struct{})
				c := Counted[string](time.Now, 10)
				var got answers
				for range crowd {
					go func() { got.add(c.Load(t.Context(), one, test.gate.load)) }()
				}
				synctest.Wait() // until everybody waits
				close(test.gate.open)
				synctest.Wait()
				if calls := test.gate.calls.Load(); calls != 1 {
					t.Errorf("%d calls", calls)
				}
				if got.values["1"] != test.values || len(got.errors) != test.errors {
					t.Errorf("got %v and %d errors", got.values, len(got.errors))
				}
				for _, err := range got.errors {
					if !errors.Is(err, down) {
						t.Errorf("got error %v", err)
					}
				}
			})
		})
	}
}

func TestDifferentQuestionsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Counted[string](time.Now, 10)
		gates := map[string]*gate{"ada": {}, "bob": {}}
		got := map[string]*answers{"ada": {}, "bob": {}}
		for name, g := range gates {
			g.open = make(chan struct{})
			for range crowd / len(gates) {
				go func() {
					got[name].add(c.Load(t.Context(), KeyOf(name), func(ctx context.Context) (string, time.Duration, error) {
						_, _, err := g.load(ctx)
						return name, time.Hour, err
					}))
				}()
			}
		}
		close(gates["bob"].open)
		synctest.Wait()
		if len(got["ada"].values) != 0 || got["bob"].values["bob"] != crowd/2 {
			t.Errorf("before ada's answer: ada got %v, bob got %v", got["ada"].values, got["bob"].values)
		}
		close(gates["ada"].open)
		synctest.Wait()
		if got["ada"].values["ada"] != crowd/2 || len(got["ada"].values) != 1 || len(got["bob"].values) != 1 {
			t.Errorf("ada got %v, bob got %v", got["ada"].values, got["bob"].values)
		}
		for name, g := range gates {
			if calls := g.calls.Load(); calls != 1 {
				t.Errorf("%d calls for %s", calls, name)
			}
		}
	})
}

func TestACallerThatLeavesFailsNobodyElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		leaver int // whose place in the order of arrival that is
		calls  int32
	}{
		"when it only waited":       {3, 1},
		"when the call was its own": {0, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := Counted[string](time.Now, 10)
				g := &gate{open: make(chan struct{}), lifetime: time.Hour}
				leaving, leave := context.WithCancel(t.Context())
				var left, stayed answers
				for i := range crowd {
					if i == test.leaver {
						go func() { left.add(c.Load(leaving, one, g.load)) }()
					} else {
						go func() { stayed.add(c.Load(t.Context(), one, g.load)) }()
					}
					synctest.Wait() // so that they arrive in order
				}
				leave()
				synctest.Wait()
				if len(left.errors) != 1 || !errors.Is(left.errors[0], context.Canceled) {
					t.Errorf("who left got %v", left.errors)
				}
				close(g.open)
				synctest.Wait()
				if stayed.values[strconv.Itoa(int(test.calls))] != crowd-1 || len(stayed.errors) != 0 {
					t.Errorf("who stayed got %v and %v", stayed.values, stayed.errors)
				}
				if calls := g.calls.Load(); calls != test.calls {
					t.Errorf("%d calls, want %d", calls, test.calls)
				}
			})
		})
	}
}

func TestACallerWithoutTimeIsToldSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Counted[string](time.Now, 10)
		g := &gate{open: make(chan struct{})}
		go func() { _, _ = c.Load(t.Context(), one, g.load) }()
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Load(hurried, one, g.load)
		if !errors.Is(err, pipeline.Slow) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(g.open)
	})
}

func TestAPanicIsItsCallersAndOthersAreRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Counted[string](time.Now, 10)
		open := make(chan struct{})
		load := func(context.Context) (string, time.Duration, error) {
			<-open
			panic("a mistake")
		}
		panicked := make(chan any, 1)
		go func() {
			defer func() { panicked <- recover() }()
			_, _ = c.Load(t.Context(), one, load)
		}()
		synctest.Wait()
		refused := make(chan error, 1)
		go func() {
			_, err := c.Load(t.Context(), one, load)
			refused <- err
		}()
		synctest.Wait()
		close(open)
		if p := <-panicked; p == nil {
			t.Error("the panic of a load is swallowed")
		}
		err := <-refused
		var kind pipeline.Kind
		if !errors.As(err, &kind) || kind != pipeline.Internal {
			t.Errorf("who waited got %v", err)
		}
		// The key is usable again.
		g := &gate{open: open}
		if _, err := c.Load(t.Context(), one, g.load); err != nil {
			t.Error(err)
		}
	})
}
