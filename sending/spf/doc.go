// Package spf reads SPF records, and says what a receiver makes of them (RFC 7208).
//
// A record is a TXT record of a domain. It says which addresses may send mail with the
// domain in the envelope sender:
//
//	v=spf1 mx ip4:192.0.2.25 include:relay.example -all
//
// A record has a version and terms. A term is a mechanism, which some addresses match,
// or a modifier, which has a value behind "=". The first mechanism that matches decides,
// and its qualifier is the result:
//
//   - or none   pass       the address may send
//   - fail       it may not
//     ~           softfail   it probably may not
//     ?           neutral    the domain says nothing about it
//
// # The reader
//
// Parse reads a whole record and returns all mistakes, each with its term, its place and
// a reason. It is strict: a record with one wrong term has no result but permerror, also
// when a term before would match (RFC 7208 4.6). Parse also returns what is legal and
// certainly not meant, such as a term behind "all". Such a Fault is not Fatal.
//
// # The evaluation
//
// Query.Evaluate is check_host of RFC 7208 4: the result for one address, with the term
// that matched, and the numbers of DNS lookups. More than 10 lookups, or more than 2
// terms with a name without records (void lookups), give permerror (RFC 7208 4.6.4). Some
// receivers count each name of a term, and not the term.
//
// Query.Cost is for whoever publishes a record. It looks at all terms and all included
// records, also behind the limits, and says what each term costs.
//
// # What it does not do
//
// It does not ask for records of type SPF (99), which RFC 7208 3.1 has ended. It does not
// convert U-labels: all names are A-labels.
package spf
