package program_test

import (
	"bufio"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// A stock is a server as a distribution sets it up, with a hand-made set.
type stock struct {
	name  string
	mc    string // %s is where a person's own lines go
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

// TestNoMailIsRefusedOnTheWay adopts hand-made servers with a running sendmail,
// step by step, edits, and leaves again. Meanwhile a client asks about every
// address without a pause: what was taken stays so, and never waits.
func TestNoMailIsRefusedOnTheWay(t *testing.T) {
	withBinary(t)
	for i, s := range stocks {
		t.Run(strconv.Itoa(i), func(t *testing.T) { // a name without blanks, for the other process
			if peer.Namespace(t) {
				t.Log(s.name)
				newSite(t, s).adopt()
			}
		})
	}
}

// binaryVariable names the program for the run in a namespace.
const binaryVariable = "VIRTMAP_TEST_BINARY"

// withBinary builds the program once for the runs in namespaces.
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

// TestReadmeOnARunningServer types the five lines of the README on a server that
// runs, with a service command that restarts its sendmail, and ends with a server
// that works.
func TestReadmeOnARunningServer(t *testing.T) {
	withBinary(t)
	if peer.Namespace(t) {
		newSite(t, stocks[0]).quickStart()
	}
}

// quickStart types the lines.
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
	peer.Run(x.T, "", "mount", "-t", "tmpfs", "tmpfs", "/usr/share/doc") // nothing of it stays on this machine
	peer.Run(x.T, "", "mkdir", "-p", doc, "/etc/cron.d")
	readme, err := os.ReadFile("../../../../README.md")
	if err != nil {
		x.Fatal(err)
	}
	peer.Run(x.T, "", "cp", "../../../../contrib/virtmap.cron", doc)
	_, lines, _ := strings.Cut(string(readme), "As root, in five lines:\n\n```\n")
	lines, _, _ = strings.Cut(lines, "```")

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

// A site is a server in a namespace.
type site struct {
	*testing.T
	stock
	virtmap string
	daemon  *exec.Cmd

	mu     sync.Mutex
	taken  map[string]string // addresses that are taken, and what they are told
	worse  []string
	up     bool
	rounds int
	doing  string
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
	base := peer.SafeDir(t)
	x := &site{T: t, stock: s, taken: map[string]string{}}
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
	for path, text := range map[string]string{"/etc/hosts": "127.0.0.1 mx1.example.net mx1 localhost\n::1 mx1.example.net localhost\n", "/etc/aliases": siteAliases, "/etc/resolv.conf": ""} {
		_ = syscall.Unmount(path, syscall.MNT_DETACH) // a container's own
		x.write(path, text)
	}
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
	x.write("/etc/mail/service.switch", "hosts files\naliases files\n") // there is no DNS
	x.write("/etc/mail/virtusertable", strings.Replace(handMade, "%s@club.example	bea\n", rows.String()+"bea@club.example	bea\n", 1))
	x.write("/etc/mail/local-host-names", "# ours\nshop.example\nclub.example\nplain.example\nlocalhost\n")
	peer.Run(t, "", "sh", "-c", "makemap hash /etc/mail/virtusertable.db < /etc/mail/virtusertable")
	x.write("/etc/mail/sendmail.mc", fmt.Sprintf(s.mc, s.lines))
	x.makeCF()
	peer.Run(t, "", "newaliases")
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

// restart starts the daemon, which the client finds again when it answers.
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
		_ = x.daemon.Wait() // it ends as it likes
		x.daemon = nil
		_ = exec.Command("pkill", "-x", "sendmail").Run()
	}
}

// dial comes from 127.0.0.2: from 127.0.0.1 a client may relay.
func (x *site) dial() (*textproto.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Timeout: 5 * time.Second}
	conn, err := d.Dial("tcp", "127.0.0.1:25")
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return nil, err
	}
	c := textproto.NewConn(conn)
	if _, _, err := c.ReadResponse(220); err != nil {
		c.Close()
		return nil, err
	}
	return c, say(c, "EHLO client.example", 250)
}

func say(c *textproto.Conn, line string, code int) error {
	if err := c.PrintfLine("%s", line); err != nil {
		return err
	}
	_, _, err := c.ReadResponse(code)
	return err
}

// ask gives the answers to RCPT, on a connection of their own.
func (x *site) ask(addresses []string) (map[string]string, error) {
	c, err := x.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	answers := map[string]string{}
	for _, addr := range addresses {
		if err := say(c, "MAIL FROM:<>", 250); err != nil {
			return nil, err
		}
		if err := c.PrintfLine("RCPT TO:<%s>", addr); err != nil {
			return nil, err
		}
		code, text, err := c.ReadResponse(0)
		if code == 0 || code == 421 {
			return nil, err
		}
		answers[addr] = fmt.Sprintf("%d %s", code, text)
		if err := say(c, "RSET", 250); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

func good(answer string) bool {
	return strings.HasPrefix(answer, "250") && !strings.Contains(answer, "will queue")
}

// learn notes which of some addresses are taken now.
func (x *site) learn(addresses ...string) {
	x.Helper()
	answers, err := x.ask(addresses)
	if err != nil {
		x.Fatal(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for addr, answer := range answers {
		if good(answer) {
			x.taken[addr] = answer
		}
	}
}

// watch asks about everything that is taken until stop is closed.
func (x *site) watch(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		x.round()
	}
}

// round asks once about everything that is taken.
func (x *site) round() {
	x.mu.Lock()
	var addresses []string
	for addr := range x.taken {
		addresses = append(addresses, addr)
	}
	up, doing := x.up, x.doing
	x.mu.Unlock()
	if !up {
		time.Sleep(20 * time.Millisecond)
		return
	}
	answers, err := x.ask(addresses)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil || !x.up {
		return // it is being restarted
	}
	x.rounds++
	for addr, answer := range answers {
		if !good(answer) && len(x.worse) < 20 {
			x.worse = append(x.worse, fmt.Sprintf("%s (began with %s): %s: %s", x.doing, doing, addr, answer))
		}
	}
}

// step does something and waits until everything was asked about twice since.
func (x *site) step(doing string, do func()) {
	x.Helper()
	x.mu.Lock()
	x.doing = doing
	x.mu.Unlock()
	do()
	x.mu.Lock()
	until := x.rounds + 2
	x.mu.Unlock()
	for range 1000 {
		x.mu.Lock()
		done, worse := x.rounds >= until, x.worse
		x.mu.Unlock()
		if len(worse) > 0 {
			x.Fatalf("answers got worse:\n%s", strings.Join(worse, "\n"))
		}
		if done {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	x.Fatalf("%s: the client does not come through", doing)
}

// run runs virtmap and holds it to an exit code.
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

// addresses are those of the hand-made set, and some that it does not list.
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
		imported = 3 // its rows are named, and not imported
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
	} else { // the rows were not imported, and are read now
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
