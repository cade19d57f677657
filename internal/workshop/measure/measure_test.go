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
	b := &bench{t: t, n: n, runs: runs, virtmap: binary(t), dir: folder(t)}
	b.build(b.large("mail.yaml", n), b.path("out")).run(t)
	b.maps()
	b.everyFile()
	b.again()
	b.imported()
	b.example()
	b.growth()
	b.lookups() // it makes this process large
	t.Logf("%d addresses, %d runs of each in turn: median (spread)\n%s", n, runs, strings.Join(b.lines, "\n"))
}

// A bench measures with the inventory of n addresses in dir/mail.yaml, which
// was built to dir/out.
type bench struct {
	t       *testing.T
	n, runs int
	virtmap string // the program
	dir     string
	lines   []string
}

func (b *bench) say(format string, args ...any) {
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// write writes a file without having it in memory: the peak of a child begins
// with that of the process that starts it.
func (b *bench) write(path string, write func(w *bufio.Writer) error) {
	b.t.Helper()
	f, err := os.Create(path)
	b.check(err)
	out := bufio.NewWriter(f)
	b.check(errors.Join(write(out), out.Flush(), f.Close()))
}

// large writes an inventory.
func (b *bench) large(name string, n int) (path string) {
	b.t.Helper()
	b.write(b.path(name), func(w *bufio.Writer) error { return sample.Large(w, n) })
	return b.path(name)
}

// edited copies a file line by line, as edit has each.
func (b *bench) edited(from, to string, edit func(line string) string) {
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

func (b *bench) build(inventory, out string) command {
	return command{args: []string{b.virtmap, "build", "-q", "-i", inventory, "-o", out, "--mx", "off"}}
}

// A rival is a peer's command; one that is not installed has no arguments.
type rival struct {
	name string
	command
}

// rival finds a peer in a test of its own, so that it may be skipped.
func (b *bench) rival(name string, clean, stdin string, find func(t *testing.T) []string) (r rival) {
	r.name = name
	b.t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) { r.args = find(t) })
	r.clean, r.stdin = []string{clean}, stdin
	return r
}

// against prints a line for a command of ours, and one for each peer that is
// installed, with how many times as long as ours it takes.
func (b *bench) against(what string, ours command, rivals ...rival) {
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

// maps: the rows of a virtusertable to a map; ours is read back strictly.
func (b *bench) maps() {
	text, theirs, plain := b.path("out/virtusertable"), b.path("theirs"), b.path("plain")
	b.check(os.Link(text, theirs))
	b.edited(text, plain, func(line string) string {
		if line[0] == '#' {
			return "" // tinycdb knows no comments
		}
		return line
	})
	postmap := func(typ, suffix string) rival {
		return b.rival("postmap "+typ, theirs+suffix, "", func(t *testing.T) []string {
			peer.Postfix(t, "postmap")
			return append(peer.Postfix(b.t, "postmap"), typ+":"+theirs) // its folder outlives t
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

func (b *bench) mapMake(text, typ, suffix string) command {
	return command{args: []string{b.virtmap, "map", "make", "-q", "--type", typ, text}, clean: []string{text + suffix}}
}

// everyFile: the YAML to all files, in one file and in one for each domain,
// against makemap for the same rows alone.
func (b *bench) everyFile() {
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

// settle runs a build until it remembers what it saw.
func (b *bench) settle(build command) {
	for range 2 {
		build.run(b.t)
	}
}

// again: what cron runs, unchanged and with one address changed.
func (b *bench) again() {
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
	for range b.runs { // there and back, so that every run changes an address
		for _, c := range []command{there, back} {
			took, peak := c.run(b.t)
			f.took, f.peak = append(f.took, took), max(f.peak, peak)
		}
	}
	b.say("%-44s %-32s %s", "one address changed, to all files on disk", f, f.memory())
}

// imported: what was built, to an inventory again, with the proof.
func (b *bench) imported() {
	b.write(b.path("passwd"), func(w *bufio.Writer) error { return sample.LargeAccounts(w, b.n) })
	b.against("files to YAML, import", command{
		args:  []string{b.virtmap, "import", "--accounts", b.path("passwd"), "--host", sample.HostName, "-o", b.path("imported.yaml"), b.path("out")},
		clean: []string{b.path("imported.yaml")},
	})
}

// example: a process that checks what is shipped.
func (b *bench) example() {
	b.against("check of the shipped example", command{args: []string{b.virtmap, "check", "-q", "-i", "../../../testdata/example/mail.yaml"}})
}

// growth: the same job for inventories of other sizes, and what a row costs.
func (b *bench) growth() {
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
