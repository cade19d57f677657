// Package resolve answers the questions of mxcheck: a Client over the network,
// and Zones from zone files.
//
// # The client
//
// A server is asked over UDP, from a few sockets that stay open for the run,
// with EDNS and a payload of 1,232 bytes. A packet counts as an answer when it
// comes from that server's address and port, is a response, and has the id and
// the question of one that is out; everything else is dropped, and the question
// waits on. An answer that was cut, cannot be read or has fewer records than
// its header says is fetched over TCP. A try that nobody answers is followed by
// one to the next server; an answer to an earlier try is still taken. What a
// server says that is no answer (SERVFAIL, REFUSED and the like) is kept as
// the reason, and the next server is asked.
//
// A second opinion is asked for over TCP first, and over UDP where TCP is not
// to be had; a name that nobody answers for over UDP while others get their
// answers is asked for over TCP too.
//
// How many questions are out at once to one server is bounded by a window that
// grows with answers and shrinks with losses; see window.
//
// The search list of resolv.conf is never used: it leaks names, and with a
// wildcard it invents them.
//
// # Zone files
//
// Zones answers as a name server that serves the files would: with aliases,
// wildcards (RFC 4592), DNAME (RFC 6672), and with data below a zone cut left
// to whoever the zone delegates to.
package resolve
