package postfix_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// fireText is the inventory of one of four steps, which come in turn. Between steps 0
// and 1, and between 2 and 3, only rows change. The others change domains and rules.
func fireText(typ string, step int) string {
	either := func(is bool, yes, no string) string {
		if is {
			return yes
		}
		return no
	}
	odd, second := step%2 == 1, step%4 >= 2
	return strings.Join([]string{"version: 1",
		"host: {name: " + sample.HostName + ", server: postfix, map: " + typ + ", local_names: [localhost]}",
		"defaults: {roles: {postmaster: bin, abuse: bin}}",
		"users: {bin: , sys: , mail: {mailbox: /srv/mail/mail, uid: 1002}}",
		"domains:",
		"  stays.example:",
		"    addresses:",
		"      stays: bin",
		"      box: mail",
		"      list: {to: [bin, sys], bounces_to: bin}",
		"      old: {reject: \"Ann left in " + either(odd, "May", "June") + "\"}",
		"      gone: {to: bin, enabled: false}",
		"      busy: {defer: being moved}",
		"      late: " + either(odd, "sys", "{defer: being moved}"),
		either(odd, "      comes: sys", ""),
		"      keeps: {to: bin, detail: keep}",
		"      shop: bin",
		"      shop+*: sys",
		"      turns+*: " + either(second, "bin", "{reject: no details}"),
		either(second, "      rules+*: bin", ""),
		"  closed.example: {catch_all: {reject: shop closed}, addresses: {open: bin}}",
		"  any.example: {catch_all: sys, addresses: {none: reject}}",
		either(second, "  new.example: {addresses: {info: bin, no: reject}}", ""),
		"",
	}, "\n")
}

var fireAddresses = []string{
	"stays@stays.example", "box@stays.example", "list@stays.example", "old@stays.example", "old+x@stays.example", "gone@stays.example",
	"busy@stays.example", "late@stays.example", "comes@stays.example", "keeps+x@stays.example", "shop+x@stays.example", "turns+x@stays.example",
	"rules+x@stays.example", "unlisted@stays.example", "open@closed.example", "other@closed.example", "any@any.example", "any+x@any.example",
	"none@any.example", "info@new.example", "no@new.example", "postmaster@any.example", "x@nowhere.example", "bin@" + sample.HostName,
}

// A fire asks all the time for addresses while builds change their answers.
type fire struct {
	*witness
	t        *testing.T
	builds   [4]postfix.Build
	answers  [4]map[string]program.Reply // at rest
	step     atomic.Int64                // of the build that is being put in place, or is
	placed   atomic.Int64                // the last step that is in place
	stale    atomic.Int64                // answers about a new domain from old rows
	answered atomic.Int64
	sessions atomic.Int64
	reloads  int
	reloaded time.Time
}

// TestBuildsUnderFire puts build after build in place while clients ask. Each answer is
// that of the build before or of the new one. There is one exception. smtpd keeps the
// rows that it had at the beginning of a session, and asks a service about domains. So
// a session that began before new rows were in place knows a new domain, and not its
// addresses.
func TestBuildsUnderFire(t *testing.T) {
	for _, typ := range []string{"hash", "cdb", "lmdb"} {
		t.Run(typ, func(t *testing.T) {
			f := &fire{witness: startWitness(t), t: t}
			f.rest(typ)
			stop, done := make(chan struct{}), new(sync.WaitGroup)
			for range 3 {
				done.Go(func() { f.ask(stop) })
			}
			builds := peer.Campaign(10)
			for n := range builds {
				f.build(n + 1)
			}
			close(stop)
			done.Wait()
			t.Logf("%d builds, %d reloads, %d sessions, %d answers, %d of them from old rows", builds, f.reloads, f.sessions.Load(), f.answered.Load(), f.stale.Load())
			if f.answered.Load() < int64(10*builds*len(fireAddresses)) {
				t.Error("too few answers")
			}
			for _, words := range []string{"4.3.0", "fatal:", "panic:", "Temporary lookup failure"} {
				if strings.Contains(f.p.Log(), words) {
					t.Errorf("the log has %q", words)
				}
			}
		})
	}
}

