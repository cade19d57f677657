package build

import (
	"os"
	"path/filepath"
	"slices"

	"virtmap/internal/diag"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// Limits of the search for the inventory that includes a file.
const (
	foldersAbove  = 4       // folders above that are searched
	candidatesMax = 100     // files that are read in one folder
	candidateSize = 1 << 20 // 1 MiB; a file with includes is small
)

// includedBy returns the inventory that includes a file: mail.yaml or another file, in
// the same folder or in a folder above.
func includedBy(file string) (string, bool) {
	path, err := filepath.Abs(file)
	if err != nil || file == inventory.StdinName {
		return "", false
	}
	folder := filepath.Dir(path)
	for range foldersAbove + 1 {
		for _, candidate := range inventoriesIn(folder) {
			text, err := regular.Read(candidate, candidateSize)
			if candidate != path && err == nil && inventory.Includes(candidate, string(text), path) {
				return shownBeside(file, candidate), true
			}
		}
		folder = filepath.Dir(folder)
	}
	return "", false
}

// inventoriesIn returns the files of a folder that may be inventories. Those with the
// usual name come first.
func inventoriesIn(folder string) []string {
	all := []string{filepath.Join(folder, DefaultInventory)}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		isYAML := slices.Contains(yamlEndings, filepath.Ext(entry.Name()))
		if isYAML && entry.Name() != DefaultInventory && len(all) < candidatesMax {
			all = append(all, filepath.Join(folder, entry.Name()))
		}
	}
	return all
}

// shownBeside returns a path in the form of given: absolute, or relative to the working
// folder.
func shownBeside(given, path string) string {
	here, err := os.Getwd()
	if err != nil || filepath.IsAbs(given) {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil {
		return rel
	}
	return path
}

// notByItself replaces all faults of an included file by one fault. The other faults
// are about missing keys and names, which the inventory has.
func notByItself(faults *diag.List, top string) {
	top = diag.Printable(top)
	var one diag.Fault
	faults.Keep(func(f diag.Fault) bool {
		if one.Check == nil && f.Check.Name == "missing" {
			one = f
		}
		return false
	})
	one.Text = "this file has neither version nor host: it is a part of " + top + ", which includes it"
	faults.Add(one.WithHelp("check the whole: virtmap check -i %s", top))
}
