package measure

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// everyFile measures how all files are written from an inventory, which is one file or
// a file for each domain. makemap writes only the map of the same rows.
func (b *benchmark) everyFile() {
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

// again measures the builds of cron.
func (b *benchmark) again() {
	mail := b.path("mail.yaml")
	b.unchanged("unchanged inventory", mail, "out", "--mx", "off")
	zone := b.path("zone")
	b.write(zone, func(w *bufio.Writer) error { return sample.LargeZone(w, b.n) })
	b.unchanged("unchanged inventory, --zone", mail, "zoned", "--zone", zone+":.")
	b.changed()
}

// unchanged measures builds without a change. A build before them has recorded the state
// of the files.
func (b *benchmark) unchanged(what, inventory, out string, args ...string) {
	build := func(p program) command { return p.build(inventory, out, args...) }
	for _, p := range b.programs {
		for range 3 {
			build(p).run(b.t)
		}
	}
	b.against(what, build)
}

// changed measures builds of which each adds or removes an address. Both inventories have
// the same name, because every text has the name in its first line.
func (b *benchmark) changed() {
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
	for range b.runs { // with two inventories in turn, so that every run changes an address
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

func (b *benchmark) firstLine(path string) string {
	b.t.Helper()
	f, err := os.Open(path)
	b.check(err)
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	b.check(err)
	return line
}
