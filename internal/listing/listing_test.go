package listing_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/listing"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

const mail = `version: 1
host: {name: mx1.example.net}
defaults: {roles: {postmaster: andrei}}
users:
  andrei:
  bea: {forward: bea@far.example}
  carol: {forward: [andrei, bea], keep_copy: true}
local_aliases: [rt]
domains:
  a.example:
    addresses:
      fake: andrei
      info: [carol, bea, andrei@mx1.example.net]
      old: {reject: "Ann has left"}
      busy: defer
      help: rt
      on: fake@a.example
      away: zoe@far.example
      gone: {to: andrei, enabled: false}
      sales+*: "%1@far.example"
      lost: off@a.example
      "off": reject
    roles: {postmaster: none, abuse: bea}
    catch_all: {domain: far.example}
  backup.example: {role: backup}
  copy.example: {same_as: a.example, addresses: {fake: bea}}
  local.example: {catch_all: local}
  off.example: {enabled: false, addresses: {fake: andrei}}
`

// shown is a row in the words of a test.
func shown(r *listing.Row) string {
	text := fmt.Sprintf("%s@%s %s %s", r.Address, r.Domain, r.Kind, r.Source)
	if r.Disabled {
		text += " disabled"
	}
	for _, part := range []struct{ sign, text string }{{" = ", r.Reply}, {" -> ", strings.Join(r.To, ", ")}, {" => ", strings.Join(r.Ends, ", ")}} {
		if part.text != "" {
			text += part.sign + part.text
		}
	}
	return text
}

// TestRows lists an inventory that has every kind of row.
func TestRows(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", mail)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	l := listing.New(m, faults)
	var got []string
	for d := range m.Domains {
		for r := range l.Rows(d) {
			got = append(got, shown(r))
		}
	}
	want := []string{
		"abuse@a.example user role -> bea => bea@far.example",
		"away@a.example forward own -> zoe@far.example => zoe@far.example",
		"busy@a.example defer own = 450 4.2.1",
		"fake@a.example user own -> andrei => andrei",
		"gone@a.example user own disabled -> andrei",
		"help@a.example alias own -> rt => rt",
		"info@a.example list own -> carol, bea, andrei@mx1.example.net => andrei, bea@far.example, carol",
		"lost@a.example address own -> off@a.example",
		"off@a.example reject own = 550 5.1.1",
		"old@a.example reject own = 550 5.1.1 Ann has left",
		"on@a.example address own -> fake@a.example => andrei",
		"sales+*@a.example pattern own -> %1@far.example => %1@far.example",
		"*@a.example domain own -> @far.example => @far.example",
		"*@backup.example backup own",
		"abuse@copy.example user copy -> bea => bea@far.example",
		"away@copy.example forward copy -> zoe@far.example => zoe@far.example",
		"busy@copy.example defer copy = 450 4.2.1",
		"fake@copy.example user own -> bea => bea@far.example",
		"gone@copy.example user copy disabled -> andrei",
		"help@copy.example alias copy -> rt => rt",
		"info@copy.example list copy -> carol, bea, andrei@mx1.example.net => andrei, bea@far.example, carol",
		"lost@copy.example address copy -> off@a.example",
		"off@copy.example reject copy = 550 5.1.1",
		"old@copy.example reject copy = 550 5.1.1 Ann has left",
		"on@copy.example address copy -> fake@a.example => andrei",
		"sales+*@copy.example pattern copy -> %1@far.example => %1@far.example",
		"*@copy.example domain copy -> @far.example => @far.example",
		"postmaster@local.example user default -> andrei => andrei",
		"*@local.example local own",
		"fake@off.example user own disabled -> andrei",
		"postmaster@off.example user default disabled -> andrei",
		"*@off.example reject default disabled = 550 5.1.1",
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("row %d differs:\n%s\nwant\n%s", i, strings.Join(got[min(i, len(got)):], "\n"), strings.Join(want[min(i, len(want)):], "\n"))
		}
	}
}

// TestThroughFindsWhoForwards asks for a user whose own mailbox gets nothing.
func TestThroughFindsWhoForwards(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", mail)
	d, ok := m.Domain("a.example")
	if !ok {
		t.Fatal("there is no a.example")
	}
	for name, want := range map[string]string{"bea": "abuse info", "andrei": "fake info on", "rt": "help", "carol": "info"} {
		var got []string
		for r := range listing.New(m, faults).Through(name).Rows(d) {
			got = append(got, r.Address)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s gets the mail for %v, not for %s", name, got, want)
		}
	}
}

