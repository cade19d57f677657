package program

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// client is the address of the client that exim -bh stands for (RFC 5737).
const client = "192.0.2.9"

// RCPT returns the outcome of each address as the reply to RCPT has it, without
// recipients.
func (e *Exim) RCPT(ctx context.Context, addrs []string) (all []outcome.Outcome, err error) {
	for len(addrs) > 0 {
		var session strings.Builder
		session.WriteString("EHLO client.example\r\n")
		for _, addr := range addrs[:min(len(addrs), addressesAtOnce)] { // each in a message of its own: Debian counts refused recipients
			session.WriteString("MAIL FROM:<>\r\nRCPT TO:<" + addr + ">\r\nRSET\r\n")
		}
		out, err := e.run(ctx, session.String()+"QUIT\r\n", "-bh", client)
		if err != nil {
			return nil, err
		}
		replies, done := replies(out), 0
		for at := 3; at < len(replies) && done < len(addrs); at += 3 { // behind the greeting, EHLO and MAIL
			all = append(all, replies[at])
			done++
		}
		if done == 0 {
			return nil, fmt.Errorf("exim -bh says %.1000q", out)
		}
		addrs = addrs[done:]
	}
	return all, nil
}

// replies returns the replies of a session. Lines of one reply are joined.
func replies(out string) (all []outcome.Outcome) {
	var text []string
	for line := range strings.SplitSeq(strings.ReplaceAll(out, "\r", ""), "\n") {
		if len(line) < 4 || line[3] != ' ' && line[3] != '-' {
			continue
		}
		code, err := strconv.Atoi(line[:3])
		if err != nil || code < 200 {
			continue
		}
		text = append(text, line[4:])
		if line[3] == ' ' {
			all = append(all, outcome.OfReply(code, strings.Join(text, " ")))
			text = nil
		}
	}
	return all
}

// addressesAtOnce is the number of addresses of one exim -bt, and of one session: Exim
// takes 1000 messages of a client (smtp_accept_max_per_connection).
const addressesAtOnce = 500

// A marker between two addresses tells which lines are about which. Exim does not print
// it, but the fault that it has.
const (
	marker      = "marker@["
	markerFault = "syntax error: malformed domain literal\n"
)

// Ends returns where mail to each address ends, by address.
func (e *Exim) Ends(ctx context.Context, addrs []string) (map[string][]string, error) {
	ends := map[string][]string{}
	for part := range slices.Chunk(addrs, addressesAtOnce) {
		args := []string{"-bt", "--"}
		for _, addr := range part {
			args = append(args, addr, marker)
		}
		out, err := e.run(ctx, "", args...)
		if err != nil {
			return nil, err
		}
		blocks := strings.Split(out, markerFault)
		if len(blocks) != len(part)+1 {
			return nil, fmt.Errorf("exim -bt says %.1000q", out)
		}
		for i, addr := range part {
			ends[addr] = e.ends(blocks[i], addr)
		}
	}
	return ends, nil
}

// ends returns the recipients of an address by what exim -bt says. An end is a line with
// an address; lines with <-- before the addresses that it came from, from the nearest to
// the one that was asked; and a line with the transport. For a file the addresses that it
// came from are missing, except the nearest.
func (e *Exim) ends(out, asked string) (all []string) {
	var chain []string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		parent, isParent := strings.CutPrefix(line, "    <-- ")
		switch {
		case isParent:
			chain = append(chain, parent)
		case strings.HasPrefix(line, "  router = ") || strings.HasPrefix(line, "  transport = "):
			if len(chain) > 0 {
				all = append(all, e.end(chain, asked))
			}
			chain = nil
		case strings.HasPrefix(line, " "):
		default:
			addr, _, _ := strings.Cut(line, "   [duplicate")
			addr, _, _ = strings.Cut(addr, " -> ")
			chain = []string{addr}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// end returns the recipient of a chain: the first address, from the one that was asked,
// that neither a row nor a known alias of the server decides about. Other aliases of the
// server are behind it.
func (e *Exim) end(chain []string, asked string) string {
	if chain[len(chain)-1] != asked {
		chain = append(chain, asked)
	}
	for i, addr := range slices.Backward(chain) {
		if e.Decides(addr) {
			continue
		}
		local, domain := split(addr)
		switch {
		case domain == mailboxDomain:
			return e.Mailbox(local)
		case e.Local(domain):
			if i > 0 && e.Aliased != nil && e.Aliased(mailaddr.Lower(local)) {
				continue
			}
			return mailaddr.Lower(local)
		}
		return addr
	}
	return chain[0]
}

func split(addr string) (local, domain string) {
	local, domain, _ = mailaddr.Split(addr)
	return local, mailaddr.Lower(domain)
}

// mailboxDomain is the domain of the mailboxes elsewhere.
const mailboxDomain = "mailbox.virtmap.invalid"
