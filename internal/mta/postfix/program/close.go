package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// guardScript waits for the end of its standard input. Then the program that should have
// called Close is no more, and the script ends the instance: its process group is $1, its
// folder $2.
const guardScript = `read -r _; kill -9 "-$1"; rm -rf -- "$2"`

// startGuard starts the shell that ends the instance when this program is killed. The
// kernel could signal the death of a parent only to a process that keeps its user, and
// master(8) does not.
func (p *Instance) startGuard() error {
	guard := exec.Command("/bin/sh", "-c", guardScript, "sh", strconv.Itoa(p.master.Process.Pid), p.o.Folder)
	inGroup(guard)
	guard.Cancel = nil
	if _, err := guard.StdinPipe(); err != nil { // it stays open as long as this program lives
		return err
	}
	if err := guard.Start(); err != nil {
		return fmt.Errorf("the guard of Postfix: %w", err)
	}
	p.guard = guard
	return nil
}

// Close ends all processes of the instance and removes its folder. A second call does
// nothing.
func (p *Instance) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.stop()
		last := p.Log()
		p.lastLog.Store(&last)
		p.closing = errors.Join(p.logins.close(), os.RemoveAll(p.o.Folder))
	})
	return p.closing
}

// stop kills master(8) and its daemons, which are one process group. Nothing that they
// could still write is of use. The guard goes first: later the number of the group may be
// another's.
func (p *Instance) stop() {
	if p.guard != nil {
		_ = p.guard.Process.Kill() // gone is as good
		_ = p.guard.Wait()
	}
	group := p.master.Process.Pid
	for end := time.Now().Add(5 * time.Second); !gone(group) && time.Now().Before(end); time.Sleep(time.Millisecond) {
		_ = syscall.Kill(-group, syscall.SIGKILL) // no process is what is wanted
	}
	<-p.ended
}
