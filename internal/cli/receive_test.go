package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A receiving runs `receive` until the test stops it.
type receiving struct {
	addr string
	page string       // the address of --http, without a slash at the end
	out  bytes.Buffer // read it only after stop
	err  bytes.Buffer
	end  context.CancelFunc
	code chan int
	said *bufio.Reader
}

func startReceive(t *testing.T, args ...string) *receiving {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	said, say := io.Pipe()
	r := &receiving{end: cancel, code: make(chan int, 1), said: bufio.NewReader(said)}
	go func() {
		r.code <- Run(ctx, append([]string{"virtmap", "receive", "--listen", "127.0.0.1:0"}, args...), Stdio{In: strings.NewReader(""), Out: &r.out, Err: say})
		say.Close()
	}()
	for r.addr == "" {
		line, err := r.said.ReadString('\n')
		if err != nil {
			t.Fatalf("it ends with %d: %s", <-r.code, r.err.String())
		}
		r.err.WriteString(line)
		if _, rest, ok := strings.Cut(line, "the messages are at "); ok {
			r.page = strings.TrimSuffix(rest, "/\n")
		}
		if _, rest, ok := strings.Cut(line, "listening on "); ok {
			r.addr, _, _ = strings.Cut(rest, ",")
		}
	}
	go func() { _, _ = io.Copy(&r.err, r.said); close(r.code) }()
	t.Cleanup(cancel)
	return r
}

// stop ends the command and returns its exit code; -1 on a second call.
func (r *receiving) stop() int {
	r.end()
	code := <-r.code
	<-r.code // now err has the whole output
	return code
}

func (r *receiving) send(to ...string) string {
	if err := smtp.SendMail(r.addr, nil, "ann@elsewhere.example", to, []byte("Subject: x\r\n\r\n.\r\n")); err != nil {
		return strings.ReplaceAll(err.Error(), `"`, "")
	}
	return "250"
}

const receiveInventory = `version: 1
host: {name: mx1.example.net}
users: {andrei: , bea: }
domains:
  a.example: {addresses: {fake: andrei, all: [andrei, bea], old: {reject: Gone}}}
`

// built writes an inventory and builds it into a folder.
func built(t *testing.T, inventory string) (file, dir string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "mail.yaml")
	dir = filepath.Join(filepath.Dir(file), "out")
	rebuild(t, inventory, file, dir)
	return file, dir
}

func rebuild(t *testing.T, inventory, file, dir string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(inventory), 0o644); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if code := Run(t.Context(), []string{"virtmap", "build", "-i", file, "-o", dir, "--mx", "off"}, Stdio{In: strings.NewReader(""), Out: &said, Err: &said}); code != 0 {
		t.Fatalf("build ends with %d: %s", code, said.String())
	}
}

