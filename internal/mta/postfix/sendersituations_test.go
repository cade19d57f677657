package postfix_test

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// usualServices is a master.cf with a service at which users log in.
const usualServices = "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes\n"

// senderSituations are settings of a site beside the lines of a build about senders. differs
// says who of bea from fake@a.test, andrei from other@a.test and andrei from fake@a.test may
// send at a running Postfix; empty: only the last, as the inventory says.
var senderSituations = map[string]situation{
	"nothing":                           {master: usualServices},
	"users log in everywhere":           {main: "smtpd_sasl_auth_enable = yes", master: "smtp inet n - n - - smtpd\n"},
	"nobody logs in":                    {master: "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n", advice: "no service lets users log in", write: "smtpd_sasl_auth_enable = yes"},
	"no restriction":                    {main: "smtpd_sender_restrictions =", master: usualServices, gap: `smtpd_sender_restrictions does not have "reject_auth`, write: "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch", differs: "yes yes yes"},
	"the stricter restriction":          {main: "smtpd_sender_restrictions = reject_sender_login_mismatch", master: usualServices},
	"the restriction of known senders":  {main: "smtpd_sender_restrictions = reject_known_sender_login_mismatch", master: usualServices, gap: "does not have"},
	"a warning":                         {main: "smtpd_sender_restrictions = warn_if_reject reject_authenticated_sender_login_mismatch", master: usualServices, gap: "does not have", differs: "yes yes yes"},
	"permit before it":                  {main: "smtpd_sender_restrictions = permit_sasl_authenticated, reject_authenticated_sender_login_mismatch", master: usualServices, gap: `has "permit_sasl_authenticated" before`, write: "smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch", differs: "yes yes yes"},
	"a class of restrictions":           {main: "smtpd_restriction_classes = own\nown = reject_unknown_sender_domain, reject_authenticated_sender_login_mismatch\nsmtpd_sender_restrictions = own", master: usualServices},
	"no table":                          {main: "smtpd_sender_login_maps =", master: usualServices, gap: "smtpd_sender_login_maps does not name texthash:/etc/postfix/virtmap-senders", differs: "no no no"},
	"another table first":               {main: "smtpd_sender_login_maps = texthash:/etc/postfix/site, texthash:/etc/postfix/virtmap-senders", table: "fake@a.test bea\n", master: usualServices, gap: "and it has fake@a.test too", write: "smtpd_sender_login_maps = texthash:/etc/postfix/virtmap-senders, texthash:/etc/postfix/site", differs: "yes no no"},
	"an own row for another address":    {main: "smtpd_sender_login_maps = texthash:/etc/postfix/virtmap-senders, texthash:/etc/postfix/site", table: "other@a.test andrei\nx@far.example andrei\n", master: usualServices, advice: "has other@a.test, a row that the inventory does not have", differs: "no yes yes"},
	"rows for other domains":            {main: "smtpd_sender_login_maps = texthash:/etc/postfix/virtmap-senders, texthash:/etc/postfix/site", table: "x@far.example andrei\n@b.example bea\n", master: usualServices},
	"submission as Debian has it":       {master: usualServices + " -o smtpd_sender_restrictions=$mua_sender_restrictions\n", gap: "the service submission has -o smtpd_sender_restrictions=$mua_sender_restrictions", write: "without -o smtpd_sender_restrictions=", differs: "yes yes yes"},
	"submission with its own list":      {main: "mua = reject_authenticated_sender_login_mismatch", master: usualServices + " -o smtpd_sender_restrictions=$mua\n"},
	"submission alone has it":           {main: "smtpd_sender_restrictions =", master: usualServices + " -o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch\n"},
	"submission with another table":     {master: usualServices + " -o smtpd_sender_login_maps=texthash:/etc/postfix/site\n", table: "fake@a.test bea\n", gap: "the service submission has -o smtpd_sender_login_maps=", differs: "yes no no"},
	"port 25 without it":                {master: "smtp inet n - n - - smtpd -o smtpd_sender_restrictions=\nsubmission inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes\n"},
	"logins have a realm":               {main: "smtpd_sasl_local_domain = $myhostname", master: usualServices, advice: "log in as user@mx1.shop.test", write: "smtpd_sasl_local_domain ="},
	"a realm that Dovecot passes over":  {main: "smtpd_sasl_local_domain = $myhostname\nsmtpd_sasl_type = dovecot", master: usualServices},
	"only the envelope":                 {main: "sender_canonical_classes = envelope_sender", master: usualServices, advice: "sends_as needs both", write: "sender_canonical_classes = envelope_sender, header_sender"},
	"no table of senders":               {main: "sender_canonical_maps =", master: usualServices, gap: "sender_canonical_maps does not name"},
	"another sender first":              {main: "sender_canonical_maps = texthash:/etc/postfix/site, texthash:/etc/postfix/virtmap-sender-canonical", table: "andrei x@a.test\n", master: usualServices, gap: "and it has andrei too"},
	"canonical_maps changes it again":   {main: "canonical_maps = texthash:/etc/postfix/site", table: "fake@a.test x@b.example\n", master: usualServices, advice: "once more"},
	"smtp_generic_maps changes it":      {main: "smtp_generic_maps = texthash:/etc/postfix/site", table: "@a.test x@b.example\n", master: usualServices, advice: "once more"},
	"masquerade_domains shortens it":    {main: "masquerade_domains = test", master: usualServices, advice: "masquerade_domains makes test of a.test", write: "masquerade_domains = !a.test, test"},
	"masquerade_domains with exception": {main: "masquerade_domains = !a.test test", master: usualServices},
}

