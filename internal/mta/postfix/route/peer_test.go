package route

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// A twin is a running Postfix whose main.cf and tables are exchanged, and a Router of
// the same files.
type twin struct {
	p        *program.Instance
	main     string // the path of main.cf
	usual    string // its text without what a case adds
	dir      string // the folder of the tables
	accounts []string
}

func newTwin(t *testing.T) *twin {
	peer.Postfix(t, "postmap") // skips the test without a Postfix
	peer.Root(t)
	w := &twin{dir: peer.SafeDir(t), accounts: []string{"root", "andrei", "bea", "carol", "nobody", "postfix"}}
	if err := os.Chmod(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	w.p, err = program.Start(context.Background(), program.Options{
		Root:     program.Unpacked(os.Getenv("VIRTMAP_POSTFIX")),
		Folder:   filepath.Join(w.dir, "instance"),
		Main:     []byte("compatibility_level = 3.6\nmyhostname = mx1.example.net\nalias_database =\nalias_maps =\n"),
		Etc:      w.dir,
		Accounts: w.accounts,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.p.Close() })
	w.main = filepath.Join(w.p.Folder(), "etc", "main.cf")
	text, err := os.ReadFile(w.main)
	if err != nil {
		t.Fatal(err)
	}
	w.usual = strings.ReplaceAll(string(text), "alias_maps =", "#")
	return w
}

// load makes the instance read a case, and returns a Router of it.
func (w *twin) load(t *testing.T, c testSite) *Router {
	t.Helper()
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour) // Postfix waits for a text that was just written
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range c.texts {
		write(filepath.Join(w.dir, name), text)
	}
	write(w.main, w.usual+"\n"+strings.ReplaceAll(c.main, "DIR/", w.dir+"/"))
	if err := w.p.Reload(); err != nil {
		t.Fatal(err)
	}
	printed, err := w.p.Postconf(context.Background(), "-x")
	if err != nil {
		t.Fatal(err)
	}
	params := map[string]string{}
	for line := range strings.Lines(printed) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " =")
		params[name] = strings.TrimSpace(value)
	}
	account := func(name string) bool { return slices.Contains(w.accounts, name) }
	opener := &table.Opener{Account: account}
	t.Cleanup(func() { opener.Close() })
	r, err := New(Site{Param: func(name string) string { return params[name] }, Open: opener.Open, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAgainstPostfix compares outcomes of generated configurations with those of a
// running Postfix.
func TestAgainstPostfix(t *testing.T) {
	w := newTwin(t)
	taken, refused, differ := 0, 0, 0
	from, shown := 0, -1
	fmt.Sscan(os.Getenv("VIRTMAP_FROM"), &from)
	cases := peer.Campaign(60)
	for n := from; n < from+cases; n++ {
		g := &generator{rand.New(rand.NewPCG(uint64(n), 7))}
		c := g.site()
		logged := len(w.p.Log())
		r := w.load(t, c)
		addrs := g.addresses()
		want, err := w.p.Outcomes(t.Context(), addrs)
		if err != nil {
			t.Fatalf("case %d: %v\n%s", n, err, c)
		}
		for i, addr := range addrs {
			got, steps := r.Route(addr)
			agrees := same(c, got, want[i], steps)
			if !agrees {
				// An alias with an owner has an end of which the log does not say to which
				// of several addresses it belongs.
				alone, err := w.p.Outcomes(t.Context(), []string{addr})
				if err != nil {
					t.Fatal(err)
				}
				want[i] = alone[0]
				agrees = same(c, got, want[i], steps)
			}
			switch {
			case !agrees:
				differ++
				t.Errorf("case %d, <%s>:\n got %+v\nwant %+v\nsteps: %v", n, addr, got, want[i], steps)
				if shown != n {
					t.Logf("case %d:\n%s\nlog: %s", n, c, warnings(w.p.Log()[logged:]))
					shown = n
				}
			case got.Taken:
				taken++
			default:
				refused++
			}
		}
		if differ > 12 {
			t.Fatal("too many differences")
		}
	}
	t.Logf("%d cases: %d addresses were taken, %d refused", cases, taken, refused)
	if taken < cases || refused < cases {
		t.Error("the cases compare little")
	}
}

// same reports whether two outcomes of a case agree as far as sendmail -bv shows them:
// not what an action of access(5) does to a message, and no discarded mail.
func same(c testSite, got, want outcome.Outcome, steps []outcome.Step) bool {
	if got.Taken != want.Taken {
		return false
	}
	if !got.Taken {
		return got.Code == want.Code && got.Status == want.Status && got.Text == want.Text && got.NotOurs == want.NotOurs
	}
	if strings.Contains(fmt.Sprint(want.Recipients), "double-bounce") {
		return true
	}
	for _, s := range steps {
		for _, action := range []string{"HOLD", "REDIRECT", "BCC", "discard:"} {
			if strings.HasPrefix(s.Value, action) {
				return true
			}
		}
	}
	// The instance shows the ends of other transports as addresses.
	cut := strings.Contains(c.main, "mailbox_transport") || strings.Contains(c.main, "fallback_transport")
	return slices.Equal(ends(got.Recipients, cut), ends(want.Recipients, cut))
}

// ends returns recipients in lower case, perhaps without their domains.
func ends(list []string, cut bool) []string {
	all := make([]string, 0, len(list))
	for _, s := range list {
		if at := strings.LastIndexByte(s, '@'); cut && at > 0 {
			s = s[:at]
		}
		all = append(all, strings.ToLower(s))
	}
	return sortedUnique(all)
}

// warnings returns the warnings and errors of a log.
func warnings(log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		if strings.Contains(line, "warning: ") || strings.Contains(line, "error: ") || strings.Contains(line, "fatal: ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// String shows a case.
func (s testSite) String() string {
	var b strings.Builder
	b.WriteString(s.main)
	for name, text := range s.texts {
		fmt.Fprintf(&b, "--- %s\n%s", name, text)
	}
	return b.String()
}

// A generator makes configurations and addresses.
type generator struct{ *rand.Rand }

func (g *generator) pick(words ...string) string { return words[g.IntN(len(words))] }

func (g *generator) local() string {
	return g.pick("a", "b", "andrei", "bea", "list", "x", "k", "staff", "staff2", "more2", "root", "postmaster", "owner-a", "a-request", "A", "carol", "half.way") +
		g.pick("", "", "", "+x", "+Y", "-x", "+", "+x+y", "-x+y", "=z")
}

func (g *generator) domain() string {
	return g.pick("d.example", "d.example", "d.example", "e.example", "m.example", "b.example", "mx1.example.net", "localhost", "out.example",
		g.pick("sub.d.example", "sub.b.example", "l.example", "example.net", "[127.0.0.1]", "v.d.example"))
}

func (g *generator) address() string {
	switch g.IntN(24) {
	case 0:
		return g.local()
	case 1:
		return `"` + g.pick("a", "sp ace", "a@b", "a+x", "a.", "", `q\"q`, "a%d.example", "b!a") + `"@` + g.domain()
	case 2:
		return g.local() + g.pick("%", "!", "@") + g.domain() + "@" + g.domain()
	case 3:
		return g.local() + "%" + g.domain()
	case 4:
		return g.domain() + "!" + g.local()
	case 5:
		return g.pick("", "@", "a@", "@"+g.domain(), "a@.", "a..b@d.example", ".a@d.example", "a.@d.example", "a@d..example", "a@-d.example", "-a@d.example",
			"a,b@d.example", "a b@d.example", "<a@d.example>", "a@d.example (c)", "(c)a@d.example", "x:a@d.example", "a;b@d.example", "a@[1.2.3.4]",
			"a@[1.2.3]", "a@1.2.3.4", "@x.example:a@d.example", "@x.example,@y.example:a@d.example", `a\@d.example`, `a\ b@d.example`, "a@d_x.example",
			"a@localhost.", "a@d.example.", "a@d.example..", "a(b)c@d.example", "double-bounce@mx1.example.net", "mailer-daemon@localhost", "a@@d.example",
			`"a@d.example`, "a|b@d.example", "/etc/x@localhost", "a/b@d.example", "a+b/c@localhost", "a@example", `\andrei@localhost`)
	}
	return g.local() + "@" + g.domain()
}

func (g *generator) addresses() (all []string) {
	for range 25 {
		if addr := g.address(); !slices.Contains(all, addr) {
			all = append(all, addr)
		}
	}
	return all
}

// rows makes a text of rows.
func (g *generator) rows(most int, key, value func() string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for range g.IntN(most + 1) {
		if k := key(); !seen[strings.ToLower(k)] {
			seen[strings.ToLower(k)] = true
			b.WriteString(k + " " + value() + "\n")
		}
	}
	return b.String()
}

func (g *generator) aliasKey() string {
	switch g.IntN(8) {
	case 0:
		return g.local()
	case 1:
		return "@" + g.domain()
	case 2:
		return g.pick(`"sp ace"`, "a.", `"a."`, "half.way", "a+") + "@" + g.domain()
	}
	return g.local() + "@" + g.domain()
}

func (g *generator) target() string {
	switch g.IntN(14) {
	case 0:
		return g.address()
	case 1:
		return "@" + g.domain()
	case 2:
		return g.local() + ", " + g.local() + "@" + g.domain()
	case 3:
		return g.pick("andrei, bea", "x@out.example", `\andrei`, "/file", `"|cmd"`, "Andrei <andrei@localhost>", "andrei bea", "a@d.example,b@d.example", `"sp ace"@d.example`, "andrei@", "a: b@d.example;", ":include:/x")
	case 4, 5, 6:
		return g.local()
	case 7, 8:
		return g.pick("andrei", "bea", "carol") + g.pick("", "@mx1.example.net", "@localhost")
	}
	return g.local() + "@" + g.domain()
}

func (g *generator) accessKey() string {
	return g.pick(g.local()+"@"+g.domain(), g.local()+"@"+g.domain(), g.domain(), "example", ".d.example", ".example", g.local()+"@", "a@", "@d.example")
}

// right returns a right side of access(5). DISCARD is none of them: it accepts all further
// recipients of the message too.
func (g *generator) right() string {
	return g.pick("550 5.1.1 gone; write to x", "551 5.1.6 moved", "450 4.2.1 being moved", "550 gone", "550 4.1.1 odd", "550 5.1.1", "550", "252 x", "299 y",
		"REJECT", "REJECT no", "REJECT 5.1.1 no", "DEFER later", "defer", "OK", "ok", "RELAY", "DUNNO", "dunno x", "12345", "HOLD", "REDIRECT andrei@localhost",
		"FILTER x:y", "PREPEND X: y", "WARN x", "INFO", "BCC bea@localhost", "defer_if_permit", "DEFER_IF_PERMIT 4.2.2 maybe", "DEFER_IF_REJECT no", "reject", "permit",
		"reject_unauth_destination", "own", "permit_auth_destination, reject", "nonsense", "check_recipient_access texthash:x", "warn_if_reject reject", "550 5.7.8 x",
		"550 5.1.8 x", "550 5.1.7 x", "550  two  blanks", "500 5.0.0 (odd <x> %s $x)", "reject_unlisted_recipient", "421 4.3.2 x")
}

func (g *generator) transportKey() string {
	return g.pick(g.local()+"@"+g.domain(), g.domain(), ".d.example", ".b.example", "*", "example", g.local()+"@"+g.domain())
}

func (g *generator) transport() string {
	return g.pick("error:5.2.1 away", "error:", "retry:4.2.1 wait", "retry:", "discard:", "relay:[10.0.0.1]", "smtp:x", "virtual:", "local:", ":", ":x", "local", "error:no")
}

// some returns a line now and then.
func (g *generator) some(often int, lines ...string) string {
	if g.IntN(often) > 0 {
		return ""
	}
	return lines[g.IntN(len(lines))] + "\n"
}

func (g *generator) site() testSite {
	s := testSite{texts: map[string]string{}}
	s.texts["virtual"] = g.rows(25, g.aliasKey, g.target)
	s.texts["virtual2"] = g.rows(6, g.aliasKey, g.target)
	s.texts["aliases"] = g.rows(10, func() string {
		return strings.ToLower(g.pick("", "", "owner-")) + g.pick(g.local(), g.local(), "staff.x")
	}, g.target) + g.some(2, "staff2 andrei, \"|/bin/x y\", /var/mail/x", "more2 :include:/nowhere, bea")
	s.texts["access"] = g.rows(12, g.accessKey, g.right)
	s.texts["access2"] = g.rows(3, g.accessKey, g.right)
	s.texts["rules"] = g.some(1, "/^(a)\\+([^@]*)@d\\.example$/ $1-$2@e.example", "/^b@/ bea", "/@e\\.example$/ andrei", "/^(.*)-x@(.*)$/ $1@$2")
	s.texts["mailboxes"] = g.rows(6, g.aliasKey, func() string { return g.pick("a", "b/", "c/d", "../e/", "/f") })
	s.texts["known"] = g.rows(6, g.aliasKey, func() string { return "x" })
	s.texts["canonical"] = g.rows(3, g.aliasKey, func() string { return g.local() + "@" + g.domain() })
	s.texts["domains"] = "v.d.example x\ne.example y\n"
	s.texts["names"] = "# names\nv.d.example, e.example\n"
	s.texts["transport"] = g.rows(4, g.transportKey, g.transport)
	s.texts["relocated"] = g.rows(2, g.aliasKey, func() string { return "somewhere else" })
	s.main = g.settings()
	return s
}

func (g *generator) settings() string {
	check := "check_recipient_access texthash:DIR/access"
	return g.pick("recipient_delimiter = +\n", "recipient_delimiter = +\n", "recipient_delimiter = +-\n", "recipient_delimiter = -\n", "") +
		"virtual_alias_domains = " + g.pick("d.example, e.example", "d.example, e.example", "d.example texthash:DIR/domains", "d.example, DIR/names", "d.example, !v.d.example, e.example", "D.example inline:{e.example=x}", ".example, d.example, e.example") + g.pick("", "", ", b.example", ", mx1.example.net", ", m.example") + "\n" +
		"virtual_alias_maps = texthash:DIR/virtual" + g.pick("", "", ", texthash:DIR/virtual2", ", regexp:DIR/rules", " proxy:texthash:DIR/virtual2") + "\n" +
		"alias_maps = texthash:DIR/aliases\n" +
		g.some(3, "propagate_unmatched_extensions = canonical", "propagate_unmatched_extensions = canonical, virtual, alias", "propagate_unmatched_extensions = virtual, alias, forward, include", "propagate_unmatched_extensions =") +
		g.some(2, "virtual_mailbox_domains = m.example\nvirtual_mailbox_maps = texthash:DIR/mailboxes\nvirtual_mailbox_base = /\nvirtual_uid_maps = static:1000\nvirtual_gid_maps = static:1000",
			"virtual_mailbox_domains = m.example, d.example\nvirtual_mailbox_maps = texthash:DIR/mailboxes\nvirtual_mailbox_base = /srv\nvirtual_uid_maps = static:50\nvirtual_gid_maps = static:1000",
			"virtual_mailbox_domains = m.example\nvirtual_mailbox_base = /\nvirtual_uid_maps = static:1000\nvirtual_gid_maps = static:1000") +
		g.some(2, "relay_domains = b.example", "relay_domains = b.example\nrelay_recipient_maps = texthash:DIR/known", "relay_domains = example", "relay_domains = texthash:DIR/domains, b.example", "relay_domains = .b.example, b.example\nparent_domain_matches_subdomains =", "relay_domains = !sub.b.example, b.example") +
		g.some(2, "transport_maps = texthash:DIR/transport", "transport_maps = texthash:DIR/transport\nparent_domain_matches_subdomains = transport_maps") +
		g.some(5, "relocated_maps = texthash:DIR/relocated") +
		g.some(5, "canonical_maps = texthash:DIR/canonical", "recipient_canonical_maps = texthash:DIR/canonical") +
		g.some(4, "mydestination = $myhostname, localhost, l.example", "mydestination = $myhostname, localhost, d.example", "mydestination = localhost", "mydestination = mx1.example.net, DIR/names") +
		g.some(8, "myorigin = d.example", "myorigin = out.example", "myorigin = e.example") +
		g.some(6, "append_dot_mydomain = yes") + g.some(6, "allow_percent_hack = no") + g.some(6, "swap_bangpath = no") +
		g.some(10, "soft_bounce = yes") + g.some(8, "smtpd_reject_unlisted_recipient = no") + g.some(8, "show_user_unknown_table_name = no") +
		g.some(8, "unknown_virtual_alias_reject_code = 554", "unknown_local_recipient_reject_code = 450", "allow_untrusted_routing = yes", "resolve_dequoted_address = no", "append_at_myorigin = no", "resolve_null_domain = yes", "strict_rfc821_envelopes = yes", "owner_request_special = no", "reset_owner_alias = yes", "expand_owner_alias = yes", "allow_min_user = yes") +
		g.some(6, "local_recipient_maps =", "local_recipient_maps =\nluser_relay = bea", "local_recipient_maps =\nluser_relay = $user+lost@d.example", "local_recipient_maps =\nluser_relay = x+${local}@out.example", "mailbox_transport = lmtp:unix:x", "local_recipient_maps =\nfallback_transport = smtp:x") +
		"smtpd_restriction_classes = own\nown = " + g.pick("reject_unlisted_recipient, reject", "permit", check, "defer", "reject_non_fqdn_recipient, permit_auth_destination") + "\n" +
		g.some(2, "smtpd_recipient_restrictions = "+check,
			"smtpd_recipient_restrictions = permit_mynetworks, "+check+", regexp:DIR/rules",
			"smtpd_recipient_restrictions = "+check+", check_recipient_access texthash:DIR/access2, reject_non_fqdn_recipient, reject_unlisted_recipient",
			"smtpd_recipient_restrictions = reject_non_fqdn_recipient, own, texthash:DIR/access2",
			"smtpd_recipient_restrictions = warn_if_reject "+check+", reject_unauth_destination, permit",
			"smtpd_recipient_restrictions = defer_if_permit, "+check+", sleep 0",
			"smtpd_sender_restrictions = "+check, "smtpd_client_restrictions = "+check, "smtpd_client_restrictions = "+check+"\nsmtpd_delay_reject = no",
			"smtpd_helo_restrictions = permit_mynetworks, "+check+", permit") +
		g.some(4, "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination", "smtpd_relay_restrictions = "+check+", reject_unauth_destination", "smtpd_relay_restrictions = permit_auth_destination, reject", "smtpd_relay_restrictions = defer_unauth_destination\nsmtpd_relay_before_recipient_restrictions = no") +
		g.some(4, "parent_domain_matches_subdomains =")
}
