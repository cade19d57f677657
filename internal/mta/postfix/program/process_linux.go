package program

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// bindAccounts puts the files $1 and $2 over /etc/passwd and /etc/group, and goes on as
// the rest of its arguments.
const bindAccounts = `mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group && shift 2 && exec "$@"`

// privateAccounts makes a program see other accounts: it runs in a mount namespace of its
// own.
func privateAccounts(cmd *exec.Cmd, passwd, group string) error {
	cmd.Args = append([]string{"sh", "-c", bindAccounts, "sh", passwd, group, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	return nil
}

// gone reports whether a process group has no process left that runs. A process that has
// ended counts as gone, although whoever inherited it may be slow to notice.
func gone(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range stats {
		text, _ := os.ReadFile(path)                  // a process may end meanwhile
		_, behind, _ := bytes.Cut(text, []byte(") ")) // proc(5): pid (comm) state ppid pgrp
		fields := bytes.Fields(behind[:min(len(behind), 64)])
		if len(fields) > 2 && string(fields[2]) == strconv.Itoa(group) && fields[0][0] != 'Z' && fields[0][0] != 'X' {
			return false
		}
	}
	return true
}
