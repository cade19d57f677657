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

// ResolvConf is where a system says which servers it asks.
const ResolvConf = "/etc/resolv.conf"

// maxServers is how many of a resolv.conf are asked (resolv.h, MAXNS).
const maxServers = 3

// SystemServers gives the servers of a resolv.conf. Its search list is not
// used: names are asked as they are.
func SystemServers(path string) ([]netip.AddrPort, error) {
	config, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, err
	}
	var servers []netip.AddrPort
	for _, text := range config.Servers[:min(len(config.Servers), maxServers)] {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("%q: nameserver %q is no IP address", path, text)
		}
		servers = append(servers, netip.AddrPortFrom(addr, dnsPort))
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("%q names no nameserver", path)
	}
	return servers, nil
}

// ParseServer reads a server: an address, with or without a port, an IPv6
// address with one in brackets.
func ParseServer(text string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPortFrom(addr, dnsPort), nil
	}
	if server, err := netip.ParseAddrPort(text); err == nil && server.Port() != 0 {
		return server, nil
	}
	if _, port, ok := strings.Cut(text, ":"); ok && !strings.Contains(port, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return netip.AddrPort{}, fmt.Errorf("%q is no port", port)
		}
	}
	return netip.AddrPort{}, errors.New("a DNS server is an IP address, such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353")
}
