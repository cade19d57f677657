package route

import (
	"slices"
	"strings"

	"virtmap/internal/mta/postfix/table"
)

// A localRun is one delivery of local(8), with all that it leads to.
type localRun struct {
	*walk
	transport string
	delivered []string
	seen      map[string]bool // what was done already
	ends      []string
}

// A localState is what local(8) knows of a recipient on its way through aliases.
type localState struct {
	address    string // as resolved
	name       string // the local part, folded
	user       string // without detail
	detail     string // without its delimiter
	hasDetail  bool
	unmatched  string // the detail that the results get
	propagates bool   // they get one
	from       string // the alias that led here, folded
	kind       string // alias, include, forward; empty: none
	owner      string // if it is another one than user, results are forwarded
	first      string // the first recipient of the delivery
	level      int
}

// once reports whether something is done for the first time.
func (run *localRun) once(what string) bool {
	if run.seen[what] {
		return false
	}
	run.seen[what] = true
	return true
}

// recipient delivers to one local address.
func (run *localRun) recipient(s localState) {
	s.level++
	if !run.once("recipient " + string(rune(s.level)) + s.address) {
		return
	}
	if slices.Contains(run.delivered, table.Fold(s.address)) {
		return // mail forwarding loop
	}
	if s.first == "" {
		s.first = s.address
	}
	s.name = table.Fold(s.address)
	if at := strings.LastIndexByte(s.name, '@'); at >= 0 {
		s.name = s.name[:at]
	}
	var detail string
	s.user, detail = run.r.cut(s.name)
	if s.hasDetail = detail != ""; s.hasDetail {
		s.detail = detail[1:]
		if strings.Contains(s.detail, "/") {
			s.detail, s.hasDetail, s.name = "", false, s.user
		}
	}
	if !s.hasDetail {
		s.detail = ""
	}
	s.unmatched, s.propagates = s.detail, s.hasDetail
	if s.user == "" {
		return
	}
	run.branch(s)
}

// branch delivers by an alias, by forwarding, by .forward, or to a mailbox.
func (run *localRun) branch(s localState) {
	s.level++
	if strings.HasPrefix(s.address, `\`) {
		s.address, s.name, s.user = s.address[1:], strings.TrimPrefix(s.name, `\`), strings.TrimPrefix(s.user, `\`)
		if !run.mailbox(s) {
			run.unknown(s)
		}
		return
	}
	named := s
	named.propagates = false
	if run.alias(named, s.name) {
		return
	}
	if s.hasDetail {
		named.propagates = run.r.propagate["alias"]
		if run.alias(named, s.user) {
			return
		}
	}
	if s.owner != "" && !strings.EqualFold(s.owner, s.user) || s.kind == "include" {
		run.forward(s)
		return
	}
	if !run.dotForward(s) && !run.mailbox(s) {
		run.unknown(s)
	}
}

// alias expands an alias (aliases(5)). It returns false if there is none.
func (run *localRun) alias(s localState, name string) bool {
	s.level++
	if s.from != "" && strings.EqualFold(s.from, name) {
		return false
	}
	if s.level > 100 {
		return true // alias database loop
	}
	s.from = name
	for _, m := range run.r.aliases.list {
		value, ok, err := run.ask(m, name)
		if err != nil {
			return true
		}
		if !ok {
			continue
		}
		s.kind = "alias"
		if run.r.ownerSpecial {
			owner, found, err := run.r.aliases.find(run.walk, "owner-"+name, false)
			switch {
			case err != nil:
				return true
			case found && run.r.expandOwner:
				s.owner = run.r.canonical(owner)
			case found:
				s.owner = run.r.canonical("owner-" + name)
			case run.r.resetOwner:
				s.owner = ""
			}
		}
		run.list(s, value)
		return true
	}
	return false
}

// list delivers to all members of a list.
func (run *localRun) list(s localState, value string) {
	addrs, _ := parse(value)
	for _, t := range addrs {
		run.member(s, plain(t, false))
	}
}

// member delivers to a file, a command, the members of an included file or an address.
func (run *localRun) member(s localState, text string) {
	switch {
	case text == "":
	case text[0] == '/':
		if run.r.files[s.kind] && run.once("file "+text) {
			run.ends = append(run.ends, text)
		}
	case text[0] == '|':
		if run.r.commands[s.kind] && run.once("command "+text) {
			run.ends = append(run.ends, text)
		}
	case text[0] == '~':
	case len(text) >= len(":include:") && strings.EqualFold(text[:len(":include:")], ":include:"):
		run.include(s, text[len(":include:"):])
	default:
		run.address(s, text)
	}
}

// include delivers to the members of a file.
func (run *localRun) include(s localState, path string) {
	s.level++
	if !strings.HasPrefix(path, "/") || !run.once("include "+path) {
		return
	}
	file := run.r.open(":include:", path)
	if file == nil || file.Lines == nil {
		return
	}
	s.from, s.kind = s.name, "include"
	if s.owner == "" {
		s.owner = s.address
	}
	if !run.r.propagate["include"] {
		s.propagates = false
	}
	run.lines(s, file.Lines)
}

func (run *localRun) lines(s localState, lines []string) {
	for _, line := range lines {
		if !strings.HasPrefix(line, "#") {
			run.list(s, line)
		}
	}
}

// address delivers to an address: here, or by sending the message on.
func (run *localRun) address(s localState, addr string) {
	s.level++
	t := run.resolve(run.r.canonical(addr))
	if t.failed || t.bad {
		return
	}
	if s.propagates {
		sign := run.r.delimiters[:1]
		if len(s.name) > len(s.user) {
			sign = s.name[len(s.user) : len(s.user)+1]
		}
		at := strings.LastIndexByte(t.addr, '@')
		t.addr = t.addr[:at] + sign + s.unmatched + t.addr[at:]
	}
	s.address = t.addr
	if t.transport == run.transport {
		run.recipient(s)
	} else {
		run.forward(s)
	}
}

// forward sends the message on, as a new one.
func (run *localRun) forward(s localState) {
	if !run.once("indirect "+s.address) || len(run.delivered) > 50 {
		return
	}
	list, ok := run.cleanup(s.address)
	if !ok {
		return
	}
	for _, addr := range list {
		run.ends = append(run.ends, run.deliver(addr, append(slices.Clone(run.delivered), table.Fold(s.first)))...)
	}
}

// dotForward delivers by ~/.forward. It returns false if there is no member in it.
func (run *localRun) dotForward(s localState) bool {
	if run.r.site.Forward == nil || run.r.param("forward_path") == "" || !run.isAccount(s.user) {
		return false
	}
	s.level++
	lines, ok := run.r.site.Forward(s.user)
	if !ok || !run.once("forward "+s.user) {
		return run.seen["forward-done "+s.user]
	}
	s.kind, s.owner, s.from = "forward", s.user, s.name
	if !run.r.propagate["forward"] {
		s.propagates = false
	}
	members := 0
	for _, line := range lines {
		addrs, _ := parse(line)
		if !strings.HasPrefix(line, "#") {
			members += len(addrs)
		}
	}
	run.lines(s, lines)
	run.once("forward-done " + s.user)
	return members > 0
}
