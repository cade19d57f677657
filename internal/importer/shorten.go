package importer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"virtmap/internal/mailaddr"
)

// screen is the width of a comment or a message about a list. leastShown is the room
// that a list has in it in any case.
const (
	screen     = 160
	leastShown = 60
)

// Shorten returns a list as a message shows it. For members that are left out it says
// how many there are.
func Shorten(list string) string { return shorten(list, leastShown) }

// shorten returns a list that has room in a message. Any other text is returned as it
// is.
func shorten(list string, room int) string {
	room = max(room, leastShown)
	if utf8.RuneCountInString(list) <= room || strings.HasPrefix(mailaddr.Lower(list), "error:") {
		return list
	}
	members := split(list)
	shown, length := 0, 0
	for _, member := range members {
		length += utf8.RuneCountInString(member) + len(", ")
		if more := moreText(len(members) - shown - 1); length+utf8.RuneCountInString(more) > room && shown > 0 {
			break
		}
		shown++
	}
	if shown == len(members) {
		return list
	}
	return strings.Join(members[:shown], ", ") + moreText(len(members)-shown)
}

// moreText says how many members of a list are left out.
func moreText(n int) string { return fmt.Sprintf(", … and %d more", n) }

// split cuts a list at its commas. A comma in quotes does not count.
func split(list string) (members []string) {
	quoted, escaped := false, false
	rest := strings.FieldsFunc(list, func(c rune) bool {
		if c == '"' && !escaped {
			quoted = !quoted
		}
		escaped = c == '\\' && !escaped
		return c == ',' && !quoted
	})
	for _, member := range rest {
		if member = strings.TrimSpace(member); member != "" {
			members = append(members, member)
		}
	}
	return members
}

// was returns the comment about a row that has another form. Refused members for which
// the comment has no room follow it, each on a line.
func (s *Server) was(e entry) (comments []string) {
	begin, end := "# The row was ", ", and "+e.why+"."
	if e.as != withoutRefused {
		return []string{begin + shorten(s.Shown(e.right), screen-len(begin+end)) + end}
	}
	_, refused := s.splitRefused(s.means(e))
	list := strings.Join(refused, ", ")
	short := Shorten(list)
	end = ", and of " + e.key + membersLeft + short + "."
	comments = append(comments, begin+shorten(s.Shown(e.right), screen-len(begin+end))+end)
	if short != list {
		comments = append(comments, oneALine(refused)...)
	}
	return comments
}

// notFound returns the comment about names that are neither accounts nor aliases.
func notFound(names []string) []string {
	const begin = "# Neither an account nor an alias was found for "
	list := strings.Join(names, ", ")
	switch {
	case len(names) == 0:
		return nil
	case len(begin)+len(list) < screen:
		return []string{begin + list + "."}
	}
	return append([]string{begin + "these:"}, oneALine(names)...)
}

// oneALine returns a comment for each member of a list.
func oneALine(members []string) []string {
	all := make([]string, len(members))
	for i, member := range members {
		all[i] = "#   " + member
	}
	return all
}
