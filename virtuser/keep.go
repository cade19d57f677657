package virtuser

import (
	"bytes"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// leavingMark begins the comment that names a domain whose rows stay although the
// inventory no longer has the domain.
const leavingMark = "# leaving: "

// Keep returns the compiled rows and aliases, together with those of domains that
// leave. sendmail reads class w when it starts, so until the next start it takes mail
// for these domains. Without rows this mail would go to local accounts. A comment in
// the text names the domains.
func (c *Compiled) Keep(domains []string, rows, aliases [][2]string) (*Compiled, error) {
	var marks []byte
	for _, d := range domains {
		marks = append(append(append(marks, leavingMark...), d...), '\n')
	}
	slices.SortFunc(rows, func(a, b [2]string) int { return inventory.CompareKeys([]byte(a[0]), []byte(b[0])) })
	head := len(c.Table.text)
	if c.Table.Len() > 0 {
		head = int(c.Table.rows[0].start)
	}
	t := &Table{text: slices.Concat(c.Table.text[:head], marks)}
	for i := range c.Table.Len() {
		key, value := c.Table.Row(i)
		for len(rows) > 0 && inventory.CompareKeys([]byte(rows[0][0]), key) < 0 {
			if err := t.addRow(rows[0][0], rows[0][1], 0); err != nil {
				return nil, err
			}
			rows = rows[1:]
		}
		if err := t.addRow(string(key), string(value), c.Table.Pos(i)); err != nil {
			return nil, err
		}
	}
	for _, row := range rows {
		if err := t.addRow(row[0], row[1], 0); err != nil {
			return nil, err
		}
	}
	return &Compiled{Table: t, Aliases: c.Aliases.with(aliases)}, nil
}

// with returns the aliases together with further ones whose names are not taken.
func (a *Aliases) with(rows [][2]string) *Aliases {
	more := &Aliases{All: slices.Clone(a.All), title: a.title, taken: a.taken}
	have := map[string]bool{}
	a.rows(func(name string, _ []string) { have[name] = true })
	for _, row := range rows {
		if !have[row[0]] {
			have[row[0]] = true
			more.All = append(more.All, &Alias{Name: row[0], Members: splitMembers(row[1])})
		}
	}
	slices.SortFunc(more.All, func(x, y *Alias) int { return strings.Compare(x.Name, y.Name) })
	return more
}

// Leaving returns the domains that leave, from the comments of a virtusertable that
// virtmap wrote.
func Leaving(text []byte) []string {
	var domains []string
	for line := range bytes.Lines(text) {
		if len(line) == 0 || line[0] != '#' {
			break
		}
		if name, ok := bytes.CutPrefix(bytes.TrimRight(line, "\n"), []byte(leavingMark)); ok {
			if folded, problem := mailaddr.FoldDomain(string(name)); problem == nil {
				domains = append(domains, folded)
			}
		}
	}
	return domains
}
