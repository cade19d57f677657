// Package maincf reads the main configuration of Postfix, main.cf and master.cf, and keeps
// a block of lines in main.cf.
//
// A main.cf sets parameters (postconf(5)):
//
//	myhostname = mx1.example.net
//	mydestination = $myhostname, localhost.$mydomain,
//	# a comment, and the value goes on behind it
//	    localhost
//
// A line that begins with a blank goes on with the value of the line before, also behind
// comments and empty lines. The last line of a name wins. A value may use other parameters:
//
//	$name ${name} $(name)        the value of another parameter
//	${name?text} ${name:text}    text if the value is not empty; if it is empty
//	${name?{text}:{other}}       one of the two
//	${{a} < {b}?{text}:{other}}  a comparison: == != < <= > >=, also <level of versions
//	$$                           a dollar
//
// A parameter that main.cf does not set has the value that is built into Postfix. This
// package knows the parameters on which the way of a recipient depends; all others are
// empty. The built-in values are those of Postfix 3.7 as Debian builds it.
//
// A master.cf has one service a line (master(5)). A service may set parameters for its
// processes:
//
//	smtp       inet  n  -  y  -  -  smtpd
//	submission inet  n  -  y  -  -  smtpd
//	    -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
//	    -o { smtpd_banner = $myhostname ESMTP }
//
// Edit writes the lines of a build as a block at the end of main.cf, and takes the site's own
// lines of the same names out of force:
//
//	#virtmap# alias_maps = hash:/etc/aliases
//	# >>> virtmap (changes are lost at the next build)
//	alias_maps = hash:/etc/aliases, cdb:/etc/postfix/virtmap-aliases
//	# <<< virtmap
//
// The package asks no program: the folder may be a copy, on a machine without Postfix.
package maincf

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"virtmap/internal/regular"
)

// Names of the files in the folder of the configuration.
const (
	MainName   = "main.cf"
	MasterName = "master.cf"
)

// maxBytes is the limit for a file of the configuration. The files that packages install
// have some 30 kB.
const maxBytes = 16 << 20

// A Config is the main configuration of a Postfix: main.cf, and the services of master.cf.
type Config struct {
	Path     string    // of main.cf; empty: not there
	Problems []Problem // of main.cf, then of master.cf

	// Hostname is the value of myhostname when main.cf does not set it: the name of the
	// machine. Without a dot, $mydomain or localdomain is added.
	Hostname string
	// BuiltIn has built-in values of the Postfix that reads main.cf, by name, as postconf -d
	// prints them. A parameter that is not in it has the value of Postfix 3.7 of Debian.
	BuiltIn map[string]string

	dir      string // config_directory
	entries  []Entry
	last     map[string]int // index of the last entry, by name
	lines    int            // number of lines of main.cf
	services []Service
}

// A Problem is a fault in main.cf or master.cf.
type Problem struct {
	Path  string // of the file
	Line  int
	Text  string
	Fatal bool // programs of Postfix that meet the line end; otherwise they warn
}

// An Entry is a parameter as a line of main.cf sets it.
type Entry struct {
	Name  string
	Value string // as written; at the end of a line that goes on stands one blank
	Line  int    // where the entry begins; lines of Apply count on

	pieces []piece // the lines of the entry, without comments and empty lines between them
}

// Read reads main.cf and master.cf of a folder, such as /etc/postfix. A file that is missing
// is no error: without main.cf the Config has an empty Path and only built-in values.
func Read(dir string) (*Config, error) {
	path := filepath.Join(dir, MainName)
	text, err := regular.Read(path, maxBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	c := Parse(path, text)
	if err != nil {
		c.Path = ""
	}
	path = filepath.Join(dir, MasterName)
	services, err := regular.Read(path, maxBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	c.parseServices(path, string(services))
	return c, nil
}

// Parse parses the text of a main.cf. The path is for Problems, and its folder is the value
// of config_directory.
func Parse(path string, text []byte) *Config {
	c := &Config{Path: path, dir: filepath.Dir(path), last: map[string]int{}}
	c.add(string(text))
	c.checkValues()
	slices.SortStableFunc(c.Problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return c
}

// Apply returns a copy with further lines of main.cf behind those of c. The last line of
// a name wins: the copy is what the configuration would be with these lines.
func (c *Config) Apply(lines []byte) *Config {
	with := *c
	with.entries = slices.Clip(c.entries)
	with.Problems = slices.Clip(c.Problems)
	with.last = make(map[string]int, len(c.last))
	for name, i := range c.last {
		with.last[name] = i
	}
	with.add(string(lines))
	return &with
}

// add reads lines of main.cf.
func (c *Config) add(text string) {
	before := c.lines
	all, lines := scan(text)
	for _, l := range all {
		line := before + l.line
		if l.fault != "" {
			c.problem(line, false, l.fault)
		}
		if l.orphan {
			continue
		}
		name, value, fault := splitNameValue(l.text)
		if fault != "" {
			c.problem(line, true, fault)
			continue
		}
		c.last[name] = len(c.entries)
		c.entries = append(c.entries, Entry{Name: name, Value: value, Line: line, pieces: l.pieces})
	}
	c.lines += lines
}

// problem records a problem of main.cf.
func (c *Config) problem(line int, fatal bool, text string) {
	c.Problems = append(c.Problems, Problem{Path: c.Path, Line: line, Text: text, Fatal: fatal})
}

// Set returns the value of a parameter as main.cf sets it, with $name unexpanded, and the
// line of the entry that wins. A value of several lines is one line, as postconf -n prints it.
func (c *Config) Set(name string) (value string, line int, ok bool) {
	i, ok := c.last[name]
	if !ok {
		return "", 0, false
	}
	return c.entries[i].Value, c.entries[i].Line, true
}

// All returns every entry of a parameter, in the order of lines. The last one wins.
func (c *Config) All(name string) []Entry {
	var all []Entry
	for _, e := range c.entries {
		if e.Name == name {
			all = append(all, e)
		}
	}
	return all
}

// Param returns the value of a parameter, with $name replaced, as postconf -hx prints it. It
// is the built-in value when main.cf does not set the parameter, and empty when the
// parameter has no built-in value here or when its value cannot be expanded.
func (c *Config) Param(name string) string {
	return scope{config: c}.param(name)
}

// List returns the elements of the value of a parameter.
func (c *Config) List(name string) []string { return SplitList(c.Param(name)) }

// SplitList splits a value at commas, blanks and line ends. Text in braces stays together,
// with its braces: of "inline:{a=b, c=d} {x y}" there are two elements.
func SplitList(value string) []string { return splitOutsideBraces(value, ", \t\r\n") }
