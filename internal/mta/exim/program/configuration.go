package program

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// A Configuration is what Exim reads, as exim -bP config prints it: without comments, with
// the files that it includes, and with the values of the macros.
type Configuration struct {
	Path   string   // of the file that Exim reads
	Files  []string // Path, and the files that it includes
	Blocks []Block  // in their order; the first one has the main options

	macros map[string]string // by name
}

// A Block is a part of a Configuration: the main options, an access control list, a
// router, a transport, or a whole section that has no names, such as retry.
type Block struct {
	Section string // empty for the main options
	Name    string // empty for the main options, and for a whole section
	Lines   []string
}

// ErrNoConfiguration says that Exim finds no configuration.
var ErrNoConfiguration = errors.New("there is no configuration of Exim")

// A RefusedError says that Exim cannot read its configuration.
type RefusedError struct{ Says string }

func (e *RefusedError) Error() string { return "Exim refuses its configuration: " + e.Says }

// refusal finds what Exim says about a configuration that it refuses, in one line or two.
var refusal = regexp.MustCompile(`Exim configuration error:?(.*\n?.*)`)

// Read returns the configuration of a file, or the one that the server reads if path is
// empty. The error is ErrNoConfiguration without one, and a RefusedError if Exim refuses it.
func (r Root) Read(ctx context.Context, path string) (*Configuration, error) {
	args := []string{"-bP", "config"}
	if path != "" {
		args = append([]string{"-C", path}, args...)
	}
	cmd := exec.CommandContext(ctx, r.Exim, args...)
	cmd.Env, cmd.Dir = environment, "/"
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	said := errOut.String()
	switch {
	case strings.Contains(said, "non-existent configuration file"):
		return nil, ErrNoConfiguration
	case refusal.MatchString(said):
		return nil, &RefusedError{strings.Join(strings.Fields(refusal.FindStringSubmatch(said)[1]), " ")}
	case err != nil:
		return nil, fmt.Errorf("%s -bP config: %w: %.500s", r.Exim, err, said)
	}
	c := parse(out.String())
	if len(c.Files) == 0 {
		return nil, fmt.Errorf("%s -bP config says %.500q", r.Exim, out.String())
	}
	return c, nil
}

// environment is that of every Exim.
var environment = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}

// fileLine is the line that says from which file the next lines are.
var fileLine = regexp.MustCompile(`^# \d+ "(.+)"$`)

// macro is the beginning of the definition of a macro, which may be in every section.
var macro = regexp.MustCompile(`^[A-Z]\w*[ \t]*=`)

// named are the sections whose blocks have names.
var named = []string{"acl", "routers", "transports", "authenticators"}

// parse reads the output of exim -bP config.
func parse(text string) *Configuration {
	c := &Configuration{Blocks: []Block{{}}, macros: map[string]string{}}
	for line := range strings.SplitSeq(text, "\n") {
		last := &c.Blocks[len(c.Blocks)-1]
		bare := strings.TrimSpace(line)
		name, isName := strings.CutSuffix(bare, ":")
		section, begins := strings.CutPrefix(line, "begin ")
		switch file := fileLine.FindStringSubmatch(line); {
		case file != nil:
			if !slices.Contains(c.Files, file[1]) {
				c.Files = append(c.Files, file[1])
			}
		case bare == "" || strings.HasPrefix(line, "#"):
		case macro.MatchString(bare):
			name, value := option(bare)
			c.macros[name] = value
		case begins:
			c.Blocks = append(c.Blocks, Block{Section: strings.TrimSpace(section)})
		case isName && strings.HasPrefix(line, "  ") && line[2] != ' ' && slices.Contains(named, last.Section):
			c.Blocks = append(c.Blocks, Block{Section: last.Section, Name: strings.TrimSpace(name)})
		default:
			last.Lines = append(last.Lines, bare)
		}
	}
	if len(c.Files) > 0 {
		c.Path = c.Files[0]
	}
	return c
}

// Macro returns the value of a macro.
func (c *Configuration) Macro(name string) (value string, ok bool) {
	value, ok = c.macros[name]
	return value, ok
}

// Main returns the value of a main option such as acl_smtp_rcpt, or of a list such as
// "domainlist local_domains".
func (c *Configuration) Main(name string) (value string, ok bool) {
	for _, line := range c.Blocks[0].Lines {
		if found, value := option(line); found == name {
			return value, true
		}
	}
	return "", false
}

// option returns the name and the value of a line with an option.
func option(line string) (name, value string) {
	name, value, _ = strings.Cut(strings.TrimPrefix(line, "hide "), "=")
	return strings.Join(strings.Fields(name), " "), strings.TrimSpace(value)
}

// List returns the elements of a list of the main options, or of a macro.
func (c *Configuration) List(name string) (all []string) {
	value, isMacro := c.macros[name]
	if !isMacro {
		value, _ = c.Main(name)
	}
	separator := ":"
	if behind, ok := strings.CutPrefix(value, "<"); ok && behind != "" {
		separator, value = behind[:1], behind[1:]
	}
	for element := range strings.SplitSeq(value, separator) {
		if element = strings.TrimSpace(element); element != "" {
			all = append(all, element)
		}
	}
	return all
}

// Names returns the names of the blocks of a section, in their order.
func (c *Configuration) Names(section string) (all []string) {
	for i := range c.Blocks {
		if b := &c.Blocks[i]; b.Section == section && b.Name != "" {
			all = append(all, b.Name)
		}
	}
	return all
}

// Block returns a block; nil if there is none.
func (c *Configuration) Block(section, name string) *Block {
	for i := range c.Blocks {
		if b := &c.Blocks[i]; b.Section == section && b.Name == name {
			return b
		}
	}
	return nil
}

// Option returns the value of an option of a block. An option without a value has its name.
func (b *Block) Option(name string) (value string, ok bool) {
	for _, line := range b.Lines {
		found, value := option(line)
		if line == name {
			return name, true
		}
		if found == name {
			return value, true
		}
	}
	return "", false
}
