package mtatest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// A SendingProgram is the real program of a server at which users log in.
type SendingProgram struct {
	Server *mta.Server
	Name   string // the name of the program in messages
	// Start returns the program over the files of a build in a folder.
	Start func(t testing.TB, dir string, b mta.Build) mta.AskedSenders
	// Sayable returns a generated inventory without what the server refuses in every
	// inventory.
	Sayable func(text string) string
}

// Run builds n generated inventories in which the server is asked who may send. Users log
// in and try their own and foreign addresses. The program, the written files and the Build
// must keep the promise. If more than half of the inventories have faults, the test fails.
func (p SendingProgram) Run(t *testing.T, n int, folder func() string) {
	t.Helper()
	asked, may, tried, refused := 0, 0, 0, 0
	for seed := 0; tried < n && seed < 4*n; seed++ {
		dir := folder()
		r := rand.New(rand.NewPCG(uint64(seed), 29))
		m, ok := p.parse(r, dir, seed)
		if !ok {
			continue
		}
		var faults diag.List
		tried++
		b := p.Server.Compile(m, &faults)
		if faults.Failed() {
			refused++
			continue
		}
		logins := loginsOf(r, m)
		allowed, err := p.compare(t, b, dir, logins)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		asked, may = asked+len(logins), may+allowed
	}
	t.Logf("%d inventories, %d with faults; %d logins, of which %d may send", tried, refused, asked, may)
	if refused*2 > tried || may < asked/100 || may > asked/2 {
		t.Errorf("the sample says little: %d of %d inventories have faults, and %d of %d logins may send", refused, tried, may, asked)
	}
}

// parse returns a generated inventory. ok is false if it says nothing about senders.
func (p SendingProgram) parse(r *rand.Rand, dir string, seed int) (m *inventory.Model, ok bool) {
	text := Authorising(r, sample.Inventory(r, dir, p.Server.Maps[seed%len(p.Server.Maps)]+", server: "+p.Server.Name))
	if p.Sayable != nil {
		text = p.Sayable(text)
	}
	m, faults := inventory.Parse("mail.yaml", text)
	return m, !faults.Failed() && m.Submission.Authorise
}

// Authorising returns a generated inventory in which the server is asked who may send.
func Authorising(r *rand.Rand, text string) string {
	return strings.Replace(sample.Sending(r, text), "rewrite: msp, ", "", 1)
}

// loginsOf returns some users of an inventory, each with some addresses of a sample.
func loginsOf(r *rand.Rand, m *inventory.Model) (logins []outcome.Login) {
	from := sample.From(r, m)
	for i := range m.Users {
		for _, addr := range from {
			if r.IntN(3) == 0 {
				logins = append(logins, outcome.Login{User: m.Users[i].Name.Text, From: addr})
			}
		}
	}
	r.Shuffle(len(logins), func(i, j int) { logins[i], logins[j] = logins[j], logins[i] })
	return logins[:min(len(logins), 300)]
}

// compare puts the files of a build into a folder, asks the program and the files about
// logins, and returns how many may send.
func (p SendingProgram) compare(t testing.TB, b mta.Build, dir string, logins []outcome.Login) (may int, err error) {
	if err := Install(p.Server, b, dir); err != nil {
		return 0, err
	}
	set, err := p.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: sample.HostName, Account: sample.HasName})
	if err != nil {
		return 0, err
	}
	defer set.Close()
	written, before := set.(mta.SendingRows), b.Set().(mta.SendingRows)
	got, err := p.Start(t, dir, b).AskSenders(context.Background(), logins)
	if err != nil {
		return 0, err
	}
	promises := promise.NewSenders(b.Inventory())
	var wrong []error
	for i, l := range logins {
		said, steps := written.Sends(l.User, l.From)
		built, _ := before.Sends(l.User, l.From)
		promised := promises.May(l.User, l.From)
		if got[i].Taken != promised || said.Taken != promised || !same(said, built) || !promised && got[i].Code != said.Code {
			wrong = append(wrong, fmt.Errorf("%s from %s is %v in %s, %v in the files, %v in the build, and promised is %v; tried %v", l.User, l.From, got[i], p.Name, said, built, promised, steps))
		}
		if promised {
			may++
		}
	}
	return may, errors.Join(append(wrong, rights(written, before, promises))...)
}

// rights compares the rights of written files with those of their build, and with the
// promise.
func rights(written, before mta.SendingRows, promises *promise.Senders) error {
	all, err := written.Rights()
	if err != nil {
		return err
	}
	if built, err := before.Rights(); err != nil || !slices.Equal(all, built) {
		return fmt.Errorf("the rights are %v, and were %v (%w)", all, built, err)
	}
	for i, l := range all {
		from := l.From
		if strings.HasPrefix(from, "@") {
			from = "nobody-lists-this" + from
		}
		if i > 0 && (l.From < all[i-1].From || l.From == all[i-1].From && l.User <= all[i-1].User) {
			return fmt.Errorf("the right of %v is behind that of %v", l, all[i-1])
		}
		if !promises.May(l.User, mailaddr.Lower(from)) {
			return fmt.Errorf("%s has a right to %s, which is not promised", l.User, l.From)
		}
	}
	return nil
}
