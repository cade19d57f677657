// Package sending checks what the DNS says about mail that a domain sends: SPF, DKIM and
// DMARC, the names of the addresses that send, and what the domain promises to senders
// (MTA-STS, TLSA, TLS reports).
//
// The result is a Verdict. It has a level (ok, warning, unknown or error) and findings, the
// worst first. Each finding has a stable id, a cause, and what to publish, as whole lines of
// a zone file:
//
//	fakemail.example: error
//	  spf-not-us: SPF says fail for 192.0.2.25, which sends for it (-all matched)
//	    fakemail.example. 3600 TXT "v=spf1 mx ip4:192.0.2.25 -all"
//	  dkim-ok: vm2026._domainkey.fakemail.example is the public half of the key in use
//
// Rules is the table of the ids, with their level, their meaning and their RFC. A verdict
// holds nothing back: mail is sent as before.
//
// # What is asked
//
// Check asks for the records of one domain:
//
//   - TXT of the domain (SPF), and all records that it includes
//   - TXT of SELECTOR._domainkey for each key (DKIM), which is compared with the key file
//   - TXT of _dmarc, also of the organizational domain, and of the domains that get reports
//   - TXT of _mta-sts and _smtp._tls, and TLSA of the MX targets; nothing is said about a
//     domain without them
//
// CheckHost asks for the PTR records of the addresses that send, and for the addresses and
// the SPF record of the host's own name.
//
// With zone files as the Resolver, names that are in none of them give a warning at most.
//
// # What it does not do
//
// It changes no DNS, makes no keys, and reads the public half of private keys only.
package sending
