package sendmail_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/regular"
	"virtmap/internal/workshop/peer"
	"virtmap/virtuser"
)

// configurations are .mc files as distributions and postmasters write them.
var configurations = map[string]string{
	"as Fedora has it": "define(`ALIAS_FILE', `/etc/aliases')dnl\nFEATURE(`use_cw_file')dnl\nFEATURE(`virtusertable', `hash -o /etc/mail/virtusertable.db')dnl\n" +
		"LOCAL_DOMAIN(`localhost.localdomain')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n",
	"as FreeBSD has it": "define(`ALIAS_FILE', `/etc/mail/aliases')dnl\ndefine(`confCW_FILE', `-o /etc/mail/local-host-names')dnl\n" +
		"FEATURE(`use_cw_file')dnl\nFEATURE(`virtusertable', `hash -o /etc/mail/virtusertable')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n",
	"with the usual table":  "FEATURE(`use_cw_file')dnl\nFEATURE(`virtusertable')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n",
	"with a table as text":  "FEATURE(`virtusertable', `text -k0 -v1 -z\\t /etc/mail/users')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n",
	"with a virtual class":  "VIRTUSER_DOMAIN(`a.example b.example')dnl\nVIRTUSER_DOMAIN_FILE(`/etc/mail/virtuser-domains')dnl\nFEATURE(`virtusertable')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n",
	"with a name and alias": "define(`confDOMAIN_NAME', `mx1.example.net')dnl\nFEATURE(`use_cw_file')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\nLOCAL_CONFIG\nO AliasFile=/etc/mail/more\n",
}

// TestLayoutOfMC reads each .mc, and the .cf that m4 makes of it: both name the
// same files.
func TestLayoutOfMC(t *testing.T) {
	program, err := program.Find()
	if err != nil {
		peer.Skip(t, "%v", err)
	}
	for name, mc := range configurations {
		t.Run(name, func(t *testing.T) {
			whole := "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl\nOSTYPE(`linux')dnl\n" + mc
			cf, err := program.CF(whole)
			if err != nil {
				t.Fatal(err)
			}
			made, written := layoutOf(t, "sendmail.cf", string(cf)), layoutOf(t, "sendmail.mc", whole)
			made.WordsW = without(made.WordsW, "localhost") // of every .cf
			if !reflect.DeepEqual(made, written) {
				t.Errorf("of the .cf it is %+v\nof the .mc %+v", made, written)
			}
		})
	}
}

func without(words []string, word string) []string {
	return strings.Fields(strings.Replace(" "+strings.Join(words, " ")+" ", " "+word+" ", " ", 1))
}

// layoutOf gives what a configuration says, without the folder it is in.
func layoutOf(t *testing.T, name, text string) sendmail.Layout {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := sendmail.ReadLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	if l.WordsW == nil {
		l.WordsW = []string{}
	}
	home, _ := l.Home()
	if home == dir {
		t.Errorf("the folder of the files is not known from\n%s", text)
	}
	for i := range l.FilesW {
		l.FilesW[i].Line = 0
	}
	for i := range l.Aliases {
		l.Aliases[i].Line = 0
	}
	return sendmail.Layout{Host: l.Host, Table: l.Table, Class: l.Class, FilesW: l.FilesW, WordsW: l.WordsW, Aliases: l.Aliases}
}

// A class is a file with an end: what is none is refused at once.
func TestAClassWithoutEndIsRefused(t *testing.T) {
	dir := t.TempDir()
	cf := "Djmx1.example.net\nFw-o " + dir + "/none\nFw/dev/zero\n"
	if err := os.WriteFile(filepath.Join(dir, "sendmail.cf"), []byte(cf), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := sendmail.Open(dir, "mx1.example.net", func(string) bool { return false })
	if !errors.Is(err, regular.ErrNotRegular) || !strings.Contains(err.Error(), `"/dev/zero" is no regular file`) {
		t.Errorf("the class is read: %v", err)
	}
}

// What the server passes on it does on both sides of a comparison.
func TestWithSiteCarriesTheRelays(t *testing.T) {
	dir := t.TempDir()
	cf := "Djmx1.example.net\nDLbackup.example\nDHhub.example\nDSsmart.example\nC{L}Root\nR$+ < @ $=w . >\t$: < $H > $1 < @ $2 . >\n"
	if err := os.WriteFile(filepath.Join(dir, "sendmail.cf"), []byte(cf), 0o644); err != nil {
		t.Fatal(err)
	}
	nobody := func(string) bool { return false }
	site, err := sendmail.Open(dir, "mx1.example.net", nobody)
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	next := &virtuser.Router{Host: "mx1.example.net", ClassW: nobody, Account: nobody}
	site.WithSite(next)
	got := next.Relays
	if got.Stays == nil || !got.Stays("root") || got.Stays("bin") {
		t.Error("class L is not there")
	}
	got.Stays = nil
	want := virtuser.Relays{Unknown: "backup.example", Hub: "hub.example", Smart: "smart.example", Sticky: true}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the relays are %+v", got)
	}
}
