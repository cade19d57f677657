package inventory

import (
	"sort"
	"strings"

	"virtmap/internal/diag"
)

// Spans are the parts of the sources in which domains are written.
type Spans struct {
	all []span // sorted
}

// A span is the part of a source that has a domain: its key and all of its value.
type span struct {
	from, to diag.Pos // to is behind the last byte
	domain   int
}

// Spans returns the parts of the sources in which the domains of a Model are written. A
// part ends before the next domain, and before the first line that is not indented
// deeper than the line with the key.
func (m *Model) Spans() *Spans {
	s := &Spans{}
	for d := range m.Domains {
		s.all = append(s.all, span{from: m.Domains[d].Pos, domain: d})
	}
	sort.Slice(s.all, func(i, j int) bool { return s.all[i].from < s.all[j].from })
	for i := range s.all {
		s.all[i].to = m.end(s.all[i].from)
		if i+1 < len(s.all) {
			s.all[i].to = min(s.all[i].to, s.all[i+1].from)
		}
	}
	return s
}

// Domain returns the index of the domain in whose part a place is.
func (s *Spans) Domain(p diag.Pos) (int, bool) {
	i := sort.Search(len(s.all), func(i int) bool { return s.all[i].from > p }) - 1
	if i < 0 || p >= s.all[i].to {
		return -1, false
	}
	return s.all[i].domain, true
}

// end returns the place behind the lines that belong to the key at a place.
func (m *Model) end(p diag.Pos) diag.Pos {
	place, ok := m.Sources.Place(p)
	if !ok {
		return p
	}
	src := place.Source
	offset, outer := src.LineStart(place.Line+1), indentation(src.Line(place.Line))
	for line := range strings.Lines(src.Text[offset:]) {
		text := strings.TrimSpace(line)
		if text != "" && text[0] != '#' && indentation(line) <= outer {
			break
		}
		offset += len(line)
	}
	return src.Pos(offset)
}
