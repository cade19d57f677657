package measure

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// TestTable prints the table of docs/performance.md.
func TestTable(t *testing.T) {
	n, runs := size(t)
	b := &benchmark{t: t, n: n, runs: runs, virtmap: binary(t), dir: folder(t)}
	b.build(b.large("mail.yaml", n), b.path("out")).run(t)
	b.maps()
	b.everyFile()
	b.again()
	b.imported()
	b.example()
	b.growth()
	b.lookups() // the last, because this process needs much memory for it
	t.Logf("%d addresses, %d runs of each in turn: median (spread)\n%s", n, runs, strings.Join(b.lines, "\n"))
}

// A benchmark measures with an inventory of n addresses, which is dir/mail.yaml. It was
// built to dir/out.
type benchmark struct {
	t       *testing.T
	n, runs int
	virtmap string // path of the program
	dir     string
	lines   []string
}

func (b *benchmark) say(format string, args ...any) {
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

func (b *benchmark) path(name string) string { return filepath.Join(b.dir, name) }

func (b *benchmark) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// write writes a file in small pieces. A large text in memory would change the figures,
// because the peak memory of a child begins with that of its parent.
func (b *benchmark) write(path string, write func(w *bufio.Writer) error) {
	b.t.Helper()
	f, err := os.Create(path)
	b.check(err)
	out := bufio.NewWriter(f)
	b.check(errors.Join(write(out), out.Flush(), f.Close()))
}

// large writes an inventory.
func (b *benchmark) large(name string, n int) (path string) {
	b.t.Helper()
	b.write(b.path(name), func(w *bufio.Writer) error { return sample.Large(w, n) })
	return b.path(name)
}

// edited copies a file. edit changes each line.
func (b *benchmark) edited(from, to string, edit func(line string) string) {
	b.t.Helper()
	f, err := os.Open(from)
	b.check(err)
	defer f.Close()
	b.write(to, func(w *bufio.Writer) error {
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if _, err := w.WriteString(edit(lines.Text() + "\n")); err != nil {
				return err
			}
		}
		return lines.Err()
	})
}

func (b *benchmark) build(inventory, out string) command {
	return command{args: []string{b.virtmap, "build", "-q", "-i", inventory, "-o", out, "--mx", "off"}}
}

// A rival is a command of a peer. It has no arguments when the peer is not installed.
type rival struct {
	name string
	command
}

// rival finds a peer in a subtest, which is skipped when the peer is missing.
func (b *benchmark) rival(name string, clean, stdin string, find func(t *testing.T) []string) (r rival) {
	r.name = name
	b.t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) { r.args = find(t) })
	r.clean, r.stdin = []string{clean}, stdin
	return r
}

// against prints a line for a command of virtmap, and a line for each installed peer.
// The line of a peer has the time as a multiple of ours.
func (b *benchmark) against(what string, ours command, rivals ...rival) {
	commands := []command{ours}
	var names []string
	for _, r := range rivals {
		if r.args != nil {
			commands, names = append(commands, r.command), append(names, r.name)
		}
	}
	figures := measure(b.t, b.runs, commands...)
	b.say("%-44s %-32s %s", what, figures[0], figures[0].memory())
	for i, name := range names {
		b.say("    %-40s %-32s %-8s %s times", name, figures[i+1], figures[i+1].memory(), figures[0].ratio(figures[i+1]))
	}
}

// maps measures how a virtusertable is written to a map. Our map is read back too.
func (b *benchmark) maps() {
	text, theirs, plain := b.path("out/virtusertable"), b.path("theirs"), b.path("plain")
	b.check(os.Link(text, theirs))
	b.edited(text, plain, func(line string) string {
		if line[0] == '#' {
			return "" // tinycdb does not allow comments
		}
		return line
	})
	postmap := func(typ, suffix string) rival {
		return b.rival("postmap "+typ, theirs+suffix, "", func(t *testing.T) []string {
			peer.Postfix(t, "postmap")
			return append(peer.Postfix(b.t, "postmap"), typ+":"+theirs) // b.t, because its folder must exist after t
		})
	}
	makemap := b.rival("makemap hash", theirs+".db", text, func(t *testing.T) []string {
		return []string{peer.Find(t, "makemap"), "hash", theirs}
	})
	tinycdb := b.rival("tinycdb", theirs+".cdb", "", func(t *testing.T) []string {
		return []string{peer.Find(t, "cdb"), "-c", "-m", theirs + ".cdb", plain}
	})
	b.against("rows to .db", b.mapMake(text, "hash", ".db"), makemap, postmap("hash", ".db"))
	b.against("rows to .cdb", b.mapMake(text, "cdb", ".cdb"), postmap("cdb", ".cdb"), tinycdb)
	if tmpfs := onTmpfs(b.t); tmpfs != "" {
		inMemory := filepath.Join(tmpfs, "virtusertable")
		b.edited(text, inMemory, func(line string) string { return line })
		b.against("rows to .db, on a tmpfs: no disk", b.mapMake(inMemory, "hash", ".db"))
		b.against("rows to .cdb, on a tmpfs: no disk", b.mapMake(inMemory, "cdb", ".cdb"))
	}
}

