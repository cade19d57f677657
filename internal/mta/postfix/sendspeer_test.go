package postfix_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// TestSendersAgainstPostfix builds generated inventories and logs in at a running Postfix as
// each user, from own addresses and those of others. Postfix and the Router must both keep the
// promise of the inventory.
func TestSendersAgainstPostfix(t *testing.T) {
	w := startWitness(t)
	var tally sendersTally
	for seed := range uint64(peer.Campaign(8)) {
		if err := w.senders(seed, &tally); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
	t.Logf("%+v", tally)
	if tally.sends < 100 || tally.refused < 100 || tally.rewritten < 3 {
		t.Errorf("too little was tried: %+v", tally)
	}
}

// A sendersTally counts what a campaign of senders tried.
type sendersTally struct{ inventories, faulty, sends, refused, apart, rewritten int }

// senders tries one generated inventory.
func (w *witness) senders(seed uint64, tally *sendersTally) error {
	r := rand.New(rand.NewPCG(seed, 26))
	m, faults := generated(r, seed, func(text string) string { return sample.Sending(r, text) })
	sendAs(r, m)
	b := postfix.Compile(m, faults)
	if faults.Failed() || !m.Submission.Authorise {
		tally.faulty++
		return nil
	}
	tally.inventories++
	if err := w.load(b); err != nil {
		return err
	}
	set, err := postfix.Server.Open(mta.Place{Dir: w.dir, At: func(path string) string { return path }}, mta.Host{Name: sample.HostName})
	if err != nil {
		return err
	}
	defer set.Close()
	if !set.(mta.Sending).Authorises() {
		return fmt.Errorf("the set authorises nothing: %v", set.Warnings())
	}
	for _, sending := range []mta.Sending{set.(mta.Sending), b.Set().(mta.Sending)} {
		if err := rewritten(m, sending, tally); err != nil {
			return err
		}
	}
	return w.compareSenders(m, set.(mta.Sending), loginsOf(r, m), tally)
}

// loginsOf returns each user with the own ones and some others of the addresses from which
// users may try to send.
func loginsOf(r *rand.Rand, m *inventory.Model) (all []outcome.Login) {
	from, promises := sample.From(r, m), promise.NewSenders(m)
	for i := range m.Users {
		user := m.Users[i].Name.Text
		r.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
		for n, addr := range from {
			if n < 12 || promises.May(user, addr) {
				all = append(all, outcome.Login{User: user, From: addr})
			}
		}
	}
	return all
}

// sendAs gives some users one of their addresses as the sender of the sendmail command.
func sendAs(r *rand.Rand, m *inventory.Model) {
	from, promises := sample.From(r, m), promise.NewSenders(m)
	for i := range m.Users {
		u := &m.Users[i]
		if u.SendsAs.Text != "" || r.IntN(3) == 0 {
			continue
		}
		for _, addr := range from {
			_, domain, ok := mailaddr.Split(addr)
			if _, served := m.Serves(domain); ok && served && promises.May(u.Name.Text, addr) {
				u.SendsAs = inventory.Name{Text: addr, Pos: u.Name.Pos}
			}
		}
	}
}

// compareSenders compares Postfix and the Router with the promise.
func (w *witness) compareSenders(m *inventory.Model, set mta.Sending, logins []outcome.Login, tally *sendersTally) error {
	got, err := w.p.Logins(context.Background(), logins)
	if err != nil {
		return err
	}
	promises := promise.NewSenders(m)
	for i, l := range logins {
		routed, steps := set.Sends(l.User, l.From)
		if got[i].Taken != routed.Taken || got[i].Code != routed.Code || got[i].Status != routed.Status || got[i].Text != routed.Text {
			return fmt.Errorf("%s from %s is %+v in Postfix, and %+v for the Router: %+v", l.User, l.From, got[i], routed, steps)
		}
		if apart(m, l.From) {
			tally.apart++
			continue
		}
		folded, problem := mailaddr.Fold(l.From)
		if problem != nil {
			folded = l.From
		}
		if promised := promises.May(l.User, folded); got[i].Taken != promised {
			return fmt.Errorf("%s from %s is %+v in Postfix, and the promise is %v: %+v", l.User, l.From, got[i], promised, steps)
		}
		if got[i].Taken {
			tally.sends++
		} else {
			tally.refused++
		}
	}
	return nil
}

// rewritten compares the senders of the sendmail command with the inventory.
func rewritten(m *inventory.Model, set mta.Sending, tally *sendersTally) error {
	for i := range m.Users {
		u := &m.Users[i]
		addr, steps, ok := set.SendsAs(u.Name.Text)
		want := u.SendsAs.Text
		if want == u.Name.Text+"@"+sample.HostName {
			want = "" // it is the sender anyway
		}
		if ok != (want != "") || addr != want && ok {
			return fmt.Errorf("%s sends as %q (%v), want %q: %+v", u.Name.Text, addr, ok, want, steps)
		}
		if ok {
			tally.rewritten++
		}
	}
	return nil
}

// TestDialoguesOfSenders logs in with addresses in every form that a client may write.
func TestDialoguesOfSenders(t *testing.T) {
	w := startWitnessWith(t, crew{[]string{"andrei", "bea", "carol"}, nil})
	b := w.put(t, strings.Replace(sending, "mx1.shop.test", sample.HostName, 1))
	set := b.Set().(mta.Sending)
	const owned = "553 5.7.1 not owned by user "
	for _, test := range []struct{ it, user, from, want string }{
		{"the own address", "andrei", "fake@a.test", ""},
		{"the own address in capitals", "andrei", "FAKE@A.TEST", ""},
		{"a login in capitals", "Andrei", "fake@a.test", ""},
		{"a login with a domain", "andrei@a.test", "fake@a.test", owned + "andrei@a.test"},
		{"a detail", "andrei", "fake+news@a.test", ""},
		{"an empty detail", "andrei", "fake+@a.test", ""},
		{"two details", "andrei", "fake+x+y@a.test", ""},
		{"a listed detail", "bea", "fake+x@a.test", ""},
		{"another one's listed detail", "andrei", "fake+x@a.test", owned + "andrei"},
		{"quotes without need", "andrei", `"fake"@a.test`, ""},
		{"quotes that are needed", "bea", `"two words"@a.test`, ""},
		{"quotes of a detail", "andrei", `"fake+two words"@a.test`, ""},
		{"quotes at another one's", "bea", `"fake"@a.test`, owned + "bea"},
		{"an address of a list", "andrei", "info@a.test", owned + "andrei"},
		{"a refused address", "carol", "old@a.test", owned + "carol"},
		{"an unlisted address", "bea", "anything@a.test", ""},
		{"an unlisted address of others", "andrei", "anything@a.test", owned + "andrei"},
		{"the account", "andrei", "andrei@" + sample.HostName, ""},
		{"the account without a domain", "andrei", "andrei", ""},
		{"the account at localhost", "andrei", "andrei@localhost", ""},
		{"the account with a detail", "andrei", "andrei+x@" + sample.HostName, ""},
		{"another account", "andrei", "carol@" + sample.HostName, owned + "andrei"},
		{"an account that is no user", "andrei", "root@" + sample.HostName, owned + "andrei"},
		{"the own name at a domain with local names", "carol", "carol@local.test", ""},
		{"another name at it", "carol", "dora@local.test", owned + "carol"},
		{"a domain as A-labels", "andrei", "team@xn--bcher-kva.test", ""},
		{"a domain as U-labels", "andrei", "team@bücher.test", ""},
		{"a domain as U-labels in capitals", "andrei", "Team@BÜCHER.test", ""},
		{"another one's at U-labels", "bea", "team@bücher.test", owned + "bea"},
		{"a domain that does not send", "andrei", "info@quiet.test", owned + "andrei"},
		{"a domain that is closed", "andrei", "info@off.test", owned + "andrei"},
		{"an address elsewhere", "andrei", "andrei@far.example", owned + "andrei"},
		{"a source route", "andrei", "@relay.example:fake@a.test", ""},
		{"a domain with a dot behind it", "andrei", "fake@a.test.", ""},
		{"a percent sign", "andrei", "fake%a.test@" + sample.HostName, owned + "andrei"},
		{"the null sender", "carol", "", ""},
		{"no login from a user's address", "", "fake@a.test", ""},
		{"no login from a refused address", "", "old@a.test", ""},
		{"no login from elsewhere", "", "x@far.example", ""},
	} {
		got, err := w.p.Logins(t.Context(), []outcome.Login{{User: test.user, From: test.from}})
		if err != nil {
			t.Errorf("%s: %v", test.it, err)
			continue
		}
		said := got[0].String()
		if test.want == "" && !got[0].Taken || test.want != "" && said != test.want {
			t.Errorf("%s: %q from <%s> is answered %+v, want %q", test.it, test.user, test.from, got[0], test.want)
		}
		if routed, steps := set.Sends(test.user, test.from); test.user != "" && (routed.Taken != got[0].Taken || routed.String() != said) {
			t.Errorf("%s: %q from <%s> is %+v for the Router, and %+v in Postfix; %+v", test.it, test.user, test.from, routed, got[0], steps)
		}
	}
}