// rest finds the answers of each step at rest, and begins with step 0.
func (f *fire) rest(typ string) {
	for _, i := range []int{1, 2, 3, 0} {
		f.builds[i] = f.put(f.t, fireText(typ, i))
		replies, err := f.p.RCPT(context.Background(), fireAddresses)
		if err != nil {
			f.t.Fatal(err)
		}
		f.answers[i] = map[string]program.Reply{}
		for n, addr := range fireAddresses {
			f.answers[i][addr] = replies[n]
		}
		if !slices.Equal(f.builds[i].Lines(), f.builds[1].Lines()) {
			f.t.Fatal("the steps have different lines for main.cf")
		}
	}
	f.reloaded = time.Now()
}

// build puts the files of a step in place, and reloads if one of them needs it. Then
// the next client gets the new answers.
func (f *fire) build(step int) {
	f.t.Helper()
	next, err := f.keepLeaving(f.builds[step%4])
	if err != nil {
		f.t.Fatal(err)
	}
	f.step.Store(int64(step))
	needs, err := f.publish(next)
	f.placed.Store(int64(step))
	if err == nil && needs {
		f.reloads++
		err = f.p.Reload()
		f.reloaded = time.Now()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	if needs != (step%2 == 0) {
		f.t.Errorf("step %d: a reload is needed: %v", step, needs)
	}
	replies, err := f.p.RCPT(context.Background(), fireAddresses)
	if err != nil {
		f.t.Fatal(err)
	}
	for i, addr := range fireAddresses {
		if want := f.answers[step%4][addr]; replies[i] != want {
			f.t.Errorf("after step %d %s has %v, want %v", step, addr, replies[i], want)
		}
	}
}

// keepLeaving adds the rows of domains that leave to a build.
func (f *fire) keepLeaving(b postfix.Build) (mta.Build, error) {
	before := postfix.Server.Find(mta.Folder{Dir: f.dir, Host: sample.HostName, Known: true, Tell: func(string) {}})
	kept, _, err := before.Keep(b, mta.Leave{Restarted: f.reloaded, Grace: time.Hour, Now: time.Now()})
	if err != nil {
		return nil, err
	}
	return kept, before.Close()
}

// ask asks for all addresses until it is stopped, one session after another.
func (f *fire) ask(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		first, placed := f.step.Load(), f.placed.Load()
		replies, err := f.p.RCPT(context.Background(), fireAddresses)
		last := f.step.Load()
		if err != nil {
			f.t.Errorf("between steps %d and %d: %v", first, last, err)
			return
		}
		f.sessions.Add(1)
		f.answered.Add(int64(len(replies)))
		for i, addr := range fireAddresses {
			text := f.judge(addr, replies[i], first, last)
			switch {
			case text == "":
			case placed < last && addr == "info@new.example" && replies[i].Status == "5.1.1":
				f.stale.Add(1)
			default:
				f.t.Errorf("between steps %d and %d: %s has %v, %s", first, last, addr, replies[i], text)
			}
		}
	}
}

// judge says what is wrong with an answer that came between two steps: it must be that
// of one of the steps, or of the one before. Two refusals for good may differ in words,
// as may two for now.
func (f *fire) judge(addr string, got program.Reply, first, last int64) string {
	var allowed []string
	for step := max(0, first-1); step <= last; step++ {
		want := f.answers[step%4][addr]
		if got == want || got.Code != 250 && want.Code != 250 && got.Code/100 == want.Code/100 && relayDenied(got) == relayDenied(want) {
			return ""
		}
		allowed = append(allowed, fmt.Sprint(want))
	}
	return "want " + strings.Join(allowed, " or ")
}

func relayDenied(r program.Reply) bool { return strings.HasSuffix(r.Text, "Relay access denied") }
