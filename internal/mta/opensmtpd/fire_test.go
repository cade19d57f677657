package opensmtpd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/opensmtpd/program"
	"virtmap/internal/workshop/peer"
)

// seasons are two inventories between which builds change: an address is refused or not, a
// domain becomes a backup domain, one becomes local, others come and leave, and a mailbox
// moves.
var seasons = [2]string{`version: 1
host: {name: mx1.example.net, server: opensmtpd}
users: {games: , bin: {mailbox: /srv/mail/bin, uid: 1002}}
domains:
  stays.example: {addresses: {info: games, box: bin, old: {reject: "gone"}, list: [games, bin], "sales+*": bin}}
  moves.example: {catch_all: games}
  locals.example: {addresses: {info: games}, catch_all: local}
  leaves.example: {addresses: {info: games}}
`, `version: 1
host: {name: mx1.example.net, server: opensmtpd}
users: {games: , sys: {mailbox: /srv/mail/sys, uid: 1003}}
domains:
  stays.example: {addresses: {info: games, box: sys, old: games, list: [games, sys], "sales++": sys, sales: sys}}
  moves.example: {role: backup}
  locals.example: {addresses: {info: games, games: sys}}
  comes.example: {addresses: {info: games}}
`}

// codes are the replies that an address may have, in one inventory or the other.
var codes = map[string][]int{
	"info@stays.example": {250}, "box@stays.example": {250}, "list@stays.example": {250}, "sales+x@stays.example": {250}, "any@moves.example": {250},
	"info@locals.example": {250}, "games@locals.example": {250}, "nobody-here@locals.example": {550},
	"old@stays.example": {250, 550}, "nobody@stays.example": {550}, "info@leaves.example": {250, 550}, "nobody@leaves.example": {550}, "info@comes.example": {250, 550},
}

// TestDaemonUnderFire asks a daemon without a pause while builds replace its tables, and
// smtpctl reads them again with the command that a build prints. No address has a reply
// that neither of the two inventories gives it.
func TestDaemonUnderFire(t *testing.T) {
	root, dir := peer.OpenSMTPDRoot(t), peer.SafeDir(t)
	tables, folder := filepath.Join(dir, "tables"), filepath.Join(dir, "smtpd")
	for _, d := range []string{tables, folder} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b := season(t, tables, 0)
	o := opensmtpd.Question(b)
	o.Root, o.Folder, o.Tables, o.Accounts = root, folder, tables, []string{"games", "bin", "sys"}
	s, err := program.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var done atomic.Bool
	asked := make(chan error, 1)
	times := 0
	go func() {
		var err error
		for ; err == nil && !done.Load(); times++ {
			err = inSeason(s)
		}
		asked <- err
	}()
	for i := range 20 {
		season(t, tables, (i+1)%2)
		if err := s.Renew(context.Background(), opensmtpd.UpdateAll); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	done.Store(true)
	if err := <-asked; err != nil {
		t.Error(err)
	}
	if t.Logf("all addresses were asked %d times", times); times < 20 {
		t.Error("they were asked too seldom")
	}
}

// season puts the files of a season into a folder.
func season(t *testing.T, dir string, number int) opensmtpd.Build {
	t.Helper()
	b, faults := compiled(seasons[number])
	if faults.Failed() {
		t.Fatal(faults.Faults()[0].Text)
	}
	before := opensmtpd.Server.Find(mta.Folder{Dir: dir, Host: "mx1.example.net", Tell: func(line string) { t.Log(line) }})
	kept, _, err := before.Keep(b, mta.Leave{})
	if err = errors.Join(err, before.Close()); err != nil {
		t.Fatal(err)
	}
	if err := mtatest.Install(opensmtpd.Server, kept, dir); err != nil {
		t.Fatal(err)
	}
	return kept.(opensmtpd.Build)
}

// inSeason asks about every address once.
func inSeason(s *program.Server) error {
	var addresses []string
	for addr := range codes {
		addresses = append(addresses, addr)
	}
	all, err := s.RCPT(addresses)
	for i, o := range all {
		if !slices.Contains(codes[addresses[i]], o.Code) {
			return fmt.Errorf("%s has the reply %d %s", addresses[i], o.Code, o.Text)
		}
	}
	return err
}
