package program_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// TestNoMailIsRefusedOnTheWay lets virtmap take over servers with a running sendmail, step
// by step, changes the inventory, and restores the old files. Meanwhile a client asks
// about every address without a pause. An address that was accepted stays so.
func TestNoMailIsRefusedOnTheWay(t *testing.T) {
	withBinary(t)
	for i, s := range stocks {
		t.Run(strconv.Itoa(i), func(t *testing.T) { // the name has no blanks, for the second run
			t.Parallel()
			if peer.Namespace(t) {
				t.Log(s.name)
				newSite(t, s).adopt()
			}
		})
	}
}

// binaryVariable has the path of the program for the run in a namespace.
const binaryVariable = "VIRTMAP_TEST_BINARY"

// withBinary builds the program once for all runs in namespaces.
func withBinary(t *testing.T) {
	t.Helper()
	installed(t)
	if os.Getenv(binaryVariable) != "" {
		return // inside
	}
	path := filepath.Join(peer.SafeDir(t), "virtmap")
	if out, err := exec.Command("go", "build", "-o", path, "virtmap").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv(binaryVariable, path)
}

// TestReadmeOnARunningServer runs the five commands of the README on a server with a
// running sendmail. The server works at the end.
func TestReadmeOnARunningServer(t *testing.T) {
	withBinary(t)
	if peer.Namespace(t) {
		newSite(t, stocks[0]).quickStart()
	}
}

// quickStart runs the commands.
func (x *site) quickStart() {
	bin := peer.SafeDir(x.T)
	for name, script := range map[string]string{
		"service": "#!/bin/sh\n[ \"$1 $2\" = 'sendmail restart' ] || exit 9\npkill -x sendmail; sleep 0.5; exec /usr/sbin/sendmail -bd\n",
		"virtmap": "#!/bin/sh\nexec " + x.virtmap + " \"$@\"\n",
	} {
		x.write(filepath.Join(bin, name), script)
		peer.Run(x.T, "", "chmod", "+x", filepath.Join(bin, name))
	}
	doc := "/usr/share/doc/virtmap/contrib"
	peer.Run(x.T, "", "mount", "-t", "tmpfs", "tmpfs", "/usr/share/doc") // so that no file is left on this machine
	peer.Run(x.T, "", "mkdir", "-p", doc, "/etc/cron.d")
	readme, err := os.ReadFile("../../../../README.md")
	if err != nil {
		x.Fatal(err)
	}
	peer.Run(x.T, "", "cp", "../../../../contrib/virtmap.cron", doc)
	_, lines, ok := strings.Cut(string(readme), "what the server does today. For sendmail:\n\n```\n")
	lines, _, closed := strings.Cut(lines, "```")
	if !ok || !closed {
		x.Fatal("the README has no lines for a server that runs")
	}

	x.learn(x.addresses()...)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); x.watch(stop) }()
	defer func() { close(stop); <-done }()
	x.step("the lines of the README", func() {
		shell := exec.Command("sh", "-e", "-x", "-c", lines)
		shell.Env = []string{"PATH=" + bin + ":/usr/sbin:/usr/bin:/sbin:/bin", "VIRTMAP_MX=off", "HOME=/root"}
		out, err := shell.CombinedOutput()
		x.Logf("%s", out)
		if err != nil {
			x.Fatalf("%v\n%s", err, out)
		}
	})
	if table, err := os.ReadFile("/etc/mail/virtusertable"); err != nil || !strings.Contains(string(table), "virtmap-info=shop.example") {
		x.Errorf("the virtusertable is not the new one: %v\n%s", err, table)
	}
	x.learn(x.addresses()...)
	x.step("an edit, by cron", func() { x.run(0, "build", "-q", "--verify", "--mx", "off") })
}

func (x *site) adopt() {
	x.learn(x.addresses()...)
	if want := 40; x.table && len(x.taken) < want {
		answers, err := x.ask(x.addresses())
		x.Fatalf("only %d addresses are taken before: %v %v", len(x.taken), answers, err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); x.watch(stop) }()
	defer func() { close(stop); <-done }()

	imported := 0
	if !x.table {
		imported = 3 // exit code: rows were not imported
	}
	x.step("import", func() { x.run(imported, "import", "-o", "mail.yaml") })
	x.step("build --adopt", func() { x.run(3, "build", "--mx", "off", "--adopt") })
	x.step("build again before anything was done", func() { x.run(3, "build", "--mx", "off") })
	x.step("a restart before anything was done", x.restart)
	x.step("the line in sendmail.mc", func() {
		x.write("/etc/mail/sendmail.mc", fmt.Sprintf(x.mc, x.lines+"include(`/etc/mail/virtmap.mc')dnl\n"))
	})
	x.step("a restart before sendmail.cf is made", x.restart)
	x.step("build before sendmail.cf is made", func() { x.run(3, "build", "--mx", "off") })
	x.step("sendmail.cf", x.makeCF)
	x.step("build before the restart", func() {
		if out := x.run(3, "build", "--mx", "off"); !strings.Contains(out, "restart") {
			x.Errorf("it does not ask for a restart: %s", out)
		}
	})
	x.step("restart", x.restart)
	x.step("build", func() { x.run(0, "build", "--mx", "off") })
	x.step("restart for class w", x.restart)
	x.learn("info@shop.example", "team@shop.example", "log@shop.example", "user1@club.example")
	x.edit()
	x.step("check --deep", func() { x.run(0, "check", "--deep") })
	x.step("test over the server's own sendmail.cf", func() { x.run(0, "test", "--maps", "/etc/mail", "--sendmail") })
	x.step("rollback 0", func() { x.run(0, "rollback", "0") })
	x.step("restart", x.restart)
	if x.table {
		x.step("build of the inventory again", func() { x.run(0, "build", "--mx", "off") })
	} else { // sendmail now reads the rows that were not imported
		x.step("build that a guard refuses", func() { x.run(5, "build", "--mx", "off") })
	}
}

// edit adds a list to a domain and a new domain.
func (x *site) edit() {
	text, err := os.ReadFile("/etc/mail/mail.yaml")
	if err != nil {
		x.Fatal(err)
	}
	before := string(text)
	if !x.table {
		before = strings.Replace(before, "domains:\n", "users: {andrei: , bea: , carol: }\n\ndomains:\n", 1)
	}
	edited := strings.TrimRight(before, "\n") + "\n  new.example:\n    addresses: {hello: [andrei, bea], info: carol}\n    catch_all: reject\n"
	x.step("an edit, and a new domain", func() {
		x.write("/etc/mail/mail.yaml", edited)
		x.run(0, "build", "--mx", "off", "--verify")
	})
	x.step("restart for the new domain", x.restart)
	answers, err := x.ask([]string{"hello@new.example", "nobody-here@new.example"})
	if err != nil || !good(answers["hello@new.example"]) || good(answers["nobody-here@new.example"]) {
		x.Errorf("the new domain is answered %v, %v", answers, err)
	}
	x.step("the domain leaves", func() {
		x.write("/etc/mail/mail.yaml", string(text))
		x.run(0, "build", "--mx", "off", "--allow", "vanished")
	})
	x.step("restart without it", x.restart)
	x.step("build without its rows", func() { x.run(0, "build", "--mx", "off") })
}
