package measure

import (
	"os"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// postfixFiles measures how all files of Postfix are written from an inventory, and the
// import of their virtual addresses. postmap writes only the map of the same addresses.
func (b *benchmark) postfixFiles() {
	mail := b.path("postfix.yaml")
	b.edited(b.path("mail.yaml"), mail, func(line string) string {
		return strings.Replace(line, "host: {", "host: {server: postfix, ", 1)
	})
	anew := func(p program) command {
		c := p.build(mail, "postfix", "--mx", "off")
		c.clean = []string{p.path("postfix")}
		return c
	}
	ours := b.programs[0]
	ours.build(mail, "postfix", "--mx", "off").run(b.t)
	text, err := os.ReadFile(ours.path("postfix/virtmap-virtual"))
	b.check(err)
	theirs := b.path("postfix-virtual")
	b.check(os.WriteFile(theirs, text, 0o644))
	postmap := func(typ, suffix string) rival {
		return b.rival("postmap "+typ+", the rows alone", theirs+suffix, "", func(t *testing.T) []string {
			peer.Postfix(t, "postmap")
			return append(peer.Postfix(b.t, "postmap"), typ+":"+theirs) // b.t, because its folder must exist after t
		})
	}
	b.against("YAML to every file of Postfix", anew, postmap("hash", ".db"), postmap("cdb", ".cdb"))
	b.unchanged("    the same again, unchanged", mail, "postfix", "--mx", "off")
	b.accounts("postfix-passwd", b.n)
	b.against("text of Postfix to YAML, import", func(p program) command {
		c := p.command("import", "--kind", "postfix", "--accounts", b.path("postfix-passwd"), "--host", sample.HostName, "-o", p.path("postfix-imported.yaml"), "--from", "postfix:"+theirs)
		c.clean = []string{p.path("postfix-imported.yaml")}
		return c
	})
}
