package conf

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// A Copy makes a copy of a sendmail.cf with other paths. The installed sendmail can run
// with the copy, to answer what the server would do, and does not use the network or write
// to the files of the server.
type Copy struct {
	Move    func(path string) string // the new path of a file of a map, a class or aliases
	There   func(path string) bool   // whether the file of a map is at its new path
	Options map[string]string        // by name: new values of options; empty: the option is removed
	Table   string                   // the new specification of Kvirtuser; empty: the old one
	Names   string                   // replaces the first file of class w; empty: it stays
	Lines   []string                 // added before the options
	Last    []string                 // added at the end
}

// Of returns the copy of a text. Other lines stay as they are.
func (c Copy) Of(text string) string {
	var out strings.Builder
	added, named := false, c.Names == ""
	add := func() {
		if !added {
			for _, line := range c.Lines {
				out.WriteString(line + "\n")
			}
		}
		added = true
	}
	for _, line := range joined(text) {
		if strings.HasPrefix(line, "O ") || strings.HasPrefix(line, "S") {
			add()
		}
		if f := classFileOf(line); !named && f.Class == ClassW && f.Path != "" {
			named = true
			line = strings.Replace(line, f.Path, c.Names, 1)
		} else {
			line = c.line(line)
		}
		if line != "" {
			out.WriteString(line + "\n")
		}
	}
	add()
	if !named {
		out.WriteString("Fw" + c.Names + "\n")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Options)) {
		if value := c.Options[name]; value != "" {
			out.WriteString("O " + name + "=" + value + "\n")
		}
	}
	for _, line := range c.Last {
		out.WriteString(line + "\n")
	}
	return out.String()
}

// joined returns the lines of a text, each with its continuations.
func joined(text string) (lines []string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && (line[0] == ' ' || line[0] == '\t') && len(lines) > 0 {
			lines[len(lines)-1] += "\n" + line
			continue
		}
		lines = append(lines, line)
	}
	return lines
}

func classFileOf(line string) ClassFile {
	if rest, ok := strings.CutPrefix(line, "F"); ok {
		return classFile(strings.ReplaceAll(rest, "\n", " "), 0)
	}
	return ClassFile{}
}

// line returns a line of the copy, or an empty text for a line that is left out.
func (c Copy) line(line string) string {
	flat := strings.ReplaceAll(line, "\n", " ")
	switch {
	case line == "":
	case line[0] == 'K':
		return c.mapLine(line, flat)
	case line[0] == 'F':
		if f := classFileOf(line); f.Path != "" {
			return strings.Replace(line, f.Path, c.Move(f.Path), 1)
		}
	case strings.HasPrefix(line, "O "):
		name, value, _ := strings.Cut(flat[2:], "=")
		if name = strings.TrimSpace(name); strings.EqualFold(name, "AliasFile") {
			return "O AliasFile=" + c.aliases(value)
		}
		for option := range c.Options {
			if strings.EqualFold(name, option) {
				return "" // Of writes the new value at the end
			}
		}
	case strings.HasPrefix(line, "OA"):
		return "O AliasFile=" + c.aliases(flat[2:])
	}
	return line
}

func (c Copy) mapLine(line, flat string) string {
	m, ok := mapOf(flat[1:], 0)
	switch {
	case ok && m.Name == VirtuserMap && c.Table != "":
		return "Kvirtuser " + c.Table
	case !ok || m.Path == "":
		return line
	}
	place := c.Move(m.Path)
	flags := m.Flags
	if !m.Optional() && m.Name != VirtuserMap && !c.There(place) {
		flags = append([]string{"-o"}, flags...) // a copy of a server may not have it
	}
	return strings.Join(append(append([]string{"K" + m.Name, m.Class}, flags...), place), " ")
}

func (c Copy) aliases(value string) string {
	var specs []string
	for _, a := range aliasFiles(value, 0) {
		if a.Path == "" {
			continue // these aliases come from the network
		}
		place := c.Move(filepath.Clean(a.Path))
		if a.Class != "" {
			place = a.Class + ":" + place
		}
		specs = append(specs, place)
	}
	return strings.Join(specs, ", ")
}
