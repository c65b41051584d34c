package handlers

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// FuzzClientOf compares the search for the client with one that goes the other
// way, and holds it to what conditions on addresses rely on.
func FuzzClientOf(f *testing.F) {
	f.Add("1.1.1.1, 9.9.9.9", "10.0.0.1")
	f.Add("unknown, [::ffff:127.0.0.9]:80", "")
	peer := netip.MustParseAddr("127.0.0.1")
	f.Fuzz(func(t *testing.T, first, second string) {
		header := http.Header{"X-Forwarded-For": {first, second}}
		got := gateways.clientOf(peer, header)
		var want netip.Addr
		for _, entry := range strings.Split(first+","+second, ",") { // from the left: each one counts if all behind it are proxies
			want = nextClient(want, entry)
		}
		if !want.IsValid() {
			want = peer
		}
		if got != want {
			t.Errorf("%q, %q: the client is %v, want %v", first, second, got, want)
		}
		if !got.IsValid() || got.Is4In6() || got.Zone() != "" {
			t.Errorf("%q, %q: the client %v is not in its one form", first, second, got)
		}
		if joined := gateways.clientOf(peer, http.Header{"X-Forwarded-For": {first + "," + second}}); joined != got {
			t.Errorf("%q, %q: the client is %v, and on one line %v", first, second, got, joined)
		}
		if distrusted := gateways.clientOf(netip.MustParseAddr("192.0.2.1"), header); distrusted.String() != "192.0.2.1" {
			t.Errorf("a stranger has itself taken for %v", distrusted)
		}
		if before := gateways.clientOf(peer, http.Header{"X-Forwarded-For": {"6.6.6.6", first, "9.9.9.9, " + second}}); before.String() == "6.6.6.6" {
			t.Error("what stands before a client counts")
		}
	})
}

// nextClient is the client with one more entry behind those that made it
// left; the zero address if there is none but the peer.
func nextClient(left netip.Addr, entry string) netip.Addr {
	text := strings.TrimSpace(entry)
	if address, err := netip.ParseAddrPort(text); err == nil {
		text = address.Addr().String()
	} else if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text = text[1 : len(text)-1]
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{} // whatever stood before could be anybody's
	}
	address = address.Unmap().WithZone("")
	if !gateways.known(address) || !left.IsValid() {
		return address
	}
	return left
}
