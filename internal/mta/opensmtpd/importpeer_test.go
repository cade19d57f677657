package opensmtpd_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	building "virtmap/internal/build"
	"virtmap/internal/importer"
	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/opensmtpd/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// siteHost is the name of the servers of these tests, and siteAccounts are their accounts.
const siteHost = "mx1.example.net"

var (
	siteAccounts = []string{"ann", "bob", "carl", "info"}
	siteDomains  = []string{"d0.example", "d1.example", "d2.example", "d3.example"}
)

func isSiteAccount(name string) bool { return slices.Contains(siteAccounts, name) }

// siteConf are the lines that docs/opensmtpd.md names for a table of virtual addresses.
const siteConf = `table domains file:/site/domains
table virtuals file:/site/virtuals
action "virtual" maildir virtual <virtuals>
match from any for domain <domains> action "virtual"
`

// virtualItems are items of right sides. DIR is the folder of the site, and D a domain.
var virtualItems = []string{
	"ann", "bob", "Carl", "ghost", "sales", "ann+x", "team", "info@D", "sales@D", "nobody@D", "Ann+x@D", "team@D", "ann@" + siteHost, "bob+x@" + siteHost, "ann@localhost",
	"ann@far.example", "Bob.X@Far.Example", ":include:DIR/list", `"|/bin/cat"`, "x+y@far.example", "o'neil@far.example",
}

// virtualAlone are right sides that stand alone.
var virtualAlone = []string{
	"error:550 5.1.1 Ann left", "error:550 gone", "error:551 5.1.6 moved to <a@b>", "error:450 4.2.1 later", "error:421 soon", "error:450 5.1.1 odd", `error:550 5.1.1 a\, b\"c`,
	"error:gone", "error:550", "error:650 5.1.1 x", "ann bob", "@D", `"ann"`, "'ann'", "ann,,bob,", "ann; bob", "#ann", ":include:DIR/none", `ann\,bob`, "Ann <ann@far.example>",
}

// virtualTable writes a table with everything that people write, and what smtpd cannot read.
func virtualTable(r *rand.Rand) (table string, locals []string) {
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	filled := func(text string) string { return strings.ReplaceAll(text, "D", one(siteDomains...)) }
	var out strings.Builder
	for range 8 + r.IntN(30) {
		local := one("info", "Sales", "ann", "bob", "old", "busy", "x.y", "a+b", "team", "team+x", "INFO", "carl", "sales+x")
		key := local + "@" + one(siteDomains...)
		switch r.IntN(8) {
		case 0:
			key = "@" + one(siteDomains...)
		case 1:
			key = local
		case 2:
			if r.IntN(6) == 0 {
				key = "@"
			}
		}
		right := strings.ReplaceAll(one(virtualAlone...), "@D", "@"+one(siteDomains...))
		if r.IntN(8) > 0 {
			right = filled(strings.ReplaceAll(one(virtualItems...), "DIR", "\x00"))
			for range r.IntN(3) {
				right += one(",", ", ", " , ") + filled(strings.ReplaceAll(one(virtualItems...), "DIR", "\x00"))
			}
		}
		out.WriteString(one("", "", "", "# about\n", "\n", "  ") + key + one(" ", "\t", ": ", " : ") + strings.ReplaceAll(right, "\x00", "DIR") + one("", "", " ") + "\n")
		locals = append(locals, strings.ToLower(local))
	}
	slices.Sort(locals)
	return out.String(), slices.Compact(locals)
}

// siteAddresses returns the addresses that a table may list, and near misses.
func siteAddresses(locals []string) (all []string) {
	for _, domain := range siteDomains {
		for _, local := range locals {
			all = append(all, local+"@"+domain, strings.ToUpper(local)+"@"+domain, local+"+y@"+domain)
		}
		all = append(all, "nobody@"+domain, "team+x+y@"+strings.ToUpper(domain), "sales+@"+domain)
	}
	return append(all, "x@far.example")
}

// A virtualSite is a folder with a table, and an smtpd that reads it.
type virtualSite struct {
	dir  string
	smtp *program.Server
	read int // bytes of the log that were read
}

func newVirtualSite(t *testing.T) *virtualSite {
	t.Helper()
	s := &virtualSite{dir: peer.SafeDir(t)}
	root := peer.OpenSMTPDRoot(t)
	for name, text := range map[string]string{
		"virtmap.conf": siteConf, "domains": "# @list\n" + strings.Join(siteDomains, "\n") + "\n", "virtuals": "x@d0.example ann\n", "list": "# members\nann\n:include:" + s.dir + "/none\n bob@far.example, Carl\n",
	} {
		s.write(t, name, text)
	}
	folder := filepath.Join(s.dir, "smtpd")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	s.smtp, err = program.Start(context.Background(), program.Options{
		Root: root, Folder: folder, Tables: s.dir, Dir: "/site", Host: siteHost, Accounts: append(siteAccounts, "virtmap-root"), Aliases: "root: virtmap-root\n", Deliver: true,
		Ours:    func(domain string) bool { return slices.Contains(siteDomains, domain) || domain == siteHost },
		Mailbox: func(user string) string { return user },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.smtp.Close() })
	return s
}

func (s *virtualSite) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// delivery finds a line of the log about a copy.
var delivery = regexp.MustCompile(`(mda|mta) delivery evpid=\S+ from=\S* to=<(.*?)> rcpt=<(.*?)> (?:user=(\S+))?`)

