// Package conf reads the lines of a sendmail.cf that decide where mail goes: maps,
// classes, alias files, options and macros.
//
//	Djmx1.example.net                              a macro
//	Cwlocalhost shop.example                       words of a class
//	Fw-o /etc/mail/local-host-names %[^\#]         a file of a class, and the format of its lines
//	DLbackup.example                               host for unknown local users; likewise DH, DR, DS
//	Kvirtuser hash -o /etc/mail/virtusertable      a map: name, class, flags, path
//	O AliasFile=/etc/aliases, cdb:/etc/lists       alias files, in the order of lookups
//	OA/etc/aliases                                 alias files before version 8.7
//
// A line that begins with a blank continues the line before. A line that begins with # is
// a comment. Of two K lines or two D lines with the same name, the last one counts
// (sendmail/readcf.c). Without a sendmail.cf the sendmail.mc is read, and its lines become
// those that m4 would make from them.
//
// Some lines have names that this package does not read: a class from a program (F|) or a
// map (F@), or a table in LDAP. Unfollowed returns the lines.
package conf

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// Names of the configuration in the mail folder.
const (
	CFName = "sendmail.cf"
	MCName = "sendmail.mc"
)

// A Config is a sendmail.cf, or a sendmail.mc.
type Config struct {
	Path    string    // of the file; empty: the folder has none
	MC      bool      // the file is a sendmail.mc: its lines have no numbers
	Changed time.Time // when the file was written or renamed last

	Maps    []Map       // K lines, in order
	Files   []ClassFile // F lines, in order
	Words   []ClassWord // the words of C lines, in order
	Aliases []AliasFile // in the order of lookups

	// EntireDomain is true with FEATURE(`virtuser_entire_domain'): names below
	// those of class {VirtHost} are looked up too.
	EntireDomain bool

	// Sticky is true with FEATURE(`stickyhost'): macros L and R do not count
	// for local addresses with a host.
	Sticky bool

	Text  string // of the file
	Rules bool   // the file has rulesets, and the installed program can run with it

	options map[string][]string
	macros  map[string]Macro

	relayRules   map[string]bool // macros that a rule uses
	ruleset      string          // the current ruleset
	hasLocalAddr bool            // there is a ruleset localaddr
	cutsDetail   bool            // localaddr removes the detail of a local name
	keepsHost    bool            // with FEATURE(`preserve_luser_host')

	rules               map[string][]string // by ruleset
	checked             map[string]header   // by field, in lower case
	milters             []string            // names of X lines
	masqueradesEnvelope bool                // with FEATURE(`masquerade_envelope')
	genericsBelow       bool                // with FEATURE(`generics_entire_domain')
}

// A Macro is the value of a D line.
type Macro struct {
	Value string
	Line  int
}

