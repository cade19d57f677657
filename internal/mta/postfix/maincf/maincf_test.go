package maincf

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func parse(text string) *Config {
	c := Parse("/etc/postfix/main.cf", []byte(text))
	c.Hostname = "mx1.example.net"
	return c
}

func TestLinesAndTheirContinuations(t *testing.T) {
	c := parse("# postfix\r\nmydestination = $myhostname,\r\n# a comment\r\n\r\n\tlocalhost\r\nmyorigin=a\r\nmyorigin = b")
	value, line, ok := c.Set("mydestination")
	if value != "$myhostname, localhost" || line != 2 || !ok {
		t.Errorf("mydestination is %q in line %d", value, line)
	}
	if got := c.List("mydestination"); !slices.Equal(got, []string{"mx1.example.net", "localhost"}) {
		t.Errorf("mydestination has the elements %q", got)
	}
	all := c.All("myorigin")
	if len(all) != 2 || all[0].Value != "a" || all[0].Line != 6 || all[1].Line != 7 || c.Param("myorigin") != "b" {
		t.Errorf("myorigin has the entries %+v", all)
	}
	if _, _, ok := c.Set("relayhost"); ok || len(c.Problems) != 0 {
		t.Errorf("relayhost is set: %v; problems %v", ok, c.Problems)
	}
}

func TestReferences(t *testing.T) {
	const text = "a = one\nempty =\nb = $a ${a} $(a)\n"
	for value, want := range map[string]string{
		"$b!":                               "one one one!",
		"$$a":                               "$a",
		"${a?x}${empty?y}${nothing?z}":      "x",
		"${a:x}${empty:y}${nothing:z}":      "yz",
		"${a ? {x $a} : {y}}":               "x one",
		"${empty?{x}:{y}}":                  "y",
		"${{$a} == {one}}":                  "true",
		"${{9} < {10}?{n}:{t}}":             "n",
		"${{9} < {10x}?{n}:{t}}":            "t",
		"${{3.10} >level {3.6}?{n}:{o}}":    "n",
		"${{$nothing} != {}:equal}":         "equal",
		"$mydomain ${mydomain}":             "example.net example.net",
		"$config_directory":                 "/etc/postfix",
		"${a?{${empty:{$mydomain}}} : {x}}": "example.net",
	} {
		c := parse(text + "relayhost = " + value + "\n")
		if got := c.Param("relayhost"); got != want || len(c.Problems) != 0 {
			t.Errorf("%q is %q, want %q; problems %v", value, got, want, c.Problems)
		}
	}
}

func TestProblemsHaveTheirLines(t *testing.T) {
	double := strings.Builder{}
	for i := range 60 {
		double.WriteString("d" + string(rune('A'+i)) + " = $d" + string(rune('B'+i)) + "$d" + string(rune('B'+i)) + "\n")
	}
	for text, want := range map[string]Problem{
		"a = b\nnothing\n":              {Line: 2, Fatal: true, Text: "there is no = behind the name"},
		"two words = b\n":               {Line: 1, Fatal: true, Text: "there is no = behind the name"},
		"\n = b\n":                      {Line: 2, Text: "a line that begins with a blank continues the line before, and there is none"},
		"= b\n":                         {Line: 1, Fatal: true, Text: "there is no name before the ="},
		"a = b\x00c\n":                  {Line: 1, Text: "text behind a null byte does not count"},
		"a = b\n\nmyorigin = $myorigin": {Line: 3, Fatal: true, Text: "the value of myorigin cannot be worked out: the references lead through more than 100 parameters, or in a circle"},
		"a = ${b":                       {Line: 1, Fatal: true, Text: `the value of a cannot be worked out: a reference has no end: "${b"`},
		"a = $ b":                       {Line: 1, Fatal: true, Text: `the value of a cannot be worked out: no name follows a dollar: "$ b"`},
		"a = ${b c}":                    {Line: 1, Fatal: true, Text: `the value of a cannot be worked out: "b c" is no name`},
		"a = ${b?{c}d}":                 {Line: 1, Fatal: true, Text: `the value of a cannot be worked out: : is missing before "d"`},
		"a = ${{x} = {y}}":              {Line: 1, Fatal: true, Text: `the value of a cannot be worked out: there is no comparison "="`},
		"a = ${{x} <level {1}}":         {Line: 1, Fatal: true, Text: `the value of a cannot be worked out: "x" or "1" is no level of compatibility`},
		double.String():                 {Line: 1, Fatal: true, Text: "the value of dA cannot be worked out: the value has more than 10000 references"},
	} {
		want.Path = "/etc/postfix/main.cf"
		if got := parse(text).Problems; len(got) == 0 || got[0] != want {
			t.Errorf("%.40q has the problems %+v, want %+v", text, got, want)
		}
	}
}

