package program_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// site is a main.cf with everything that the tests ask about.
const site = `
# the host
compatibility_level = 3.6
myhostname = mx1.example.net
mydestination = $myhostname,
# a comment inside
	localhost
alias_maps = texthash:/etc/postfix/aliases
myorigin = first.example
myorigin = $myhostname
queue_directory = /var/spool/postfix
mynetworks = 127.0.0.0/8
recipient_delimiter = +
virtual_alias_domains = shop.example all.example
virtual_alias_maps = texthash:$config_directory/virtual
virtual_mailbox_domains = box.example
virtual_mailbox_base = /
virtual_mailbox_maps = texthash:/etc/postfix/mailboxes
virtual_uid_maps = static:20000
virtual_gid_maps = static:20000
relay_domains = backup.example
transport_maps = texthash:/etc/postfix/transport
smtpd_recipient_restrictions = check_recipient_access texthash:/etc/postfix/access
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
`

// tables are the files of site.
var tables = map[string]string{
	"virtual": `
fake@shop.example andrei
info@shop.example andrei, bea@box.example
partner@shop.example ann@partner.example
team@shop.example team-alias
old@shop.example old@shop.example
half@shop.example half@shop.example, bea
one@shop.example two@shop.example
two@shop.example one@shop.example
queued@shop.example queued@closed.example
away@shop.example away-alias
chain@shop.example chain1
self@shop.example self1
blank@shop.example blank-alias
@all.example all@partner.example
`,
	"aliases": `
team-alias andrei, bea+team, x@partner.example
away-alias /srv/mail/away
chain1 chain2@mx1.example.net
chain2 bea
self1 self2@mx1.example.net
self2 self1@mx1.example.net
pipe "|/bin/true"
blank-alias "sp \"ace"@partner.example
`,
	"mailboxes": "bea@box.example srv/mail/bea\n",
	"transport": "closed.example retry:4.2.1 being moved\n",
	"access": `
old@shop.example 550 5.1.1 Ann has left; write to info@shop.example
busy@shop.example 450 4.2.1 being moved
slow@shop.example 421 4.3.2 come back later
`,
}

// options returns the options of an instance with site, its tables and the accounts
// andrei and bea.
func options(t testing.TB, files map[string]string) program.Options {
	t.Helper()
	root := program.Unpacked(peer.PostfixRoot(t))
	dir := peer.SafeDir(t)
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
	return program.Options{
		Root: root, Folder: filepath.Join(dir, "instance"), Main: []byte(site), Accounts: []string{"andrei", "bea"},
		Move: func(path string) string {
			if name, ok := strings.CutPrefix(path, "/etc/postfix/"); ok {
				return filepath.Join(dir, name)
			}
			return path
		},
		Mailbox: func(addr string) string {
			if addr == "bea@box.example" {
				return "/srv/mail/bea"
			}
			return "no mailbox of " + addr
		},
	}
}

