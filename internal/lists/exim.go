package lists

import (
	"fmt"
	"path/filepath"
	"strings"

	"virtmap/internal/mailaddr"
)

// whyPattern is the reason for a key with an asterisk, which lsearch takes as it stands.
const whyPattern = "its key is a pattern: list the addresses that it stands for"

// eximVirtual reads a folder with a file for each domain, such as /etc/exim4/virtual, which
// Exim reads with lsearch. The name of a file is its domain.
func eximVirtual(dir string, read func(string) ([]byte, error), names func(string) ([]string, error), kind string) (*List, error) {
	all, err := names(dir)
	if err != nil {
		return nil, err
	}
	list, found := &List{}, 0
	for _, name := range all {
		domain, bad := mailaddr.FoldDomain(name)
		switch {
		case name[0] == '.':
			continue
		case bad != nil || !strings.Contains(name, ".") || isCopy(name):
			list.Notes = append(list.Notes, fmt.Sprintf("%s is not read: the name of a file is that of its domain.", filepath.Join(dir, name)))
			continue
		}
		if kind == eximData && domain != name {
			list.Notes = append(list.Notes, fmt.Sprintf("%s is not read: mail comes to %s, and Exim takes the name of a file as it is.", filepath.Join(dir, name), domain))
			continue
		}
		text, err := read(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		found++
		list.join(parseOf(domain, kind, filepath.Join(dir, name), string(text)))
	}
	if found == 0 {
		return nil, fmt.Errorf("%q has no file with the name of a domain: name the folder with one file for each domain", dir)
	}
	return list, nil
}

// isCopy reports whether a file has the name that editors, packages and makers of maps give.
func isCopy(name string) bool {
	for _, end := range []string{"~", ".db", ".cdb", ".bak", ".orig", ".old", ".save", ".swp", ".tmp", ".new", ".dpkg-dist", ".dpkg-old", ".dpkg-new"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// exim reads a line of a file of lsearch: a local part, a colon or a blank, and the targets
// of a redirect router. An asterisk stands for the names that are not listed.
func (r *reader) exim(l line) {
	if isWhite(l.text[0]) {
		r.left(l, whyNoLine)
		return
	}
	key, value, closed := cutSearch(l.text)
	local, addr := key, key
	if !strings.Contains(key, "@") {
		addr = strings.TrimPrefix(key, "*") + "@" + r.domain
	} else {
		local, _, _ = strings.Cut(key, "@")
	}
	if !closed {
		r.left(l, whyNoQuote)
		return
	}
	l.text, l.value = strings.TrimPrefix(addr, "*"), value // what is left out is shown with its domain
	switch {
	case local != "*" && strings.ContainsRune(local, '*'):
		r.left(l, whyPattern)
	case key == "" || value == "":
		r.left(l, whyNoTarget)
	case value[0] != ':' && isYAML(value):
		r.leftAs(l, aYAML)
	default:
		r.redirect(l, l.text, value)
	}
}

// redirect adds the row of an address and the data of a redirect router of Exim.
func (r *reader) redirect(l line, addr, value string) {
	word, text, special := strings.Cut(strings.TrimPrefix(value, ":"), ":")
	if value[0] != ':' || !special {
		word = ""
	}
	switch word {
	case "fail":
		r.row(l, Address, addr, refusal(trim(text), "550", "5.1.1", "User unknown"))
	case "defer":
		r.row(l, Address, addr, refusal(trim(text), "450", "4.2.1", "Mailbox is not available"))
	case "blackhole":
		r.left(l, "its mail is thrown away, for which an inventory has no target: refuse it, or name a user")
	case "unknown":
		r.left(l, "its key counts as not listed")
	default:
		if strings.Contains(value, ":include:") {
			r.left(l, "the list in the file that it includes is not read: list the members, or put it into the server's aliases")
			return
		}
		r.address(l, addr, targets(value, " ,"))
	}
}

// refusal returns a refusal in the form of a virtusertable. The text may begin with a code
// of three digits, and behind it a status.
func refusal(text, code, status, usual string) string {
	if first, rest, _ := strings.Cut(text, " "); len(first) == 3 && strings.Trim(first, "0123456789") == "" {
		if first[0] == code[0] {
			code = first
		}
		text = trim(rest)
		if first, rest, _ := strings.Cut(text, " "); strings.Count(first, ".") == 2 && strings.Trim(first, "0123456789.") == "" {
			if first[0] == code[0] {
				status = first
			}
			text = trim(rest)
		}
	}
	if text == "" {
		text = usual
	}
	return "error:" + status + ":" + code + " " + text
}

// cutSearch cuts a line of lsearch at the first colon or blank outside quotes. A colon may
// stand behind blanks too.
func cutSearch(text string) (key, value string, closed bool) {
	if text[0] != '"' {
		end := strings.IndexAny(text, ":"+white)
		if end < 0 {
			return text, "", true
		}
		return text[:end], behindColon(text[end:]), true
	}
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		case c == '"':
			return out.String(), behindColon(text[i+1:]), true
		default:
			out.WriteByte(c)
		}
	}
	return "", "", false
}

// behindColon returns what is behind blanks, at most one colon, and blanks.
func behindColon(text string) string {
	return trim(strings.TrimPrefix(trim(text), ":"))
}
