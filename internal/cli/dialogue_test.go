package cli

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// dialogue plays a file of SMTP with a receiver, and ends the receiver, as in
//
//	dialogue talk virtmap receive --maps out
//
// A line of the file is sent behind "> ", and is expected behind "< ".
func dialogue(ts *testscript.TestScript, _ bool, args []string) {
	talk := ts.ReadFile(args[0])
	cmd := exec.Command(args[1], append(args[2:], "--listen", "127.0.0.1:0")...)
	cmd.Path, _ = os.Executable() // its name makes it virtmap
	cmd.Dir = ts.MkAbs(".")
	said, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer func() {
		_ = cmd.Process.Kill() // the dialogue is over
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(said)
	addr := ""
	for addr == "" && lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "listening on "); ok {
			addr, _, _ = strings.Cut(rest, ",")
		}
	}
	conn, err := net.Dial("tcp", addr)
	ts.Check(err)
	defer conn.Close()
	replies := bufio.NewReader(conn)
	for line := range strings.Lines(talk) {
		line = strings.TrimSuffix(line, "\n")
		if text, ok := strings.CutPrefix(line, "> "); ok {
			_, err := conn.Write([]byte(text + "\r\n"))
			ts.Check(err)
			continue
		}
		got, err := replies.ReadString('\n')
		ts.Check(err)
		if got = "< " + strings.TrimSuffix(got, "\r\n"); got != line {
			ts.Fatalf("the reply is\n%s\nand not\n%s", got, line)
		}
	}
}
