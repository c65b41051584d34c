package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"ostiary/config/document"
)

// durationPattern is that of the schema: one number and one unit.
var durationPattern = regexp.MustCompile(`^[0-9]+(ns|us|ms|s|m|h)$`)

// network reads an entry of trusted_proxies: a network in CIDR notation or a
// single address. IPv4 written as IPv6 becomes IPv4, so that what is compared
// with it must only be unmapped. A network that is everybody is refused: it
// is no list of proxies, and more often a slip than meant.
func (d *decoding) network(at document.Path, text string) netip.Prefix {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			d.problem(at, d.show(at)+" is neither an address nor a network such as 10.0.0.0/8 or fd00::/8")
			return netip.Prefix{}
		}
		prefix = netip.PrefixFrom(address, address.BitLen())
	}
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if prefix.Bits() == 0 {
		who := "the gateways that ask for decisions"
		if slices.Contains(at, "proxy") {
			who = "the proxies in front of this one"
		}
		d.problem(at, d.show(at)+" would trust everybody; name "+who+", or set trust_forwarded_headers: true if that is meant")
		return netip.Prefix{}
	}
	return prefix.Masked()
}

// socket is a listener, as far as it can stand in the way of another one.
type socket struct {
	name string
	host string
	port int
}

// everywhere tells whether every address of the machine is listened on.
func (s socket) everywhere() bool {
	return slices.Contains([]string{"", "0.0.0.0", "::", "[::]"}, s.host)
}

// conflicts warns of listeners that cannot listen at the same time. It is no
// mistake, because a program whose metrics cannot be read still decides.
func conflicts(serve Serve) []document.Problem {
	sockets := []socket{
		{"proxy", serve.Proxy.Host, serve.Proxy.Port},
		{"api", serve.API.Host, serve.API.Port},
		{"prometheus", serve.Prometheus.Host, serve.Prometheus.Port},
	}
	if serve.Admin.Enabled {
		sockets = append(sockets, socket{"admin", serve.Admin.Host, serve.Admin.Port})
	}
	if serve.GRPC.Enabled {
		sockets = append(sockets, socket{"grpc", serve.GRPC.Host, serve.GRPC.Port})
	}
	var found []document.Problem
	for i, one := range sockets {
		for _, other := range sockets[:i] {
			if one.port == other.port && one.port != 0 && (one.host == other.host || one.everywhere() || other.everywhere()) {
				found = append(found, document.Problem{
					Path:    document.Path{"serve", one.name, "port"},
					Message: fmt.Sprintf("%d is also the port of serve.%s; only one of them can listen", one.port, other.name),
				})
			}
		}
	}
	return found
}
