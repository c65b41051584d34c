package handlers

import (
	"net/netip"
	"strconv"
	"strings"

	"ostiary/pipeline"
)

// canonicalHost brings a host, with or without a port, to its one form: lower
// case, without a final dot, IPv6 addresses as RFC 5952 writes them. What is no
// host name or address is refused; a user name, a path or a second host in it
// could make two servers see two hosts.
func canonicalHost(raw string) (string, error) {
	name, port, err := splitPort(raw)
	if err != nil {
		return "", err
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		address, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !address.Is6() || address.Zone() != "" || !strings.HasSuffix(name, "]") {
			return "", pipeline.Malformed.Because("the host has brackets without an IPv6 address in them")
		}
		return "[" + address.String() + "]" + port, nil
	}
	trimmed := strings.TrimSuffix(name, ".")
	if trimmed == "" || trimmed[0] == '.' || len(trimmed) > 253 || strings.Contains(name, "..") {
		return "", pipeline.Malformed.Because("the host is empty or has empty labels")
	}
	for i := range len(trimmed) {
		switch c := trimmed[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default:
			return "", pipeline.Malformed.Because("the host has a character that no host name has")
		}
	}
	if len(trimmed)+len(port) == len(raw) {
		return strings.ToLower(raw), nil
	}
	return strings.ToLower(trimmed) + port, nil
}

// splitPort cuts a port off, with its colon.
func splitPort(host string) (name, port string, err error) {
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.IndexByte(host[colon:], ']') >= 0 {
		return host, "", nil
	}
	digits := host[colon+1:]
	number, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || strconv.FormatUint(number, 10) != digits {
		return "", "", pipeline.Malformed.Because("the host has a port that is none")
	}
	return host[:colon], host[colon:], nil
}
