package table

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"virtmap/internal/mapfile"
)

// folder writes texts into a folder and returns an Opener that reads them below the
// path /etc/postfix.
func folder(t *testing.T, texts map[string]string) *Opener {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := &Opener{
		At:      func(path string) string { return filepath.Join(dir, strings.TrimPrefix(path, "/etc/postfix")) },
		Account: func(name string) bool { return name == "andrei" },
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// lookUp returns the value of a key, or how it is missing.
func lookUp(table *Table, key string) string {
	value, ok, err := table.Find(key)
	switch {
	case err != nil:
		return "error"
	case !ok:
		return "nothing"
	}
	return value
}

func TestTables(t *testing.T) {
	o := folder(t, map[string]string{
		"virtual": "# comment\nInfo@D.example  andrei,\n  bea \n\n@d.example carol # all\nempty\n\"half x\n",
		"rules":   "/^a\\+(.*)@d\\.example$/ x-$1@e.example\n!/@/ bare\nif /^b/\n/c@/ bc\nendif\n/^(b)(.)/i ${2}$(1)$$\n",
		"pcre":    "/^(?:x|y)(\\d+)@/ n$1\n",
	})
	for _, c := range []struct{ spec, key, want string }{
		{"texthash:/etc/postfix/virtual", "info@d.example", "andrei,  bea"},
		{"texthash:/etc/postfix/virtual", "INFO@D.Example", "andrei,  bea"},
		{"texthash:/etc/postfix/virtual", "@d.example", "carol # all"},
		{"texthash:/etc/postfix/virtual", "empty", "nothing"},
		{"proxy:texthash:/etc/postfix/virtual", "info@d.example", "nothing"},
		{"proxy:texthash:/etc/postfix/virtual", "@d.example", "carol # all"},
		{"regexp:/etc/postfix/rules", "A+Tag@d.example", "x-Tag@e.example"},
		{"regexp:/etc/postfix/rules", "plain", "bare"},
		{"regexp:/etc/postfix/rules", "bc@x", "bc"},
		{"regexp:/etc/postfix/rules", "ac@x", "nothing"},
		{"regexp:/etc/postfix/rules", "bx@", "xb$"},
		{"regexp:/etc/postfix/rules", "Bx@", "nothing"},
		{"pcre:/etc/postfix/pcre", "Y12@d.example", "n12"},
		{"inline:{a=b, {c = d e}, A=f}", "a", "f"},
		{"inline:{a=b, {c = d e}}", "C", "d e"},
		{"static:5000", "anything", "5000"},
		{"static:{two words}", "anything", "two words"},
		{"fail:x", "anything", "error"},
		{"unix:passwd.byname", "Andrei", "andrei"},
		{"nis:mail.aliases", "andrei", "nothing"},
		{"proxy:unix:passwd.byname", "bea", "nothing"},
	} {
		table, err := o.Open(c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		if got := lookUp(table, c.key); got != c.want {
			t.Errorf("%s: the value of %q is %q, want %q", c.spec, c.key, got, c.want)
		}
	}
}

func TestMapsWithAndWithoutNUL(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ typ, suffix, end string }{{"hash", ".db", "\x00"}, {"hash", ".db", ""}, {"cdb", ".cdb", ""}, {"lmdb", ".lmdb", "\x00"}, {"lmdb", ".lmdb", ""}} {
		path := filepath.Join(dir, "map"+c.typ+map[string]string{"": "plain", "\x00": "nul"}[c.end])
		f, err := os.Create(path + c.suffix)
		if err != nil {
			t.Fatal(err)
		}
		typ, _ := mapfile.ByName(c.typ)
		if err := typ.Write(f, mapfile.Pairs{{"a@d.example" + c.end, "andrei" + c.end}}); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		o := &Opener{}
		table, err := o.Open(c.typ + ":" + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := lookUp(table, "A@d.example"); got != "andrei" {
			t.Errorf("%s with the end %q: %q", c.typ, c.end, got)
		}
		var rows [][2]string
		if err := table.Each(func(key, value string) bool {
			rows = append(rows, [2]string{key, value})
			return true
		}); err != nil || !reflect.DeepEqual(rows, [][2]string{{"a@d.example", "andrei"}}) {
			t.Errorf("%s with the end %q has the rows %q, %v", c.typ, c.end, rows, err)
		}
		if seen := o.Seen(); len(seen) != 1 || seen[0].Path != path+c.suffix || !seen[0].Found() {
			t.Errorf("%s: seen is %v", c.typ, seen)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTablesThatAreNotRead(t *testing.T) {
	btree := string(make([]byte, 12)) + "\x62\x31\x05\x00" + string(make([]byte, 600))
	o := folder(t, map[string]string{
		"back": "/^a$/ fine\n/(a)\\1/ x\n", "ahead": "/^(?!a)/ x\n", "tree.db": btree,
		"twice": "a x\nb y\nA z\n", "wrong": "/a/ $2\n/b/ b\n/(/ c\n/d\n/e/ $1_x\n",
	})
	for _, c := range []struct{ spec, why string }{
		{"mysql:/etc/postfix/virtual.cf", "virtmap cannot read tables such as mysql:/etc/postfix/virtual.cf"},
		{"proxy:ldap:x", "virtmap cannot read tables such as proxy:ldap:x"},
		{"regexp:/etc/postfix/back", "/etc/postfix/back:2: virtmap cannot read the expression: \\1"},
		{"pcre:/etc/postfix/ahead", "/etc/postfix/ahead:1: virtmap cannot read the expression"},
		{"btree:/etc/postfix/tree", "neither a Berkeley DB hash file"},
	} {
		_, err := o.Open(c.spec)
		var unread *Unread
		if !errors.As(err, &unread) || unread.Spec != c.spec || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", c.spec, err, c.why)
		}
	}
	if _, err := o.Open("hash:/etc/postfix/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing map: %v", err)
	}
	if _, err := o.Open("texthash:/etc/postfix/twice"); err == nil || !strings.Contains(err.Error(), `/etc/postfix/twice:3: the key "A" stands above too`) {
		t.Errorf("a key that stands twice: %v", err)
	}
	table, err := o.Open("regexp:/etc/postfix/wrong")
	if err != nil {
		t.Fatal(err)
	}
	if got := lookUp(table, "ab"); got != "b" || len(table.Warnings) != 4 {
		t.Errorf("wrong rules are not skipped: %q, %q", got, table.Warnings)
	}
}

func TestPlainSkipsRulesWithGroups(t *testing.T) {
	o := folder(t, map[string]string{"rules": "/^(a)/ $1\n/^a/ fixed\n"})
	table, err := o.Open("regexp:/etc/postfix/rules")
	if err != nil {
		t.Fatal(err)
	}
	if got := lookUp(table, "ab"); got != "a" {
		t.Errorf("the value is %q", got)
	}
	if got := lookUp(table.Plain(), "ab"); got != "fixed" {
		t.Errorf("the plain value is %q", got)
	}
}

func TestNames(t *testing.T) {
	o := folder(t, map[string]string{"names": "# comment\na.example b.example\n"})
	table, err := o.Open("/etc/postfix/names")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"# comment", "a.example b.example"}; !reflect.DeepEqual(table.Lines, want) {
		t.Errorf("the lines are %q, want %q", table.Lines, want)
	}
}

func TestSplit(t *testing.T) {
	for list, want := range map[string][]string{
		"":                              nil,
		" a, b\tc ,,":                   {"a", "b", "c"},
		"inline:{a=b, {c = d}} hash:/x": {"inline:{a=b, {c = d}}", "hash:/x"},
		"{a b} c":                       {"{a b}", "c"},
	} {
		if got := Split(list); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is split into %q, want %q", list, got, want)
		}
	}
}
