package inventory

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"virtmap/internal/diag"
)

func printed(t testing.TB, m *Model, faults *diag.List) string {
	t.Helper()
	var out strings.Builder
	if err := (diag.Printer{Sources: m.Sources}).Print(&out, faults); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestExample(t *testing.T) {
	m, faults, err := Load("../testdata/example/mail.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if out := printed(t, m, faults); out != "" {
		t.Fatal(out)
	}
	i, ok := m.Domain("fakemail.example")
	if !ok {
		t.Fatal("fakemail.example is not there")
	}
	d := &m.Domains[i]
	fake, ok := Find(d.Addresses, "fake", Plain)
	if !ok || fake.To.Kind != ToUser || m.Users[fake.To.Index].Name.Text != "andrei" {
		t.Errorf("fake goes to %+v", fake)
	}
	if place, _ := m.Sources.Place(fake.Pos); place.Line != 24 || place.Col != 7 {
		t.Errorf("fake is at %v", place)
	}
	moved, _ := Find(d.Addresses, "moved", Plain)
	if got := m.Refusals[moved.To.Index]; got != (Refusal{551, "5.1.6", "now at partner.example", true}) {
		t.Errorf("moved is refused with %+v", got)
	}
	if twin := m.Domains[i+1]; twin.Name != "fakemail.test" || twin.Source != i {
		t.Errorf("fakemail.test is %+v", twin)
	}
}

// TestHostileInput: every hostile text ends in a fault, without a panic and in limited
// time.
func TestHostileInput(t *testing.T) {
	const n = 1 << 18
	head := "version: 1\nhost: {name: mx1.example.net}\n"
	tests := []struct{ it, text, want string }{
		{"deep lists", strings.Repeat("[", n), "VM002"},
		{"deep mappings", strings.Repeat("{a: ", n), "VM002"},
		{"deep indentation", deepIndent(2000), "VM005"},
		{"a key of many megabytes", head + strings.Repeat("k", 10<<20) + ": x\n", "VM002"},
		{"a quoted key of many megabytes", head + `"` + strings.Repeat("k", 10<<20) + `": x` + "\n", "VM002"},
		{"NUL", head + "note: a\x00b\n", "VM001"},
		{"NUL by an escape", head + `users: {"a\0b": }`, "VM008"},
		{"a newline by an escape", head + "host: {mail_dir: \"/etc/mail\\nFEATURE\"}\n", "VM006"},
		{"invalid UTF-8", head + "note: \xff\n", "VM001"},
		{"a byte order mark", "\ufeff" + head, "VM001"},
		{"CRLF", strings.ReplaceAll(head, "\n", "\r\n"), "VM001"},
		{"a lone CR", head + "note: a\rusers: {}\n", "VM001"},
		{"U+2028", head + "note: a\u2028b\n", "VM001"},
		{"U+0085", head + "note: a\u0085b\n", "VM001"},
		{"a tab as indentation", head + "users:\n\tandrei:\n", "VM002"},
		{"a second document", head + "---\n" + head, "VM003"},
		{"a merge key", head + "users: {andrei: &a {}, bea: {<<: *a}}\n", "VM003"},
		{"a tag", head + "users: !!map {andrei: }\n", "VM003"},
		{"a complex key", head + "? users\n: {andrei: }\n", "VM003"},
		{"an alias that holds itself", head + "users: &u {andrei: *u}\n", "VM005"},
		{"an alias bomb", head + bomb(), "VM019"},
		{"an unknown anchor", head + "users: *u\n", "VM002"},
		{"an unclosed quote", head + "note: \"a\n", "VM002"},
		{"nothing", "", "VM007"},
		{"a list", "[]", "VM004"},
		{"a text", "x", "VM004"},
		{"one line of many addresses", "{version: 1, host: {name: mx1.example.net}, domains: {d.example: {addresses: {" + strings.Repeat("x: nobody, ", 40_000) + "}}}}", "VM006"},
		{"a long text as many targets", head + "x-a: &a " + strings.Repeat("q", 100_000) + "\ndomains: {d.example: {addresses: {" + manyAliases(5000) + "}}}\n", "VM011"},
		{"many unknown keys", head + manyKeys(50_000), "VM005"},
	}
	for _, tt := range tests {
		start := time.Now()
		m, faults := Parse("mail.yaml", tt.text)
		out := printed(t, m, faults)
		if !faults.Failed() || !strings.Contains(out, tt.want) {
			t.Errorf("%s: got %.500q, want %s", tt.it, out, tt.want)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s took %v", tt.it, took)
		}
		if strings.ContainsAny(out, "\x00\x1b\r") || len(out) > 20<<20 {
			t.Errorf("%s: the report has %d bytes or holds control characters", tt.it, len(out))
		}
	}
}

func deepIndent(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// bomb returns an alias bomb where values are read: each domain stands for ten thousand
// addresses.
func bomb() string {
	var b strings.Builder
	b.WriteString("users: {andrei: }\ndomains:\n  d.example:\n    addresses: &a\n")
	for i := range 10_000 {
		b.WriteString("      a" + strconv.Itoa(i) + ": andrei\n")
	}
	for i := range 10_000 {
		b.WriteString("  d" + strconv.Itoa(i) + ".example: {addresses: *a}\n")
	}
	return b.String()
}

func manyAliases(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("k" + strconv.Itoa(i) + ": *a, ")
	}
	return b.String()
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("k" + strconv.Itoa(i) + ": x\n")
	}
	return b.String()
}

