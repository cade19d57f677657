package route

import "testing"

const unknownAlias = "550 5.1.1 User unknown in virtual alias table"

var virtualSite = testSite{
	main: `
		virtual_alias_domains = d.example, e.example, f.example
		virtual_alias_maps = texthash:DIR/virtual
		recipient_delimiter = +
		alias_maps = texthash:DIR/aliases
		relay_domains = b.example
	`,
	texts: map[string]string{
		"virtual": `a@d.example andrei
list@d.example andrei, bea
out@d.example x@out.example
k@d.example a+fix@d.example
self@d.example self@d.example
both@d.example both@d.example, andrei
loop1@d.example loop2@d.example
loop2@d.example loop1@d.example
exact+x@d.example bea
file@d.example /file
slash@d.example \andrei
null@d.example andrei@
@e.example @d.example
@f.example andrei
"sp ace"@d.example bea
tail.@d.example bea
deep@d.example k@d.example
bare carol
lists@d.example mailman
`,
		"aliases": `mailman /srv/mailman
postmaster bea
staff andrei, x@out.example, "|/usr/bin/vacation andrei"
team andrei, bea
owner-team carol
twice twice, bea
a1 a2
a2 a1
ext+x bea
`,
	},
	accounts: []string{"andrei", "bea", "carol", "root"},
}

func TestVirtualAliases(t *testing.T) {
	virtualSite.check(t, `
		a@d.example => 250 andrei
		A@D.Example => 250 andrei
		a+y@d.example => 250 andrei+y
		a+Y@d.example => 250 andrei+Y
		a+x+y@d.example => 250 andrei+x+y
		a+@d.example => 250 andrei+
		list+y@d.example => 250 andrei+y, bea+y
		out+Z@d.example => 250 x+Z@out.example
		k+z@d.example => 250 andrei+fix+z
		deep+z@d.example => 250 andrei+fix+z
		exact+x@d.example => 250 bea
		+x@d.example => `+unknownAlias+`
		nosuch@d.example => `+unknownAlias+`
		root@d.example => `+unknownAlias+`
		andrei@d.example => `+unknownAlias+`
		self@d.example => 250
		both@d.example => 250 andrei
		loop1@d.example => 250
		file@d.example => 250
		slash@d.example => 250 andrei
		null@d.example => 250
		nosuch@e.example => 250
		a+y@e.example => 250 andrei+y
		anything+y@f.example => 250 andrei
		lists@d.example => 250 /srv/mailman
		bare@mx1.example.net => 250 carol
		bare@localhost => 250 carol
		bare@[127.0.0.1] => 250 carol
		bare+x => 250 carol+x
		bare@d.example => `+unknownAlias+`
		@d.example => `+unknownAlias+`
		@f.example => 250 andrei
	`)
}

func TestLocalDelivery(t *testing.T) {
	virtualSite.check(t, `
		andrei@mx1.example.net => 250 andrei
		andrei => 250 andrei
		root => 250 root
		andrei+x@localhost => 250 andrei+x
		andrei@[127.0.0.1] => 250 andrei
		root@localhost => 250 root
		nosuch@mx1.example.net => 550 5.1.1 User unknown in local recipient table
		postmaster => 250 bea
		postmaster+x@localhost => 250 bea
		mailer-daemon@localhost => 250
		staff@localhost => 250 andrei, x@out.example, |/usr/bin/vacation andrei
		staff+x@localhost => 250 andrei, x@out.example, |/usr/bin/vacation andrei
		team@localhost => 250 andrei, bea
		twice@localhost => 250 bea
		a1@localhost => 250
		ext+x@localhost => 250 bea
		ext@localhost => 550 5.1.1 User unknown in local recipient table
		double-bounce@localhost => 250
	`)
}

func TestOddAddresses(t *testing.T) {
	virtualSite.check(t, `
		"a"@d.example => 250 andrei
		a@d.example. => 250 andrei
		@out.example:a@d.example => 250 andrei
		a@d.example (c) => 250 andrei
		a\@d.example => 250 andrei
		a%d.example => 250 andrei
		d.example!a => 250 andrei
		a%d.example@mx1.example.net => 250
		x%y@d.example => 454 4.7.1 not ours
		x!y@d.example => 454 4.7.1 not ours
		a@b@d.example => 454 4.7.1 not ours
		"a@b"@d.example => 454 4.7.1 not ours
		root%localhost@d.example => 454 4.7.1 not ours
		x%y@b.example => 454 4.7.1 not ours
		 => 501 5.1.3 Bad recipient address syntax
		a@ => 501 5.1.3 Bad recipient address syntax
		a@d..example => 501 5.1.3 Bad recipient address syntax
		a@-d.example => 501 5.1.3 Bad recipient address syntax
		a@d.example.. => 501 5.1.3 Bad recipient address syntax
		-f@d.example => 501 5.1.3 Bad recipient address syntax
		a,b@d.example => 501 5.1.3 Bad recipient address syntax
		a;b@d.example => 501 5.1.3 Bad recipient address syntax
		i@bücher.example => 454 4.7.1 not ours
		i@bü_cher..example => 501 5.1.3 Bad recipient address syntax
		"sp ace"@d.example => 250 bea
		"tail."@d.example => 250
		x@nowhere.example => 454 4.7.1 not ours
		x@b.example => 250 x@b.example
		x@sub.b.example => 250 x@sub.b.example
	`)
}
