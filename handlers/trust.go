package handlers

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Trust says whose forwarding headers are believed.
type Trust struct {
	Everybody bool
	Networks  []netip.Prefix
}

// Believes reports whether forwarding headers from this peer count.
func (t Trust) Believes(peer netip.Addr) bool {
	return t.Everybody || t.known(peer)
}

func (t Trust) known(address netip.Addr) bool {
	for _, network := range t.Networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// peerOf is the address at the other end of the connection; the zero address
// if it has none, as on a Unix socket.
func peerOf(r *http.Request) netip.Addr { return peerAt(r.RemoteAddr) }

func peerAt(remote string) netip.Addr {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// clientOf is the address of the client behind the peer: of the addresses in
// X-Forwarded-For, all lines taken together, the right-most that is not a
// trusted proxy's, or the left-most if all are. What is no address ends the
// search: whoever wrote it could have written anything before it as well.
func (t Trust) clientOf(peer netip.Addr, header http.Header) netip.Addr {
	lines := header["X-Forwarded-For"]
	if len(lines) == 0 || !t.Believes(peer) {
		return peer
	}
	client := peer
	forwarded := strings.Split(strings.Join(lines, ","), ",")
	for i := len(forwarded) - 1; i >= 0; i-- {
		address, ok := parseForwarded(strings.TrimSpace(forwarded[i]))
		if !ok {
			break
		}
		if client = address; !t.known(address) {
			break
		}
	}
	return client
}

// parseForwarded reads an address as proxies write them, with or without a
// port.
func parseForwarded(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	if inside, found := strings.CutPrefix(text, "["); found && strings.HasSuffix(inside, "]") {
		text = strings.TrimSuffix(inside, "]")
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	return address.Unmap().WithZone(""), true
}

// isForwarding reports whether a header, by its canonical name, tells a server
// about a request other than the one it is in. From a peer that is not trusted
// none of them is seen by a handler or by an upstream.
func isForwarding(name string) bool {
	switch name {
	case "Forwarded", "X-Real-Ip", "X-Scheme", "Front-End-Https", "True-Client-Ip", "Cf-Connecting-Ip",
		"X-Rewrite-Url", "X-Original-Url", "X-Original-Uri", "X-Original-Method", "X-Original-Host":
		return true
	}
	return strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "X-Envoy-") || strings.HasPrefix(name, "X-Ssl-Client-")
}

// isMethodOverride reports whether a header asks a server to take the request
// for one of another method than the one that was decided on. Nobody is
// trusted with these.
func isMethodOverride(name string) bool {
	switch name {
	case "X-Http-Method-Override", "X-Http-Method", "X-Method-Override":
		return true
	}
	return false
}

// overrideOf is the method that such headers name; empty if there is none.
// Several methods are all of them, which is the name of none: nobody knows which
// one a server goes by.
func overrideOf(header http.Header) string {
	var methods []string
	for name, values := range header {
		if isMethodOverride(http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))) {
			for _, method := range values {
				methods = append(methods, strings.ToUpper(strings.TrimSpace(method)))
			}
		}
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ",")
}

// isDisguise reports whether a header is believed of nobody: one that asks for
// another method than the one that was decided on, and a forwarding header with
// underscores in its name, which servers behind may take for the real one.
func isDisguise(name string) bool {
	if strings.IndexByte(name, '_') < 0 {
		return isMethodOverride(name)
	}
	name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	return isForwarding(name) || isMethodOverride(name)
}

// everything and nothing are what a peer may be believed.
func everything(string) bool { return true }
func nothing(string) bool    { return false }

// believable is the header without the forwarding headers that do not count,
// and without underscores in the names of any. It is a copy only if something
// had to go.
func believable(header http.Header, believes func(name string) bool) http.Header {
	unbelievable := func(name string) bool {
		return isDisguise(name) || isForwarding(name) && !believes(name)
	}
	var kept http.Header
	for name := range header {
		if !unbelievable(name) {
			continue
		}
		if kept == nil {
			kept = header.Clone()
		}
		delete(kept, name)
	}
	if kept == nil {
		return header
	}
	return kept
}
