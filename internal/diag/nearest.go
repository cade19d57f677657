package diag

import (
	"slices"
	"strings"
)

// Words finds the nearest of a set of names. Its work is limited by a budget, so
// that an inventory full of faults does not compare every name with every other.
// When the budget is used up, Words finds no name.
type Words struct {
	Names  func(yield func(string) bool)
	budget int
	used   bool
}

const wordBudget = 100_000_000 // comparisons of two letters

// Nearest returns the name with the fewest changes from word. A change is a letter
// that is added, missing, replaced or swapped with its neighbour. A name with more
// changes than a third of the word's letters is not near.
func (w *Words) Nearest(word string) (string, bool) {
	if !w.used {
		w.used, w.budget = true, wordBudget
	}
	best, distance := "", max(1, len(word)/3)+1
	if len(word) > 255 {
		return "", false
	}
	for name := range w.Names {
		if w.budget -= (len(word) + 1) * min(len(name)+1, 256); w.budget < 0 {
			return "", false
		}
		if d := editDistance(word, name, distance); d < distance {
			best, distance = name, d
		}
	}
	return best, best != ""
}

// OneOf is the help for a word that is none of a few: all of them, and the one
// that is most like it.
func OneOf(word string, all ...string) string {
	help := "write " + Choice(all...)
	near := Words{Names: slices.Values(all)}
	if best, ok := near.Nearest(word); ok {
		help = "did you mean " + best + "? " + help
	}
	return help
}

// Choice lists words as in "a, b or c".
func Choice(all ...string) string {
	last := all[len(all)-1]
	if others := all[:len(all)-1]; len(others) > 0 {
		return strings.Join(others, ", ") + " or " + last
	}
	return last
}

// editDistance returns the number of changes from a to b (optimal string alignment),
// or limit when there are limit or more.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var memory [3][257]int
	beforeThat, before, current := memory[0][:], memory[1][:], memory[2][:]
	for j := range len(b) + 1 {
		before[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			current[j] = min(before[j]+1, current[j-1]+1, before[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], beforeThat[j-2]+1)
			}
			least = min(least, current[j])
		}
		if least >= limit {
			return limit
		}
		beforeThat, before, current = before, current, beforeThat
	}
	return min(before[len(b)], limit)
}
