package route

import (
	"reflect"
	"strings"
	"testing"
)

func TestClasses(t *testing.T) {
	site := testSite{
		main: `virtual_alias_domains = d.example, texthash:DIR/domains, DIR/names, m.example, .dot.example
			virtual_alias_maps = texthash:DIR/virtual
			virtual_mailbox_domains = m.example, box.example, d.example
			virtual_mailbox_maps = texthash:DIR/mailboxes
			virtual_mailbox_base = /srv
			virtual_uid_maps = texthash:DIR/uids
			virtual_gid_maps = static:100
			relay_domains = b.example, known.example, example.org
			relay_recipient_maps =
			mydestination = mx1.example.net, localhost, both.example
			recipient_delimiter = +
		`,
		texts: map[string]string{
			"domains": "tab.example x\n", "names": "# comment\nfile.example, file2.example\n",
			"virtual":   "a@d.example andrei\na@tab.example andrei\na@file2.example andrei\na@both.example bea\nbox@d.example bea@box.example\nno@d.example nosuch@box.example\nlow@d.example low@box.example\n",
			"mailboxes": "bea@box.example bea/\nmbox@box.example ../mail/mbox\nlow@box.example low\nunowned@box.example x\n",
			"uids":      "bea@box.example 1000\nmbox@box.example 1000\nlow@box.example 99\n",
		},
		accounts: []string{"andrei", "bea", "root"},
	}
	site.check(t, `
		a@d.example => 250 andrei
		a@tab.example => 250 andrei
		a@file2.example => 250 andrei
		x@file.example => `+unknownAlias+`
		x@m.example => `+unknownAlias+`
		x@sub.dot.example => 454 4.7.1 not ours
		x@sub.d.example => 454 4.7.1 not ours
		a@both.example => 250 bea
		root@both.example => 250 root
		x@both.example => 550 5.1.1 User unknown in local recipient table
		bea@box.example => 250 /srv/bea/
		bea+x@box.example => 250 /srv/bea/
		box@d.example => 250 /srv/bea/
		box+x@d.example => 250 /srv/bea/
		mbox@box.example => 250 /mail/mbox
		x@box.example => 550 5.1.1 User unknown in virtual mailbox table
		no@d.example => 250
		low@d.example => 250
		unowned@box.example => 250
		x@b.example => 250 x@b.example
		x@sub.b.example => 250 x@sub.b.example
		x@sub.example.org => 250 x@sub.example.org
	`)
	r := site.router(t)
	local, virtual, mailbox, relayed := r.Domains()
	want := [][]string{{"both.example", "localhost", "mx1.example.net"}, {".dot.example", "d.example", "file.example", "file2.example", "m.example", "tab.example"}, {"box.example", "d.example", "m.example"}, {"b.example", "example.org", "known.example"}}
	if got := [][]string{local, virtual, mailbox, relayed}; !reflect.DeepEqual(got, want) {
		t.Errorf("the domains are %v, want %v", got, want)
	}
	site.main = strings.Replace(site.main, "relay_recipient_maps =", "parent_domain_matches_subdomains =\nrelay_recipient_maps = inline:{x@b.example=y}", 1)
	site.check(t, `
		x@sub.b.example => 454 4.7.1 not ours
		x@b.example => 250 x@b.example
		x+d@b.example => 250 x+d@b.example
		y@b.example => 550 5.1.1 User unknown in relay recipient table
	`)
}

func TestDomainsOfTheTableOfAddresses(t *testing.T) {
	site := testSite{
		main:     "virtual_alias_maps = texthash:DIR/virtual\nvirtual_alias_domains = $virtual_alias_maps\n",
		texts:    map[string]string{"virtual": "d.example anything\na@d.example andrei\nb@out.example andrei\n"},
		accounts: []string{"andrei"},
	}
	site.check(t, `
		a@d.example => 250 andrei
		x@d.example => `+unknownAlias+`
		b@out.example => 454 4.7.1 not ours
	`)
	if _, virtual, _, _ := site.router(t).Domains(); !reflect.DeepEqual(virtual, []string{"d.example"}) {
		t.Errorf("the virtual domains are %q", virtual)
	}
}

