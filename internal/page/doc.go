// Package page makes one HTML document of an inventory, for people: where mail for each
// address goes, why, and who may send from it. The document needs no other file and asks
// no server. It answers for any address by itself, as `virtmap lookup` does.
//
// # The document
//
// Document.Write fills page.html with three parts:
//
//	style.css    the only style
//	the script   lookup.js and senders.js, then the other files of scripts, joined
//	the data     gzip, in base64
//
// A Content-Security-Policy in the document allows the style and the script by their
// hashes, and nothing else: no request leaves the document, and no text of an inventory
// can run. The script puts texts of the inventory into the document as text, never as
// HTML. Base64 cannot end the element that has the data.
//
// The same inventory, words and verdicts give the same bytes.
//
// # The data
//
// The first line is a Header as JSON. After it come the addresses as the inventory has
// them, without those of same_as and of the defaults: a line "@" and the name for each
// domain, and below it a line for each address and role, with tabs between its parts:
//
//	key  target  flags and place
//	key  target  note  flags and place
//
// A key is folded. The flags are x if the address is not enabled, and k, d or r if the
// address itself says detail: keep, drop or reject. The place is a line relative to that
// of the domain, or the index of a file, a colon and a line. If the address has senders of
// its own, = and their names follow, with blanks between them. A target has one of these
// forms:
//
//	bea                a user or a local alias
//	'b%20a             the same, with a name that needs escapes (as in URLs)
//	ann@far.example    an address
//	%%1@far.example    a pattern, behind a percent sign; %% in it is a percent sign
//	[bea carol]^andrei a list, and perhaps who gets its bounces
//	@far.example       the same address in another domain
//	!3                 refused, with the reply of this index
//	~                  the accounts of the server decide
//	-                  a role that is removed
//
// The data have senders only of domains that send, and of those that they copy. The script
// works out the rights from them, as package senders does. They have the selectors of DKIM
// keys, but no paths of keys.
//
// Document.Only chooses domains. The data then have no more of the other domains, users and
// local aliases than the way of their mail needs, and the script does not answer for the
// others. Of a user who is only a sender they have the name and its place.
//
// # The words of a server
//
// An inventory leaves some replies to the server. Document.Route is asked for these, so
// that the document shows the same words as `virtmap lookup`.
package page