func TestReceiveAnswersFromTheFilesAsTheyAre(t *testing.T) {
	file, dir := built(t, receiveInventory)
	mail := filepath.Join(t.TempDir(), "mail")
	r := startReceive(t, "--maps", dir, "-i", file, "--store", "maildir:"+mail)
	expect := func(want string, to ...string) {
		t.Helper()
		if got := r.send(to...); got != want {
			t.Errorf("%q is answered %q, want %q", to, got, want)
		}
	}
	expect("250", "all@a.example", "Fake@A.Example")
	expect("550 5.1.1 <old@a.example>... Gone", "old@a.example")
	expect("550 5.1.1 <new@a.example>... User unknown", "new@a.example")

	rebuild(t, receiveInventory+"  b.example: {addresses: {new: bea}}\n", file, dir)
	expect("250", "new@b.example")
	table := filepath.Join(dir, "virtusertable.db")
	image, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(table, content, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	for i, damaged := range [][]byte{image[:len(image)/2], []byte("not a map\n"), {}} {
		write(damaged)
		if i == 0 { // files that could be read are looked at again only after some time
			time.Sleep(10 * time.Millisecond)
		}
		expect("451 4.3.0 <fake@a.example>... map is missing or damaged", "fake@a.example")
	}
	write(image)
	expect("250", "fake@a.example")

	if code := r.stop(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	if said := r.err.String(); !strings.Contains(said, "received 3 messages for 4 recipients; 5 recipients refused") || !strings.Contains(said, "virtusertable.db: ") {
		t.Errorf("it said %s", said)
	}
	first, _, _ := strings.Cut(r.out.String(), "\n")
	var e envelope
	if err := json.Unmarshal([]byte(first), &e); err != nil || e.From != "ann@elsewhere.example" || len(e.Recipients) != 2 ||
		strings.Join(e.Recipients[0].Mailboxes, " ") != "andrei bea" || e.Size != len("Subject: x\r\n\r\n.\r\n") {
		t.Errorf("the first envelope is %s (%v)", first, err)
	}
	if kept, _ := filepath.Glob(filepath.Join(mail, "andrei", "new", "*")); len(kept) != 2 {
		t.Errorf("andrei has %q", kept)
	}
}

func TestReceiveStopsWhenEnoughHasCome(t *testing.T) {
	file, dir := built(t, receiveInventory)
	r := startReceive(t, "--maps", dir, "-i", file, "--messages", "2", "--fault", "RCPT *fake@* x1 451 4.3.0 later")
	for i, want := range []string{"451 4.3.0 later", "250", "250"} {
		if got := r.send("fake@a.example"); got != want && (i < 2 || !strings.HasPrefix(got, "421")) {
			t.Errorf("message %d is answered %q", i, got) // at the end, a client may get this reply before it sends QUIT
		}
	}
	if code := <-r.code; code != 0 {
		t.Errorf("it ends with %d", code)
	}
	short := startReceive(t, "--maps", dir, "-i", file, "--messages", "2", "--within", "50ms")
	if code := <-short.code; code != exitProblems {
		t.Errorf("with too few messages it ends with %d", code)
	}
}

func TestReceiveEndsAtASignal(t *testing.T) {
	file, dir := built(t, receiveInventory)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, sign := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd := &exec.Cmd{Path: self, Args: []string{"virtmap", "receive", "--maps", dir, "-i", file, "--listen", "127.0.0.1:0"}}
		said, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(said)
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(sign); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(lines)
		if err := cmd.Wait(); err != nil || !strings.Contains(string(rest), "received 0 messages") {
			t.Errorf("%v: %v, it said %q", sign, err, rest)
		}
	}
}

func TestReceiveSaysWhatIsWrong(t *testing.T) {
	file, dir := built(t, receiveInventory)
	for _, c := range []struct {
		it   string
		args []string
		code int
		says string
	}{
		{"listens to others only when that is meant", []string{"--listen", ":2525"}, exitRefused, "--listen-public"},
		{"wants a port", []string{"--listen", "localhost"}, exitUsage, "127.0.0.1:2525"},
		{"knows its stores", []string{"--store", "maildir"}, exitUsage, "maildir:DIR"},
		{"reads fault rules", []string{"--fault", "RCPT *"}, exitUsage, "write COMMAND PATTERN"},
		{"has limits", []string{"--max-size", "0"}, exitUsage, "--max-size"},
		{"writes a certificate only where there is one", []string{"--tls-pem", "x.pem"}, exitUsage, "--tls"},
		{"needs files", []string{"--maps", filepath.Join(dir, "nowhere")}, exitNoInput, "no such file"},
		{"takes no argument", []string{"x"}, exitUsage, "takes no argument"},
	} {
		var said bytes.Buffer
		args := append([]string{"virtmap", "receive", "--maps", dir, "-i", file, "--within", time.Second.String(), "--listen", "127.0.0.1:0"}, c.args...)
		if code := Run(t.Context(), args, Stdio{In: strings.NewReader(""), Out: &said, Err: &said}); code != c.code || !strings.Contains(said.String(), c.says) {
			t.Errorf("it %s: ends with %d (want %d) and says %q, want %q", c.it, code, c.code, said.String(), c.says)
		}
	}
}
