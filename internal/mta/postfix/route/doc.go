// Package route computes what a Postfix does with a recipient address, from its
// parameters and tables. It is to Postfix what the Router of package virtuser is to
// sendmail:
//
//	r, err := route.New(site)
//	out, steps := r.Route("info@d.example")
//
// The mail comes from a stranger: a client outside mynetworks and without a login, whose
// names and sender match no restriction, and who asks for SMTPUTF8 only for an address
// that is not ASCII. The way of an address is that of the programs:
//
//	smtpd            the syntax of RCPT, the lists of restrictions, unlisted recipients
//	trivial-rewrite  completion, the class of the domain, transport_maps, relocated_maps
//	cleanup          canonical_maps and virtual_alias_maps, again and again
//	local            alias_maps, :include:, ~/.forward, mailbox_transport, luser_relay
//	virtual          virtual_mailbox_maps, with an owner from virtual_uid_maps
//
// An outcome is taken if RCPT gets 250. Its recipients are the ends: an account, with
// the detail that its address still has; a file; a command as "|command"; or an address
// that leaves this server. Mail that bounces, waits or is discarded has none. So has
// mail that cleanup refuses after DATA because an alias leads to itself or to too many
// recipients.
//
// # What is left out
//
// The names of the client and of the sender, DNS, policy services, milters and content
// filters are not modelled: a restriction about them does not match, and is named in
// Warnings. So is one about logins, which a stranger has not; Sends and SendsAs answer for
// users. masquerade_domains and the maps of senders do not change recipients here. master.cf is not read: options of its services do not count, and a
// transport is what its name says. Of the addresses of this host only the loopback ones
// and those that inet_interfaces and proxy_interfaces name with a number are known. A
// delivery that fails because of a file, an owner or a mode counts as one that succeeds.
//
// A table that only Postfix can read is left out. If it is one of the tables of known
// recipients of a class (local_recipient_maps, relay_recipient_maps,
// virtual_mailbox_maps), every address of the class is known.
//
// TestAgainstPostfix compares with a running Postfix 3.7.11. Of 2,040 generated
// configurations with up to 25 addresses each, 50,000 addresses in all, two differed. They
// agree since, and so do those that Postfix had not answered for.
package route
