package lists

import (
	"fmt"
	"strings"
)

// A shape is what a line looks like that is not of the kind of list that was asked for.
type shape struct {
	why  string // the reason of the line
	file string // what a file is that has mostly such lines, with %s for its name; empty: nothing special
	hide bool   // what stands behind the key may be secret
}

var (
	anAlias     = &shape{why: "it is a line of an aliases file (--from aliases:FILE)", file: "is an aliases file: give it as --from aliases:%s"}
	aSign       = &shape{why: "there is a sign behind its address: write a blank alone", file: "has a sign behind each address: write blanks alone"}
	aYAML       = &shape{why: "it is YAML", file: "is YAML, which is no list: an inventory is given without --from"}
	aBlank      = &shape{why: "there is a blank in its address (--from lines:FILE)", file: "is a list with blanks between addresses and targets: give it as --from lines:%s"}
	aPath       = &shape{why: "its value is the path of a mailbox (--from mailbox:FILE)", file: "is a list of mailboxes: give it as --from mailbox:%s"}
	anAccount   = &shape{why: "it is an account with its password (--from mailbox:FILE)", file: "is a list of accounts with their passwords: give it as --from mailbox:%s", hide: true}
	aCSVLine    = &shape{why: "it is a line of CSV (--from csv:FILE)", file: "is a CSV file: give it as --from csv:%s"}
	aForward    = &shape{why: "it is a line of virtual(5) (--from postfix:FILE)", file: "is a list of addresses and targets: give it as --from postfix:%s"}
	aPattern    = &shape{why: "it is a pattern of regexp_table(5): list the addresses that it stands for", file: "is a table of patterns (regexp_table(5)): list the addresses that they stand for"}
	anAction    = &shape{why: "its value is an action of access(5), and no target", file: "is a table of access(5), which has no targets"}
	aTransport  = &shape{why: "its value is that of transport(5), or a password, and no target", file: "is a table of transport(5) or of passwords, which has no targets", hide: true}
	aParameter  = &shape{why: "it is a parameter of a configuration file", hide: true}
	aShortAlias = &shape{why: anAlias.why, file: anAlias.file, hide: true} // name:target, or name:password
	withoutMore = &shape{why: "it has no value, and postmap(1) leaves it out", file: "is a list of names without values: if these are domains or mailboxes, give it as --from mailbox:%s"}
)

// leftAs leaves a line out because of its shape.
func (r *reader) leftAs(l line, s *shape) {
	if r.foreign == nil {
		r.foreign = map[*shape]int{}
	}
	r.foreign[s]++
	if s == withoutMore || s == noColon || s == aBlank {
		r.countProse(l.text)
	}
	if s.hide {
		end := strings.IndexAny(l.text, "=|:"+white)
		if end < 0 {
			end = len(l.text) - 1
		}
		l.text = l.text[:end+1] + hidden
	}
	r.left(l, s.why)
}

// noteForeign names what the file is when most of its lines have one foreign shape. Of
// prose and of configuration files no line is kept.
func (r *reader) noteForeign() {
	switch {
	case r.foreign[aParameter]*2 > r.lines:
		r.refuse("it is a configuration file with parameters, and no list: give the lists that it names")
	case r.prose*2 > r.lines && r.sentences > 0:
		r.refuse("it is prose, and no list")
	}
	for s, n := range r.foreign {
		if n*2 > r.lines && s.file != "" {
			what := s.file
			if strings.Contains(what, "%s") {
				what = fmt.Sprintf(what, r.name)
			}
			r.list.Notes = append(r.list.Notes, r.name+" "+what+".")
		}
	}
}

// refuse leaves out the whole file.
func (r *reader) refuse(why string) {
	r.list = &List{Left: []Left{{Where: r.where(1), Why: why}}}
	r.foreign = nil
}

// lineShape returns the foreign shape of a line of virtual(5), or nil.
func lineShape(text, key, value string) *shape {
	last := key[len(key)-1]
	switch {
	case isPattern(key, value):
		return aPattern
	case isSign(value) && strings.IndexByte(key, '@') >= 0:
		return aSign
	case strings.HasPrefix(value, "="), value == "" && strings.IndexByte(key, '=') > 0 && strings.IndexByte(key, '@') < 0:
		return aParameter
	case strings.IndexByte(key, '|') >= 0 || strings.IndexByte(key, ':') >= 0:
		if account(text) != "" {
			return anAccount
		}
		if last == ':' && isYAML(value) {
			return aYAML
		}
		if last == ':' && strings.IndexByte(key, '@') >= 0 {
			return aSign
		}
		if value == "" && last != ':' && key[0] != '"' && key[0] != ':' && strings.IndexByte(key, '@') < 0 {
			return aShortAlias
		}
		if key[0] != '[' && key[0] != '"' && strings.IndexByte(key, '@') < 0 || last == ':' {
			return anAlias
		}
	}
	switch {
	case key[0] != '"' && (strings.IndexByte(key, ',') >= 0 || strings.IndexByte(key, ';') >= 0):
		return aCSVLine
	case value == "":
		return withoutMore
	case value[0] == ':' && isDomain(key):
		return aTransport
	case value[0] == ':' && !strings.HasPrefix(value, ":include:"):
		return anAlias
	}
	return valueShape(key, value)
}

