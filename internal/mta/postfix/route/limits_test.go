package route

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func TestLimitsOfAliases(t *testing.T) {
	var rows strings.Builder
	chain := func(name string, n int) {
		for i := range n {
			fmt.Fprintf(&rows, "%s%d@d.example %s%d@d.example\n", name, i, name, i+1)
		}
		fmt.Fprintf(&rows, "%s%d@d.example andrei\n", name, n)
	}
	list := func(name string, n int) {
		fmt.Fprintf(&rows, "%s@d.example x0@out.example", name)
		for i := 1; i < n; i++ {
			fmt.Fprintf(&rows, ",x%d@out.example", i)
		}
		rows.WriteByte('\n')
	}
	chain("a", 998) // 999 rows
	chain("b", 999) // 1,000 rows
	list("short", 1000)
	list("long", 1001)
	fmt.Fprintf(&rows, "wide@d.example %s@out.example\n", strings.Repeat("x", 989))
	site := testSite{
		main:     "virtual_alias_domains = d.example\nvirtual_alias_maps = texthash:DIR/virtual",
		texts:    map[string]string{"virtual": rows.String()},
		accounts: []string{"andrei"},
	}
	r := site.router(t)
	for _, c := range []struct {
		it, addr string
		want     int
	}{
		{"follows a chain of 999 rows", "a0@d.example", 1},
		{"refuses a chain of 1,000 rows after DATA", "b0@d.example", 0},
		{"takes 1,000 recipients", "short@d.example", 1000},
		{"refuses 1,001 recipients after DATA", "long@d.example", 0},
		{"refuses a result of 1,001 bytes after DATA", "wide@d.example", 0},
	} {
		if out, _ := r.Route(c.addr); !out.Taken || len(out.Recipients) != c.want {
			t.Errorf("it %s: %v, %d recipients, want %d", c.it, out.Taken, len(out.Recipients), c.want)
		}
	}
}

func TestPropagation(t *testing.T) {
	site := testSite{
		main: "virtual_alias_domains = d.example\nvirtual_alias_maps = texthash:DIR/virtual\nalias_maps = texthash:DIR/aliases\nrecipient_delimiter = +-\n",
		texts: map[string]string{
			"virtual": "a@d.example andrei\nowner-a@d.example bea\n",
			"aliases": "al andrei, x@out.example\ninc :include:DIR/members\n",
			"members": "# members\nbea, y@out.example\n",
		},
		accounts: []string{"andrei", "bea"},
	}
	site.check(t, `
		a-x@d.example => 250 andrei-x
		a+x@d.example => 250 andrei+x
		owner-a@d.example => 250 bea
		owner-b@d.example => `+unknownAlias+`
		al+x@localhost => 250 andrei, x@out.example
		inc+x@localhost => 250 bea, y@out.example
	`)
	site.main += "propagate_unmatched_extensions = alias, include\n"
	site.check(t, `
		a-x@d.example => 250 andrei
		al+x@localhost => 250 andrei+x, x+x@out.example
		inc+x@localhost => 250 bea+x, y+x@out.example
	`)
	site.main += "recipient_delimiter =\n"
	site.check(t, `
		a+x@d.example => `+unknownAlias+`
		andrei+x@localhost => 550 5.1.1 User unknown in local recipient table
	`)
}

func TestForward(t *testing.T) {
	testSite{
		main:     "recipient_delimiter = +\n",
		accounts: []string{"andrei", "bea", "carol"},
		forward:  map[string][]string{"andrei": {"# away", `\andrei, x@out.example`}, "bea": {"bea, carol"}, "carol": {""}},
	}.check(t, `
		andrei@localhost => 250 andrei, x@out.example
		bea@localhost => 250 bea, carol
		carol@localhost => 250 carol
	`)
}

