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
	b := &benchmark{t: t, n: n, runs: runs, dir: folder(t)}
	b.programs = programs(t, b.dir)
	b.inventories()
	b.maps()
	b.everyFile()
	b.postfixFiles()
	b.eximFiles()
	b.again()
	b.imported()
	b.asked()
	b.formatted()
	b.proved()
	b.example()
	b.growth()
	b.lookups() // the last, because this process needs much memory for it
	t.Logf("%d addresses, %d runs of each in turn: median (spread)\n%s", n, runs, strings.Join(b.lines, "\n"))
}

// A benchmark measures with an inventory of n addresses. The inventory is dir/mail.yaml,
// and in dir/many it has a file for each domain. Each program has built it to its folder.
type benchmark struct {
	t        *testing.T
	n, runs  int
	programs []program // the present program, and the older one if there is one
	dir      string
	lines    []string
}

// inventories writes and builds the inventories.
func (b *benchmark) inventories() {
	b.t.Helper()
	b.large("mail.yaml", b.n)
	b.check(sample.LargeFolder(b.path("many"), b.n))
	for _, p := range b.programs {
		p.build(b.path("mail.yaml"), "out", "--mx", "off").run(b.t)
	}
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

// against prints a line for a command of virtmap, with the figures of the older program,
// and a line for each installed peer. The line of a peer has its time as a multiple of
// ours.
func (b *benchmark) against(what string, ours func(p program) command, rivals ...rival) {
	var commands []command
	for _, p := range b.programs {
		commands = append(commands, ours(p))
	}
	var names []string
	for _, r := range rivals {
		if r.args != nil {
			commands, names = append(commands, r.command), append(names, r.name)
		}
	}
	figures := measure(b.t, b.runs, commands...)
	b.row(what, figures[:len(b.programs)])
	for i, name := range names {
		f := figures[len(b.programs)+i]
		b.say("    %-40s %-32s %-8s %s times", name, f, f.memory(), figures[0].ratio(f))
	}
}

// row prints a line with the figures of our programs.
func (b *benchmark) row(what string, figures []figure) {
	now := figures[0]
	line := fmt.Sprintf("%-44s %-32s %-8s", what, now, now.memory())
	for _, before := range figures[1:] {
		line += fmt.Sprintf(" before: %-32s %-8s now %s of the time, %.2f of the memory", before, before.memory(), before.ratio(now), float64(now.peak)/float64(before.peak))
	}
	b.say("%s", strings.TrimRight(line, " "))
}

// maps measures how a virtusertable is written to a map. Our map is read back too.
func (b *benchmark) maps() {
	text, theirs, plain := b.programs[0].path("out/virtusertable"), b.path("theirs"), b.path("plain")
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
	b.against("rows to .db", mapMake(text, "hash", ".db"), makemap, postmap("hash", ".db"))
	b.against("rows to .cdb", mapMake(text, "cdb", ".cdb"), postmap("cdb", ".cdb"), tinycdb)
	b.against("rows to .lmdb", mapMake(text, "lmdb", ".lmdb"), postmap("lmdb", ".lmdb"))
	b.sizes(text+".lmdb", theirs+".lmdb")
	if tmpfs := onTmpfs(b.t); tmpfs != "" {
		inMemory := filepath.Join(tmpfs, "virtusertable")
		b.edited(text, inMemory, func(line string) string { return line })
		b.against("rows to .db, on a tmpfs: no disk", mapMake(inMemory, "hash", ".db"))
		b.against("rows to .cdb, on a tmpfs: no disk", mapMake(inMemory, "cdb", ".cdb"))
	}
}

// sizes prints the size of our map, and that of a peer's map if there is one.
func (b *benchmark) sizes(ours, theirs string) {
	for _, path := range []string{ours, theirs} {
		if info, err := os.Stat(path); err == nil {
			b.say("    %-40s %.1f MB", filepath.Base(path), float64(info.Size())/1e6)
		}
	}
}

func mapMake(text, typ, suffix string) func(p program) command {
	return func(p program) command {
		c := p.command("map", "make", "-q", "--type", typ, text)
		c.clean = []string{text + suffix}
		return c
	}
}
