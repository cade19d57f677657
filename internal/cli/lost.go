package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/internal/publish"
)

// maxLost is the largest number of lost lines of a file, or of lost outcomes, that are
// printed.
const maxLost = 20

// isTable reports whether a file is the text or a map of the table of the virtual
// addresses of a server.
func isTable(path string) bool {
	return slices.ContainsFunc(servers.All, func(s *mta.Server) bool {
		table, ok := s.Of(mta.Addresses)
		return ok && mapfile.WithoutSuffix(filepath.Base(path)) == table.Name
	})
}

// sayLosses prints what is lost if files that a person made are replaced. A row is lost
// if its key has another outcome. A row that has another form and the same outcome is
// only counted. verb is "lost" or "would lose". c is nil if nothing could be compared.
func sayLosses(files []publish.Change, c *change.Change, verb string, stdio Stdio) {
	rows := map[string]bool{}
	for _, file := range files {
		if file.Kept != "" && verb == "lost" {
			fmt.Fprintf(stdio.Err, "%s: the file that was there is kept as %s\n", diag.Printable(file.Path), diag.Printable(file.Kept))
		}
		if c == nil || !isTable(file.Path) {
			printLost(stdio, file, verb)
			continue
		}
		for _, line := range file.Lost {
			rows[line] = true // a row of a text and its map counts once
		}
	}
	if len(rows) == 0 {
		return
	}
	changed := changedOutcomes(c, rows)
	for row := range rows {
		if key, _, _ := strings.Cut(row, " -> "); !c.Had(key) {
			changed = append(changed, row+" (of a text, and not in its map)")
		}
	}
	slices.Sort(changed)
	for i, line := range changed {
		if i == maxLost {
			fmt.Fprintf(stdio.Err, "and %d more outcomes\n", len(changed)-maxLost)
			break
		}
		fmt.Fprintf(stdio.Err, "%s: %s\n", verb, diag.Printable(line))
	}
	if same := len(rows) - len(changed); same > 0 {
		form := "%s are written another way, with the same outcome\n"
		if same == 1 {
			form = "%s is written another way, with the same outcome\n"
		}
		fmt.Fprintf(stdio.Err, form, diag.Count(same, "row"))
	}
}

// changedOutcomes returns a line for each key of a lost row whose outcome differs.
func changedOutcomes(c *change.Change, rows map[string]bool) (lines []string) {
	keys, of := map[string]bool{}, map[string][]string{} // of: keys by domain
	for row := range rows {
		key, _, _ := strings.Cut(row, " -> ")
		_, domain, _ := mailaddr.Split(key)
		if !keys[key] {
			keys[key], of[domain] = true, append(of[domain], key)
		}
	}
	for i := range c.Domains {
		d := &c.Domains[i]
		if d.State == change.Gone {
			for _, key := range of[d.Name] {
				lines = append(lines, key+": "+d.Name+" is not served any more")
			}
			continue
		}
		for j := range d.Addresses {
			if a := &d.Addresses[j]; keys[a.Key] {
				lines = append(lines, describe(a))
			}
		}
	}
	return lines
}

// printLost prints the lost lines of a file.
func printLost(stdio Stdio, file publish.Change, verb string) {
	for i, line := range file.Lost {
		if i == maxLost {
			fmt.Fprintf(stdio.Err, "%s: and %d more\n", diag.Printable(file.Path), len(file.Lost)-maxLost)
			return
		}
		fmt.Fprintf(stdio.Err, "%s: %s: %s\n", diag.Printable(file.Path), verb, diag.Printable(line))
	}
}
