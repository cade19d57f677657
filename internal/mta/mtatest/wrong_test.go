package mtatest_test

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/sendmail"
	"virtmap/inventory"
)

func isFaults(err error) bool { return errors.Is(err, mtatest.ErrFaults) }

// reversed makes a server whose rows come from the last to the first.
func reversed(s mta.Server) *mta.Server {
	open := s.Open
	s.Open = func(at mta.Place, host mta.Host) (mta.Set, error) {
		set, err := open(at, host)
		return backwards{set}, err
	}
	return &s
}

type backwards struct{ mta.Set }

func (b backwards) Rows() (mapfile.Rows, error) {
	rows, err := b.Set.Rows()
	all := pairsOf(rows)
	slices.Reverse(all)
	return all, err
}

func pairsOf(rows mapfile.Rows) (all mapfile.Pairs) {
	for key, value := range mapfile.All(rows) {
		all = append(all, [2]string{string(key), string(value)})
	}
	return all
}

// altered makes a server whose texts are altered before they are written.
func altered(alter func([]mta.Text)) func(mta.Server) *mta.Server {
	return func(s mta.Server) *mta.Server {
		compile, find := s.Compile, s.Find
		s.Compile = func(m *inventory.Model, faults *diag.List) mta.Build { return alteredBuild{compile(m, faults), alter} }
		s.Find = func(f mta.Folder) mta.Before { return alteredKeep{find(f), alter} }
		s.Conf = nil // it knows only the build of sendmail
		return &s
	}
}

type alteredKeep struct {
	mta.Before
	alter func([]mta.Text)
}

func (b alteredKeep) Keep(next mta.Build, l mta.Leave) (mta.Build, []string, error) {
	kept, domains, err := b.Before.Keep(next.(alteredBuild).Build, l)
	return alteredBuild{kept, b.alter}, domains, err
}

type alteredBuild struct {
	mta.Build
	alter func([]mta.Text)
}

func (b alteredBuild) Texts() []mta.Text {
	texts := b.Build.Texts()
	b.alter(texts)
	return texts
}

// Indexes of the files in sendmail.Files.
var (
	theTable = placeOf(mta.Addresses)
	theNames = placeOf(mta.Served)
)

func placeOf(role mta.Role) int {
	return slices.IndexFunc(sendmail.Files, func(f mta.File) bool { return f.Role == role })
}

func withoutARow(texts []mta.Text) {
	change(texts, func(rows mapfile.Pairs) mapfile.Pairs { return rows[1:] })
}

func withTargetsSwapped(texts []mta.Text) {
	change(texts, func(rows mapfile.Pairs) mapfile.Pairs {
		other := slices.IndexFunc(rows, func(row [2]string) bool { return row[1] != rows[0][1] })
		if other > 0 {
			rows[0][1], rows[other][1] = rows[other][1], rows[0][1]
		}
		return rows
	})
}

// change changes the rows of the virtusertable and of its text.
func change(texts []mta.Text, of func(mapfile.Pairs) mapfile.Pairs) {
	rows := of(pairsOf(texts[theTable].Rows))
	var text bytes.Buffer
	for _, row := range rows {
		text.WriteString(row[0] + "\t" + row[1] + "\n")
	}
	texts[theTable] = mta.Text{Bytes: text.Bytes(), Rows: rows}
}

func withoutADomain(texts []mta.Text) {
	lines := bytes.Split(bytes.TrimSpace(texts[theNames].Bytes), []byte("\n"))
	texts[theNames].Bytes = append(bytes.Join(lines[:len(lines)-1], []byte("\n")), '\n')
}

func keepingNothing(s mta.Server) *mta.Server {
	find := s.Find
	s.Find = func(f mta.Folder) mta.Before { return forgetful{find(f)} }
	return &s
}

type forgetful struct{ mta.Before }

func (forgetful) Keep(next mta.Build, _ mta.Leave) (mta.Build, []string, error) {
	return next, nil, nil
}

// withAliasesLast makes a server that puts the aliases in place after the rows that
// lead to them, and without the old aliases beside them.
func withAliasesLast(s mta.Server) *mta.Server {
	aliases := s.Files[0]
	aliases.Union = false
	s.Files = append(slices.Clone(s.Files[1:]), aliases)
	return altered(func(texts []mta.Text) {
		first := texts[0]
		copy(texts, texts[1:])
		texts[len(texts)-1] = first
	})(s)
}

func withoutGaps(s mta.Server) *mta.Server {
	s.Conf = func(string, bool) (mta.Conf, error) { return contented{}, nil }
	return &s
}

type contented struct{ mta.Conf }

func (contented) Reading(mta.Build, string, time.Time, mta.Remembered) mta.Reading {
	return mta.Reading{}
}