func TestTransports(t *testing.T) {
	site := testSite{
		main: `virtual_alias_domains = d.example
			virtual_alias_maps = texthash:DIR/virtual
			relay_domains = b.example
			transport_maps = texthash:DIR/transport
			relocated_maps = inline:{old@b.example=new@x.example, {old@d.example = new place}}
			recipient_delimiter = +
		`,
		texts: map[string]string{
			"virtual":   "busy@d.example busy=d@refused.example\ngone@d.example gone=d@refused.example\nvia@d.example x@via.example\nold@d.example andrei\n",
			"transport": "busy=d@refused.example retry:4.2.1 being moved\ngone=d@refused.example error:5.2.1 gone\na@b.example error:5.2.1 away\nw@b.example retry:4.2.1 wait\ne@b.example error:\ndrop@b.example discard:\nvia.example relay:[10.0.0.1]\nx@d.example error:5.2.1 not asked\n.b.example discard:\n",
		},
		accounts: []string{"andrei"},
	}
	site.check(t, `
		busy@d.example => 250
		gone@d.example => 250
		via@d.example => 250 x@via.example
		x@d.example => `+unknownAlias+`
		a@b.example => 550 5.2.1 away
		a+x@b.example => 550 5.2.1 away
		w@b.example => 450 4.2.1 wait
		e@b.example => 550 5.1.1 Address is undeliverable
		drop@b.example => 250
		x@b.example => 250 x@b.example
		x@sub.b.example => 250
		old@b.example => 550 5.1.6 User has moved to new@x.example
		old+x@b.example => 550 5.1.6 User has moved to new@x.example
		old@d.example => 250 andrei
	`)
}

func TestUnknownRecipients(t *testing.T) {
	for _, c := range []struct{ it, more, want string }{
		{"has the code of the site", "unknown_virtual_alias_reject_code = 554", "x@d.example => 554 5.1.1 User unknown in virtual alias table"},
		{"does not name the table", "show_user_unknown_table_name = no", "x@d.example => 550 5.1.1 User unknown"},
		{"is accepted and bounces", "smtpd_reject_unlisted_recipient = no", "x@d.example => 250"},
		{"is temporary with soft_bounce", "soft_bounce = yes", "x@d.example => 450 4.1.1 User unknown in virtual alias table"},
		{"is refused in spite of a permit", "smtpd_recipient_restrictions = permit_auth_destination", "x@d.example => " + unknownAlias},
		{"is accepted with an empty local_recipient_maps", "local_recipient_maps =", "x@localhost => 250"},
		{"goes to luser_relay then", "local_recipient_maps =\nluser_relay = andrei+$local", "x@localhost => 250 andrei+x"},
		{"does not go there with the tables set", "luser_relay = andrei", "x@localhost => 550 5.1.1 User unknown in local recipient table"},
		{"goes to a fallback transport", "local_recipient_maps =\nfallback_transport = lmtp:x", "x@localhost => 250 x"},
		{"goes there with a detail that local does not take", "local_recipient_maps =\nfallback_transport = lmtp:x\nrecipient_delimiter = +", "X+b/c@localhost => 250 x+b/c"},
		{"is an end of a mailbox transport", "local_recipient_maps =\nmailbox_transport = lmtp:x", "x@localhost => 250 x"},
		{"is known to a canonical table", "canonical_maps = inline:{x@d.example=a@d.example}", "x@d.example => 250 andrei"},
		{"is a fault of the table", "virtual_alias_maps = texthash:DIR/missing", "x@d.example => 451 4.3.0 Temporary lookup failure"},
		{"is a fault of the list", "mydestination = texthash:DIR/missing", "x@d.example => 451 4.3.0 Temporary lookup failure"},
		{"is a fault of a table before the name", "relay_domains = texthash:DIR/missing, b.example", "x@b.example => 451 4.3.0 Temporary lookup failure"},
		{"is no fault of a table behind the name", "relay_domains = b.example, texthash:DIR/missing", "x@b.example => 250 x@b.example"},
		{"is a fault of the access table", "smtpd_recipient_restrictions = check_recipient_access texthash:DIR/missing", "x@d.example => 451 4.3.5 Server configuration error"},
	} {
		t.Run(c.it, func(t *testing.T) {
			testSite{
				main:     "virtual_alias_domains = d.example\nvirtual_alias_maps = texthash:DIR/virtual\nrecipient_delimiter = +\n" + c.more,
				texts:    map[string]string{"virtual": "a@d.example andrei\n"},
				accounts: []string{"andrei"},
			}.check(t, c.want)
		})
	}
}
