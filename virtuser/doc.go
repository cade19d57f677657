// Package virtuser is sendmail's view of a virtual address: it compiles an
// inventory into the rows of a virtusertable and the aliases they lead to,
// and reads a virtusertable that somebody wrote by hand.
//
// # The virtusertable
//
// One row a line: a key, one tab, a right side. A # in the first column makes
// a comment. Keys are in lower case, at most 255 bytes (sendmail cuts a key
// at 256), and a line has at most 1,022 bytes (makemap).
//
//	fake@fakemail.example	andrei
//	sales+*@fakemail.example	bea
//	old@fakemail.example	error:5.1.1:"550 Ann has left"
//	@fakemail.example	error:5.1.1:"550 User unknown"
//
// # Order of the keys
//
// For user+detail at a domain of class w sendmail tries (cf/m4/proto.m4, the
// virtual user block) the address as it stands, user++ (only for a detail
// that is not empty), user+*, user, ++ (likewise), +*, and the domain alone.
// %1 is the user, %2 the detail, %3 the detail with its plus; for the address
// as it stands %1 is all of its local part. A right side that is an address is
// looked up again; a bare name is final and goes to the server's aliases and
// accounts.
//
// # What is compiled how
//
// A target at a domain of the inventory is followed to its end, so that a
// domain that is not served cannot turn a row into relaying. same_as is
// written out address by address. A rejecting catch-all is a row of its own:
// without one sendmail delivers root@ every domain to root. Several
// recipients, a mailbox elsewhere and a forward with a kept copy need an
// alias: a right side is one recipient. Those aliases have names of our own,
// such as virtmap-info=fakemail.example, and live in a file of our own.
//
// # Where an address goes
//
// A Router answers as sendmail does for a client that may not relay: it cuts
// the address into tokens, finds user and host (rulesets canonify and Parse0:
// routes, user%host@here, host!user, quoted local parts, address literals),
// looks addresses of class w and {VirtHost} up, each right side again, and ends at
// another server, an alias, an account or a refusal. Of the configuration it
// knows FEATURE(`virtuser_entire_domain'), class R with the names below its own,
// LUSER_RELAY, MAIL_HUB, LOCAL_RELAY and SMART_HOST in all their forms (Relays),
// class L and FEATURE(`stickyhost'). FEATURE(`preserve_luser_host') changes
// nothing where the local mailer gets no host, as it gets none by default; beside
// a relay of local:user or user@host it does, and is not copied.
//
// Compared with the installed sendmail 8.17.1 over 200,000 addresses and 480
// configurations; what it does not copy, and why:
//
//	a map that is missing or damaged   451 4.3.0. sendmail takes the mail and
//	                                   lets it wait, which tells nobody
//	a right side that ends in one %    a percent sign. sendmail reads on behind
//	                                   the end of the value (map_rewrite)
//	canonical names of hosts           never asked of the DNS, as with
//	                                   FEATURE(`nocanonify'): an answer must
//	                                   not depend on it
//	relays by a mailer that is not     taken. sendmail says 554 5.3.5
//	defined
//	FEATURE(`preserve_local_plus_detail'), mailertable, LDAP routing, the
//	access map                         not looked at
//
// Rows are sorted by domain (A-labels, bytewise), within a domain exact keys
// by name, then user+* and user++, then +* and ++, the catch-all last.
package virtuser
