package postfix_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
	"virtmap/inventory"
)

const shop = `version: 1
host: {name: mx1.shop.test, server: postfix, map: texthash, mail_dir: /etc/postfix}
users:
  andrei:
  bea: {mailbox: /srv/mail/bea, uid: 1002, gid: 1002}
domains:
  a.test: {addresses: {info: andrei, box: bea, old: {reject: "Ann left"}, later: {defer: "being moved"}, team: {to: [andrei, bea], bounces_to: andrei}, root: andrei}}
  backup.test: {role: backup}
`

// shopBuild returns the build of an inventory.
func shopBuild(t testing.TB, text string) postfix.Build {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	b := postfix.Compile(m, faults)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	return b
}

// shopMain returns a main.cf with the lines of a build, without those that begin with one
// of some names.
func shopMain(b postfix.Build, without ...string) string {
	var text strings.Builder
	text.WriteString("compatibility_level = 3.6\nmyhostname = mx1.shop.test\n")
lines:
	for _, line := range b.Lines() {
		for _, name := range without {
			if line.Name == name {
				continue lines
			}
		}
		text.WriteString(line.Name + " = " + line.Value + "\n")
	}
	return text.String()
}

// shopFolder writes the files of a build, a main.cf and more files into a folder.
func shopFolder(t testing.TB, b postfix.Build, files map[string]string) string {
	t.Helper()
	dir := peer.SafeDir(t)
	for i, text := range b.Texts() {
		if !text.Unused {
			files[postfix.Files[i].Name] = string(text.Bytes)
		}
	}
	past := time.Now().Add(-time.Minute) // Postfix waits until a text is a second old
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A situation is a setting of a site beside the lines of a build.
type situation struct {
	main, master string
	table        string // the file site of the folder
	gap, advice  string // a part of what is said
	write        string // a part of the line to write
	differs      string // an address for which a running Postfix does something else; empty: it does the same for all
}

var situations = map[string]situation{
	"a domain in mydestination":         {main: "mydestination = $myhostname, localhost, a.test", gap: "mydestination has a.test", write: "mydestination = $myhostname, localhost", differs: "nobody@a.test"},
	"a domain by $mydomain":             {main: "mydomain = a.test\nmydestination = $myhostname, $mydomain", gap: "mydestination has a.test", write: "mydestination = $myhostname", differs: "nobody@a.test"},
	"a domain in a table":               {main: "mydestination = $myhostname texthash:/etc/postfix/site", table: "a.test x\n", gap: `mydestination has a.test by "texthash`, write: "mydestination = $myhostname", differs: "nobody@a.test"},
	"a domain in a file":                {main: "mydestination = $myhostname /etc/postfix/site", table: "# ours\nb.test\na.test\n", gap: `mydestination has a.test by "/etc/postfix/site"`, write: "mydestination = $myhostname", differs: "nobody@a.test"},
	"a backup domain in mydestination":  {main: "mydestination = $myhostname, backup.test", gap: "mydestination has backup.test", write: "mydestination = $myhostname", differs: "any@backup.test"},
	"the host is not local":             {main: "mydestination = localhost", gap: "mydestination does not have mx1.shop.test", write: "mydestination = localhost, mx1.shop.test", differs: "info@a.test"},
	"a domain is also a mailbox domain": {main: "virtual_mailbox_domains = mailbox.virtmap.invalid, a.test", advice: "a.test is in virtual_alias_domains"},
	"a parent is a relay domain":        {main: "relay_domains = texthash:/etc/postfix/virtmap-relay, a.test", advice: "a.test is in virtual_alias_domains"},
	"myorigin is a virtual domain":      {main: "myorigin = a.test", advice: "myorigin is a.test, a domain of the inventory", write: "myorigin = $myhostname"},
	"myorigin is not local":             {main: "myorigin = shop.test", advice: "myorigin is shop.test, which is not in mydestination", write: "myorigin = $myhostname"},
	"another delimiter":                 {main: "recipient_delimiter = -", gap: "recipient_delimiter is", write: "recipient_delimiter = +", differs: "info+x@a.test"},
	"details are propagated":            {main: "propagate_unmatched_extensions = canonical, virtual", gap: "propagate_unmatched_extensions has virtual", write: "propagate_unmatched_extensions = canonical", differs: "info+x@a.test"},
	"a row of the site comes first":     {main: "virtual_alias_maps = texthash:/etc/postfix/site, texthash:/etc/postfix/virtmap-virtual", table: "info@a.test nobody\n", gap: "before texthash:/etc/postfix/virtmap-virtual, and it has info@a.test", write: "virtual_alias_maps = texthash:/etc/postfix/virtmap-virtual, texthash:/etc/postfix/site", differs: "info@a.test"},
	"a bare key":                        {main: "virtual_alias_maps = texthash:/etc/postfix/virtmap-virtual, texthash:/etc/postfix/site", table: "andrei nobody\n", advice: `"andrei" without a domain`, differs: "info@a.test"},
	"canonical_maps":                    {main: "canonical_maps = texthash:/etc/postfix/site", table: "info@a.test nobody@mx1.shop.test\n", advice: "canonical_maps has info@a.test", differs: "info@a.test"},
	"recipient_canonical_maps":          {main: "recipient_canonical_maps = texthash:/etc/postfix/site", table: "info@a.test nobody@mx1.shop.test\n", advice: "recipient_canonical_maps has info@a.test", differs: "info@a.test"},
	"relocated_maps":                    {main: "relocated_maps = texthash:/etc/postfix/site", table: "info@a.test elsewhere\n", advice: "relocated_maps has info@a.test"},
	"transport_maps":                    {main: "transport_maps = texthash:/etc/postfix/virtmap-transport, texthash:/etc/postfix/site", table: "mx1.shop.test discard:\n", advice: "transport_maps has mx1.shop.test", differs: "info@a.test"},
	"soft_bounce":                       {main: "soft_bounce = yes", advice: "soft_bounce is", write: "soft_bounce = no", differs: "old@a.test"},
	"another code for the unknown":      {main: "unknown_virtual_alias_reject_code = 551", advice: "unknown_virtual_alias_reject_code is", write: "= 550", differs: "unknown@a.test"},
	"the unknown are taken":             {main: "smtpd_reject_unlisted_recipient = no", advice: "smtpd_reject_unlisted_recipient is", write: "= yes", differs: "unknown@a.test"},
	"no local recipients":               {main: "local_recipient_maps =", advice: "local_recipient_maps is", write: "local_recipient_maps = proxy:", differs: "unknown@mx1.shop.test"},
	"a hidden catch-all":                {main: "local_recipient_maps =\nluser_relay = andrei", advice: "luser_relay takes", write: "luser_relay =", differs: "unknown@mx1.shop.test"},
	"append_at_myorigin":                {main: "append_at_myorigin = no", advice: "append_at_myorigin is", write: "= yes"},
	"append_dot_mydomain":               {main: "append_dot_mydomain = yes", advice: "append_dot_mydomain is", write: "= no"},
	"an old level":                      {main: "compatibility_level = 1", advice: "compatibility_level is below 2", write: "= 3.6"},
	"addresses are not mapped":          {main: "receive_override_options = no_address_mappings", advice: "are not looked up", write: "receive_override_options ="},
	"no list refuses other domains":     {main: "smtpd_relay_restrictions = permit_mynetworks", gap: "no restriction refuses mail for other domains", write: "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"},
	"permit before the check":           {main: "smtpd_recipient_restrictions = reject_unauth_destination, permit, check_recipient_access texthash:/etc/postfix/virtmap-access, check_recipient_access regexp:/etc/postfix/virtmap-access-detail", gap: `has "permit" before`, write: "smtpd_recipient_restrictions = check_recipient_access", differs: "old@a.test"},
	"clients of the site first":         {main: "smtpd_recipient_restrictions = permit_mynetworks, check_recipient_access texthash:/etc/postfix/virtmap-access, check_recipient_access regexp:/etc/postfix/virtmap-access-detail", advice: `has "permit_mynetworks" before`, write: "smtpd_recipient_restrictions = check_recipient_access"},
	"the check in another list":         {main: "smtpd_recipient_restrictions =\nsmtpd_sender_restrictions = check_recipient_access texthash:/etc/postfix/virtmap-access\nsmtpd_delay_reject = no", gap: "smtpd_recipient_restrictions does not have", advice: "with smtpd_delay_reject = no is never asked", write: "check_recipient_access", differs: "old@a.test"},
	"a service without the check":       {master: "smtp inet n - n - - smtpd -o smtpd_recipient_restrictions=reject_unauth_destination\n", gap: "-o smtpd_recipient_restrictions=", write: "smtp inet", differs: "old@a.test"},
	"submission without the check":      {master: "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject\n", advice: "the service submission has"},
	"submission by a path":              {master: "smtp inet n - n - - smtpd\nsubmission inet n - n - - ./smtpd -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject\n", advice: "the service submission has"},
	"cleanup by a path":                 {master: "smtp inet n - n - - smtpd\ncleanup unix n - n - 0 ./cleanup -o virtual_alias_maps=\n", gap: "the service cleanup has -o virtual_alias_maps=", differs: "info@a.test"},
	"a service with relay restrictions": {master: "smtp inet n - n - - smtpd -o smtpd_relay_restrictions=permit_mynetworks,defer_unauth_destination\n", advice: "-o smtpd_relay_restrictions="},
	"a service maps no addresses":       {master: "smtp inet n - n - - smtpd -o receive_override_options=no_address_mappings\n", advice: "-o receive_override_options=no_address_mappings"},
	"a filter brings mail back":         {main: "content_filter = amavis:[127.0.0.1]:10024", master: "smtp inet n - n - - smtpd -o receive_override_options=no_address_mappings\n127.0.0.1:10025 inet n - n - - smtpd -o smtpd_recipient_restrictions=permit_mynetworks,reject -o content_filter=\n"},
	"relay_recipient_maps":              {main: "relay_recipient_maps = texthash:/etc/postfix/site", table: "known@backup.test x\n", advice: "relay_recipient_maps is", differs: "any@backup.test"},
	"another server for mailboxes":      {main: "virtual_transport = lmtp:unix:private/lmtp", advice: "virtual_transport is", write: "virtual_transport = virtual"},
	"cleanup without virtual aliases":   {master: "smtp inet n - n - - smtpd\ncleanup unix n - n - 0 cleanup -o virtual_alias_maps=\n", gap: "the service cleanup has -o virtual_alias_maps="},
}

// said returns the gaps and the advice for a folder.
func said(t *testing.T, b postfix.Build, dir string) (gaps []mta.Gap, audit []mta.Complaint) {
	t.Helper()
	c, err := postfix.Server.Conf(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	audit, err = postfix.Server.Audit(mta.Audited{Dir: dir, Build: b, Owner: -1, Account: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	return c.Reading(b, dir, time.Time{}, mta.Remembered{}).Gaps, audit
}

func TestSettingsThatChangeWhatIsPromised(t *testing.T) {
	b := shopBuild(t, shop)
	dir := shopFolder(t, b, map[string]string{"main.cf": shopMain(b), "master.cf": "smtp inet n - n - - smtpd\n"})
	if gaps, audit := said(t, b, dir); len(gaps) > 0 || len(audit) > 0 {
		t.Fatalf("without any setting of a site: %v, %v", gaps, audit)
	}
	for name, s := range situations {
		dir := shopFolder(t, b, s.files(b))
		gaps, audit := said(t, b, dir)
		found := s.gap == "" && len(gaps) == 0
		written := s.write == ""
		for _, g := range gaps {
			found = found || s.gap != "" && strings.Contains(g.What, s.gap)
			written = written || strings.Contains(g.Write, s.write)
		}
		advised := s.advice == "" && (s.gap != "" || len(audit) == 0)
		for _, c := range audit {
			advised = advised || s.advice != "" && strings.Contains(c.Text, s.advice)
			written = written || strings.Contains(c.Mend, s.write)
		}
		if !found || !advised || !written {
			t.Errorf("%s: found %t, advised %t, written %t\n%v\n%v", name, found, advised, written, gaps, audit)
		}
	}
}

// files returns the files of the site.
func (s situation) files(b postfix.Build) map[string]string {
	var names []string
	for line := range strings.Lines(s.main) {
		name, _, _ := strings.Cut(line, " =")
		names = append(names, name)
	}
	return map[string]string{"main.cf": shopMain(b, names...) + s.main + "\n", "master.cf": s.master, "site": s.table}
}

// TestARunningPostfixShowsWhatASettingChanges compares what a Postfix with the setting of a
// site does with the promise of the build.
func TestARunningPostfixShowsWhatASettingChanges(t *testing.T) {
	peer.Root(t)
	root := program.Unpacked(peer.PostfixRoot(t))
	b := shopBuild(t, shop)
	judgeable := map[string]situation{"nothing": {}}
	for name, s := range situations {
		if s.differs != "" {
			judgeable[name] = s
		}
	}
	addrs := []string{"info@a.test", "info+x@a.test", "old@a.test", "nobody@a.test", "unknown@a.test", "unknown@mx1.shop.test", "any@backup.test"}
	judged := 0
	for name, s := range judgeable {
		t.Run(name, func(t *testing.T) {
			got := outcomesOf(t, root, b, s, addrs)
			set := b.Set()
			for i, addr := range addrs {
				want, _ := set.Route(addr)
				if same := got[i].Keeps(want); !same && addr != s.differs && s.differs == "" || same && addr == s.differs {
					t.Errorf("%s is %+v, promised is %+v", addr, got[i], want)
				}
			}
			judged++
		})
	}
	if judged < 15 {
		t.Errorf("only %d situations were judged", judged)
	}
}

// outcomesOf asks an instance with the files of a situation.
func outcomesOf(t *testing.T, root program.Root, b postfix.Build, s situation, addrs []string) []outcome.Outcome {
	t.Helper()
	dir := shopFolder(t, b, s.files(b))
	main, err := os.ReadFile(filepath.Join(dir, "main.cf"))
	if err != nil {
		t.Fatal(err)
	}
	o := program.Options{Root: root, Folder: filepath.Join(dir, "instance"), Main: main, Accounts: []string{"andrei", "bea"},
		Move:    func(path string) string { return strings.Replace(path, "/etc/postfix/", dir+"/", 1) },
		Mailbox: func(string) string { return "/srv/mail/bea" }}
	if s.master != "" {
		o.Master = []byte(s.master)
	}
	p, err := program.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := p.Outcomes(t.Context(), addrs)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
