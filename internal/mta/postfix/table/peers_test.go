package table

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// ask looks keys up in a text of a type, as postmap does with the keys that it finds:
// a line of key, tab and value each. asked are the keys without those whose
// value is empty or not UTF-8, with which postmap ends.
func ask(t *testing.T, typ, path string, keys []string) (found string, asked []string, unread bool) {
	t.Helper()
	o := &Opener{}
	defer o.Close()
	table, err := o.Open(typ + ":" + path)
	var u *Unread
	if errors.As(err, &u) {
		return "", nil, true
	}
	if typ == "texthash" { // postmap takes the first row of a key
		text, _ := os.ReadFile(path)
		table, _ = readTextHash(path, string(text), Fold)
	} else if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, key := range keys {
		value, ok, err := table.Find(key)
		if err != nil || ok && value == "" {
			continue
		}
		asked = append(asked, key)
		if ok {
			fmt.Fprintf(&b, "%s\t%s\n", key, value)
		}
	}
	return b.String(), asked, false
}

// compare compares generated texts of a type with postmap.
func compare(t *testing.T, typ string, text func(*rand.Rand) string, key func(*rand.Rand) string) {
	postmap := peer.Postfix(t, "postmap")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	hits, unread := 0, 0
	tables := peer.Campaign(150)
	for n := range tables {
		r := rand.New(rand.NewPCG(uint64(n), 1))
		path := filepath.Join(dir, fmt.Sprintf("table%d", n))
		written := text(r)
		if err := os.WriteFile(path, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour) // postmap waits for a text that was just written
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for range 25 {
			keys = append(keys, key(r))
		}
		got, keys, beyond := ask(t, typ, path, keys)
		if beyond {
			unread++
			continue
		}
		if len(keys) == 0 {
			continue
		}
		// It ends with 1 when it finds no key.
		want, _, _ := peer.Try(strings.Join(keys, "\n")+"\n", postmap[0], append(postmap[1:], "-q", "-", typ+":"+path)...)
		if got != want {
			t.Errorf("table %d:\n%s\ngot:\n%s\nwant:\n%s", n, written, got, want)
		}
		hits += strings.Count(want, "\n")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if t.Failed() && n > 20 {
			break
		}
	}
	if hits < tables || unread > tables/3 {
		t.Errorf("the tables compare little: %d keys were found, %d of %d tables were not read", hits, unread, tables)
	}
	t.Logf("%d tables, %d keys found, %d tables not read", tables, hits, unread)
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

func several(r *rand.Rand, most int, one func() string) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteString(one())
	}
	return b.String()
}

func oddKey(r *rand.Rand) string {
	return pick(r, "a", "b", "ab", "Ab", "a+x", "a.b", "", "é", `"q"`, "#c", "a:", pick(r, "aab", "b+y+z", "x1", "owner-a", "É", `a\ `)) +
		pick(r, "", "", "@d.example", "@D.example", "@e.example", pick(r, "@dXexample", "@", "$", "^", "/", "]", "]-", `\`))
}

// TestTextHashAsPostmap compares texts with oddities.
func TestTextHashAsPostmap(t *testing.T) {
	compare(t, "texthash", func(r *rand.Rand) string {
		text := pick(r, "", "", "\ufeff", " first\n", "# comment\n")
		for range 3 + r.IntN(30) {
			text += pick(r, "", "", "", " ", "\t", "#", " #", `"`) + oddKey(r) +
				pick(r, " ", "\t", "  \t ", "", ": ") +
				pick(r, "v", "two words", "a, b", "", "v \t ", "v\r", "x # no comment", "ü", "\xff", `"q`) +
				pick(r, "\n", "\n", "\n", "\n\n", "\n  more\n", "\n# in between\n more", "\n \n") +
				pick(r, "", "", "", "\n")
		}
		return text
	}, func(r *rand.Rand) string {
		key := oddKey(r)
		if key == "" {
			return "a"
		}
		return key
	})
}

