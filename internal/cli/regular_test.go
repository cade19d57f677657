package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestOnlyRegularFilesAreRead so that no path makes a run wait, or read without
// an end.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	t.Chdir(t.TempDir())
	const head = "version: 1\nhost: {name: mx1.example.net}\n"
	for name, text := range map[string]string{
		"mail.yaml":           head,
		"include-pipe.yaml":   head + "include: [pipe]\n",
		"include-socket.yaml": head + "include: [socket]\n",
		"a.example.zone":      "$TTL 60\n@ SOA a b 1 1 1 1 1\n@ NS x.\n",
		"b.example.zone":      "$TTL 60\n@ SOA a b 1 1 1 1 1\n$INCLUDE pipe\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	socket, err := net.Listen("unix", "socket")
	if err := errors.Join(err, syscall.Mkfifo("pipe", 0o600), os.Symlink("pipe", "link"), os.Mkdir("folder", 0o700)); err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, test := range []struct {
		command string
		exit    int
		want    string
	}{
		{"check -i pipe", exitNoInput, `inventory "pipe" is no regular file; - is standard input`},
		{"check -i link", exitNoInput, `"link" is no regular file`},
		{"check -i socket", exitNoInput, `"socket" is no regular file`},
		{"check -i folder", exitNoInput, `"folder" is no regular file`},
		{"check -i /dev/zero", exitNoInput, `"/dev/zero" is no regular file`},
		{"check -i include-pipe.yaml", exitNoInput, `included file: "pipe" is no regular file`},
		{"check -i include-socket.yaml", exitNoInput, `"socket" is no regular file`},
		{"build -o out --mx off -i include-pipe.yaml", exitNoInput, `"pipe" is no regular file`},
		{"diff -o out --mx off -i include-pipe.yaml", exitNoInput, `"pipe" is no regular file`},
		{"fmt pipe", exitNoInput, `"pipe" is no regular file`},
		{"mx --zone pipe", exitNoInput, `--zone: "pipe" is no regular file`},
		{"mx --zone /dev/zero", exitNoInput, `"/dev/zero" is no regular file`},
		{"mx --zone b.example.zone", exitProblems, "b.example.zone:3: error: failed to open `pipe': \"pipe\" is no regular file"},
		{"check --accounts pipe", exitNoInput, `--accounts: "pipe" is no regular file`},
		{"check --accounts /dev/zero", exitNoInput, `"/dev/zero" is no regular file`},
		{"lookup --maps . --accounts /dev/zero a@a.example", exitNoInput, `"/dev/zero" is no regular file`},
		{"build -o out --mx off --plan pipe", exitNoInput, `"pipe" is no regular file`},
		{"check", exitOK, "no errors"},
		{"build -o out --mx off", exitOK, "wrote"},
	} {
		type result struct {
			code int
			said string
		}
		done := make(chan result, 1)
		go func() {
			var out bytes.Buffer
			code := Run(context.Background(), append([]string{"virtmap"}, strings.Fields(test.command)...), Stdio{In: strings.NewReader(""), Out: &out, Err: &out})
			done <- result{code, out.String()}
		}()
		select {
		case got := <-done:
			if got.code != test.exit || !strings.Contains(got.said, test.want) {
				t.Errorf("%s exits with %d, want %d with %q:\n%s", test.command, got.code, test.exit, test.want, got.said)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s hangs", test.command)
		}
	}
}

// TestASignalEndsTheWaitForStandardInput also of a command that would finish its
// work first.
func TestASignalEndsTheWaitForStandardInput(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"check -i -", "build -i - -o out --mx off", "diff -i - -o out --mx off", "test -i -"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		program := exec.CommandContext(ctx, self)
		program.Args, program.Dir = append([]string{"virtmap"}, strings.Fields(command)...), t.TempDir()
		in, err := program.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		var said bytes.Buffer
		program.Stderr = &said
		if err := program.Start(); err != nil {
			t.Fatal(err)
		}
		// More than a pipe holds: what was written was being read.
		if _, err := in.Write(bytes.Repeat([]byte("# text\n"), 100_000)); err != nil {
			t.Fatal(err)
		}
		if err := program.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_ = program.Wait() // its exit code is looked at
		if code := program.ProcessState.ExitCode(); code != exitTryAgain || time.Since(began) > 5*time.Second {
			t.Errorf("%s exits with %d after %v: %s", command, code, time.Since(began), said.String())
		}
	}
}
