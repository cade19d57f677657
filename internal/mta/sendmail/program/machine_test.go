package program_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"virtmap/internal/smtpd"
	"virtmap/internal/workshop/peer"
)

// layMachine gives a namespace copies of the folders that mail programs write to, the name
// mx1.example.net and no DNS.
func layMachine(t *testing.T) {
	t.Helper()
	base := peer.SafeDir(t)
	peer.Run(t, "", "mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", base) // a build waits for no disk
	t.Cleanup(func() { peer.Run(t, "", "umount", "-l", base) })
	if err := syscall.Sethostname([]byte("mx1.example.net")); err != nil {
		t.Fatal(err)
	}
	for to, kept := range map[string][]string{"/var/lib": {"sendmail"}, "/var/spool": {"mqueue", "mqueue-client"}, "/var/run": {"sendmail"}} {
		saved := filepath.Join(base, filepath.Base(to))
		peer.Run(t, "", "mkdir", saved)
		for _, name := range kept {
			peer.Run(t, "", "sh", "-c", "[ ! -e "+to+"/"+name+" ] || cp -a "+to+"/"+name+" "+saved)
		}
		peer.Run(t, "", "mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", to)
		peer.Run(t, "", "cp", "-a", saved+"/.", to)
	}
	etc := filepath.Join(base, "etc")
	peer.Run(t, "", "cp", "-a", "/etc/.", etc)
	peer.Bind(t, etc, "/etc")
	for path, text := range map[string]string{"/etc/hosts": "127.0.0.1 mx1.example.net mx1 localhost\n::1 mx1.example.net localhost\n", "/etc/resolv.conf": ""} {
		_ = syscall.Unmount(path, syscall.MNT_DETACH) // it may be mounted in a container
		overwrite(t, path, text)
	}
	overwrite(t, "/etc/mail/service.switch", "hosts files\naliases files\n")
}

// overwrite writes a file that the programs may read.
func overwrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A sink takes every message, and keeps it with its envelope.
type sink struct {
	*testing.T
	smtpd.Memory
	seen int
}

// newSink listens at an address.
func newSink(t *testing.T, address string) *sink {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{T: t}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- smtpd.New(smtpd.Config{Host: "sink.example", Router: everything{}, Store: s}).Serve(ctx, listener)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// everything accepts every recipient.
type everything struct{}

func (everything) Route(recipient string) smtpd.Answer {
	return smtpd.Answer{Taken: true, Mailboxes: []string{recipient}}
}

// next returns the next message.
func (s *sink) next() smtpd.Message {
	s.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	if err := s.Wait(ctx, s.seen+1); err != nil {
		s.Fatal(err)
	}
	s.seen++
	return s.Messages()[s.seen-1]
}

// fieldOf returns the value of a field of a message, with "; " between several of them.
func fieldOf(m smtpd.Message, name string) string {
	var all []string
	header, _, _ := strings.Cut(string(m.Body), "\r\n\r\n")
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n\t", " ", "\r\n ", " ").Replace(header), "\r\n") {
		if field, value, _ := strings.Cut(line, ":"); strings.EqualFold(field, name) {
			all = append(all, strings.TrimSpace(value))
		}
	}
	return strings.Join(all, "; ")
}
