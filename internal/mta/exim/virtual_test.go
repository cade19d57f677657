package exim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/lists"
	"virtmap/internal/mta"
)

// virtualFiles are the files of virtual domains, by name.
type virtualFiles map[string]string

// imported imports files of virtual domains.
func (f virtualFiles) imported(t *testing.T) *listed {
	t.Helper()
	read := func(path string) ([]byte, error) { return []byte(f[strings.TrimPrefix(path, "d/")]), nil }
	names := func(string) (all []string, err error) {
		for name := range f {
			all = append(all, name)
		}
		slices.Sort(all)
		return all, nil
	}
	list, err := lists.ReadData("exim-virtual", "d", read, names)
	if err != nil {
		t.Fatal(err)
	}
	s, err := importLists(mta.Lists{Host: "mx1.example.net", Account: func(name string) bool { return name == "ann" || name == "me" }, Lists: []*lists.List{list}})
	if err != nil {
		t.Fatal(err)
	}
	return s.(*listed)
}

// TestDataOfRedirectRouters has what Exim 4.96 answers for the data of a name, with the
// accounts ann and me.
func TestDataOfRedirectRouters(t *testing.T) {
	for _, c := range []struct{ data, want string }{
		{"ann, bob@far.example", "ann, bob@far.example"},
		{"ann, nobody", "ann"},
		{"nobody", "550 Unrouteable address"},
		{":fail: 550 5.1.1 Ann left, really: (x)", "550 5.1.1 Ann left, really: (x)"},
		{":fail: gone", "550 gone"},
		{":fail: 450 4.1.1 wrong", "550 wrong"},
		{":FAIL: upper", "451 Temporary local problem - please try later"},
		{":defer: moved", "451 moved"},
		{":defer: 550 no", "451 no"},
		{":defer: 421 x", "421 x"},
		{":blackhole:", ":blackhole:"},
		{":unknown:", "550 Unrouteable address"},
		{"", "550 Unrouteable address"},
		{"#ann", "550 Unrouteable address"},
		{"ann, :fail: 550 gone", "550 gone"},
		{"ann, :blackhole:", ":blackhole:"},
		{"ann, :unknown:", "ann"},
		{":unknown: ann", "451 Temporary local problem - please try later"},
		{":include:/nowhere/none", "451 Temporary local problem - please try later"},
		{"/var/mail/x", "/var/mail/x"},
		{`ann, "|/bin/cat a, b"`, "ann, |/bin/cat a, b"},
		{"x@a.example, ann", "ann"},
		{"me@b.example", "me"},
		{`\ann`, "550 Unrouteable address"},
		{`\f`, "550 5.1.1 no"},
		{`"j doe"@far.example`, "j doe@far.example"},
		{"ann (a comment), Bob <bob@far.example>", "ann, bob@far.example"},
		{"@far.example", "451 Temporary local problem - please try later"},
		{"ann bob", "451 Temporary local problem - please try later"},
		{"ann@", "451 Temporary local problem - please try later"},
		{"ann; bob", "451 Temporary local problem - please try later"},
		{"ann,,me,", "ann, me"},
		{"ANN@FAR.Example", "ANN@far.example"},
		{"f@a.example", "550 5.1.1 no"},
		{"f@a.example, ann", "ann, me"}, // members before a :fail: get it
		{"c@a.example", "550 Unrouteable address"},
	} {
		s := virtualFiles{"a.example": "x: " + c.data + "\nf: me, :fail: 550 5.1.1 no\nc: x@a.example\n", "b.example": "me: me@b.example\n*: ann\n"}.imported(t)
		s.account = func(name string) bool { return name == "ann" || name == "me" }
		out, _ := s.virtual.Route("X@A.example")
		got := strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", out.Code, out.Status, out.Text)), " ")
		if out.Taken {
			got = strings.Join(out.Recipients, ", ")
		}
		if got != c.want {
			t.Errorf("%s gives %q, not %q", c.data, got, c.want)
		}
	}
}

// TestFilesOfVirtualDomains reads files as lsearch does.
func TestFilesOfVirtualDomains(t *testing.T) {
	s := virtualFiles{
		"a.example": "Info: ann,\n\tme\ninfo: bob\n# comment\n  lost\nkey value@far.example\n\"a b\": ann\nann@a.example: me\nx*: ann\n*: me\nempty:\n",
		"B.example": "x: ann\n",
	}.imported(t)
	for addr, want := range map[string][]string{
		"info@a.example": {"ann", "me"}, "INFO@A.EXAMPLE": {"ann", "me"}, "key@a.example": {"value@far.example"}, `"a b"@a.example`: {"ann"}, "info+x@a.example": {"me"},
		"other@a.example": {"me"}, "empty@a.example": nil, "x@b.example": nil,
	} {
		if out, _ := s.Route(addr); !slices.Equal(out.Recipients, want) {
			t.Errorf("%s goes to %q, not to %q", addr, out.Recipients, want)
		}
	}
	var why []string
	for _, dead := range s.Facts().Dead {
		why = append(why, dead.Key+" "+dead.Why)
	}
	slices.Sort(why)
	want := []string{
		"ann@a.example: d/a.example:8: Exim looks up the name alone, without its domain",
		"info@a.example d/a.example:3: a line before it has the same name, with ann, me",
		"lost d/a.example:5: it begins with a blank, and there is no line with which it could go on",
		"x*: d/a.example:9: its key is a pattern: list the addresses that it stands for",
	}
	if !slices.Equal(why, want) {
		t.Errorf("left out are\n%s", strings.Join(why, "\n"))
	}
	if notes := s.Warnings(); len(notes) != 1 || !strings.Contains(notes[0], "mail comes to b.example") {
		t.Errorf("the notes are %q", notes)
	}
}

// FuzzReadRedirection reads any data. A member is an address, or a file or program.
func FuzzReadRedirection(f *testing.F) {
	for _, data := range []string{"ann, \\bob, \"a b\"@far.example", ":fail: 550 x", "a (b) <c@d>, :include:/x", "|x, \"|y, z\"\n#", "\\", "\"", "(", "<>,@"} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		depth := 0
		r := readRedirection(data, func(string) (string, bool) { depth++; return "bob, :include:/y", depth < 5 })
		for _, m := range r.members {
			if (m.local == "") == (m.path == "") {
				t.Errorf("%q has the member %+v", data, m)
			}
		}
		if r.fault != "" && len(r.members) > 0 {
			t.Errorf("%q has a fault and members", data)
		}
	})
}