func TestCompletion(t *testing.T) {
	virtual := "virtual_alias_domains = d.example\nvirtual_alias_maps = texthash:DIR/virtual\n"
	for _, c := range []struct{ it, more, want string }{
		{"leaves with another origin", "myorigin = out.example", "a@d.example => 250 andrei@out.example"},
		{"means the virtual domain as origin", "myorigin = d.example", "a@d.example => 250 bea"},
		{"adds the domain", "append_dot_mydomain = yes", "s@d.example => 250 andrei@short.example.net"},
		{"does not add the domain", "", "s@d.example => 250 andrei@short"},
		{"does not read a percent sign", "allow_percent_hack = no", "a%d.example@mx1.example.net => 454 4.7.1 not ours"},
		{"does not read a bang path", "swap_bangpath = no", "d.example!a => 454 4.7.1 not ours"},
		{"trusts routes", "allow_untrusted_routing = yes", "x%y@d.example => " + unknownAlias},
		{"puts a canonical address in its place", "canonical_maps = inline:{c@d.example=a@d.example}\n", "c@d.example => 250 andrei"},
		{"maps no canonical recipients", "canonical_maps = inline:{c@d.example=a@d.example}\ncanonical_classes = header_recipient", "c@d.example => 250"},
		{"maps no addresses", "receive_override_options = no_address_mappings", "a@d.example => 250"},
	} {
		t.Run(c.it, func(t *testing.T) {
			testSite{
				main:     virtual + c.more,
				texts:    map[string]string{"virtual": "a@d.example andrei\nandrei@d.example bea@localhost\ns@d.example andrei@short\n"},
				accounts: []string{"andrei", "bea"},
			}.check(t, c.want)
		})
	}
}

func TestSteps(t *testing.T) {
	r := testSite{
		main:     "virtual_alias_domains = d.example\nvirtual_alias_maps = texthash:DIR/virtual\nrecipient_delimiter = +\n",
		texts:    map[string]string{"virtual": "a@d.example andrei\n"},
		accounts: []string{"andrei"},
	}.router(t)
	_, steps := r.Route("a+x@d.example")
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprintf("%s %s %s %v", s.Table, s.Key, s.Value, s.Hit))
	}
	want := []string{
		"mydestination d.example  false", "virtual_alias_domains d.example  true",
		"virtual a+x@d.example  false", "virtual a@d.example andrei true", // smtpd, and again cleanup
		"virtual andrei+x@mx1.example.net  false", "virtual andrei@mx1.example.net  false",
		"virtual andrei+x  false", "virtual andrei  false", "virtual @mx1.example.net  false",
		"mydestination mx1.example.net  true", "accounts andrei  true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the steps are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestReply(t *testing.T) {
	r := virtualSite.router(t)
	for addr, want := range map[string]string{
		"a@d.example":         "250 2.1.5 Ok",
		"nosuch@d.example":    "550 5.1.1 <nosuch@d.example>: Recipient address rejected: User unknown in virtual alias table",
		"No@Such.Example":     "454 4.7.1 <No@Such.Example>: Relay access denied",
		`"no such"@d.example`: "550 5.1.1 <no such@d.example>: Recipient address rejected: User unknown in virtual alias table",
		"a@d..example":        "501 5.1.3 Bad recipient address syntax",
		"a b@d.example":       "501 5.1.3 Bad recipient address syntax",
	} {
		out, _ := r.Route(addr)
		if got := r.Reply(addr, out); got != want {
			t.Errorf("<%s>: %q, want %q", addr, got, want)
		}
	}
}

func TestEnds(t *testing.T) {
	r := virtualSite.router(t)
	for name, want := range map[string][]string{
		"andrei": {"andrei"}, "andrei+x": {"andrei+x"}, "staff": {"andrei", "x@out.example", "|/usr/bin/vacation andrei"}, "nosuch": nil, "twice": {"bea"},
	} {
		if got := r.Ends(name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s ends at %v, want %v", name, got, want)
		}
	}
}

func TestRouterIsSafeForConcurrentUse(t *testing.T) {
	r := virtualSite.router(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				for _, addr := range []string{"list+y@d.example", "nosuch@d.example", "staff@localhost", "x%y@d.example"} {
					r.Route(addr)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkRoute(b *testing.B) {
	var rows strings.Builder
	for i := range 100000 {
		fmt.Fprintf(&rows, "user%d@d.example andrei\n", i)
	}
	r := testSite{
		main:     "virtual_alias_domains = d.example\nvirtual_alias_maps = texthash:DIR/virtual\nrecipient_delimiter = +\n",
		texts:    map[string]string{"virtual": rows.String()},
		accounts: []string{"andrei"},
	}.router(b)
	i := 0
	for b.Loop() {
		r.Route(fmt.Sprintf("user%d@d.example", i%100000))
		i++
	}
}
