package cli

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/change"
)

// senderLines returns a line for each right that is got or lost.
func (d *diffOutput) senderLines() (lines []string) {
	switch d.Logins {
	case change.Added:
		lines = append(lines, "+ users who log in send only from their own addresses")
	case change.Removed:
		lines = append(lines, "- users who log in send from every address")
	}
	for _, s := range d.Senders {
		from, may := s.From, "may send from"
		if domain, ok := strings.CutPrefix(s.From, "@"); ok {
			from = "every other address of " + domain
		}
		if s.Kind == change.Removed {
			may = "may not send any more from"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s", signs[s.Kind], s.User, may, from))
	}
	for _, domain := range d.Unsigned {
		lines = append(lines, "- mail from "+domain+" is not signed any more")
	}
	return lines
}

// senderCounts returns the numbers of rights for the summary.
func (d *diffOutput) senderCounts() (parts []string) {
	for _, kind := range []change.Kind{change.Added, change.Removed} {
		n := 0
		for _, s := range d.Senders {
			if s.Kind == kind {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s %s", n, map[bool]string{true: "right", false: "rights"}[n == 1], "to send "+string(kind)))
		}
	}
	switch d.Logins {
	case change.Added:
		parts = append(parts, "logins are checked")
	case change.Removed:
		parts = append(parts, "logins are not checked any more")
	}
	return parts
}

// A diffSender is a right in JSON.
type diffSender struct {
	User string      `json:"user"`
	From string      `json:"from"` // @domain: the addresses that are not listed
	Kind change.Kind `json:"kind"`
}

// senderJSON returns the rights for JSON.
func (d *diffOutput) senderJSON() []diffSender {
	all := []diffSender{}
	for _, s := range d.Senders {
		all = append(all, diffSender{s.User, s.From, s.Kind})
	}
	return all
}

// onlySenders keeps the rights to addresses of some domains.
func onlySenders(c *change.Change, chosen func(domain string) bool) {
	c.Senders = slices.DeleteFunc(c.Senders, func(s change.Sender) bool { return !chosen(s.From[strings.LastIndexByte(s.From, '@')+1:]) })
	c.Unsigned = slices.DeleteFunc(c.Unsigned, func(domain string) bool { return !chosen(domain) })
}
