package onerror

import (
	"net/netip"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestWhenLooksAtTheAcceptHeader(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want   string // media types of the condition
		accept []string
		holds  bool
	}{
		"the type itself":                       {`"text/html"`, []string{"text/html"}, true},
		"another type":                          {`"text/html"`, []string{"text/plain"}, false},
		"a longer type":                         {`"text/html"`, []string{"text/html5"}, false},
		"one of several that will do":           {`"text/csv", "text/html"`, []string{"text/html"}, true},
		"one of several that are accepted":      {`"text/html"`, []string{"application/json, text/html"}, true},
		"the lowest rank":                       {`"text/html"`, []string{"application/json, text/html;q=0.1"}, true},
		"a rank of nothing":                     {`"text/html"`, []string{"text/html;q=0"}, true},
		"a parameter of the type":               {`"text/html"`, []string{"text/html;level=1;q=0.4, image/webp"}, true},
		"a type behind one with a parameter":    {`"text/html"`, []string{"application/json;v=2,text/html"}, true},
		"a second header":                       {`"text/html"`, []string{"application/json", "text/html"}, true},
		"another case":                          {`"text/HTML"`, []string{"TEXT/html"}, true},
		"blanks around it":                      {`"text/html"`, []string{" \tapplication/json ,\ttext/html ; q=1"}, true},
		"any type of the client is literal":     {`"text/html"`, []string{"*/*"}, false},
		"any text of the client is literal":     {`"text/html"`, []string{"text/*"}, false},
		"any type wanted takes the client's":    {`"*/*"`, []string{"*/*"}, true},
		"any text wanted takes the client's":    {`"text/*"`, []string{"text/*"}, true},
		"any type wanted takes a type":          {`"*/*"`, []string{"image/webp"}, true},
		"any type wanted takes none":            {`"*/*"`, nil, true},
		"any text wanted takes a text":          {`"text/*"`, []string{"text/csv"}, true},
		"any text wanted takes no image":        {`"text/*"`, []string{"image/webp"}, false},
		"any text wanted takes no longer type":  {`"text/*"`, []string{"textual/csv"}, false},
		"half a wildcard is literal":            {`"text/h*"`, []string{"text/html"}, false},
		"a star is literal":                     {`"*"`, []string{"text/html"}, false},
		"no header stands for bytes":            {`"application/octet-stream"`, nil, true},
		"no header stands for nothing else":     {`"text/html"`, nil, false},
		"an empty header stands for bytes":      {`"application/octet-stream"`, []string{""}, true},
		"a header of commas stands for bytes":   {`"application/octet-stream"`, []string{" , ;q=1 ,"}, true},
		"a header does not stand for bytes too": {`"application/octet-stream"`, []string{"text/html"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := pipelinetest.Request()
			for _, line := range test.accept {
				request.Header.Add("Accept", line)
			}
			conditions := `[{"request": {"header": {"accept": [` + test.want + `]}}}]`
			if got := responsible(t, conditions, request, pipeline.Forbidden); got != test.holds {
				t.Errorf("got %t, want %t", got, test.holds)
			}
		})
	}
}

func TestWhenLooksAtTheContentType(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		want  string // media types of the condition
		value string // of the header; empty for none
		holds bool
	}{
		"the type itself":                     {`"text/plain"`, "text/plain", true},
		"another type":                        {`"text/plain"`, "text/html", false},
		"with parameters":                     {`"multipart/form-data"`, "multipart/form-data; boundary=x", true},
		"in another case":                     {`"text/Plain"`, "Text/PLAIN;Charset=utf-8", true},
		"one of a kind":                       {`"text/*"`, "text/csv", true},
		"not of the kind":                     {`"text/*"`, "image/png", false},
		"any":                                 {`"*/*"`, "image/png", true},
		"none stands for bytes":               {`"application/octet-stream"`, "", true},
		"none stands for nothing else":        {`"text/plain"`, "", false},
		"one that cannot be read":             {`"text/plain"`, "text/plain;;;=", false},
		"one that cannot be read is not any":  {`"*/*"`, "text/;", false},
		"one that cannot be read is no bytes": {`"application/octet-stream"`, ";", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := pipelinetest.Request()
			if test.value != "" {
				request.Header.Set("Content-Type", test.value)
			}
			conditions := `[{"request": {"header": {"content_type": [` + test.want + `]}}}]`
			if got := responsible(t, conditions, request, pipeline.Forbidden); got != test.holds {
				t.Errorf("got %t, want %t", got, test.holds)
			}
		})
	}
}

