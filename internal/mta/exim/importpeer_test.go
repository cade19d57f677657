package exim_test

import (
	"context"
	"fmt"
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
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/exim/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// siteHost is the name of the servers of these tests, and siteAccounts are their accounts.
const siteHost = "mx1.example.net"

var siteAccounts = []string{"ann", "bob", "carl", "info", "postmaster"}

func isSiteAccount(name string) bool { return slices.Contains(siteAccounts, name) }

// siteRecipe is a configuration with the router that docs/exim.md names, and with routers
// of Debian in a short form.
const siteRecipe = `primary_hostname = ` + siteHost + `
qualify_domain = ` + siteHost + `
keep_environment =
domainlist local_domains = @ : localhost : dsearch;DIR/virtual
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  require domains = +local_domains
    message = relay not permitted
  require verify = recipient
  accept
begin routers
virtual:
  driver = redirect
  domains = dsearch;DIR/virtual
  allow_fail
  allow_defer
  data = ${lookup{$local_part}lsearch*{DIR/virtual/$domain_data}}
  file_transport = address_file
  pipe_transport = address_pipe
  no_more
away:
  driver = manualroute
  domains = ! +local_domains
  transport = smtp
  route_list = * 192.0.2.1
  no_more
local_user:
  driver = accept
  domains = +local_domains
  local_parts = lsearch;DIR/accounts
  transport = box
begin transports
smtp:
  driver = smtp
box:
  driver = appendfile
  file = DIR/box
address_file:
  driver = appendfile
address_pipe:
  driver = pipe
`

// An eximSite is a folder with virtual domains.
type eximSite struct {
	dir     string
	domains []string
	keys    []string // local parts that a file lists
}

// eximItems are items of redirect data. DIR is the folder of the site, and D a domain.
var eximItems = []string{
	"ann", "bob", "Carl", "gone", `\ann`, `\info`, "info@D", "sales@D", "nobody@D", "ann@D", "ann@" + siteHost, "gone@" + siteHost, "ann@far.example", "Bob.X@Far.Example",
	"Ann Smith <ann@far.example>", "carl (the boss)", `"ann"`, `"a b"@far.example`, "/var/mail/shared", "|/bin/cat", `"|/bin/cat a, b"`, "#bob",
	":include:DIR/list", ":include:DIR/none", ":include:DIR/refuses", "x+y@far.example", "$local_part@far.example",
}

// eximAlone is redirect data that stands alone.
var eximAlone = []string{
	"", ":fail:", ":fail: gone for good", ":fail: 550 5.1.1 Ann left, (really): <x> 100%", ":fail: 551 5.1.6 moved", ":fail: 450 4.1.1 wrong class", ":fail:550 no blank",
	":fail: 554 no status", ":defer:", ":defer: being moved", ":defer: 450 4.2.1 later", ":defer: 421 4.3.2 soon", ":defer: 550 wrong class", ":blackhole:", ":unknown:",
	":FAIL: upper", "ann bob", "ann@", "@D", "ann; bob", "ann: bob", "ann, :fail: 550 in a list", "ann, :blackhole:", "ann, :unknown:", ":defer: x, ann", ",", "ann,,bob,",
}

// newEximSite writes a folder with everything that people write, and what Exim warns of.
func newEximSite(r *rand.Rand, dir string) (*eximSite, error) {
	one := func(words ...string) string { return words[r.IntN(len(words))] }
	s := &eximSite{dir: dir}
	for i := range 2 + r.IntN(4) {
		s.domains = append(s.domains, fmt.Sprintf("d%d.example", i))
	}
	if r.IntN(6) == 0 {
		s.domains = append(s.domains, siteHost)
	}
	files := map[string]string{
		"list": "# members\nann\n bob@far.example, Carl\n:include:" + dir + "/more\n", "more": "info@far.example\n", "refuses": "ann\n:fail: 550 no list\n", "accounts": strings.Join(siteAccounts, ": x\n") + ": x\n",
	}
	filled := func(text string) string {
		return strings.NewReplacer("DIR", dir, "D", one(s.domains...)).Replace(text)
	}
	for _, domain := range s.domains {
		var out strings.Builder
		for range 1 + r.IntN(9) {
			key := one("info", "Sales", "ann", "bob", "sales", "INFO", "old", "busy", "x.y", "a+b", "carl", `"j doe"`, "*", "*")
			data := filled(one(eximAlone...))
			if r.IntN(3) > 0 {
				data = filled(one(eximItems...))
				for range r.IntN(3) {
					data += one(",", ", ", " , ", ",\n\t", ",\n\n# between\n  ") + filled(one(eximItems...))
				}
			}
			out.WriteString(one("", "", "", "", "", "", "# about\n", "# more\n", "\n", "\n", " # goes on\n") + key + one(":", ": ", " : ", ":\t", " ") + data + one("", "", " ") + "\n")
			s.keys = append(s.keys, strings.ToLower(strings.Trim(key, `"*`)))
		}
		files["virtual/"+domain] = out.String()
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// addresses returns those that the files list, and near misses.
func (s *eximSite) addresses() (all []string) {
	slices.Sort(s.keys)
	for _, domain := range s.domains {
		for _, local := range slices.Compact(slices.Clone(s.keys)) {
			if local == "" || strings.Contains(local, " ") {
				continue
			}
			all = append(all, local+"@"+domain, strings.ToUpper(local)+"@"+domain, local+"+x@"+domain)
		}
		all = append(all, "nobody@"+domain, "root@"+strings.ToUpper(domain), "postmaster@"+domain, `"ann"@`+domain, `"j doe"@`+domain)
	}
	return append(all, "ann@"+siteHost, "gone@"+siteHost, "ann@localhost", "x@far.example")
}

// imported imports the folder as a list.
func (s *eximSite) imported() (mta.Imported, error) {
	names := func(dir string) (names []string, err error) {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names, err
	}
	list, err := lists.ReadData("exim-virtual", filepath.Join(s.dir, "virtual"), os.ReadFile, names)
	if err != nil {
		return nil, err
	}
	return exim.Server.ImportLists(mta.Lists{Host: siteHost, Account: isSiteAccount, Lists: []*lists.List{list}})
}

// exim returns the real Exim over the recipe.
func (s *eximSite) exim(root string) (*program.Exim, error) {
	folder := filepath.Join(s.dir, "exim")
	path := filepath.Join(s.dir, "recipe")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(siteRecipe, "DIR", s.dir)), 0o644); err != nil {
		return nil, err
	}
	of := program.Unpacked(root)
	site, err := of.Read(context.Background(), path)
	if err != nil {
		return nil, err
	}
	return program.New(context.Background(), program.Options{Root: of, Folder: folder, Host: siteHost, Site: site})
}

// endOf finds an end of mail in what exim -bt says.
var endOf = regexp.MustCompile(`(?m)^(\S.*?)(?: -> (.*?))?(   \[duplicate.*)?\n(?:    <-- .*\n)*  (?:router|transport) = `)

// marker is between two addresses of one exim -bt, which prints the fault that it has.
const (
	marker      = "marker@["
	markerFault = "syntax error: malformed domain literal\n"
)

// ends returns where mail for each address ends by exim -bt: at an account of the server, an
// address elsewhere, a file or a program.
func (s *eximSite) ends(t *testing.T, root string, all []string) map[string][]string {
	t.Helper()
	args := []string{"-C", filepath.Join(s.dir, "exim", "exim.conf"), "-bt", "--"}
	for _, addr := range all {
		args = append(args, addr, marker)
	}
	out, _, _ := peer.Try("", program.Unpacked(root).Exim, args...) // an address that is refused is an error
	blocks, ends := strings.Split(out, markerFault), map[string][]string{}
	if len(blocks) != len(all)+1 {
		t.Fatalf("exim -bt says %.1000q", out)
	}
	for i, addr := range all {
		for _, end := range endOf.FindAllStringSubmatch(blocks[i], -1) {
			ends[addr] = append(ends[addr], s.end(end[1], end[2]))
		}
		slices.Sort(ends[addr])
		ends[addr] = slices.Compact(ends[addr])
	}
	return ends
}

// end returns an end of mail. path is that of a file or a program.
func (s *eximSite) end(addr, path string) string {
	local, domain, _ := mailaddr.Split(addr)
	local, domain = strings.ReplaceAll(local, `"`, ""), mailaddr.Lower(domain)
	switch {
	case path != "":
		return path
	case slices.Contains(s.domains, domain) || domain == siteHost || domain == "localhost":
		return mailaddr.Lower(local)
	}
	return local + "@" + domain
}

// TestEximReadsVirtualDomainsTheSame asks a real Exim about generated folders of virtual
// domains. The Router of the files says the same, and the inventory that is made of them
// does too, except where the proof has a reason.
func TestEximReadsVirtualDomainsTheSame(t *testing.T) {
	root := peer.EximRoot(t)
	taken, refused, differ := 0, 0, 0
	for seed := range uint64(peer.Campaign(40)) {
		s, err := newEximSite(rand.New(rand.NewPCG(seed, 71)), peer.SafeDir(t))
		if err != nil {
			t.Fatal(err)
		}
		files, err := s.imported()
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.exim(root)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		all := s.addresses()
		got, err := e.RCPT(context.Background(), all)
		if err != nil {
			t.Fatal(err)
		}
		ends := s.ends(t, root, all)
		for i, addr := range all {
			o := exim.RouteSource(files, isSiteAccount, addr)
			if o.Taken {
				taken++
				got[i].Recipients = ends[addr]
			} else {
				refused++
			}
			if !sameAnswer(o, got[i]) {
				t.Errorf("seed %d: %s is %d %s %q %q in Exim, %d %s %q %q for the Router", seed, addr, got[i].Code, got[i].Status, got[i].Text, got[i].Recipients, o.Code, o.Status, o.Text, o.Recipients)
			}
		}
		if t.Failed() {
			t.Fatalf("%s", s.text())
		}
		differ += s.keeps(t, seed, files)
	}
	if t.Logf("%d taken, %d refused, %d differ in the inventory", taken, refused, differ); taken < 500 || refused < 500 {
		t.Error("too few are of a kind")
	}
}

// sameAnswer compares the answer of Exim with that of the Router. Mail that is thrown away has
// no end.
func sameAnswer(want, got outcome.Outcome) bool {
	if slices.Equal(want.Recipients, []string{":blackhole:"}) {
		want.Recipients = nil
	}
	if want.Taken || want.NotOurs {
		return got.Taken == want.Taken && slices.Equal(got.Recipients, want.Recipients)
	}
	return !got.Taken && got.Code == want.Code && got.Status == want.Status && got.Text == want.Text
}

// text returns the files of a site.
func (s *eximSite) text() string {
	var out strings.Builder
	for _, domain := range s.domains {
		text, _ := os.ReadFile(filepath.Join(s.dir, "virtual", domain))
		out.WriteString("== " + domain + "\n" + string(text))
	}
	return out.String()
}

// keeps makes an inventory of the files, builds it, and wants a reason for each outcome that
// differs.
func (s *eximSite) keeps(t *testing.T, seed uint64, files mta.Imported) (differ int) {
	t.Helper()
	server, err := importer.New(exim.Server, files)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := server.Inventory("mail.yaml")
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, s.text())
	}
	next := filepath.Join(s.dir, "new")
	if err := os.Mkdir(next, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := building.WriteSet(context.Background(), exim.Server, inv.Source, next); err != nil {
		t.Fatal(err)
	}
	built, err := exim.Server.Open(mta.Place{Dir: next}, mta.Host{Name: siteHost, Account: server.Delivers})
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	proof, err := server.Prove(inv, built)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range proof.Found {
		if d.Why == "" {
			t.Fatalf("seed %d: %s is %v, and %v now, without a reason\n%s\n%s", seed, d.Address, d.Old, d.New, s.text(), inv.Text)
		}
	}
	return len(proof.Found)
}