// TestEndsAreThePromises compares the ends of all rows for one address each with the
// promises of the inventory, which are worked out by other code.
func TestEndsAreThePromises(t *testing.T) {
	compared := 0
	for seed := range peer.Campaign(60) {
		r := rand.New(rand.NewPCG(uint64(seed), 47))
		m, faults := inventory.Parse("mail.yaml", sample.Inventory(r, "/etc/mail", "hash"))
		if faults.Failed() {
			t.Fatalf("seed %d: %v", seed, faults.Faults())
		}
		user := &m.Users[r.IntN(len(m.Users))]
		found := &diag.List{}
		l := listing.New(m, found)
		passing := addresses(m, l.Through(user.Name.Text))
		all := addresses(m, l)
		if found.Failed() {
			continue // a circle
		}
		passed := false
		promises := promise.Promises{Model: m, User: func(name string) { passed = passed || name == user.Name.Text }}
		for addr, ends := range all {
			passed = false
			o := promises.Of(addr)
			want := o.Recipients
			if !o.Taken {
				want = nil
			}
			if compared++; !slices.Equal(mailboxes(m, ends), want) {
				t.Errorf("seed %d: %s ends at %q, and %q is promised", seed, addr, ends, want)
			}
			// An account of the same name at the host is not the user of the inventory.
			if _, is := passing[addr]; is != passed && !slices.Contains(ends, user.Name.Text) {
				t.Errorf("seed %d: mail for %s goes through %s: %t, and promised is %t", seed, addr, user.Name.Text, is, passed)
			}
		}
	}
	if compared < 100 {
		t.Errorf("only %d addresses were compared", compared)
	}
}

// TestSendersAreThePromises compares the senders of all rows with the promises about an
// address that each row stands for.
func TestSendersAreThePromises(t *testing.T) {
	compared, may := 0, 0
	for seed := range peer.Campaign(30) {
		r := rand.New(rand.NewPCG(uint64(seed), 53))
		m, faults := inventory.Parse("mail.yaml", sample.Sending(r, sample.Inventory(r, "/etc/mail", "hash")))
		if faults.Failed() {
			t.Fatalf("seed %d: %v", seed, faults.Faults())
		}
		l, promises := listing.New(m, &diag.List{}), promise.NewSenders(m)
		for d := range m.Domains {
			sends := m.Domains[d].Enabled && m.Domains[d].Sends.On
			for row := range l.Rows(d) {
				if row.Sends != sends || !sends && len(row.Senders) > 0 {
					t.Errorf("seed %d: %s sends: %t, and %s has the senders %q", seed, row.Domain, row.Sends, row.Address, row.Senders)
				}
				from := strings.Replace(inventory.Samples{User: "nobody-here", Detail: "else"}.Of(row.Address), listing.CatchAll, "nobody-here", 1) + "@" + row.Domain
				for u := range m.Users {
					login := m.Users[u].Name.Text
					got, want := slices.Contains(row.Senders, login), sends && promises.May(login, from)
					if compared++; got {
						may++
					}
					if got != want {
						t.Errorf("seed %d: %s from %s: %t, promised %t", seed, login, from, got, want)
					}
				}
			}
		}
	}
	if may < compared/50 || may > compared/2 {
		t.Errorf("of %d pairs %d may: the sample says little", compared, may)
	}
}

// TestNoDomainSends: the senders of an inventory without one are not worked out.
func TestNoDomainSends(t *testing.T) {
	m, faults := inventory.Parse("mail.yaml", mail)
	l := listing.New(m, faults)
	for d := range m.Domains {
		for row := range l.Rows(d) {
			if row.Sends || row.Senders != nil {
				t.Errorf("%s@%s sends: %q", row.Address, row.Domain, row.Senders)
			}
		}
	}
}

// addresses returns the ends of the rows of domains that are enabled, if a row is for
// one address and its end is known.
func addresses(m *inventory.Model, l *listing.Listing) map[string][]string {
	all := map[string][]string{}
	for d := range m.Domains {
		for r := range l.Rows(d) {
			switch r.Kind {
			case listing.Pattern, listing.Domain, listing.Local, listing.Backup:
				continue
			}
			if m.Domains[d].Enabled && !strings.Contains(r.Address, "+") && r.Address != listing.CatchAll {
				all[r.Address+"@"+r.Domain] = slices.Clone(r.Ends)
			}
		}
	}
	return all
}

// mailboxes returns the ends in the form of an outcome: sorted, and users with a mailbox
// elsewhere as its path.
func mailboxes(m *inventory.Model, ends []string) (all []string) {
	for _, end := range ends {
		if i, ok := m.User(end); ok && m.Users[i].Mailbox.Text != "" {
			end = m.Users[i].Mailbox.Text
		}
		all = append(all, end)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
