package pipeline_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestSessionSetHeaderReplacesAllSpellings(t *testing.T) {
	t.Parallel()
	var session pipeline.Session
	session.SetHeader("x-user", "ada")
	session.SetHeader("X-USER", "bo")
	session.SetHeader("x-empty", "")
	want := map[string][]string{"X-User": {"bo"}, "X-Empty": {""}}
	if diff := cmp.Diff(want, map[string][]string(session.Header)); diff != "" {
		t.Error(diff)
	}
}

func groupsOf(t *testing.T, match pipeline.MatchContext) []string {
	t.Helper()
	groups, err := match.RegexpCaptureGroups()
	if err != nil {
		t.Error(err)
	}
	return groups
}

func TestGroupsThatCannotBeFoundAreAnError(t *testing.T) {
	t.Parallel()
	lost := errors.New("it took too long")
	match := pipeline.NewMatchContext(&pipeline.Request{Header: http.Header{}}, func() ([]string, error) { return []string{"admin"}, lost })
	for range 2 {
		if groups, err := match.RegexpCaptureGroups(); !errors.Is(err, lost) || groups != nil {
			t.Errorf("got %q, %v", groups, err)
		}
	}
	session := pipeline.Session{MatchContext: match}
	if text, err := session.MarshalJSON(); !errors.Is(err, lost) {
		t.Errorf("services would get %s, %v", text, err)
	}
}

func TestMatchContextAsksForTheGroupsOnce(t *testing.T) {
	t.Parallel()
	for name, groups := range map[string][]string{"several": {"a", ""}, "none": nil, "an empty list": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			match := pipeline.NewMatchContext(&pipeline.Request{Path: "/x"}, func() ([]string, error) { asked++; return groups, nil })
			_, _ = match.URL(), match.Method()
			if asked != 0 {
				t.Error("the groups were computed before anybody asked")
			}
			copied := match
			want := append([]string{}, groups...)
			for range 3 {
				if diff := cmp.Diff(want, groupsOf(t, match)); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(want, groupsOf(t, copied)); diff != "" {
					t.Error(diff)
				}
			}
			if asked != 1 {
				t.Errorf("the groups were computed %d times", asked)
			}
		})
	}
}

func TestMatchContextWithoutGroups(t *testing.T) {
	t.Parallel()
	var zero pipeline.MatchContext
	for name, match := range map[string]pipeline.MatchContext{
		"the zero value": zero, "without a function": pipeline.NewMatchContext(&pipeline.Request{}, nil),
	} {
		if got := groupsOf(t, match); got == nil || len(got) != 0 {
			t.Errorf("%s: got %#v, want an empty list", name, got)
		}
	}
}

func TestMatchContextMayGetOtherGroups(t *testing.T) {
	t.Parallel()
	match := pipeline.NewMatchContext(&pipeline.Request{Method: "PUT"}, func() ([]string, error) { return []string{"a"}, nil })
	other := match.WithCaptureGroups([]string{"b", "c"})
	if diff := cmp.Diff([]string{"b", "c"}, groupsOf(t, other)); diff != "" || other.Method() != "PUT" {
		t.Errorf("%s %s", other.Method(), diff)
	}
	if diff := cmp.Diff([]string{"a"}, groupsOf(t, match)); diff != "" {
		t.Errorf("the first one has changed: %s", diff)
	}
}

func TestMatchContextHandsOutCopies(t *testing.T) {
	t.Parallel()
	request := &pipeline.Request{
		Method: "PUT", Scheme: "https", Host: "shop.test", Path: "/a", RawPath: "/a", RawQuery: "q=1",
		Header: map[string][]string{"X-Tenant": {"red", "blue"}},
	}
	match := pipeline.NewMatchContext(request, nil)
	if got := match.Method(); got != "PUT" {
		t.Errorf("method %q", got)
	}
	address := match.URL()
	if got := address.String(); got != "https://shop.test/a?q=1" {
		t.Errorf("URL %q", got)
	}
	header := match.Header()
	if diff := cmp.Diff(map[string][]string{"X-Tenant": {"red", "blue"}}, map[string][]string(header)); diff != "" {
		t.Error(diff)
	}
	address.Path, header["X-Tenant"][0] = "/b", "green"
	header.Set("X-More", "1")
	if request.Path != "/a" || request.Header["X-Tenant"][0] != "red" || len(request.Header) != 1 {
		t.Errorf("the request has become %+v", request)
	}
}

func TestCookiesCover(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		names  []string
		cookie string
		want   bool
	}{
		{nil, "sid", false},
		{[]string{"sid"}, "sid", true},
		{[]string{"a", "sid"}, "sid", true},
		{[]string{"sid"}, "SID", false},
		{[]string{"sid"}, "sid2", false},
		{[]string{"sid*"}, "sid", true},
		{[]string{"sid*"}, "sid_0", true},
		{[]string{"sid*"}, "si", false},
		{[]string{"sid*"}, "xsid", false},
		{[]string{"s*d"}, "sad", false},
		{[]string{"s*d"}, "s*d", true},
		{[]string{"*"}, "any", true},
		{[]string{"*"}, "", true},
		{[]string{""}, "sid", false},
	} {
		if got := pipeline.CookiesCover(test.names, test.cookie); got != test.want {
			t.Errorf("%q cover %s: %t", test.names, test.cookie, got)
		}
	}
}
