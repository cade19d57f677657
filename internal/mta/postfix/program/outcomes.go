package program

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// Outcomes returns what becomes of mail for addresses: RCPT and, for the accepted ones,
// Ends. A recipient at which mail does not arrive is left out, and Text has its status
// and words.
func (p *Instance) Outcomes(ctx context.Context, addrs []string) ([]outcome.Outcome, error) {
	replies, err := p.RCPT(ctx, addrs)
	if err != nil {
		return nil, err
	}
	var taken []string
	for i, reply := range replies {
		if reply.Code == 250 {
			taken = append(taken, addrs[i])
		}
	}
	ends, err := p.Ends(ctx, taken)
	if err != nil {
		return nil, err
	}
	outcomes := make([]outcome.Outcome, len(addrs))
	for i, reply := range replies {
		outcomes[i] = ofReply(reply)
		if outcomes[i].Taken {
			p.addEnds(&outcomes[i], ends[addrs[i]])
		}
	}
	return outcomes, nil
}

// before matches what smtpd(8) writes before the words of a refusal.
var before = regexp.MustCompile(`^<.*?>: (?:Recipient address rejected: )?`)

// notOurs is the refusal of reject_unauth_destination.
const notOurs = "Relay access denied"

// ofReply returns the outcome of a reply, without recipients.
func ofReply(r Reply) outcome.Outcome {
	text := before.ReplaceAllString(r.Text, "")
	return outcome.Outcome{Taken: r.Code == 250, NotOurs: text == notOurs, Code: r.Code, Status: r.Status, Text: text}
}

// addEnds adds the recipients to the outcome of an accepted address.
func (p *Instance) addEnds(o *outcome.Outcome, ends []End) {
	for _, end := range ends {
		switch recipient := p.recipient(end); {
		case recipient != "":
			o.Recipients = append(o.Recipients, recipient)
		case end.Status != deliverable:
			o.Text = end.DSN + " " + end.Text
		}
	}
	slices.Sort(o.Recipients)
	o.Recipients = slices.Compact(o.Recipients)
}

// recipient returns the recipient of an end; empty: mail does not arrive there.
func (p *Instance) recipient(end End) string {
	if end.Status != deliverable || strings.HasPrefix(end.Text, "discarded") {
		return ""
	}
	switch end.Agent {
	case "local":
		if path, ok := strings.CutPrefix(end.Text, "delivers to file: "); ok {
			return path
		}
		command, ok := strings.CutPrefix(end.Text, "delivers to command: ")
		if ok && command != p.main.value("mailbox_command", "") {
			return "|" + command
		}
		return account(end.To)
	case accountTransport:
		return account(end.To)
	case "virtual":
		if p.o.Mailbox != nil {
			return p.o.Mailbox(end.To)
		}
	}
	return end.To
}

// account returns the account of an address, with its +detail. local(8) folds the name of
// an account.
func account(addr string) string {
	local, _, ok := mailaddr.Split(addr)
	if !ok {
		local = addr
	}
	name, detail, ok := strings.Cut(local, "+")
	if ok {
		return mailaddr.Lower(name) + "+" + detail
	}
	return mailaddr.Lower(name)
}
