package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// expectation is what a case demands. Headers that are not named are free, and so is everything left out.
type expectation struct {
	Status    statuses                   `json:"status"`
	Headers   map[string]json.RawMessage `json:"headers"` // lists of values
	Absent    []string                   `json:"absent"`
	Body      json.RawMessage            `json:"body"` // nil is free
	Untouched []string                   `json:"untouched"`
	Backends  []expectedAtBackend        `json:"backends"` // nil is free, empty is none
}

type expectedAtBackend struct {
	Service string                     `json:"service"`
	Method  string                     `json:"method"`
	Target  string                     `json:"target"`
	Headers map[string]json.RawMessage `json:"headers"`
	Absent  []string                   `json:"absent"`
	Body    json.RawMessage            `json:"body"`
}

// statuses are the statuses that will do, written as one number or a list.
type statuses []int

func (s *statuses) UnmarshalJSON(raw []byte) error {
	if raw[0] == '[' {
		return json.Unmarshal(raw, (*[]int)(s))
	}
	*s = make([]int, 1)
	return json.Unmarshal(raw, &(*s)[0])
}

// differences tells what in an outcome is not as expected.
func (e expectation) differences(got outcome) []string {
	if got.failure != nil {
		return []string{fmt.Sprintf("no answer: %v", got.failure)}
	}
	if !slices.Contains(e.Status, got.status) {
		return []string{fmt.Sprintf("status %d, expected %v; body %s", got.status, e.Status, shorten(got.body))}
	}
	out := headerDifferences("answer", e.Headers, e.Absent, got.headers)
	out = append(out, bodyDifferences("answer", e.Body, answerBody(got.answer))...)
	for _, service := range e.Untouched {
		if slices.ContainsFunc(got.backends, func(r received) bool { return r.service == service }) {
			out = append(out, service+" must not be reached")
		}
	}
	if e.Backends != nil {
		out = append(out, e.backendDifferences(got.backends)...)
	}
	return out
}

func (e expectation) backendDifferences(got []received) []string {
	var want, have []string
	for _, b := range e.Backends {
		want = append(want, strings.Join([]string{b.Service, b.Method, b.Target}, " "))
	}
	for _, b := range got {
		have = append(have, strings.Join([]string{b.service, b.method, b.target}, " "))
	}
	if !slices.Equal(want, have) {
		return []string{fmt.Sprintf("backends reached %q, expected %q", have, want)}
	}
	var out []string
	for i, b := range e.Backends {
		out = append(out, headerDifferences(want[i], b.Headers, b.Absent, got[i].headers)...)
		out = append(out, bodyDifferences(want[i], b.Body, anyBody(got[i].body))...)
	}
	return out
}

func headerDifferences(
	where string, want map[string]json.RawMessage, absent []string, got map[string][]string,
) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		expected, err := parseJSON(string(want[name]))
		if err != nil {
			return []string{fmt.Sprintf("%s: the expected header %s is no JSON: %v", where, name, err)}
		}
		if have := headerValues(got, name); !reflect.DeepEqual(have, expected) {
			out = append(out, fmt.Sprintf("%s: header %s is %s, expected %s", where, name, show(have), show(expected)))
		}
	}
	for _, name := range absent {
		if have := headerValues(got, name); have != nil {
			out = append(out, fmt.Sprintf("%s: header %s must be absent, is %s", where, name, show(have)))
		}
	}
	return out
}

func bodyDifferences(where string, want json.RawMessage, got any) []string {
	if want == nil {
		return nil
	}
	expected, err := parseJSON(string(want))
	if err != nil {
		return []string{fmt.Sprintf("%s: the expected body is no JSON: %v", where, err)}
	}
	if expected == anything || reflect.DeepEqual(expected, got) {
		return nil
	}
	return []string{fmt.Sprintf("%s: body is %s, expected %s", where, shorten(show(got)), shorten(show(expected)))}
}

func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

func shorten(text string) string {
	const most = 300
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
