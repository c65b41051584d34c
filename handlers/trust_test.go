package handlers

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func networks(t testing.TB, texts ...string) []netip.Prefix {
	t.Helper()
	prefixes := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		var err error
		if prefixes[i], err = netip.ParsePrefix(text); err != nil {
			t.Fatal(err)
		}
	}
	return prefixes
}

func TestNobodyIsBelievedByDefault(t *testing.T) {
	t.Parallel()
	for _, peer := range []string{"127.0.0.1", "::1", "10.0.0.1", "8.8.8.8"} {
		if (Trust{}).Believes(netip.MustParseAddr(peer)) {
			t.Errorf("%s is believed", peer)
		}
	}
	if gateways.Believes(netip.Addr{}) {
		t.Error("a peer without an address is believed")
	}
}

func TestOnlyPeersInTheNetworksAreBelieved(t *testing.T) {
	t.Parallel()
	trust := Trust{Networks: networks(t, "10.1.0.0/16", "2001:db8::/32", "192.0.2.7/32")}
	for peer, want := range map[string]bool{
		"10.1.0.0": true, "10.1.255.255": true, "10.2.0.0": false, "192.0.2.7": true, "192.0.2.8": false,
		"2001:db8::1": true, "2001:db9::1": false, "::ffff:10.1.0.1": false, // peerOf unmaps those before
	} {
		if got := trust.Believes(netip.MustParseAddr(peer)); got != want {
			t.Errorf("Believes(%s) = %v", peer, got)
		}
	}
	if !(Trust{Everybody: true}).Believes(netip.MustParseAddr("8.8.8.8")) {
		t.Error("everybody is believed, but not 8.8.8.8")
	}
}

func TestThePeerIsTheOtherEndOfTheConnection(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]netip.Addr{
		"192.0.2.1:1234":            netip.MustParseAddr("192.0.2.1"),
		"[2001:db8::1]:1":           netip.MustParseAddr("2001:db8::1"),
		"[::ffff:192.0.2.1]:80":     netip.MustParseAddr("192.0.2.1"),
		"[fe80::1%eth0]:80":         netip.MustParseAddr("fe80::1"),
		"@":                         {},
		"":                          {},
		"192.0.2.1":                 {},
		"not-an-address.test:12345": {},
	} {
		if got := peerOf(&http.Request{RemoteAddr: remote}); got != want {
			t.Errorf("peerOf(%q) = %v, want %v", remote, got, want)
		}
	}
}

