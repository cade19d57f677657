package conf

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/mta/sendmail/mcfile"
)

const example = `# a comment
V10/Berkeley
DjMX1.Example.net
D{long}shop.example
DLbackup.example.net
DHfirst
DHhub.example.net
Cwlocalhost $j
C{w}Two.Example ${long} $k
CR$={VirtHost}
C{VirtHost}virtual.example
Fw-o /etc/mail/local-host-names %[^\#]
Fw /etc/mail/more
Fw|/usr/local/bin/domains
F{VirtHost}@ldap:-k (x)
FR-o /etc/mail/relay-domains
Kvirtuser hash /etc/mail/older
Kvirtuser hash -o
	/etc/mail/virtusertable.db
Ktable text -k0 -v1 -z\t /etc/mail/table
Kdirectory ldap -1 -k (mail=%0)
O AliasFile=/etc/aliases, cdb:/etc/mail/lists
OA/etc/mail/old-aliases
O AliasFile=nis:mail.aliases, hash:-o /etc/mail/optional
O DontBlameSendmail=A,B
O DontBlameSendmail=C
O PidFile=/run/sendmail.pid
R<!> $+ < @ $* $={VirtHost} . >	$: x
`

func TestParseReadsEveryKindOfLine(t *testing.T) {
	c := Parse(example)
	m, ok := c.Map(VirtuserMap)
	if !ok || m.Class != "hash" || m.Path != "/etc/mail/virtusertable.db" || !m.Optional() || m.Line != 18 {
		t.Errorf("the virtusertable is %+v", m)
	}
	if m, _ := c.Map("table"); m.Path != "/etc/mail/table" || !slices.Equal(m.Flags, []string{"-k0", "-v1", `-z\t`}) {
		t.Errorf("the table is %+v", m)
	}
	if m, _ := c.Map("directory"); m.Path != "" {
		t.Errorf("the directory has the path %q", m.Path)
	}
	for what, pair := range map[string][2]string{
		"host":    {c.Host(), "mx1.example.net"},
		"class w": {strings.Join(c.ClassWords(ClassW), " "), "localhost mx1.example.net two.example shop.example"},
		"pid":     {c.Option("pidfile"), "/run/sendmail.pid"},
		"blame":   {strings.Join(c.Options("DontBlameSendmail"), " "), "A,B C"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	var aliases []string
	for _, a := range c.Aliases {
		aliases = append(aliases, a.Class+":"+a.Path)
	}
	if got := strings.Join(aliases, " "); got != ":/etc/aliases cdb:/etc/mail/lists :/etc/mail/old-aliases nis: hash:/etc/mail/optional" {
		t.Errorf("the alias files are %q", got)
	}
	files := c.ClassFiles(ClassW)
	if len(files) != 3 || files[0].Format != EveryWord || !files[0].Optional || files[1].Path != "/etc/mail/more" || files[2].Source != "|/usr/local/bin/domains" {
		t.Errorf("the files of class w are %+v", files)
	}
	if !c.Holds(ClassR, VirtHosts) || !c.EntireDomain {
		t.Error("class R and {VirtHost} are not as they are written")
	}
	if hub, _ := c.Macro("H"); hub.Value != "hub.example.net" || hub.Line != 7 {
		t.Errorf("the hub is %+v", hub)
	}
}

func TestUnfollowedNamesALineForEach(t *testing.T) {
	c := Parse(example + "Kvirtuser ldap -1 -k (mail=%0)\nDRrelay.$Y\nCwmail.$w\nSlocaladdr=5\nR< > $+\t: < $R > $1\n")
	c.Path = "/etc/mail/sendmail.cf"
	got := c.Unfollowed()
	for i, want := range []string{
		"/etc/mail/sendmail.cf:29: the virtusertable is of class ldap, which is not read",
		`/etc/mail/sendmail.cf:14: class w has names from "|/usr/local/bin/domains", which are not read`,
		`/etc/mail/sendmail.cf:15: class VirtHost has names from "@ldap:-k (x)"`,
		`/etc/mail/sendmail.cf:31: class w has the name "mail.$w", which is not looked at`,
		`/etc/mail/sendmail.cf:24: the aliases in "nis:mail.aliases" are not read`,
		"/etc/mail/sendmail.cf:30: LOCAL_RELAY is \"relay.$Y\", which is not looked at",
		"/etc/mail/sendmail.cf: FEATURE(`preserve_local_plus_detail')",
	} {
		if i >= len(got) || !strings.HasPrefix(got[i].String(), want) {
			t.Errorf("line %d: want %q in %q", i, want, got)
		}
	}
	if len(got) != 7 {
		t.Errorf("got %q", got)
	}
}

func TestTheFormatSaysWhichWordsAreNames(t *testing.T) {
	const text = "one two # three\n  four five#c\n# six\nSeven.Example.\n\nx.y\tz\r\n"
	for format, want := range map[string]string{
		EveryWord: "one two four five Seven.Example. x.y z",
		"%s":      "one four Seven.Example. x.y",
		"":        "one four Seven.Example. x.y",
	} {
		if got := strings.Join(ClassFile{Format: format}.Names([]byte(text)), " "); got != want {
			t.Errorf("%q: got %q, want %q", format, got, want)
		}
	}
}

func TestPreserveLuserHostIsNamedWhereItMatters(t *testing.T) {
	const rules = "Slocaladdr=5\nR$+ + *\t$#local $@ $&h $: $1\nR< > $+\t: < $L > $(user $1 $)\nR< $+ > $+\t$: < $1 > $2 $&{Host}\n"
	for value, want := range map[string]int{"backup.example": 0, "esmtp:backup.example": 0, "local:root": 1, "esmtp:ann@backup.example": 1} {
		if got := Parse("DL" + value + "\n" + rules).Unfollowed(); len(got) != want {
			t.Errorf("%s: %q", value, got)
		}
	}
}

func TestARelayCountsWhereARuleAsksForIt(t *testing.T) {
	const lines = "DLbackup.example\nDHhub.$m\nDmexample.net\nDS\nDResmtp:$Y\n"
	for _, it := range []struct{ name, cf, letter, want string }{
		{"takes the value of a part of a configuration", lines, LuserRelay, "backup.example"},
		{"puts macros in, also those that are set later", lines, MailHub, "hub.example.net"},
		{"is empty where the value is", lines, SmartHost, ""},
		{"is empty where a macro is not set", lines, LocalRelay, ""},
		{"is empty where no rule asks for it", lines + "Sparse\nR$*\t$: $1\n", LuserRelay, ""},
		{"counts where one does", lines + "Slocaladdr=5\nR< > $+\t: < $L > $(user $1 $)\n", LuserRelay, "backup.example"},
		{"the last line wins", lines + "DLother.example\n", LuserRelay, "other.example"},
	} {
		if got := Parse(it.cf).Relay(it.letter); got != it.want {
			t.Errorf("it %s: got %q, want %q", it.name, got, it.want)
		}
	}
}

func TestAClassWordTakesTheMacrosSetBefore(t *testing.T) {
	c := Parse("Dmexample.net\nCwA.$m b.${late} $j\nD{late}late.example\nCw${late}\n")
	if got := strings.Join(c.ClassWords(ClassW), " "); got != "a.example.net late.example" {
		t.Errorf("class w is %q", got)
	}
}

var ours = mcfile.Settings{MailDir: "/etc/mail", Map: "hash", Relay: true}

// wired is a configuration that reads all files of a set.
const wired = `Kvirtuser hash /etc/mail/virtusertable
Fw/etc/mail/local-host-names %[^\#]
F{R}/etc/mail/virtmap-relay-domains
O AliasFile=/etc/mail/virtmap-aliases
O AliasFile=/etc/aliases
`

func TestGapsAreWhatIsNotRead(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"a whole one has none", "", "", ""},
		{"without a table", "Kvirtuser hash /etc/mail/virtusertable\n", "", "virtusertable: there is no virtusertable"},
		{"another table", "/etc/mail/virtusertable", "/etc/mail/users", `virtusertable: the virtusertable is another: "hash /etc/mail/users"`},
		{"another type", "virtuser hash", "virtuser cdb", "virtusertable: the virtusertable is of class cdb"},
		{"the suffix of a map is none", "/etc/mail/virtusertable", "/etc/mail/virtusertable.db", ""},
		{"an optional table is read", "virtuser hash", "virtuser hash -o", ""},
		{"without class w", "Fw/etc/mail/local-host-names", "Fw/etc/mail/names", "local-host-names: class w is not read from /etc/mail/local-host-names"},
		{"without the relay domains", "F{R}", "F{X}", "virtmap-relay-domains: domains to relay for are not read"},
		{"without the aliases", "O AliasFile=/etc/mail/virtmap-aliases\n", "", "virtmap-aliases: /etc/mail/virtmap-aliases is not one of the alias files"},
		{"aliases of another type", "=/etc/mail/virtmap-aliases", "=cdb:/etc/mail/virtmap-aliases", `virtmap-aliases: "cdb:/etc/mail/virtmap-aliases" is an alias file of another type`},
		{"a later line wins", "O AliasFile=/etc/aliases", "Kvirtuser hash /etc/mail/other", "virtusertable: the virtusertable is another"},
		{"several files in one line", "O AliasFile=/etc/mail/virtmap-aliases\nO AliasFile=/etc/aliases", "O AliasFile=/etc/aliases, hash:/etc/mail/virtmap-aliases", ""},
	} {
		config := Parse(strings.Replace(wired, c.from, c.to, 1))
		config.Path = "sendmail.cf"
		var got string
		for _, gap := range config.Gaps(ours) {
			got += gap.Need.String() + ": " + gap.What
			if gap.Write == "" || gap.CF == "" {
				t.Errorf("%s: nothing to write for %s", c.name, gap.Need)
			}
		}
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// The lines of a gap close the gap.
func TestTheLinesOfAGapCloseIt(t *testing.T) {
	for _, typ := range []string{"hash", "cdb", "text"} {
		s := mcfile.Settings{MailDir: "/srv/mail", Map: typ, Relay: true}
		empty := Parse("")
		empty.Path = "sendmail.cf"
		var cf, mc strings.Builder
		for _, gap := range empty.Gaps(s) {
			cf.WriteString(gap.CF + "\n")
			mc.WriteString(gap.Write)
		}
		for name, text := range map[string]string{".cf": cf.String(), ".mc": mcfile.Configuration(mc.String(), "")} {
			c := Parse(text)
			c.Path = name
			if gaps := c.Gaps(s); len(gaps) > 0 {
				t.Errorf("%s, %s: %+v is left of\n%s", typ, name, gaps, text)
			}
		}
	}
}

func TestReadTakesTheCFBeforeTheMC(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func() *Config {
		t.Helper()
		c, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := read(); c.Path != "" || len(c.Gaps(ours)) != 0 {
		t.Errorf("an empty folder has the configuration %+v", c)
	}
	write(MCName, "include(`/etc/mail/virtmap.mc')dnl\nMAILER(`local')dnl\n")
	write(mcfile.Include, string(mcfile.Text(ours, "mail.yaml")))
	if c := read(); !c.MC || len(c.Gaps(ours)) != 0 {
		t.Errorf("with virtmap.mc included %+v is missing", c.Gaps(ours))
	}
	write(CFName, "DjX.example\n")
	if c := read(); c.MC || c.Host() != "x.example" || len(c.Gaps(ours)) != 4 {
		t.Errorf("the .cf is not what counts: %+v", c)
	}
}

// TestGapsLookThroughLinks: a file counts as read when its path has a link to its folder.
func TestGapsLookThroughLinks(t *testing.T) {
	base := t.TempDir()
	real, link := filepath.Join(base, "mail"), filepath.Join(base, "link")
	if err := errors.Join(os.Mkdir(real, 0o755), os.Symlink(real, link)); err != nil {
		t.Fatal(err)
	}
	c := Parse("Kvirtuser hash " + real + "/virtusertable.db\nFw" + real + "/local-host-names\nO AliasFile=" + real + "/virtmap-aliases\n")
	c.Path = real + "/sendmail.cf"
	if gaps := c.Gaps(mcfile.Settings{MailDir: link, Map: "hash"}); len(gaps) > 0 {
		t.Errorf("%s leads to %s, and there are gaps: %v", link, real, gaps)
	}
	if gaps := c.Gaps(mcfile.Settings{MailDir: base, Map: "hash"}); len(gaps) != 3 {
		t.Errorf("%s is another folder, and the gaps are %v", base, gaps)
	}
}
