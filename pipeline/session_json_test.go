package pipeline_test

import (
	"encoding/json"
	"testing"

	"ostiary/pipeline"
)

func TestSessionIsWrittenAsServicesKnowIt(t *testing.T) {
	t.Parallel()
	request := &pipeline.Request{
		Method: "PUT", Scheme: "https", Host: "shop.test", Path: "/a/b", RawPath: "/a%2Fb", RawQuery: "q=1",
		Header: map[string][]string{
			"X-Tenant": {"red", "blue"}, "Connection": {"keep-alive"}, "Keep-Alive": {"5"}, "Te": {"trailers"},
			"Trailer": {"X"}, "Transfer-Encoding": {"chunked"}, "Upgrade": {"websocket"}, "Proxy-Connection": {"close"},
		},
	}
	session := pipeline.Session{
		Subject:      "ada",
		Header:       map[string][]string{"X-User": {"ada"}},
		MatchContext: pipeline.NewMatchContext(request, func() ([]string, error) { return []string{"a", ""}, nil }),
		EchoHeader:   true,
		Withheld:     pipeline.Withheld{Headers: []string{"Authorization"}},
	}
	session.SetExtra(map[string]any{"role": "editor"})
	got, err := json.Marshal(&session)
	const want = `{"subject":"ada","extra":{"role":"editor"},"header":{"X-User":["ada"]},"match_context":{` +
		`"regexp_capture_groups":["a",""],` +
		`"url":{"Scheme":"https","Opaque":"","User":null,"Host":"shop.test","Path":"/a/b","Fragment":"","RawQuery":"q=1","RawPath":"/a%2Fb","RawFragment":"","ForceQuery":false,"OmitHost":false},` +
		`"method":"PUT","header":{"X-Tenant":["red","blue"]}}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	if len(request.Header) != 8 {
		t.Errorf("the request has become %v", request.Header)
	}
}

func TestSessionOfNobodyIsWrittenWithEveryKey(t *testing.T) {
	t.Parallel()
	session := pipeline.Session{MatchContext: pipeline.NewMatchContext(&pipeline.Request{}, nil)}
	got, err := json.Marshal(&session)
	const want = `{"subject":"","extra":null,"header":null,"match_context":{` +
		`"regexp_capture_groups":[],` +
		`"url":{"Scheme":"","Opaque":"","User":null,"Host":"","Path":"","Fragment":"","RawQuery":"","RawPath":"","RawFragment":"","ForceQuery":false,"OmitHost":false},` +
		`"method":"","header":null}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestSessionThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	session := pipeline.Session{
		MatchContext: pipeline.NewMatchContext(&pipeline.Request{}, nil),
	}
	session.SetExtra(map[string]any{"f": func() {}})
	if got, err := json.Marshal(&session); err == nil {
		t.Errorf("got %s", got)
	}
}
