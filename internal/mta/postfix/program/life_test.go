package program_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/workshop/peer"
)

// processes returns the names of the running processes of an instance. Each has its
// configuration folder in its environment.
func processes(t testing.TB, folder string) []string {
	t.Helper()
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(environments) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	var names []string
	for _, path := range environments {
		text, _ := os.ReadFile(path) // a process may end meanwhile
		if bytes.Contains(text, []byte("MAIL_CONFIG="+folder+"/etc\x00")) {
			name, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "comm"))
			names = append(names, strings.TrimSpace(string(name)))
		}
	}
	return names
}

// awaitEnd waits until an instance has neither processes nor its folder.
func awaitEnd(t testing.TB, folder string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left := processes(t, folder)
		_, err := os.Stat(folder)
		if len(left) == 0 && errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the processes %q are left, and the folder: %v", left, err)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	p := start(t, options(t, tables))
	if _, err := p.Ends(t.Context(), []string{"fake@shop.example"}); err != nil {
		t.Fatal(err)
	}
	if running := processes(t, p.Folder()); len(running) < 5 {
		t.Fatalf("only %q run before Close", running)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if left := processes(t, p.Folder()); len(left) > 0 {
		t.Errorf("%q run after Close", left)
	}
	awaitEnd(t, p.Folder())
	if !strings.Contains(p.Log(), "daemon started") {
		t.Errorf("the log after Close is %q", p.Log())
	}
}

func TestContextEndsTheInstance(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, err := program.Start(ctx, options(t, tables))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	awaitEnd(t, p.Folder())
	if _, err := p.RCPT(t.Context(), []string{"fake@shop.example"}); err == nil {
		t.Error("an instance answers after its context has ended")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	o := options(t, tables)
	if _, err := program.Start(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("a start after the end of its context: %v", err)
	}
	awaitEnd(t, o.Folder)
}

// asChild makes the test binary start an instance and wait.
const asChild = "VIRTMAP_TEST_INSTANCE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asChild); dir != "" {
		o := program.Options{Root: program.Unpacked(os.Getenv("VIRTMAP_POSTFIX")), Folder: dir, Main: []byte("compatibility_level = 3.6\nalias_maps =\n")}
		if _, err := program.Start(context.Background(), o); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("started")
		select {}
	}
	os.Exit(m.Run())
}

func TestKillEndsTheInstance(t *testing.T) {
	t.Parallel()
	peer.PostfixRoot(t)
	dir := filepath.Join(peer.SafeDir(t), "instance")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asChild+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1000)
	n, err := out.Read(line)
	running := processes(t, dir)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	if string(line[:n]) != "started\n" || len(running) < 3 {
		t.Fatalf("%v: %s, with the processes %q", err, line[:n], running)
	}
	awaitEnd(t, dir)
}

func TestStartErrors(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(peer.SafeDir(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	full := peer.SafeDir(t)
	if err := os.WriteFile(filepath.Join(full, "main.cf"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		it   string
		with func(o *program.Options)
		want []string
	}{
		{"has a folder that postfix cannot enter", func(o *program.Options) { o.Folder = filepath.Join(closed, "instance") }, []string{"postfix cannot enter", `"` + closed + `"`, "0700"}},
		{"has a folder with files", func(o *program.Options) { o.Folder = full }, []string{"not empty"}},
		{"has no absolute folder", func(o *program.Options) { o.Folder = "instance" }, []string{"absolute"}},
		{"has a line that main.cf cannot have", func(o *program.Options) { o.Main = []byte("compatibility_level = $none\n") }, []string{"master ended", "malformed compatibility level"}},
		{"relays for all", func(o *program.Options) {
			o.Main = append(o.Main, "smtpd_relay_restrictions = permit_mynetworks\nsmtpd_recipient_restrictions = permit\n"...)
		}, []string{"cannot start", "specify at least one working instance of"}},
		{"has no programs", func(o *program.Options) { o.Root = program.Unpacked(closed) }, []string{"master"}},
		{"has another owner that the machine has not", func(o *program.Options) {
			o.Accounts = nil
			o.Main = append(o.Main, "mail_owner = no-such-user\n"...)
		}, []string{"no-such-user"}},
	} {
		o := options(t, tables)
		c.with(&o)
		p, err := program.Start(t.Context(), o)
		if err == nil {
			t.Errorf("an instance that %s starts", c.it)
			_ = p.Close()
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("an instance that %s: the error lacks %q: %v", c.it, want, err)
			}
		}
	}
}
