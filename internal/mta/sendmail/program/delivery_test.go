package program_test

import (
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/workshop/peer"
)

// TestExampleIsDelivered starts a sendmail daemon with the files of the shipped example
// and sends mail to it. The mail is in the mailboxes of the inventory then.
func TestExampleIsDelivered(t *testing.T) {
	p := installed(t)
	bea := account(t, "bea")
	account(t, "andrei")
	account(t, "carol")
	mda := peer.Find(t, "mail.local")
	dir := peer.SafeDir(t)
	mailbox := filepath.Join(dir, "bea")
	text, err := os.ReadFile("../../../../testdata/example/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	inventoryText := strings.NewReplacer("/srv/mail/bea", mailbox, "  name: mx1.example.net\n", "  name: mx1.example.net\n  mail_dir: "+dir+"\n").Replace(string(text))
	if _, ok := built(t, dir, inventoryText); !ok {
		t.Fatal("the example has faults")
	}
	// sendmail's file mailer writes as the owner of a setuid file.
	if err := os.WriteFile(mailbox, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(mailbox, bea, -1); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(mailbox, 0o600|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	address := daemon(t, p, dir, mda)

	token := strconv.FormatInt(time.Now().UnixNano(), 36)
	send := func(to string) error {
		message := fmt.Sprintf("From: sender@elsewhere.example\r\nTo: %s\r\nSubject: %s\r\n\r\n%s for %s.\r\n", to, token, token, to)
		return smtp.SendMail(address, nil, "sender@localhost", []string{to}, []byte(message))
	}
	andreis := "/var/mail/andrei"
	tests := []struct {
		it, to  string
		arrives []string
		refused string
	}{
		{"delivers to a user", "fake@fakemail.example", []string{andreis}, ""},
		{"delivers to all of a list", "info@fakemail.example", []string{andreis, mailbox}, ""},
		{"delivers to a mailbox elsewhere", "extra@fakemail.test", []string{mailbox}, ""},
		{"knows the details", "sales+x@fakemail.example", []string{mailbox}, ""},
		{"folds case", "FAKE@FAKEMAIL.TEST", []string{andreis}, ""},
		{"refuses with the text", "old@fakemail.example", nil, "550 5.1.1 <old@fakemail.example>... Ann has left; write to info@fakemail.example"},
		{"refuses the unlisted", "root@fakemail.example", nil, "550 5.1.1 <root@fakemail.example>... User unknown"},
	}
	for _, tt := range tests {
		err := send(tt.to)
		if tt.refused != "" {
			if err == nil || strings.ReplaceAll(err.Error(), `"`, "") != tt.refused {
				t.Errorf("it %s: %v, want %s", tt.it, err, tt.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("it %s: %v", tt.it, err)
			continue
		}
		for _, path := range tt.arrives {
			waitFor(t, path, token+" for "+tt.to+".")
		}
	}
}

func account(t *testing.T, name string) (uid int) {
	t.Helper()
	found, err := user.Lookup(name)
	if err != nil {
		peer.Skip(t, "this machine has no account %s", name)
	}
	if uid, err = strconv.Atoi(found.Uid); err != nil {
		t.Fatal(err)
	}
	return uid
}

// daemon starts sendmail in the foreground and returns its address.
func daemon(t *testing.T, p *program.Program, dir, mda string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	listener.Close()
	cf := serve(t, p, dir,
		"FEATURE(`local_lmtp', `"+mda+"')dnl",
		"define(`confDELIVERY_MODE', `interactive')dnl",
		"DAEMON_OPTIONS(`Family=inet, Name=MTA, Port="+port+", Addr=127.0.0.1')dnl")
	cmd := exec.Command("/usr/sbin/sendmail", "-bD", "-C", cf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address
		}
	}
	t.Fatal("the daemon does not answer")
	return ""
}

func waitFor(t *testing.T, path, text string) {
	t.Helper()
	var content []byte
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		content, _ = os.ReadFile(path)
		if strings.Contains(string(content), text) {
			return
		}
	}
	t.Errorf("%q did not arrive in %s, which has %d bytes", text, path, len(content))
}
