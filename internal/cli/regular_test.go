package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestOnlyRegularFilesAreRead: no path makes a run wait, or read without end.
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
		code, said := ranInTime(t, test.command)
		if code != test.exit || !strings.Contains(said, test.want) {
			t.Errorf("%s exits with %d, want %d with %q:\n%s", test.command, code, test.exit, test.want, said)
		}
	}
}

// ranInTime runs the program and fails when it hangs.
func ranInTime(t *testing.T, command string) (code int, said string) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		var out bytes.Buffer
		code = Run(context.Background(), append([]string{"virtmap"}, strings.Fields(command)...), Stdio{In: strings.NewReader(""), Out: &out, Err: &out})
		said = out.String()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("%s hangs", command)
	}
	return code, said
}

// TestInstalledFilesThatAreNone so that no run waits for a pipe in the place of
// an installed file, or reads a device without an end.
func TestInstalledFilesThatAreNone(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("mail.yaml", "version: 1\nhost: {name: mx1.example.net}\nusers: {root: }\ndomains: {a.example: {addresses: {info: root, all: [root, b@b.example]}}}\n")
	write("passwd", "root:x:0:0::/root:/bin/sh\n")
	if code, said := ranInTime(t, "build -o sound --mx off"); code != exitOK {
		t.Fatal(said)
	}
	const server = " --host mx1.example.net --accounts passwd "
	lookUp, convert := "lookup --maps out"+server+"info@a.example", "import"+server+"out"
	for _, test := range []struct {
		file     string
		commands []string
	}{
		{"virtusertable", []string{convert, "diff -o out --mx off", "build -o out --mx off --adopt", "rollback -o out 1", "check --deep -o out"}},
		{"virtusertable.db", []string{lookUp, convert, "diff -o out --mx off", "build -o out --mx off --adopt", "check --deep -o out", "test --maps out"}},
		{"virtmap-aliases", []string{"diff -o out --mx off", "check --deep -o out"}},
		{"virtmap-aliases.db", []string{lookUp, convert, "diff -o out --mx off", "check --deep -o out"}},
		{"local-host-names", []string{lookUp, convert, "diff -o out --mx off", "build -o out --mx off"}},
		{"virtmap.mc", []string{lookUp, convert, "diff -o out --mx off", "check --deep -o out"}},
		{"genericstable", []string{convert}},
		{"list", []string{"import" + server + "--from lines:out/list", "import" + server + "--into mail.yaml --from csv:out/list", "import" + server + "--aliases out/list out"}},
	} {
		for kind, make := range map[string]func(path string) error{
			"a pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"a device": func(path string) error { return os.Symlink("/dev/zero", path) },
			"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		} {
			for _, command := range test.commands {
				place := filepath.Join("out", test.file)
				if err := errors.Join(os.RemoveAll("out"), os.CopyFS("out", os.DirFS("sound")), os.RemoveAll(place), make(place)); err != nil {
					t.Fatal(err)
				}
				if code, said := ranInTime(t, command); !strings.Contains(said, "is no regular file") {
					t.Errorf("%s in the place of %s: %s exits with %d:\n%s", kind, test.file, command, code, said)
				}
			}
		}
	}
}

// TestServersFilesThatAreNone so that whatever the configuration of a server
// names can be imported from, or is refused at once.
func TestServersFilesThatAreNone(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("passwd", "root:x:0:0::/root:/bin/sh\n")
	if err := os.Mkdir("etc", 0o755); err != nil {
		t.Fatal(err)
	}
	write("etc/virtusertable", "info@a.example root\n")
	for _, line := range []string{
		"Fw/etc/mail/odd", "Fw-o /etc/mail/odd", "FR-o /etc/mail/odd", "F{VirtHost}/etc/mail/odd", "O AliasFile=/etc/mail/odd", "Kvirtuser text -o /etc/mail/odd",
	} {
		configuration := "V10\nDjmx1.example.net\nCwa.example\n" + line + "\n"
		if !strings.HasPrefix(line, "K") {
			configuration += "Kvirtuser text /etc/mail/virtusertable\n"
		}
		write("etc/sendmail.cf", configuration)
		for kind, make := range map[string]func() error{
			"a pipe":   func() error { return syscall.Mkfifo("etc/odd", 0o600) },
			"a device": func() error { return os.Symlink("/dev/zero", "etc/odd") },
		} {
			if err := errors.Join(os.RemoveAll("etc/odd"), make()); err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{"import --accounts passwd etc", "lookup --maps etc --accounts passwd info@a.example"} {
				if code, said := ranInTime(t, command); code != exitNoInput || !strings.Contains(said, `"etc/odd" is no regular file`) {
					t.Errorf("%s behind %s: %s exits with %d:\n%s", kind, line, command, code, said)
				}
			}
		}
		// /dev/zero itself is looked for in a copy of the folder.
		write("etc/sendmail.cf", strings.ReplaceAll(configuration, "/etc/mail/odd", "/dev/zero"))
		if code, said := ranInTime(t, "import --accounts passwd etc"); code == exitSoftware || strings.Contains(said, "no regular file") {
			t.Errorf("/dev/zero behind %s: import exits with %d:\n%s", line, code, said)
		}
	}
	write("etc/sendmail.cf", "")
	for _, name := range []string{"etc/sendmail.cf", "etc/sendmail.mc"} {
		if err := errors.Join(os.RemoveAll("etc/sendmail.cf"), syscall.Mkfifo(name, 0o600)); err != nil {
			t.Fatal(err)
		}
		if code, said := ranInTime(t, "import --accounts passwd etc"); code != exitNoInput || !strings.Contains(said, "is no regular file") {
			t.Errorf("a pipe in the place of %s: import exits with %d:\n%s", name, code, said)
		}
	}
}

// TestReadList so that no list is read without an end.
func TestReadList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, file string
		limit      int64
		want, err  string
	}{
		{"reads a file", path, 10, "0123456789", ""},
		{"refuses a file of one byte more", path, 9, "", "is too large: the most that is read is 9 bytes"},
		{"reads standard input", "-", 10, "9876543210", ""},
		{"refuses one byte more of standard input", "-", 9, "", `"stdin" is too large: the most that is read is 9 bytes`},
		{"says what to write for a pipe", filepath.Dir(path), 9, "", "is no regular file; - is standard input"},
	} {
		text, err := readList(test.file, strings.NewReader("9876543210"), test.limit)
		if string(text) != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %q, %v; want %q, %q", test.name, text, err, test.want, test.err)
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
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
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
		_ = program.Wait() // its exit code is looked at: killed at last, it has none
		if code := program.ProcessState.ExitCode(); code != exitTryAgain {
			t.Errorf("%s exits with %d: %s", command, code, said.String())
		}
	}
}
