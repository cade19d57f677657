// Package virtuser has sendmail's view of a virtual address. It compiles an inventory
// into the rows of a virtusertable and the aliases they lead to. It reads a
// virtusertable that was written by hand. And it computes what sendmail does with an
// address.
//
// # The virtusertable
//
// Each line is one row: a key, one tab, and a right side. A line with a # in the first
// column is a comment. Keys are in lower case and have at most 255 bytes, because
// sendmail cuts a key at 256. A line has at most 1,022 bytes (makemap).
//
//	fake@fakemail.example	andrei
//	sales+*@fakemail.example	bea
//	old@fakemail.example	error:5.1.1:"550 Ann has left"
//	@fakemail.example	error:5.1.1:"550 User unknown"
//
// # Order of the keys
//
// For user+detail at a domain of class w, sendmail tries these keys, in this order
// (cf/m4/proto.m4, the virtual user block):
//
//	user+detail@domain
//	user++@domain       if the detail is not empty
//	user+*@domain
//	user@domain
//	++@domain           if the detail is not empty
//	+*@domain
//	@domain
//
// %1 is the user, %2 the detail, and %3 the detail with its plus. For the first key, %1
// is the whole local part. A right side that is an address is looked up again. A name
// without a domain is final: it goes to the server's aliases and accounts.
//
// # How an inventory is compiled
//
// A target in a domain of the inventory is followed to its end. Otherwise a row could
// lead to a domain that is not served, and sendmail would relay the mail.
//
// same_as is written out, address by address.
//
// A rejecting catch-all is a row of its own. Without this row, sendmail would deliver
// root@ in every domain to root.
//
// Several recipients, a mailbox elsewhere, and a forward with a kept copy need an
// alias, because a right side is one recipient. These aliases have names such as
// virtmap-info=fakemail.example, and are in virtmap's own alias file.
//
// # What sendmail does with an address
//
// A Router gives the answer of sendmail to a client that may not relay. It splits the
// address into tokens, and finds user and host (rulesets canonify and Parse0: routes,
// user%host@here, host!user, quoted local parts, address literals). It looks addresses
// of class w and {VirtHost} up, and each right side again. The end is another server,
// an alias, an account or a refusal.
//
// A Router knows these parts of the configuration: FEATURE(`virtuser_entire_domain');
// class R, including names below its names; LUSER_RELAY, MAIL_HUB, LOCAL_RELAY and
// SMART_HOST in all forms (Relays); class L; and FEATURE(`stickyhost').
// FEATURE(`preserve_luser_host') changes nothing as long as the local mailer gets no
// host, which is the default. With a relay of local:user or user@host it does change
// something, which a Router does not copy.
//
// The Router was compared with the installed sendmail 8.17.1 over 200,000 addresses and
// 480 configurations. It does not copy the following:
//
//	a map that is missing or damaged   The answer is 451 4.3.0. sendmail takes the
//	                                   mail and lets it wait, without a message.
//	a right side that ends in one %    It is a percent sign. sendmail reads on
//	                                   after the end of the value (map_rewrite).
//	canonical names of hosts           The DNS is never asked, as with
//	                                   FEATURE(`nocanonify'), so that the answer
//	                                   does not depend on the DNS.
//	relays by a mailer that is not     The mail is taken. sendmail says 554 5.3.5.
//	defined
//	FEATURE(`preserve_local_plus_detail'), mailertable, LDAP routing, the
//	access map                         They are not looked at.
//
// Rows are sorted by domain (A-labels, bytewise). Within a domain, exact keys come
// first, by name, then user+* and user++, then +* and ++, and the catch-all last.
package virtuser