func TestIncludes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(dir+"/domains", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	head := "version: 1\nhost: {name: mx1.example.net}\n"
	write("domains/a.yaml", "users: {andrei: }\ndomains: {a.example: {addresses: {fake: andrei}}}\n")
	write("domains/b.yaml", "domains: {A.example.: {addresses: {fake: andrei}}}\ninclude: [x]\nhost: {}\n")
	tests := []struct {
		it, text string
		want     []string
	}{
		{"reads users and domains of other files", head + "include: [domains/a.yaml]\ntests: {fake@a.example: andrei}\n", nil},
		{"reads a file of two patterns once", head + "include: [domains/a.yaml, domains/a*.yaml]\n", nil},
		{"finds duplicates across files, and keys that are not for included files", head + "include: [domains/*.yaml]\n",
			[]string{"domains/b.yaml:1:11: error[VM006]: domain a.example is listed twice", "domains/a.yaml:2:11: note: first given here", `has no key "include"`, `has no key "host"`}},
		{"reports a pattern without a file", head + "include: domains/*.yml\n", []string{"mail.yaml:3:10: error[VM012]"}},
		{"reports a malformed pattern", head + "include: ['[']\n", []string{"mail.yaml:3:11: error[VM012]"}},
		{"does not read itself", head + "include: ['*.yaml']\n", []string{"matches the inventory itself"}},
	}
	for _, tt := range tests {
		write("mail.yaml", tt.text)
		m, faults, err := Load(dir+"/mail.yaml", nil)
		if err != nil {
			t.Fatal(err)
		}
		out := printed(t, m, faults)
		if (len(tt.want) == 0) != (out == "") {
			t.Errorf("it %s: got %s", tt.it, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("it %s: %q is missing in\n%s", tt.it, want, out)
			}
		}
	}
	if _, _, err := Load(dir+"/missing.yaml", nil); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing inventory: %v", err)
	}
	if _, _, err := Load(dir, nil); err == nil || !strings.Contains(err.Error(), "is no regular file; - is standard input") {
		t.Errorf("a folder as inventory: %v", err)
	}
	m, faults, err := Load("-", strings.NewReader(head+"bogus: 1\n"))
	if err != nil || !strings.Contains(printed(t, m, faults), "stdin:3:1: error[VM005]") {
		t.Errorf("standard input: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"../testdata/example/mail.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("version: 1\nhost: {name: mx1.example.net}\ndomains: {d.example: {addresses: {a: '%1@b.example'}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, faults := Parse("mail.yaml", text)
		out := printed(t, m, faults)
		if strings.ContainsAny(out, "\x00\x1b\r\t") {
			t.Errorf("the report holds control characters: %q", out)
		}
	})
}

// TestDefaultsOfServer has the server at each end of host, because its kind is known
// only when all of host was read.
func TestDefaultsOfServer(t *testing.T) {
	for _, kind := range ServerKinds {
		for text, want := range map[string]Host{
			"server: %s, name: mx1.example.net":                            {MailDir: Name{Text: kind.Dir}, Map: kind.Maps[0]},
			"name: mx1.example.net, mail_dir: , map: , server: %s":         {MailDir: Name{Text: kind.Dir}, Map: kind.Maps[0]},
			"server: %s, name: mx1.example.net, mail_dir: /srv, map: lmdb": {MailDir: Name{Text: "/srv"}, Map: MapLMDB},
			"name: mx1.example.net, mail_dir: /srv, map: cdb, server: %s":  {MailDir: Name{Text: "/srv"}, Map: MapCDB},
		} {
			m, faults := Parse("mail.yaml", "version: 1\nhost: {"+fmt.Sprintf(text, kind.Name)+"}\n")
			if got := m.Host; faults.Failed() || got.Server != kind.Name || got.MailDir.Text != want.MailDir.Text || got.Map != want.Map {
				t.Errorf("%s: %s has %s and %s", text, got.Server, got.MailDir.Text, got.Map)
			}
		}
	}
}

// TestNumbersOfUsers: the group of a user has the user's number, if it has none.
func TestNumbersOfUsers(t *testing.T) {
	m, faults := Parse("mail.yaml", `version: 1
host: {name: mx1.example.net}
users:
  andrei:
  bea: {uid: 1002, gid: 8}
  carol: {mailbox: /srv/mail/carol/, uid: "4294967294"}
  dave: {gid: , uid: 7}
`)
	if faults.Failed() {
		t.Fatal(printed(t, m, faults))
	}
	for i, want := range [][2]uint32{{0, 0}, {1002, 8}, {4294967294, 4294967294}, {7, 7}} {
		if u := m.Users[i]; u.UID.N != want[0] || u.GID.N != want[1] {
			t.Errorf("%s has %d and %d", u.Name.Text, u.UID.N, u.GID.N)
		}
	}
	if place, _ := m.Sources.Place(m.Users[2].GID.Pos); place.Line != 6 || place.Col != 43 {
		t.Errorf("the number of carol is at %v", place)
	}
}
