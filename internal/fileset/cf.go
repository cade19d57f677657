package fileset

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mcfile"
)

// configuration is the name of sendmail's configuration in the mail folder.
const configuration = "sendmail.cf"

// HostName gives the name that the sendmail.cf of a folder has for its server
// ($j), where it is spelled out.
func HostName(dir string) (name string, ok bool) {
	for _, value := range settings(dir, "Dj") {
		name, ok = strings.ToLower(value), value != "" && !strings.Contains(value, "$")
	}
	return name, ok
}

// aliasFiles gives the alias files in the order they are asked: ours, and those
// that the sendmail.cf of a folder names, without their map class. named says
// that ours is among those.
func aliasFiles(dir string) (all []string, named bool) {
	ours := filepath.Join(dir, mcfile.Aliases)
	all = []string{ours}
	for _, value := range settings(dir, "O AliasFile=") {
		for _, path := range aliasPaths(value) {
			named = named || path == ours
			if !slices.Contains(all, path) {
				all = append(all, path)
			}
		}
	}
	return all, named
}

// aliasPaths gives the files of an AliasFile option, without their map class.
func aliasPaths(value string) (all []string) {
	for spec := range strings.SplitSeq(value, ",") {
		path := strings.TrimSpace(spec)
		if at := strings.IndexByte(path, '/'); at > 0 && strings.Contains(path[:at], ":") {
			path = path[at:]
		}
		if filepath.IsAbs(path) {
			all = append(all, path)
		}
	}
	return all
}

// settings gives what stands behind a word at the beginning of lines.
func settings(dir, word string) []string {
	text, err := os.ReadFile(filepath.Join(dir, configuration))
	if err != nil {
		return nil // the files are looked at without it
	}
	var values []string
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, word); ok {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// PidFile gives the file that a running sendmail writes at every start, as the
// sendmail.cf of a folder has it; empty when it does not say.
func PidFile(dir string) (path string) {
	for _, value := range settings(dir, "O PidFile=") {
		path = value
	}
	return path
}
