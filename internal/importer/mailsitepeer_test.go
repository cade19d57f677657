package importer_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/outcome"
	"virtmap/internal/workshop/peer"
)

// A runningPostfix is a Postfix whose main.cf, tables and accounts are exchanged.
type runningPostfix struct {
	p      *program.Instance
	usual  string // its main.cf without that of a site
	passwd string // its accounts without the users of an inventory
}

// boxSign is before the address of a mailbox of virtual(8) among recipients.
const boxSign = "box:"

// startPostfix starts a Postfix with the accounts of a mailSite.
func startPostfix(t *testing.T, name string) *runningPostfix {
	t.Helper()
	root := peer.PostfixRoot(t)
	peer.Root(t)
	p, err := program.Start(context.Background(), program.Options{
		Root:     program.Unpacked(root),
		Folder:   filepath.Join(peer.SafeDir(t), name),
		Main:     []byte("compatibility_level = 3.6\nmyhostname = " + siteHost + "\nalias_database =\nalias_maps =\n"),
		Master:   []byte("dovecot unix - n n - - pipe flags=DRhu user=nobody argv=/usr/lib/dovecot/deliver\n"),
		Accounts: append([]string{"postfix"}, siteAccounts...),
		Mailbox:  func(addr string) string { return boxSign + addr },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	w := &runningPostfix{p: p}
	for path, text := range map[string]*string{w.main(): &w.usual, w.accounts(): &w.passwd} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		*text = string(content)
	}
	return w
}

func (w *runningPostfix) main() string     { return filepath.Join(w.p.Folder(), "etc", "main.cf") }
func (w *runningPostfix) accounts() string { return filepath.Join(w.p.Folder(), "passwd") }

// load makes Postfix read a main.cf. users are accounts beside those of the site.
func (w *runningPostfix) load(main string, users []string) error {
	var passwd strings.Builder
	passwd.WriteString(w.passwd)
	for i, name := range users {
		fmt.Fprintf(&passwd, "%s:x:%d:20000::/home/%s:/bin/false\n", name, 21000+i, name)
	}
	past := time.Now().Add(-time.Hour) // Postfix waits for a text that was just written
	for path, text := range map[string]string{w.main(): w.usual + "\n" + main, w.accounts(): passwd.String()} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { // in place: the accounts are mounted
			return err
		}
		if err := os.Chtimes(path, past, past); err != nil {
			return err
		}
	}
	return w.p.Reload()
}

// ask returns the outcomes of addresses, by address.
func (w *runningPostfix) ask(addrs []string) (map[string]outcome.Outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	all, err := w.p.Outcomes(ctx, addrs)
	if err != nil {
		return nil, err
	}
	by := map[string]outcome.Outcome{}
	for i, addr := range addrs {
		by[addr] = all[i]
	}
	return by, nil
}

// A mapMaker makes maps with postmap(1) and postalias(1).
type mapMaker struct{ postmap, postalias []string }

func newMapMaker(t *testing.T) mapMaker {
	return mapMaker{peer.Postfix(t, "postmap"), peer.Postfix(t, "postalias")}
}

func (m mapMaker) make(spec string) error { return runAll(m.postmap, spec) }

// aliases makes the map of an alias file.
func (m mapMaker) aliases(path string) error { return runAll(m.postalias, "hash:"+path) }

func runAll(command []string, arg string) error {
	args := append(slices.Clone(command[1:]), arg)
	if out, err := exec.Command(command[0], args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(command[len(command)-1]), arg, err, out)
	}
	return nil
}

// warnings returns the last warnings in the log.
func (w *runningPostfix) warnings() string {
	var all []string
	for line := range strings.Lines(w.p.Log()) {
		if !strings.Contains(line, "overriding earlier entry") && (strings.Contains(line, "warning: ") || strings.Contains(line, "error: ") || strings.Contains(line, "fatal: ")) {
			all = append(all, line)
		}
	}
	return strings.Join(all[max(0, len(all)-5):], "")
}
