package postfix

import (
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/inventory"
)

// rules adds the rules of the domains that leave.
func (k *keeper) rules(c *compiler) error {
	for _, of := range []struct {
		name string
		to   **ruleText
	}{{fileDetail, &c.rules}, {fileAccessDetail, &c.accessRules}} {
		text, err := k.read(of.name)
		if err != nil {
			return err
		}
		more := &ruleText{rules: (*of.to).rules}
		more.text.WriteString((*of.to).text.String())
		for _, block := range blocks(text) {
			names := strings.HasPrefix(block.text, "if /^(owner-)?"+aliasPrefix) // closes the aliases of virtmap
			if k.leaves(block.domain) || names && len(c.aliasRows()) == 0 {
				more.text.WriteString(k.accountsOfRules(block.text))
				more.rules++
			}
		}
		*of.to = more
	}
	return nil
}

// A block is the text of the rules of one domain, with the condition around them.
type block struct{ domain, text string }

// blocks returns the blocks of a text that virtmap wrote.
func blocks(text []byte) (all []block) {
	depth := 0
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "if "):
			if depth++; depth == 1 {
				names := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "if /@"), "$/")
				first, _, _ := strings.Cut(strings.Trim(names, "()"), "|")
				all = append(all, block{domain: strings.ReplaceAll(first, `\`, "")})
			}
		case depth == 0:
			continue
		}
		last := &all[len(all)-1]
		last.text += line
		if strings.TrimSpace(line) == "endif" {
			depth--
		}
	}
	return all
}

// accountsOfRules returns rules with the accounts in their results as the build writes
// them.
func (k *keeper) accountsOfRules(rules string) string {
	var out strings.Builder
	for line := range strings.Lines(rules) {
		pattern, result, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if strings.HasPrefix(line, "/") {
			line = pattern + " " + k.accounts(result) + "\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// withMissing returns sorted rows together with those rows of more whose keys they do
// not have.
func withMissing(rows, more mapfile.Pairs) mapfile.Pairs {
	have := map[string]bool{}
	for _, row := range rows {
		have[row[0]] = true
	}
	all := slices.Clone(rows)
	for _, row := range more {
		if !have[row[0]] {
			all = append(all, row)
		}
	}
	slices.SortFunc(all, func(x, y [2]string) int { return strings.Compare(x[0], y[0]) })
	return all
}

// merged returns a table with further rows, in the order of inventory.CompareKeys, and
// with further comments.
func merged(r *rowText, more mapfile.Pairs, comments []string) *rowText {
	head := len(r.text)
	if len(r.at) > 0 {
		head = int(r.at[0].start)
	}
	out := &rowText{text: slices.Clone(r.text[:head])}
	for _, line := range comments {
		out.text = append(append(out.text, line...), '\n')
	}
	slices.SortFunc(more, func(a, b [2]string) int { return inventory.CompareKeys([]byte(a[0]), []byte(b[0])) })
	for i := range r.at {
		key, value := r.Row(i)
		for len(more) > 0 && inventory.CompareKeys([]byte(more[0][0]), key) < 0 {
			out.addKey(more[0][0], more[0][1], 0)
			more = more[1:]
		}
		if len(more) > 0 && more[0][0] == string(key) {
			more = more[1:]
		}
		out.addKey(string(key), string(value), r.at[i].pos)
	}
	for _, row := range more {
		out.addKey(row[0], row[1], 0)
	}
	return out
}
