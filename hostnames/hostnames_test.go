package hostnames

import (
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

const mail = `version: 1
host: {name: MX1.example.net, local_names: [localhost, mail.example.net]}
users: {andrei: }
domains:
  Bücher.example: {addresses: {fake: andrei}}
  fakemail.example: {addresses: {fake: andrei}}
  backup.example: {role: backup}
  closed.example: {enabled: false}
`

func TestText(t *testing.T) {
	m, faults := inventory.Parse("/srv/mail.yaml", mail)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	const want = `# Names of class w of mx1.example.net, written by virtmap from mail.yaml.
# Changes made here are lost at the next build.
fakemail.example
localhost
mail.example.net
mx1.example.net
xn--bcher-kva.example
`
	got := string(ClassW(m).Text())
	if got != want {
		t.Errorf("class w:\n%s", got)
	}
	var s diag.Sources
	src, _ := s.Add("local-host-names", got)
	var none diag.List
	names := Parse(src, &none)
	if len(names) != 5 || len(none.Faults()) != 0 {
		t.Errorf("read back: %v, %v", names, none.Faults())
	}
	if got := Relayed(m).All; len(got) != 1 || got[0].Text != "backup.example" {
		t.Errorf("relayed: %v", got)
	}
}

func TestParse(t *testing.T) {
	const text = "# ours\n  FakeMail.example # the first\nexample.com.\n*.example.org\none.example two.example\n\nfakemail.example\n[192.0.2.25]\nb_d.example\n"
	var s diag.Sources
	src, _ := s.Add("local-host-names", text)
	var faults diag.List
	var got []string
	for _, name := range Parse(src, &faults) {
		got = append(got, name.Text)
	}
	if want := "fakemail.example one.example two.example [192.0.2.25]"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var out strings.Builder
	if err := (diag.Printer{Sources: &s}).Print(&out, &faults); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`local-host-names:3:1: error[VM050]: "example.com." ends in a dot`, `help: write example.com`,
		`local-host-names:4:1: error[VM050]: "*.example.org" is a wildcard`,
		`local-host-names:7:1: warning[VM051]: fakemail.example is listed twice`, `local-host-names:2:3: note: first given here`,
		`local-host-names:9:1: error[VM050]: "b_d.example" has '_' in it`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
