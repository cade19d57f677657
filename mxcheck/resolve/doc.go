// Package resolve has the resolvers of mxcheck: a Client asks DNS servers, and
// Zones reads zone files.
//
// # The client
//
// The client asks over UDP, with EDNS and a payload of 1,232 bytes. It has a few
// sockets for each server, which stay open.
//
// A packet is a reply when it comes from the address and port of the server, is a
// response, and has the id and the question of a query. Other packets are dropped.
//
//   - Without a reply in time, the next server is asked. A late reply is still
//     accepted.
//   - After SERVFAIL, REFUSED and the like, the next server is asked. When all
//     servers fail, the failure is one of these.
//   - A reply that was cut, cannot be read, or has fewer records than its header
//     says is asked for again over TCP.
//   - A name without a reply over UDP, while other names get replies, is asked for
//     over TCP too.
//
// A second opinion is asked over TCP first, and then over UDP.
//
// The number of open questions to one server is limited by a window. It grows
// with replies and shrinks with losses; see window. When no server answers any
// question, there is an outage; see outage.
//
// The search list of resolv.conf is not used: with it, a wrong name may find the
// records of another name.
//
// # Zone files
//
// Zones answers like a name server with these files, with aliases, wildcards (RFC
// 4592) and DNAME (RFC 6672). It does not answer for a name that a zone delegates
// to another zone.
//
//	$ORIGIN fakemail.example.
//	$TTL 3600
//	@ SOA ns hostmaster 1 7200 3600 1209600 3600
//	@ NS  ns
//	@ MX  10 mx1.example.net.
package resolve
