package handlers

import (
	"sync"
	"testing"
)

func TestASeriesIsMadeOnce(t *testing.T) {
	t.Parallel()
	var s series[string, *int]
	var counting sync.Mutex
	made := map[string]int{}
	add := func(label string) *int {
		counting.Lock()
		defer counting.Unlock()
		made[label]++
		return new(int)
	}
	labels := []string{"a", "b", "c", "a", "b", "c"}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, label := range labels {
				s.get(label, add)
			}
		})
	}
	all.Wait()
	for _, label := range labels {
		if first, second := s.get(label, add), s.get(label, add); first != second || made[label] != 1 {
			t.Errorf("%s was made %d times", label, made[label])
		}
	}
	if s.get("a", add) == s.get("b", add) {
		t.Error("two labels have one series")
	}
}

func TestAKnownSeriesCostsNoAllocation(t *testing.T) {
	var s series[requestLabels, int]
	add := func(requestLabels) int { return 1 }
	labels := requestLabels{ProxyService, "GET", 200}
	s.get(labels, add)
	if n := testing.AllocsPerRun(100, func() { s.get(labels, add) }); n != 0 {
		t.Errorf("get allocates %v times", n)
	}
}
