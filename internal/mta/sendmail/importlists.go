package sendmail

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"virtmap/internal/mta"
	"virtmap/virtuser"
)

// importLists has lists judged as if sendmail had their rows. A list of targets is an
// alias, as a build writes it, and so is the file of a user.
func importLists(l mta.Lists) mta.Imported {
	rows, aliases := l.Rows, map[string]string{}
	for user, file := range l.Files {
		aliases[ourPrefix+user] = file
	}
	lists := map[string]string{} // by members: the name of a list
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		switch right := rows[key]; {
		case isError(right):
		case strings.HasPrefix(right, "@"):
			rows[key] = "%1%3" + right
		case strings.Contains(right, ", "):
			name, known := lists[right]
			if !known {
				name = fmt.Sprintf("%slist-%d", ourPrefix, len(lists)+1)
				lists[right], aliases[name] = name, right
			}
			rows[key] = name
		case l.Files[right] != "":
			rows[key] = ourPrefix + right
		}
	}
	for _, domain := range l.Names {
		if _, open := rows["@"+domain]; !open && domain != l.Host { // the host's own names are accounts
			rows["@"+domain] = `error:5.1.1:"550 User unknown"`
		}
	}
	own := mapLookup(aliases)
	router := &virtuser.Router{
		Host: l.Host, ClassW: lineSet(l.Names), Relayed: func(string) bool { return false },
		Aliases: own, Rows: mapLookup(rows), Account: l.Account,
	}
	s := &Imported{facts: l.Facts, router: router.Ready(), own: own}
	s.table = virtuser.SortedTable(func(yield func(key, value []byte) bool) {
		for key, right := range rows {
			if !yield([]byte(key), []byte(right)) {
				return
			}
		}
	})
	return s
}

func mapLookup(rows map[string]string) virtuser.Lookup {
	return func(key []byte) ([]byte, bool, error) {
		value, ok := rows[string(key)]
		return []byte(value), ok, nil
	}
}
