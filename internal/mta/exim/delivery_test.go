package exim_test

import (
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta/exim"
	"virtmap/internal/workshop/peer"
)

// wireDebian puts the snippets where Debian's configuration reads them, as docs/exim.md
// says.
func wireDebian(t *testing.T, split bool) {
	t.Helper()
	if split {
		for path, name := range map[string]string{"main/00_virtmap": "main", "router/050_virtmap": "routers", "router/910_virtmap": "routers-last", "transport/50_virtmap": "transports"} {
			if err := os.Symlink(exim.DefaultDir+"/"+name, "/etc/exim4/conf.d/"+path); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	if err := os.Symlink(exim.DefaultDir+"/main", "/etc/exim4/exim4.conf.localmacros"); err != nil {
		t.Fatal(err)
	}
	const template = "/etc/exim4/exim4.conf.template"
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	edited := string(text)
	for _, r := range [][2]string{
		{"\nbegin routers\n", "\nbegin routers\n.include " + exim.DefaultDir + "/routers\n"},
		{"\nmail4root:\n", "\n.include " + exim.DefaultDir + "/routers-last\nmail4root:\n"},
		{"\nbegin transports\n", "\nbegin transports\n.include " + exim.DefaultDir + "/transports\n"},
	} {
		edited = strings.Replace(edited, r[0], r[1], 1)
	}
	if err := os.WriteFile(template, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
}

// daemon starts the installed Exim and returns its address.
func daemon(t *testing.T) string {
	t.Helper()
	peer.Run(t, "", "update-exim4.conf")
	cmd := exec.Command("/usr/sbin/exim4", "-bdf", "-q1m", "-oX", "127.0.0.1.2526")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile("/var/log/exim4/mainlog")
			t.Logf("%.5000s", log)
		}
	})
	const address = "127.0.0.1:2526"
	if !within(func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}) {
		t.Fatal("the daemon does not answer")
	}
	return address
}

// send sends a message without TLS.
func send(address, to, message string) error {
	client, err := smtp.Dial(address)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := errors.Join(client.Mail("sender@elsewhere.example"), client.Rcpt(to)); err != nil {
		return err
	}
	data, err := client.Data()
	if err != nil {
		return err
	}
	_, err = data.Write([]byte(message))
	return errors.Join(err, data.Close(), client.Quit())
}

// within waits until a condition holds, at most for ten seconds.
func within(condition func() bool) bool {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return true
		}
	}
	return condition()
}

// example is the shipped example with Exim as its server, and with a Maildir elsewhere.
func example(t *testing.T) exim.Build {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/example/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer("host:\n", "host:\n  server: exim\n", "/srv/mail/bea", "/srv/mail/bea/").Replace(string(text))
	b, faults := compiled(changed)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	return b
}

// having returns the paths of the mailboxes with a text.
func having(text string) (paths []string) {
	files, _ := filepath.Glob("/var/mail/*")
	maildir, _ := filepath.Glob("/srv/mail/bea/new/*")
	for _, path := range append(files, maildir...) {
		if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), text) {
			if strings.HasPrefix(path, "/srv") {
				path = "/srv/mail/bea/"
			}
			paths = append(paths, path)
		}
	}
	return paths
}

// logged reports whether the log has a text.
func logged(text string) bool {
	log, err := os.ReadFile("/var/log/exim4/mainlog")
	return err == nil && strings.Contains(string(log), text)
}

func TestExampleIsDelivered(t *testing.T) { deliverExample(t, true) }

func TestExampleIsDeliveredWithoutConfD(t *testing.T) { deliverExample(t, false) }

