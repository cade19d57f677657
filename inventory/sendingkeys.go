package inventory

var sendsKeys = []key[Sends]{
	{Key{"dkim", "mapping", "The keys with which the domain's mail is signed: selectors, each with the path of its private key. The first one signs.", "{vm2026: /etc/dkimkeys/vm2026.private}"},
		func(r *reader, v value, s *Sends) { s.DKIM = r.dkimKeys(v) }},
}

var submissionKeys = []key[Submission]{
	{Key{"rewrite", "msp or no", "msp: mail of the sendmail command comes from the sends_as of its user; default no.", "msp"},
		func(r *reader, v value, s *Submission) {
			s.Rewrite, s.RewritePos = oneOf(r, v, "rewrite", "no", "msp") == "msp", v.pos()
		}},
	{Key{"authorise", "yes or no", "yes: a user who logs in sends only from addresses of which the user is a sender; default no.", "yes"},
		func(r *reader, v value, s *Submission) {
			s.Authorise, s.AuthorisePos = oneOf(r, v, "authorise", "no", "yes") == "yes", v.pos()
		}},
}

// Keys of other sections that are about sending.
var (
	sendsAsKey = Key{"sends_as", "mail address", "The address that mail of the sendmail command comes from, with submission: {rewrite: msp}; default the account itself.", "fake@fakemail.example"}
	sendsKey   = Key{"sends", "yes, no or mapping", "Whether mail is sent from addresses of the domain, and the keys with which it is signed. mx --sending checks the DNS of such a domain; default no.", "yes"}
	sendersKey = Key{"senders", "list of users", "The users who may send from every address of the domain, beside those who get its mail; default none.", "[bea]"}
	onlyKey    = Key{"senders", "list of users or none", "The users who may send from the address; with none, no user may. Default those who get its mail, and the senders of the domain.", "[andrei]"}
	hostDKIM   = Key{"dkim", "mapping", "The keys with which mail from the host's own name is signed, such as that of root: selectors, each with the path of its private key. The first one signs; default none.", "{vm2026: /etc/dkimkeys/host.private}"}
	fromKey    = Key{"sends_from", "list of addresses or networks", "The addresses from which this server sends; default the single addresses of networks.", "[192.0.2.25]"}
)