// load has smtpd read a table.
func (s *virtualSite) load(t *testing.T, table string) {
	t.Helper()
	s.write(t, "virtuals", table)
	if err := s.smtp.Renew(context.Background(), "smtpctl update table virtuals"); err != nil {
		t.Fatal(err)
	}
}

// ask returns the outcome of each address. A program runs as the user opensmtpd.
func (s *virtualSite) ask(t *testing.T, all []string) []outcome.Outcome {
	t.Helper()
	got, err := s.smtp.Outcomes(context.Background(), all)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(s.dir, "smtpd", "log"))
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string][]string{}
	for _, end := range delivery.FindAllStringSubmatch(string(log[s.read:]), -1) {
		to := mailaddr.Lower(end[4])
		if end[1] == "mta" {
			local, domain, _ := mailaddr.Split(end[2])
			to = local + "@" + mailaddr.Lower(domain)
		}
		ends[end[3]] = append(ends[end[3]], to)
	}
	s.read = len(log)
	for i := range got {
		if got[i].Taken {
			slices.Sort(ends[all[i]])
			got[i].Recipients = slices.Compact(ends[all[i]])
		}
	}
	return got
}

// deliver sends mail to some of the addresses that are taken, and adds their recipients.
func (s *virtualSite) deliver(t *testing.T, all []string, got []outcome.Outcome) {
	t.Helper()
	var some []string
	for i := 0; i < len(all); i += 2 {
		if got[i].Taken {
			some = append(some, all[i])
		}
	}
	for i, o := range s.ask(t, some) {
		got[slices.Index(all, some[i])] = o
	}
}

// imported imports the table of the site as a list.
func (s *virtualSite) imported() (mta.Imported, error) {
	from := mta.Lists{Host: siteHost, Account: isSiteAccount}
	for kind, name := range map[string]string{"opensmtpd": "virtuals", "domains": "domains"} {
		list, err := lists.ReadData(kind, filepath.Join(s.dir, name), os.ReadFile, nil)
		if err != nil {
			return nil, err
		}
		from.Lists = append(from.Lists, list)
	}
	return opensmtpd.Server.ImportLists(from)
}

// TestOpenSMTPDReadsTablesTheSame asks a real OpenSMTPD about generated tables of virtual
// addresses. The Router of the table says the same, and the inventory that is made of it
// does too, except where the proof has a reason.
func TestOpenSMTPDReadsTablesTheSame(t *testing.T) {
	s := newVirtualSite(t)
	taken, refused, differ := 0, 0, 0
	for seed := range uint64(peer.Campaign(40)) {
		table, locals := virtualTable(rand.New(rand.NewPCG(seed, 73)))
		table = strings.ReplaceAll(table, "DIR", s.dir)
		all := siteAddresses(locals)
		s.load(t, table)
		got, err := s.smtp.RCPT(all)
		if err != nil {
			t.Fatal(err)
		}
		if seed%4 == 0 { // a delivery takes a second
			s.deliver(t, all, got)
		}
		files, err := s.imported()
		if err != nil {
			t.Fatal(err)
		}
		for i, addr := range all {
			o, several := opensmtpd.RouteSource(files, isSiteAccount, addr)
			if o.Taken {
				taken++
			} else {
				refused++
			}
			if o.Taken && got[i].Recipients == nil { // no mail was sent
				o.Recipients = nil
			}
			if !sameAnswer(o, got[i]) && !(several && !o.Taken && !got[i].Taken) {
				t.Errorf("seed %d: %s is %d %s %q %q in OpenSMTPD, %d %s %q %q for the Router", seed, addr, got[i].Code, got[i].Status, got[i].Text, got[i].Recipients, o.Code, o.Status, o.Text, o.Recipients)
			}
		}
		if t.Failed() {
			t.Fatal(table)
		}
		differ += keepsTable(t, seed, table, files)
	}
	if t.Logf("%d taken, %d refused, %d differ in the inventory", taken, refused, differ); taken < 500 || refused < 500 {
		t.Error("too few are of a kind")
	}
}

// sameAnswer compares the answer of OpenSMTPD with that of the Router.
func sameAnswer(want, got outcome.Outcome) bool {
	if !want.Taken {
		return !got.Taken && got.Code == want.Code && got.Status == want.Status && got.Text == want.Text && got.NotOurs == want.NotOurs
	}
	recipients := slices.Clone(want.Recipients)
	for i, to := range recipients {
		if strings.HasPrefix(to, "|") {
			recipients[i] = "opensmtpd"
		}
	}
	slices.Sort(recipients)
	return got.Taken && slices.Equal(got.Recipients, slices.Compact(recipients))
}

// keepsTable makes an inventory of a table, builds it, and wants a reason for each outcome
// that differs.
func keepsTable(t *testing.T, seed uint64, table string, files mta.Imported) (differ int) {
	t.Helper()
	server, err := importer.New(opensmtpd.Server, files)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := server.Inventory("mail.yaml")
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, table)
	}
	next := t.TempDir()
	if err := building.WriteSet(context.Background(), opensmtpd.Server, inv.Source, next); err != nil {
		t.Fatal(err)
	}
	built, err := opensmtpd.Server.Open(mta.Place{Dir: next}, mta.Host{Name: siteHost, Account: server.Delivers})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := server.Prove(inv, built)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range proof.Found {
		if d.Why == "" {
			t.Fatalf("seed %d: %s is %v, and %v now, without a reason\n%s\n%s", seed, d.Address, d.Old, d.New, table, inv.Text)
		}
	}
	return len(proof.Found)
}
