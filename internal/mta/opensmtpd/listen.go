package opensmtpd

import (
	"regexp"
	"strings"

	"virtmap/internal/mta"
)

// Parts of a listen line.
var (
	authWord    = regexp.MustCompile(`\s(?:auth|auth-optional)(?:\s|$)`)
	listenLine  = regexp.MustCompile(`^listen\s+on\s`)
	sendersWord = regexp.MustCompile(`\s+senders\s+<([^>]*)>`)
)

// logins returns what smtpd.conf lacks about users who log in. With authorise, every listen
// line with auth has the table of senders, which must be known there: an inventory that says
// who may send is not kept otherwise. Without it, virtmap.conf has no such table.
func (c *configuration) logins(dir string, authorise bool) (all []mta.Gap) {
	found := false
	for i, line := range c.lines {
		at := mta.Gap{Path: c.places[i].path, Line: c.places[i].number}
		table := sendersWord.FindStringSubmatch(line)
		ours := table != nil && table[1] == sendersMark
		switch {
		case !listenLine.MatchString(line):
			continue
		case !authorise && ours:
			at.What, at.Write = "the table <"+sendersMark+"> is not in virtmap.conf any more, and smtpd does not start", sendersWord.ReplaceAllLiteralString(line, "")
		case !authorise || !authWord.MatchString(line):
			continue
		case !ours:
			at.What, at.Write = "users who log in here may send from every address", sendersWord.ReplaceAllLiteralString(line, "")+" senders <"+sendersMark+">"
		case i < c.includes(dir):
			at.What, at.Write = "the line is before that which includes "+fileConf+", where its table is", strings.TrimSpace(line)
		default:
			found = true
			continue
		}
		all, found = append(all, at), true
	}
	if authorise && !found {
		all = append(all, mta.Gap{Path: c.path, What: "no listen line has auth and the table of senders", Write: "listen on … port submission tls-require pki … auth senders <" + sendersMark + ">"})
	}
	return all
}