// isPattern reports whether a line is one of regexp_table(5) or pcre_table(5).
func isPattern(key, value string) bool {
	switch {
	case key[0] == '/', strings.HasPrefix(key, "!/"):
		return strings.LastIndexByte(key, '/') > 1 || strings.IndexByte(value, '/') >= 0
	case key == "if":
		return strings.HasPrefix(value, "/") || strings.HasPrefix(value, "!/")
	}
	return key == "endif" && value == ""
}

// valueShape returns the foreign shape of a line of virtual(5) by its value, or nil.
func valueShape(key, value string) *shape {
	if value[len(value)-1] == '/' && !isDomain(key) && isWord(value) {
		return aPath
	}
	if strings.IndexByte(value, '@') >= 0 || isError(value) && !isDomain(key) {
		return nil
	}
	if isDomain(key) {
		if isTransport(value) {
			return aTransport
		}
		return nil
	}
	switch first := value[0]; {
	case isAction(value):
		return anAction
	case !isWord(value), first == '|', first == '"', first == ':', first == '\\':
		return nil
	case strings.IndexByte(value, ':') > 0:
		return aTransport
	case strings.IndexByte(value, '/') >= 0 && !strings.HasPrefix(value, "/dev/"):
		return aPath
	}
	return nil
}

// isWord reports whether a value is one word.
func isWord(value string) bool { return !strings.ContainsAny(value, white+",") }

// isTransport reports whether a value begins with the name of a transport of master(5).
func isTransport(value string) bool {
	name, _, ok := strings.Cut(value, ":")
	if !ok {
		return false
	}
	switch name {
	case "", "smtp", "relay", "lmtp", "virtual", "local", "error", "retry", "discard", "uucp", "maildrop", "dovecot":
		return true
	}
	return false
}

// isAction reports whether a value is an action of access(5), written as people write it.
func isAction(value string) bool {
	first, _, _ := strings.Cut(value, " ")
	switch first {
	case "OK", "REJECT", "DUNNO", "DISCARD", "HOLD", "DEFER", "DEFER_IF_REJECT", "DEFER_IF_PERMIT", "PERMIT", "FILTER", "WARN", "BCC", "REDIRECT", "PREPEND":
		return true
	}
	return len(first) == 3 && (first[0] == '4' || first[0] == '5') && isDigit(first[1]) && isDigit(first[2])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isSign reports whether a value begins with a sign that people put between an address
// and its targets.
func isSign(value string) bool {
	switch first, _, _ := strings.Cut(value, " "); first {
	case "=", ":", "->", "=>", "→", ">", "|":
		return true
	}
	return false
}

// isYAML reports whether what stands behind "name:" looks like a list or a mapping.
func isYAML(value string) bool {
	first, _, more := strings.Cut(value, " ")
	return more && (first == "-" || strings.HasSuffix(first, ":") && len(first) > 1)
}

// countProse counts a line that looks like prose.
func (r *reader) countProse(text string) {
	key, value, _ := cut(text)
	if isMarkup(key) || isProse(key, value) {
		r.prose++
		if isMarkup(key) || strings.IndexByte(".!?:`", text[len(text)-1]) >= 0 {
			r.sentences++
		}
	}
}

// isMarkup reports whether the first word of a line is a mark of Markdown.
func isMarkup(word string) bool {
	return word == "|" || strings.HasPrefix(word, "```") || strings.HasPrefix(word, "---") || strings.HasPrefix(word, "===")
}

// isProse reports whether a line looks like one of prose: words without an address, and
// without commas between all of them.
func isProse(key, value string) bool {
	if strings.IndexByte(value, ' ') < 0 || strings.IndexByte(key, '@') >= 0 || strings.IndexByte(value, '@') >= 0 || isError(value) {
		return false
	}
	words := strings.Fields(value)
	for _, word := range words[:len(words)-1] {
		if word[len(word)-1] != ',' {
			return true
		}
	}
	return false
}
