package postfix

import (
	"slices"
	"strings"

	"virtmap/internal/mapfile"
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
