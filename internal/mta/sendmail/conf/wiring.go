package conf

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// A Need is a file of a set that the configuration must read.
type Need uint8

// The needs of a set, in the order of its files.
const (
	Aliases Need = iota // virtmap-aliases, for rows of lists and mailboxes
	Table               // the virtusertable
	Logins              // virtmap-senders
	Relayed             // virtmap-relay-domains
	Names               // local-host-names
	needs               // the number of needs
)

// Needs has every Need.
var Needs = []Need{Aliases, Table, Logins, Relayed, Names}

func (n Need) String() string {
	return [needs]string{mcfile.Aliases, mcfile.Virtusertable, mcfile.Senders, mcfile.RelayDomains, mcfile.HostNames}[n]
}

// A Gap is a file that the configuration must read and does not.
type Gap struct {
	Need  Need
	Path  string // of the configuration
	Line  int    // of the line that clashes; 0: no line clashes, one is missing
	What  string // what is wrong
	Write string // the line for sendmail.mc
	CF    string // the line for sendmail.cf, for a server without a sendmail.mc
}

// Help returns one line that says what to write.
func (g Gap) Help(s mcfile.Settings) string {
	return fmt.Sprintf("write %s before the first MAILER of %s, make %s of it and restart sendmail; without a .mc, write into %s itself: %s",
		s.IncludeLine(), MCName, CFName, CFName, g.CF)
}

// Gaps returns the gaps for a set, with the lines to write. A folder without a
// configuration has no gaps.
func (c *Config) Gaps(s mcfile.Settings) (gaps []Gap) {
	if c.Path == "" {
		return nil
	}
	for _, n := range needsOf(s) {
		if what, line := c.lacks(n, s); what != "" {
			gaps = append(gaps, Gap{Need: n, Path: c.Path, Line: line, What: what, Write: s.MCLine(n.String()), CF: s.CFLine(n.String())})
		}
	}
	return gaps
}

// needsOf returns the needs of a set. Relay domains are a need only of a set that has some,
// and senders of one that authorises.
func needsOf(s mcfile.Settings) []Need {
	return slices.DeleteFunc(slices.Clone(Needs), func(n Need) bool { return n == Relayed && !s.Relay || n == Logins && !s.Senders })
}

// lacks says why the configuration does not read a file, and which line clashes. what is
// empty if the configuration reads the file; line is 0 if no line clashes.
func (c *Config) lacks(n Need, s mcfile.Settings) (what string, line int) {
	path := s.MailDir + "/" + n.String()
	switch n {
	case Aliases:
		return c.lacksAliases(s, path)
	case Table:
		return c.lacksTable(s, path)
	case Logins:
		return c.lacksSenders(s, path)
	case Relayed:
		if !c.ReadsClassFile(ClassR, path) {
			return "domains to relay for are not read from " + path, 0
		}
	case Names:
		if !c.ReadsClassFile(ClassW, path) {
			return "class w is not read from " + path, 0
		}
	}
	return "", 0
}

// aliasClasses are the classes of alias files that read each type of map. An alias file
// without a class has the class implicit. The class implicit reads hash files.
var aliasClasses = map[string][]string{"hash": {"", "implicit", "hash"}, "cdb": {"cdb"}, "text": {"stab"}}

func (c *Config) lacksAliases(s mcfile.Settings, path string) (what string, line int) {
	for _, a := range c.Aliases {
		if a.Path == "" || !regular.SamePath(a.Path, path) {
			continue
		}
		if slices.Contains(aliasClasses[s.Map], a.Class) {
			return "", 0
		}
		return fmt.Sprintf("%q is an alias file of another type than the inventory's %s", a.Spec, s.Map), a.Line
	}
	return path + " is not one of the alias files", 0
}

func (c *Config) lacksTable(s mcfile.Settings, path string) (what string, line int) {
	m, ok := c.Map(VirtuserMap)
	switch {
	case !ok:
		return "there is no virtusertable", 0
	case m.Path == "" || !regular.SamePath(mapfile.WithoutSuffix(m.Path), path):
		return fmt.Sprintf("the virtusertable is another: %q", m.Spec), m.Line
	case m.Class != s.Map:
		return fmt.Sprintf("the virtusertable is of class %s, and the inventory's map is %s", m.Class, s.Map), m.Line
	case s.Map == "text" && !m.textAsWritten():
		return fmt.Sprintf("the virtusertable is not read as %q", s.MapSpec()), m.Line
	}
	return "", 0
}

// textAsWritten reports whether a map of class text is read in the form in which builds
// write it: its flags cut the lines at a tab.
func (m Map) textAsWritten() bool {
	for _, flag := range []string{"-k0", "-v1", `-z\t`} {
		if !slices.Contains(m.Flags, flag) {
			return false
		}
	}
	return true
}

// An Unfollowed is a line that decides where mail goes, and that virtmap does not follow:
// virtmap does not read the file or the name in it.
type Unfollowed struct {
	Place string // the configuration and the line
	Text  string
}

func (u Unfollowed) String() string { return u.Place + ": " + u.Text }

// Unfollowed returns the lines that virtmap does not follow.
func (c *Config) Unfollowed() (all []Unfollowed) {
	say := func(line int, format string, args ...any) {
		all = append(all, Unfollowed{c.At(line), fmt.Sprintf(format, args...)})
	}
	if m, ok := c.Map(VirtuserMap); ok && m.Path == "" {
		say(m.Line, "the virtusertable is of class %s, which is not read; export it as text, one \"key value\" a line, and give it as --from lines:FILE", m.Class)
	}
	decides := []string{ClassW, ClassR, VirtHosts, ClassL}
	for _, f := range c.Files {
		if f.Path == "" && slices.Contains(decides, f.Class) {
			say(f.Line, "class %s has names from %q, which are not read", f.Class, f.Source)
		}
	}
	for _, w := range c.Words {
		if w.Name == "" && len(w.Word) > 2 && !strings.HasPrefix(w.Word, "$=") && slices.Contains(decides, w.Class) {
			say(w.Line, "class %s has the name %q, which is not looked at: its macro is not set before", w.Class, w.Word)
		}
	}
	for _, a := range c.Aliases {
		if a.Path == "" {
			say(a.Line, "the aliases in %q are not read", a.Spec)
		}
	}
	c.unreadRelays(say)
	return all
}

// At returns the place of a line for messages.
func (c *Config) At(line int) string {
	if c.MC || line == 0 {
		return c.Path
	}
	return fmt.Sprintf("%s:%d", c.Path, line)
}
