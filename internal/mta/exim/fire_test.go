package exim_test

import (
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/workshop/peer"
)

// seasons are two inventories between which builds change: an address is refused or not, a
// domain becomes a backup domain, another leaves, and a mailbox moves.
var seasons = [2]string{`version: 1
host: {name: mx1.example.net, server: exim}
users: {games: , bin: {mailbox: /srv/mail/bin}}
domains:
  stays.example: {addresses: {info: games, box: bin, old: {reject: "gone"}, list: [games, bin], "sales+*": bin}}
  moves.example: {catch_all: games}
  leaves.example: {addresses: {info: games}}
`, `version: 1
host: {name: mx1.example.net, server: exim}
users: {games: , bin: {mailbox: /srv/mail/bin/}, sys: {mailbox: /srv/mail/sys}}
domains:
  stays.example: {addresses: {info: games, box: sys, old: games, list: [games, sys], "sales++": sys, sales: bin}}
  moves.example: {role: backup}
  comes.example: {addresses: {info: games}}
`}

// codes are the replies that an address may have, in one inventory or the other. Mail for a
// domain that leaves is deferred too: a connection that opened the list of domains before the
// domain left, and the rows after that, finds none.
var codes = map[string][]int{
	"info@stays.example": {250}, "box@stays.example": {250}, "list@stays.example": {250}, "sales+x@stays.example": {250}, "any@moves.example": {250},
	"old@stays.example": {250, 550}, "nobody@stays.example": {550}, "info@leaves.example": {250, 550, 451}, "nobody@leaves.example": {550, 451}, "info@comes.example": {250, 550, 451},
}

// TestDaemonUnderFire asks a daemon without a pause while thirty builds replace its
// tables. No address has a reply that neither of the two inventories gives it, but one of a
// domain that leaves.
func TestDaemonUnderFire(t *testing.T) {
	peer.EximRoot(t)
	if !peer.Namespace(t) {
		return
	}
	peer.InstallExim(t, "mx1.example.net", "127.0.0.2::2525", true)
	if err := os.MkdirAll(exim.DefaultDir, 0o755); err != nil {
		t.Fatal(err)
	}
	build := func(season int) {
		b, faults := compiled(seasons[season])
		if faults.Failed() {
			t.Fatal(faults.Faults())
		}
		if err := mtatest.Install(exim.Server, b, exim.DefaultDir); err != nil {
			t.Fatal(err)
		}
	}
	build(0)
	wireDebian(t, true)
	address := daemon(t)
	var asked atomic.Int64
	var stop atomic.Bool
	failed := make(chan error, 3)
	for range cap(failed) {
		go func() {
			var err error
			for !stop.Load() && err == nil {
				err = fire(address, &asked)
			}
			failed <- err
		}()
	}
	for n := range 30 {
		before := asked.Load()
		if !within(func() bool { return asked.Load() > before+20 || len(failed) > 0 }) || len(failed) > 0 {
			break
		}
		build((n + 1) % 2)
	}
	stop.Store(true)
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if t.Logf("%d replies", asked.Load()); asked.Load() < 600 {
		t.Errorf("the daemon gave only %d replies", asked.Load())
	}
}

// fire asks about every address in one session, which may last over a build.
func fire(address string, asked *atomic.Int64) error {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}} // Debian relays for 127.0.0.1
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return err
	}
	client, err := smtp.NewClient(conn, "mx1.example.net")
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Mail("sender@elsewhere.example"); err != nil {
		return err
	}
	for addr, may := range codes {
		code, text := 250, ""
		if err := client.Rcpt(addr); err != nil {
			reply := (*textproto.Error)(nil)
			if !errors.As(err, &reply) {
				return err
			}
			code, text = reply.Code, reply.Msg
		}
		asked.Add(1)
		if !slices.Contains(may, code) || strings.Contains(text, "No row") && !slices.Contains(may, 451) {
			return fmt.Errorf("%s has the reply %d %s", addr, code, text)
		}
	}
	return client.Quit()
}
