package mxcheck

import (
	"fmt"
	"net/netip"
	"slices"
)

// Us has the names and addresses of this server.
type Us struct {
	Names    []string       // lower-case A-labels; MX records should have the first
	Networks []netip.Prefix // addresses and networks, also the public side of a NAT
}

func (u Us) isName(name string) bool { return slices.Contains(u.Names, name) }

// has returns the network of this server that an address is in.
func (u Us) has(addr netip.Addr) (netip.Prefix, bool) {
	addr = addr.Unmap()
	for _, network := range u.Networks {
		if network.Contains(addr) {
			return network, true
		}
	}
	return netip.Prefix{}, false
}

// match reports whether a host is this server. how is "by name", "by address …" or
// "by network …".
func (u Us) match(h *host) (how string, ok bool) {
	switch {
	case u.isName(h.name):
		return "by name", true
	case len(h.aliases) > 0 && u.isName(h.end):
		return "by the name " + h.end + " it is an alias of", true
	}
	for _, addr := range h.addrs {
		network, ok := u.has(addr)
		switch {
		case ok && network.IsSingleIP():
			return "by address " + addr.String(), true
		case ok:
			return fmt.Sprintf("by network %s (%s)", network, addr), true
		}
	}
	return "", false
}

// foreign returns the addresses of a host that are not of this server.
func (u Us) foreign(h *host) []netip.Addr {
	var others []netip.Addr
	for _, addr := range h.addrs {
		if _, ok := u.has(addr); !ok {
			others = append(others, addr)
		}
	}
	return others
}

// unreachable are the networks that senders on the Internet cannot reach (RFC
// 6890). The documentation networks are not among them, because examples and tests
// use them.
var unreachable = func() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
		"::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

// isPublic reports whether senders on the Internet can reach an address.
func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap()
	return !slices.ContainsFunc(unreachable, func(p netip.Prefix) bool { return p.Contains(addr) })
}
