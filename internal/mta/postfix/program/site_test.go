package program_test

import (
	"maps"
	"strings"
	"testing"

	"virtmap/internal/outcome"
)

// TestALongResult asks for an address whose row is longer than cleanup(8) takes
// (virtual_alias_address_length_limit). The log names the row and not the address.
func TestALongResult(t *testing.T) {
	t.Parallel()
	files := maps.Clone(tables)
	files["virtual"] += "long@shop.example " + strings.Repeat("x", 1000) + "@partner.example\n"
	p := start(t, options(t, files))
	addrs := []string{"fake@shop.example", "long@shop.example", "partner@shop.example"}
	got, err := p.Outcomes(t.Context(), addrs)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"andrei", "", "ann@partner.example"} {
		if to := strings.Join(got[i].Recipients, ", "); !got[i].Taken || to != want {
			t.Errorf("%s: taken %t, the recipients are %q, want %q", addrs[i], got[i].Taken, to, want)
		}
	}
	if !strings.Contains(got[1].Text, "unreasonable virtual_alias_maps result") {
		t.Errorf("the text of the loss is %q", got[1].Text)
	}
}

// TestSiteWithServers asks an instance of a site whose mail passes a filter, a greylist
// and a mailbox server, none of which runs.
func TestSiteWithServers(t *testing.T) {
	t.Parallel()
	o := options(t, tables)
	o.Main = append(o.Main, `
content_filter = amavis:[127.0.0.1]:10024
receive_override_options = no_address_mappings
smtpd_milters = unix:/run/milter
mailbox_transport = lmtp:unix:private/lmtp
always_bcc = archive@mx1.example.net
default_destination_rate_delay = 10s
`...)
	o.Master = []byte(`
smtp inet n - y - - smtpd
  -o { smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10023, check_recipient_access inline:{fake@shop.example=DUNNO, info@shop.example=reject} }
submission inet n - y - - smtpd
  -o smtpd_recipient_restrictions=reject
amavis unix - - y - 2 smtp
partner unix - n n - - pipe flags=R user=nobody argv=/bin/false
`)
	files := map[string]string{"virtual": tables["virtual"], "aliases": tables["aliases"], "mailboxes": tables["mailboxes"], "access": "",
		"transport": "partner.example partner:\n"}
	o.Move = options(t, files).Move
	p := start(t, o)
	addrs := []string{"fake+x@shop.example", "info@shop.example", "partner@shop.example", "nobody@mx1.example.net"}
	got, err := p.Outcomes(t.Context(), addrs)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []outcome.Outcome{
		{Taken: true, Recipients: []string{"andrei+x"}},
		{Code: 554, Status: "5.7.1", Text: "Access denied"},
		{Taken: true, Recipients: []string{"ann@partner.example"}},
		{Taken: true, Recipients: []string{"nobody"}},
	} {
		if !got[i].Keeps(want) {
			t.Errorf("%s: got %+v, want %+v", addrs[i], got[i], want)
		}
	}
}
