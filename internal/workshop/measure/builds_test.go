package measure

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// everyFile: the YAML to all files, in one file and in one for each domain,
// against makemap for the same rows alone.
func (b *bench) everyFile() {
	makemap := b.rival("makemap hash, the rows alone", b.path("theirs.db"), b.programs[0].path("out/virtusertable"), func(t *testing.T) []string {
		return []string{peer.Find(t, "makemap"), "hash", b.path("theirs")}
	})
	anew := func(inventory, out string) func(p program) command {
		return func(p program) command {
			c := p.build(inventory, out, "--mx", "off")
			c.clean = []string{p.path(out)}
			return c
		}
	}
	many := b.path("many/mail.yaml")
	b.against("YAML to every file", anew(b.path("mail.yaml"), "every"), makemap)
	b.against("YAML in a file for each domain to every file", anew(many, "every-of-many"), makemap)
	b.unchanged("    the same again, unchanged", many, "every-of-many", "--mx", "off")
}

// again: what cron runs.
func (b *bench) again() {
	mail := b.path("mail.yaml")
	b.unchanged("unchanged inventory", mail, "out", "--mx", "off")
	zone := b.path("zone")
	b.write(zone, func(w *bufio.Writer) error { return sample.LargeZone(w, b.n) })
	b.unchanged("unchanged inventory, --zone", mail, "zoned", "--zone", zone+":.")
	b.changed()
}

// unchanged measures builds that have nothing to do, when each program remembers
// what it saw.
func (b *bench) unchanged(what, inventory, out string, args ...string) {
	build := func(p program) command { return p.build(inventory, out, args...) }
	for _, p := range b.programs {
		for range 3 {
			build(p).run(b.t)
		}
	}
	b.against(what, build)
}

// changed: one address comes and goes. Both inventories have one name: it is in the
// first line of every text, and an address is all that differs.
func (b *bench) changed() {
	original, edited := b.path("mail.yaml"), b.path("edited/mail.yaml")
	b.check(os.Mkdir(b.path("edited"), 0o755))
	added := false
	b.edited(original, edited, func(line string) string {
		if !added && strings.HasSuffix(line, " addresses:\n") {
			added = true
			line += "      added: reject\n"
		}
		return line
	})
	table := b.programs[0].path("out/virtusertable")
	var heads []string
	figures := make([]figure, len(b.programs))
	for range b.runs { // there and back, so that every run changes an address
		for _, inventory := range []string{edited, original} {
			for i, p := range b.programs {
				figures[i].add(p.build(inventory, "out", "--mx", "off").run(b.t))
			}
			heads = append(heads, b.firstLine(table))
		}
	}
	if heads[0] != heads[1] {
		b.t.Errorf("more than an address changed: %q became %q", heads[0], heads[1])
	}
	b.row("one address changed, to all files on disk", figures)
}

func (b *bench) firstLine(path string) string {
	b.t.Helper()
	f, err := os.Open(path)
	b.check(err)
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	b.check(err)
	return line
}
