package program

import (
	"path/filepath"
	"slices"
	"strings"
)

// services are the services of an instance, beside smtpd: name, type, private,
// unprivileged, chroot, wakeup, process limit, command (master(5)). None has a chroot, so
// that the maps are where main.cf says.
const services = `
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// away are the services of every Postfix that would send mail away.
var away = []string{"smtp", "relay", "lmtp", accountTransport}

// A service is one line of master.cf.
type service struct {
	name, typ, fields, command string // fields are the five between
	options                    []entry
	own                        []entry // of the instance
}

// siteServices reads a master.cf. Lines that are no service are passed over. A command is
// without the folders before it.
func siteServices(text []byte) []service {
	var all []service
	for _, line := range logicalLines(text) {
		words := masterWords(line)
		if len(words) < 8 {
			continue
		}
		s := service{name: words[0], typ: words[1], fields: strings.Join(words[2:7], " "), command: filepath.Base(words[7])}
		for i := 8; i+1 < len(words); i++ {
			if words[i] == "-o" {
				name, value, _ := strings.Cut(words[i+1], "=")
				s.options = append(s.options, entry{strings.TrimSpace(name), strings.TrimSpace(value)})
				i++
			}
		}
		all = append(all, s)
	}
	return all
}

// masterWords splits a line of master.cf. A word in braces may have blanks.
func masterWords(line string) []string {
	var words []string
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		end := strings.IndexAny(line, " \t")
		if line[0] == '{' {
			end = closingBrace(line)
			if end > 0 {
				words = append(words, strings.TrimSpace(line[1:end]))
				line = line[end+1:]
				continue
			}
		}
		if end < 0 {
			end = len(line)
		}
		words = append(words, line[:end])
		line = line[end:]
	}
	return words
}

// closingBrace returns the place of the brace that closes the first one, or -1.
func closingBrace(line string) int {
	depth := 0
	for i, c := range line {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// public reports whether a service takes mail from strangers on port 25.
func (s service) public() bool {
	if s.command != "smtpd" {
		return false
	}
	name := s.name[strings.LastIndexByte(s.name, ':')+1:]
	return s.typ == "inet" && (name == "smtp" || name == "25") || s.typ == "pass"
}

// routes are the commands that say where mail goes. Their services keep their options.
var routes = []string{"cleanup", "trivial-rewrite", "local", "virtual", "error", "discard"}

// instanceMaster returns the master.cf of the instance, whose smtpd listens on addr. nil: no
// user logs in.
func (o Options) instanceMaster(addr string, logins *logins) []byte {
	all := siteServices([]byte(services))
	for _, name := range away {
		all = append(all, discarding(name))
	}
	smtpd := service{name: addr, typ: "inet", fields: "n - n - -", command: "smtpd"}
	for _, s := range siteServices(o.Master) {
		known := slices.IndexFunc(all, func(a service) bool { return a.name == s.name })
		switch isRoute := slices.Contains(routes, s.command); {
		case s.public():
			smtpd.options = s.options
		case s.typ != "unix":
		case known >= 0 && isRoute && all[known].command == s.command:
			all[known].options = s.options
		case known >= 0:
		case isRoute:
			all = append(all, service{name: s.name, typ: "unix", fields: siteFields(s.command), command: s.command, options: s.options})
		default:
			all = append(all, discarding(s.name))
		}
	}
	var b strings.Builder
	all = append(all, smtpd)
	if logins != nil {
		all = append(all, logins.service(siteServices(o.Master)))
	}
	for _, s := range all {
		o.writeService(&b, s)
	}
	return []byte(b.String())
}

// discarding returns a service that takes mail and throws it away. Its name stands in
// the log.
func discarding(name string) service {
	return service{name: name, typ: "unix", fields: "- - n - -", command: "discard", options: []entry{{"syslog_name", "postfix/" + filepath.Base(name)}}}
}

// siteFields returns the fields of a further service. local(8) and virtual(8) run as
// root.
func siteFields(command string) string {
	switch command {
	case "local", "virtual":
		return "- n n - -"
	case "cleanup":
		return "n - n - 0"
	}
	return "- - n - -"
}

// writeService writes a service with the options that are not the instance's own.
func (o Options) writeService(b *strings.Builder, s service) {
	b.WriteString(strings.Join([]string{s.name, s.typ, s.fields, s.command}, " ") + "\n")
	for _, e := range s.options {
		if ownedNames[e.name] && s.command != "discard" {
			continue
		}
		b.WriteString("  -o { " + e.name + " = " + o.adapted(e.value) + " }\n")
	}
	for _, e := range s.own {
		b.WriteString("  -o { " + e.name + " = " + e.value + " }\n")
	}
}