func TestSettingsThatChangeWhoMaySend(t *testing.T) {
	b := shopBuild(t, sending)
	for name, s := range senderSituations {
		gaps, audit := said(t, b, shopFolder(t, b, s.files(b)))
		var what, writes []string
		for _, g := range gaps {
			what, writes = append(what, g.What), append(writes, g.Write)
		}
		for _, c := range audit {
			what, writes = append(what, c.Text), append(writes, c.Mend)
		}
		has := func(all []string, part string) bool {
			return slices.ContainsFunc(all, func(text string) bool { return strings.Contains(text, part) })
		}
		quiet := s.gap == "" && s.advice == ""
		if quiet != (len(what) == 0) || (len(gaps) > 0) != (s.gap != "") || !quiet && !has(what, s.gap+s.advice) || s.write != "" && !has(writes, s.write) {
			t.Errorf("%s: gaps %v, complaints %v", name, gaps, audit)
		}
	}
}

// TestARunningPostfixShowsWhoMaySend compares what a Postfix with the setting of a site says to
// two logins with the inventory, and with the files as they are read.
func TestARunningPostfixShowsWhoMaySend(t *testing.T) {
	peer.Root(t)
	root := program.Unpacked(peer.PostfixRoot(t))
	b := shopBuild(t, strings.Replace(sending, "catch_all: bea", "catch_all: reject", 1))
	logins := []outcome.Login{{User: "bea", From: "fake@a.test"}, {User: "andrei", From: "other@a.test"}, {User: "andrei", From: "fake@a.test"}}
	for name, s := range senderSituations {
		t.Run(name, func(t *testing.T) {
			files := s.files(b)
			dir := shopFolder(t, b, files)
			p, err := program.Start(t.Context(), program.Options{Root: root, Folder: dir + "/instance", Main: []byte(files["main.cf"]), Master: []byte(s.master), Logins: true,
				Accounts: []string{"andrei", "bea"}, Move: func(path string) string { return strings.Replace(path, "/etc/postfix/", dir+"/", 1) }})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			got, err := p.Logins(t.Context(), logins)
			if err != nil {
				t.Fatal(err)
			}
			set := opened(t, dir).(mta.Sending)
			want := strings.Fields(cmp.Or(s.differs, "no no yes"))
			for i, l := range logins {
				if got[i].Taken != (want[i] == "yes") {
					t.Errorf("%s from %s is %+v", l.User, l.From, got[i])
				}
				if routed, steps := set.Sends(l.User, l.From); routed.Taken != got[i].Taken {
					t.Errorf("%s from %s is %+v, and as the files are read %+v: %+v", l.User, l.From, got[i], routed, steps)
				}
			}
		})
	}
}

// TestATableOfSendersThatIsNotAskedForWaits: without rows it would refuse every login.
func TestATableOfSendersThatIsNotAskedForWaits(t *testing.T) {
	with := shopBuild(t, sending)
	without := shopBuild(t, strings.Replace(sending, "authorise: yes", "authorise: no", 1))
	mains := map[string]string{"main.cf": shopMain(with), "its -o": shopMain(without), "neither": shopMain(without)}
	for where, main := range mains {
		master := usualServices
		if where == "its -o" {
			master += " -o smtpd_sender_login_maps=texthash:/etc/postfix/virtmap-senders\n"
		}
		dir := shopFolder(t, with, map[string]string{"main.cf": main, "master.cf": master})
		r := reading(t, without, dir, time.Time{}, mta.Remembered{})
		named := where != "neither"
		if got := waiting(r); slices.Contains(got, "virtmap-senders") != named || (len(r.Gaps) > 0) != named {
			t.Errorf("named by %s: %q wait, and the gaps are %v", where, got, r.Gaps)
		}
		steps := strings.Join(r.Steps(), "\n")
		if where == "main.cf" && (!strings.Contains(r.Gaps[0].What, "no longer has submission") || r.Gaps[0].Line == 0 ||
			!strings.Contains(steps, "\n  smtpd_sender_restrictions =\n") || !strings.Contains(steps, "\n  smtpd_sender_login_maps =\n")) {
			t.Errorf("the gaps are %+v, the steps\n%s", r.Gaps, steps)
		}
		if got := waiting(reading(t, with, dir, time.Time{}, mta.Remembered{})); slices.Contains(got, "virtmap-senders") {
			t.Errorf("named by %s and asked for, %q wait", where, got)
		}
	}
}

// TestARollbackToNoSendersIsRefused: main.cf names a table of which the generation has no rows.
func TestARollbackToNoSendersIsRefused(t *testing.T) {
	b := shopBuild(t, sending)
	for _, test := range []struct {
		it, main string
		content  map[string]string
		want     string
	}{
		{"with rows", shopMain(b), map[string]string{"virtmap-senders": "@a.test\tnone\n"}, ""},
		{"without the file", shopMain(b), nil, "virtmap-senders"},
		{"without rows", shopMain(b), map[string]string{"virtmap-senders": "# Senders\n"}, "virtmap-senders"},
		{"that main.cf does not name", shopMain(b, "smtpd_sender_login_maps"), nil, ""},
	} {
		dir := shopFolder(t, b, map[string]string{})
		if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte(strings.ReplaceAll(test.main, "/etc/postfix/", dir+"/")), 0o644); err != nil {
			t.Fatal(err)
		}
		k := mta.Kept{Dir: dir, Started: func(mta.Conf, mta.Remembered) time.Time { return time.Time{} }, Content: func(name string) ([]byte, error) {
			if text, ok := test.content[name]; ok || name == "virtmap-virtual" {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}}
		unread, err := postfix.Server.Unread(k)
		got := ""
		if unread != nil {
			got = unread.File
		}
		if got != test.want || err != nil {
			t.Errorf("a generation %s: %q, %v, want %q", test.it, got, err, test.want)
		}
	}
}
