package program

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Options say what an instance is made of.
type Options struct {
	Root   Root
	Folder string // the absolute path of a new or empty folder, for everything of the instance; Close removes it
	Main   []byte // the text of the site's main.cf
	Master []byte // the text of the site's master.cf; nil: the usual services

	// Etc is the site's configuration folder, the value of $config_directory in Main;
	// empty: /etc/postfix.
	Etc string
	// Move returns where the instance reads a file that Main or Master names by an
	// absolute path; nil: in its place.
	Move func(path string) string
	// Accounts are the accounts that the instance sees, instead of those of the machine;
	// nil: those of the machine.
	Accounts []string
	// Mailbox returns the path of a mailbox of virtual(8), whose address is given; nil:
	// Outcomes has the address.
	Mailbox func(addr string) string
	// Logins says that a second smtpd listens, at which every user can log in: see
	// Instance.Logins.
	Logins bool
}

// An Instance is a running Postfix. Its methods may be called at the same time.
type Instance struct {
	o       Options
	addr    string
	logins  *logins // nil: without Options.Logins
	main    *mainCF
	master  *exec.Cmd
	guard   *exec.Cmd
	ended   chan struct{} // closed when master(8) has ended
	closed  chan struct{} // closed by Close
	once    sync.Once
	closing error
	asking  sync.Mutex             // sendmail -bv: one message at a time
	lastLog atomic.Pointer[string] // what the log had when Close removed it
}

// startLimit is how long an instance may need until it answers.
const startLimit = 30 * time.Second

// Start starts an instance and waits until its smtpd(8) answers. The instance ends with
// the context. An error has the last lines of Postfix's log.
func Start(ctx context.Context, o Options) (*Instance, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("only root can start a Postfix: its daemons run as several users")
	}
	o.Folder = filepath.Clean(o.Folder)
	for tries := 1; ; tries++ {
		p, err := start(ctx, o)
		if err == nil || tries == 3 || !strings.Contains(err.Error(), "Address already in use") {
			return p, err
		}
	}
}

// start starts an instance on a port that was free a moment ago.
func start(ctx context.Context, o Options) (*Instance, error) {
	if err := o.newFolder(); err != nil {
		return nil, err
	}
	addr, more, err := freeAddrs()
	if err != nil {
		return nil, err
	}
	p := &Instance{o: o, addr: addr, main: o.instanceMain(), ended: make(chan struct{}), closed: make(chan struct{})}
	if o.Logins {
		if p.logins, err = newLogins(more); err != nil {
			return nil, err
		}
	}
	if err := p.begin(); err != nil {
		return nil, errors.Join(err, p.logins.close(), os.RemoveAll(o.Folder))
	}
	if err = p.startGuard(); err == nil {
		go p.endWith(ctx)
		err = p.await(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// endWith closes the instance when a context ends.
func (p *Instance) endWith(ctx context.Context) {
	select {
	case <-ctx.Done():
		_ = p.Close() // a later Close returns the error again
	case <-p.closed:
	}
}

// begin fills the folder and starts master(8).
func (p *Instance) begin() error {
	if err := p.o.build(p.main, p.o.instanceMaster(p.addr, p.logins)); err != nil {
		return err
	}
	if p.o.Accounts != nil {
		if err := p.o.writeAccounts(p.main); err != nil {
			return err
		}
	}
	return p.startMaster()
}

// freeAddrs returns two free ports of 127.0.0.1, as host:port.
func freeAddrs() (one, other string, err error) {
	var found [2]string
	for i := range found {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer listener.Close()
		found[i] = listener.Addr().String()
	}
	return found[0], found[1], nil
}

// command prepares a program that sees the configuration and the accounts of the
// instance.
func (p *Instance) command(ctx context.Context, path string, args ...string) (*exec.Cmd, error) {
	cmd := p.o.Root.command(ctx, p.o.etc(), path, args...)
	cmd.Dir = p.o.Folder
	if p.o.Accounts == nil {
		return cmd, nil
	}
	return cmd, privateAccounts(cmd, filepath.Join(p.o.Folder, "passwd"), filepath.Join(p.o.Folder, "group"))
}

// outPath is the file with what master(8) prints before it has a log.
func (p *Instance) outPath() string { return filepath.Join(p.o.Folder, "log", "master.out") }

func (p *Instance) startMaster() error {
	cmd, err := p.command(context.Background(), filepath.Join(p.o.Root.Daemons, "master"), "-c", p.o.etc(), "-d")
	if err != nil {
		return err
	}
	out, err := os.Create(p.outPath())
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("master: %w", err)
	}
	p.master = cmd
	go func() {
		_ = cmd.Wait() // the log says why it ended
		close(p.ended)
	}()
	return nil
}

// await waits until smtpd(8) greets. A daemon that cannot start says fatal in the log.
func (p *Instance) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("no answer from smtpd in %s", startLimit))
	defer cancel()
	for {
		greeting, cancel := context.WithTimeout(ctx, 2*time.Second)
		s, err := p.connect(greeting)
		cancel()
		if err == nil {
			s.close()
			return nil
		}
		why := ""
		select {
		case <-ctx.Done():
			why = context.Cause(ctx).Error()
		case <-p.ended:
			why = "master ended" + p.mistake(ctx)
		case <-time.After(20 * time.Millisecond):
			if !strings.Contains(p.Log(), ": fatal: ") {
				continue
			}
			why = "a daemon of Postfix cannot start"
		}
		return errors.Join(fmt.Errorf("%s: %s", why, p.lastLines()), ctx.Err())
	}
}