func TestTheClientIsTheRightmostAddressThatNoTrustedProxyHas(t *testing.T) {
	t.Parallel()
	const peer = "10.0.0.1"
	for _, test := range []struct {
		name      string
		forwarded []string
		want      string
	}{
		{"no header", nil, peer},
		{"one client", []string{"1.1.1.1"}, "1.1.1.1"},
		{"a client may have written what is before it", []string{"1.1.1.1, 9.9.9.9"}, "9.9.9.9"},
		{"lines are taken together", []string{"1.1.1.1", "9.9.9.9"}, "9.9.9.9"},
		{"a trusted proxy is passed over", []string{"1.1.1.1, 9.9.9.9, 10.0.0.2"}, "9.9.9.9"},
		{"trusted proxies on other lines too", []string{"9.9.9.9", "10.0.0.3,10.0.0.2"}, "9.9.9.9"},
		{"all are trusted", []string{"10.0.0.9, 10.0.0.2"}, "10.0.0.9"},
		{"with a port", []string{"8.8.8.8:99"}, "8.8.8.8"},
		{"IPv6", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a port", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"a mapped address is the IPv4 one", []string{"9.9.9.9, ::ffff:10.0.0.2"}, "9.9.9.9"},
		{"a zone is left out", []string{"fe80::1%eth0"}, "fe80::1"},
		{"blanks do not matter", []string{"  1.1.1.1 ,\t9.9.9.9\t"}, "9.9.9.9"},
		{"an empty header", []string{""}, peer},
		{"what is no address ends the search", []string{"1.1.1.1, unknown"}, peer},
		{"but not what is behind it", []string{"1.1.1.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"an obfuscated one", []string{"1.1.1.1, _hidden"}, peer},
		{"quotes", []string{`"8.8.8.8, 7.7.7.7"`}, peer},
		{"half a bracket", []string{"[2001:db8::1"}, peer},
		{"the other half", []string{"2001:db8::1]"}, peer},
		{"an empty element", []string{"1.1.1.1,"}, peer},
		{"a network", []string{"1.1.1.0/24"}, peer},
		{"a number", []string{"16843009"}, peer},
		{"leading zeros", []string{"010.0.0.1"}, peer},
	} {
		t.Run(test.name, func(t *testing.T) {
			trust := Trust{Networks: networks(t, "10.0.0.0/8")}
			got := trust.clientOf(netip.MustParseAddr(peer), http.Header{"X-Forwarded-For": test.forwarded})
			if want := netip.MustParseAddr(test.want); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestForwardedAddressesOfStrangersDoNotCount(t *testing.T) {
	t.Parallel()
	peer := netip.MustParseAddr("192.0.2.1")
	trust := Trust{Networks: networks(t, "10.0.0.0/8")}
	if got := trust.clientOf(peer, http.Header{"X-Forwarded-For": {"10.0.0.1"}}); got != peer {
		t.Errorf("got %v, want the peer", got)
	}
	// Whoever everybody is, the last one before the engine wrote the last address.
	everybody := Trust{Everybody: true}
	if got, want := everybody.clientOf(peer, http.Header{"X-Forwarded-For": {"1.1.1.1, 9.9.9.9"}}), netip.MustParseAddr("9.9.9.9"); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// forwardingNames are the headers that tell about another request (security
// classes FW-02 and ME-03).
var forwardingNames = []string{
	"Forwarded", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Uri", "X-Forwarded-Method",
	"X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-User",
	"X-Forwarded-Path", "X-Forwarded-Client-Cert", "X-Original-Url", "X-Original-Uri", "X-Original-Method", "X-Original-Host",
	"X-Rewrite-Url", "X-Real-Ip", "X-Scheme", "Front-End-Https", "True-Client-Ip", "Cf-Connecting-Ip", "X-Envoy-Original-Path",
	"X-Ssl-Client-Verify",
}

func TestForwardingHeadersOfStrangersAreNotSeen(t *testing.T) {
	t.Parallel()
	header := http.Header{"Accept": {"*/*"}, "X-Forwarder": {"of goods"}, "X-Schemes": {"many"}, "Via": {"1.1 proxy"}}
	want := header.Clone()
	for _, name := range forwardingNames {
		header.Set(name, "forged")
	}
	whole := header.Clone()
	if diff := cmp.Diff(want, believable(header, nothing)); diff != "" {
		t.Errorf("believable to strangers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(whole, believable(header, everything)); diff != "" {
		t.Errorf("believable to trusted peers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(whole, header); diff != "" {
		t.Errorf("the client's header was changed (-want +got):\n%s", diff)
	}
}

func TestOtherSpellingsOfForwardingHeadersAreSeenByNobody(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"X_forwarded_for", "X_Forwarded_For", "X-Forwarded_proto", "X_forwarded-Host", "X_real_ip", "X_original_url", "X_rewrite_url",
		"X_envoy_original_path", "Front_end_https", "X_http_method_override", "X-Http-Method_override", "X_method_override",
	} {
		for trust, believes := range map[string]func(string) bool{"no trust": nothing, "trust": everything} {
			if got := believable(http.Header{name: {"forged"}, "Accept": {"*/*"}}, believes); len(got) != 1 || got["Accept"] == nil {
				t.Errorf("with %s, %s is seen: %v", trust, name, got)
			}
		}
	}
	kept := http.Header{"Snake_case": {"an application's own"}}
	if got := believable(kept, nothing); !cmp.Equal(got, kept) {
		t.Errorf("got %v, want %v", got, kept)
	}
}

func TestMethodOverridesAreSeenByNobody(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"} {
		header := http.Header{}
		header.Set(name, "DELETE")
		for trust, believes := range map[string]func(string) bool{"no trust": nothing, "trust": everything} {
			if got := believable(header, believes); len(got) != 0 {
				t.Errorf("with %s, %s is seen", trust, name)
			}
		}
	}
}

func TestMethodOverridesThatDifferNameNoMethod(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		header http.Header
		want   string
	}{
		{http.Header{"Accept": {"*/*"}}, ""},
		{http.Header{"X-Http-Method-Override": {" delete "}}, "DELETE"},
		{http.Header{"X-Http-Method-Override": {"DELETE", "delete"}, "X_http_method": {"DELETE"}}, "DELETE"},
		{http.Header{"X-Http-Method": {"GET"}, "X-Method-Override": {"DELETE"}}, "DELETE,GET"},
		{http.Header{"X-Http-Method-Override": {"GET", "PUT"}}, "GET,PUT"},
		{http.Header{"X-Http-Method-Override": {"GET, PUT"}}, "GET, PUT"},
	} {
		if got := overrideOf(tc.header); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.header, got, tc.want)
		}
	}
}

func TestABelievableHeaderIsNotCopied(t *testing.T) {
	header := http.Header{"Accept": {"*/*"}, "User-Agent": {"test"}, "X-Forwarded-For": {"1.1.1.1"}}
	if n := testing.AllocsPerRun(100, func() { believable(header, everything) }); n != 0 {
		t.Errorf("believable allocates %v times", n)
	}
}
