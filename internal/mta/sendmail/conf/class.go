package conf

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/regular"
)

// Names of classes.
const (
	ClassW    = "w"        // domains whose mail is delivered here
	ClassR    = "R"        // domains to which mail is relayed, with all names below
	VirtHosts = "VirtHost" // further domains with rows in the virtusertable
)

// EveryWord is the format with which every word before a # is a name.
const EveryWord = `%[^\#]`

// A ClassWord is a word of a C line.
type ClassWord struct {
	Class string
	Word  string // as it is written; it may have a macro
	Name  string // in lower case, with the values of macros; empty: a value is not known, or the word is another class
	Line  int
}

// classWord returns a word with the values of macros. As in sendmail, only lines before
// this one count for them.
func (c *Config) classWord(class, word string, line int) ClassWord {
	name, _ := c.expand(word)
	return ClassWord{class, word, mailaddr.Lower(name), line}
}

// A ClassFile is an F line.
type ClassFile struct {
	Class    string
	Path     string // of a file; empty: see Source
	Source   string // another source of names: |program, or key@class:spec for a map
	Optional bool   // -o: a file that is missing counts as empty
	Format   string // of scanf; empty: %s
	Line     int
}

// classFile parses an F line without its F: the class, and then [-o] path [format],
// |program, or [key]@mapclass:spec.
func classFile(text string, line int) ClassFile {
	f := ClassFile{Line: line}
	f.Class, text = nameOf(text)
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "-o") {
		f.Optional = true
		_, text, _ = strings.Cut(text, " ")
		text = strings.TrimSpace(text)
	}
	if !strings.HasPrefix(text, "/") {
		f.Source = text
		return f
	}
	f.Path, f.Format = text, ""
	if end := strings.IndexAny(text, " \t"); end >= 0 {
		f.Path, f.Format = text[:end], strings.TrimSpace(text[end:])
	}
	return f
}

// Names returns the names that sendmail reads from the text of the file, as they are
// written. With the format %[^\#], which FEATURE(`use_cw_file') writes, every word before a
// # is a name. With %s, or without a format, only the first word of a line is one. A line
// that begins with # has no names (readcf.c, fileclass).
func (f ClassFile) Names(text []byte) (names []string) {
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		names = append(names, f.words(line)...)
	}
	return names
}

// words returns the names of a line.
func (f ClassFile) words(line string) []string {
	if f.everyWord() {
		line, _, _ = strings.Cut(line, "#")
		return strings.Fields(line)
	}
	words := strings.Fields(line)
	return words[:min(1, len(words))]
}

// everyWord reports whether every word before a # is a name. An unusual format counts as
// %s.
func (f ClassFile) everyWord() bool { return f.Format == EveryWord || f.Format == `%[^#]` }

// ClassFiles returns the F lines of a class.
func (c *Config) ClassFiles(class string) (files []ClassFile) {
	for _, f := range c.Files {
		if f.Class == class {
			files = append(files, f)
		}
	}
	return files
}

// ClassWords returns the words of the C lines of a class, in lower case. It leaves out a
// word with a macro without a known value, which mostly is the name of the host.
func (c *Config) ClassWords(class string) (words []string) {
	for _, w := range c.Words {
		if w.Class == class && w.Name != "" {
			words = append(words, w.Name)
		}
	}
	return words
}

// Holds reports whether a class includes another class. With CR$={VirtHost}, which m4
// writes for VIRTUSER_DOMAIN, mail for class {VirtHost} is relayed.
func (c *Config) Holds(class, other string) bool {
	return slices.ContainsFunc(c.Words, func(w ClassWord) bool { return w.Class == class && w.Word == "$={"+other+"}" })
}

// ReadsClassFile reports whether a class has names from the file at a path.
func (c *Config) ReadsClassFile(class, path string) bool {
	return slices.ContainsFunc(c.ClassFiles(class), func(f ClassFile) bool { return f.Path != "" && regular.SamePath(f.Path, path) })
}
