package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// balancer sends requests to those instances that say that they are ready, by connections that it keeps, as a Service of
// Kubernetes does together with a gateway in front of it. It asks for their health every 100 ms, and sends no request
// twice.
type balancer struct {
	backends []*backendOfBalancer
	turn     atomic.Int64
}

type backendOfBalancer struct {
	*instance
	ready  atomic.Bool
	client *http.Client
}

func startBalancer(t testing.TB, instances ...*instance) *balancer {
	t.Helper()
	b := new(balancer)
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		looking.Wait()
	})
	// Who is slow to answer is not unready for it: the machine may have other things to do.
	probes := &http.Client{Timeout: lifeLimit, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, i := range instances {
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		t.Cleanup(transport.CloseIdleConnections)
		one := &backendOfBalancer{instance: i, client: &http.Client{Timeout: lifeLimit, Transport: transport}}
		b.backends = append(b.backends, one)
		looking.Go(func() { one.look(ctx, probes) })
	}
	return b
}

// look follows the readiness of an instance.
func (b *backendOfBalancer) look(ctx context.Context, probes *http.Client) {
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url("api", "/health/ready"), nil)
		if err != nil {
			panic(err)
		}
		answer, err := probes.Do(request)
		if err == nil {
			answer.Body.Close()
		}
		if ready := err == nil && answer.StatusCode == http.StatusOK; b.ready.Swap(ready) && !ready {
			b.client.CloseIdleConnections() // nothing is sent by them any more
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
	}
}

// next is an instance that is ready, each in its turn.
func (b *balancer) next() (*backendOfBalancer, error) {
	turn := int(b.turn.Add(1))
	for n := range b.backends {
		if one := b.backends[(turn+n)%len(b.backends)]; one.ready.Load() {
			return one, nil
		}
	}
	return nil, errors.New("no instance is ready")
}

// once is a body that net/http cannot read a second time, so that it never sends a request anew.
type once struct{ io.Reader }

// post sends a request that must not be repeated to a listener of some instance.
func (b *balancer) post(ctx context.Context, listener, path, text string) error {
	to, err := b.next()
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url(listener, path), once{strings.NewReader(text)})
	if err != nil {
		return err
	}
	request.ContentLength = int64(len(text))
	answer, err := to.client.Do(request)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", listener, to.dir, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s of %s: %w", listener, to.dir, err)
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%s of %s: %s: %s", listener, to.dir, answer.Status, body)
	case listener == "proxy" && string(body) != text:
		return fmt.Errorf("%s of %s: the upstream got %q of %q", listener, to.dir, body, text)
	}
	return nil
}

// steadily sends requests every so often until the context ends, at most so many at a time, and returns how many were
// answered, and what went wrong.
func steadily(ctx context.Context, pace time.Duration, inFlight int, send func(n int) error) (answered int, problems []error) {
	var mutex sync.Mutex
	var running sync.WaitGroup
	slots := make(chan struct{}, inFlight)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			running.Wait()
			return answered, problems
		case <-tick.C:
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			err := send(n)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				problems = append(problems, err)
			} else {
				answered++
			}
		})
	}
}
