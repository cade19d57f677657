package conf

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/regular"
)

// Names of classes.
const (
	ClassW    = "w"        // what is delivered here
	ClassR    = "R"        // what is relayed, with all names below
	VirtHosts = "VirtHost" // what the virtusertable is asked about too
)

// EveryWord is the format that takes every word before a #.
const EveryWord = `%[^\#]`

// A ClassWord is a word of a C line.
type ClassWord struct {
	Class string
	Word  string // as it is written; it may name a macro
	Name  string // in lower case, with macros put in; empty: one is not spelled out, or it is another class
	Line  int
}

// classWord puts the macros in that were set before: sendmail does so when it
// reads the line.
func (c *Config) classWord(class, word string, line int) ClassWord {
	name, _ := c.expand(word)
	return ClassWord{class, word, mailaddr.Lower(name), line}
}

// A ClassFile is an F line.
type ClassFile struct {
	Class    string
	Path     string // of a file; empty: see Source
	Source   string // where the names come from otherwise: |program, or a map's key@class:spec
	Optional bool   // -o: a file that is missing counts as empty
	Format   string // of scanf; empty: %s
	Line     int
}

// classFile reads what stands behind the F of a line: the class, [-o] path
// [format], |program, or [key]@mapclass:spec.
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

// Names gives the names that sendmail takes from the text of the file, as they
// are written: of each line the format's part, cut at blanks. %[^\#], which
// FEATURE(`use_cw_file') writes, gives every word before a #; %s, and no format,
// the first word alone. A line that begins with # gives none (readcf.c,
// fileclass).
func (f ClassFile) Names(text []byte) (names []string) {
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		names = append(names, f.words(line)...)
	}
	return names
}

func (f ClassFile) words(line string) []string {
	if f.everyWord() {
		line, _, _ = strings.Cut(line, "#")
		return strings.Fields(line)
	}
	words := strings.Fields(line)
	return words[:min(1, len(words))]
}

// everyWord reports whether every word before a # is a name. Formats other than
// the two that are in use are taken for %s.
func (f ClassFile) everyWord() bool { return f.Format == EveryWord || f.Format == `%[^#]` }

// ClassFiles gives the F lines of a class.
func (c *Config) ClassFiles(class string) (files []ClassFile) {
	for _, f := range c.Files {
		if f.Class == class {
			files = append(files, f)
		}
	}
	return files
}

// ClassWords gives the words of the C lines of a class, in lower case. A word
// with a macro whose value is not spelled out is left out: the host's own name,
// most likely.
func (c *Config) ClassWords(class string) (words []string) {
	for _, w := range c.Words {
		if w.Class == class && w.Name != "" {
			words = append(words, w.Name)
		}
	}
	return words
}

// Holds reports whether a class has all words of another: CR$={VirtHost}, which
// VIRTUSER_DOMAIN makes m4 write, lets mail for class {VirtHost} be relayed.
func (c *Config) Holds(class, other string) bool {
	return slices.ContainsFunc(c.Words, func(w ClassWord) bool { return w.Class == class && w.Word == "$={"+other+"}" })
}

// ReadsClassFile reports whether a class has a file of a path, as sendmail would
// find it.
func (c *Config) ReadsClassFile(class, path string) bool {
	return slices.ContainsFunc(c.ClassFiles(class), func(f ClassFile) bool { return f.Path != "" && regular.SamePath(f.Path, path) })
}
