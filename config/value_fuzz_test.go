package config

import (
	"encoding/json"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"ostiary/config/document"
)

// FuzzTrustedProxies: who is trusted is a network in its one form that is not
// everybody, and the address that was written is in it.
func FuzzTrustedProxies(f *testing.F) {
	for _, text := range []string{"10.0.0.0/8", "10.1.2.3", "::1", "::ffff:10.0.0.0/104", "::ffff:0:0/96", "0.0.0.0/0", "fe80::1%eth0", "10.0.0.0/33", "10.0.0.010"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d decoding
		network := d.network(document.Path{"serve", "api", "trusted_proxies", "0"}, text)
		if network.IsValid() == (len(d.problems) > 0) {
			t.Fatalf("%q is %v, with %v", text, network, d.problems)
		}
		if len(d.problems) > 0 {
			return
		}
		if network != network.Masked() || network.Bits() == 0 || network.Addr().Is4In6() && network.Bits() >= 96 || network.Addr().Zone() != "" {
			t.Errorf("%q trusts %v", text, network)
		}
		address, _, written := strings.Cut(text, "/")
		named, err := netip.ParseAddr(address)
		if err != nil || !network.Contains(named.Unmap()) && !network.Contains(named) {
			t.Errorf("%q trusts %v, in which it is not", text, network)
		}
		if !written && !network.IsSingleIP() {
			t.Errorf("%q trusts all of %v", text, network)
		}
	})
}

// FuzzDuration: of what the schema lets through, everything is a duration that
// is not negative, or a problem.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{"5s", "0s", "5", "-5s", "1h30m", "9999999999h", "1.5s", "5S", " 5s", "5us", "5s\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !durationPattern.MatchString(text) {
			return
		}
		var d decoding
		got := d.duration(document.Path{"serve", "proxy", "timeout", "read"}, text)
		want, err := time.ParseDuration(text)
		if got != want || got < 0 || (err != nil) != (len(d.problems) > 0) || strings.ContainsAny(text, "\n+-. ") {
			t.Errorf("%q is %v, want %v, %v; there are the problems %v", text, got, want, err, d.problems)
		}
	})
}

// values have one property of each type that variables set.
var values = document.MustCompileSchema("values", []byte(`{
	"type": "object", "additionalProperties": false,
	"properties": {
		"size": {"type": "integer"}, "ratio": {"type": "number"}, "on": {"type": "boolean"}, "text": {"type": "string"},
		"list": {"type": "array", "items": {"type": "string"}}, "map": {"type": "object"}, "secret": {"type": "integer", "writeOnly": true}
	}
}`))

// FuzzVariable: the text of a variable is read as what its setting takes, in one
// way only, or it is a mistake that fits on one line and tells no secret.
func FuzzVariable(f *testing.F) {
	for _, text := range []string{"4096", "-1", "0x10", "1e6", "1_000", "007", "99999999999999999999", "", "true", "T", "yes", "a,b", `["a"]`, `{"a": 1}`, `a,"b`, "NaN", "-Inf", "null"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read := make(map[string]any)
		for _, name := range []string{"size", "ratio", "on", "text", "list", "map", "secret"} {
			value, err := valueOf(values, document.Path{name}, text)
			switch {
			case err == nil:
				read[name] = value
			case value != nil || err.Error() == "" || strings.ContainsAny(err.Error(), "\r\n"):
				t.Errorf("%s: %q is %v, %v", name, text, value, err)
			case name == "secret" && len(text) > 6 && strings.Contains(err.Error(), text):
				t.Errorf("the message tells the secret: %v", err)
			}
		}
		if read["text"] != text {
			t.Errorf("%q is the text %q", text, read["text"])
		}
		if number, err := strconv.ParseInt(text, 10, 64); err == nil && read["size"] != json.Number(strconv.FormatInt(number, 10)) || err != nil && read["size"] != nil {
			t.Errorf("%q is the number %v", text, read["size"])
		}
		if ratio, is := read["ratio"].(json.Number); is {
			if value, err := ratio.Float64(); err != nil || math.IsNaN(value) || !json.Valid([]byte(ratio)) {
				t.Errorf("%q is the number %v", text, ratio)
			}
		}
		if on, is := read["on"].(bool); is && on != strings.ContainsAny(text[:1], "1tT") {
			t.Errorf("%q is %t", text, on)
		}
		if object, is := read["map"]; is && !strings.HasPrefix(strings.TrimSpace(text), "{") {
			t.Errorf("%q is the map %v", text, object)
		}
		if items, is := read["list"].([]any); is && !strings.HasPrefix(strings.TrimSpace(text), "[") && len(items) > 1+strings.Count(text, ",") {
			t.Errorf("%q is the list %q", text, items)
		}
	})
}