// mistake returns what Postfix says of a main.cf that it cannot read: without main.cf
// master(8) has no log.
func (p *Instance) mistake(ctx context.Context) string {
	cmd, err := p.command(ctx, filepath.Join(p.o.Root.Sbin, "postmap"), "-q", "x", "texthash:/dev/null")
	if err != nil {
		return ""
	}
	if _, err := run(cmd); err != nil && strings.Contains(err.Error(), ": fatal: ") {
		return ": " + err.Error()
	}
	return ""
}

// Addr is where smtpd(8) of the instance listens, as host:port.
func (p *Instance) Addr() string { return p.addr }

// Folder is the folder of the instance. Its main.cf is in etc, spool files of accounts
// are in spool.
func (p *Instance) Folder() string { return p.o.Folder }

// Postconf returns the output of postconf for the configuration of the instance.
func (p *Instance) Postconf(ctx context.Context, args ...string) (string, error) {
	cmd, err := p.command(ctx, filepath.Join(p.o.Root.Sbin, "postconf"), args...)
	if err != nil {
		return "", err
	}
	return run(cmd)
}

// Log returns the log of the instance so far.
func (p *Instance) Log() string {
	text, err := os.ReadFile(p.o.logPath())
	if err != nil {
		if last := p.lastLog.Load(); last != nil {
			return *last
		}
	}
	return string(text)
}

// lastLines returns the last lines of the log, and what master(8) printed.
func (p *Instance) lastLines() string {
	out, _ := os.ReadFile(p.outPath()) // without the file the log is all there is
	lines := strings.Split(strings.TrimSpace(string(out)+p.Log()), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// Reload makes the instance read its main.cf, its master.cf and its maps again, and waits
// until it has begun to. Sessions that are open keep the old answers.
func (p *Instance) Reload() error {
	before := strings.Count(p.Log(), reloaded)
	var again time.Time // when the signal is sent, in case master was busy with its start
	for end := time.Now().Add(startLimit); strings.Count(p.Log(), reloaded) == before; time.Sleep(10 * time.Millisecond) {
		now := time.Now()
		if now.After(end) {
			return fmt.Errorf("reload: no answer from master: %s", p.lastLines())
		}
		if now.Before(again) {
			continue
		}
		if err := p.master.Process.Signal(syscall.SIGHUP); err != nil {
			return fmt.Errorf("reload: %w", err)
		}
		again = now.Add(startLimit / 6)
	}
	time.Sleep(200 * time.Millisecond) // master says so before it tells its daemons
	return nil
}

const reloaded = ": reload -- version "
