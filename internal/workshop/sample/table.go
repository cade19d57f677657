package sample

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A Table is a virtusertable as a person may write it, with unusual keys and right
// sides, and addresses for a lookup.
type Table struct {
	Domains   []string // of class w
	Rows      [][2]string
	Addresses []string
}

// NewTable makes a table of two domains. Another number gives other domains.
func NewTable(r *rand.Rand, number, addresses int) Table {
	g := tableGenerator{r: r, domain: fmt.Sprintf("t%d.example", number), twin: fmt.Sprintf("u%d.example", number)}
	t := Table{Domains: []string{g.domain, g.twin}}
	have := map[string]bool{}
	for range 4 + r.IntN(10) {
		key := g.key()
		if !have[key] {
			have[key] = true
			t.Rows = append(t.Rows, [2]string{key, g.right()})
		}
	}
	for range addresses {
		t.Addresses = append(t.Addresses, g.address())
	}
	return t
}

// A tableGenerator makes the parts of a Table.
type tableGenerator struct {
	r            *rand.Rand
	domain, twin string
}

func (g *tableGenerator) one(words ...string) string { return words[g.r.IntN(len(words))] }

func (g *tableGenerator) local() string {
	return g.one("a", "b", "fake", "info", "sales", "x.y", "root", "games", "list", "mailman")
}

func (g *tableGenerator) ours() string { return g.one(g.domain, g.domain, g.domain, g.twin) }

func (g *tableGenerator) key() string {
	local := g.local()
	return g.one(local, local, local+"+*", local+"++", local+"+d", local+"+", "+*", "++", "", "") + "@" + g.ours()
}

// right returns a right side. One in three is unusual.
func (g *tableGenerator) right() string {
	local, d := g.local(), g.ours()
	switch g.r.IntN(3) {
	case 0:
		return g.one("root", "bin", "daemon", "games", "list", "nobody-there", "root%3", "mailman", "rt+x", "root+*")
	case 1:
		return g.one(local+"@"+d, "%1@"+d, "%1%3@"+d, local+"+%2@"+d, "%1%3@elsewhere.example", "ann@elsewhere.example", local+"%3@"+d, local+"@mx1.example.net")
	}
	return g.one(
		`error:5.1.1:"550 gone, (really) <x@y>; 100%% sure"`, `error:5.1.1:550 gone; write to info@d.example`, "error:nouser 550 gone",
		"error:nouser 550 5.7.1 not for you", "error:tempfail 450 later", `error:4.2.1:"450 moving"`, "error:nouser no code here", "error:550 bad", "error:5.1.1:gone",
		"error:5.1.1:550", "error:x", "error:", `ERROR:5.1.1:"550 Upper"`, "error: 5.1.1: 550 blanks", `error:"5.1.1":"550 quoted status"`, "error:5.1.1:550 open (paren",
		`error:5.1.1:550 open "quote`, "error:5.1.1:550 <angle>", "error:5.1.1:550 open <angle", "error:5.1:550 short", "error:9.9.9:550 odd class", `error:5.1.1:"550"`,
		`error:5.1.1:""`, "error:unavailable 551 moved to %1", `error:5.1.6:"551 now %1@partner.example"`,
		"root, bin", "root,bin", "/etc/passwd", "|/bin/cat", ":include:/tmp/x", `"|/bin/cat"`, "%2", "%3", "%0", "x%0", "%4", "%%", "%%1", "%1%2%3", "(only a comment)",
		`"root"`, `"a b"`, `"root"@`+d, `\root`, "root@", "@"+d, local+"@"+d+".", local+"@@"+d, local+"@"+d+"@elsewhere.example", local+"%%"+d, local+"%%elsewhere.example",
		local+"%%"+d+"@"+g.twin, "elsewhere!"+local, "elsewhere.example!"+local, d+"!"+local, "a!b!c", "@elsewhere.example:"+local+"@"+d, "@a,@b:"+local+"@"+d,
		"local:root", "esmtp:elsewhere.example", "$#local $: root", "smtp:[192.0.2.1]", local+"@[192.0.2.1]", local+"@[127.0.0.1]", local+"@[IPv6:2001:db8::1]", "Root", "ROOT@"+strings.ToUpper(d),
		"list:;", "list: a, b;", "<root>", "<"+local+"@"+d+">", "Ann <"+local+"@"+d+">", local+" (comment)", local+" two", "root;", ";", ",", "@", "!", ".", "a..b@"+d, ".@"+d,
		local+"@localhost", local+"@localhost.example.net", local+"@localhost.UUCP", local+"@mx1", "root@.", local+"@"+d+"..", local+"@."+d, local+"+@"+d, "+"+local+"@"+d, "++", "+*", "postmaster", "root/x", "a=b", "a^b@"+d, "a[b]@"+d,
	)
}

