package program_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
)

// includeLine is the line that a person adds to sendmail.mc.
const includeLine = "include(`/etc/mail/virtmap.mc')dnl\n"

// unread are cases in which the running sendmail does not read a file. Each ends with a
// build that must not put the rows in place.
var unread = []struct {
	name string
	do   func(x *site)
}{
	{"--on-change makes sendmail.cf, and restarts nothing", func(x *site) {
		x.step("build", func() {
			x.run(3, "build", "--mx", "off", "--adopt", "--mc", "sendmail.mc", "--on-change", "m4 sendmail.mc > new && mv new sendmail.cf")
		})
	}},
	{"the pid file is lost", func(x *site) {
		x.lines += includeLine
		x.run(3, "build", "--mx", "off", "--adopt")
		x.write("/etc/mail/sendmail.mc", strings.Replace(debianMC, "%s", x.lines, 1))
		x.makeCF()
		peer.Run(x.T, "", "sh", "-c", "rm /var/run/sendmail/mta/sendmail.pid")
		x.step("build", func() { x.run(3, "build", "--mx", "off") })
	}},
	{"sendmail.cf is made before the restart, and moved behind it", func(x *site) {
		x.run(3, "build", "--mx", "off", "--adopt", "--mc", "sendmail.mc")
		peer.Run(x.T, "", "sh", "-c", "m4 /etc/mail/sendmail.mc > /etc/mail/new")
		x.step("restart", x.restart)
		peer.Run(x.T, "", "mv", "/etc/mail/new", "/etc/mail/sendmail.cf")
		x.step("build", func() { x.run(3, "build", "--mx", "off") })
	}},
	{"-o is a link to the folder", func(x *site) {
		peer.Run(x.T, "", "ln", "-s", "/etc/mail", "/etc/link")
		x.step("build", func() { x.run(3, "build", "--mx", "off", "--adopt", "-o", "/etc/link") })
	}},
	{"mail_dir is a link to the folder", func(x *site) {
		peer.Run(x.T, "", "ln", "-s", "/etc/mail", "/etc/link")
		x.mailDir("/etc/link")
		x.step("build", func() { x.run(3, "build", "--mx", "off", "--adopt") })
	}},
	{"mail_dir has no sendmail.cf of its own", func(x *site) {
		peer.Run(x.T, "", "sh", "-c", "cd /etc/mail && mkdir virt && cp -p virtusertable virtusertable.db local-host-names virt && sed -i s,/etc/mail/virtusertable,/etc/mail/virt/virtusertable, sendmail.cf")
		x.step("restart", x.restart)
		x.mailDir("/etc/mail/virt")
		x.step("build", func() { x.run(3, "build", "--mx", "off", "--adopt") })
		peer.Run(x.T, "", "cp", "/etc/mail/virt/virtusertable", "/etc/mail/virtusertable")
	}},
}

// mailDir adds host.mail_dir to the inventory.
func (x *site) mailDir(dir string) {
	x.Helper()
	text, err := os.ReadFile("/etc/mail/mail.yaml")
	if err != nil {
		x.Fatal(err)
	}
	x.write("/etc/mail/mail.yaml", strings.Replace(string(text), "host:\n", "host:\n  mail_dir: "+dir+"\n", 1))
}

// TestRowsWaitForTheRunningSendmail runs these cases, and asks about every address all the
// time.
func TestRowsWaitForTheRunningSendmail(t *testing.T) {
	withBinary(t)
	for i, c := range unread {
		t.Run(strconv.Itoa(i), func(t *testing.T) { // the name has no blanks, for the second run
			t.Parallel()
			if !peer.Namespace(t) {
				return
			}
			t.Log(c.name)
			x := newSite(t, stocks[0])
			x.learn(x.addresses()...)
			stop, done := make(chan struct{}), make(chan struct{})
			go func() { defer close(done); x.watch(stop) }()
			defer func() { close(stop); <-done }()
			x.step("import", func() { x.run(0, "import", "-o", "mail.yaml") })
			c.do(x)
			if text, err := os.ReadFile("/etc/mail/virtusertable"); err != nil || !strings.Contains(string(text), "# virtual users") {
				t.Errorf("the rows did not wait: %v\n%s", err, text)
			}
		})
	}
}
