package mcfile

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/workshop/peer"
)

var ours = Settings{MailDir: "/etc/mail", Map: "hash"}

func edited(t testing.TB, text string, s Settings) (string, string) {
	t.Helper()
	var sources diag.Sources
	src, _ := sources.Add("sendmail.mc", text)
	var faults diag.List
	result := Edit(src, s, &faults)
	var out strings.Builder
	if err := (diag.Printer{Sources: &sources}).Print(&out, &faults); err != nil {
		t.Fatal(err)
	}
	return result, out.String()
}

const fullBlock = blockBegin + "FEATURE(`use_cw_file')dnl\nFEATURE(`virtusertable', `hash /etc/mail/virtusertable')dnl\n" +
	"LOCAL_CONFIG\nO AliasFile=/etc/mail/virtmap-aliases\ndivert(0)dnl\n" + blockEnd

func TestEdit(t *testing.T) {
	const head, mailers = "divert(0)dnl\nOSTYPE(`linux')dnl\n", "MAILER(`local')dnl\nMAILER(`smtp')dnl\n"
	table := "FEATURE(`virtusertable', `hash /etc/mail/virtusertable')dnl\n"
	aliases := "LOCAL_CONFIG\nO AliasFile=/etc/mail/virtmap-aliases\ndivert(0)dnl\n"
	tests := []struct {
		it, text, want string
		faults         []string
	}{
		{"puts the block before the first MAILER", head + mailers, head + fullBlock + mailers, nil},
		{"finds nothing to do the second time", head + fullBlock + mailers, head + fullBlock + mailers, nil},
		{"mends a block that was edited", head + blockBegin + "FEATURE(`x')\n" + blockEnd + mailers, head + fullBlock + mailers, nil},
		{"moves a block before the first MAILER", head + mailers + fullBlock, head + fullBlock + mailers, nil},
		{"stands before MAILER_DEFINITIONS", head + "MAILER_DEFINITIONS\n" + mailers, head + fullBlock + "MAILER_DEFINITIONS\n" + mailers, nil},
		{"takes lines over", head + "FEATURE(use_cw_file)\n" + table + mailers,
			head + "FEATURE(use_cw_file)\n" + table + blockBegin + aliases + blockEnd + mailers, nil},
		{"needs no block where all is there", head + "FEATURE(`use_cw_file')dnl\n" + table + aliases + mailers,
			head + "FEATURE(`use_cw_file')dnl\n" + table + aliases + mailers, nil},
		{"needs no block where virtmap.mc is included", head + fullBlock + "include(`/etc/mail/virtmap.mc')dnl\n" + mailers,
			head + "include(`/etc/mail/virtmap.mc')dnl\n" + mailers, nil},
		{"looks for other tables beside the include", head + "include(`/etc/mail/virtmap.mc')dnl\nFEATURE(`virtusertable', `hash /etc/mail/other')dnl\n" + mailers, "", []string{"error[VM061]"}},
		{"refuses a genericstable beside a signing milter", head + "FEATURE(`genericstable')dnl\nINPUT_MAIL_FILTER(`opendkim', `S=inet:8891@127.0.0.1')dnl\n" + mailers, "",
			[]string{"sendmail.mc:3:1: error[VM065]: mail is signed by opendkim before the genericstable rewrites it", "help: rewrite in submit.mc"}},
		{"takes a milter that does not sign", head + "FEATURE(`genericstable')dnl\nINPUT_MAIL_FILTER(`clamav', `S=local:/run/clamav')dnl\n" + mailers, "", nil},
		{"refuses an include behind MAILER", head + mailers + "include(`/etc/mail/virtmap.mc')dnl\n", "", []string{"error[VM062]: this include stands behind a MAILER"}},
		{"does not see comments and quotes", head + "dnl " + table + "# FEATURE(`use_cw_file')\nifdef(`x', `" + table + "')\n" + mailers,
			head + "dnl " + table + "# FEATURE(`use_cw_file')\nifdef(`x', `" + table + "')\n" + fullBlock + mailers, nil},
		{"takes the default table over", head + "FEATURE(`virtusertable')dnl\n" + mailers,
			head + "FEATURE(`virtusertable')dnl\n" + blockBegin + "FEATURE(`use_cw_file')dnl\n" + aliases + blockEnd + mailers, nil},
		{"warns of -o", head + "FEATURE(`virtusertable',`hash -o /etc/mail/virtusertable.db')dnl\n" + mailers,
			head + "FEATURE(`virtusertable',`hash -o /etc/mail/virtusertable.db')dnl\n" + blockBegin + "FEATURE(`use_cw_file')dnl\n" + aliases + blockEnd + mailers,
			[]string{"sendmail.mc:3:1: warning[VM063]", "help: change the line to: FEATURE(`virtusertable', `hash /etc/mail/virtusertable')dnl"}},
		{"refuses another path", head + "FEATURE(`virtusertable', `hash /etc/mail/vtable')dnl\n" + mailers, "",
			[]string{`sendmail.mc:3:1: error[VM061]: this names another table: "hash /etc/mail/vtable"`, "help: change the line to: FEATURE"}},
		{"refuses another type", head + "FEATURE(`virtusertable', `dbm /etc/mail/virtusertable')dnl\n" + mailers, "", []string{"error[VM061]"}},
		{"refuses another file for class w", head + "define(`confCW_FILE', `/etc/mail/cw')dnl\n" + mailers, "",
			[]string{"error[VM061]", "define(`confCW_FILE', `/etc/mail/local-host-names')dnl"}},
		{"refuses a FEATURE behind MAILER", head + mailers + table, "", []string{"sendmail.mc:5:1: error[VM062]"}},
		{"refuses a file without MAILER", head, head, []string{"error[VM060]: there is no MAILER line"}},
		{"refuses a block without its end", head + blockBegin + mailers, head + blockBegin + mailers, []string{"error[VM060]: the beginning"}},
		{"refuses an end without its block", head + blockEnd + mailers, head + blockEnd + mailers, []string{"error[VM060]: the end"}},
		{"refuses two blocks", head + fullBlock + fullBlock + mailers, "", []string{"error[VM060]: a second block"}},
	}
	for _, tt := range tests {
		got, faults := edited(t, tt.text, ours)
		if tt.want != "" && got != tt.want {
			t.Errorf("it %s: got\n%s", tt.it, got)
		}
		if (faults == "") != (len(tt.faults) == 0) {
			t.Errorf("it %s: %s", tt.it, faults)
		}
		for _, want := range tt.faults {
			if !strings.Contains(faults, want) {
				t.Errorf("it %s: %q is missing in\n%s", tt.it, want, faults)
			}
		}
	}
}