// Read reads the sendmail.cf of a folder, or the sendmail.mc if there is no sendmail.cf.
// Without both, the Config has an empty Path.
func Read(dir string) (*Config, error) {
	for _, name := range []string{CFName, MCName} {
		path := filepath.Join(dir, name)
		text, err := regular.Read(path, regular.MaxBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lines := string(text)
		if name == MCName {
			ours, _ := regular.Read(filepath.Join(dir, mcfile.Include), regular.MaxBytes) // empty if it is missing
			lines = mcfile.Configuration(lines, string(ours))
		}
		c := Parse(lines)
		c.Path, c.MC, c.Text = path, name == MCName, string(text)
		c.Rules = c.Rules && !c.MC
		c.Changed = regular.LastChange(path)
		return c, nil
	}
	return Parse(""), nil
}

// Parse parses the lines of a sendmail.cf.
func Parse(text string) *Config {
	c := &Config{options: map[string][]string{}, macros: map[string]Macro{}, relayRules: map[string]bool{}, rules: map[string][]string{}, checked: map[string]header{}}
	var line string
	number, first := 0, 0
	for next := range strings.Lines(text) {
		number++
		next = strings.TrimRight(next, "\r\n")
		if next != "" && (next[0] == ' ' || next[0] == '\t') {
			line += next // a continuation
			continue
		}
		c.line(line, first)
		line, first = next, number
	}
	c.line(line, first)
	return c
}

// line reads a line with its continuations.
func (c *Config) line(line string, number int) {
	if line == "" {
		return
	}
	rest := line[1:]
	switch line[0] {
	case 'D':
		if name, value := nameOf(rest); name != "" {
			c.macros[name] = Macro{strings.TrimSpace(value), number}
		}
	case 'C':
		name, words := nameOf(rest)
		for _, word := range strings.Fields(words) {
			c.Words = append(c.Words, c.classWord(name, word, number))
		}
	case 'F':
		c.Files = append(c.Files, classFile(rest, number))
	case 'K':
		if m, ok := mapOf(rest, number); ok {
			c.Maps = append(c.Maps, m)
		}
	case 'O':
		c.option(rest, number)
	case 'S':
		c.Rules = true
		c.ruleset, _, _ = strings.Cut(strings.TrimSpace(rest), "=")
	case 'R':
		c.rule(line)
	case 'H':
		c.headerLine(rest, number)
	case 'X':
		name, _, _ := strings.Cut(rest, ",")
		c.milters = append(c.milters, strings.TrimSpace(name))
	}
}

// nameOf cuts the name of a macro or class from the rest of a line. The name is one byte,
// or a word in braces. {w} is the same as w.
func nameOf(text string) (name, rest string) {
	if text == "" || text[0] == ' ' || text[0] == '\t' {
		return "", ""
	}
	if text[0] != '{' {
		return text[:1], text[1:]
	}
	name, rest, ok := strings.Cut(text[1:], "}")
	if !ok {
		return "", ""
	}
	return name, rest
}

// option reads "O Name=value" or "OA/path".
func (c *Config) option(text string, line int) {
	name, value := "AliasFile", ""
	if long, ok := strings.CutPrefix(text, " "); ok {
		name, value, _ = strings.Cut(long, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	} else if value, ok = strings.CutPrefix(text, "A"); !ok {
		return // another option of one letter
	}
	if strings.EqualFold(name, "AliasFile") {
		c.Aliases = append(c.Aliases, aliasFiles(value, line)...)
		return
	}
	name = strings.ToLower(name)
	c.options[name] = append(c.options[name], value)
}

// Option returns the value of a long option such as PidFile: the last one of several, or
// an empty text if the option is not set.
func (c *Config) Option(name string) string {
	values := c.Options(name)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// Options returns all values of a long option such as DontBlameSendmail.
func (c *Config) Options(name string) []string { return c.options[strings.ToLower(name)] }

// Macro returns a macro by its letter, or by its word without the braces.
func (c *Config) Macro(name string) (Macro, bool) {
	m, ok := c.macros[name]
	return m, ok && m.Value != ""
}

// Host returns the name of the server ($j) in lower case. It is empty when the
// configuration does not have the name, or makes it from other macros.
func (c *Config) Host() string {
	m, _ := c.Macro("j")
	if strings.Contains(m.Value, "$") {
		return ""
	}
	return strings.ToLower(m.Value)
}

// A Map is a K line.
type Map struct {
	Name  string   // virtuser
	Class string   // hash, cdb, text, ldap, …
	Flags []string // -o, -k0, …, and other words before the path
	Path  string   // of the file, as it is written; empty: the class has no file
	Spec  string   // everything behind the name
	Line  int
}

// fileClasses are the classes of maps that have the path of a file as the last word.
var fileClasses = map[string]bool{"hash": true, "btree": true, "dbm": true, "cdb": true, "implicit": true, "text": true, "stab": true}

func mapOf(text string, line int) (m Map, ok bool) {
	words := strings.Fields(text)
	if len(words) < 2 {
		return m, false
	}
	m = Map{Name: words[0], Class: words[1], Line: line}
	m.Spec = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), m.Name))
	m.Flags = words[2:]
	if n := len(m.Flags); n > 0 && fileClasses[m.Class] && !strings.HasPrefix(m.Flags[n-1], "-") {
		m.Path, m.Flags = m.Flags[n-1], m.Flags[:n-1]
	}
	return m, true
}

// Optional reports whether a map that is missing counts as empty (-o).
func (m Map) Optional() bool { return slices.Contains(m.Flags, "-o") }

// VirtuserMap is the name of the map that FEATURE(`virtusertable') makes.
const VirtuserMap = "virtuser"

// Map returns the map with a name: that of the last K line.
func (c *Config) Map(name string) (m Map, ok bool) {
	for _, m := range slices.Backward(c.Maps) {
		if m.Name == name {
			return m, true
		}
	}
	return m, false
}

// An AliasFile is one of the files of an AliasFile option.
type AliasFile struct {
	Class string // hash, cdb, stab, …; empty stands for implicit
	Path  string // empty: the class has no file
	Spec  string // as it is written
	Line  int
}

// aliasFiles cuts the value of an AliasFile option: [class:][-flags] path, …
func aliasFiles(value string, line int) (all []AliasFile) {
	for spec := range strings.SplitSeq(value, ",") {
		a := AliasFile{Spec: strings.TrimSpace(spec), Line: line}
		if a.Spec == "" {
			continue
		}
		class, path, cut := strings.Cut(a.Spec, ":")
		switch {
		case filepath.IsAbs(a.Spec):
			a.Path = a.Spec
		case cut:
			if words := strings.Fields(class); len(words) > 0 {
				a.Class = words[0]
			}
			for _, word := range strings.Fields(path) {
				if filepath.IsAbs(word) { // behind flags such as -o
					a.Path = word
					break
				}
			}
		}
		all = append(all, a)
	}
	return all
}

// Paths returns the files of the configuration: of maps, classes and aliases.
func (c *Config) Paths() (paths []string) {
	add := func(path string) {
		if path != "" {
			paths = append(paths, filepath.Clean(path))
		}
	}
	for _, m := range c.Maps {
		add(m.Path)
	}
	for _, f := range c.Files {
		add(f.Path)
	}
	for _, a := range c.Aliases {
		add(a.Path)
	}
	return paths
}