// deliverExample sends mail to the daemon of a Debian whose Exim reads the files of the
// example. The mail is in the mailboxes of the inventory then.
func deliverExample(t *testing.T, split bool) {
	peer.EximRoot(t)
	if !peer.Namespace(t) {
		return
	}
	peer.InstallExim(t, "mx1.example.net", "127.0.0.2::2525", split)
	b := example(t)
	if err := os.MkdirAll(exim.DefaultDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := publishInto(b, exim.DefaultDir); err != nil {
		t.Fatal(err)
	}
	peer.Run(t, "", "mount", "-t", "tmpfs", "none", "/srv")
	peer.Run(t, "", "mount", "-t", "tmpfs", "none", "/home") // Exim delivers in the home of an account
	peer.Run(t, "", "install", "-d", "-o", "bea", "/srv/mail/bea")
	peer.Run(t, "", "install", "-d", "-o", "andrei", "/home/andrei")
	peer.Run(t, "", "install", "-d", "-o", "carol", "/home/carol")
	wireDebian(t, split)
	address := daemon(t)
	for i, tt := range []struct {
		it, to  string
		arrives string
		logged  string
		refused string
	}{
		{it: "delivers to a user", to: "fake@fakemail.example", arrives: "/var/mail/andrei"},
		{it: "delivers to all of a list", to: "info@fakemail.example", arrives: "/var/mail/andrei /srv/mail/bea/"},
		{it: "delivers to a Maildir elsewhere", to: "extra@fakemail.test", arrives: "/srv/mail/bea/"},
		{it: "delivers a list with an owner", to: "team+x@fakemail.test", arrives: "/var/mail/andrei /srv/mail/bea/", logged: "Return-path: <andrei@mx1.example.net>"},
		{it: "knows the details", to: "sales+x@fakemail.example", arrives: "/srv/mail/bea/"},
		{it: "delivers a detail to the account", to: "andrei+x@mx1.example.net", arrives: "/var/mail/andrei"},
		{it: "folds case", to: "FAKE@FAKEMAIL.TEST", arrives: "/var/mail/andrei"},
		{it: "keeps a copy", to: "carol@fakemail.example", arrives: "/var/mail/carol", logged: "carol@elsewhere.example <carol@fakemail.example> R=smarthost"},
		{it: "sends mail to another server", to: "any+x@partners.example", logged: "any+x@partner.example <any+x@partners.example> R=smarthost"},
		{it: "passes mail of a backup domain on", to: "x@backup.example", logged: "x@backup.example R=smarthost"},
		{it: "refuses with the text", to: "old@fakemail.example", refused: "550 5.1.1 Ann has left; write to info@fakemail.example"},
		{it: "refuses with another code", to: "moved@fakemail.example", refused: "551 5.1.6 now at partner.example"},
		{it: "defers", to: "busy@fakemail.example", refused: "450 4.2.1 mailbox is being moved"},
		{it: "refuses the unlisted", to: "root@fakemail.example", refused: "550 5.1.1 User unknown"},
		{it: "refuses an unknown account", to: "nobody-x@mx1.example.net", refused: "550 5.1.1 User unknown"},
		{it: "refuses a private name", to: "bea@mailbox.virtmap.invalid", refused: "550 5.7.1 Relaying denied"},
	} {
		token := fmt.Sprintf("letter-%d-for-%s.", i, tt.to)
		err := send(address, tt.to, "Subject: "+token+"\r\n\r\nGood morning.\r\n")
		switch {
		case tt.refused != "" && (err == nil || strings.ReplaceAll(err.Error(), `"`, "") != tt.refused):
			t.Errorf("it %s: %v, want %s", tt.it, err, tt.refused)
		case tt.refused == "" && err != nil:
			t.Errorf("it %s: %v", tt.it, err)
		case tt.arrives != "" && !within(func() bool { return strings.Join(having(token), " ") == tt.arrives }):
			t.Errorf("it %s: in %q, want %q", tt.it, having(token), tt.arrives)
		case tt.logged != "" && !within(func() bool { return logged(tt.logged) || len(having(tt.logged)) > 0 }):
			t.Errorf("it %s: neither the log nor a mailbox has %q", tt.it, tt.logged)
		}
	}
}
