package main

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// mostAnswerHeader bounds the header of an answer from a service or an upstream,
// in bytes. It is four times what clients may send; Go's own bound of 10 MiB
// keeps a processor busy for a while.
const mostAnswerHeader = 256 << 10

// newTransport makes a pool of connections for many requests to few hosts.
func newTransport() *http.Transport { return transportOver(&net.Dialer{}) }

// newUpstreamTransport makes one for upstreams: the bytes of their answers are
// the client's to unpack, and nothing is to be had there that is for operators.
func (d *deployment) newUpstreamTransport() *http.Transport {
	transport := transportOver(&net.Dialer{Control: d.life.checkUpstream})
	transport.DisableCompression = true
	return transport
}

func transportOver(dialer *net.Dialer) *http.Transport {
	dialer.Timeout, dialer.KeepAlive = 30*time.Second, 30*time.Second
	return &http.Transport{
		MaxResponseHeaderBytes: mostAnswerHeader,
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    512,
		ForceAttemptHTTP2:      true,
	}
}

// checkUpstream refuses to connect to the engine's own port for operators (see
// [net.Dialer.Control]): what clients of the proxy may see is for rules to say,
// and whoever writes rules is not to publish others'. A way there that leads over
// another machine it does not see; a token keeps that closed.
func (l *lifecycle) checkUpstream(_, address string, _ syscall.RawConn) error {
	own := l.adminAddress.Load()
	to, _ := netip.ParseAddrPort(address) // a socket's path is none
	if own == nil || to.Port() != own.Port() {
		return nil
	}
	switch from, to := own.Addr().Unmap(), to.Addr().Unmap(); {
	case to == from, to.IsUnspecified(), from.IsUnspecified() && isLocal(to):
		return errors.New("the upstream is the engine's own serve.admin, which no rule can publish")
	}
	return nil
}

func isLocal(address netip.Addr) bool {
	all, _ := net.InterfaceAddrs() // without them, the loopback is left
	return address.IsLoopback() || slices.ContainsFunc(all, func(own net.Addr) bool {
		network, err := netip.ParsePrefix(own.String())
		return err == nil && network.Addr().Unmap() == address
	})
}