func (b *benchmark) mapMake(text, typ, suffix string) command {
	return command{args: []string{b.virtmap, "map", "make", "-q", "--type", typ, text}, clean: []string{text + suffix}}
}

// everyFile measures how all files are written from an inventory, which is one file or
// a file for each domain. makemap writes only the map of the same rows.
func (b *benchmark) everyFile() {
	makemap := b.rival("makemap hash, the rows alone", b.path("theirs.db"), b.path("out/virtusertable"), func(t *testing.T) []string {
		return []string{peer.Find(t, "makemap"), "hash", b.path("theirs")}
	})
	one := b.build(b.path("mail.yaml"), b.path("every"))
	one.clean = []string{b.path("every")}
	b.check(sample.LargeFolder(b.path("many"), b.n))
	many := b.build(b.path("many/mail.yaml"), b.path("every-of-many"))
	many.clean = []string{b.path("every-of-many")}
	b.against("YAML to every file", one, makemap)
	b.against("YAML in a file for each domain to every file", many, makemap)
	again := b.build(b.path("many/mail.yaml"), b.path("every-of-many"))
	b.settle(again)
	b.against("    the same again, unchanged", again)
}

// settle runs a build twice, so that the next one finds nothing changed.
func (b *benchmark) settle(build command) {
	for range 2 {
		build.run(b.t)
	}
}

// again measures the builds of cron: without a change, and with one changed address.
func (b *benchmark) again() {
	unchanged := b.build(b.path("mail.yaml"), b.path("out"))
	b.settle(unchanged)
	b.against("unchanged inventory", unchanged)
	added := false
	b.edited(b.path("mail.yaml"), b.path("changed.yaml"), func(line string) string {
		if !added && strings.HasSuffix(line, " addresses:\n") {
			added = true
			line += "      added: reject\n"
		}
		return line
	})
	there, back := b.build(b.path("changed.yaml"), b.path("out")), b.build(b.path("mail.yaml"), b.path("out"))
	var f figure
	for range b.runs { // with two inventories in turn, so that every run changes an address
		for _, c := range []command{there, back} {
			took, peak := c.run(b.t)
			f.took, f.peak = append(f.took, took), max(f.peak, peak)
		}
	}
	b.say("%-44s %-32s %s", "one address changed, to all files on disk", f, f.memory())
}

// imported measures the import of the built files, with the proof.
func (b *benchmark) imported() {
	b.write(b.path("passwd"), func(w *bufio.Writer) error { return sample.LargeAccounts(w, b.n) })
	b.against("files to YAML, import", command{
		args:  []string{b.virtmap, "import", "--accounts", b.path("passwd"), "--host", sample.HostName, "-o", b.path("imported.yaml"), b.path("out")},
		clean: []string{b.path("imported.yaml")},
	})
}

// example measures the check of the shipped example.
func (b *benchmark) example() {
	b.against("check of the shipped example", command{args: []string{b.virtmap, "check", "-q", "-i", "../../../testdata/example/mail.yaml"}})
}

// growth measures a build for inventories of several sizes, and the cost of a row.
func (b *benchmark) growth() {
	for _, n := range []int{b.n / 100, b.n / 10, b.n, 5 * b.n} {
		out := b.path("grown")
		c := b.build(b.large("grown.yaml", n), out)
		c.clean = []string{out}
		f := measure(b.t, min(b.runs, 3), c)[0]
		b.say("%-44s %-32s %-8s %.2f us and %d bytes an address", fmt.Sprintf("YAML to every file, %d addresses", n), f, f.memory(),
			float64(f.median().Microseconds())/float64(n), f.peak/int64(n))
	}
	verify := b.rival("db5.3_verify", "", "", func(t *testing.T) []string {
		return []string{peer.Find(t, "db5.3_verify"), b.path("grown/virtusertable.db")}
	})
	if verify.args != nil {
		verify.clean = nil
		f := measure(b.t, 1, verify.command)[0]
		b.say("%-44s %s", "    db5.3_verify of the last one: succeeded", seconds(f.median()))
	}
}
