package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

const dnsPort = 53

// ResolvConf is the file with the DNS servers of the system.
const ResolvConf = "/etc/resolv.conf"

// maxServers is the number of servers of a resolv.conf that are used (resolv.h,
// MAXNS).
const maxServers = 3

// SystemServers returns the servers of a resolv.conf. Without the file, or without
// a server in it, the server is the one on this machine (resolv.conf(5)).
func SystemServers(path string) []netip.AddrPort {
	var servers []netip.AddrPort
	if config, err := dns.ClientConfigFromFile(path); err == nil {
		for _, text := range config.Servers {
			if addr, err := netip.ParseAddr(text); err == nil && len(servers) < maxServers {
				servers = append(servers, netip.AddrPortFrom(addr.Unmap(), dnsPort))
			}
		}
	}
	if len(servers) == 0 {
		servers = append(servers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dnsPort))
	}
	return servers
}

// ParseServer parses a server: an address, or an address and a port. An IPv6
// address with a port is in brackets.
func ParseServer(text string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPortFrom(addr.Unmap(), dnsPort), nil
	}
	if server, err := netip.ParseAddrPort(text); err == nil && server.Port() != 0 {
		return netip.AddrPortFrom(server.Addr().Unmap(), server.Port()), nil
	}
	if _, port, ok := strings.Cut(text, ":"); ok && !strings.Contains(port, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return netip.AddrPort{}, fmt.Errorf("%q is no port", port)
		}
	}
	return netip.AddrPort{}, errors.New("a DNS server is an IP address, such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353")
}
