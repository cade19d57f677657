package program_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// A stock is a server of a distribution, with tables that a person made.
type stock struct {
	name  string
	mc    string // has %s for the lines of a person
	lines string // of the person
	table bool   // the virtusertable is read before the adoption
}

const debianMC = "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl\nVERSIONID(`a stock file')\nOSTYPE(`debian')dnl\nDOMAIN(`debian-mta')dnl\n" +
	"undefine(`confHOST_STATUS_DIRECTORY')dnl\nFEATURE(`no_default_msa')dnl\nDAEMON_OPTIONS(`Family=inet,  Name=MTA-v4, Port=smtp, Addr=127.0.0.1')dnl\n" +
	"FEATURE(`use_cw_file')dnl\nFEATURE(`access_db', , `skip')dnl\nFEATURE(`greet_pause', `0')dnl\nFEATURE(`delay_checks', `friend', `n')dnl\n" +
	"define(`confBAD_RCPT_THROTTLE', `0')dnl\n%sMAILER_DEFINITIONS\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n"

const fedoraMC = "divert(-1)dnl\ninclude(`/usr/share/sendmail/cf/m4/cf.m4')dnl\nVERSIONID(`shaped as Fedora has it')dnl\nOSTYPE(`linux')dnl\n" +
	"define(`ALIAS_FILE', `/etc/aliases')dnl\ndefine(`confPID_FILE', `/var/run/sendmail.pid')dnl\ndefine(`QUEUE_DIR', `/var/spool/mqueue')dnl\n" +
	"define(`confBAD_RCPT_THROTTLE', `0')dnl\nFEATURE(`no_default_msa', `dnl')dnl\nFEATURE(`use_cw_file')dnl\n" +
	"DAEMON_OPTIONS(`Port=smtp,Addr=127.0.0.1, Name=MTA')dnl\nLOCAL_DOMAIN(`localhost.localdomain')dnl\n%sMAILER(smtp)dnl\nMAILER(local)dnl\n"

const freebsdMC = "divert(0)\ninclude(`/usr/share/sendmail/cf/m4/cf.m4')dnl\nVERSIONID(`shaped as FreeBSD has it')\nOSTYPE(`linux')\nDOMAIN(generic)\n" +
	"define(`confPID_FILE', `/var/run/sendmail.pid')dnl\ndefine(`confBAD_RCPT_THROTTLE', `0')dnl\ndefine(`confCW_FILE', `-o /etc/mail/local-host-names')\n" +
	"define(`ALIAS_FILE', `/etc/mail/aliases')\nDAEMON_OPTIONS(`Name=IPv4, Family=inet, Addr=127.0.0.1')\n%sMAILER(local)\nMAILER(smtp)\n"

var stocks = []stock{
	{"Debian with a virtusertable", debianMC, "FEATURE(`virtusertable')dnl\n", true},
	{"Debian without one", debianMC, "", false},
	{"shaped as Fedora", fedoraMC, "FEATURE(`virtusertable', `hash -o /etc/mail/virtusertable.db')dnl\n", true},
	{"shaped as FreeBSD", freebsdMC, "FEATURE(virtusertable, `hash -o /etc/mail/virtusertable')\n", true},
}

// A site is a server in a namespace.
type site struct {
	*testing.T
	stock
	virtmap string
	daemon  *exec.Cmd
	log     *syslog

	mu      sync.Mutex
	taken   map[string]string // accepted addresses, with the reply
	worse   []string
	up      bool
	rounds  int
	renamed int // number of rounds that sendmail answered without a map
	doing   string
}

const handMade = `# virtual users
info@shop.example	staff
sales@shop.example	staff
team@shop.example	everybody
log@shop.example	logger
root@shop.example	root
fake@shop.example	andrei
far@shop.example	ann@far.example
old@shop.example	error:nouser 550 Gone
@shop.example	error:nouser 550 No such user
%s@club.example	bea
`

const siteAliases = `postmaster: root
mailer-daemon: postmaster
root: andrei
staff: andrei, bea
everybody: staff, carol
logger: "|/bin/cat"
`

