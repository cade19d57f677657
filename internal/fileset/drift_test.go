package fileset_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/mcfile"
)

type mapRows [][2]string

func (p mapRows) Len() int                      { return len(p) }
func (p mapRows) Row(i int) (key, value []byte) { return []byte(p[i][0]), []byte(p[i][1]) }

// TestDrift compares maps with their texts: rows that differ, and the same rows in
// another order.
func TestDrift(t *testing.T) {
	alias := func(name, to string) [2]string { return [2]string{name + "\x00", to + "\x00"} }
	for _, c := range []struct {
		it, file, text string
		rows           mapRows
		types          string // the types of the map
		want           []string
	}{
		{"says nothing of the same rows", mcfile.Virtusertable, "A@x.example\tanna\nb@x.example\tbea\n",
			mapRows{{"b@x.example", "bea"}, {"a@x.example", "anna"}}, "hash cdb", nil},
		{"names a row with another right side", mcfile.Virtusertable, "a@x.example\tanna\nb@x.example\tbea\n",
			mapRows{{"a@x.example", "anna"}, {"b@x.example", "anna"}}, "hash cdb", []string{"TEXT has b@x.example -> bea, and its map b@x.example -> anna"}},
		{"names right sides that changed places", mcfile.Virtusertable, "a@x.example\tanna\nb@x.example\tbea\n",
			mapRows{{"a@x.example", "bea"}, {"b@x.example", "anna"}}, "hash cdb",
			[]string{"TEXT has a@x.example -> anna, and its map a@x.example -> bea", "TEXT has b@x.example -> bea, and its map b@x.example -> anna"}},
		{"names a row that the map has not", mcfile.Virtusertable, "a@x.example\tanna\nb@x.example\tbea\n",
			mapRows{{"a@x.example", "anna"}}, "hash cdb", []string{"TEXT has b@x.example -> bea, and its map has no such row"}},
		{"names a row that the text has not", mcfile.Virtusertable, "a@x.example\tanna\n",
			mapRows{{"a@x.example", "anna"}, {"b@x.example", "bea"}}, "hash cdb", []string{"MAP has b@x.example -> bea, and the text has no such row"}},
		{"says nothing of the same aliases", mcfile.Aliases, "one: anna, bea\n",
			mapRows{alias("@", "@"), alias("one", "anna, bea")}, "hash cdb", nil},
		{"names the second of two aliases, also where the map has both", mcfile.Aliases, "one: anna\none: bea\n",
			mapRows{alias("@", "@"), alias("one", "anna"), alias("one", "bea")}, "cdb", []string{"TEXT has one -> bea, and its map one -> anna"}},
	} {
		for typ := range strings.FieldsSeq(c.types) {
			dir := t.TempDir()
			text := filepath.Join(dir, c.file)
			if err := os.WriteFile(text, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			path := writeMap(t, text, typ, c.rows)
			said, err := fileset.Drift(sendmail.Server, dir)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, line := range c.want {
				want = append(want, strings.NewReplacer("TEXT", text, "MAP", path).Replace(line))
			}
			if !slices.Equal(said, want) {
				t.Errorf("it %s (%s):\n%q, want\n%q", c.it, typ, said, want)
			}
		}
	}
}

// writeMap writes the map of a text.
func writeMap(t *testing.T, text, name string, rows mapfile.Rows) (path string) {
	t.Helper()
	typ, _ := mapfile.ByName(name)
	path = text + typ.Suffix
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := typ.Write(file, rows); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