func (g *tableGenerator) address() string {
	local, d := g.local(), g.ours()
	detail := g.one("", "", "", "+d", "+", "+x", "+x+y", "++", "+*")
	switch g.r.IntN(3) {
	case 0:
		return local + detail + "@" + d
	case 1:
		return g.one(strings.ToUpper(local)+detail+"@"+d, local+detail+"@"+strings.ToUpper(d), local+"x@"+d, "nobody-there"+detail+"@"+d, "root"+detail+"@"+d, local+"@elsewhere.example", "mailman"+detail+"@"+g.one(d, "mx1.example.net"))
	}
	return g.one(
		`"`+local+`"@`+d, `"`+local+detail+`"@`+d, local+"@"+d+".", local+"@"+d+"..", local+"%"+d+"@"+g.twin, local+"%elsewhere.example@"+d, local+"%"+g.twin+"%"+d+"@"+d, "elsewhere!"+local+"@"+d, d+"!"+local+"@"+d, d+"!"+local,
		`"`+local+"@"+g.twin+`"@`+d, `"`+local+"%"+g.twin+`"@`+d, `"a b"@`+d, `"\r\o\o\t"@`+d, `r\oot@`+d, `"<root>"@`+d, `"ro(o)t"@`+d, `""@`+d, `"/etc/passwd"@`+d, `"|cat"@`+d, "/etc/passwd@"+d, "|cat@"+d, ":include:/x@"+d,
		"@"+d+":"+local+"@"+g.twin, "@"+d+",@elsewhere.example:"+local+"@"+d, "@elsewhere.example:"+local+"@"+d, "@"+d+":"+local+"@elsewhere.example", "@"+d, "@[127.0.0.1]:"+local+"@"+d,
		local+"@[127.0.0.1]", "root@[127.0.0.1]", "root@[192.0.2.1]", "root@[IPv6:2001:db8::1]", "root@[IPv6:::1]", "root@[192.0.2.1]x", "root@localhost", "root@localhost.example.net", "root@mx1.example.net", "root@MX1.Example.NET.", "root%localhost@"+d, "root%mx1.example.net@"+d, "root%[127.0.0.1]@"+d,
		"root", "Root", "nobody-there", "root+x", "root@", "root@@"+d, "root@."+d, "root@a..b", "root@"+d+"@"+g.twin, "root@"+d+"@elsewhere.example", "a,b@"+d, "a;b@"+d, "a:b@"+d, "a@b:c", "a@"+d+",", "root (comment)@"+d, "root(@"+d, `root"@`+d, "<root>@"+d, "+"+local+"@"+d, "+@"+d, "++@"+d, "+*@"+d, "*@"+d, "@", "%", "!", ".@"+d, "root.@"+d, ".root@"+d, "ro..ot@"+d, "root%", "%root@"+d, "root!@"+d, "!root@"+d, "a/b@"+d, "a=b@"+d, "a^b@"+d, "a[b]@"+d, "root@"+strings.Repeat("x", 60)+".example",
		"postmaster@"+d, "PostMaster", "MAILER-DAEMON@"+d,
	)
}
