package virtuser

import (
	"strings"

	"virtmap/internal/mailaddr"
)

// SendersTable is the name of the table of senders in a Trace.
const SendersTable = "virtmap-senders"

// Replies of the rulesets for senders (package mcfile).
var (
	mayNotSend  = &refusal{553, "5.7.1", "this login may not send from this address"}
	noSenderMap = &refusal{451, "4.3.0", "the table of senders cannot be read"}
)

// Sends returns what sendmail answers to MAIL FROM of a user who has logged in, with the
// rulesets of package mcfile. senders is the table of senders. The Outcome has no mailer
// and no recipients. A sender whose own mail the virtusertable refuses gets the same reply
// as a recipient. Other recipients that are refused may send: sendmail looks for no account.
func (r *Router) Sends(login, addr string, senders Lookup) Outcome {
	w := walk{r: r.prepared()}
	out := w.sends(login, addr, senders)
	out.Trace = w.trace
	return out
}

func (w *walk) sends(login, addr string, senders Lookup) Outcome {
	ok := Outcome{Code: 250, Status: "2.1.0", Text: "Sender ok"}
	if addr == "" {
		return ok // a bounce
	}
	t, bad := bracketed(addr)
	if bad != nil {
		return refused(bad)
	}
	m, bad := w.r.canonify(t, 0)
	if bad != nil {
		return refused(bad)
	}
	if _, bad := w.parse(m, 0); bad != nil {
		return refused(bad)
	}
	login, _, _ = strings.Cut(login, "@") // the realm
	switch value, err := w.rightOf(login, m, senders); {
	case err != nil:
		return refused(noSenderMap)
	case value != "OK":
		return refused(mayNotSend)
	}
	return ok
}

// rightOf looks a login up, with the whole address, without the detail, and with the
// domain alone. Quotes are taken off before, and a local part that has room for a second
// address has no row.
func (w *walk) rightOf(login string, m mailbox, senders Lookup) (value string, err error) {
	user, bad := dequoted(joined(m.user, blankSub))
	if bad != nil || strings.ContainsAny(joined(user, blankSub), "@,;:") {
		return "", nil
	}
	local, host := joined(user, blankSub), strings.TrimSuffix(joined(m.host, blankSub), ".")
	if local == "" || host == "" {
		return "", nil
	}
	keys := []string{local, ""}
	if user, plus := mailaddr.CutDetail(local); plus != "" {
		keys = []string{local, user, ""}
	}
	for _, key := range keys {
		key = mailaddr.Lower(stripQuotes(login + ":" + key + "@" + host))
		right, hit, err := senders([]byte(key))
		w.step(SendersTable, key, right, hit)
		if hit || err != nil {
			return string(right), err
		}
	}
	return "", nil
}