func TestWhenLooksAtAddresses(t *testing.T) {
	t.Parallel()
	const (
		peer   = "10.1.2.3"  // a proxy
		client = "192.0.2.7" // of whom it tells
	)
	tests := map[string]struct {
		request string
		holds   bool
	}{
		"cidr is about the client":                         {`{"cidr": ["192.0.2.0/24"]}`, true},
		"cidr is not about the proxy":                      {`{"cidr": ["10.0.0.0/8"]}`, false},
		"one of several networks will do":                  {`{"cidr": ["10.0.0.0/8", "192.0.2.7/32"]}`, true},
		"a network may be written with an address in it":   {`{"cidr": ["192.0.2.99/24"]}`, true},
		"a network of the other family has nobody in it":   {`{"cidr": ["::/0"]}`, false},
		"every network of the family has everybody in it":  {`{"cidr": ["0.0.0.0/0"]}`, true},
		"remote_ip is about the proxy":                     {`{"remote_ip": {"match": ["10.0.0.0/8"]}}`, true},
		"remote_ip is not about the client":                {`{"remote_ip": {"match": ["192.0.2.0/24"]}}`, false},
		"remote_ip is about the client if it respects it":  {`{"remote_ip": {"match": ["192.0.2.0/24"], "respect_forwarded_for_header": true}}`, true},
		"remote_ip is about the client alone in that case": {`{"remote_ip": {"match": ["10.0.0.0/8"], "respect_forwarded_for_header": true}}`, false},
		"both have to hold":                                {`{"cidr": ["192.0.2.0/24"], "remote_ip": {"match": ["10.0.0.0/8"]}}`, true},
		"both have to hold, and one does not":              {`{"cidr": ["192.0.2.0/24"], "remote_ip": {"match": ["192.0.2.0/24"]}}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := pipelinetest.Request("X-Forwarded-For", "203.0.113.1")
			request.Peer, request.Client = netip.MustParseAddr(peer), netip.MustParseAddr(client)
			if got := responsible(t, `[{"request": `+test.request+`}]`, request, pipeline.Forbidden); got != test.holds {
				t.Errorf("got %t, want %t", got, test.holds)
			}
		})
	}
}

func TestWhenKnowsAddressesOfVersion6(t *testing.T) {
	t.Parallel()
	request := pipelinetest.Request()
	request.Client = netip.MustParseAddr("2001:db8::7")
	for network, want := range map[string]bool{"2001:db8::/32": true, "2001:db9::/32": false, "0.0.0.0/0": false, "::/0": true} {
		if got := responsible(t, `[{"request": {"cidr": ["`+network+`"]}}]`, request, pipeline.Forbidden); got != want {
			t.Errorf("%s: got %t, want %t", network, got, want)
		}
	}
}

// A connection over a Unix socket has no address, and is in no network.
func TestWhenDoesNotHoldForAnUnknownAddress(t *testing.T) {
	t.Parallel()
	request := pipelinetest.Request()
	request.Client, request.Peer = netip.Addr{}, netip.Addr{}
	for _, conditions := range []string{`[{"request": {"cidr": ["0.0.0.0/0", "::/0"]}}]`, `[{"request": {"remote_ip": {"match": ["0.0.0.0/0", "::/0"]}}}]`} {
		if responsible(t, conditions, request, pipeline.Forbidden) {
			t.Errorf("%s holds", conditions)
		}
	}
}