// start starts an instance that ends with the test.
func start(t testing.TB, o program.Options) *program.Instance {
	t.Helper()
	p, err := program.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	p := start(t, options(t, tables))
	taken := func(recipients ...string) outcome.Outcome {
		return outcome.Outcome{Taken: true, Recipients: recipients}
	}
	relaying := outcome.Outcome{NotOurs: true, Code: 554, Status: "5.7.1", Text: "Relay access denied"}
	unknown := outcome.Outcome{Code: 550, Status: "5.1.1", Text: "User unknown in virtual alias table"}
	cases := []struct {
		it, addr string
		want     outcome.Outcome
	}{
		{"ends in an account", "fake@shop.example", taken("andrei")},
		{"keeps the detail", "fake+Sale@shop.example", taken("andrei+Sale")},
		{"folds an account and not its detail", "Andrei+X@mx1.example.net", taken("andrei+X")},
		{"ends in an account and a mailbox", "info@shop.example", taken("/srv/mail/bea", "andrei")},
		{"leaves the machine", "partner@shop.example", taken("ann@partner.example")},
		{"is caught by its domain", "whoever@all.example", taken("all@partner.example")},
		{"follows an alias file", "team@shop.example", taken("andrei", "bea+team", "x@partner.example")},
		{"follows two aliases", "chain@shop.example", taken("bea")},
		{"follows an alias to an address with quotes", "blank@shop.example", taken(`"sp \"ace"@partner.example`)},
		{"ends in a file", "away@shop.example", taken("/srv/mail/away")},
		{"ends in a command", "pipe@mx1.example.net", taken("|/bin/true")},
		{"is a backup's", "x@backup.example", taken("x@backup.example")},
		{"is the same in capitals", "X@BACKUP.EXAMPLE", taken("X@BACKUP.EXAMPLE")},
		{"is refused in its own words", "old@shop.example", outcome.Outcome{Code: 550, Status: "5.1.1", Text: "Ann has left; write to info@shop.example"}},
		{"is deferred", "busy@shop.example", outcome.Outcome{Code: 450, Status: "4.2.1", Text: "being moved"}},
		{"ends the session", "slow@shop.example", outcome.Outcome{Code: 421, Status: "4.3.2", Text: "come back later"}},
		{"is unknown", "nobody@shop.example", unknown},
		{"is unknown on the host", "carol@mx1.example.net", outcome.Outcome{Code: 550, Status: "5.1.1", Text: "User unknown in local recipient table"}},
		{"is not ours", "x@elsewhere.example", relaying},
		{"loses one of two recipients", "half@shop.example", taken("bea")},
		{"is taken and does not arrive", "queued@shop.example", taken()},
		{"is a row that leads to itself by another", "one@shop.example", taken()},
		{"is an alias that leads to itself by another", "self@shop.example", taken()},
		{"is quoted", `"fake"@shop.example`, taken("andrei")},
		{"has bytes beyond ASCII", "münchen@shop.example", unknown},
	}
	addrs := make([]string, len(cases))
	for i, c := range cases {
		addrs[i] = c.addr
	}
	got, err := p.Outcomes(t.Context(), addrs)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if !got[i].Keeps(c.want) || got[i].NotOurs != c.want.NotOurs {
			t.Errorf("%s %s: got %+v, want %+v", c.addr, c.it, got[i], c.want)
		}
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	p := start(t, options(t, tables))
	want := map[string][]program.End{
		"info@shop.example": {
			{To: "andrei@mx1.example.net", Agent: "local", Status: "deliverable", DSN: "2.0.0", Text: "delivers to mailbox"},
			{To: "bea@box.example", Agent: "virtual", Status: "deliverable", DSN: "2.0.0", Text: "delivers to mailbox"},
		},
		"partner@shop.example": {{To: "ann@partner.example", Agent: "smtp", Status: "deliverable", DSN: "2.0.0", Text: "partner.example"}},
		"x@backup.example":     {{To: "x@backup.example", Agent: "relay", Status: "deliverable", DSN: "2.0.0", Text: "backup.example"}},
		"old@shop.example":     {{To: "old@shop.example", Agent: "error", Status: "undeliverable", DSN: "5.1.1", Text: "User unknown in virtual alias table"}},
		"queued@shop.example":  {{To: "queued@closed.example", Agent: "error", Status: "undeliverable", DSN: "4.2.1", Text: "being moved"}},
		"one@shop.example":     {{To: "one@shop.example", Agent: "cleanup", Status: "loop", DSN: "4.3.0", Text: "unreasonable virtual_alias_maps map nesting"}},
		"two@shop.example":     {{To: "two@shop.example", Agent: "cleanup", Status: "loop", DSN: "4.3.0", Text: "unreasonable virtual_alias_maps map nesting"}},
		"FAKE@shop.example":    {{To: "andrei@mx1.example.net", Agent: "local", Status: "deliverable", DSN: "2.0.0", Text: "delivers to mailbox"}},
		`"fake"@shop.example`:  {{To: "andrei@mx1.example.net", Agent: "local", Status: "deliverable", DSN: "2.0.0", Text: "delivers to mailbox"}},
	}
	got, err := p.Ends(t.Context(), slices.Collect(maps.Keys(want)))
	if err != nil {
		t.Fatal(err)
	}
	for addr, ends := range want {
		slices.SortFunc(got[addr], func(a, b program.End) int { return strings.Compare(a.To, b.To) })
		if !slices.Equal(got[addr], ends) {
			t.Errorf("%s ends at %+v, want %+v", addr, got[addr], ends)
		}
	}
}