// TestRegexpAsPostmap compares tables of rules with oddities.
func TestRegexpAsPostmap(t *testing.T) {
	compare(t, "regexp", func(r *rand.Rand) string {
		var text string
		for range 3 + r.IntN(10) {
			text += oddRule(r) + "\n"
		}
		return text
	}, func(r *rand.Rand) string {
		if key := oddKey(r); key != "" {
			return key
		}
		return "a"
	})
}

func oddRule(r *rand.Rand) string {
	piece := func() string {
		if r.IntN(3) > 0 {
			return pick(r, "a", "b", ".", "(.)", "[a-c]", "[^@]*", "(a|b)", "(a*)", "([^@+]*)", "@", ".*", "(x|y)?", "[[:alpha:]]+", "a{1,2}")
		}
		return pick(r, "a", "b", "ab", ".", "x", "@", `\.`, "d", "example", "[a-c]", "[^@]", "[]a]", "[^]@]", `[\.]`, "[[:alpha:]]", "[a-]", "[[.a.]b]", "(a|b)", "(a*)", "()", "(.)", "((a)b)", "[[:foo:]]", "[", ")", "(", `\+`, `\d`, `\w`, `\@`, "{", "}", "$$", "é") +
			pick(r, "", "", "", "*", "+", "?", "{2}", "{1,}", "{,2}", "{1,2}", "{2,1}", "{x", "**", "+?", "|")
	}
	expr := func() string {
		delimiter := pick(r, "/", "/", "/", "/", "!", "%", ",", "|", "#")
		if delimiter == "#" || delimiter == "!" {
			delimiter = "/"
		}
		return pick(r, "", "", "", "", "!", "! ", "!!") + delimiter + pick(r, "^", "", "", pick(r, "", "", "^*")) + several(r, 4, piece) + pick(r, "$", "", "", pick(r, "", `\`, `@d\.example$`, `\/`)) + delimiter + pick(r, "", "", "", "", "", pick(r, "i", "m", "im", "q"))
	}
	value := pick(r, " v", " w", " $1", "  ${1}x", " 1$1", " two words", "  $1", " ${1}_x", " $(2)", " $1_x", " a$$b", " $", " ${1", " $0", " $1$2$$", "", " x@$1.example", "\tv \t", " $é")
	switch r.IntN(12) {
	case 0:
		return pick(r, "if ", "IF", "if") + expr() + pick(r, "", "", " extra")
	case 1:
		return pick(r, "endif", "ENDIF", "endif x", "endif/")
	case 2:
		return pick(r, "nonsense", "if", "iffy /a/", "# comment", "", "  continued", "/a", "!", "/a/")
	case 3:
		return expr() + expr() + value
	case 4:
		return expr() + "!" + strings.TrimLeft(expr(), "! ") + value
	}
	return expr() + value
}

// TestMapsOfPostmap reads maps that postmap wrote.
func TestMapsOfPostmap(t *testing.T) {
	postmap := peer.Postmap(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for n := range 500 {
		fmt.Fprintf(&text, "User%d@d.example value %d\n", n, n)
	}
	for _, typ := range []string{"hash", "cdb", "lmdb"} {
		path := filepath.Join(dir, typ)
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		postmap("", typ+":"+path)
		o := &Opener{}
		table, err := o.Open(typ + ":" + path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 600 {
			want := "nothing"
			if n < 500 {
				want = fmt.Sprintf("value %d", n)
			}
			if got := lookUp(table, fmt.Sprintf("uSER%d@d.example", n)); got != want {
				t.Errorf("%s: user %d has %q, want %q", typ, n, got, want)
			}
		}
		rows := 0
		if err := table.Each(func(key, value string) bool {
			rows++
			return strings.HasPrefix(key, "user") && strings.HasPrefix(value, "value ")
		}); err != nil || rows != 500 {
			t.Errorf("%s: %d rows are listed, %v", typ, rows, err)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
}