func newSite(t *testing.T, s stock) *site {
	x := &site{T: t, stock: s, taken: map[string]string{}}
	layMachine(t)
	x.write("/etc/aliases", siteAliases)
	if s.mc != debianMC { // where root owns the files
		peer.Run(t, "", "chown", "root:root", "/etc/mail")
		peer.Run(t, "", "chmod", "g-s", "/etc/mail")
	}
	peer.Run(t, "", "mkdir", "-p", "/var/lib/virtmap", "/var/spool/mqueue", "/var/run/sendmail/mta")
	x.virtmap = os.Getenv(binaryVariable)
	var rows strings.Builder
	for i := range 30 {
		fmt.Fprintf(&rows, "user%d@club.example\tandrei\n", i)
	}
	peer.Run(t, "", "rm", "-f", "/etc/mail/aliases", "/etc/mail/aliases.db")
	x.write("/etc/mail/aliases", siteAliases)
	x.write("/etc/mail/virtusertable", strings.Replace(handMade, "%s@club.example	bea\n", rows.String()+"bea@club.example	bea\n", 1))
	x.write("/etc/mail/local-host-names", "# ours\nshop.example\nclub.example\nplain.example\nlocalhost\n")
	peer.Run(t, "", "sh", "-c", "makemap hash /etc/mail/virtusertable.db < /etc/mail/virtusertable")
	x.write("/etc/mail/sendmail.mc", fmt.Sprintf(s.mc, s.lines))
	x.makeCF()
	peer.Run(t, "", "newaliases")
	x.log = newSyslog(t)
	x.restart()
	t.Cleanup(x.stop)
	return x
}

func (x *site) write(path, text string) {
	x.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		x.Fatal(err)
	}
}

func (x *site) makeCF() {
	x.Helper()
	peer.Run(x.T, "", "sh", "-c", "m4 /etc/mail/sendmail.mc > /etc/mail/sendmail.cf.new && mv /etc/mail/sendmail.cf.new /etc/mail/sendmail.cf")
}

// restart starts the daemon again. The client connects again when the daemon answers.
func (x *site) restart() {
	x.Helper()
	x.stop()
	x.daemon = exec.Command("/usr/sbin/sendmail", "-bD")
	if err := x.daemon.Start(); err != nil {
		x.Fatal(err)
	}
	for range 600 {
		if c, err := x.dial(); err == nil {
			c.Close()
			x.mu.Lock()
			x.up = true
			x.mu.Unlock()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	x.Fatal("sendmail does not answer")
}

func (x *site) stop() {
	x.mu.Lock()
	x.up = false
	x.mu.Unlock()
	if x.daemon != nil {
		_ = x.daemon.Process.Signal(syscall.SIGTERM)
		_ = x.daemon.Wait() // any exit status is right
		x.daemon = nil
		_ = exec.Command("pkill", "-x", "sendmail").Run()
	}
}

// run runs virtmap and checks its exit code.
func (x *site) run(code int, args ...string) string {
	x.Helper()
	cmd := exec.Command(x.virtmap, args...)
	cmd.Dir = "/etc/mail"
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		x.Fatalf("virtmap %s: exit %d, want %d (%v)\n%s", strings.Join(args, " "), got, code, err, out)
	}
	x.Logf("virtmap %s\n%s", strings.Join(args, " "), out)
	return string(out)
}

// addresses are the addresses of the person's tables, and some that are not listed.
func (x *site) addresses() []string {
	all := []string{"root@plain.example", "andrei@plain.example", "staff@plain.example", "root@mx1.example.net", "postmaster", "andrei@localhost"}
	file, err := os.Open("/etc/mail/virtusertable")
	if err != nil {
		x.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, _, ok := strings.Cut(lines.Text(), "\t"); ok && key[0] != '#' && key[0] != '@' {
			all = append(all, key, strings.Replace(key, "@", "+detail@", 1))
		}
	}
	return all
}