// TestManyAddresses asks about addresses of which each tenth is a loop's or unknown.
func TestManyAddresses(t *testing.T) {
	t.Parallel()
	const n = 2000
	files := maps.Clone(tables)
	var virtual strings.Builder
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = fmt.Sprintf("user%d@shop.example", i)
		if i%10 != 0 {
			fmt.Fprintf(&virtual, "%s box%d@box.example, andrei+%d\n", addrs[i], i, i)
		}
	}
	files["virtual"] += virtual.String()
	o := options(t, files)
	o.Main = append(o.Main, "virtual_mailbox_maps = static:srv/mail/all\n"...)
	o.Mailbox = nil
	p := start(t, o)
	begin := time.Now()
	if _, err := p.RCPT(t.Context(), addrs); err != nil {
		t.Fatal(err)
	}
	t.Logf("RCPT of %d addresses in %s", n, time.Since(begin).Round(time.Millisecond))
	begin = time.Now()
	got, err := p.Outcomes(t.Context(), append(addrs, "one@shop.example", "two@shop.example"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("outcomes of %d addresses in %s", len(got), time.Since(begin).Round(time.Millisecond))
	for i, addr := range addrs {
		want := outcome.Outcome{Taken: true, Recipients: []string{fmt.Sprint("andrei+", i), fmt.Sprintf("box%d@box.example", i)}}
		if i%10 == 0 {
			want = outcome.Outcome{Code: 550}
		}
		if !got[i].Keeps(want) {
			t.Errorf("%s: got %s, want %s", addr, got[i], want)
		}
	}
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	p := start(t, options(t, tables))
	err := p.Deliver(t.Context(), "stranger@client.example", "fake@shop.example", []byte("Subject: hello\n\nto andrei\n.\n"))
	if err != nil {
		t.Fatal(err)
	}
	spool := filepath.Join(p.Folder(), "spool", "andrei")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(spool)
		if strings.Contains(string(text), "Subject: hello\n\nto andrei\n.\n") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%v: %s\n%s", err, text, p.Log())
		}
	}
	err = p.Deliver(t.Context(), "stranger@client.example", "old@shop.example", []byte("Subject: hello\n\nto Ann\n"))
	if err == nil || !strings.Contains(err.Error(), "Ann has left") {
		t.Errorf("a message to a refused address: %v", err)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	o := options(t, tables)
	p := start(t, o)
	ask := func() string {
		t.Helper()
		got, err := p.RCPT(t.Context(), []string{"new@shop.example"})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(got[0].Code)
	}
	before := ask()
	path := o.Move("/etc/postfix/virtual")
	past := time.Now().Add(-30 * time.Second)
	if err := os.WriteFile(path, []byte("new@shop.example andrei\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	if err := p.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := before + " " + ask(); got != "550 250" {
		t.Errorf("a new address before and after a reload: got %s, want 550 250", got)
	}
}

func TestInstalled(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	script := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "postconf"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script("echo /opt/sbin; echo /opt/libexec; echo no; echo /opt/etc; echo /opt/sbin/sendmail.postfix")
	if got, err := program.Installed(); err != nil || got.Sbin != "/opt/sbin" || got.Daemons != "/opt/libexec" || got.Libraries != "" {
		t.Errorf("the installed Postfix is %+v (%v)", got, err)
	}
	script("echo /opt/sbin")
	if got, err := program.Installed(); err == nil {
		t.Errorf("a Postfix that says little is %+v", got)
	}
	script("echo 'postconf: fatal: no main.cf' >&2; exit 1")
	if _, err := program.Installed(); err == nil || !strings.Contains(err.Error(), "no main.cf") {
		t.Errorf("a Postfix that complains: %v", err)
	}
}

// TestBuiltIn: the installed Postfix is asked for its own folder alone.
func TestBuiltIn(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	script := `#!/bin/sh
case "$*" in
-hx*) echo ` + dir + `; echo /opt/libexec; echo no; echo /opt/etc; echo /opt/sbin/sendmail.postfix ;;
"-hd config_directory") echo /etc/mailer ;;
-d) echo "alias_database = lmdb:/etc/aliases"; echo "relay_domains =" ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "postconf"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	got := program.BuiltIn(t.Context(), "/etc/mailer")
	if want := map[string]string{"alias_database": "lmdb:/etc/aliases", "relay_domains": ""}; !maps.Equal(got, want) {
		t.Errorf("built-in values: %v, want %v", got, want)
	}
	if got := program.BuiltIn(t.Context(), "/home/copy"); got != nil {
		t.Errorf("built-in values for a copy: %v", got)
	}
	script = "#!/bin/sh\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "postconf"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := program.BuiltIn(t.Context(), "/etc/mailer"); got != nil {
		t.Errorf("built-in values of a Postfix that does not answer: %v", got)
	}
}

func TestMapTypes(t *testing.T) {
	types, err := program.Unpacked(peer.PostfixRoot(t)).MapTypes(context.Background())
	for _, typ := range []string{"cdb", "lmdb", "texthash", "regexp"} {
		if !slices.Contains(types, typ) {
			t.Errorf("%s is missing in %q (%v)", typ, types, err)
		}
	}
}
