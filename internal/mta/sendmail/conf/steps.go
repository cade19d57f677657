package conf

import (
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
)

// Steps returns the steps after which the running server reads a set, in order: lines to
// write and commands to run. Lines of a file are indented.
func (c *Config) Steps(v Serving, s mcfile.Settings) (steps []string) {
	if len(v.Gaps) > 0 {
		steps = append(c.linesToWrite(v.Gaps, s), c.remake())
	}
	return append(steps, "service sendmail restart")
}

// linesToWrite returns the step about the lines that the file of a person must have.
func (c *Config) linesToWrite(gaps []Gap, s mcfile.Settings) (steps []string) {
	dir := filepath.Dir(c.Path)
	path := filepath.Join(dir, MCName)
	text, err := regular.Read(path, regular.MaxBytes)
	if err != nil {
		return []string{"in the .mc that " + c.Path + " is made of, on a line before the first MAILER:\n" + indented(s.IncludeLine()) +
			"\nor, where there is none, in " + c.Path + " itself:\n" + indented(cfLines(gaps))}
	}
	ours, _ := regular.Read(filepath.Join(dir, mcfile.Include), regular.MaxBytes) // empty if it is missing
	mc := Parse(mcfile.Configuration(string(text), string(ours)))
	mc.Path, mc.MC = path, true
	missing := mc.Gaps(s)
	other := slices.IndexFunc(missing, func(g Gap) bool { return g.Need == Table && g.Line > 0 })
	switch {
	case len(missing) == 0:
		return nil // only sendmail.cf must be made again
	case other >= 0:
		return []string{"in " + path + ", in the place of the line that names another virtusertable:\n" + indented(missing[other].Write) +
			"\nand before the first MAILER:\n" + indented(s.IncludeLine())}
	}
	return []string{"in " + path + ", on a line before the first MAILER (or run virtmap build --config " + path + ", which writes what is missing):\n" + indented(s.IncludeLine())}
}

// remake returns the command that makes sendmail.cf from the .mc.
func (c *Config) remake() string {
	dir := filepath.Dir(c.Path)
	there := func(name string) bool {
		_, err := regular.Read(filepath.Join(dir, name), regular.MaxBytes)
		return err == nil
	}
	switch {
	case !there(MCName):
		return "make " + CFName + " of that .mc"
	case there("Makefile"):
		return "make -C " + dir
	}
	cf := filepath.Join(dir, CFName)
	return "m4 " + filepath.Join(dir, MCName) + " > " + cf + ".new && mv " + cf + ".new " + cf
}

func cfLines(gaps []Gap) string {
	var lines []string
	for _, g := range gaps {
		lines = append(lines, g.CF)
	}
	return strings.Join(lines, "\n")
}

func indented(lines string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(lines, "\n"), "\n", "\n  ")
}