// shapes are the sendmail.mc files of several systems, and that of this machine when it
// is a Debian with sendmail.
func shapes(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob("testdata/*.mc")
	if err != nil || len(files) == 0 {
		t.Fatal("no .mc files in testdata")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = string(text)
	}
	text, err := os.ReadFile("/etc/mail/sendmail.mc")
	if err == nil {
		_, err = os.ReadFile("/etc/mail/m4/dialup.m4") // the file includes it, and only root can read it
	}
	if err != nil {
		peer.Lack(t, "Debian's /etc/mail/sendmail.mc cannot be read: %v", err)
		return all
	}
	all["debian"] = string(text)
	return all
}

// TestM4 makes a sendmail.cf from each shape and looks for our lines.
func TestM4(t *testing.T) {
	m4 := peer.Find(t, "m4")
	for name, text := range shapes(t) {
		for _, s := range []Settings{ours, {MailDir: "/etc/mail", Map: "hash", Relay: true}, {MailDir: "/srv/mail", Map: "cdb", Relay: true}, {MailDir: "/etc/mail", Map: "text"}} {
			if strings.Contains(text, "virtusertable") && s.MapSpec() != ours.MapSpec() {
				continue // the shape has a line for the hash table
			}
			result, faults := edited(t, text, s)
			if strings.Contains(faults, "error") {
				t.Fatalf("%s: %s", name, faults)
			}
			again, _ := edited(t, result, s)
			if again != result {
				t.Errorf("%s: a second edit changes it again", name)
			}
			out, errOut, err := peer.Try(result, m4, "-")
			if err != nil || strings.Contains(errOut, "***") {
				t.Fatalf("%s: m4: %v\n%s", name, err, errOut)
			}
			checkCF(t, name, out, s)
		}
	}
}

