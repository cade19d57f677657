package fileset_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"virtmap/internal/fileset"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
)

func anybody(string) bool { return true }

func openLive(dir string, warn func([]string)) (*fileset.Live, error) {
	return fileset.OpenLive(func() (mta.Set, error) {
		return sendmail.Server.Open(mta.Place{Dir: dir}, mta.Host{Name: "mx1.example.net", Account: anybody})
	}, warn)
}

// TestLiveFollowsTheFiles asks from many goroutines while the files change. Every
// answer is from one of the two sets, and the last answer is from the last set.
func TestLiveFollowsTheFiles(t *testing.T) {
	dir := t.TempDir()
	mustBuild(t, dir, mail)
	live, err := openLive(dir, func([]string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	other := strings.Replace(mail, "fake: andrei", "fake: bea", 1)
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if o, err := live.Route("fake@a.example"); err != nil || !slices.Equal(o.Recipients, []string{"andrei"}) && !slices.Equal(o.Recipients, []string{"bea"}) {
					t.Errorf("%v, %v", o, err)
					return
				}
			}
		})
	}
	for i := range 20 {
		text, want := mail, "andrei"
		if i%2 == 0 {
			text, want = other, "bea"
		}
		mustBuild(t, dir, text)
		for end := time.Now().Add(30 * time.Second); ; {
			o, err := live.Route("fake@a.example")
			if err == nil && slices.Equal(o.Recipients, []string{want}) {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after build %d: %v, %v", i, o, err)
			}
		}
	}
	close(stop)
	wait.Wait()
	if err := os.Remove(filepath.Join(dir, "local-host-names")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; {
		if _, err := live.Route("fake@a.example"); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a set without class w is asked")
		}
	}
}

func TestOpenReadsWhatSendmailCFNames(t *testing.T) {
	dir := t.TempDir()
	mustBuild(t, dir, strings.Replace(mail, "users:", "local_aliases: [policy, gone]\nusers:", 1)+"  c.example: {addresses: {policy: policy, gone: gone}}\n")
	site := filepath.Join(dir, "aliases")
	if err := os.WriteFile(site, []byte("policy: andrei,\n\tann@elsewhere.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	write := func(cf string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "sendmail.cf"), []byte(cf), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cf := "# DjOTHER\nDjMX1.Example.net\nKvirtuser hash " + filepath.Join(dir, "virtusertable") + "\nFw" + filepath.Join(dir, "local-host-names") +
		"\nFR" + filepath.Join(dir, "virtmap-relay-domains") + "\nO AliasFile=" + site + "\nO AliasFile=" + filepath.Join(dir, "virtmap-aliases") + "\n"
	write(cf)
	if host := hostName(t, dir); host != "mx1.example.net" {
		t.Errorf("the host is %q", host)
	}
	set, err := sendmail.Open(dir, "mx1.example.net", func(name string) bool { return name == "andrei" })
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if o := set.Router.Route("policy@c.example"); !slices.Equal(o.Recipients, []string{"andrei", "ann@elsewhere.example"}) {
		t.Errorf("policy is %v", o)
	}
	if o := set.Router.Route("gone@c.example"); o.Taken() {
		t.Errorf("gone is %v", o)
	}
	if len(set.Warnings()) > 0 {
		t.Errorf("the warnings are %q", set.Warnings())
	}

	// If a file that the configuration names is missing, all local mail waits.
	write(cf + "O AliasFile=hash:" + filepath.Join(dir, "missing") + "\nDj$w.example.net\n")
	if host := hostName(t, dir); host != "" {
		t.Errorf("the host is %q", host)
	}
	waits, err := sendmail.Open(dir, "mx1.example.net", anybody)
	if err != nil {
		t.Fatal(err)
	}
	defer waits.Close()
	if o := waits.Router.Route("fake@a.example"); o.Code != 451 {
		t.Errorf("without an alias file it is %v", o)
	}
	if len(waits.Warnings()) != 1 || !strings.Contains(waits.Warnings()[0], "missing is named in sendmail.cf") {
		t.Errorf("the warnings are %q", waits.Warnings())
	}
}

func hostName(t *testing.T, dir string) string {
	t.Helper()
	l, err := sendmail.ReadLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l.Host
}

// TestLiveOutlivesAnUnreadableConfiguration: the answer is an error while the
// sendmail.cf cannot be read, and comes from the files again afterwards.
func TestLiveOutlivesAnUnreadableConfiguration(t *testing.T) {
	dir := t.TempDir()
	cf, aside := filepath.Join(dir, "sendmail.cf"), filepath.Join(dir, "aside")
	table := filepath.Join(dir, "virtusertable")
	if err := errors.Join(
		os.WriteFile(table, []byte("info@a.example\tandrei\n"), 0o644),
		os.WriteFile(cf, []byte("DjMX1.Example.net\nCwa.example\nKvirtuser text -k0 -v1 -z\\t "+table+"\n"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	live, err := openLive(dir, func([]string) {})
	if err != nil {
		t.Fatal(err)
	}
	asked := func() error {
		t.Helper()
		time.Sleep(10 * time.Millisecond) // until the next look
		o, err := live.Route("info@a.example")
		if err == nil && !o.Taken {
			t.Errorf("info@a.example is refused: %+v", o)
		}
		return err
	}
	for range 2 {
		if err := asked(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Rename(cf, aside), os.Mkdir(cf, 0o755)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := asked(); err == nil {
				t.Error("it answers without a configuration")
			}
		}
		if err := errors.Join(os.Remove(cf), os.Rename(aside, cf)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Rename(cf, aside), os.Mkdir(cf, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(asked(), live.Close()); err == nil {
		t.Error("it answers without a configuration")
	}
	if err := asked(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("behind its end it says %v", err)
	}
}
