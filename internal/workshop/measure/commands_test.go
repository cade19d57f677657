package measure

import (
	"bufio"
	"fmt"
	"path/filepath"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// imported measures the import of the built files, with the proof.
func (b *benchmark) imported() {
	b.accounts("passwd", b.n)
	b.against("files to YAML, import", func(p program) command {
		c := p.command("import", "--accounts", b.path("passwd"), "--host", sample.HostName, "-o", p.path("imported.yaml"), p.path("out"))
		c.clean = []string{p.path("imported.yaml")}
		return c
	})
}

func (b *benchmark) accounts(name string, n int) {
	b.write(b.path(name), func(w *bufio.Writer) error { return sample.LargeAccounts(w, n) })
}

// asked measures the commands that write nothing, with the inventory and, if possible,
// with the installed files.
func (b *benchmark) asked() {
	mail, addr := b.path("mail.yaml"), sample.LargeAddress(b.n)
	for _, row := range []struct {
		what string
		args func(p program) []string
	}{
		{"check", func(program) []string { return []string{"check", "-q", "-i", mail} }},
		{"who, a user", func(program) []string { return []string{"who", "-i", mail, "box1"} }},
		{"list, as csv", func(program) []string { return []string{"list", "--format", "csv", "-i", mail} }},
		{"list, as json", func(program) []string { return []string{"list", "--format", "json", "-i", mail} }},
		{"diff of nothing", func(p program) []string { return []string{"diff", "-i", mail, "-o", p.path("out"), "--mx", "off"} }},
		{"lookup of one address", func(program) []string { return []string{"lookup", "-i", mail, addr} }},
		{"lookup of one address, installed", func(p program) []string {
			return []string{"lookup", "--maps", p.path("out"), "--accounts", b.path("passwd"), "--host", sample.HostName, addr}
		}},
		{"mx over a zone file", func(program) []string { return []string{"mx", "-i", mail, "--zone", b.path("zone") + ":."} }},
	} {
		b.against(row.what, func(p program) command { return p.command(row.args(p)...) })
	}
}

// formatted measures fmt of an inventory in one file, and in a file for each domain.
func (b *benchmark) formatted() {
	laidOut := b.path("laid-out.yaml")
	b.edited(b.path("mail.yaml"), laidOut, func(line string) string { return line })
	b.programs[0].command("fmt", "--write", laidOut).run(b.t)
	b.against("fmt --check, one file", func(p program) command { return p.command("fmt", "--check", laidOut) })
	files, err := filepath.Glob(b.path("many/domains/*.yaml"))
	b.check(err)
	args := []string{"fmt", "--check"}
	for _, file := range files {
		args = append(args, filepath.Base(file))
	}
	b.against(fmt.Sprintf("fmt --check, %d files", len(files)), func(p program) command {
		c := p.command(args...)
		c.dir = b.path("many/domains")
		return c
	})
}

// proved measures the proof over SMTP, with a tenth of the addresses and three runs at
// most, because a message takes much more time than a row.
func (b *benchmark) proved() {
	n := b.n / 10
	inventory := b.large("proved.yaml", n)
	runs := b.runs
	b.runs = min(runs, 3)
	defer func() { b.runs = runs }()
	b.against(fmt.Sprintf("test, %d addresses", n), func(p program) command { return p.command("test", "-q", "-i", inventory) })
}

// example measures the check of the shipped example.
func (b *benchmark) example() {
	b.against("check of the shipped example", func(p program) command {
		return p.command("check", "-q", "-i", "../../../testdata/example/mail.yaml")
	})
}

// growth measures a build for inventories of several sizes, and the cost of a row.
func (b *benchmark) growth() {
	ours := b.programs[0]
	for _, n := range []int{b.n / 100, b.n / 10, b.n, 5 * b.n} {
		c := ours.build(b.large("grown.yaml", n), "grown", "--mx", "off")
		c.clean = []string{ours.path("grown")}
		f := measure(b.t, min(b.runs, 3), c)[0]
		b.say("%-44s %-32s %-8s %.2f us and %d bytes an address", fmt.Sprintf("YAML to every file, %d addresses", n), f, f.memory(),
			float64(f.median().Microseconds())/float64(n), f.peak/int64(n))
	}
	verify := b.rival("db5.3_verify", "", "", func(t *testing.T) []string {
		return []string{peer.Find(t, "db5.3_verify"), ours.path("grown/virtusertable.db")}
	})
	if verify.args != nil {
		verify.clean = nil
		f := measure(b.t, 1, verify.command)[0]
		b.say("%-44s %s", "    db5.3_verify of the last one: succeeded", seconds(f.median()))
	}
}