func checkCF(t *testing.T, name, cf string, s Settings) {
	t.Helper()
	wanted := []string{
		`(?m)^Kvirtuser ` + s.Map + `\b.* ` + s.MailDir + `/virtusertable(\.db)?$`,
		`(?m)^Fw(-o )?` + s.MailDir + `/local-host-names`,
		`(?m)^O AliasFile=` + regexp.QuoteMeta(s.AliasSpec()) + `$`,
		`(?m)^O AliasFile=(/etc/mail/aliases|/etc/aliases)`,
	}
	if s.Relay {
		wanted = append(wanted, `(?m)^F\{R\}`+s.MailDir+`/virtmap-relay-domains$`)
	}
	for _, want := range wanted {
		if n := len(regexp.MustCompile(want).FindAllString(cf, -1)); n != 1 {
			t.Errorf("%s: %d lines match %s", name, n, want)
		}
	}
	if n := strings.Count(cf, "\nKvirtuser "); n != 1 {
		t.Errorf("%s: %d K lines for virtuser", name, n)
	}
}

// TestInclude includes virtmap.mc in each shape.
func TestInclude(t *testing.T) {
	dir := t.TempDir()
	m4 := peer.Find(t, "m4")
	for name, text := range shapes(t) {
		if strings.Contains(text, "virtusertable") {
			continue
		}
		s := Settings{MailDir: dir, Map: "hash", Relay: true}
		if err := os.WriteFile(filepath.Join(dir, Include), Text(s, "mail.yaml"), 0o644); err != nil {
			t.Fatal(err)
		}
		at := strings.Index(text, "\nMAILER") + 1
		out, errOut, err := peer.Try(text[:at]+"include(`"+dir+"/virtmap.mc')dnl\n"+text[at:], m4, "-")
		if err != nil || strings.Contains(errOut, "***") {
			t.Fatalf("%s: m4: %v\n%s", name, err, errOut)
		}
		checkCF(t, name, out, s)
	}
}

// The lines have the order of m4, with which TestGeneratedConfigurations compares.
func TestConfigurationHasTheLinesOfM4(t *testing.T) {
	for _, it := range []struct{ name, mc, want string }{
		{"has what every .cf has", "", "FR-o /etc/mail/relay-domains\nO AliasFile=/etc/mail/aliases\n"},
		{"puts the last value of a name in", "define(`MAIL_SETTINGS_DIR', `/srv/')FEATURE(`use_cw_file')define(`confCW_FILE', MAIL_SETTINGS_DIR`'names)undefine(`confCR_FILE')define(`ALIAS_FILE', `')",
			"Fw/srv/names\n"},
		{"puts classes before LOCAL_CONFIG", "undefine(`confCR_FILE')LOCAL_CONFIG\nCwlate.example\nKx hash /x dnl no\n# Cwno\nRno\nLOCAL_DOMAIN(`early.example')dnl\nFEATURE(`virtusertable')\nDmafter.example\ndivert(0)dnl\nCwnot.here\n",
			"C{w}early.example\nCwlate.example\nKx hash /x \nKvirtuser hash /etc/mail/virtusertable\nDmafter.example\nO AliasFile=/etc/mail/aliases\n"},
		{"knows what Debian's OSTYPE says", "OSTYPE(`debian')DOMAIN(`debian-mta')FEATURE(`use_cw_file')",
			"Fw/etc/mail/local-host-names %[^\\#]\nFR-o /etc/mail/relay-domains %[^\\#]\nO AliasFile=/etc/mail/aliases\n"},
		{"names relays", "undefine(`confCR_FILE')define(`LUSER_RELAY', `l.example')define(`MAIL_HUB', `h.example')LOCAL_USER(`root')FEATURE(`stickyhost')",
			"DLl.example\nDHh.example\nC{L}root\nO AliasFile=/etc/mail/aliases\nR$+ < @ $=w . >\t$: < $H > $1 < @ $2 . >\n"},
	} {
		if got := Configuration(it.mc, ""); got != it.want {
			t.Errorf("it %s: got\n%s", it.name, got)
		}
	}
}

func FuzzEdit(f *testing.F) {
	f.Add("MAILER(`local')\n")
	f.Add(fullBlock + "FEATURE(`virtusertable', `hash x')MAILER(smtp)")
	f.Fuzz(func(t *testing.T, text string) {
		var sources diag.Sources
		src, err := sources.Add("sendmail.mc", text)
		if err != nil {
			return
		}
		var faults diag.List
		result := Edit(src, ours, &faults)
		if faults.Failed() {
			return
		}
		src, _ = sources.Add("sendmail.mc", result)
		if again := Edit(src, ours, &faults); again != result {
			t.Errorf("a second edit of %q changes %q to %q", text, result, again)
		}
	})
}

