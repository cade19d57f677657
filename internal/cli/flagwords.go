package cli

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/report"
)

// failSeverities are the values of --fail-on.
var failSeverities = []string{"error", "warning"}

// legalWords returns the values of a command's flag. A word that ends in a colon is the
// beginning of a value. A flag with any value has no words. A test compares them with
// the message of each flag about a wrong value.
func legalWords(command, flag string) []string {
	switch command + " --" + flag {
	case "init --server":
		return kindNames()
	case "check --format":
		return append([]string{textFormat}, sortedNames(report.Findings)...)
	case "list --format":
		return sortedNames(listFormats)
	case "list --only":
		return listWords()
	case "mx --only":
		return mxWords()
	case "test --format":
		return sortedNames(report.Formats)
	case "diff --format":
		return []string{"text", "json", "markdown"}
	case "check --fail-on":
		return failSeverities
	case "receive --store":
		return []string{"maildir:", "mbox:", "none"}
	case "import --from":
		kinds := slices.Clone(fromKinds())
		for i := range kinds {
			kinds[i] += ":"
		}
		return kinds
	case "map make --type":
		return []string{"hash", "cdb", "lmdb", "lmdb-1.0"}
	}
	switch flag {
	case "format":
		return []string{"text", "json"}
	case "mx":
		return []string{build.MXFromDNS, build.MXFromZones, build.MXOff}
	case "kind":
		return kindNames()
	case "allow":
		return guardWords()
	}
	return nil
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// valueWords yields the values of a flag, given by any of its names, each after a
// prefix. For a flag without such values the shell proposes files.
func valueWords(command string, flags []cli.Flag, name, prefix string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, f := range flags {
			if !slices.Contains(f.Names(), name) {
				continue
			}
			for _, word := range legalWords(command, f.Names()[0]) {
				if !yield(prefix + word) {
					return
				}
			}
		}
	}
}

// joinedFlag splits a word such as --format=js.
func joinedFlag(word string) (name, prefix string, ok bool) {
	flag, _, ok := strings.Cut(word, "=")
	return strings.TrimLeft(flag, "-"), flag + "=", ok && strings.HasPrefix(word, "-")
}

// onlyOf returns an error of usage if --only has a word that is none of some words.
func onlyOf(only string, words []string) error {
	for word := range strings.SplitSeq(only, ",") {
		if only != "" && !slices.Contains(words, word) {
			return usage(fmt.Errorf("--only %q: it is one of %s", word, strings.Join(words, ", ")))
		}
	}
	return nil
}

// allows reports whether --only has a word; empty, it has every word.
func allows(only, word string) bool {
	if only == "" {
		return true
	}
	for len(only) > 0 {
		first, rest, _ := strings.Cut(only, ",")
		if first == word {
			return true
		}
		only = rest
	}
	return false
}
