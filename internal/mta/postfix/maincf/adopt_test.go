package maincf

import (
	"strings"
	"testing"

	"virtmap/internal/diag"
)

// adopted returns the text after Adopt, which must have no fault.
func adopted(t *testing.T, text string, lines ...Line) string {
	t.Helper()
	var sources diag.Sources
	src, err := sources.Add("main.cf", text)
	if err != nil {
		t.Fatal(err)
	}
	var faults diag.List
	result := Adopt(src, lines, &faults)
	if faults.Failed() {
		t.Fatalf("%v", faults.Faults())
	}
	return result
}

func TestAnAdoptedLineStaysOutOfForce(t *testing.T) {
	site := "virtual_alias_maps = hash:/etc/postfix/virtual,\n  mysql:/etc/postfix/sql.cf\nmail = $virtual_alias_maps\n"
	first := adopted(t, site, rows)
	want := "#virtmap-adopted# virtual_alias_maps = hash:/etc/postfix/virtual,\n#virtmap-adopted#   mysql:/etc/postfix/sql.cf\n" +
		"#virtmap# virtual_alias_maps = mysql:/etc/postfix/sql.cf\nmail = $virtual_alias_maps\n" +
		blockOf("virtual_alias_maps = cdb:/etc/postfix/virtmap-virtual, regexp:/etc/postfix/virtmap-detail, mysql:/etc/postfix/sql.cf")
	if first != want {
		t.Fatalf("got\n%swant\n%s", first, want)
	}
	if later, faults := edited(t, first, rows); later != first || faults != "" {
		t.Errorf("a later build wrote\n%s%s", later, faults)
	}
	if again := adopted(t, first, rows); again != first {
		t.Errorf("adopted again it is\n%s", again)
	}
	if said := strings.Join(Marked(site, first), "; "); said != "1: the inventory stands for this virtual_alias_maps now; your line is marked #virtmap-adopted#" {
		t.Errorf("said %q", said)
	}
}

func TestMailboxesOfATableWithoutAListKeepTheirFolder(t *testing.T) {
	site := "virtual_mailbox_base = /var/vmail\nvirtual_mailbox_maps = mysql:/etc/postfix/boxes.cf\n"
	var sources diag.Sources
	src, err := sources.Add("main.cf", site)
	if err != nil {
		t.Fatal(err)
	}
	var faults diag.List
	if got := Adopt(src, []Line{{"virtual_mailbox_base", "/"}}, &faults); got != site || !faults.Failed() {
		t.Errorf("got\n%s%v", got, faults.Faults())
	}
}

func TestAListThatNamesAnotherParameterIsAdoptedByWhatItMeans(t *testing.T) {
	site := "plain = a.example, b.example\nruled = c.example regexp:/etc/postfix/re\nvirtual_alias_domains = $plain $ruled\n"
	if got := adopted(t, site, domains); !strings.Contains(got, "\nvirtual_alias_domains = cdb:/etc/postfix/virtmap-domains, $ruled\n") {
		t.Errorf("got\n%s", got)
	}
}
