package postfix

import (
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/outcome"
)

// withRows returns the steps of an address. Behind the rule that decided about a detail
// it adds the row of virtmap-virtual from which the rule was made, because the row has
// a place in the inventory and the rule has none. Postfix itself does not look for it.
func (s *Installed) withRows(steps []outcome.Step) []outcome.Step {
	for i, step := range steps {
		if !step.Hit || step.Table != fileDetail {
			continue
		}
		if row, ok := s.ruledBy(step.Key); ok {
			return append(append(steps[:i+1:i+1], row), steps[i+1:]...)
		}
		break
	}
	return steps
}

// virtualTable opens virtmap-virtual.
func (s *Installed) virtualTable() *table.Table {
	t, err := s.tableOf(fileVirtual, "virtual_alias_maps")
	if err != nil {
		return nil // there are no rows to show
	}
	return t
}

// ruledBy returns the row of the key that an address with a detail matches, as a step.
func (s *Installed) ruledBy(addr string) (step outcome.Step, ok bool) {
	t := s.virtual()
	local, domain, _ := mailaddr.Split(addr)
	at := strings.IndexByte(local[min(1, len(local)):], '+')
	if t == nil || at < 0 {
		return step, false
	}
	user := local[:at+1]
	keys := []string{user + "++", user + "+*", user, "++", "+*", ""}
	if at+2 == len(local) { // the detail is empty
		keys = []string{user + "+*", user, "+*", ""}
	}
	for _, key := range keys {
		key += "@" + domain
		if value, found, err := t.Find(key); found && err == nil {
			return outcome.Step{Table: fileVirtual, Key: mailaddr.Lower(key), Value: value, Hit: true}, true
		}
	}
	return step, false
}
