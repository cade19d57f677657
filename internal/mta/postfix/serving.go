package postfix

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mta"
)

// A serving says what of a build the running Postfix reads. Postfix reads main.cf at its
// start and at a reload; a process that starts in between reads what is there then.
type serving struct {
	*configuration
	build Build
	known bool     // there is a main.cf
	stale bool     // main.cf or master.cf was changed since the running Postfix read it
	reads []string // needs to which the running Postfix certainly gives effect
	gaps  []gap
}

// A gap is something that the configuration must have and has not.
type gap struct {
	mta.Gap
	command bool // Write is a command, and not a line
}

// serving finds out what is read of a build. started is when the running Postfix read
// its configuration, or zero if none runs. before is from an earlier build: a main.cf
// that was written again with the same lines is no change.
func (c *configuration) serving(b Build, started time.Time, before mta.Remembered) *serving {
	s := &serving{configuration: c, build: b, known: c.config.Path != ""}
	if !s.known {
		return s
	}
	for _, n := range b.needed() {
		what, line := c.lacks(n)
		if what == "" {
			s.reads = append(s.reads, n.String())
			continue
		}
		s.add(gap{Gap: mta.Gap{Path: c.config.Path, Line: line, What: what, Write: c.write(n.line)}})
	}
	s.clashes()
	if started.IsZero() || !started.Before(c.changed) {
		return s
	}
	remembers := func(n string) bool { return before.Started.Equal(started) && slices.Contains(before.Reads, n) }
	if len(s.gaps) == 0 && !slices.ContainsFunc(s.reads, func(n string) bool { return !remembers(n) }) {
		return s
	}
	s.stale = true
	s.reads = slices.DeleteFunc(s.reads, func(n string) bool { return !remembers(n) })
	return s
}

// add adds a gap. Two needs of one line have the same line to write, which is said once.
func (s *serving) add(g gap) {
	if !slices.ContainsFunc(s.gaps, func(have gap) bool { return have.What == g.What }) {
		s.gaps = append(s.gaps, g)
	}
}

// readsFile reports whether the running Postfix certainly reads a file, under every name
// that the build gives it. Without a main.cf it counts as reading all files.
func (s *serving) readsFile(name string) bool {
	for _, n := range s.build.needed() {
		if n.file() == name && s.known && !slices.Contains(s.reads, n.String()) {
			return false
		}
	}
	return true
}

// mayRead reports whether the running Postfix reads a file, or may do so.
func (s *serving) mayRead(name string) bool { return s.stale || s.readsFile(name) }

// delivers reports whether virtual(8) certainly delivers to the mailboxes of the build.
func (s *serving) delivers() bool {
	for _, n := range s.build.needed() {
		if strings.HasPrefix(n.line.Name, "virtual_mailbox_") || strings.HasPrefix(n.line.Name, "virtual_uid_") || strings.HasPrefix(n.line.Name, "virtual_gid_") {
			if s.known && !slices.Contains(s.reads, n.String()) {
				return false
			}
		}
	}
	return true
}

// says returns a line about each gap.
func (s *serving) says() (all []string) {
	for _, g := range s.gaps {
		all = append(all, at(g.Path, g.Line)+": "+g.What)
	}
	if s.stale {
		all = append(all, "the running Postfix read its configuration before main.cf or master.cf was changed, and may not read what is named there now")
	}
	return all
}

// at returns the place of a line in words; line 0 is the file.
func at(path string, line int) string {
	if line == 0 {
		return path
	}
	return fmt.Sprintf("%s:%d", path, line)
}

// steps returns what a person must do: the lines to write, and the reload.
func (s *serving) steps() (all []string) {
	byPath := map[string][]string{}
	var paths []string
	for _, g := range s.gaps {
		switch have, ok := byPath[g.Path]; {
		case g.command:
			if !slices.Contains(all, g.Write) {
				all = append(all, g.Write)
			}
		case !ok:
			paths = append(paths, g.Path)
			fallthrough
		case !slices.Contains(have, "  "+g.Write):
			byPath[g.Path] = append(have, "  "+g.Write)
		}
	}
	for _, path := range paths {
		where := "in " + path + ", in the place of the lines of the same names:\n"
		if path == s.config.Path {
			where = "in " + path + ", in the place of the lines of the same names (or run virtmap build --config " + path + ", which writes what the build needs):\n"
		}
		all = append(all, where+strings.Join(byPath[path], "\n"))
	}
	return append(all, words.Reload)
}
