package maincf

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A generator writes main.cf and master.cf from a seed. Most of them have no fault.
type generator struct {
	*rand.Rand
	after string // references are to names behind this one in the alphabet, so that few lead in a circle
	wild  bool   // the file may have faults
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 77)), wild: seed%15 == 0}
}

func (g *generator) pick(words ...string) string { return words[g.IntN(len(words))] }

// name returns the name of a parameter: mostly one that Postfix has.
func (g *generator) name() string {
	if g.IntN(5) == 0 {
		return g.pick("my_maps", "virtmap_maps", "one", "two", "Three_3")
	}
	if g.IntN(3) == 0 {
		return g.pick("compatibility_level", "myhostname", "mydomain", "mydestination", "relay_domains",
			"virtual_alias_maps", "smtpd_relay_restrictions", "alias_maps", "virtual_maps", "recipient_delimiter")
	}
	names := tableNames()
	return names[g.IntN(len(names))]
}

// reference returns the name of a parameter for a reference.
func (g *generator) reference() string {
	for range 20 {
		if name := g.name(); name > g.after || g.wild {
			return name
		}
	}
	return "zero"
}

// main returns a main.cf. It sets mynetworks, whose built-in value depends on the machine.
func (g *generator) main() string {
	var out strings.Builder
	end := "\n"
	if g.IntN(6) == 0 {
		end = "\r\n"
	}
	out.WriteString("mynetworks = 192.0.2.0/24" + end)
	for range g.IntN(25) {
		switch g.IntN(12) {
		case 0:
			out.WriteString(g.pick("# a comment", "", "  ", "\t# set apart", "#name = value", " #") + end)
		case 1:
			out.WriteString(g.pick("  and more", "\tmore,", "  x = y", " $mydomain") + end)
		case 2:
			if g.wild {
				out.WriteString(g.pick("nothing", "two words = x", "= x", "=", "a b") + end)
			}
		default:
			out.WriteString(g.entry(end))
		}
	}
	text := out.String()
	if g.IntN(5) == 0 {
		text = strings.TrimSuffix(text, end)
	}
	return text
}

// entry returns a line that sets a parameter.
func (g *generator) entry(end string) string {
	name := g.name()
	for strings.HasPrefix(name, "inet_") || name == "mynetworks_style" { // postconf asks the DNS
		name = g.name()
	}
	g.after = name
	value := g.value(3)
	if name == "compatibility_level" && g.IntN(10) > 0 {
		value = g.pick("0", "1", "2", "3", "3.5", "3.6", "3.6.1", "9999")
	}
	switch name {
	case "myhostname":
		value = g.pick("mx1.example.net", "host", "a.b.c.d", "mx.$mydomain", "mx.$one")
	case "mydomain":
		value = g.pick("example.net", "d.example", "$one", "sub.${two}")
	}
	return name + g.pick(" = ", "=", " =", "  =\t") + value + g.pick("", "", " ", "\t") + end
}

// value returns a value with texts, lists and references.
func (g *generator) value(depth int) string {
	var parts []string
	for range g.IntN(4) {
		parts = append(parts, g.part(depth))
	}
	return strings.Join(parts, g.pick(" ", ", ", ",", "  ", "\t"))
}

func (g *generator) part(depth int) string {
	if depth == 0 || g.IntN(3) == 0 {
		return g.pick("x", "yes", "no", "hash:/etc/aliases", "cdb:/etc/postfix/maps", "d.example", "10", "9", "$$", "a=b", "[::1]/128",
			"{a, b}", "inline:{a=b, c=d}", "!x", "check_recipient_access", "#x")
	}
	inner := func() string { return g.value(depth - 1) }
	name := g.reference()
	switch g.IntN(14) {
	case 0, 1, 2:
		return "$" + name
	case 3, 4:
		return "${" + name + "}"
	case 5:
		return "$(" + name + ")"
	case 6:
		return "${" + name + "?" + inner() + "}"
	case 7:
		return "${" + name + ":" + inner() + "}"
	case 8, 9:
		return "${" + g.pick("", " ") + name + g.pick("?", " ? ") + "{" + inner() + "}" + g.pick(":", " : ") + "{" + inner() + "}}"
	case 10, 11:
		return "${{" + inner() + "} " + g.pick("==", "!=", "<", "<=", ">", ">=") + " {" + inner() + "}" + g.pick("", "?{y}", ":{z}", " ? {"+inner()+"} : {"+inner()+"}", "?plain") + "}"
	case 12:
		return "${{$compatibility_level} " + g.pick("<", ">=", "==") + "level {" + g.pick("1", "3.6", "2") + "} ? {new} : {old}}"
	}
	if !g.wild {
		return "$zero"
	}
	return g.pick("$", "${", "${}", "${a b}", "${one{x}}", "${{x} = {y}}", "${{x} == y}", "${one?{x}y}", "$-", "$(one", "${{1} <label {2}}", "${one?{x}:{y}z}")
}

// master returns a master.cf.
func (g *generator) master() string {
	var out strings.Builder
	out.WriteString("# services\n")
	for i := range g.IntN(5) {
		fmt.Fprintf(&out, "%s%d %s %s %s %s %s %s %s", g.pick("smtp", "local", "127.0.0.1:"), i, g.pick("inet", "unix", "fifo", "pass"),
			g.pick("y", "n", "-"), g.pick("n", "-"), g.pick("y", "n", "-"), g.pick("-", "60", "60?", "0"), g.pick("-", "1", "0"), g.pick("smtpd", "pipe", "/usr/libexec/x"))
		for range g.IntN(6) {
			out.WriteString(g.pick(" ", "\n  ", "\n\t", "\n# apart\n  ") + g.argument())
		}
		out.WriteString("\n")
	}
	if g.wild {
		out.WriteString(g.pick("short inet n\n", "x tcp - - - - - y\n", "x inet Y - - - - y\n", "x inet - - - 5x - y\n", "x inet - - - - many y\n"))
	}
	return out.String()
}

// argument returns an argument of a service. It does not set myhostname and mydomain: a daemon
// works out the one from the other, and postconf does not. Nor does it set a parameter of
// raw, which only postconf -Px expands.
func (g *generator) argument() string {
	name := g.name()
	g.after = name
	value := strings.ReplaceAll(oneBlank(g.value(2)), " ", "")
	if name == "myhostname" || name == "mydomain" || raw[name] {
		name = "mydestination"
	}
	set := name + "=" + value
	switch g.IntN(8) {
	case 0:
		return g.pick("-v", "-D", "-vD")
	case 1:
		// postconf 3.7 divides this form at every further o, which no daemon does.
		return "-o" + g.pick("virtual_maps", "relay_recipient_maps", "stress") + "=" + strings.ReplaceAll(value, "o", "0")
	case 2:
		return "-vo " + set
	case 3:
		return "-o { " + name + " = " + g.value(2) + " }"
	case 4:
		if g.IntN(3) == 0 {
			return g.pick("flags=R", "flags=R {a b}", "user=vmail", "argv=/x")
		}
	}
	return "-o " + set
}
