package virtuser_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
	"virtmap/virtuser"
)

func compiled(t testing.TB, text string) (*virtuser.Compiled, string) {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	c := virtuser.Compile(m, faults)
	var out strings.Builder
	if err := (diag.Printer{Sources: m.Sources, Least: diag.Error}).Print(&out, faults); err != nil {
		t.Fatal(err)
	}
	return c, out.String()
}

func rowsOf(table mapfile.Rows) []string {
	var all []string
	for i := range table.Len() {
		key, value := table.Row(i)
		all = append(all, string(key)+"\t"+string(value))
	}
	return all
}

// TestTextBothWays reads the text of Compile: it gives the same rows, and no faults.
func TestTextBothWays(t *testing.T) {
	for seed := range peer.Campaign(200) {
		c, faults := compiled(t, sample.Inventory(rand.New(rand.NewPCG(uint64(seed), 1)), "/etc/mail", "hash"))
		if faults != "" {
			continue
		}
		var sources diag.Sources
		src, _ := sources.Add("virtusertable", string(c.Table.Text()))
		var list diag.List
		parsed := virtuser.Parse(src, &list)
		if got, want := rowsOf(parsed), rowsOf(c.Table); !slices.Equal(got, want) {
			t.Fatalf("seed %d: read back\n%s\nwritten\n%s", seed, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(list.Faults()) > 0 {
			t.Fatalf("seed %d: %v", seed, list.Faults())
		}
		for i := range c.Table.Len() {
			key, want := c.Table.Row(i)
			if value, ok := c.Table.Get(key); !ok || string(value) != string(want) {
				t.Fatalf("seed %d: Get(%q) = %q, %v", seed, key, value, ok)
			}
			if c.Table.Pos(i) == 0 {
				t.Fatalf("seed %d: the row of %q has no origin", seed, key)
			}
		}
		if _, ok := c.Table.Get([]byte("absent@d.example")); ok {
			t.Fatal("an absent key is there")
		}
	}
}

// TestParse reads a virtusertable written by hand.
func TestParse(t *testing.T) {
	long := strings.Repeat("x", 1030)
	const plain = "# comment\n\nFake@Example.org   andrei\ninfo@example.org\t\tbea\n@example.org error:5.1.1:\"550 gone\"\nold@example.org error:nouser 550 gone\n"
	text := plain + `one@example.org
 two@example.org andrei
three@example.org andrei, bea
four@example.org andrei # not a comment
five@example.org /var/mail/x
six@example.org error:550 gone
seven@example.org error:5.1.1:"450 gone"
eight@example.org error:5.1.1:550 gone (really)
fake@example.org carol
nine andrei
ten@example.org ` + long + "\n"
	var sources diag.Sources
	src, _ := sources.Add("virtusertable", text)
	var faults diag.List
	table := virtuser.Parse(src, &faults)
	var out strings.Builder
	if err := (diag.Printer{Sources: &sources}).Print(&out, &faults); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`virtusertable:7:1: error[VM040]: "one@example.org" has no right side`,
		`virtusertable:8:1: error[VM040]: a row begins with a blank`,
		`virtusertable:9:19: error[VM042]: "andrei, bea" is more than one recipient`,
		`virtusertable:10:18: error[VM042]: "andrei # not a comment" is more than one recipient`,
		`virtusertable:11:18: error[VM042]: "/var/mail/x" is a file or a program`,
		`virtusertable:12:17: error[VM042]: "error:550 gone" is badly formed`,
		`virtusertable:13:19: error[VM042]: "error:5.1.1:\"450 gone\"" has a status and a reply code of different classes`,
		`virtusertable:14:19: error[VM042]: "error:5.1.1:550 gone (really)" loses a part of its text`,
		`virtusertable:15:1: error[VM041]: "fake@example.org" stands here a second time; makemap keeps the first`,
		`virtusertable:3:1: note: first given here`,
		`virtusertable:16:1: error[VM040]: "nine" has no @`,
		`virtusertable:17:1023: error[VM040]: the line has 1046 characters`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s\nis missing in\n%s", want, out.String())
		}
	}
	if n := faults.Count(diag.Error); n != 11 {
		t.Errorf("%d faults", n)
	}
	if got := rowsOf(table); got[0] != "fake@example.org\tandrei" || got[1] != "info@example.org\tbea" || got[2] != "@example.org\terror:5.1.1:\"550 gone\"" {
		t.Errorf("rows: %q", got[:3])
	}
}