func TestBuiltInValuesDependOnTheLevel(t *testing.T) {
	for _, test := range []struct{ level, name, want string }{
		{"0", "append_dot_mydomain", "yes"}, {"1", "append_dot_mydomain", "no"},
		{"0", "smtpd_relay_restrictions", ""},
		{"1", "smtpd_relay_restrictions", "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"},
		{"1", "relay_domains", "mx1.example.net, localhost.example.net, localhost"}, {"2", "relay_domains", ""},
		{"0", "smtputf8_enable", "no"}, {"3", "smtputf8_enable", "yes"},
		{"3.5", "smtpd_relay_before_recipient_restrictions", "no"}, {"3.6", "smtpd_relay_before_recipient_restrictions", "yes"},
	} {
		if got := parse("compatibility_level = " + test.level).Param(test.name); got != test.want {
			t.Errorf("at level %s %s is %q, want %q", test.level, test.name, got, test.want)
		}
	}
}

func TestApplyAsksWhatWouldBe(t *testing.T) {
	c := parse("virtual_maps = hash:/etc/postfix/virtual\nmyorigin = a\n")
	with := c.Apply([]byte("virtual_alias_maps = cdb:/x, $virtual_maps\nmyorigin = b\n"))
	if got := with.Param("virtual_alias_domains"); got != "cdb:/x, hash:/etc/postfix/virtual" {
		t.Errorf("with the lines virtual_alias_domains is %q", got)
	}
	if _, line, _ := with.Set("myorigin"); line != 4 || with.Param("myorigin") != "b" || len(with.All("myorigin")) != 2 {
		t.Errorf("with the lines myorigin is %q in line %d", with.Param("myorigin"), line)
	}
	if c.Param("myorigin") != "a" || len(c.All("myorigin")) != 1 || c.Param("virtual_alias_maps") != "hash:/etc/postfix/virtual" {
		t.Error("Apply changed the configuration itself")
	}
}

func TestListsKeepBracesTogether(t *testing.T) {
	got := SplitList(" a,b\t{ c, {d} e } ,,inline:{x=y, z=1} f")
	if want := []string{"a", "b", "{ c, {d} e }", "inline:{x=y, z=1}", "f"}; !slices.Equal(got, want) {
		t.Errorf("the elements are %q, want %q", got, want)
	}
}

func TestServicesHaveTheirOwnValues(t *testing.T) {
	c := parse("smtpd_recipient_restrictions = reject_unauth_destination\nmydomain = d.example\n")
	c.parseServices("master.cf", `# services
smtp      inet  n       -       y       -       -       smtpd
submission inet n       -       -       -       -       smtpd -v
  -o syslog_name=$service_name/$process_name -o
# apart
  smtpd_recipient_restrictions=
  -o { smtpd_recipient_restrictions = permit_sasl_authenticated, reject }
  -omydomain=other.example
maildrop  unix  -       n       n       -       -       pipe
  flags=DRhu user=vmail argv=/usr/bin/maildrop {a b} -o x=y
short inet n
`)
	all := c.Services()
	if len(all) != 3 || !reflect.DeepEqual(c.Problems, []Problem{{Path: "master.cf", Line: 11, Fatal: true,
		Text: "a service has eight columns: service, type, private, unpriv, chroot, wakeup, maxproc, command"}}) {
		t.Fatalf("services %+v, problems %+v", all, c.Problems)
	}
	smtp, submission, maildrop := all[0], all[1], all[2]
	if smtp.Line != 2 || smtp.Chroot != "y" || submission.Line != 3 || maildrop.Command != "pipe" {
		t.Errorf("the services are %+v", all)
	}
	if !c.Chrooted(smtp) || !c.Chrooted(submission) || c.Chrooted(maildrop) || c.Apply([]byte("compatibility_level = 1\n")).Chrooted(submission) {
		t.Error("which services are chrooted is not that of the column and the level")
	}
	for name, want := range map[string][2]string{
		"smtpd_recipient_restrictions": {"reject_unauth_destination", "permit_sasl_authenticated, reject"},
		"mydestination":                {"mx1.example.net, localhost.d.example, localhost", "mx1.example.net, localhost.other.example, localhost"},
		"syslog_name":                  {"postfix", "submission/smtpd"},
	} {
		if got := [2]string{c.ParamOf(smtp, name), c.ParamOf(submission, name)}; got != want {
			t.Errorf("%s of smtp and submission is %q, want %q", name, got, want)
		}
	}
	if want := []string{"flags=DRhu", "user=vmail", "argv=/usr/bin/maildrop", "a b", "-o", "x=y"}; !slices.Equal(maildrop.Args, want) || len(maildrop.Overrides) != 0 {
		t.Errorf("maildrop has the arguments %q and %v", maildrop.Args, maildrop.Overrides)
	}
}

func TestFilesThatAreMissingAreNoError(t *testing.T) {
	dir := t.TempDir()
	c, err := Read(dir)
	if err != nil || c.Path != "" || c.Param("mydestination") != ", localhost.localdomain, localhost" || len(c.Services()) != 0 {
		t.Errorf("Read of an empty folder gives %+v, %v", c, err)
	}
	if err := os.Mkdir(filepath.Join(dir, MasterName), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("Read of a folder master.cf gives %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a = ${{$b} <level {1}?{x}:{y}}\n  z\nb = $a", "smtp inet n - y - - smtpd -o { a = b } {c")
	f.Fuzz(func(t *testing.T, text, master string) {
		c := parse(text)
		c.parseServices("master.cf", master)
		for _, s := range c.Services() {
			c.ParamOf(s, "mydestination")
		}
		for name := range c.last {
			c.List(name)
		}
	})
}
