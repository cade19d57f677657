package opensmtpd_test

import (
	"os"
	"strings"
	"testing"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/outcome"
)

// TestEveryTableIsReadAgain holds the command that a build prints, and the recipe for cron,
// to the files and their order. virtmap.conf has a table for each.
func TestEveryTableIsReadAgain(t *testing.T) {
	recipe, err := os.ReadFile("../../../contrib/virtmap-opensmtpd.cron")
	if err != nil {
		t.Fatal(err)
	}
	conf, err := os.ReadFile("virtmap.conf")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range opensmtpd.Files {
		if f.Effect != mta.Restart {
			continue
		}
		if f.Name == "senders" { // not in every virtmap.conf
			continue
		}
		name := strings.ReplaceAll(f.Name, "-", "_")
		names = append(names, name)
		if fields := strings.Fields(string(conf)); !strings.Contains(strings.Join(fields, " "), "table virtmap_"+name+" file:DIR/"+f.Name+" ") {
			t.Errorf("virtmap.conf has no table of %s", f.Name)
		}
	}
	loop := "smtpctl update table virtmap_senders >/dev/null 2>&1; for t in " + strings.Join(names, " ") + "; do smtpctl update table virtmap_$t"
	if !strings.HasPrefix(opensmtpd.UpdateAll, loop) || !strings.Contains(string(recipe), loop) {
		t.Errorf("the command is %s, and the recipe\n%s", opensmtpd.UpdateAll, recipe)
	}
}

// TestRowsAsSMTPDReadsThem reads a table with every oddity of table(5).
func TestRowsAsSMTPDReadsThem(t *testing.T) {
	text := "# a comment\nTwice@a.example\tfirst\ntwice@a.example\tsecond\ncolon:on@d a\nempty@a.example\nBlank@a.example   x, y\n"
	var got []string
	for key, value := range mapfile.All(opensmtpd.Files[2].Rows([]byte(text))) {
		got = append(got, string(key)+" = "+string(value))
	}
	if want := "twice@a.example = second; colon = on@d a; blank@a.example = x, y"; strings.Join(got, "; ") != want {
		t.Errorf("the rows are %q", got)
	}
}

// TestWords looks at the replies of OpenSMTPD.
func TestWords(t *testing.T) {
	b := example(t, "/srv/mail")
	for addr, want := range map[string]string{
		"fake@fakemail.example":   "250 2.1.5 Destination address valid: Recipient ok",
		"old@fakemail.example":    "550 5.1.1 Ann has left; write to info@fakemail.example: <old@fakemail.example>",
		"busy@fakemail.example":   "450 4.2.1 mailbox is being moved: <busy@fakemail.example>",
		"nobody@mx1.example.net":  "550 Invalid recipient: <nobody@mx1.example.net>",
		"someone@nowhere.example": "550 Invalid recipient: <someone@nowhere.example>",
	} {
		set := b.Set()
		var o outcome.Outcome
		if o, _ = set.Route(addr); mta.ReplyOf(set, addr, o) != want {
			t.Errorf("the reply to %s is %q", addr, mta.ReplyOf(set, addr, o))
		}
	}
}
