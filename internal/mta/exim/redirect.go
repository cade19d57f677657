package exim

import (
	"strings"

	"virtmap/internal/outcome"
)

// A redirection is the data of a redirect router of Exim (Exim's specification, chapter
// 22), read. At most one of refuses, discards and fault is set.
type redirection struct {
	refuses  *outcome.Outcome // :fail: or :defer:, with the reply as Exim gives it
	discards bool             // :blackhole:
	fault    string           // what Exim cannot read; it defers the mail
	members  []member         // those before :fail:, if any; without others, none: the name counts as not listed
	includes []string         // files that :include: names, and that are not here
}

// A member is an item of the data: an address, a file or a program.
type member struct {
	local, domain string // an address; the domain is empty if there is none
	incoming      bool   // a backslash before the name: it has the domain of the mail
	path          string // of a file, or a program behind |; then the address is empty
}

// readRedirection reads the data of a redirect router. include returns the text of a file.
func readRedirection(data string, include func(path string) (text string, ok bool)) redirection {
	return readIncluded(data, include, 0)
}

// maxIncluded is the number of files that may include each other. Exim has no limit, and
// would never end.
const maxIncluded = 20

// readIncluded reads data, or the text of a file behind depth others.
func readIncluded(data string, include func(path string) (text string, ok bool), depth int) (r redirection) {
	for rest := data; ; {
		rest = strings.TrimLeft(rest, " \t\n,")
		if rest == "" {
			return r
		}
		if rest[0] == '#' {
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		}
		if word, text, ok := special(rest); ok {
			text, _, _ = strings.Cut(text, "\n")
			end := ended(word, strings.TrimSpace(text))
			end.before(r.members)
			return end
		}
		item := rest[:itemEnd(rest)]
		rest = rest[len(item):]
		r.add(strings.TrimSpace(item), include, depth)
		if r.fault != "" || len(r.includes) > 0 {
			return redirection{fault: r.fault, includes: r.includes}
		}
		if r.refuses != nil || r.discards {
			return r
		}
	}
}

// special returns the word of an item that stands for no recipient, and what is behind it.
func special(text string) (word, behind string, ok bool) {
	for _, word := range []string{"fail", "defer", "blackhole"} {
		if behind, ok := strings.CutPrefix(text, ":"+word+":"); ok {
			return word, behind, true
		}
	}
	return "", "", false
}

// ended returns the redirection of a list with :fail:, :defer: or :blackhole: in it, which
// takes the place of the whole list.
func ended(word, text string) redirection {
	if word == "blackhole" {
		return redirection{discards: true}
	}
	o := ownReply(text, map[string]int{"fail": 550, "defer": 451}[word])
	return redirection{refuses: &o}
}

// before keeps the members before a :fail:. Exim sends mail to a list with this list in it to
// them; for :defer: it keeps the mail.
func (r *redirection) before(members []member) {
	if r.members = nil; r.refuses != nil && r.refuses.Code >= 500 {
		r.members = members
	}
}

// ownReply returns the reply of :fail: or :defer:. Its text may begin with a code, and a
// status behind that. Both are cut off, and do not count, if they are of another class.
func ownReply(text string, code int) outcome.Outcome {
	digits, behind, _ := strings.Cut(text, " ")
	if len(digits) != 3 || strings.Trim(digits, "0123456789") != "" {
		return outcome.Outcome{Code: code, Text: text}
	}
	status, after, _ := strings.Cut(strings.TrimLeft(behind, " "), " ")
	isStatus := strings.Count(status, ".") == 2 && strings.Trim(status, "0123456789.") == ""
	if isStatus {
		behind = strings.TrimLeft(after, " ")
	}
	if int(digits[0]-'0') != code/100 {
		return outcome.Outcome{Code: code, Text: behind}
	}
	o := outcome.Outcome{Code: int(digits[0]-'0')*100 + int(digits[1]-'0')*10 + int(digits[2]-'0'), Text: behind}
	if isStatus {
		o.Status = status
	}
	return o
}

// itemEnd returns where the first item of a list ends: at a comma or an end of a line
// outside of quotes, comments and < >.
func itemEnd(text string) int {
	quoted, depth, angle := false, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '\n':
			return i
		case c == '"' && depth == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == '<' && depth == 0:
			angle = true
		case c == '>':
			angle = false
		case c == ',' && depth == 0 && !angle:
			return i
		}
	}
	return len(text)
}

// add adds an item.
func (r *redirection) add(item string, include func(path string) (string, bool), depth int) {
	if path, ok := strings.CutPrefix(item, ":include:"); ok {
		path = strings.TrimSpace(path)
		text, ok := include(path)
		if !ok || depth == maxIncluded {
			r.includes = append(r.includes, path)
			return
		}
		inner := readIncluded(text, include, depth+1)
		r.refuses, r.discards, r.includes = inner.refuses, inner.discards, append(r.includes, inner.includes...)
		if inner.fault != "" {
			r.fault = "a line of " + path // which may be secret
		}
		if r.refuses == nil && !r.discards {
			r.members = append(r.members, inner.members...)
		} else {
			r.before(r.members)
		}
		return
	}
	if item == ":unknown:" {
		return
	}
	m, fault := readMember(item)
	if fault {
		r.fault = item
		return
	}
	r.members = append(r.members, m)
}

// readMember reads an item that is a recipient. fault is true if Exim cannot read it.
func readMember(item string) (m member, fault bool) {
	plain := item
	if len(item) > 1 && item[0] == '"' && strings.HasSuffix(item, `"`) && !strings.Contains(item[1:len(item)-1], `"`) {
		plain = item[1 : len(item)-1]
	}
	if plain != "" && (plain[0] == '|' || plain[0] == '/') && !(plain == item && plain[0] == '/' && strings.Contains(item, "@")) {
		return member{path: plain}, false
	}
	if name, ok := strings.CutPrefix(item, `\`); ok {
		item, m.incoming = name, true
	}
	addr := bareAddress(item)
	at := strings.LastIndexByte(addr, '@')
	local := addr
	if at >= 0 {
		local, m.domain = addr[:at], addr[at+1:]
		if m.domain == "" || strings.ContainsAny(m.domain, " \t\"()<>,;:\\") {
			return m, true
		}
	}
	m.local, fault = unquoted(local)
	return m, fault || m.local == ""
}

// bareAddress returns an address without comments and without the name before it.
func bareAddress(text string) string {
	var out strings.Builder
	quoted, depth := false, 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"' && depth == 0:
			quoted = !quoted
		case !quoted && c == '(':
			depth++
			continue
		case !quoted && c == ')' && depth > 0:
			depth--
			continue
		}
		if depth == 0 {
			out.WriteByte(c)
		}
	}
	addr := strings.TrimSpace(out.String())
	if open := strings.LastIndexByte(addr, '<'); open >= 0 && strings.HasSuffix(addr, ">") {
		return strings.TrimSpace(addr[open+1 : len(addr)-1])
	}
	return addr
}

// unquoted returns a local part without its quotes. fault is true if it has a character that
// it cannot have.
func unquoted(local string) (plain string, fault bool) {
	if len(local) > 1 && local[0] == '"' && strings.HasSuffix(local, `"`) {
		inner := strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(local[1 : len(local)-1])
		return inner, false
	}
	return local, strings.ContainsAny(local, " \t\"()<>,;:\\[]@")
}

// paths returns the files and programs of the members.
func (r *redirection) paths() (all []string) {
	for _, m := range r.members {
		if m.path != "" {
			all = append(all, m.path)
		}
	}
	return all
}