// TestNewaliases gives virtmap's alias file to newaliases. The map has the same rows.
func TestNewaliases(t *testing.T) {
	newaliases := peer.Find(t, "newaliases")
	dir := peer.SafeDir(t)
	var members []string
	for i := range 400 {
		members = append(members, fmt.Sprintf("someone%d@elsewhere.example", i))
	}
	c, faults := compiled(t, `version: 1
host: {name: mx1.example.net}
users: {root: {mailbox: /srv/mail/root}, bin: {forward: bin@elsewhere.example, keep_copy: true}}
domains:
  a.example:
    addresses:
      info: [root, bin]
      O'Brien+x: {to: [root, bin], bounces_to: root}
      many: [`+strings.Join(members, ", ")+`]
`)
	if faults != "" {
		t.Fatal(faults)
	}
	path := filepath.Join(dir, "aliases")
	if err := os.WriteFile(path, c.Aliases.Text(), 0o644); err != nil {
		t.Fatal(err)
	}
	cf := filepath.Join(dir, "test.cf")
	peer.Run(t, "", "cp", "/etc/mail/sendmail.cf", cf)
	if out, errOut, err := peer.Try("", newaliases, "-C", cf, "-OAliasFile="+path); err != nil {
		t.Fatalf("newaliases: %v\n%s%s", err, out, errOut)
	}
	f, err := mapfile.Open(path + ".db")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	theirs := map[string]string{}
	if err := f.Each(func(key, value []byte) error { theirs[string(key)] = string(value); return nil }); err != nil {
		t.Fatal(err)
	}
	ours := c.Aliases.MapRows()
	for i := range ours.Len() {
		key, value := ours.Row(i)
		if got := theirs[string(key)]; got != string(value) {
			t.Errorf("newaliases has %q for %q, we have %q", got, key, value)
		}
	}
	if _, ok := theirs["virtmap-many=a.example.part2\x00"]; !ok {
		t.Error("the long list is not split")
	}
	if len(theirs) != ours.Len() {
		t.Errorf("newaliases has %d rows, we have %d", len(theirs), ours.Len())
	}
	parsed := virtuser.ParseAliases(c.Aliases.Text())
	if len(parsed)+1 != ours.Len() {
		t.Errorf("read back: %d rows of %d", len(parsed), ours.Len()-1)
	}
	for i, row := range parsed {
		if key, value := ours.Row(i + 1); row[0]+"\x00" != string(key) || row[1]+"\x00" != string(value) {
			t.Errorf("read back: %q, written %q %q", row, key, value)
		}
	}
}

// FuzzCompile compiles what the reader makes of a text.
func FuzzCompile(f *testing.F) {
	for _, pattern := range []string{"../testdata/good/*.yaml", "../testdata/bad/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, faults := compiled(t, text)
		if faults != "" {
			return
		}
		for _, row := range rowsOf(c.Table) {
			if strings.ContainsAny(row, "\n\r\x00`") || strings.Count(row, "\t") != 1 {
				t.Errorf("row %q", row)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("a@b\tc\n")
	f.Add("# x\n\n a\n@b error:5.1.1:\"550 x\"")
	f.Fuzz(func(t *testing.T, text string) {
		var sources diag.Sources
		src, err := sources.Add("virtusertable", text)
		if err != nil {
			return
		}
		var faults diag.List
		table := virtuser.Parse(src, &faults)
		for i := range table.Len() {
			if key, value := table.Row(i); len(key) == 0 || len(value) == 0 {
				t.Errorf("row %q %q", key, value)
			}
		}
	})
}

// TestPercentSigns writes an address with a percent sign so that sendmail reads
// that very address: doubled in a row, as it is in an alias.
func TestPercentSigns(t *testing.T) {
	c, faults := compiled(t, `version: 1
host: {name: mx1.example.net}
users: {andrei: , dave: {forward: "a%%1@far.example"}}
domains:
  a.example:
    addresses:
      one: "a%%1@far.example"
      dave: dave
      kept: {to: dave, detail: keep}
      list: [andrei, "a%%1@far.example"]
      made+*: "%%%1-%2%3@far.example"
`)
	want := []string{
		"dave@a.example\ta%%1@far.example", "kept@a.example\ta%%1%3@far.example", "list@a.example\tvirtmap-list=a.example",
		"one@a.example\ta%%1@far.example", "made+*@a.example\t%%%1-%2%3@far.example", "@a.example\terror:5.1.1:\"550 User unknown\"",
	}
	if got := rowsOf(c.Table); faults != "" || !slices.Equal(got, want) {
		t.Errorf("%q, not %q\n%s", got, want, faults)
	}
	if got := string(c.Aliases.Text()); !strings.Contains(got, "andrei, a%1@far.example\n") {
		t.Error(got)
	}
}