// TestEditForSenders has sendmail.mc files with rulesets of their own.
func TestEditForSenders(t *testing.T) {
	const head, mailers = "divert(0)dnl\nOSTYPE(`linux')dnl\n", "MAILER(`local')dnl\n"
	const local, from = "LOCAL_RULESETS\nSLocal_check_mail\n", "LOCAL_CONFIG\nHFrom: $>MyFrom\nLOCAL_RULESETS\nSMyFrom\n"
	const rule = "R$* spam $*\t$#error $: 550 no\n"
	authorise := ours
	authorise.Senders = true
	for _, test := range []struct {
		it, text      string
		block, faults []string // parts; of the block, "-" before what is not in it
	}{
		{"writes everything", head + mailers, []string{"Kvmsender hash -T<TMPF> /etc/mail/virtmap-senders\nKvmstore macro\nHFrom: $>VirtmapFrom\n", "\nSLocal_check_mail\n", "\nSLocal_check_rcpt\n", "\nSVirtmapFrom\n"}, nil},
		{"asks to merge a Local_check_mail", head + local + rule + mailers, nil,
			[]string{"sendmail.mc:4:1: error[VM064]: Local_check_mail is a ruleset of this file, and must ask VirtmapCheckMail too",
				"help: begin SLocal_check_mail with these three lines, in which <TAB> is a tab: R$*<TAB>$: $1 $| $>VirtmapCheckMail $1  R$* $| $#$*<TAB>$#$2  R$* $| $*<TAB>$1"}},
		{"takes a merged Local_check_mail", head + local + strings.Join(calls(MailRuleset), "\n") + "\n" + rule + mailers,
			[]string{"-SLocal_check_mail", "HFrom: $>VirtmapFrom", "SVirtmapCheckMail"}, nil},
		{"asks to merge a Local_check_rcpt", head + strings.Replace(local, "mail", "rcpt", 1) + rule + mailers, nil,
			[]string{"error[VM064]: Local_check_rcpt is a ruleset of this file, and must ask VirtmapCheckRcpt too", "R$*<TAB>$: $1 $| $>VirtmapCheckRcpt $1"}},
		{"takes a merged Local_check_rcpt", head + strings.Replace(local, "mail", "rcpt", 1) + strings.Join(calls(RcptRuleset), "\n") + "\n" + rule + mailers,
			[]string{"-SLocal_check_rcpt", "\nSLocal_check_mail\n", "SVirtmapCheckRcpt"}, nil},
		{"asks to merge a check of From:", head + from + rule + mailers, nil, []string{"sendmail.mc:4:1: error[VM064]: MyFrom is a ruleset of this file, and must ask VirtmapFrom too"}},
		{"takes a merged check of From:", head + from + strings.Join(calls(FromRuleset), "\n") + "\n" + rule + mailers, []string{"-HFrom", "SLocal_check_mail", "SVirtmapFrom"}, nil},
		{"refuses both beside the include", head + "include(`/etc/mail/virtmap.mc')dnl\n" + local + strings.Join(calls(MailRuleset), "\n") + "\n" + mailers, nil,
			[]string{"error[VM064]: Local_check_mail is here and in virtmap.mc", "help: take the include of virtmap.mc out"}},
		{"does not see a format of From:", head + "LOCAL_CONFIG\nH?F?From: $q\n" + mailers, []string{"HFrom: $>VirtmapFrom"}, nil},
	} {
		got, faults := edited(t, test.text, authorise)
		_, block, _ := strings.Cut(got, blockBegin)
		block, _, _ = strings.Cut(block, blockEnd)
		for _, want := range test.block {
			if part, without := strings.CutPrefix(want, "-"); strings.Contains(block, part) == without {
				t.Errorf("it %s: %q in\n%s", test.it, want, block)
			}
		}
		for _, want := range test.faults {
			if !strings.Contains(faults, want) {
				t.Errorf("it %s: %q is not in %s", test.it, want, faults)
			}
		}
		if len(test.faults) == 0 && faults != "" {
			t.Errorf("it %s: %s", test.it, faults)
		}
	}
}
